"""`PathwayGraphs`: a small graph convolution in every pathway, and attention over pathways."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import Array

from kgnn.errors import KgnnError, unknown_choice
from kgnn.layers import InputScaling, Prediction
from kgnn.layers.dense import Dense
from kgnn.layers.initial import uniform_within
from kgnn.layers.messages import received
from kgnn.layers.scaling import FittedStatistic
from kgnn.models.contract import TASKS, BuildArguments, Inputs
from kgnn.models.graph import one_table
from kgnn.models.visible import name_outputs
from kgnn.structure import Hierarchy
from kgnn.structure.messages import Messages


class PathwayGraphs(nnx.Module):
    r"""A graph convolution a pathway, over that pathway's own graph, and several attentions over the pathways.

    A gene stands once in every pathway that has it. Inside a pathway, its values pass along the pathway's edges with
    weights that belong to the pathway; the mean and the largest value over its genes become the pathway's state. Each
    of several attentions weighs all pathways, and their weighted means predict together.

    .. math:: H_p = \mathrm{relu}(\hat A_p X_p W_p), \quad s_p = \tanh(V_p [\mathrm{mean}\,H_p; \max H_p]), \quad
        r_m = \sum_p \mathrm{softmax}_p(u_m^\top s_p)\, s_p

    Args:
        hierarchy: Pathways as terms with genes; relations between terms play no part, and neither does a root
            without genes of its own.
        senders: Position of a gene, for every edge between genes; an edge counts in each pathway that has both ends.
        receivers: Position of the other gene; every edge is taken both ways, and every gene has a self-loop.
        n_features: Features of a gene inside a pathway, and states of a pathway.
        n_layers: Convolutions.
        n_attentions: How many attentions.
        dropout: Share of pathways' states set to 0 in training.
        outputs: Names of the outputs or classes, or their number.
        task: ``"regression"``, ``"classes"`` or ``"labels"``.
        rngs: Streams ``params`` and, where there is dropout, ``dropout``.

    Raises:
        KgnnError: If the task is unknown, or senders and receivers differ in number.

    References:
        Lee et al. 2020, Bioinformatics 36:3818, doi:10.1093/bioinformatics/btaa203.
    """

    def __init__(
        self,
        hierarchy: Hierarchy,
        *,
        senders: Sequence[int] = (),
        receivers: Sequence[int] = (),
        n_features: int = 4,
        n_layers: int = 2,
        n_attentions: int = 4,
        dropout: float = 0.0,
        outputs: int | Sequence[str] = 1,
        task: str = "classes",
        rngs: nnx.Rngs,
    ):
        if task not in TASKS:
            raise unknown_choice("task", task, TASKS)
        if len(senders) != len(receivers):
            raise KgnnError(f"{len(senders)} senders and {len(receivers)} receivers. Give both ends of every edge.")
        self.structure = self.hierarchy = hierarchy
        self.task, self.output_names = task, name_outputs(outputs)
        self.genes, self.heads = hierarchy.genes, ()
        with_genes = np.unique(hierarchy.annotation_term)
        self.terms = tuple(hierarchy.terms[term] for term in with_genes)
        others = (
            ("senders", tuple(senders)), ("receivers", tuple(receivers)), ("n_features", n_features),
            ("n_layers", n_layers), ("n_attentions", n_attentions), ("dropout", dropout),
            ("outputs", self.output_names), ("task", task),
        )  # fmt: skip
        self.arguments = BuildArguments("PathwayGraphs", None, others)
        self.n_features = n_features
        self.gene_scaling = InputScaling(len(self.genes))
        self.output_scaling = InputScaling(len(self.output_names))
        self.membership = _Membership(hierarchy, with_genes, np.array(senders, int), np.array(receivers, int))
        n_pathways, n_nodes = len(self.terms), len(self.membership.gene)
        bound = np.full((n_nodes, n_features), n_features**-0.5)
        self.gene_weight = nnx.Param(uniform_within(bound, rngs))
        self.kernels = nnx.List([
            nnx.Param(uniform_within(np.full((n_pathways, n_features, n_features), n_features**-0.5), rngs))
            for _ in range(n_layers)
        ])  # fmt: skip
        self.biases = nnx.List([nnx.Param(jnp.zeros((n_pathways, n_features))) for _ in range(n_layers)])
        bound = np.full((n_pathways, 2 * n_features, n_features), (2 * n_features) ** -0.5)
        self.to_state = nnx.Param(uniform_within(bound, rngs))
        self.attend = nnx.Param(uniform_within(np.full((n_attentions, n_features), n_features**-0.5), rngs))
        self.attend_bias = nnx.Param(jnp.zeros((n_attentions, n_pathways)))
        self.dropout = nnx.Dropout(dropout, rngs=rngs) if dropout else None
        self.output_layer = Dense(n_attentions * n_features, len(self.output_names), rngs=rngs)
        self.reference = FittedStatistic(jnp.zeros(n_pathways * n_features))

    @property
    def term_of_state(self) -> tuple[int, ...]:
        """Position of the pathway that each state belongs to."""
        return tuple(np.repeat(np.arange(len(self.terms)), self.n_features).tolist())

    def __call__(
        self,
        inputs: Inputs,
        *,
        gate: Array | None = None,
        shift: Array | None = None,
        weights: Array | None = None,
        train: bool = False,
    ) -> Prediction:
        """See `kgnn.models.contract.Model`; `inputs` is ``[sample, gene]``."""
        states = self._held(self.states_of_pathways(one_table(inputs)), gate, shift)
        n_samples = states.shape[1]
        kept = states
        if self.dropout is not None:
            # A pathway is dropped whole, or its other states would give it away.
            mask = self.dropout(jnp.ones((*states.shape[:2], 1)), deterministic=not train)
            kept = states * mask
        read = jnp.einsum("mpk,pkf->kmf", self.attention(kept), kept).reshape(n_samples, -1)
        output = self.output_scaling.restore(self.output_layer(read.T).T)
        by_sample = states.transpose(1, 0, 2).reshape(n_samples, -1)
        return Prediction(output, jnp.zeros((n_samples, 0, output.shape[1])), by_sample)

    def attention(self, states: Array) -> Array:
        """What each attention gives a pathway, ``[attention, pathway, sample]``, from ``[pathway, sample, state]``."""
        logits = jnp.einsum("mf,pkf->mpk", self.attend[...], states) + self.attend_bias[...][..., None]
        return jax.nn.softmax(logits, axis=1)

    def states_of_pathways(self, table: Array) -> Array:
        """``[pathway, sample, state]`` from ``[sample, gene]``."""
        nodes = self.membership
        rows = self.gene_scaling(table.T.astype(jnp.float32))[nodes.gene]
        values = rows[..., None] * self.gene_weight[...][:, None]
        for kernel, bias in zip(self.kernels, self.biases, strict=True):
            mapped = jnp.einsum("nkf,nfg->nkg", values, kernel[...][nodes.pathway])
            sums = received(nodes.messages, jnp.asarray(nodes.coefficient), mapped.reshape(len(mapped), -1))
            found = jax.nn.relu(sums.reshape(mapped.shape) + bias[...][nodes.pathway][:, None])
            values = found + values
        n_pathways = len(self.terms)
        count = jnp.asarray(np.bincount(nodes.pathway, minlength=n_pathways).astype(np.float32))[:, None, None]
        mean = jax.ops.segment_sum(values, nodes.pathway, n_pathways, indices_are_sorted=True) / count
        largest = jax.ops.segment_max(values, nodes.pathway, n_pathways, indices_are_sorted=True)
        both = jnp.concatenate([mean, largest], axis=-1)
        return jnp.tanh(jnp.einsum("pkf,pfg->pkg", both, self.to_state[...]))

    def _held(self, states: Array, gate: Array | None, shift: Array | None) -> Array:
        n_pathways = len(self.terms)
        if gate is not None:
            open_share = (gate[:, None] if gate.ndim == 1 else gate.T)[..., None]
            reference = self.reference[...].reshape(n_pathways, 1, -1)
            states = open_share * states + (1.0 - open_share) * reference
        if shift is not None:
            by_pathway = shift.reshape(*shift.shape[:-1], n_pathways, -1)
            states = states + (by_pathway[:, None] if shift.ndim == 1 else by_pathway.transpose(1, 0, 2))
        return states


class _Membership:
    """Genes as they stand in pathways: a node for each pair, and the edges inside pathways."""

    def __init__(self, hierarchy: Hierarchy, with_genes: np.ndarray, senders: np.ndarray, receivers: np.ndarray):
        self.gene = hierarchy.annotation_gene.astype(np.int32)
        self.pathway = np.searchsorted(with_genes, hierarchy.annotation_term).astype(np.int32)
        n = len(self.gene)
        pairs = {(int(s), int(r)) for s, r in zip(senders, receivers, strict=True) if s != r}
        pairs |= {(r, s) for s, r in pairs}
        neighbors: dict[int, list[int]] = {}
        for sender, receiver in sorted(pairs):
            neighbors.setdefault(sender, []).append(receiver)
        starts = np.searchsorted(self.pathway, np.arange(len(with_genes) + 1))
        ends: list[tuple[int, int]] = [(node, node) for node in range(n)]
        for start, stop in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True):
            node_of = {gene: start + place for place, gene in enumerate(self.gene[start:stop].tolist())}
            for gene, node in node_of.items():
                ends += [(node, node_of[near]) for near in neighbors.get(gene, ()) if near in node_of]
        sent, got = np.array(ends, np.int32).reshape(-1, 2).T
        degree = np.bincount(got, minlength=n)
        self.coefficient = (1 / np.sqrt(degree[sent] * degree[got])).astype(np.float32)
        self.messages = Messages(np.ascontiguousarray(sent), np.ascontiguousarray(got), n, n)
        self._key = (self.messages, self.gene.tobytes(), self.pathway.tobytes())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Membership) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)
