"""What `train`, `perturb` and `interpret` may rely on in any model: its names, and how it is called."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol, runtime_checkable

import jax.numpy as jnp
import numpy as np
from jax import Array

from kgnn.errors import KgnnError, name_some
from kgnn.layers import InputScaling, Prediction, Subsystems
from kgnn.layers.scaling import FittedStatistic
from kgnn.structure import Hierarchy, Kernels, Structure

TASKS = ("regression", "classes", "labels")


class Rows(NamedTuple):
    """Values of one modality where samples share rows: a branch then runs once a row, not once a sample.

    Attributes:
        table: ``[row, feature]``.
        index: int ``[sample]``: the row of every sample.
    """

    table: Array
    index: Array


Values = Array | Rows
Inputs = Values | dict[str, Values]


class BuildArguments(NamedTuple):
    """What a model is built from, besides its structure and its random start; hashable, and stored in a run.

    Attributes:
        kind: Name of the class, see `kgnn.models.build`.
        settings: A NamedTuple or frozen dataclass of settings, such as `SubsystemSettings`; None without any.
        others: Further keyword arguments as (name, value) pairs.
    """

    kind: str
    settings: Any
    others: tuple[tuple[str, object], ...]


@runtime_checkable
class Model(Protocol):
    """A model of any family.

    A model with terms has besides them a `FittedStatistic` of ``[state]`` numbers, ``reference`` or
    ``subsystems.reference``: the mean states over the training samples, which `kgnn.fit` sets and a closed gate puts in
    their place. What else a model may bring is said in `Trained`.

    Attributes:
        task: ``"regression"``, ``"classes"`` or ``"labels"``; the kind of targets that it predicts.
        output_names: Names of the outputs or classes.
        terms: Names of the subsystems, in the order of ``gate``.
        heads: Names of the auxiliary heads, in the order of `Prediction.auxiliary`.
        genes: Names of the input genes, in the order of the input.
        arguments: What it was built with besides the structure; `kgnn.models.build` makes it anew from them.
    """

    task: str
    output_names: tuple[str, ...]
    terms: tuple[str, ...]
    heads: tuple[str, ...]
    genes: tuple[str, ...]
    arguments: BuildArguments

    @property
    def structure(self) -> Structure | None:
        """What it was compiled from: a hierarchy, an adjacency or kernels; None for a model without structure."""
        ...

    @property
    def hierarchy(self) -> Hierarchy | None:
        """The structure where it is a hierarchy, else None."""
        ...

    @property
    def gene_scaling(self) -> InputScaling:
        """Center and scale of every gene, set from training samples."""
        ...

    @property
    def output_scaling(self) -> InputScaling:
        """Center and scale of regression targets, set from training samples."""
        ...

    @property
    def term_of_state(self) -> tuple[int, ...]:
        """Position of the term that each state belongs to, in the order of ``shift`` and `Prediction.states`."""
        ...

    def __call__(
        self,
        inputs: Inputs,
        *,
        gate: Array | None = None,
        shift: Array | None = None,
        weights: Array | None = None,
        train: bool = False,
    ) -> Prediction:
        """Predict.

        Args:
            inputs: ``[sample, feature]``, or one a modality by name; see `Rows` for shared rows.
            gate: ``[term]`` or ``[sample, term]``: 1 keeps a state, 0 replaces it by its reference, between
                interpolates.
            shift: ``[state]`` or ``[sample, state]``, added to the states.
            weights: One number a sample, for batch statistics in training; 0 for padding.
            train: Whether batch statistics and dropout are those of training.
        """
        ...


@runtime_checkable
class Rooted(Protocol):
    """A model whose output depends on the genes through the state of the root alone.

    `kgnn.perturb` then follows a perturbation up the hierarchy and computes nothing else anew. Any other model is
    perturbed by running it again.

    Attributes:
        subsystems: The states of all terms.
    """

    subsystems: Subsystems

    def values_of_genes(self, inputs: Inputs) -> Values:
        """The values, among the inputs, that the subsystems are computed from."""
        ...

    def beside_root(self, inputs: Inputs) -> Array | None:
        """What the output depends on besides the root, in inference: ``[unit, sample]``, or None."""
        ...

    def from_root(self, root: Array, beside: Any) -> Array:
        """Output ``[sample, output]`` from the state of the root ``[state, sample]`` and what is beside it."""
        ...


class Trained(Protocol):
    """What a model may bring to its own training; `kgnn.train` asks for each of these and does without.

    What a parameter must obey (a bound, a price) it carries with it, see `kgnn.layers.proximal`.

    Attributes:
        head_weights: Weight of the loss of every auxiliary head, in the order of `Model.heads`; 1 each where absent.
        second_scaling: Scaling of the second table, whose abundances are divided by their largest in the training
            samples where ``TrainConfig.scaling`` is ``"auto"``; there is none where absent.
        trained_by_output: Names of the parts that the loss of the output alone trains; it then cannot be left out.
        pretrained: Names of the parts that `start_from` took over, which replicates and null models then share.
    """

    head_weights: tuple[float, ...]
    second_scaling: InputScaling
    trained_by_output: tuple[str, ...]
    pretrained: tuple[str, ...]

    def start_from(self, first: Any) -> None:
        """Take over what a fitted model of another version has learned; see `kgnn.train.FirstStage`.

        Args:
            first: The fitted model.
        """
        ...

    def loss(self, inputs: Inputs, prediction: Prediction, targets: Array, share: Array) -> Array:
        """Loss of a batch, where ``TrainConfig.loss`` is ``"model"``.

        Args:
            inputs: Of the batch.
            prediction: Of the model for them, in training.
            targets: ``[sample, output]``, or ``[sample]`` of class codes.
            share: ``[sample]``, weight of every sample, 0 for padding; the sum is 1.

        Returns:
            One number.
        """
        ...

    def penalty(self, inputs: Inputs, prediction: Prediction, targets: Array, share: Array) -> Array:
        """What enters the loss besides, one number, times ``TrainConfig.penalty_weight``.

        A price on weights, a reconstruction; what belongs to a sample may be in `Prediction.penalty` as well.

        Args:
            inputs: See `loss`.
            prediction: See `loss`.
            targets: See `loss`.
            share: See `loss`.
        """
        ...


def reference_of(model: Any) -> FittedStatistic | None:
    """Where a model keeps the mean state of every term, ``[state]``; None for a model without terms.

    Args:
        model: A single network; of `Replicates` the stacked ones.
    """
    owner = model if hasattr(model, "reference") else getattr(model, "subsystems", None)
    return getattr(owner, "reference", None)


class TermFacts(NamedTuple):
    """What is known of the terms of a model, in their order.

    Attributes:
        names: What people call them.
        levels: int ``[term]``: level in the hierarchy, 0 without one.
        n_genes: int ``[term]``: how many genes each holds, 0 where that means nothing.
    """

    names: tuple[str, ...]
    levels: np.ndarray
    n_genes: np.ndarray


def term_facts(model: Model) -> TermFacts:
    """Names, levels and sizes of the terms of a model.

    They are those of its structure where that knows a term by its id. A model may bring its own as ``term_names``,
    ``level_of_term`` and ``n_genes_of_term``.

    Args:
        model: Any model.
    """
    structure, n = model.structure, len(model.terms)
    names, levels, sizes = {}, {}, {}
    if isinstance(structure, Hierarchy):
        names = dict(zip(structure.terms, structure.term_names, strict=True))
        levels = dict(zip(structure.terms, structure.level_of_term.tolist(), strict=True))
        sizes = dict(zip(structure.terms, structure.n_genes_of_term.tolist(), strict=True))
    elif isinstance(structure, Kernels):
        names = dict(zip(structure.motifs, structure.names, strict=True))
    sizes = dict.fromkeys(model.genes, 1) | sizes

    def own(name: str, found: list[int]) -> np.ndarray:
        return np.asarray(getattr(model, name, found), dtype=np.int32).reshape(n)

    return TermFacts(
        tuple(getattr(model, "term_names", None) or (names.get(term, term) for term in model.terms)),
        own("level_of_term", [levels.get(term, 0) for term in model.terms]),
        own("n_genes_of_term", [sizes.get(term, 0) for term in model.terms]),
    )


def is_followed(model: Model) -> bool:
    """Whether a change passes upward through the terms of the model's hierarchy and nowhere else.

    Args:
        model: One network, or replicates, which have the terms of their members.

    Returns:
        True for networks whose states are those of the terms of a hierarchy, each computed from what is below it.
    """
    network = getattr(model, "stacked", model)
    hierarchy = model.hierarchy
    return hierarchy is not None and model.terms == hierarchy.terms and isinstance(network, Rooted)


def only_table(inputs: Inputs, takes: str, instead: str = "Leave the others out.") -> Values:
    """The only table of samples, refused where there are several.

    Args:
        inputs: What a model is called with.
        takes: What model takes what, for the message.
        instead: What the user can do.

    Returns:
        The table.

    Raises:
        KgnnError: If there are several.
    """
    if isinstance(inputs, dict):
        raise KgnnError(f"the samples have {len(inputs)} modalities: {name_some(inputs)}, but {takes} alone. {instead}")
    return inputs


def sample_major(values: Values) -> Array:
    """``[sample, feature]`` as they are; of shared rows, ``[row, feature]``."""
    return jnp.asarray(values.table if isinstance(values, Rows) else values)


def feature_major(values: Values) -> Array:
    """``[feature, sample]`` as float32; of shared rows, ``[feature, row]``."""
    return sample_major(values).T.astype(jnp.float32)


def row_weights(values: Values, weights: Array | None) -> Array | None:
    """Weight of every row that a branch runs on: for shared rows, the summed weight of the samples that use it."""
    if not isinstance(values, Rows):
        return weights
    each = jnp.ones(values.index.shape[0], jnp.float32) if weights is None else weights
    return jnp.zeros(values.table.shape[0], each.dtype).at[values.index].add(each)


def spread(rows: Array, values: Values) -> Array:
    """From one column a row to one a sample, on the last axis."""
    if not isinstance(values, Rows):
        return rows
    # With the samples first, what belongs to one lies together: going back adds up whole stretches, not numbers.
    return jnp.moveaxis(jnp.moveaxis(rows, -1, 0)[values.index], 0, -1)


def unshared(values: Values, *by_sample: Array | None, apart: bool = False) -> Values:
    """Values with a row for every sample, where samples that share a row differ further on.

    Args:
        values: Of one modality.
        *by_sample: Gates and shifts; samples differ where one of them has a row for every sample.
        apart: Whether samples differ for another reason, such as dropout, which is drawn anew for every sample.

    Returns:
        ``[sample, feature]`` where samples differ, else the values given.
    """
    if isinstance(values, Rows) and (apart or any(each is not None and each.ndim > 1 for each in by_sample)):
        return values.table[values.index]
    return values
