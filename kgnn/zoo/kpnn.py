"""KPNN (Fortelny & Bock 2020): a network whose nodes are the proteins and genes of a regulatory graph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kgnn.data.samples import Samples
from kgnn.errors import KgnnError, name_some
from kgnn.knowledge.network import Network
from kgnn.models import KPNN_SETTINGS, RegulatoryNetwork
from kgnn.structure import Alignment, Hierarchy, compile_regulation
from kgnn.train import TrainConfig
from kgnn.zoo.recipe import Card, Recipe

_START = {"initial": "normal"}
SETTINGS = {
    "robust": (KPNN_SETTINGS._replace(dropout=0.3, gene_dropout=0.1, dropout_rule="degree"), _START),
    "paper": (KPNN_SETTINGS._replace(dropout=0.1, gene_dropout=0.1, dropout_rule="degree"), _START),
}
CONFIGS = {
    "robust": TrainConfig(
        epochs=40, batch_size=150, learning_rate=0.03, l2=1e-3, class_weights="balanced", scaling="minmax",
        valid_fraction=0.0, keep="last", replicates=10,
    ),
    "paper": TrainConfig(
        epochs=200, batch_size=1000, learning_rate=0.05, l2=1e-4, class_weights="balanced", scaling="minmax",
        valid_fraction=0.2, patience=20,
    ),
}  # fmt: skip
COMPILING = ("outputs", "unconnected")


def compile_kpnn(network: Any, samples: Samples, choices: Mapping[str, Any]) -> tuple[Hierarchy, Alignment]:
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
    return compile_regulation(network, samples.genes, **chosen)


kpnn = Recipe(
    card=Card(
        name="kpnn",
        title="Knowledge-primed network: one node a protein of a directed regulatory graph, read by its node weights",
        year=2020,
        doi="10.1186/s13059-020-02100-5",
        inputs="a directed, acyclic network from genes to outputs (KPNN's parent,child edge list, SIGNOR, …); "
        "samples of expression with labels or classes",
        versions={
            "robust": "dropout 0.3 of nodes and 0.1 of genes, ten replicates, the last of 40 epochs, whatever is held "
            "out: on control inputs a network predicts well after one, long before its node weights have settled",
            "paper": "dropout 0.1 of both; batches of 1,000, patience 20",
        },
        differs=(
            "activities of all levels in compiled, padded products, and replicates in one program; the released code "
            "builds one graph node by node",
            "node weights are exact derivatives; the central difference of 0.001 is an option",
            "control inputs draw from a profile halved or doubled; the released code rounds one half down to 0",
            "the penalty on weights includes the biases, and gradients of both pass through Adam as in the paper",
            "paper: the epoch is chosen by the score on validation samples, not by an error that improves by a third",
            "signs of edges can be kept (signed), and graphs with feedback are solved at rest (SteadyStateNetwork)",
        ),
    ),
    model=RegulatoryNetwork,
    settings=SETTINGS,
    configs=CONFIGS,
    options={"dropout": float, "gene_dropout": float, "dropout_rule": str, "signed": bool},
    knowledge="network",
    compiler=compile_kpnn,
    tasks=("labels", "classes"),
)
"""The knowledge-primed network: one sigmoid node a protein, one weight an edge, the outputs are nodes.

Dropout spares what a node cannot do without (`kgnn.layers.degree_rates`). Read the nodes of replicates with
`kgnn.interpret.node_weights`, train as many on `kgnn.data.control_samples`, and rank the nodes with
`kgnn.interpret.compare_with_controls`: a raw weight mostly tells how well connected a node is.

- `hierarchy`: From `compile_regulation`.

References:
    Fortelny & Bock 2020, Genome Biology 21:190, doi:10.1186/s13059-020-02100-5.
"""
