r"""Perturbations by difference: only what lies above a perturbed gene or term is computed anew, and only its change.

In inference a state is a fixed function of its own pre-activation, elementwise. With the wild type at hand,

.. math:: \Delta z_t = \sum_{g} W_{tg}\,\Delta x_g + \sum_{c} W_{tc}\,\Delta h_c, \qquad
    \Delta h_t = \phi_t(z_t + \Delta z_t) - h_t

gives the same numbers as running the whole network again, and exactly 0 wherever nothing reaches. Products are those
of single precision, whatever the network was trained with: with shorter ones rounding would be larger than an effect.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import Array

from kgnn.layers import Subsystems
from kgnn.models import Replicates
from kgnn.models.contract import Inputs, Model, Rooted, Rows
from kgnn.perturb.edges import child_edges, constants, gene_edges
from kgnn.perturb.programs import Given, Network, States, all_of_it, effects_of, over_samples, per_column, wild_type
from kgnn.perturb.reach import Perturbation, Reach
from kgnn.perturb.region import Region, Regions, Shape

THREADS = 2
"""One prepares and hands over a perturbation while another is computed; each program uses several cores itself."""


@dataclass(frozen=True)
class Start:
    """What perturbations are applied to.

    Attributes:
        states: Of every column; samples that share their genes share a column.
        values: ``[column, gene]``, unscaled; of the first columns alone where all others repeat them.
        beside: What the output depends on besides the root, or None.
        column_of_sample: int ``[sample]``.
    """

    states: States
    values: np.ndarray
    beside: Array | None
    column_of_sample: np.ndarray


class Followed(NamedTuple):
    """What a perturbation does.

    Attributes:
        root: ``[member, state, column]``, change of the root's states.
        terms: int ``[term]`` or ``[column, top]``: the terms that `moved` speaks of; -1 for none.
        moved: Root mean square change of the states of `terms`: over all samples, ``[term]``, or the largest of every
            column, ``[column, top]``.
    """

    root: Array
    terms: np.ndarray
    moved: np.ndarray


class Differences:
    """A model laid out for following perturbations upward.

    Args:
        model: A fitted model for which `follows` holds.
    """

    def __init__(self, model: Model):
        stacked = isinstance(model, Replicates)
        core: Any = model.stacked if stacked else model
        subsystems: Subsystems = core.subsystems
        self.task = model.task
        self.hierarchy = core.hierarchy
        self.graph, arrays = nnx.split(core)
        self.arrays = arrays if stacked else jax.tree.map(lambda each: each[None], arrays)
        self.settings = subsystems.settings
        self.kind = (self.settings.activation, self.settings.norm)
        self.network = _network(subsystems, stacked)
        self.gene_scale = np.asarray(core.gene_scaling.scale[...]).reshape(-1, self.hierarchy.n_genes)
        states = self.settings.states_of_terms(self.hierarchy)
        genes, children = gene_edges(subsystems, self.hierarchy), child_edges(subsystems, self.hierarchy)
        self.constants = constants(subsystems, self.hierarchy)
        self.regions = Regions(self.hierarchy, states, genes, children)
        self.root_rows = int(states[-1])
        self.reach = Reach(self.hierarchy)

    def start(self, inputs: Inputs) -> Start:
        """The wild type of some samples.

        Args:
            inputs: Of the samples.

        Returns:
            Where perturbations of them start from.
        """
        genes, state, beside = wild_type(self.graph, self.arrays, inputs)
        before = self.regions.genes.product(np.asarray(genes)) + self.regions.children.product(np.asarray(state))
        before = jnp.asarray((before + self.constants[:, :, None]).astype(np.float32))
        values = nnx.merge(self.graph, jax.tree.map(lambda each: each[0], self.arrays)).values_of_genes(inputs)
        table = values.table if isinstance(values, Rows) else values
        column = np.asarray(values.index) if isinstance(values, Rows) else np.arange(len(table))
        return Start(States(before, state[:, -self.root_rows :]), np.asarray(table), beside, column)

    def plan(self, perturbations: Sequence[Perturbation], n_columns: int) -> list[Shape]:
        """A shape for each perturbation, to be handed to `follow`."""
        return self.regions.shapes([self._terms(each) for each in perturbations], n_columns)

    def follow(
        self,
        start: Start,
        perturbations: Sequence[Perturbation],
        shapes: Sequence[Shape],
        *,
        dose: float,
        value: float,
        top: int | None,
    ) -> Iterator[Followed]:
        """Follow perturbations one after another, all columns of each at once.

        Args:
            start: What they are applied to.
            perturbations: What is knocked down.
            shapes: From `plan`.
            dose: 1 for a full knockdown, 0 for none.
            value: Of a gene that is knocked down.
            top: How many terms to keep for every column; None for the mean over samples of all terms.

        Yields:
            What each does.
        """
        counts = np.bincount(start.column_of_sample, minlength=start.states.before.shape[2])
        share = jnp.asarray(counts / len(start.column_of_sample), jnp.float32)

        def one(each: tuple[Perturbation, Shape]) -> Followed:
            perturbation, shape = each
            region, given = self._given(start, perturbation, shape, dose, value)
            if top is None:
                root, moved = over_samples(shape, self.kind, given, share)
                terms = region.terms
            else:
                root, terms, moved = per_column(shape, self.kind, top, given)
            return Followed(root, np.asarray(terms), np.asarray(moved))

        pool = ThreadPoolExecutor(THREADS)
        try:
            yield from pool.map(one, zip(perturbations, shapes, strict=True))
        finally:
            # After an interrupt nothing waits for what has not begun.
            pool.shutdown(cancel_futures=True)

    def behind(
        self, start: Start, perturbations: Sequence[Perturbation], shapes: Sequence[Shape], *, dose: float, value: float
    ) -> Start:
        """Where further perturbations start from, once each of these has been made to all columns.

        Args:
            start: The wild type.
            perturbations: What is knocked down already; only genes.
            shapes: From `plan`.
            dose: 1 for a full knockdown, 0 for none.
            value: Of a gene that is knocked down.

        Returns:
            The columns of the wild type after the first perturbation, then after the second, and so on.
        """
        n, n_columns = len(perturbations), start.states.before.shape[2]
        before, root = (
            np.repeat(np.asarray(each)[:, :, None], n, axis=2) for each in (start.states.before, start.states.root)
        )
        offset = np.zeros_like(before)
        moved = np.zeros((self.hierarchy.n_terms, n, n_columns), np.float32)
        for number, (perturbation, shape) in enumerate(zip(perturbations, shapes, strict=True)):
            region, given = self._given(start, perturbation, shape, dose, value)
            pushed, difference, squares = (np.asarray(each) for each in all_of_it(shape, self.kind, given))
            rows, terms = region.rows[region.used], region.terms >= 0
            before[:, rows, number] += pushed[:, region.used]
            offset[:, rows, number] = difference[:, region.used]
            moved[region.terms[terms], number] = squares[terms]
        root += offset[:, -self.root_rows :]
        flat = [jnp.asarray(each.reshape(*each.shape[:-2], -1)) for each in (before, root, offset, moved)]
        index = (np.arange(n)[:, None] * n_columns + start.column_of_sample).reshape(-1)
        beside = None if start.beside is None else jnp.tile(start.beside, (1, 1, n))
        return Start(States(*flat), start.values, beside, index)

    def effects(self, start: Start, roots: Sequence[Array], task: str) -> tuple[np.ndarray, np.ndarray]:
        """Changes of the prediction that changes of the root's states make.

        Args:
            start: What the perturbations were applied to.
            roots: `Followed.root` of every perturbation.
            task: Of the model and scale, from `kgnn.perturb.natural.task_on_scale`.

        Returns:
            Predictions of the wild type ``[sample, output]``, and their changes from it
            ``[perturbation, sample, output]``.
        """
        index = jnp.asarray(start.column_of_sample, jnp.int32)
        offset = None if start.states.offset is None else start.states.offset[:, -self.root_rows :]
        root = (start.states.root, offset)
        before, found = effects_of(self.graph, task, self.arrays, root, start.beside, index, jnp.stack(roots))
        return np.asarray(before), np.asarray(found)

    def _terms(self, perturbation: Perturbation) -> np.ndarray:
        terms = self.reach(perturbation)
        return terms if len(terms) else np.array([self.hierarchy.n_terms - 1])

    def _given(
        self, start: Start, perturbation: Perturbation, shape: Shape, dose: float, value: float
    ) -> tuple[Region, Given]:
        """The region of a perturbation, and what a compiled program takes: no gate where no term is knocked down."""
        region = self.regions(perturbation, self._terms(perturbation), shape)
        gated = region.gated if perturbation.terms else None
        arrays = region._replace(used=None, gated=gated)  # type: ignore[arg-type]
        change = self._change(start, perturbation, dose, value)
        return region, Given(self.network, start.states, arrays, change, jnp.float32(dose))

    def _change(self, start: Start, perturbation: Perturbation, dose: float, value: float) -> np.ndarray:
        """Change of the scaled values of the perturbed genes, ``[member, gene, column]``."""
        genes = list(perturbation.genes)
        change = dose * (value - start.values[:, genes].astype(np.float32).T)
        change = change[None].astype(np.float32) / self.gene_scale[:, genes, None]
        return np.tile(change, (1, 1, start.states.before.shape[2] // len(start.values)))


def follows(model: Model) -> bool:
    """Whether perturbations of a model can be followed by difference.

    Args:
        model: Any model.

    Returns:
        True for a network whose output depends on the genes through the root alone, and for replicates of one.
    """
    network = model.stacked if isinstance(model, Replicates) else model
    # A last level with an activation of its own is run again as a whole.
    return isinstance(network, Rooted) and not network.subsystems.settings.last_activation


def _network(subsystems: Subsystems, stacked: bool) -> Network:
    def of_members(array: Array) -> Array:
        return array if stacked else array[None]

    reference = of_members(subsystems.reference[...])
    norm = subsystems.norm
    if norm is None:
        zeros = jnp.zeros_like(reference)
        return Network(zeros, jnp.ones_like(reference), zeros, reference)
    factor = norm.scale[...] / jnp.sqrt(norm.variance[...] + norm.epsilon)
    return Network(of_members(norm.mean[...]), of_members(factor), of_members(norm.bias[...]), reference)
