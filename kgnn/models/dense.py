"""`DenseNetwork`: a fully connected network without knowledge, the baseline of equal size."""

from __future__ import annotations

from collections.abc import Sequence

import jax.numpy as jnp
from flax import nnx
from jax import Array

from kgnn.layers import InputScaling, Prediction
from kgnn.layers.dense import Dense, DenseStack
from kgnn.models.contract import BuildArguments, Inputs, feature_major, spread
from kgnn.models.visible import name_outputs


class DenseNetwork(nnx.Module):
    """Two fully connected layers over all features of all modalities.

    Modalities are told apart by name, since a dict that has been through `jax.jit` has lost its order: the genes come
    first, then all others by name.

    Args:
        genes: Names of the input genes.
        n_other_features: Features of all other modalities together.
        hidden: Units of both layers.
        outputs: Names of the outputs or classes, or their number.
        task: ``"regression"``, ``"classes"`` or ``"labels"``.
        dropout: Share of units set to 0 in training.
        gene_modality: Name of the modality that holds the genes, where there are several.
        rngs: Streams ``params`` and, where there is dropout, ``dropout``.
    """

    def __init__(
        self,
        genes: Sequence[str],
        n_other_features: int = 0,
        *,
        hidden: int,
        outputs: int | Sequence[str] = 1,
        task: str = "regression",
        dropout: float = 0.0,
        gene_modality: str = "genotype",
        rngs: nnx.Rngs,
    ):
        self.structure = self.hierarchy = None
        self.task = task
        self.output_names = name_outputs(outputs)
        self.terms: tuple[str, ...] = ()
        self.heads: tuple[str, ...] = ()
        self.term_of_state: tuple[int, ...] = ()
        self.genes = tuple(genes)
        self.gene_modality = gene_modality
        self.arguments = BuildArguments(
            "DenseNetwork",
            None,
            (
                ("genes", self.genes),
                ("n_other_features", n_other_features),
                ("hidden", hidden),
                ("outputs", self.output_names),
                ("task", task),
                ("dropout", dropout),
                ("gene_modality", gene_modality),
            ),
        )
        self.gene_scaling = InputScaling(len(self.genes))
        self.output_scaling = InputScaling(len(self.output_names))
        self.stack = DenseStack((len(self.genes) + n_other_features, hidden, hidden), dropout=dropout, rngs=rngs)
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
        """See `kgnn.models.contract.Model`; there are no terms, so `gate` and `shift` have nothing to act on."""
        if isinstance(inputs, dict):
            others = (inputs[name] for name in sorted(inputs) if name != self.gene_modality)
            modalities = [inputs[self.gene_modality], *others]
        else:
            modalities = [inputs]
        rows = [spread(feature_major(values), values) for values in modalities]
        rows[0] = self.gene_scaling(rows[0])
        hidden, _ = self.stack(jnp.concatenate(rows), weights=weights, train=train)
        output = self.output_scaling.restore(self.output_layer(hidden).T)
        n_samples = output.shape[0]
        return Prediction(output, jnp.zeros((n_samples, 0, output.shape[1])), jnp.zeros((n_samples, 0)))


def width_of_equal_size(n_parameters: int, n_features: int, n_outputs: int) -> int:
    """Units a layer that give a `DenseNetwork` about as many parameters as another model, at least 4.

    Args:
        n_parameters: Parameters of the other model.
        n_features: Input features.
        n_outputs: Outputs.

    Returns:
        The width.

    Example:
        >>> width_of_equal_size(10_000, 50, 1)
        75
    """
    linear = n_features + n_outputs + 6
    root = (linear**2 + 4 * n_parameters) ** 0.5
    return max(4, int((root - linear) / 2))
