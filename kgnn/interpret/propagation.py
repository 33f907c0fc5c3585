"""`propagate_attention`: from the pathways that a network attends to, to the genes that lie between them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax.numpy as jnp
import numpy as np

from kgnn.data.samples import Samples
from kgnn.errors import KgnnError
from kgnn.knowledge.edges import build_network
from kgnn.models import PathwayGraphs, Replicates
from kgnn.perturb.forward import wild_type
from kgnn.structure import Adjacency, compile_adjacency, random_walk_with_restart
from kgnn.train.run import Run

if TYPE_CHECKING:
    import pandas


def propagate_attention(run: Run, *, samples: Samples | None = None, restart: float = 0.5) -> pandas.DataFrame:
    r"""Spread a network's attention over pathways and genes, one class at a time.

    Seeds are the mean attention that the samples of a class give each pathway. They walk on the graph of pathways and
    their genes, and of genes that are joined, until nothing changes:

    .. math:: F = r\,(I - (1 - r) W)^{-1} F_0

    A gene of many pathways is near to all seeds: read the column ``lift``, which divides by what equal seeds give.

    Args:
        run: A run of `kgnn.zoo.pathway_attention`.
        samples: With the classes of the model; the run's held-out samples where None.
        restart: Chance :math:`r` to go back to the seeds at each step.

    Returns:
        One row a class and node: class, node, kind (``"pathway"`` or ``"gene"``), score (those of a class sum to 1),
        lift (score by that of equal seeds); by class, the largest lift first.

    Raises:
        KgnnError: If the run is not of such a network, or does not tell classes apart.

    References:
        Lee et al. 2020, Bioinformatics 36:3818, doi:10.1093/bioinformatics/btaa203. Walk: Köhler et al. 2008,
        doi:10.1016/j.ajhg.2008.02.013.
    """
    import pandas

    model = run.model
    members: list[Any] = [model]
    if isinstance(model, Replicates):
        members = [model.member(number) for number in range(model.n_replicates)]
    network = members[0]
    if not isinstance(network, PathwayGraphs) or model.task != "classes":
        raise KgnnError(
            f"attention over pathways is read from a pathway_attention that tells classes apart, but the run is of "
            f"{type(network).__name__} ({model.task}). Train one with recipe='pathway_attention'."
        )
    samples = (run.samples if samples is None else samples).with_genes(model.genes)
    classes = samples.require_targets()
    attention = np.mean([_attention_of(one, samples) for one in members], axis=0)
    present = np.unique(classes.values)
    seeds = np.stack([attention[:, classes.values == one].mean(axis=1) for one in present], axis=1)
    n_pathways, n_genes = len(network.terms), len(network.genes)
    every = np.zeros((n_pathways + n_genes, len(present) + 1))
    every[:n_pathways] = np.column_stack([seeds, np.ones(n_pathways)])
    scores = random_walk_with_restart(_graph_of(network), every, restart=restart)
    names, kinds = [*network.terms, *network.genes], ["pathway"] * n_pathways + ["gene"] * n_genes
    tables = [
        pandas.DataFrame({
            "class": classes.names[one], "node": names, "kind": kinds, "score": scores[:, column],
            "lift": scores[:, column] / np.maximum(scores[:, -1], 1e-300),
        }).sort_values("lift", ascending=False, kind="stable")
        for column, one in enumerate(present.tolist())
    ]  # fmt: skip
    return pandas.concat(tables, ignore_index=True)


def _attention_of(network: PathwayGraphs, samples: Samples) -> np.ndarray:
    """Mean over attentions, ``[pathway, sample]``."""
    _, states = wild_type(network, samples)
    by_pathway = states.reshape(len(samples), len(network.terms), -1).transpose(1, 0, 2)
    return np.asarray(network.attention(jnp.asarray(by_pathway))).mean(axis=0)


def _graph_of(network: PathwayGraphs) -> Adjacency:
    """Pathways first, then genes; names are positions, since a gene may have the name of a pathway."""
    others: dict[str, Any] = dict(network.arguments.others)
    nodes = network.membership
    n = len(network.terms)
    source = np.r_[nodes.pathway, n + np.asarray(others["senders"], np.int64)]
    target = np.r_[n + nodes.gene, n + np.asarray(others["receivers"], np.int64)]
    names = [str(number) for number in range(n + len(network.genes))]
    made = build_network(names, source.astype(int), target.astype(int))
    # A network holds its nodes in alphabetical order; the names say which order is meant.
    return compile_adjacency(made, names, unconnected="keep", self_loops="drop")[0]
