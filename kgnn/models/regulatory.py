"""`RegulatoryNetwork`: one unit a node of a regulatory graph, and the outputs are nodes of it (KPNN's architecture)."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import numpy as np
from flax import nnx
from jax import Array

from kgnn.errors import KgnnError, name_some, unknown_choice
from kgnn.layers import InputScaling, Prediction, Subsystems, SubsystemSettings
from kgnn.models.contract import TASKS, BuildArguments, Inputs, only_table, row_weights, sample_major, spread, unshared
from kgnn.models.visible import name_outputs
from kgnn.structure import Hierarchy

INITIAL = ("uniform", "normal")
KPNN_SETTINGS = SubsystemSettings(1, "sigmoid", "none", heads="none", last_activation="identity")


class RegulatoryNetwork(nnx.Module):
    r"""A network whose hidden units are the nodes of a regulatory graph, and whose outputs are nodes as well.

    A node has one activity, the sigmoid of a weighted sum of the genes and nodes that act on it; of an output, the sum
    itself is the prediction (the logit where targets are labels). Nothing lies between the graph and the output.
    Activities have no unit, and the network can use a redundant node or leave it: train replicates, with dropout, and
    compare with control inputs before reading a node's weight.

    .. math:: h_n = \sigma\Big(\sum_{g \to n} w_{gn} x_g + \sum_{m \to n} w_{mn} h_m + b_n\Big), \qquad
        \hat y_o = \sum_{n \to o} w_{no} h_n + b_o

    Args:
        hierarchy: From `compile_regulation`, or any other: then the root is the output.
        settings: How a node computes its activity; the last level needs ``last_activation="identity"``.
        outputs: Names of the outputs: those of the nodes of the last level, in any order; of a single output, any name.
        task: ``"regression"``, ``"classes"`` or ``"labels"``.
        initial: Initial weights ``"uniform"`` within 1/sqrt(fan-in) times the initial scale, or ``"normal"`` with a
            standard deviation of the initial scale, whatever the fan-in (the paper's).
        rngs: Streams ``params`` and, where there is dropout, ``dropout``.

    Raises:
        KgnnError: If the outputs are not the nodes of the last level, or a choice is unknown.

    References:
        Fortelny & Bock 2020, Genome Biology 21:190, doi:10.1186/s13059-020-02100-5.

    Example:
        >>> import jax.numpy as jnp
        >>> from kgnn.knowledge import build_network
        >>> from kgnn.structure import compile_regulation
        >>> network = build_network(["A", "B", "X", "Y"], np.array([0, 1, 2]), np.array([2, 3, 3]), directed=True)
        >>> model = RegulatoryNetwork(compile_regulation(network)[0], rngs=nnx.Rngs(0))
        >>> model(jnp.zeros((3, 2))).output.shape
        (3, 1)
    """

    def __init__(
        self,
        hierarchy: Hierarchy,
        settings: SubsystemSettings = KPNN_SETTINGS,
        *,
        outputs: int | Sequence[str] = 1,
        task: str = "labels",
        initial: str = "uniform",
        rngs: nnx.Rngs,
    ):
        for what, value, known in (("task", task, TASKS), ("initial", initial, INITIAL)):
            if value not in known:
                raise unknown_choice(what, value, known)
        settings.check()
        self.hierarchy = self.structure = hierarchy
        self.task = task
        self.output_names = name_outputs(outputs)
        self.arguments = BuildArguments(
            "RegulatoryNetwork", settings, (("outputs", self.output_names), ("task", task), ("initial", initial))
        )
        self.terms = hierarchy.terms
        self.heads = hierarchy.terms[:-1] if settings.heads != "none" else ()
        self.genes = hierarchy.genes
        self.output_rows = _output_rows(hierarchy, settings, self.output_names)
        self.gene_scaling = InputScaling(hierarchy.n_genes)
        self.output_scaling = InputScaling(len(self.output_names))
        self.subsystems = Subsystems(hierarchy, settings, len(self.output_names), root_head=False, rngs=rngs)
        if initial == "normal":
            _draw_normal(self.subsystems, settings.initial_scale, rngs)

    @property
    def term_of_state(self) -> tuple[int, ...]:
        """Position of the node that each state belongs to."""
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
        values = only_table(inputs, "a regulatory network takes the genes")
        layer = self.subsystems
        drops = layer.dropout is not None or layer.gene_dropout is not None
        inputs = unshared(values, gate, shift, apart=train and drops)
        states, last, heads = layer(
            sample_major(inputs),
            self.gene_scaling,
            gate=gate,
            shift=shift,
            weights=row_weights(inputs, weights),
            train=train,
        )
        output = spread(last, inputs).T[:, np.array(self.output_rows)]
        auxiliary = self.output_scaling.restore(spread(heads, inputs).transpose(2, 0, 1))
        return Prediction(self.output_scaling.restore(output), auxiliary, spread(states, inputs).T)


def _output_rows(hierarchy: Hierarchy, settings: SubsystemSettings, outputs: tuple[str, ...]) -> tuple[int, ...]:
    """Where each output lies among the states of the last level."""
    n_last = int((hierarchy.level_of_term == hierarchy.level_of_term[-1]).sum())
    last = hierarchy.terms[-n_last:]
    n_states = int(settings.states_of_terms(hierarchy)[-len(last) :].sum())
    if settings.last_activation != "identity" or n_states != len(last):
        raise KgnnError(
            f"the last level has {n_states} states of activation {settings.last_activation or settings.activation!r}, "
            "but every output is one plain sum. Set last_activation='identity' and one state a node."
        )
    if len(last) == len(outputs) == 1:
        return (0,)
    if sorted(last) != sorted(outputs):
        raise KgnnError(
            f"the outputs are {name_some(outputs)}, but the last level of the graph holds {name_some(last)}. Name the "
            "targets as these nodes, or choose other outputs when the network is compiled."
        )
    return tuple(last.index(name) for name in outputs)


def _draw_normal(layer: Subsystems, scale: float, rngs: nnx.Rngs) -> None:
    """Give every weight and bias a normal start."""
    random = np.random.default_rng(np.asarray(jax.random.key_data(rngs.params())).tolist())
    for parameter in (layer.gene_weights, layer.child_weights, layer.bias):
        parameter[...] = jax.device_put(random.normal(0, scale, parameter.shape).astype(np.float32))
