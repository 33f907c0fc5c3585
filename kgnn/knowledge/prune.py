"""Rules that make a published ontology small enough to be a network, each by name.

Every rule returns a new `Ontology` whose losses name exactly what it removed, and none changes the genes of a term
that stays (the true-path rule; restricting to measured genes and choosing a root, by their purpose, do). A root is
never removed while it holds a gene. `prune` applies the rules in one documented order.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType
from typing import Any

from kgnn.errors import KgnnError, unknown_choice
from kgnn.knowledge import rules
from kgnn.knowledge.ontology import Ontology
from kgnn.knowledge.restrict import keep_below, keep_genes

PRUNING_PRESETS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "drugcell": MappingProxyType(
            {"min_genes": 10, "min_extra_genes": 30, "max_height": 4, "most_specific_only": True}
        )
    }
)
"""Published rules as arguments: ``prune(ontology, **PRUNING_PRESETS["drugcell"])``.

``"drugcell"``
    Terms with at least 10 genes, at least 30 more than any child, depth at most 5 (Kuenzi et al. 2020, Cancer Cell
    38:672). Which end the depth limit cuts was read off the published hierarchy: it has the lowest five levels of
    the Gene Ontology directly under the root and none of the general terms between (``max_height=4``), and no gene
    at a term that also has it from below.
"""


def prune(
    ontology: Ontology,
    *,
    genes: Collection[str] | None = None,
    root: str | None = None,
    min_genes: int | None = None,
    max_genes: int | None = None,
    min_extra_genes: int | None = None,
    max_depth: int | None = None,
    max_height: int | None = None,
    merge_identical: bool = False,
    collapse_chains: bool = False,
    most_specific_only: bool = False,
    super_root: str | None = None,
) -> Ontology:
    """The ontology cut by named rules, in this order.

    1. `root`, 2. `genes`, 3. empty terms (always), 4. `super_root`, 5. `max_genes`, 6. `min_genes`,
    7. `merge_identical`, 8. `min_extra_genes`, 9. `collapse_chains`, 10. `max_height`, 11. `max_depth`,
    12. `most_specific_only`.

    Genes of removed terms move to the nearest kept ancestors, so that no annotation is lost. Sizes count the genes
    of a term and of everything below it. Because the size rules come first, height and depth are counted in the
    hierarchy that they leave.

    Args:
        ontology: An acyclic ontology with annotations.
        genes: Keep the annotations of these (measured) genes only; `keep_genes`.
        root: Keep this term and what is below it; `keep_below`.
        min_genes: Remove terms with fewer genes; `remove_small`.
        max_genes: Remove terms with more genes, except roots; `remove_large`.
        min_extra_genes: Remove terms that hold fewer genes more than their largest child; `remove_similar`.
        max_depth: Remove the terms further below the root (the specific ones); `limit_depth`.
        max_height: Remove the terms further above the lowest terms (the general ones), except roots; `limit_height`.
        merge_identical: Make one of terms with the same genes; `merge_same_genes`.
        collapse_chains: Remove terms that only pass on a single child; `collapse_single_children`.
        most_specific_only: Keep a gene at the lowest terms that have it; `keep_most_specific`.
        super_root: Id of a new term above all roots, where there are several; `join_roots`.

    Returns:
        The smaller ontology; its losses name everything removed, by rule.

    Raises:
        StructureError: If `root` is unknown, the relations form a cycle, or the ontology has no annotation.
        AlignmentError: If none of `genes` is annotated.
        KgnnError: If a number is negative.

    Example:
        >>> from kgnn.knowledge.ontology import Annotation, Relation, Term
        >>> terms = {term: Term(term, term) for term in ("root", "big", "small")}
        >>> relations = (Relation("big", "root"), Relation("small", "root"))
        >>> annotations = tuple(Annotation(f"g{i}", "big") for i in range(3)) + (Annotation("g9", "small"),)
        >>> pruned = prune(Ontology(terms, relations, annotations), min_genes=2)
        >>> list(pruned.terms), pruned.losses
        (['root', 'big'], (Loss(what='term', reason='fewer than 2 genes', names=('small',)),))
    """
    steps: list[tuple[str, Any, Callable[..., Ontology]]] = [
        ("root", root, keep_below),
        ("genes", genes, keep_genes),
        ("", True, rules.remove_empty),
        ("super_root", super_root, rules.join_roots),
        ("max_genes", max_genes, rules.remove_large),
        ("min_genes", min_genes, rules.remove_small),
        ("merge_identical", merge_identical, rules.merge_same_genes),
        ("min_extra_genes", min_extra_genes, rules.remove_similar),
        ("collapse_chains", collapse_chains, rules.collapse_single_children),
        ("max_height", max_height, rules.limit_height),
        ("max_depth", max_depth, rules.limit_depth),
        ("most_specific_only", most_specific_only, rules.keep_most_specific),
    ]
    steps = [step for step in steps if step[1] is not None and step[1] is not False]
    settings = {name: f"{len(value):,} measured" if name == "genes" else value for name, value, _ in steps if name}
    for name, value in settings.items():
        if isinstance(value, int) and value < 0:
            raise KgnnError(f"{name} is {value}. Give a number that is not negative, or leave it out.")
    if settings:
        ontology = ontology.changed(f"pruned with {', '.join(f'{name}={value}' for name, value in settings.items())}")
    for _, value, rule in steps:
        ontology = rule(ontology) if value is True else rule(ontology, value)
    return ontology


def pruning_rules(preset: str | None = None, **rules: Any) -> dict[str, Any]:
    """Arguments for `prune`: those of a preset, with some replaced.

    Args:
        preset: Name of one of `PRUNING_PRESETS`, or None.
        **rules: Further arguments; those that are None are left out.

    Returns:
        The arguments.

    Raises:
        KgnnError: If there is no such preset.

    Example:
        >>> pruning_rules("drugcell", min_genes=5, max_genes=None)["min_genes"]
        5
    """
    if preset is not None and preset not in PRUNING_PRESETS:
        raise unknown_choice("prune", preset, PRUNING_PRESETS)
    chosen = {} if preset is None else dict(PRUNING_PRESETS[preset])
    return chosen | {name: value for name, value in rules.items() if value is not None}


def losses_by_reason(ontology: Ontology) -> dict[tuple[str, str], int]:
    """How many things were lost, by what they are and why.

    Example:
        >>> from kgnn.knowledge.ontology import Loss
        >>> ontology = Ontology({}, (), (), losses=(Loss("gene", "not measured", ("TP53", "EGFR")),))
        >>> losses_by_reason(ontology)
        {('gene', 'not measured'): 2}
    """
    counts: dict[tuple[str, str], int] = {}
    for loss in ontology.losses:
        key = (loss.what, loss.reason)
        counts[key] = counts.get(key, 0) + len(loss.names)
    return counts
