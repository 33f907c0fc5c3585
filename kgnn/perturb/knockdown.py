"""`knockdown`: virtual knockdowns of genes, gene pairs and subsystems, as one tidy table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches
from itertools import combinations
from typing import TYPE_CHECKING

import jax.numpy as jnp
import numpy as np

from kgnn.data.samples import Modality, Samples
from kgnn.errors import AlignmentError, KgnnError, name_some
from kgnn.perturb.forward import Batch, Changes, changes, knocked_down_value, wild_type
from kgnn.structure import Hierarchy
from kgnn.train.engine import batch_inputs, device_data
from kgnn.train.run import Run

if TYPE_CHECKING:
    import pandas

COLUMNS = (
    "perturbation", "kind", "dose", "target", "name", "label", "wild_type",
    "effect", "effect_sd", "n_samples", "unit", "epistasis",
)  # fmt: skip
BATCH = 64
"""Perturbations a compiled call."""


def knockdown(
    run: Run,
    genes: str | Iterable[str] | None = None,
    *,
    pairs: str | Iterable[tuple[str, str]] | None = None,
    subsystems: str | Iterable[str] | None = None,
    samples: Samples | None = None,
    dose: float = 1.0,
    states: bool = True,
    max_samples: int = 256,
    progress: Callable[[int, int], None] | None = None,
) -> pandas.DataFrame:
    r"""Predict what happens when genes, pairs of genes or subsystems are knocked down.

    An altered gene (``meaning="alteration"``) goes to 1, an abundance to 0; a dose between 0 and 1 goes that share of
    the way. A subsystem is knocked down by replacing its state by its mean over the training samples. The effect is
    that of the *network*: it says what the model has learned, and is a hypothesis about the cell.

    .. math:: \Delta_p = \frac{1}{N}\sum_i f(x_i^{(p)}) - f(x_i), \qquad
        \epsilon_{ij} = f_{ij} - f_i - f_j + f_0

    Args:
        run: A run, from `kgnn.fit` or `kgnn.load_run`.
        genes: Gene names, one name, or ``"all"``.
        pairs: Pairs of gene names; or ``"all"`` for every pair of `genes` (of all genes where `genes` is None).
        subsystems: Term ids, one id, or ``"all"``.
        samples: Samples to perturb. Where None: for alterations alone, the wild type (nothing altered); else the
            run's held-out samples.
        dose: Between 0 (nothing) and 1 (complete).
        states: Whether to report the change of every subsystem's state as well.
        max_samples: Most samples to average over, drawn with the run's seed where there are more.
        progress: Called with the number of perturbations done and their total.

    Returns:
        A table. Rows with target ``"output"`` hold the mean change of a prediction (``effect``, in ``unit``), its
        standard deviation over samples, the mean prediction without the perturbation and, for pairs, the epistasis.
        Rows with target ``"subsystem"`` hold the root mean square change of a term's states; terms that cannot
        change, because they are not above the perturbed gene, are left out.

    Raises:
        AlignmentError: If the model does not know a gene or term; the message names them.
        KgnnError: If there is nothing to knock down, or the samples have no value that means absent.

    References:
        Ma et al. 2018, doi:10.1038/nmeth.4627 (genotypes); Holzscheck et al. 2021, doi:10.1038/s41514-021-00068-5
        (virtual knockdown of expression).
    """
    if not 0 <= dose <= 1:
        raise KgnnError(f"dose is {dose:g}, but must be between 0 (nothing) and 1 (a complete knockdown).")
    hierarchy = run.hierarchy
    samples = _samples_to_perturb(run, samples, max_samples)
    plan = _Plan.of(hierarchy, genes, pairs, subsystems)
    inputs = batch_inputs(device_data(samples), jnp.arange(len(samples)))
    value = knocked_down_value(samples) if plan.n_genes else 0.0
    before = np.asarray(wild_type(run.model, inputs)[0]).mean(axis=0)
    found = _in_batches(plan, lambda batch: changes(run.model, inputs, batch, dose=dose, value=value), progress)
    return _table(run, plan, found, before, dose, len(samples), states)


def wild_type_sample(samples: Samples) -> Samples:
    """One sample in which no gene is altered.

    Args:
        samples: With alterations as their only modality.

    Returns:
        The sample, without a target.
    """
    name = samples.gene_modality
    table = Modality(np.zeros((1, len(samples.genes)), np.float32), samples.genes, ("wild type",), samples.meaning)
    return Samples(("wild type",), {name: table}, {name: np.zeros(1, np.int32)})


def _samples_to_perturb(run: Run, samples: Samples | None, most: int) -> Samples:
    if samples is None:
        samples = run.samples
        if samples.meaning == "alteration" and len(samples.modalities) == 1:
            samples = wild_type_sample(samples)
    samples = samples.with_genes(run.hierarchy.genes)
    if len(samples) <= most:
        return samples
    return samples.take(np.sort(np.random.default_rng(run.seed).choice(len(samples), most, replace=False)))


class _Plan:
    """Perturbations to compute, and what to call them."""

    def __init__(self, hierarchy: Hierarchy, perturbations: list[tuple[str, str, tuple[int, ...]]]):
        self.hierarchy = hierarchy
        self.names = [name for name, _, _ in perturbations]
        self.kinds = [kind for _, kind, _ in perturbations]
        self.members = [members for _, _, members in perturbations]
        self.n_genes = sum(kind != "subsystem" for kind in self.kinds)

    @classmethod
    def of(
        cls,
        hierarchy: Hierarchy,
        genes: str | Iterable[str] | None,
        pairs: str | Iterable[tuple[str, str]] | None,
        subsystems: str | Iterable[str] | None,
    ) -> _Plan:
        every_pair = isinstance(pairs, str)
        if every_pair and pairs != "all":
            raise KgnnError(f"pairs is {pairs!r}. Give pairs of gene names, or 'all'.")
        single = _chosen("gene", genes if genes is not None or not every_pair else "all", hierarchy.genes)
        position = {gene: index for index, gene in enumerate(hierarchy.genes)}
        named = list(combinations(single, 2)) if every_pair else [tuple(pair) for pair in pairs or ()]  # type: ignore
        _refuse_unknown("gene", (gene for pair in named for gene in pair), hierarchy.genes)
        same = [pair for pair in named if len(set(pair)) != 2]
        if same:
            raise KgnnError(f"{len(same)} pairs are not two different genes: {name_some(same)}.")
        singles = dict.fromkeys([*single, *(gene for pair in named for gene in pair)])
        terms = _chosen("term", subsystems, hierarchy.terms)
        perturbations = [(gene, "gene", (position[gene],)) for gene in singles]
        perturbations += [(f"{a}+{b}", "pair", (position[a], position[b])) for a, b in named]
        perturbations += [(term, "subsystem", (hierarchy.term_index[term],)) for term in terms]
        if not perturbations:
            raise KgnnError("nothing to knock down. Name genes, pairs or subsystems, or give 'all'.")
        return cls(hierarchy, perturbations)

    def batch(self, first: int) -> Batch:
        """The perturbations from one on, padded with empty ones."""
        gene_columns = np.full((BATCH, 2), self.hierarchy.n_genes, dtype=np.int32)
        gates = np.ones((BATCH, self.hierarchy.n_terms), dtype=np.float32)
        for row, (kind, members) in enumerate(
            zip(self.kinds[first : first + BATCH], self.members[first : first + BATCH], strict=True)
        ):
            if kind == "subsystem":
                gates[row, members[0]] = 0.0
            else:
                gene_columns[row, : len(members)] = members
        return Batch(jnp.asarray(gene_columns), jnp.asarray(gates))

    def reach(self) -> list[np.ndarray]:
        """For each perturbation, the positions of the terms that it can change."""
        hierarchy = self.hierarchy
        terms_of_gene: list[list[int]] = [[] for _ in hierarchy.genes]
        for term, genes in enumerate(hierarchy.gene_sets):
            for gene in genes:
                terms_of_gene[gene].append(term)
        return [
            hierarchy.ancestors(members[0])
            if kind == "subsystem"
            else np.unique(np.concatenate([terms_of_gene[gene] for gene in members]).astype(np.int64))
            for kind, members in zip(self.kinds, self.members, strict=True)
        ]


def _chosen(what: str, wanted: str | Iterable[str] | None, known: Sequence[str]) -> list[str]:
    if wanted is None:
        return []
    if isinstance(wanted, str):
        return list(known) if wanted == "all" else _chosen(what, [wanted], known)
    names = list(dict.fromkeys(wanted))
    _refuse_unknown(what, names, known)
    return names


def _refuse_unknown(what: str, names: Iterable[str], known: Sequence[str]) -> None:
    lookup = frozenset(known)
    unknown = list(dict.fromkeys(name for name in names if name not in lookup))
    if unknown:
        close = get_close_matches(unknown[0], known, n=3)
        hint = f" Did you mean {' or '.join(close)}?" if close else f" It has {name_some(known, 3)}."
        raise AlignmentError(f"the model does not know {len(unknown)} {what}s: {name_some(unknown)}.{hint}")


def _in_batches(
    plan: _Plan, compute: Callable[[Batch], Changes], progress: Callable[[int, int], None] | None
) -> Changes:
    parts = []
    for first in range(0, len(plan.names), BATCH):
        parts.append(compute(plan.batch(first)))
        if progress is not None:
            progress(min(first + BATCH, len(plan.names)), len(plan.names))
    joined = (np.concatenate(each)[: len(plan.names)] for each in zip(*parts, strict=True))
    return Changes(*joined)


def _table(
    run: Run, plan: _Plan, found: Changes, before: np.ndarray, dose: float, n_samples: int, states: bool
) -> pandas.DataFrame:
    import pandas

    n, outputs = len(plan.names), run.output_names
    single = {name: row for row, (name, kind) in enumerate(zip(plan.names, plan.kinds, strict=True)) if kind == "gene"}
    epistasis = np.full(found.effect.shape, np.nan)
    for row, kind in enumerate(plan.kinds):
        if kind == "pair":
            a, b = (single[plan.hierarchy.genes[gene]] for gene in plan.members[row])
            epistasis[row] = found.effect[row] - found.effect[a] - found.effect[b]
    unit = "target" if run.model.task == "regression" else "probability"
    parts = [
        {
            "perturbation": np.repeat(plan.names, len(outputs)),
            "kind": np.repeat(plan.kinds, len(outputs)),
            "target": np.full(n * len(outputs), "output"),
            "name": np.tile(outputs, n),
            "label": np.tile(outputs, n),
            "wild_type": np.tile(before, n),
            "effect": found.effect.reshape(-1),
            "effect_sd": found.spread.reshape(-1) if n_samples > 1 else np.full(found.spread.size, np.nan),
            "unit": np.full(n * len(outputs), unit),
            "epistasis": epistasis.reshape(-1),
        }
    ]
    if states:
        parts.append(_state_columns(plan, found))
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    table = pandas.DataFrame(columns).assign(dose=dose, n_samples=n_samples)
    return table[list(COLUMNS)]


def _state_columns(plan: _Plan, found: Changes) -> dict[str, np.ndarray]:
    reach = plan.reach()
    row = np.repeat(np.arange(len(plan.names)), [len(terms) for terms in reach])
    term = np.concatenate(reach)
    unknown = np.full(len(row), np.nan)
    return {
        "perturbation": np.asarray(plan.names)[row],
        "kind": np.asarray(plan.kinds)[row],
        "target": np.full(len(row), "subsystem"),
        "name": np.asarray(plan.hierarchy.terms)[term],
        "label": np.asarray(plan.hierarchy.term_names)[term],
        "wild_type": unknown,
        "effect": found.states[row, term],
        "effect_sd": unknown,
        "unit": np.full(len(row), "state"),
        "epistasis": unknown,
    }
