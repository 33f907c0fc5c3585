"""`SteadyStateNetwork`: a regulatory network with feedback loops, whose activities are those at rest."""

from __future__ import annotations

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import Array
from jax.core import Tracer

from kgnn.errors import KgnnError, StructureError, name_some, unknown_choice
from kgnn.layers import InputScaling, Prediction, RowDropout
from kgnn.layers.initial import uniform_within
from kgnn.layers.scaling import FittedStatistic
from kgnn.layers.steady_state import Feedback, spectral_radius, steady_state
from kgnn.models.contract import TASKS, BuildArguments, Inputs, only_table, sample_major, unshared
from kgnn.models.visible import name_outputs
from kgnn.structure import Adjacency


class SteadyStateNetwork(nnx.Module):
    r"""A KPNN over a graph with cycles: one activity a node, iterated until all stand still.

    .. math:: h = \sigma(W h + U x + b), \qquad \hat y = V h + c

    Loops that amplify themselves may come to rest in one of several states: the one that is reached from half activity
    is taken. Loops that oppose themselves too strongly have none that is stable: then there is no prediction, and a
    call says so. Every derivative is that of the state at rest, by implicit differentiation.

    Args:
        adjacency: From `compile_feedback`; nodes of type ``"gene"`` are inputs, of type ``"output"`` outputs.
        outputs: Names of the outputs: those of the output nodes, in any order; of a single output, any name.
        task: ``"regression"``, ``"classes"`` or ``"labels"``.
        signed: Whether the weight of an edge of known sign keeps it, whatever is learned.
        dropout: Share of the nodes' activities set to 0 in training.
        gene_dropout: Share of scaled gene values set to 0 in training.
        damping: Share of the old activities that a step keeps.
        initial_scale: Factor on the initial parameters, which are uniform within 1/sqrt(fan-in).
        rngs: Streams ``params`` and, where there is dropout, ``dropout``.

    Raises:
        KgnnError: If the outputs are not the output nodes, or a choice is unknown.

    References:
        Fortelny & Bock 2020, doi:10.1186/s13059-020-02100-5 (without cycles); Pineda 1987,
        doi:10.1103/PhysRevLett.59.2229.
    """

    not_finite = "Or the loops have found no steady state: see the model's radius(), lower initial_scale, or raise l2."

    def __init__(
        self,
        adjacency: Adjacency,
        *,
        outputs: int | Sequence[str] = 1,
        task: str = "labels",
        signed: bool = False,
        dropout: float = 0.0,
        gene_dropout: float = 0.0,
        damping: float = 0.5,
        initial_scale: float = 1.0,
        rngs: nnx.Rngs,
    ):
        if task not in TASKS:
            raise unknown_choice("task", task, TASKS)
        for what, value in (("dropout", dropout), ("gene_dropout", gene_dropout), ("damping", damping)):
            if not 0 <= value < 1:
                raise KgnnError(f"{what} is {value:g}. Choose at least 0 and below 1.")
        self.structure, self.hierarchy, self.task = adjacency, None, task
        self.output_names = name_outputs(outputs)
        kinds = np.array(adjacency.node_types)
        of_kind = {kind: np.flatnonzero(kinds == kind) for kind in ("gene", "output")}
        inner = np.flatnonzero((kinds != "gene") & (kinds != "output"))
        self.genes = tuple(adjacency.nodes[node].removesuffix("_gene") for node in of_kind["gene"])
        ends = tuple(adjacency.nodes[node] for node in of_kind["output"])
        self.terms = (*(adjacency.nodes[node] for node in inner), *ends)
        self.heads: tuple[str, ...] = ()
        self.term_of_state = tuple(range(len(self.terms)))
        self.output_rows = _rows_of_outputs(ends, self.output_names)
        self.n_inner, self.damping = len(inner), damping
        others = {"outputs": self.output_names, "task": task, "signed": signed, "dropout": dropout}
        others |= {"gene_dropout": gene_dropout, "damping": damping, "initial_scale": initial_scale}
        self.arguments = BuildArguments("SteadyStateNetwork", None, tuple(others.items()))
        self.edges = _Edges(
            adjacency, np.concatenate([of_kind["gene"], inner, of_kind["output"]]), len(self.genes), signed
        )
        fan_in = np.bincount(self.edges.receiver, minlength=len(self.terms))
        bound = initial_scale / np.sqrt(np.maximum(fan_in, 1))
        self.weights = nnx.Param(uniform_within(bound[np.array(self.edges.receiver, int)], rngs))
        self.bias = nnx.Param(uniform_within(bound, rngs))
        self.reference = FittedStatistic(jnp.zeros(len(self.terms)))
        self.gene_scaling = InputScaling(len(self.genes))
        self.output_scaling = InputScaling(len(self.output_names))
        self.dropout = RowDropout(dropout, rngs=rngs) if dropout else None
        self.gene_dropout = RowDropout(gene_dropout, rngs=rngs) if gene_dropout else None

    def __call__(
        self,
        inputs: Inputs,
        *,
        gate: Array | None = None,
        shift: Array | None = None,
        weights: Array | None = None,
        train: bool = False,
    ) -> Prediction:
        """See `kgnn.models.contract.Model`; `inputs` is ``[sample, gene]``.

        Raises:
            StructureError: If a sample has no stable steady state; inside a compiled function, its prediction is NaN.
        """
        feedback, matrix, genes = self._feedback(inputs, gate, shift, train)
        activity: Array = steady_state(feedback, self.damping)  # type: ignore[assignment]
        self._refuse_unsettled(feedback, activity)
        n_inner, n_genes = self.n_inner, len(self.genes)
        below = jnp.concatenate([genes, activity])
        last = matrix[n_inner:, : n_genes + n_inner] @ below + self.bias[...][n_inner:, None]
        factor, offset = self._finish(gate, shift, genes.shape[1], slice(n_inner, None))
        last = factor * last + offset
        output = self.output_scaling.restore(last[np.array(self.output_rows)].T)
        states = jnp.concatenate([activity, last]).T
        return Prediction(output, jnp.zeros((len(states), 0, len(self.output_names)), states.dtype), states)

    def radius(self, inputs: Inputs) -> Array:
        """Growth of a small disturbance a step, ``[sample]``: activities come to rest where it is below 1."""
        return spectral_radius(self._feedback(inputs, None, None, False)[0], self.damping)

    def _feedback(
        self, inputs: Inputs, gate: Array | None, shift: Array | None, train: bool
    ) -> tuple[Feedback, Array, Array]:
        alone = only_table(inputs, "a steady-state network takes the genes")
        values = sample_major(unshared(alone, apart=True)).T.astype(self.bias.dtype)
        genes = self.gene_scaling(values)
        if train and self.gene_dropout is not None:
            genes = self.gene_dropout(genes, deterministic=False)
        matrix = self.edges.matrix(self.weights[...])
        n_inner, n_genes = self.n_inner, len(self.genes)
        drive = matrix[:n_inner, :n_genes] @ genes + self.bias[...][:n_inner, None]
        factor, offset = self._finish(gate, shift, genes.shape[1], slice(n_inner))
        if train and self.dropout is not None:
            factor = self.dropout(factor, deterministic=False)
        return Feedback(matrix[:n_inner, n_genes : n_genes + n_inner], drive, factor, offset), matrix, genes

    def _finish(self, gate: Array | None, shift: Array | None, n_samples: int, rows: slice) -> tuple[Array, Array]:
        """Factor and offset ``[state, sample]`` of some states, from gate and shift."""
        kind = self.bias.dtype

        def by_state(value: Array) -> Array:
            shaped = value[:, None] if value.ndim == 1 else value.T
            return jnp.broadcast_to(shaped, (len(self.terms), n_samples))[rows].astype(kind)

        factor = by_state(jnp.ones(len(self.terms), kind) if gate is None else gate)
        offset = (1.0 - factor) * by_state(self.reference[...])
        return factor, offset if shift is None else offset + by_state(shift)

    def _refuse_unsettled(self, feedback: Feedback, activity: Array) -> None:
        if isinstance(activity, Tracer):
            return
        radius = np.asarray(spectral_radius(feedback, self.damping, activity))
        unsettled = np.flatnonzero(np.isnan(np.asarray(activity)).any(axis=0) | (radius >= 1))
        if len(unsettled):
            growth = radius[unsettled].max()
            raise StructureError(
                f"{len(unsettled):,} of {activity.shape[1]:,} samples have no stable steady state: sample "
                f"{name_some(unsettled.tolist())}. A disturbance grows {growth:.3g} times a step (spectral radius; "
                "it must be below 1). Weaken the loops (a lower initial_scale, more l2), raise damping, or cut an edge "
                "of a loop and compile the graph without cycles."
            )


class _Edges(nnx.Module):
    """The edges of a graph as places in a matrix from genes and nodes to nodes; a weight exists for each edge alone."""

    def __init__(self, adjacency: Adjacency, order: np.ndarray, n_genes: int, signed: bool):
        place = np.empty(adjacency.n_nodes, np.int64)
        place[order] = np.arange(adjacency.n_nodes)
        real = slice(adjacency.n_edges)
        self.sender = tuple(place[adjacency.senders[real]].tolist())
        self.receiver = tuple((place[adjacency.receivers[real]] - n_genes).tolist())
        self.sign = tuple(adjacency.sign[real].tolist()) if signed else ()
        self.shape = (adjacency.n_nodes - n_genes, adjacency.n_nodes)
        if min(self.receiver, default=0) < 0:
            raise StructureError("an edge ends at a gene, but genes are inputs. Compile the network again.")
        if signed and not any(self.sign):
            raise KgnnError("signed is on, but the graph knows no signs. Compile it from a network with signed edges.")

    def matrix(self, weights: Array) -> Array:
        """``[node, gene or node]``."""
        if self.sign:
            sign = np.asarray(self.sign, weights.dtype)
            weights = jnp.where(sign == 0, weights, sign * jnp.abs(weights))
        ends = np.array(self.receiver, np.int32), np.array(self.sender, np.int32)
        return jnp.zeros(self.shape, weights.dtype).at[ends].add(weights)


def _rows_of_outputs(nodes: tuple[str, ...], outputs: tuple[str, ...]) -> tuple[int, ...]:
    if len(nodes) == len(outputs) == 1:
        return (0,)
    if sorted(nodes) != sorted(outputs):
        raise KgnnError(
            f"the outputs are {name_some(outputs)}, but those of the graph are {name_some(nodes)}. Name the targets as "
            "these nodes, or choose other outputs when the network is compiled."
        )
    return tuple(nodes.index(name) for name in outputs)
