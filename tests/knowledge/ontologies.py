"""Random ontologies with the names that people give: blanks, signs of every format, unicode."""

from __future__ import annotations

from hypothesis import strategies

from kgnn.knowledge import Annotation, Ontology, Relation, Term

NAMES = strategies.text(
    alphabet=strategies.sampled_from(list("aZ09 _.:/(+[]{}!\\\"'&<>,;=#-éβ")), min_size=1, max_size=6
).filter(lambda name: name == name.strip() and not name.startswith(("#", "!")))


@strategies.composite
def ontologies(draw: strategies.DrawFn) -> Ontology:
    """Acyclic, with up to seven terms, several roots, relation types and evidence codes."""
    names = draw(strategies.lists(NAMES, min_size=1, max_size=7, unique=True))
    genes = draw(strategies.lists(NAMES, min_size=1, max_size=4, unique=True))
    spaces = strategies.sampled_from(["", "a_process"])
    terms = {name: Term(name, draw(NAMES), draw(spaces)) for name in names}
    pairs = [(child, parent) for index, child in enumerate(names) for parent in names[:index]]
    kinds = strategies.sampled_from(["is_a", "part_of", "default"])
    relations = dict.fromkeys(Relation(*pair, draw(kinds)) for pair in pairs if draw(strategies.booleans()))
    codes = strategies.sampled_from(["", "IDA", "IEA"])
    members = strategies.tuples(strategies.sampled_from(genes), strategies.sampled_from(names), codes)
    annotations = dict.fromkeys(Annotation(*each) for each in draw(strategies.lists(members, min_size=1, max_size=8)))
    return Ontology(terms, tuple(relations), tuple(annotations))
