"""A screen cut into blocks of perturbations and samples, each computed by itself, in an order that never changes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from kgnn.data.samples import Samples
from kgnn.models.contract import Model
from kgnn.perturb.difference import Differences, Start
from kgnn.perturb.plan import Plan
from kgnn.perturb.reach import Perturbation
from kgnn.perturb.region import Shape
from kgnn.train.device_data import Data, batch_inputs, device_data

ROWS = 1 << 18
"""Rows of a block of single knockdowns, about."""
MOST_STATES = 1 << 27
"""Numbers that the states of all columns may take, once; there are two to four such arrays."""
COLUMNS = 2_048
"""Columns computed at once at most: more do not stay in cache."""
SHARED_SAMPLES = 16_384
"""Samples computed at once where they share their columns."""
PAIR_COLUMNS = 128
"""Columns of a block of pairs, about: first genes times samples."""


class Block(NamedTuple):
    """Rows of a result.

    Attributes:
        perturbation: int32 ``[row]``.
        sample: int32 ``[row]``.
        effect: float32 ``[row, output]``.
        epistasis: float32 ``[row, output]``, NaN for single genes.
        terms: int32 ``[row, top]``: the terms whose states change most, -1 where fewer change.
        moved: float32 ``[row, top]``: by how much.
    """

    perturbation: np.ndarray
    sample: np.ndarray
    effect: np.ndarray
    epistasis: np.ndarray
    terms: np.ndarray
    moved: np.ndarray

    @property
    def strength(self) -> np.ndarray:
        """float32 ``[row]``: the largest absolute effect over the outputs."""
        return np.abs(self.effect).max(axis=1)

    def take(self, rows: np.ndarray) -> Block:
        """Some of the rows: their positions, or a mask."""
        return Block(*(each[rows] for each in self))


class Work(NamedTuple):
    """What a block is made of.

    Attributes:
        first: First sample.
        last: One past the last sample.
        perturbations: Positions in the plan; all of them single genes, or all of them pairs.
    """

    first: int
    last: int
    perturbations: np.ndarray


class Screening:
    """Computes the blocks of a screen.

    Args:
        model: A fitted model for which `kgnn.perturb.difference.follows` holds.
        samples: With the genes of the model, in its order.
        plan: The perturbations, single genes and pairs of them.
        dose: Between 0 and 1.
        value: Of a gene that is knocked down.
        task: Of the model and scale, from `kgnn.perturb.natural.task_on_scale`.
        top_k: Terms to keep for every perturbation and sample.
    """

    def __init__(self, model: Model, samples: Samples, plan: Plan, *, dose: float, value: float, task: str, top_k: int):
        self.differences = Differences(model)
        self.samples, self.plan, self.task, self.top_k = samples, plan, task, top_k
        self.how = {"dose": dose, "value": value}
        self.chunk, self.n_columns = self._chunk()
        self._start: tuple[int, Start] | None = None
        self._effects: tuple[int, dict[int, np.ndarray]] = (-1, {})

    def _chunk(self) -> tuple[int, int]:
        """Samples computed at once, and the columns that they take."""
        n = len(self.samples)
        n_numbers = self.differences.network.mean.size
        most = int(np.clip(MOST_STATES // n_numbers, 16, COLUMNS))
        rows = len(self.samples.modalities[self.samples.gene_modality].values)
        shared = len(self.samples.modalities) > 1 and rows <= most
        parts = -(-n // (SHARED_SAMPLES if shared else most))
        chunk = -(-n // parts)
        return chunk, min(chunk, rows)

    @cached_property
    def work(self) -> list[Work]:
        """All blocks: for some samples all single genes, then all pairs; then for the next samples."""
        singles = np.flatnonzero(np.array(self.plan.kinds) == "gene")
        n = len(self.samples)
        together = max(1, ROWS // self.chunk)
        found = []
        for first in range(0, n, self.chunk):
            last = min(first + self.chunk, n)
            for start in range(0, len(singles), together):
                found.append(Work(first, last, singles[start : start + together]))
            found += [Work(first, last, pairs) for pairs in self._blocks_of_pairs]
        return found

    @cached_property
    def _n_firsts(self) -> int:
        """How many first genes of pairs make a block, at most."""
        both = zip(self.plan.perturbations, self.plan.kinds, strict=True)
        firsts = {each.genes[0] for each, kind in both if kind == "pair"}
        return min(len(firsts), max(1, PAIR_COLUMNS // self.n_columns))

    @cached_property
    def _blocks_of_pairs(self) -> list[np.ndarray]:
        genes = self.plan.perturbations
        pairs = [row for row, kind in enumerate(self.plan.kinds) if kind == "pair"]
        pairs.sort(key=lambda row: genes[row].genes[0])
        most_pairs = max(1, 4 * ROWS // self.chunk)
        blocks: list[list[int]] = []
        firsts: set[int] = set()
        for row in pairs:
            firsts.add(genes[row].genes[0])
            if not blocks or len(firsts) > self._n_firsts or len(blocks[-1]) >= most_pairs:
                blocks.append([])
                firsts = {genes[row].genes[0]}
            blocks[-1].append(row)
        return [np.sort(np.array(block)) for block in blocks]

    @cached_property
    def shapes(self) -> dict[int, Shape]:
        """The shape of the region of every gene."""
        genes = sorted({gene for each in self.plan.perturbations for gene in each.genes})
        return dict(zip(genes, self.differences.plan([_one(gene) for gene in genes], self.n_columns), strict=True))

    def compute(self, work: Work) -> Block:
        """One block.

        Args:
            work: From `work`.

        Returns:
            Its rows, by perturbation, then by sample.
        """
        start = self._start_of(work.first)
        kind = self.plan.kinds[work.perturbations[0]]
        effect, epistasis, terms, moved = (self._singles if kind == "gene" else self._pairs)(start, work)
        n = work.last - work.first
        column = start.column_of_sample[:n]
        return Block(
            np.repeat(work.perturbations, n).astype(np.int32),
            np.tile(np.arange(work.first, work.last, dtype=np.int32), len(work.perturbations)),
            _flat(effect[:, :n]),
            _flat(epistasis[:, :n]),
            _flat(terms[:, column]),
            _flat(moved[:, column]),
        )

    def _singles(self, start: Start, work: Work) -> tuple[np.ndarray, ...]:
        genes = [self.plan.perturbations[each].genes[0] for each in work.perturbations]
        effect, terms, moved = self._follow(start, genes)
        return effect, np.full_like(effect, np.nan), terms, moved

    def _pairs(self, start: Start, work: Work) -> tuple[np.ndarray, ...]:
        pairs = np.array([self.plan.perturbations[each].genes for each in work.perturbations])
        (firsts, a), (seconds, b) = (np.unique(pairs[:, which], return_inverse=True) for which in (0, 1))
        # Repeats of the last gene fill a block up, so that nothing is compiled anew for a smaller one.
        known = [*firsts.tolist(), *[int(firsts[-1])] * (self._n_firsts - len(firsts))]
        shapes = [self.shapes[gene] for gene in known]
        behind = self.differences.behind(start, [_one(gene) for gene in known], shapes, **self.how)
        effect, terms, moved = (
            each.reshape(len(seconds), len(known), each.shape[1] // len(known), each.shape[2])[b, a]
            for each in self._follow(behind, seconds.tolist())
        )
        singles = self._effects_of_genes(start, work.first, pairs)
        epistasis = effect - np.stack([singles[g] for g in pairs[:, 0]]) - np.stack([singles[g] for g in pairs[:, 1]])
        return effect, epistasis, terms, moved

    def _effects_of_genes(self, start: Start, first: int, pairs: np.ndarray) -> dict[int, np.ndarray]:
        """Effects of the single genes of pairs; computed here, so that a resumed screen needs no earlier block."""
        if self._effects[0] != first:
            self._effects = (first, {})
        known = self._effects[1]
        missing = [gene for gene in np.unique(pairs).tolist() if gene not in known]
        if missing:
            known.update(zip(missing, self._follow(start, missing)[0], strict=True))
        return known

    def _follow(self, start: Start, genes: Sequence[int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Effects ``[gene, sample, output]``, terms and their changes ``[gene, column, top]``."""
        shapes = [self.shapes[gene] for gene in genes]
        followed = list(
            self.differences.follow(start, [_one(gene) for gene in genes], shapes, top=self.top_k, **self.how)
        )
        _, effect = self.differences.effects(start, [each.root for each in followed], self.task)
        return effect, np.stack([each.terms for each in followed]), np.stack([each.moved for each in followed])

    def _start_of(self, first: int) -> Start:
        if self._start is None or self._start[0] != first:
            # The last samples are filled up with repeats, so that nothing is compiled anew for them.
            index = np.minimum(np.arange(first, first + self.chunk), len(self.samples) - 1)
            inputs = batch_inputs(self._data, jnp.asarray(index))
            self._start = (first, self.differences.start(inputs))
        return self._start[1]

    @cached_property
    def _data(self) -> Data:
        return device_data(self.samples)


def _one(gene: int) -> Perturbation:
    return Perturbation(genes=(gene,))


def _flat(values: np.ndarray) -> np.ndarray:
    return values.reshape(values.shape[0] * values.shape[1], values.shape[2])
