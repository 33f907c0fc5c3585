"""KPNN (Fortelny & Bock 2020): a network whose nodes are the proteins and genes of a regulatory graph."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import signature
from typing import Any

from flax import nnx

from kgnn.data.samples import Samples
from kgnn.errors import KgnnError, name_some
from kgnn.knowledge.network import Network
from kgnn.layers import SubsystemSettings
from kgnn.models import KPNN_SETTINGS, RegulatoryNetwork, SteadyStateNetwork
from kgnn.structure import Adjacency, Alignment, Hierarchy, compile_feedback, compile_regulation
from kgnn.train import TrainConfig
from kgnn.zoo.recipe import Card, Recipe

_START = {"initial": "normal"}
SETTINGS = {
    "robust": (KPNN_SETTINGS._replace(dropout=0.3, gene_dropout=0.1, dropout_rule="degree"), _START),
    "paper": (KPNN_SETTINGS._replace(dropout=0.1, gene_dropout=0.1, dropout_rule="degree"), _START),
    "feedback": {"dropout": 0.1, "gene_dropout": 0.1},
}
_ROBUST = TrainConfig(
    epochs=40, batch_size=150, learning_rate=0.03, l2=1e-3, class_weights="balanced", scaling="minmax",
    valid_fraction=0.0, keep="last", replicates=10,
)  # fmt: skip
CONFIGS = {
    "robust": _ROBUST,
    "paper": TrainConfig(
        epochs=200, batch_size=1000, learning_rate=0.05, l2=1e-4, class_weights="balanced", scaling="minmax",
        valid_fraction=0.2, patience=20,
    ),
    "feedback": _ROBUST,
}  # fmt: skip
_LOOPS = {"damping": float, "initial_scale": float}
COMPILING = ("outputs", "unconnected", "feedback")


def compile_kpnn(network: Any, samples: Samples, choices: Mapping[str, Any]) -> tuple[Hierarchy | Adjacency, Alignment]:
    """Compile a network for the genes of some samples; targets that are nodes are the outputs."""
    if not isinstance(network, Network):
        raise KgnnError(f"kpnn is compiled from a network, but {type(network).__name__} is given. See kgnn zoo kpnn.")
    unknown = [name for name in choices if name not in COMPILING]
    if unknown:
        raise KgnnError(f"kpnn compiles its network by itself and does not take {name_some(unknown)}. Leave it out.")
    chosen = dict(choices)
    if "outputs" not in chosen and samples.targets is not None:
        names = samples.targets.names
        chosen["outputs"] = names if all(name in network.node_index for name in names) else None
    compiled = compile_feedback if chosen.pop("feedback", False) else compile_regulation
    return compiled(network, samples.genes, **chosen)


def kpnn_network(
    structure: Hierarchy | Adjacency, settings: SubsystemSettings | None = None, *, rngs: nnx.Rngs, **arguments: Any
) -> RegulatoryNetwork | SteadyStateNetwork:
    """The network of a version: one of levels by its settings, one with feedback has none."""
    kind: Any = SteadyStateNetwork if settings is None else RegulatoryNetwork
    needed = Adjacency if settings is None else Hierarchy
    if not isinstance(structure, needed):
        raise KgnnError(
            f"a {kind.__name__} is built from {needed.__name__}, but {type(structure).__name__} is given. Version "
            "feedback takes what compile_feedback returns, the others what compile_regulation does."
        )
    unknown = [name for name in arguments if name not in signature(kind.__init__).parameters]
    if unknown:
        raise KgnnError(f"{name_some(unknown)}: no option of a {kind.__name__}. Leave it out, or take another version.")
    given = arguments if settings is None else {"settings": settings, **arguments}
    return kind(structure, rngs=rngs, **given)


kpnn = Recipe(
    card=Card(
        name="kpnn",
        title="Knowledge-primed network: one node a protein of a directed regulatory graph, read by its node weights",
        year=2020,
        doi="10.1186/s13059-020-02100-5",
        inputs="a directed network from genes to outputs (KPNN's parent,child edge list, SIGNOR, …), acyclic but for "
        "version feedback; samples of expression with labels or classes",
        versions={
            "robust": "dropout 0.3 of nodes and 0.1 of genes, ten replicates, the last of 40 epochs, whatever is held "
            "out: on control inputs a network predicts well after one, long before its node weights have settled",
            "paper": "dropout 0.1 of both; batches of 1,000, patience 20",
            "feedback": "a network with cycles, solved at rest; dropout 0.1 of both, else as robust",
        },
        differs=(
            "activities of all levels in compiled, padded products, and replicates in one program; the released code "
            "builds one graph node by node",
            "node weights are exact derivatives; the central difference of 0.001 is an option",
            "control inputs draw from a profile halved or doubled; the released code rounds one half down to 0",
            "the penalty on weights includes the biases, and gradients of both pass through Adam as in the paper",
            "paper: the epoch is chosen by the score on validation samples, not by an error that improves by a third",
            "signs of edges can be kept (signed); version feedback, with cycles, is not in the paper",
        ),
    ),
    model=kpnn_network,
    settings=SETTINGS,
    configs=CONFIGS,
    options={"dropout": float, "gene_dropout": float, "dropout_rule": str, "signed": bool, **_LOOPS},
    knowledge="network",
    compiling_version={"feedback": {"feedback": True}},
    compiler=compile_kpnn,
    tasks=("labels", "classes"),
)
"""The knowledge-primed network: one sigmoid node a protein, one weight an edge, the outputs are nodes.

Dropout spares what a node cannot do without (`kgnn.layers.degree_rates`). Read the nodes of replicates with
`kgnn.interpret.node_weights`, train as many on `kgnn.data.control_samples`, and rank the nodes with
`kgnn.interpret.compare_with_controls`: a raw weight mostly tells how well connected a node is.

- `structure`: From `compile_regulation`; of version ``"feedback"``, from `compile_feedback`.

References:
    Fortelny & Bock 2020, Genome Biology 21:190, doi:10.1186/s13059-020-02100-5.
"""
