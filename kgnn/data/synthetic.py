"""Synthetic data with a planted truth: a small ontology in which one subsystem, and no other, makes the phenotype.

A method that ranks subsystems must rank the planted one first here, and must not under a shuffled structure.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kgnn.data.measured import Targets
from kgnn.data.samples import Samples
from kgnn.errors import KgnnError, unknown_choice
from kgnn.knowledge.ontology import Annotation, Ontology, Relation, Term
from kgnn.knowledge.provenance import Provenance

TOY_KINDS = ("additive", "and", "xor")
TOY_TASKS = ("regression", "classes")
CAUSAL_TERM, CHILD_A, CHILD_B = "TOY:0001", "TOY:0002", "TOY:0003"
_TERM_NAMES = {
    "TOY:0000": "whole cell", "TOY:0001": "causal subsystem", "TOY:0002": "causal child A",
    "TOY:0003": "causal child B", "TOY:0004": "inner part of A", "TOY:0005": "bystander 1", "TOY:0006": "bystander 2",
    "TOY:0007": "bystander 3", "TOY:0008": "bystander 1.1", "TOY:0009": "shared by 1 and 2",
    "TOY:0010": "shared by 2 and 3", "TOY:0011": "bystander 1.1.1", "TOY:0012": "bystander 1.1.2",
    "TOY:0013": "bystander 3.1, also below the whole cell",
}  # fmt: skip
_PARENTS = {
    "TOY:0001": "0", "TOY:0002": "1", "TOY:0003": "1", "TOY:0004": "2", "TOY:0005": "0", "TOY:0006": "0",
    "TOY:0007": "0", "TOY:0008": "5", "TOY:0009": "56", "TOY:0010": "67", "TOY:0011": "8", "TOY:0012": "8",
    "TOY:0013": "70",
}  # fmt: skip
_BYSTANDERS = ("TOY:0011", "TOY:0012", "TOY:0009", "TOY:0010", "TOY:0013", "TOY:0008", "TOY:0005")


@dataclass(frozen=True, eq=False)
class Toy:
    """What `toy` returns.

    Attributes:
        ontology: 14 terms in four levels.
        samples: Alterations with a target.
        causal_term: The one term that makes the target.
        causal_genes: Genes below it, the only ones that enter the equation.
    """

    ontology: Ontology
    samples: Samples
    causal_term: str
    causal_genes: tuple[str, ...]


def toy(
    kind: str = "additive",
    *,
    n_samples: int = 400,
    n_genes: int = 37,
    noise: float = 0.1,
    task: str = "regression",
    seed: int = 0,
) -> Toy:
    r"""A small ontology and altered genotypes whose phenotype one subsystem makes.

    The causal term is ``TOY:0001`` with two children, A (``TOY:0002``) and B (``TOY:0003``), which share no gene with
    each other or with any other branch::

        TOY:0000 (root, one gene of its own)
        ├─ 0001 CAUSAL ─┬─ 0002 A (genes) ── 0004 (genes)
        │               └─ 0003 B (genes)
        ├─ 0005 (genes) ┬─ 0008 (genes) ─┬─ 0011 (genes)
        │               │                └─ 0012 (genes)
        │               └─ 0009 (genes), child of 0005 and 0006
        ├─ 0006 ────────── 0010 (genes), child of 0006 and 0007
        ├─ 0007 ────────── 0013 (genes), child of 0007 and of the root
        └─ 0013

    With :math:`x_g = 1` where gene g is altered, and :math:`a, b = 1` where any gene of A, of B, is altered:

    .. math::
        s_\text{additive} = \sum_{g \in \text{causal}} x_g, \qquad
        s_\text{and} = a\,b, \qquad s_\text{xor} = a + b - 2ab

        y = s + \text{noise} \cdot \operatorname{sd}(s) \cdot \varepsilon, \qquad \varepsilon \sim N(0, 1)

    Genes are altered independently, at a rate for which a and b are 1 in half of the samples each: no single gene
    correlates with the XOR phenotype. For ``task="classes"`` a sample is ``"high"`` where y exceeds 1/2 (AND, XOR) or
    the expected sum (additive), else ``"low"``.

    Args:
        kind: ``"additive"``, ``"and"`` or ``"xor"``.
        n_samples: Number of samples, at least 2.
        n_genes: Number of genes, at least 20; about a fifth of them are causal. Names are ``G00``, ``G01`` …; their
            order has nothing to do with the terms.
        noise: Standard deviation of the noise in units of that of the signal.
        task: ``"regression"`` or ``"classes"``.
        seed: Same arguments and seed, same toy. The ontology depends on `n_genes` alone.

    Returns:
        Ontology, samples and the truth.

    Raises:
        KgnnError: If a choice is unknown or a number too small.

    Example:
        >>> example = toy("xor", n_samples=50)
        >>> example.causal_term, len(example.causal_genes), example.samples.inputs().shape
        ('TOY:0001', 7, (50, 37))
    """
    if kind not in TOY_KINDS:
        raise unknown_choice("kind", kind, TOY_KINDS)
    if task not in TOY_TASKS:
        raise unknown_choice("task", task, TOY_TASKS)
    if n_genes < 20 or n_samples < 2 or noise < 0:
        raise KgnnError(
            f"a toy of {n_samples} samples, {n_genes} genes and noise {noise:g} cannot be made. "
            "Choose at least 2 samples, at least 20 genes and no negative noise."
        )
    ontology = _toy_ontology(n_genes)
    rng = np.random.default_rng(seed)
    genes = ontology.genes
    in_a, in_b = (np.array([gene in ontology.gene_sets[child] for gene in genes]) for child in (CHILD_A, CHILD_B))
    genes_in_group = np.where(in_b, in_b.sum(), in_a.sum())
    rate = 1 - 0.5 ** (1 / genes_in_group)
    altered = rng.random((n_samples, n_genes)) < rate
    signal, threshold = _signal(kind, altered, in_a, in_b, rate)
    phenotype = signal + noise * max(float(signal.std()), 1e-6) * rng.standard_normal(n_samples)
    if task == "classes":
        targets = Targets((phenotype > threshold).astype(np.int32), ("low", "high"), "classes")
    else:
        targets = Targets(phenotype.astype(np.float32)[:, None], ("phenotype",), "regression")
    made = f"toy(kind={kind}, n_samples={n_samples}, n_genes={n_genes}, noise={noise:g}, task={task}, seed={seed})"
    samples = Samples.from_values(
        altered.astype(np.uint8), genes, meaning="alteration", targets=targets, provenance=Provenance().after(made)
    )
    return Toy(ontology, samples, CAUSAL_TERM, tuple(gene for gene in genes if gene in ontology.gene_sets[CAUSAL_TERM]))


def _signal(
    kind: str, altered: np.ndarray, in_a: np.ndarray, in_b: np.ndarray, rate: np.ndarray
) -> tuple[np.ndarray, float]:
    """The phenotype without noise, and the value that parts the two classes."""
    if kind == "additive":
        causal = in_a | in_b
        return np.asarray(altered[:, causal] @ np.ones(causal.sum())), float(rate[causal].sum())
    any_a, any_b = np.any(altered[:, in_a], axis=1), np.any(altered[:, in_b], axis=1)
    met = np.logical_and(any_a, any_b) if kind == "and" else np.logical_xor(any_a, any_b)
    return np.asarray(met, dtype=np.float64), 0.5


def _toy_ontology(n_genes: int) -> Ontology:
    shuffled = np.random.default_rng(n_genes).permutation(n_genes)
    width = max(2, len(str(n_genes - 1)))
    genes = [f"G{number:0{width}d}" for number in shuffled]
    n_a = max(3, round(n_genes / 9))
    causal = {CHILD_A: genes[: n_a // 2], "TOY:0004": genes[n_a // 2 : n_a], CHILD_B: genes[n_a : 2 * n_a - 1]}
    annotations = [Annotation(gene, term) for term, members in causal.items() for gene in members]
    others = genes[2 * n_a - 1 :]
    annotations.append(Annotation(others[0], "TOY:0000"))
    for position, gene in enumerate(others[1:]):
        annotations.append(Annotation(gene, _BYSTANDERS[position % len(_BYSTANDERS)]))
        if position % 5 == 4:
            annotations.append(Annotation(gene, _BYSTANDERS[(position + 3) % len(_BYSTANDERS)]))
    relations = [
        Relation(child, f"TOY:{int(parent):04d}", "is_a" if position == 0 else "part_of")
        for child, parents in _PARENTS.items()
        for position, parent in enumerate(parents)
    ]
    terms = {term: Term(term, name, "toy") for term, name in _TERM_NAMES.items()}
    return Ontology(terms, tuple(relations), tuple(annotations), Provenance().after(f"toy ontology of {n_genes} genes"))


def random_ontology(
    n_terms: int,
    n_genes: int,
    seed: int = 0,
    *,
    second_parent: float = 0.3,
    second_annotation: float = 0.5,
) -> Ontology:
    """An ontology on a random rooted DAG, for tests of scale and of properties.

    One root, no cycle, shortcuts across levels, genes annotated at any level; every gene is annotated at least once
    and every term has at least one gene at or below it. The depth grows with the logarithm of the number of terms.

    Args:
        n_terms: Number of terms, named ``T0`` (the root), ``T1`` …
        n_genes: Number of genes, named ``G0``, ``G1`` …
        seed: Same arguments and seed, same ontology.
        second_parent: Chance that a term has a second parent.
        second_annotation: Chance that a gene is annotated to a second term.

    Returns:
        The ontology.

    Raises:
        KgnnError: If there is no term or no gene.

    Example:
        >>> ontology = random_ontology(5, 7, seed=1)
        >>> ontology.roots, len(ontology.genes)
        (('T0',), 7)
    """
    if n_terms < 1 or n_genes < 1:
        raise KgnnError(f"an ontology cannot have {n_terms} terms and {n_genes} genes. Ask for at least 1 of each.")
    rng = np.random.default_rng(seed)
    relations: dict[Relation, None] = {}
    for child in range(1, n_terms):
        first = int(rng.integers(child))
        relations[Relation(f"T{child}", f"T{first}", "is_a")] = None
        second = int(rng.integers(child))
        if rng.random() < second_parent and second != first:
            relations[Relation(f"T{child}", f"T{second}", "part_of")] = None
    annotations: dict[Annotation, None] = {}
    for gene in range(n_genes):
        annotations[Annotation(f"G{gene}", f"T{rng.integers(n_terms)}")] = None
        if rng.random() < second_annotation:
            annotations[Annotation(f"G{gene}", f"T{rng.integers(n_terms)}")] = None
    parents = {relation.parent for relation in relations}
    annotated = {annotation.term for annotation in annotations}
    for term in range(n_terms):
        if f"T{term}" not in parents and f"T{term}" not in annotated:
            annotations[Annotation(f"G{rng.integers(n_genes)}", f"T{term}")] = None
    terms = {f"T{term}": Term(f"T{term}", f"T{term}") for term in range(n_terms)}
    made = f"random_ontology(n_terms={n_terms}, n_genes={n_genes}, seed={seed})"
    return Ontology(terms, tuple(relations), tuple(annotations), Provenance().after(made))
