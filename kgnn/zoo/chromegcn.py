"""ChromeGCN (Lanchantin & Qi 2020): the state of a window of the genome from its sequence and what touches it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kgnn.data import Samples
from kgnn.errors import AlignmentError
from kgnn.models import ContactNetwork
from kgnn.structure import Adjacency
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


def _windows(parts: Sequence[Samples]) -> Mapping[str, Any]:
    """Features of the windows of all parts, in the order of their places; labels are not among them."""
    names, genes = tuple(parts[0].modalities), parts[0].genes
    tables = [part.with_genes(genes).inputs() for part in parts]
    windows, places = (np.concatenate([np.asarray(rows[name]) for rows in tables]) for name in names)  # type: ignore[index]
    if places.shape[1] != 1:
        raise AlignmentError(
            f"the table {names[1]!r} has {places.shape[1]:,} columns, but the place of a window is one number, counted "
            "from 0. Give one column."
        )
    place = places[:, 0].astype(np.int64)
    context = np.zeros((int(place.max()) + 1, len(genes)), np.float32)
    context[place] = windows
    lacking, differing = len(context) - len(np.unique(place)), int((context[place] != windows).any(axis=1).sum())
    if lacking or differing:
        what = f"{lacking:,} of {len(context):,} windows have no sample in any part"
        twice = f"{differing:,} samples have other features than another one of the same window"
        raise AlignmentError(
            f"{what if lacking else twice}. Give the samples of all windows as training, validation and test parts "
            "(labels of the others are not looked at), or leave bins without one out with kgnn.data.place_windows."
        )
    return {"genes": genes, "context": context, "modalities": names}


chromegcn = Recipe(
    card=Card(
        name="chromegcn",
        title="Epigenetic state of a window from its own features and the windows that touch it in the nucleus",
        year=2020,
        doi="10.1093/bioinformatics/btaa793",
        inputs="contacts between windows (Hi-C); windows with features, their place (one column) and labels",
        versions={
            "graph": "starts from the window model, whose encoder is trained on together with the graph",
            "window": "without the graph: the first stage of the others, and the baseline",
            "paper": "starts from the window model, whose encoder is frozen; dropout 0.2",
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
    knowledge="contacts",
    compiling={"normalization": "mean", "self_loops": "add", "weighted": False},
    from_inputs=_windows,
    stages={"graph": "window", "paper": "window"},
)
"""Windows through an encoder, then two gated convolutions over Hi-C contacts.

`fit_recipe` fits the window model first and lets the graph model start from it (`kgnn.train.FirstStage`; before
`kgnn.fit` call that yourself). Windows of all parts are context, their labels are not: split by chromosome. Controls:
`kgnn.knowledge.linear_neighbors` and `kgnn.knowledge.distance_matched` in place of the contacts.

- `adjacency`: The contacts, ``normalization="mean"`` with self-loops, weights not used.
- `genes`: Names of a window's features: embeddings of its sequence, or signals.
- `context`: ``[window, feature]``, features of all windows in the order of the graph; set later where None.

References:
    Lanchantin & Qi 2020, Bioinformatics 36:i659, doi:10.1093/bioinformatics/btaa793.
"""
