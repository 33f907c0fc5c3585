"""`silence_costs`: how much a fitted network would miss every gene."""

from __future__ import annotations

import math

import jax.numpy as jnp
import numpy as np
from flax import nnx

from kgnn.data.samples import Samples
from kgnn.models import Model
from kgnn.train.device_data import device_data
from kgnn.train.losses import sample_losses
from kgnn.train.predict import outputs_of
from kgnn.train.progress import EpochReport, Progress

MOST_SAMPLES = 8_192
"""Training samples on which the silence of genes is measured."""


def silence_costs(
    model: Model, samples: Samples, *, seed: int = 0, what: str = "silent genes", progress: Progress | None = None
) -> np.ndarray:
    """How much the loss rises when a gene tells the samples apart no more: it has its mean in all tables of genes.

    Args:
        model: A fitted model, or replicates, of which the mean prediction counts.
        samples: With targets; of many, a random part is used.
        seed: Of that part.
        what: Name for the progress report.
        progress: Told after every gene, which counts as an epoch, with the loss when that gene is silent.

    Returns:
        ``[gene]``, mean over samples, errors of a regression in units of the targets' spread.
    """
    if len(samples) > MOST_SAMPLES:
        samples = samples.take(np.sort(np.random.default_rng(seed).permutation(len(samples))[:MOST_SAMPLES]))
    samples = samples.with_genes(model.genes)
    data = device_data(samples)
    of_genes = [name for name, each in samples.modalities.items() if tuple(each.features) == tuple(model.genes)]
    tables = {name: jnp.asarray(data.tables[name][:], jnp.float32) for name in of_genes}
    # Samples may share rows, and further rows fill a table up.
    shares = {name: jnp.bincount(data.rows[name], length=len(tables[name])) / len(samples) for name in of_genes}
    means = {name: shares[name] @ tables[name] for name in of_genes}
    target, scale = jnp.asarray(samples.require_targets().values), model.output_scaling.scale[...]
    scale, split = scale.reshape(-1, scale.shape[-1])[0], nnx.split(model)

    def loss(changed: dict[str, jnp.ndarray]) -> float:
        outputs = outputs_of(*split, data._replace(tables={**data.tables, **changed}))
        return float(sample_losses(model.task, jnp.asarray(outputs), target, scale).mean())

    whole = loss(tables)
    costs = np.zeros(len(model.genes))
    for gene in range(len(model.genes)):
        silent = {name: table.at[:, gene].set(means[name][gene]) for name, table in tables.items()}
        costs[gene] = loss(silent) - whole
        if progress is not None:
            progress(EpochReport(what, gene + 1, len(costs), whole + costs[gene], "", math.nan, math.nan))
    return costs
