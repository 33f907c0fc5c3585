"""Which edges say again what others say, and which genes a fitted network misses least: pruning without prices."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import jax.numpy as jnp
import numpy as np
from flax import nnx

from kgnn.data.samples import Samples
from kgnn.models import Model
from kgnn.structure import Hierarchy
from kgnn.structure.cut import cut_edges
from kgnn.train.carry import subsystems_of
from kgnn.train.losses import sample_losses
from kgnn.train.predict import outputs_of
from kgnn.train.stream import place_samples

MOST_SAMPLES = 8_192
"""Training samples on which the silence of genes is measured."""


def repeated_edges(hierarchy: Hierarchy) -> np.ndarray:
    """Edges that say again what another one says, the most general first.

    Of a gene's annotations that to its most specific term says the most, and of a term's parents the most specific one:
    the lowest, and of several that with the fewest genes. All others are repetitions.

    Args:
        hierarchy: The hierarchy.

    Returns:
        Positions of edges, annotations first: ``len(annotation_gene)`` is that of the first relation.
    """
    below = np.concatenate([hierarchy.annotation_gene, hierarchy.n_genes + hierarchy.relation_child])
    above = np.concatenate([hierarchy.annotation_term, hierarchy.relation_parent])
    general = np.lexsort((hierarchy.n_genes_of_term[above], hierarchy.level_of_term[above]))
    _, first = np.unique(below[general], return_index=True)
    return np.delete(general, first)[::-1]


def silence_costs(model: Model, samples: Samples, *, seed: int = 0) -> np.ndarray:
    """How much the loss rises when a gene says nothing: all weights of its annotations are set to 0.

    Args:
        model: A fitted model with subsystems, or replicates, of which the mean prediction counts.
        samples: With targets; of many, a random part is used.
        seed: Of that part.

    Returns:
        ``[gene]``, mean over samples, errors of a regression in units of the targets' spread.
    """
    subsystems, hierarchy = subsystems_of(model), cast("Hierarchy", model.hierarchy)
    if len(samples) > MOST_SAMPLES:
        samples = samples.take(np.sort(np.random.default_rng(seed).permutation(len(samples))[:MOST_SAMPLES]))
    data = place_samples(samples.with_genes(model.genes))
    target, scale = jnp.asarray(samples.require_targets().values), model.output_scaling.scale[...]
    scale = scale.reshape(-1, scale.shape[-1])[0]

    def loss() -> float:
        return float(sample_losses(model.task, jnp.asarray(outputs_of(*nnx.split(model), data)), target, scale).mean())

    of_gene = np.repeat(hierarchy.annotation_gene, subsystems.settings.weights_of_edges(hierarchy)[0])
    weights, whole = subsystems.gene_weights[...], loss()
    costs = np.zeros(hierarchy.n_genes)
    for gene in range(hierarchy.n_genes):
        subsystems.gene_weights[...] = jnp.where(of_gene == gene, 0.0, weights)
        costs[gene] = loss() - whole
    subsystems.gene_weights[...] = weights
    return costs


def spare_edges(
    hierarchy: Hierarchy, n: int, rounds: int, costs_of: Callable[[Hierarchy, int], np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Edges to keep when at least `n` go: first those that repeat others go, then genes that cost least.

    Args:
        hierarchy: The hierarchy.
        n: Number of edges that go, with those that then hang in the air.
        rounds: Times that the costs of genes are asked for anew.
        costs_of: Costs ``[gene]`` on a hierarchy, in a round from 1; asked only if repetitions are not enough.

    Returns:
        bool ``[annotation]`` and bool ``[relation]``, as `kgnn.structure.cut.cut_edges` wants them.
    """
    n_annotations, n_edges = len(hierarchy.annotation_gene), count_edges(hierarchy)
    kept = np.ones(n_edges, bool)
    kept[repeated_edges(hierarchy)[:n]] = False
    for number in range(1, rounds + 1):
        now = cut_edges(hierarchy, kept[:n_annotations], kept[n_annotations:])[0]
        missing = n - (n_edges - count_edges(now))
        if missing <= 0:
            break
        order = np.argsort(costs_of(now, number), kind="stable")
        removed = np.cumsum(np.bincount(now.annotation_gene, minlength=now.n_genes)[order])
        n_genes = 1 + int(np.searchsorted(removed, -(-missing // (rounds - number + 1))))
        gone = {now.genes[gene] for gene in order[:n_genes]}
        kept[:n_annotations] &= np.array([hierarchy.genes[gene] not in gone for gene in hierarchy.annotation_gene])
    return kept[:n_annotations], kept[n_annotations:]


def count_edges(hierarchy: Hierarchy) -> int:
    """Annotations and relations together."""
    return len(hierarchy.annotation_gene) + len(hierarchy.relation_child)
