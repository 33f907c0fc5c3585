"""ChromeGCN (Lanchantin & Qi 2020): the state of a window of the genome from its sequence and what touches it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kgnn.data import Samples
from kgnn.errors import AlignmentError, KgnnError
from kgnn.knowledge.contact_network import contact_network
from kgnn.knowledge.contacts import ContactMap
from kgnn.knowledge.network import Network
from kgnn.models import ContactNetwork
from kgnn.structure import Adjacency, compile_adjacency
from kgnn.train import TrainConfig
from kgnn.zoo.recipe import Card, Recipe

VERSIONS: dict[str, dict[str, Any]] = {
    "graph": {"n_layers": 2},
    "window": {"n_layers": 0},
    "paper": {"n_layers": 2, "dropout": 0.2},
}
_CONFIG = TrainConfig(epochs=60, batch_size=64, optimizer="adamw", learning_rate=1e-2, weight_decay=1e-2)


def _contact_network(
    adjacency: Adjacency,
    *,
    genes: Sequence[str],
    modalities: Sequence[str] = ("window", "place"),
    context: np.ndarray | None = None,
    **others: Any,
) -> ContactNetwork:
    model = ContactNetwork(adjacency, genes=genes, modalities=tuple(modalities), **others)
    if context is not None:
        model.set_context(context)
    return model


def _compile(knowledge: Any, samples: Samples, choices: Mapping[str, Any]) -> tuple[Adjacency, Any]:
    network = contact_network(knowledge) if isinstance(knowledge, ContactMap) else knowledge
    if not isinstance(network, Network):
        raise KgnnError(f"chromegcn is compiled from contacts, but {type(knowledge).__name__} is given.")
    return compile_adjacency(network, **choices)


def _windows(samples: Samples) -> Mapping[str, Any]:
    """Features of all windows that the samples hold, in the order of their places."""
    table, places = samples.modalities.values()
    names = tuple(samples.modalities)
    rows = samples.inputs()
    if places.values.shape[1] != 1:
        raise AlignmentError(
            f"the table {names[1]!r} has {places.values.shape[1]:,} columns, but the place of a window is one number, "
            "counted from 0. Give one column."
        )
    place = np.asarray(rows[names[1]])[:, 0].astype(np.int64)
    context = np.zeros((int(place.max()) + 1, len(table.features)), np.float32)
    if len(np.unique(place)) < len(context):
        raise AlignmentError(
            f"{len(context) - len(np.unique(place)):,} of {len(context):,} windows have no sample. Pass the features "
            "of all windows as context= to kgnn.zoo.chromegcn, and fit the model with kgnn.fit."
        )
    context[place] = np.asarray(rows[names[0]])
    return {"genes": table.features, "context": context, "modalities": names}


chromegcn = Recipe(
    card=Card(
        name="chromegcn",
        title="Epigenetic state of a window from its own features and the windows that touch it in the nucleus",
        year=2020,
        doi="10.1093/bioinformatics/btaa793",
        inputs="contacts between windows (Hi-C); windows with features, their place (one column) and labels",
        versions={
            "graph": "encoder trained on together with the graph",
            "window": "without the graph: fitted first, and the baseline",
            "paper": "encoder frozen after the window model, dropout 0.2",
        },
        differs=(
            "the paper computes a whole chromosome a step; here samples are windows, all others their context",
            "the window encoder works on features; the sequence model that makes them is a model of its own",
            "Adam with weight decay instead of plain gradient descent",
        ),
    ),
    model=_contact_network,
    settings=VERSIONS,
    tasks=("labels", "classes", "regression"),
    configs={**dict.fromkeys(VERSIONS, _CONFIG), "paper": _CONFIG.updated({"frozen": "encoder.*"})},
    options={"dropout": float, "n_features": int, "n_layers": int, "encoder_layers": int},
    modalities=("window", "place"),
    knowledge="network",
    compiling={"normalization": "mean", "self_loops": "add", "weighted": False},
    compiler=_compile,
    from_samples=_windows,
)
"""Windows through an encoder, then two gated convolutions over Hi-C contacts.

Fit ``version="window"`` first, then let the graph model `ContactNetwork.start_from` it. Controls:
`kgnn.knowledge.linear_neighbors` and `kgnn.knowledge.distance_matched` in place of the contacts.

- `adjacency`: The contacts, ``normalization="mean"`` with self-loops, weights not used.
- `genes`: Names of a window's features: embeddings of its sequence, or signals.
- `context`: ``[window, feature]``, features of all windows in the order of the graph; set later where None.

References:
    Lanchantin & Qi 2020, Bioinformatics 36:i659, doi:10.1093/bioinformatics/btaa793.
"""
