"""Networks by attention: `GeneTransformer` over a network of genes, `PathwayTransformer` over a hierarchy."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import Array

from kgnn.errors import KgnnError, unknown_choice
from kgnn.layers import InputScaling, Prediction
from kgnn.layers.attention import GeneSums, TokenNorm, TransformerBlock
from kgnn.layers.dense import Dense
from kgnn.layers.initial import uniform_within
from kgnn.layers.scaling import FittedStatistic
from kgnn.models.contract import TASKS, BuildArguments, Inputs
from kgnn.models.graph import one_table
from kgnn.models.visible import name_outputs
from kgnn.structure import Adjacency, Hierarchy
from kgnn.structure.affinity import Affinity, hierarchy_affinity, network_affinity

READS = ("tokens", "attention", "mean")


class _TokenNetwork(nnx.Module):
    """What both share: blocks over tokens, gates before the first and after every block, and a linear output."""

    def _set_up(
        self, affinity: Affinity, names: Sequence[str], n_features: int, n_blocks: int, n_heads: int, bias: str,
        dropout: float, outputs: int | Sequence[str], task: str, rngs: nnx.Rngs,
    ) -> None:  # fmt: skip
        if task not in TASKS:
            raise unknown_choice("task", task, TASKS)
        if n_blocks < 1:
            raise KgnnError(f"n_blocks is {n_blocks}, but attention needs a block. Choose at least 1.")
        self.task, self.output_names = task, name_outputs(outputs)
        self.terms, self.heads = tuple(names), ()
        self.n_features = n_features
        self.gene_scaling = InputScaling(len(self.genes))
        self.output_scaling = InputScaling(len(self.output_names))
        how = {"n_heads": n_heads, "bias": bias, "dropout": dropout}
        self.blocks = nnx.List([TransformerBlock(affinity, n_features, **how, rngs=rngs) for _ in range(n_blocks)])
        self.norm = TokenNorm(n_features)
        self.reference = FittedStatistic(jnp.zeros(len(self.terms) * n_features))

    genes: tuple[str, ...]

    @property
    def term_of_state(self) -> tuple[int, ...]:
        """Position of the token that each state belongs to."""
        return tuple(np.repeat(np.arange(len(self.terms)), self.n_features).tolist())

    def _run(self, tokens: Array, gate: Array | None, shift: Array | None, train: bool) -> tuple[Array, Array]:
        """States, what enters the last block, and normalized tokens after it, both ``[sample, token, feature]``."""
        states = tokens = self._gated(tokens, gate)
        for number, block in enumerate(self.blocks):
            if number == len(self.blocks) - 1:
                if shift is not None:
                    by_token = shift.reshape(*shift.shape[:-1], *tokens.shape[1:])
                    tokens = tokens + (by_token[None] if shift.ndim == 1 else by_token)
                states = tokens
            tokens = self._gated(block(tokens, train=train), gate)
        return states, self.norm(tokens)

    def _gated(self, tokens: Array, gate: Array | None) -> Array:
        if gate is None:
            return tokens
        open_share = (gate[None] if gate.ndim == 1 else gate)[..., None]
        reference = self.reference[...].reshape(1, *tokens.shape[1:])
        return open_share * tokens + (1.0 - open_share) * reference

    def _predicted(self, read: Array, layer: Dense, states: Array) -> Prediction:
        output = self.output_scaling.restore(layer(read.T).T)
        n_samples = len(states)
        return Prediction(output, jnp.zeros((n_samples, 0, output.shape[1])), states.reshape(n_samples, -1))


class GeneTransformer(_TokenNetwork):
    """A transformer whose tokens are genes, and whose attention is biased by a network of them.

    A gene's token is its measured value times a vector of its own, plus another. The state of a gene is its token as it
    enters the last block, where a shift is added. It costs the square of the number of genes.

    Args:
        adjacency: The network; the order of its nodes is that of the genes.
        n_features: Features of a token.
        n_blocks: Blocks of attention and network, at least 1.
        n_heads: Heads of attention.
        bias: ``"linear"``, ``"network"`` or ``"none"``; see `kgnn.layers.BiasedAttention`.
        affinity: ``"weight"``, ``"hops"`` or ``"both"``; see `kgnn.structure.network_affinity`.
        most_hops: Longest path that is told from none.
        forbid_far: Whether genes without such a path may not attend to each other.
        read: ``"tokens"`` (weights of its own for every gene), ``"attention"`` or ``"mean"`` over genes.
        dropout: Of the blocks.
        outputs: Names of the outputs or classes, or their number.
        task: ``"regression"``, ``"classes"`` or ``"labels"``.
        rngs: Streams ``params`` and, where there is dropout, ``dropout``.

    Raises:
        KgnnError: If a choice is unknown, or there are too many genes.

    References:
        Ying et al. 2021 (Graphormer), arXiv:2106.05234.
    """

    def __init__(
        self,
        adjacency: Adjacency,
        *,
        n_features: int = 8,
        n_blocks: int = 2,
        n_heads: int = 2,
        bias: str = "linear",
        affinity: str = "both",
        most_hops: int = 3,
        forbid_far: bool = False,
        read: str = "tokens",
        dropout: float = 0.0,
        outputs: int | Sequence[str] = 1,
        task: str = "regression",
        rngs: nnx.Rngs,
    ):
        if read not in READS:
            raise unknown_choice("read", read, READS)
        self.structure, self.hierarchy = adjacency, None
        self.genes = adjacency.nodes
        pairs = network_affinity(adjacency, affinity, most_hops=most_hops, forbid_far=forbid_far)
        self._set_up(pairs, self.genes, n_features, n_blocks, n_heads, bias, dropout, outputs, task, rngs)
        others = (
            ("n_features", n_features), ("n_blocks", n_blocks), ("n_heads", n_heads), ("bias", bias),
            ("affinity", affinity), ("most_hops", most_hops), ("forbid_far", forbid_far), ("read", read),
            ("dropout", dropout), ("outputs", self.output_names), ("task", task),
        )  # fmt: skip
        self.arguments = BuildArguments("GeneTransformer", None, others)
        bound = np.full((len(self.genes), n_features), n_features**-0.5)
        self.gene_weight, self.gene_bias = (nnx.Param(uniform_within(bound, rngs)) for _ in range(2))
        self.read = read
        self.score = Dense(n_features, 1, rngs=rngs) if read == "attention" else None
        n_read = n_features * (len(self.genes) if read == "tokens" else 1)
        self.output_layer = Dense(n_read, len(self.output_names), rngs=rngs)

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
        rows = self.gene_scaling(one_table(inputs).T.astype(jnp.float32))
        tokens = rows.T[..., None] * self.gene_weight[...][None] + self.gene_bias[...][None]
        states, tokens = self._run(tokens, gate, shift, train)
        n_samples, n_tokens, n_features = tokens.shape
        if self.read == "tokens":
            read = tokens.reshape(n_samples, -1)
        elif self.score is None:
            read = tokens.mean(axis=1)
        else:
            scores = self.score(tokens.reshape(-1, n_features).T).reshape(n_samples, n_tokens)
            read = jnp.einsum("kt,ktf->kf", jax.nn.softmax(scores, axis=-1), tokens)
        return self._predicted(read, self.output_layer, states)


class PathwayTransformer(_TokenNetwork):
    """A visible network by attention: tokens are terms, and a term looks at itself and at what lies below it.

    A term's first token is a weighted sum of its own genes. In every block it attends to itself and to the terms below
    it, with a bias for children and for those further down; all other pairs are at minus infinity. The state of a term
    is its token as it enters the last block; with two blocks or more it depends on a gene if and only if the gene is
    annotated to the term or below it. The output depends on the root alone.

    Args:
        hierarchy: The compiled hierarchy.
        n_features: Features of a token.
        n_blocks: Blocks of attention and network, at least 1; one reaches everything, further ones combine.
        n_heads: Heads of attention.
        bias: ``"linear"``, ``"network"`` or ``"none"``; see `kgnn.layers.BiasedAttention`.
        dropout: Of the blocks.
        outputs: Names of the outputs or classes, or their number.
        task: ``"regression"``, ``"classes"`` or ``"labels"``.
        rngs: Streams ``params`` and, where there is dropout, ``dropout``.

    Raises:
        KgnnError: If a choice is unknown, or there are too many terms.
    """

    def __init__(
        self,
        hierarchy: Hierarchy,
        *,
        n_features: int = 8,
        n_blocks: int = 2,
        n_heads: int = 2,
        bias: str = "linear",
        dropout: float = 0.0,
        outputs: int | Sequence[str] = 1,
        task: str = "regression",
        rngs: nnx.Rngs,
    ):
        self.structure = self.hierarchy = hierarchy
        self.genes = hierarchy.genes
        pairs = hierarchy_affinity(hierarchy)
        self._set_up(pairs, hierarchy.terms, n_features, n_blocks, n_heads, bias, dropout, outputs, task, rngs)
        others = (
            ("n_features", n_features), ("n_blocks", n_blocks), ("n_heads", n_heads), ("bias", bias),
            ("dropout", dropout), ("outputs", self.output_names), ("task", task),
        )  # fmt: skip
        self.arguments = BuildArguments("PathwayTransformer", None, others)
        ends = (hierarchy.annotation_gene, hierarchy.annotation_term)
        self.gene_sums = GeneSums(*ends, hierarchy.n_terms, n_features, rngs=rngs)
        self.output_layer = Dense(n_features, len(self.output_names), rngs=rngs)

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
        tokens = self.gene_sums(self.gene_scaling(one_table(inputs).T.astype(jnp.float32)))
        states, tokens = self._run(tokens, gate, shift, train)
        return self._predicted(tokens[:, -1], self.output_layer, states)
