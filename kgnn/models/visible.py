"""`VisibleNetwork`: a hierarchy of subsystems over genes, and a head on the state of the root."""

from __future__ import annotations

from collections.abc import Sequence

from flax import nnx
from jax import Array

from kgnn.errors import KgnnError, unknown_choice
from kgnn.layers import InputScaling, Prediction, Subsystems, SubsystemSettings
from kgnn.layers.dense import Dense
from kgnn.models.contract import (
    TASKS,
    BuildArguments,
    Inputs,
    Values,
    only_table,
    row_weights,
    sample_major,
    spread,
    unshared,
)
from kgnn.structure import Hierarchy


class VisibleNetwork(nnx.Module):
    r"""A network whose hidden units are the terms of a hierarchy.

    Every term has a small vector of states, computed from the genes annotated to it and the states of its child
    terms; the output is a linear map of the root's states. States are not activities in any physical unit, and two
    fits of the same data may use them differently: compare importance with a null before believing it.

    .. math:: \hat y = W\,h_{\mathrm{root}} + b

    Args:
        hierarchy: The compiled hierarchy.
        settings: How a term computes its state; the root has at least as many states as `with_root_states` gives it.
        outputs: Names of the outputs, or of the classes, or just their number.
        task: ``"regression"``, ``"classes"`` (one of several) or ``"labels"`` (any of several).
        rngs: Streams ``params`` and, where there is dropout, ``dropout``.

    References:
        Ma et al. 2018, Nature Methods 15:290, doi:10.1038/nmeth.4627.

    Example:
        >>> import jax.numpy as jnp
        >>> from kgnn.data import random_ontology
        >>> from kgnn.structure import compile_hierarchy
        >>> hierarchy, _ = compile_hierarchy(random_ontology(4, 7))
        >>> model = VisibleNetwork(hierarchy, rngs=nnx.Rngs(0))
        >>> model(jnp.zeros((3, hierarchy.n_genes))).output.shape
        (3, 1)
    """

    def __init__(
        self,
        hierarchy: Hierarchy,
        settings: SubsystemSettings = SubsystemSettings(),  # noqa: B008 - frozen
        *,
        outputs: int | Sequence[str] = 1,
        task: str = "regression",
        rngs: nnx.Rngs,
    ):
        if task not in TASKS:
            raise unknown_choice("task", task, TASKS)
        self.structure = self.hierarchy = hierarchy
        self.task = task
        self.output_names = name_outputs(outputs)
        settings = with_root_states(settings, task, len(self.output_names))
        self.arguments = BuildArguments("VisibleNetwork", settings, (("outputs", self.output_names), ("task", task)))
        self.terms = hierarchy.terms
        self.heads = () if settings.heads == "none" else hierarchy.terms[:-1]
        self.genes = hierarchy.genes
        self.gene_scaling = InputScaling(hierarchy.n_genes)
        self.output_scaling = InputScaling(len(self.output_names))
        self.subsystems = Subsystems(hierarchy, settings, len(self.output_names), root_head=False, rngs=rngs)
        self.root_rows = int(settings.states_of_terms(hierarchy)[-1])
        scale = settings.initial_scale
        self.output_layer = Dense(self.root_rows, len(self.output_names), initial_scale=scale, rngs=rngs)

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
        """See `kgnn.models.contract.Model`; `inputs` is ``[sample, gene]``."""
        instead = "Leave the others out, or use a network of several modalities such as drugcell."
        values = only_table(inputs, "a visible network takes the genes", instead)
        inputs = unshared(values, gate, shift, apart=train and self.subsystems.dropout is not None)
        states, root, heads = self.subsystems(
            sample_major(inputs),
            self.gene_scaling,
            gate=gate,
            shift=shift,
            weights=row_weights(inputs, weights),
            train=train,
        )
        return Prediction(
            self.from_root(spread(root, inputs), None),
            self.output_scaling.restore(spread(heads, inputs).transpose(2, 0, 1)),
            spread(states, inputs).T,
        )

    def values_of_genes(self, inputs: Inputs) -> Values:
        """See `kgnn.models.contract.Rooted`."""
        return inputs  # type: ignore[return-value]

    def beside_root(self, inputs: Inputs) -> None:
        """See `kgnn.models.contract.Rooted`; the output depends on nothing but the root."""

    def from_root(self, root: Array, beside: None) -> Array:
        """See `kgnn.models.contract.Rooted`."""
        return self.output_scaling.restore(self.output_layer(root).T)


def name_outputs(outputs: int | Sequence[str]) -> tuple[str, ...]:
    """Names of outputs, numbered where only their number is given."""
    if isinstance(outputs, str):
        return (outputs,)
    if isinstance(outputs, int):
        if outputs < 1:
            raise KgnnError(f"outputs is {outputs}. Give at least 1, or the names of the outputs.")
        return tuple(f"output_{number}" for number in range(outputs)) if outputs > 1 else ("output",)
    return tuple(outputs)


def with_root_states(settings: SubsystemSettings, task: str, n_outputs: int) -> SubsystemSettings:
    """Settings whose root has the states for outputs that do not follow from each other.

    With fewer, the linear map that reads it puts all classes on a line or a plane, where training hardly gets past
    their order (planted classes in ``tests/zoo/test_planted_pathways.py``).

    Args:
        settings: How a term computes its state.
        task: ``"regression"``, ``"classes"`` or ``"labels"``.
        n_outputs: Outputs or classes.

    Returns:
        With at least a state an output; one fewer than classes, whose probabilities add up to 1.

    Example:
        >>> with_root_states(SubsystemSettings(1), "classes", 5).root_states
        4
    """
    least = max(1, n_outputs - (task == "classes"))
    return settings._replace(root_states=max(settings.root_states, least))
