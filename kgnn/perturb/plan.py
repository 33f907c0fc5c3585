"""`Plan`: which perturbations were asked for, checked against the model's names, each once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import combinations
from typing import Protocol

from kgnn.errors import AlignmentError, KgnnError, name_some
from kgnn.perturb.reach import Perturbation
from kgnn.perturb.reach import Reach as Reach

Names = str | Iterable[str] | None
Pairs = str | Iterable[tuple[str, str]] | None


@dataclass(frozen=True)
class Plan:
    """Perturbations, and what to call them.

    Attributes:
        names: Of the perturbations.
        kinds: ``"gene"``, ``"pair"`` or ``"subsystem"``.
        perturbations: What each knocks down; single genes come first, then pairs, then subsystems.
    """

    names: tuple[str, ...]
    kinds: tuple[str, ...]
    perturbations: tuple[Perturbation, ...]

    @property
    def has_genes(self) -> bool:
        """Whether a gene is knocked down anywhere."""
        return any(kind != "subsystem" for kind in self.kinds)

    def singles_of_pairs(self) -> dict[int, tuple[int, int]]:
        """For each pair, by its position, the positions of the knockdowns of its two genes."""
        single = {each.genes[0]: row for row, each in enumerate(self.perturbations) if self.kinds[row] == "gene"}
        return {
            row: (single[each.genes[0]], single[each.genes[1]])
            for row, each in enumerate(self.perturbations)
            if self.kinds[row] == "pair"
        }


class Named(Protocol):
    """What has genes and terms by name: a model, or a hierarchy."""

    @property
    def genes(self) -> tuple[str, ...]:
        """Names of genes, in their order."""
        ...

    @property
    def terms(self) -> tuple[str, ...]:
        """Ids of terms, in their order."""
        ...


def make_plan(named: Named, genes: Names, pairs: Pairs, subsystems: Names) -> Plan:
    """Check what was asked for and put it in order; whatever comes twice is kept once.

    Args:
        named: The model, or its hierarchy.
        genes: Gene names, one name, ``"all"`` or None.
        pairs: Pairs of gene names, ``"all"`` or None.
        subsystems: Term ids, one id, ``"all"`` or None.

    Returns:
        The plan; both genes of every pair are in it by themselves as well.

    Raises:
        AlignmentError: If a gene or a term is unknown.
        KgnnError: If something is no pair, or there is nothing to knock down.
    """
    every_pair = isinstance(pairs, str)
    if every_pair and pairs != "all":
        raise KgnnError(f"pairs is {pairs!r}. Give pairs of gene names, or 'all'.")
    single = _chosen("gene", "all" if genes is None and every_pair else genes, named.genes)
    if every_pair and len(single) < 2:
        raise KgnnError(f"pairs='all' of {len(single)} genes gives no pair. Name at least two genes, or leave genes=.")
    two = list(combinations(single, 2)) if every_pair else _distinct_pairs(pairs, named.genes)  # type: ignore[arg-type]
    singles = dict.fromkeys([*single, *(gene for pair in two for gene in pair)])
    terms = _chosen("term", subsystems, named.terms)
    gene_at = {gene: position for position, gene in enumerate(named.genes)}
    term_at = {term: position for position, term in enumerate(named.terms)}
    planned = [(gene, "gene", Perturbation(genes=(gene_at[gene],))) for gene in singles]
    planned += [(f"{a}+{b}", "pair", Perturbation(genes=(gene_at[a], gene_at[b]))) for a, b in two]
    planned += [(term, "subsystem", Perturbation(terms=(term_at[term],))) for term in terms]
    if not planned:
        raise KgnnError("there is nothing to knock down. Name genes, pairs or subsystems, or give 'all'.")
    names, kinds, perturbations = zip(*planned, strict=True)
    return Plan(names, kinds, perturbations)


def _chosen(what: str, wanted: Names, known: Sequence[str]) -> list[str]:
    if wanted is None:
        return []
    if isinstance(wanted, str):
        wanted = known if wanted == "all" else [wanted]
    names = list(dict.fromkeys(wanted))
    _refuse_unknown(what, names, known)
    return names


def _distinct_pairs(pairs: Iterable[tuple[str, str]] | None, genes: Sequence[str]) -> list[tuple[str, str]]:
    """Pairs of two different known genes; the same two in the other order are the same pair."""
    listed = list(pairs or ())
    wrong = [pair for pair in listed if isinstance(pair, str) or len(pair) != 2 or pair[0] == pair[1]]
    if wrong:
        raise KgnnError(
            f"{len(wrong):,} of {len(listed):,} pairs are not two different genes: {name_some(wrong)}. "
            "Give pairs such as ('TP53', 'MDM2')."
        )
    _refuse_unknown("gene", (gene for pair in listed for gene in pair), genes)
    distinct: dict[frozenset[str], tuple[str, str]] = {}
    for a, b in listed:
        distinct.setdefault(frozenset((a, b)), (a, b))
    return list(distinct.values())


def _refuse_unknown(what: str, names: Iterable[str], known: Sequence[str]) -> None:
    lookup = frozenset(known)
    unknown = list(dict.fromkeys(name for name in names if name not in lookup))
    if not unknown:
        return
    # Capitals are the commonest difference, and the matcher would see none of them as close.
    by_capitals = {name.upper(): name for name in known}
    close = [
        by_capitals[match] for name in unknown[:3] for match in get_close_matches(str(name).upper(), by_capitals, n=2)
    ]
    have = f"It has {name_some(known, 3)}." if known else f"It has no {what}s. Choose a model that has some."
    have = f"Did you mean {' or '.join(dict.fromkeys(close))}?" if close else have
    some = f"{len(unknown):,} {what}{'s' if len(unknown) > 1 else ''}"
    raise AlignmentError(f"the model does not know {some}: {name_some(unknown)}. {have}")
