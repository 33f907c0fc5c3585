"""What the words for an interaction mean that SIF and CX2 put between two nodes: direction and sign.

`UNDIRECTED`, `DIRECTED`, `ACTIVATES` and `INHIBITS` stand for an edge of which nothing else is known; any other word is
kept as evidence.
"""

from __future__ import annotations

from typing import NamedTuple

UNDIRECTED, DIRECTED, ACTIVATES, INHIBITS = "pp", "pd", "activates", "inhibits"


class Meaning(NamedTuple):
    """What an interaction says: whether it has a direction, its sign, and the evidence to keep."""

    directed: bool
    sign: int
    evidence: str


_PLAIN = {
    UNDIRECTED: Meaning(False, 0, ""),
    DIRECTED: Meaning(True, 0, ""),
    ACTIVATES: Meaning(True, 1, ""),
    INHIBITS: Meaning(True, -1, ""),
}
# The binary relations of Pathway Commons, and what Cytoscape's and SIGNOR's users write.
_DIRECTED_WORDS = {
    **dict.fromkeys(("activation", "stimulation", "stimulates", "up-regulates", "->", "+"), 1),
    **dict.fromkeys(("inhibition", "repression", "represses", "down-regulates", "-|", "--|"), -1),
    **dict.fromkeys(
        (
            "controls-state-change-of", "controls-transport-of", "controls-phosphorylation-of",
            "controls-expression-of", "catalysis-precedes", "consumption-controlled-by", "controls-production-of",
            "controls-transport-of-chemical", "chemical-affects", "used-to-produce", "regulates", "phosphorylates",
        ),
        0,
    ),
}  # fmt: skip

KNOWN_WORDS = frozenset([*_PLAIN, *_DIRECTED_WORDS])
"""Words that mean an interaction and nothing else, in small letters."""


def meaning_of(interaction: str, directed: bool | None = None) -> Meaning:
    """What an interaction says.

    Args:
        interaction: The word between two nodes.
        directed: Whether words that are not known have a direction; they have none where None.

    Returns:
        Its meaning.

    Example:
        >>> meaning_of("inhibits"), meaning_of("in-complex-with").directed
        (Meaning(directed=True, sign=-1, evidence=''), False)
    """
    if interaction in _PLAIN:
        return _PLAIN[interaction]
    if interaction.lower() in _DIRECTED_WORDS:
        return Meaning(True, _DIRECTED_WORDS[interaction.lower()], interaction)
    return Meaning(bool(directed), 0, interaction)


def interaction_of(directed: bool, sign: int, evidence: str) -> str:
    """The word for an edge; `meaning_of` gives the same edge back, as far as one word can.

    Args:
        directed: Whether it has a direction.
        sign: Its sign.
        evidence: Its evidence.

    Returns:
        The evidence where there is any, else the word for direction and sign.
    """
    if evidence:
        return evidence
    return ({1: ACTIVATES, -1: INHIBITS}.get(sign, DIRECTED)) if directed else UNDIRECTED
