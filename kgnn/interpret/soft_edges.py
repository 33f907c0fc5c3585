"""Missing and superfluous knowledge: which priced links between terms and genes survive, in how many fits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kgnn.data.own_targets import with_own_targets
from kgnn.data.samples import Samples
from kgnn.errors import KgnnError, RunError
from kgnn.models import Model, Replicates, build
from kgnn.models.autoencoder import GeneSetAutoencoder
from kgnn.structure import Hierarchy
from kgnn.train import TrainConfig
from kgnn.train.compilation import enable_compilation_cache
from kgnn.train.loop import train_model
from kgnn.train.progress import Progress
from kgnn.train.run import Run

if TYPE_CHECKING:
    import pandas

FITS = 20
FREQUENCY = 0.8
ALONE = {"replicates": 1, "average": 0.0, "patience": 0}
"""Settings of a fit whose zeros are counted: the last epoch, since a running average has none."""


def selected_edges(fits: Run | Model | Sequence[Run | Model], *, tolerance: float = 0.0) -> pandas.DataFrame:
    """How often each priced link between a term and a gene has a weight, over fits or replicates.

    With ``soft`` above 0, links beyond the prior have a price: those that most fits pay are knowledge that may be
    missing. With ``edge_price`` above 0 the prior has a price as well: links that hardly any fit pays are knowledge
    that these data did not need. That does not make them wrong; a term that does not vary among the samples needs
    none of its links.

    Replicates of one run differ in their random start alone; `select_edges` also changes the samples.

    Args:
        fits: A run or a model (of which all replicates count), or several.
        tolerance: Size up to which a weight counts as none, as a share of the largest of its term.

    Returns:
        One row a link that any fit selected, or that the prior has: ``term``, ``name``, ``gene``, ``in_prior``,
        ``priced`` (whether it had a price; else every fit keeps it), ``selected`` (share of fits), ``weight`` (mean
        over fits, on the scale of the term's weights to its own genes and positive where the gene moves with them; see
        below), ``n_fits``. Links beyond the prior come first, by ``selected``, then by size.

        The states of a term have neither a scale nor a sign of their own. The weights of a link are therefore
        projected on the mean direction of the term's prior weights and divided by the mean of these projections: 1
        means as strong as the term's usual gene.

    Raises:
        KgnnError: If the fits are of different hierarchies, or nothing has a price.
        RunError: If a model is no gene-set autoencoder.

    References:
        Meinshausen & Bühlmann 2010, J. R. Stat. Soc. B 72:417, doi:10.1111/j.1467-9868.2010.00740.x; expiMap's soft
        mask: Lotfollahi et al. 2023, doi:10.1038/s41556-022-01072-x.
    """
    members = _members(fits)
    first = members[0]
    if any(each.hierarchy != first.hierarchy for each in members):
        raise KgnnError("the fits have different hierarchies. Give fits of one.")
    settings = first.decoder.settings
    if not (settings.soft or settings.edge_price or settings.term_price):
        raise KgnnError(
            "no link has a price, so every weight is kept. Build the model with soft= (links beyond the prior), "
            "edge_price= or term_price= (links of the prior)."
        )
    prior = first.decoder.in_prior()
    chosen, strength = np.zeros(prior.shape), np.zeros(prior.shape)
    for each in members:
        weights = np.asarray(each.decoder.weights_of_genes(), np.float64)
        size = np.abs(weights).max(axis=2)
        chosen += size > tolerance * size.max(axis=0, keepdims=True)
        strength += _relative(weights, prior)
    found = _table(first.hierarchy, prior, chosen / len(members), strength / len(members), len(members))
    found.insert(4, "priced", ~found["in_prior"] | bool(settings.edge_price or settings.term_price))
    return found


def select_edges(
    model: Model,
    samples: Samples,
    config: TrainConfig,
    *,
    fits: int = FITS,
    share: float = 0.5,
    seed: int = 0,
    progress: Progress | None = None,
) -> pandas.DataFrame:
    """Fit a model to random shares of the samples and count which priced links survive: stability selection.

    Args:
        model: A gene-set autoencoder with prices; every fit has a random start of its own.
        samples: Samples whose targets are their own genes.
        config: Settings; every fit keeps its last epoch.
        fits: Number of fits; with a share of one half they come in pairs that have no sample in common.
        share: Of the samples that each fit sees.
        seed: Of the draws.
        progress: Told after every epoch.

    Returns:
        See `selected_edges`.

    Raises:
        KgnnError: If a number means nothing, or nothing has a price.
        RunError: If the model is no gene-set autoencoder.

    References:
        Shah & Samworth 2013, J. R. Stat. Soc. B 75:55, doi:10.1111/j.1467-9868.2011.01034.x (complementary pairs).
    """
    _members(model)
    enable_compilation_cache()
    samples, fitted = samples.with_genes(model.genes), []
    for number, rows in enumerate(draw_shares(len(samples), fits, share, seed)):
        one = config.updated({"seed": config.seed + number, **ALONE})
        start, what = build(model.arguments, model.structure, seed=one.seed), f"fit {number + 1} of {fits}"
        fitted.append(train_model(start, samples.take(rows), None, one, what=what, progress=progress)[0])
    return selected_edges(fitted)


def draw_shares(n_samples: int, fits: int, share: float, seed: int) -> list[np.ndarray]:
    """Positions of the samples that each fit sees; shares of one half come in pairs without a common sample.

    Args:
        n_samples: Number of samples.
        fits: Number of fits.
        share: Of the samples that each fit sees.
        seed: Of the draws.

    Returns:
        One sorted array of positions a fit.

    Raises:
        KgnnError: If there is no fit, or the share is not above 0 and up to 1.
    """
    if fits < 1 or not 0 < share <= 1:
        raise KgnnError(f"fits is {fits} and share {share:g}. Choose at least one fit on a share above 0, up to 1.")
    random, n, found = np.random.default_rng(seed), max(2, round(share * n_samples)), []
    order = random.permutation(n_samples)
    for number in range(fits):
        if number % 2 == 0:
            order = random.permutation(n_samples)
        found.append(np.sort(order[:n] if number % 2 == 0 else order[-n:]))
    return found


def select_edges_of_run(
    run: Run, samples: Samples, *, fits: int = FITS, share: float = 0.5, seed: int = 0, progress: Progress | None = None
) -> pandas.DataFrame:
    """`select_edges` with the model and the settings of a run.

    Args:
        run: A run of a gene-set autoencoder with prices.
        samples: Samples with its genes; their own values are the targets.
        fits: Number of fits.
        share: Of the samples that each fit sees.
        seed: Of the draws.
        progress: Told after every epoch.

    Returns:
        See `selected_edges`.

    Raises:
        AlignmentError: If the samples lack a gene of the model.
        KgnnError: If a number means nothing, or nothing has a price.
        RunError: If the model is no gene-set autoencoder.
    """
    own = with_own_targets(samples.with_genes(run.model.genes))
    return select_edges(_members(run)[0], own, run.settings, fits=fits, share=share, seed=seed, progress=progress)


def _members(fits: Any) -> list[Any]:
    """Every network by itself."""
    found: list[Any] = []
    for each in fits if isinstance(fits, Sequence) else [fits]:
        model = each.model if isinstance(each, Run) else each
        found += [model.member(k) for k in range(model.n_replicates)] if isinstance(model, Replicates) else [model]
    if not found or not all(isinstance(each, GeneSetAutoencoder) for each in found):
        kinds = ", ".join(sorted({type(each).__name__ for each in found})) or "none"
        raise RunError(f"the models are of kind {kinds}, but links are read off gene-set autoencoders. Give such fits.")
    return found


def _relative(weights: np.ndarray, prior: np.ndarray) -> np.ndarray:
    """Weights ``[gene, term, state]`` along the mean of the term's prior weights, 1 for its usual gene."""
    own = weights * prior[:, :, None]
    n_used = np.maximum((np.abs(own).max(axis=2) > 0).sum(axis=0), 1)
    mean = own.sum(axis=0) / n_used[:, None]
    along = np.einsum("gts,ts->gt", weights, mean)
    usual = np.square(mean).sum(axis=1)
    return np.divide(along, usual, out=np.zeros_like(along), where=usual > 0)


def _table(
    hierarchy: Hierarchy, prior: np.ndarray, selected: np.ndarray, strength: np.ndarray, n_fits: int
) -> pandas.DataFrame:
    import pandas

    gene, term = np.nonzero(prior | (selected > 0))
    table = pandas.DataFrame(
        {
            "term": [hierarchy.terms[each] for each in term],
            "name": [hierarchy.term_names[each] for each in term],
            "gene": [hierarchy.genes[each] for each in gene],
            "in_prior": prior[gene, term],
            "selected": selected[gene, term],
            "weight": strength[gene, term],
            "n_fits": n_fits,
        }
    )
    order = np.lexsort((-np.abs(table["weight"]), -table["selected"], table["in_prior"]))
    return table.iloc[order].reset_index(drop=True)


def prior_not_needed(edges: pandas.DataFrame, *, at_most: float = 1 - FREQUENCY) -> float:
    """Share of the prior's links that at most so many fits kept: how much of the knowledge the data did not need.

    Args:
        edges: From `selected_edges` or `select_edges`, of models with a price on the prior (edge_price or term_price).
        at_most: Share of fits.

    Returns:
        Between 0 and 1.

    Raises:
        KgnnError: If the table has no link of the prior, or these had no price, so that every fit kept them.
    """
    prior = edges[edges["in_prior"]]
    if not len(prior):
        raise KgnnError("the table has no link of the prior. Give what selected_edges returned.")
    if not prior["priced"].all():
        raise KgnnError(
            f"{(~prior['priced']).sum():,} of {len(prior):,} links of the prior had no price, so that every fit kept "
            "them. Fit an autoencoder with edge_price=; of a visible network, kgnn prune tells what it does not need."
        )
    return float((prior["selected"] <= at_most).mean())
