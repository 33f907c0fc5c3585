"""`SiteAttentionNetwork`: binding sites in a promoter times the expression of what binds there, read by attention."""

from __future__ import annotations

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import Array

from kgnn.errors import AlignmentError, KgnnError, name_some, unknown_choice
from kgnn.layers import InputScaling, Prediction
from kgnn.layers.dense import Dense, DenseStack
from kgnn.layers.motif_conv import MotifConv
from kgnn.layers.scaling import FittedStatistic
from kgnn.layers.token_attention import AttentionPooling, SelfAttention
from kgnn.models.contract import TASKS, BuildArguments, Inputs, Rows, feature_major, sample_major
from kgnn.models.motif_network import gated
from kgnn.models.visible import name_outputs
from kgnn.structure import Kernels, position_names

N_FEATURES = 3
"""Of a token: the site, the expression, and their product."""


class SiteAttentionNetwork(nnx.Module):
    r"""Expression of a gene from the putative sites in its promoter and the factors of the cell.

    Every motif whose factor is measured is a token of three numbers: how far its best site in the promoter exceeds what
    chance explains, the expression of its factor in the cell (as a share of the largest in the training samples, so
    that a factor that is not there stays at 0), and their product. A motif without such a site is padding: it takes no
    part in the attention. The subsystems are the motifs, their states the three numbers; a closed gate puts their means
    in place.

    Args:
        kernels: The compiled motifs; their names or the parts of them around ``::`` are factors.
        factors: Names of the columns of the second modality, the expression of transcription factors.
        n_positions: Letters of a promoter.
        units: Of queries and keys.
        heads: Of the attention that pools the tokens.
        hidden: Units of the layer before the output.
        dropout: Share of hidden units set to 0 in training.
        filters: ``"frozen"`` (sites are those of the published motifs) or ``"free"``.
        outputs: Names of the outputs or classes, or their number.
        task: ``"regression"``, ``"classes"`` or ``"labels"``.
        sequence: Name of the modality that holds the promoters.
        rngs: Streams ``params`` and, where there is dropout, ``dropout``.

    Raises:
        AlignmentError: If no motif belongs to a measured factor.

    References:
        Kang et al. 2020, Frontiers in Genetics 11:869, doi:10.3389/fgene.2020.00869.
    """

    def __init__(
        self,
        kernels: Kernels,
        *,
        factors: Sequence[str],
        n_positions: int,
        units: int = 30,
        heads: int = 10,
        hidden: int = 32,
        dropout: float = 0.0,
        filters: str = "frozen",
        outputs: int | Sequence[str] = 1,
        task: str = "regression",
        sequence: str = "sequence",
        rngs: nnx.Rngs,
    ):
        if task not in TASKS:
            raise unknown_choice("task", task, TASKS)
        self.structure = kernels
        self.hierarchy = None
        self.task = task
        self.output_names = name_outputs(outputs)
        self.factors = tuple(factors)
        self.arguments = BuildArguments(
            "SiteAttentionNetwork",
            None,
            (
                ("factors", self.factors), ("n_positions", n_positions), ("units", units), ("heads", heads),
                ("hidden", hidden), ("dropout", dropout), ("filters", filters), ("outputs", self.output_names),
                ("task", task), ("sequence", sequence),
            ),
        )  # fmt: skip
        self.sequence = sequence
        self.genes = position_names(n_positions)
        self.heads: tuple[str, ...] = ()
        self.gene_scaling = InputScaling(len(self.genes))
        self.output_scaling = InputScaling(len(self.output_names))
        self.second_scaling = InputScaling(len(self.factors))
        self.sites = MotifConv(kernels, n_positions, filters=filters, rngs=rngs)
        self.terms = kernels.motifs[: self.sites.n_motifs]
        self.factors_of_term = _factors_of(kernels.names[: self.sites.n_motifs], self.factors)
        self.term_of_state = tuple(term for term in range(len(self.terms)) for _ in range(N_FEATURES))
        self.reference = FittedStatistic(jnp.zeros(len(self.term_of_state)))
        self.exchange = SelfAttention(N_FEATURES, units, rngs=rngs)
        self.pooling = AttentionPooling(N_FEATURES, units, heads, rngs=rngs)
        self.hidden = DenseStack(
            (heads * N_FEATURES, hidden), activation="relu", norm=False, dropout=dropout, rngs=rngs
        )
        self.output_layer = Dense(hidden, len(self.output_names), rngs=rngs)

    def __call__(
        self,
        inputs: Inputs,
        *,
        gate: Array | None = None,
        shift: Array | None = None,
        weights: Array | None = None,
        train: bool = False,
    ) -> Prediction:
        """See `kgnn.models.contract.Model`; `inputs` are promoters and the expression of factors, by name."""
        if not isinstance(inputs, dict) or self.sequence not in inputs or len(inputs) != 2:
            raise KgnnError(
                f"sites and factors are read from two modalities, {self.sequence!r} and the expression of factors. "
                "Give both."
            )
        tokens, present = self.tokens(inputs)
        tokens = gated(
            tokens.reshape(tokens.shape[0], -1, 1), self.reference[...], self.term_of_state, gate, shift
        ).reshape(tokens.shape)
        pooled, _ = self.pooling(self.exchange(tokens, present), present)
        rows, _ = self.hidden(pooled.reshape(pooled.shape[0], -1).T, train=train)
        output = self.output_scaling.restore(self.output_layer(rows).T)
        none = jnp.zeros((output.shape[0], 0, output.shape[1]))
        return Prediction(output, none, tokens.reshape(tokens.shape[0], -1))

    def tokens(self, inputs: dict) -> tuple[Array, Array]:
        """Tokens ``[sample, motif, 3]``, and which of them are no padding, bool ``[sample, motif]``."""
        promoters = inputs[self.sequence]
        rows = self.gene_scaling(feature_major(promoters)).T
        best = self.sites(rows.reshape(rows.shape[0], -1, 4)).max(axis=2)
        site = _of_samples(jnp.maximum(best, 0.0), promoters)
        expression = next(values for name, values in inputs.items() if name != self.sequence)
        scaled = self.second_scaling(sample_major(expression).astype(jnp.float32).T).T
        found = _of_samples(scaled, expression)
        measured = np.array([bool(each) for each in self.factors_of_term])
        # Of a dimer, the factor that there is less of.
        level = jnp.stack([found[:, list(each or (0,))].min(axis=1) for each in self.factors_of_term], axis=1)
        present = (site > 0) & measured[None, :]
        tokens = jnp.stack([site, level, site * level], axis=2)
        return jnp.where(present[:, :, None], tokens, 0.0), present


def _of_samples(values: Array, given: object) -> Array:
    """From a row of a shared table to the samples that use it."""
    return values[given.index] if isinstance(given, Rows) else values


def _factors_of(names: Sequence[str], factors: Sequence[str]) -> tuple[tuple[int, ...], ...]:
    """Columns of the factors of every motif; none where one of them is not measured."""
    column = {factor.casefold(): number for number, factor in enumerate(factors)}
    parts = [name.casefold().split("::") for name in names]
    found = tuple(
        tuple(column[part] for part in each) if all(part in column for part in each) else () for each in parts
    )
    if not any(found):
        raise AlignmentError(
            f"none of the {len(names):,} motifs belongs to a measured factor: motifs are of {name_some(names)}, but "
            f"measured are {name_some(factors)}. Use symbols of the same kind in both."
        )
    return found
