"""`PathwayNetwork`: a hierarchy over genes with several features, read at its root, its terms or its levels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import Array

from kgnn.errors import KgnnError, name_some, unknown_choice
from kgnn.layers import InputScaling, Prediction, Subsystems, SubsystemSettings
from kgnn.layers.dense import Dense
from kgnn.layers.gene_features import GeneFeatures
from kgnn.layers.level_heads import LevelHeads
from kgnn.models.contract import TASKS, BuildArguments, Inputs, Values, feature_major, only_table, spread
from kgnn.models.visible import name_outputs, with_root_states
from kgnn.structure import Hierarchy

READOUTS = ("root", "mean", "linear")
HEAD_WEIGHTS = ("equal", "growing", "level_size")
MEASURED = "measured"
"""The feature that says whether a gene was measured in a sample; the first feature counts only where it is 1."""


class PathwayNetwork(nnx.Module):
    r"""A visible network whose genes may have several features and whose levels may each predict.

    Every gene becomes one value (see `GeneFeatures`), every term a small vector of states (see `Subsystems`). The
    output is read from the root (NeST-VNN, BINN, DTox), or is the mean over a head a level (P-NET):

    .. math:: p(y) = \frac{1}{L}\sum_l \sigma(V_l h_l + c_l)

    Where one of the features is called ``"measured"``, the first one is a table with gaps: a value enters only where it
    was measured, and not being measured has a weight of its own. A gap is thus neither an abundance of 0 nor the mean.

    Args:
        hierarchy: The compiled hierarchy; ``skips="copy"`` gives it the layers of fixed depth of P-NET and BINN.
        settings: How a term computes its state; ``heads="none"`` leaves out the auxiliary heads of terms. The root has
            at least as many states as `with_root_states` gives it.
        features: Names of the tables, each ``[sample, gene]`` over the same genes, which the unit of a gene makes one
            value of (P-NET has it for a single table as well); empty where the only table enters the terms as it is.
        gene_norm: Whether batch normalization follows the unit of a gene.
        gene_dropout: Share of the genes set to 0 in training; only with `features`.
        readout: ``"root"`` (a linear map of its states), ``"mean"`` (of what the heads of all levels predict, in
            probability for classes and labels) or ``"linear"`` (a trained linear map of these heads).
        head_weights: Weights of the auxiliary losses: ``"equal"``, ``"growing"`` (:math:`e^{l+1}` from the lowest level
            up; P-NET) or ``"level_size"`` (one over the number of terms of the level; DTox).
        outputs: Names of the outputs, or of the classes, or just their number.
        task: ``"regression"``, ``"classes"`` or ``"labels"``.
        rngs: Streams ``params`` and, where there is dropout, ``dropout``.

    Raises:
        KgnnError: If a choice is unknown.

    References:
        Elmarakeby et al. 2021, Nature 598:348, doi:10.1038/s41586-021-03922-4; Hartman et al. 2023, Nature
        Communications 14:5359, doi:10.1038/s41467-023-41146-4.

    Example:
        >>> from kgnn.data import random_ontology
        >>> from kgnn.structure import compile_hierarchy
        >>> hierarchy, _ = compile_hierarchy(random_ontology(4, 7), skips="copy")
        >>> model = PathwayNetwork(hierarchy, features=("mutation", "deletion"), readout="mean", rngs=nnx.Rngs(0))
        >>> tables = {"mutation": jnp.zeros((3, 7)), "deletion": jnp.ones((3, 7))}
        >>> model(tables).auxiliary.shape == (3, 1 + hierarchy.n_levels, 1)
        True
    """

    def __init__(
        self,
        hierarchy: Hierarchy,
        settings: SubsystemSettings = SubsystemSettings(),  # noqa: B008 - frozen
        *,
        features: Sequence[str] = (),
        gene_norm: bool = False,
        gene_dropout: float = 0.0,
        readout: str = "root",
        head_weights: str = "equal",
        outputs: int | Sequence[str] = 1,
        task: str = "regression",
        rngs: nnx.Rngs,
    ):
        for what, value, known in (
            ("task", task, TASKS), ("readout", readout, READOUTS), ("head_weights", head_weights, HEAD_WEIGHTS)
        ):  # fmt: skip
            if value not in known:
                raise unknown_choice(what, value, known)
        if readout != "root":
            settings = settings._replace(heads="none")
        self.structure = self.hierarchy = hierarchy
        self.task = task
        self.output_names = name_outputs(outputs)
        settings = with_root_states(settings, task, len(self.output_names))
        self.features = tuple(features)
        self.readout = readout
        self.trained_by_output = {"mean": (), "linear": ("mixture",), "root": ("output_layer",)}[readout]
        self.arguments = BuildArguments(
            "PathwayNetwork",
            settings,
            (
                ("features", self.features),
                ("gene_norm", gene_norm),
                ("gene_dropout", gene_dropout),
                ("readout", readout),
                ("head_weights", head_weights),
                ("outputs", self.output_names),
                ("task", task),
            ),
        )
        n_outputs, scale = len(self.output_names), settings.initial_scale
        self.terms = hierarchy.terms
        self.genes = hierarchy.genes
        self.heads, self.head_weights = self._heads(settings, head_weights)
        self.gene_scaling = InputScaling(hierarchy.n_genes)
        self.output_scaling = InputScaling(n_outputs)
        units = {"activation": settings.activation, "norm": gene_norm, "dropout": gene_dropout, "rngs": rngs}
        n_features = len(self.features)
        self.gene_features = GeneFeatures(hierarchy.n_genes, n_features, **units) if n_features else None
        self.subsystems = Subsystems(hierarchy, settings, n_outputs, root_head=False, rngs=rngs)
        if readout == "root":
            self.output_layer = Dense(self._sizes(settings)[-1], n_outputs, initial_scale=scale, rngs=rngs)
        else:
            genes = [hierarchy.n_genes] if self.features else []
            self.level_heads = LevelHeads([*genes, *self._sizes(settings)], n_outputs, initial_scale=scale, rngs=rngs)
        if readout == "linear":
            self.mixture = nnx.Param(jnp.full((len(self.heads),), 1.0 / len(self.heads), jnp.float32))

    def _sizes(self, settings: SubsystemSettings) -> list[int]:
        """States of every level."""
        states = settings.states_of_terms(self.hierarchy)
        return np.bincount(self.hierarchy.level_of_term, weights=states).astype(int).tolist()

    def _heads(self, settings: SubsystemSettings, rule: str) -> tuple[tuple[str, ...], tuple[float, ...]]:
        """Names of the auxiliary heads, and the weights of their losses."""
        level = self.hierarchy.level_of_term
        if self.readout != "root":
            lowest = ["genes"] if self.features else []
            names = (*lowest, *(f"level {number}" for number in range(self.hierarchy.n_levels)))
            place, size = np.arange(len(names)), np.ones(len(names))
            size[len(lowest) :] = np.bincount(level)
        else:
            names = () if settings.heads == "none" else self.hierarchy.terms[:-1]
            place, size = level[: len(names)], np.bincount(level)[level[: len(names)]]
        weights = {"equal": np.ones(len(names)), "growing": np.exp(place + 1.0), "level_size": 1.0 / size}[rule]
        return names, tuple(float(f"{weight:.6g}") for weight in weights)

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
        """See `kgnn.models.contract.Model`; `inputs` is ``[sample, gene]``, or one such table a feature by name."""
        genes = self._gene_values(inputs, weights, train)
        states, root, term_heads = self.subsystems(
            genes.T, None if self.features else self.gene_scaling, gate=gate, shift=shift, weights=weights, train=train
        )
        if self.readout == "root":
            output, auxiliary = self.output_layer(root).T, term_heads.transpose(2, 0, 1)
        else:
            auxiliary = self.level_heads(jnp.concatenate([genes, states]) if self.features else states)
            auxiliary = auxiliary.transpose(2, 0, 1)
            output = self._joined(auxiliary)
        restore = self.output_scaling.restore
        return Prediction(restore(output), restore(auxiliary), states.T)

    def _gene_values(self, inputs: Inputs, weights: Array | None, train: bool) -> Array:
        """One value a gene, ``[gene, sample]``."""
        if not self.features:
            instead = "Build it with features=, naming them in order."
            return _each_sample(only_table(inputs, "a pathway network without features takes the genes", instead))
        if len(self.features) == 1 and not isinstance(inputs, dict):
            inputs = {self.features[0]: inputs}
        if not isinstance(inputs, dict) or not set(self.features) <= inputs.keys():
            given = name_some(inputs) if isinstance(inputs, dict) else "one without a name"
            raise KgnnError(
                f"the modalities are {given}, but the network takes {name_some(self.features)}. Give one table of "
                "the same genes for each."
            )
        tables = {name: _each_sample(inputs[name]) for name in self.features}
        wrong = [name for name, table in tables.items() if len(table) != len(self.genes)]
        if wrong:
            raise KgnnError(
                f"{name_some(wrong)} has not the {len(self.genes):,} genes of the network. Give every modality the "
                "same genes in the same order."
            )
        first = self.gene_scaling(tables[self.features[0]])
        # What was not measured counts as nothing, whatever stands in its place.
        tables[self.features[0]] = first * tables[MEASURED] if MEASURED in self.features[1:] else first
        units: Any = self.gene_features
        return units([tables[name] for name in self.features], weights=weights, train=train)

    def _joined(self, heads: Array) -> Array:
        """The output ``[sample, output]`` from the heads of all levels ``[sample, level, output]``."""
        if self.readout == "linear":
            return jnp.einsum("slo,l->so", heads, self.mixture[...])
        if self.task == "regression":
            return heads.mean(axis=1)
        n = jnp.log(jnp.float32(heads.shape[1]))
        if self.task == "classes":
            return jax.nn.logsumexp(jax.nn.log_softmax(heads, axis=2), axis=1) - n
        yes, no = (jax.nn.logsumexp(jax.nn.log_sigmoid(sign * heads), axis=1) for sign in (1, -1))
        return yes - no


def _each_sample(values: Values) -> Array:
    """``[feature, sample]`` as float32, a column for every sample where some share rows."""
    return spread(feature_major(values), values)
