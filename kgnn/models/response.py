"""`DrugResponseNetwork`: a visible genotype branch and a dense drug branch, joined (DrugCell's architecture)."""

from __future__ import annotations

from collections.abc import Sequence

import jax.numpy as jnp
from flax import nnx
from jax import Array

from kgnn.errors import KgnnError, name_some
from kgnn.layers import InputScaling, Prediction, Subsystems, SubsystemSettings
from kgnn.layers.dense import Dense, DenseStack
from kgnn.models.contract import (
    BuildArguments,
    Inputs,
    Values,
    feature_major,
    row_weights,
    sample_major,
    spread,
    unshared,
)
from kgnn.models.visible import name_outputs
from kgnn.structure import Hierarchy


class DrugResponseNetwork(nnx.Module):
    r"""Response of a cell to a drug, from the cell's genotype and the drug's fingerprint.

    .. math:: \hat y = w_2 \tanh(w_1^\top \mathrm{BN}(\tanh(W[h_{\mathrm{root}}; d])) + b_1) + b_2

    Where samples share cells or drugs, each branch runs once a distinct row (see `kgnn.models.contract.Rows`).

    Args:
        hierarchy: The compiled hierarchy of the genotype.
        n_fingerprint: Number of bits of a fingerprint.
        settings: How a term computes its state.
        drug_layers: Units of the layers of the drug branch.
        join_units: Units of the layer that joins the branches.
        drug_dropout: Dropout of the drug branch and of the join.
        outputs: Names of the outputs, or their number.
        rngs: Streams ``params`` and, where there is dropout, ``dropout``.

    References:
        Kuenzi et al. 2020, Cancer Cell 38:672, doi:10.1016/j.ccell.2020.09.014.
    """

    def __init__(
        self,
        hierarchy: Hierarchy,
        n_fingerprint: int,
        settings: SubsystemSettings = SubsystemSettings(),  # noqa: B008 - frozen
        *,
        drug_layers: Sequence[int] = (100, 50, 6),
        join_units: int = 6,
        drug_dropout: float = 0.0,
        outputs: int | Sequence[str] = 1,
        rngs: nnx.Rngs,
    ):
        scale = settings.initial_scale
        self.structure = self.hierarchy = hierarchy
        self.task = "regression"
        self.output_names = name_outputs(outputs)
        n_outputs = len(self.output_names)
        self.arguments = BuildArguments(
            "DrugResponseNetwork",
            settings,
            (
                ("n_fingerprint", n_fingerprint),
                ("drug_layers", tuple(drug_layers)),
                ("join_units", join_units),
                ("drug_dropout", drug_dropout),
                ("outputs", self.output_names),
            ),
        )
        self.terms = hierarchy.terms
        with_heads = settings.heads != "none"
        drug_heads = (f"drug layer {number + 1}" for number in range(len(drug_layers)))
        self.heads = (*hierarchy.terms, *drug_heads) if with_heads else ()
        self.genes = hierarchy.genes
        self.n_fingerprint = n_fingerprint
        self.gene_scaling = InputScaling(hierarchy.n_genes)
        self.output_scaling = InputScaling(n_outputs)
        self.subsystems = Subsystems(hierarchy, settings, n_outputs, rngs=rngs)
        self.root_rows = int(settings.states_of_terms(hierarchy)[-1])
        self.drug = DenseStack(
            (n_fingerprint, *drug_layers),
            dropout=drug_dropout,
            n_heads_outputs=n_outputs if with_heads else 0,
            initial_scale=scale,
            rngs=rngs,
        )
        self.join = DenseStack(
            (self.root_rows + drug_layers[-1], join_units), dropout=drug_dropout, initial_scale=scale, rngs=rngs
        )
        self.first_output = Dense(join_units, n_outputs, initial_scale=scale, rngs=rngs)
        self.second_output = Dense(n_outputs, n_outputs, initial_scale=scale, rngs=rngs)

    @property
    def term_of_state(self) -> tuple[int, ...]:
        """Position of the term that each state belongs to."""
        return self.subsystems.term_of_state

    def __call__(
        self,
        inputs: Inputs,
        *,
        gate: Array | None = None,
        shift: Array | None = None,
        weights: Array | None = None,
        train: bool = False,
    ) -> Prediction:
        """See `kgnn.models.contract.Model`; `inputs` has the modalities ``genotype`` and ``fingerprint``."""
        if not isinstance(inputs, dict) or not {"genotype", "fingerprint"} <= inputs.keys():
            given = name_some(inputs) if isinstance(inputs, dict) else "one without a name"
            raise KgnnError(
                f"the modalities are {given}, but a drug response network takes 'genotype' and 'fingerprint'. Read a "
                "folder in DrugCell's schema, or use a network of one modality such as dcell."
            )
        cells = unshared(inputs["genotype"], gate, shift, apart=train and self.subsystems.dropout is not None)
        drugs = unshared(inputs["fingerprint"], apart=train and self.drug.dropout is not None)
        fingerprints = feature_major(drugs)
        if len(fingerprints) != self.n_fingerprint:
            raise KgnnError(
                f"the fingerprints have {len(fingerprints):,} bits, but the model takes {self.n_fingerprint:,}. Make "
                "them as those that it was trained on were made."
            )
        states, root, heads = self.subsystems(
            sample_major(cells),
            self.gene_scaling,
            gate=gate,
            shift=shift,
            weights=row_weights(cells, weights),
            train=train,
        )
        drug, drug_heads = self.drug(fingerprints, weights=row_weights(drugs, weights), train=train)
        root, drug = spread(root, cells), spread(drug, drugs)
        output = self.from_root(root, drug, weights=weights, train=train)
        auxiliary = jnp.concatenate([spread(heads, cells), spread(drug_heads, drugs)])
        return Prediction(output, self.output_scaling.restore(auxiliary.transpose(2, 0, 1)), spread(states, cells).T)

    def values_of_genes(self, inputs: Inputs) -> Values:
        """See `kgnn.models.contract.Rooted`: the genotype."""
        return inputs["genotype"]  # type: ignore[index,return-value]

    def beside_root(self, inputs: Inputs) -> Array:
        """See `kgnn.models.contract.Rooted`: the last layer of the drug branch, ``[unit, sample]``."""
        drugs = inputs["fingerprint"]  # type: ignore[index]
        return spread(self.drug(feature_major(drugs))[0], drugs)

    def from_root(self, root: Array, beside: Array, *, weights: Array | None = None, train: bool = False) -> Array:
        """See `kgnn.models.contract.Rooted`; in training with the batch statistics of the samples."""
        joined, _ = self.join(jnp.concatenate([root, beside]), weights=weights, train=train)
        return self.output_scaling.restore(self.second_output(jnp.tanh(self.first_output(joined))).T)
