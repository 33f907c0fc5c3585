"""`select_annotations`: annotations that a visible network may lack, each at a price, over many fits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kgnn.data.samples import Samples
from kgnn.errors import AlignmentError, KgnnError, name_some
from kgnn.interpret.soft_edges import ALONE, FITS, draw_shares
from kgnn.layers.prices import WeightPrices
from kgnn.models import Model, Replicates, build
from kgnn.structure import Hierarchy
from kgnn.structure.widen import add_annotations, unlinked_pairs
from kgnn.train import TrainConfig
from kgnn.train.carry import subsystems_of
from kgnn.train.compilation import enable_compilation_cache
from kgnn.train.loop import train_model
from kgnn.train.progress import Progress
from kgnn.train.prune import kept_edges

if TYPE_CHECKING:
    import pandas

MOST_CANDIDATES = 200_000


@dataclass(frozen=True)
class KnownStates:
    """Numbers of states that are given, whatever genes the terms have.

    Attributes:
        numbers: Of every term.
    """

    numbers: tuple[int, ...]

    @property
    def minimum(self) -> int:
        """Fewest states."""
        return min(self.numbers)

    def __call__(self, n_genes: np.ndarray) -> np.ndarray:
        """States of every term, int ``[term]``."""
        return np.asarray(self.numbers, np.int64)


def select_annotations(
    model: Model,
    samples: Samples,
    config: TrainConfig,
    *,
    soft: float,
    candidates: Iterable[tuple[str, str]] | None = None,
    fits: int = FITS,
    share: float = 0.5,
    seed: int = 0,
    progress: Progress | None = None,
) -> pandas.DataFrame:
    r"""Let genes join terms that the knowledge does not put them in, at a price, and count in how many fits they do.

    The network is built, without normalization, over a wider hierarchy, in which a candidate annotation starts at 0 and
    costs `soft` a unit of each of its weights (the lasso, in units of the loss); those of the prior are free. Every fit
    has a random start and a random share of the samples; halves come in pairs without a common sample.

    A gene that most fits let join a term is knowledge that may be missing. *Which* term it joins is known only as far
    as terms combine their genes in ways of their own: where a phenotype is a sum over genes, any term will do. Choose
    the price such that few candidates survive: begin with 0.1 and halve it. Annotations of the prior have no price
    here, since larger weights above a term would make up for smaller ones into it; `kgnn.train.prune` cuts what is not
    needed.

    Args:
        model: A visible network; gives structure and arguments, its weights are not used.
        samples: With targets.
        config: Settings; every fit keeps its last epoch. A schedule that ends at 0 gives clean zeros.
        soft: Price of a candidate, above 0.
        candidates: Pairs of a gene and a term id; every gene with every term at level 0 that it is not annotated to
            where None.
        fits: Number of fits.
        share: Of the samples that each fit sees.
        seed: Of the draws.
        progress: Told after every epoch.

    Returns:
        One row an annotation that any fit kept, or that the prior has: ``term``, ``name``, ``gene``, ``in_prior``,
        ``priced`` (candidates alone), ``selected`` (share of fits) and ``n_fits``; candidates first, by ``selected``.

    Raises:
        AlignmentError: If a candidate names a gene or term that the model does not know.
        KgnnError: If a number means nothing, there are too many candidates, or the model has no annotations.

    References:
        Tibshirani 1996, doi:10.1111/j.2517-6161.1996.tb02080.x; Meinshausen & Bühlmann 2010,
        doi:10.1111/j.1467-9868.2010.00740.x; Shah & Samworth 2013, doi:10.1111/j.1467-9868.2011.01034.x.
    """
    hierarchy, arguments = _annotated_hierarchy(model), _single(model).arguments
    if not 0 < soft < float("inf"):
        raise KgnnError(f"soft is {soft:g}, but a candidate needs a price. Choose one above 0, such as 0.1.")
    pairs = _checked(hierarchy, candidates)
    wider, is_candidate = add_annotations(hierarchy, pairs)
    # Candidates are no genes of a term yet: every term keeps the number of states that it has. A normalization would
    # undo the size of the weights, which is what the price is on.
    states = KnownStates(tuple(arguments.settings.states_of_terms(hierarchy).tolist()))
    arguments = arguments._replace(settings=arguments.settings._replace(n_states=states, norm="none"))
    sizes = arguments.settings.weights_of_edges(wider)[0]
    priced = np.repeat(np.where(is_candidate, soft, 0.0), sizes)
    enable_compilation_cache()
    samples, kept = samples.with_genes(model.genes), np.zeros(len(is_candidate))
    for number, rows in enumerate(draw_shares(len(samples), fits, share, seed)):
        one = config.updated({"seed": config.seed + number, **ALONE})
        start = build(arguments, wider, seed=one.seed)
        weights: Any = subsystems_of(start).gene_weights
        weights[...] = weights[...] * np.repeat(~is_candidate, sizes)
        weights.set_metadata(proximal=WeightPrices(tuple(priced.tolist())))
        what = f"fit {number + 1} of {fits}"
        fitted = train_model(start, samples.take(rows), None, one, what=what, progress=progress)[0]
        kept += kept_edges(fitted)[0]
    return _table(wider, is_candidate, kept / fits, fits)


def _single(model: Model) -> Model:
    return model.member(0) if isinstance(model, Replicates) else model


def _annotated_hierarchy(model: Model) -> Hierarchy:
    settings = _single(model).arguments.settings
    if model.hierarchy is None or not hasattr(settings, "annotation_price"):
        raise KgnnError(
            f"a {_single(model).arguments.kind} has no annotations with weights of their own. Give a visible "
            "network; of gene-set autoencoders, see select_edges."
        )
    return model.hierarchy


def _checked(hierarchy: Hierarchy, candidates: Iterable[tuple[str, str]] | None) -> np.ndarray:
    """Positions of gene and term ``[candidate, 2]``."""
    if candidates is None:
        pairs = unlinked_pairs(hierarchy)
    else:
        named = list(candidates)
        genes, terms = {gene: place for place, gene in enumerate(hierarchy.genes)}, hierarchy.term_index
        unknown = [f"{gene} – {term}" for gene, term in named if gene not in genes or term not in terms]
        if unknown:
            raise AlignmentError(
                f"the model does not know the gene or the term of {len(unknown):,} of {len(named):,} candidates: "
                f"{name_some(unknown)}. Name genes and term ids of the model."
            )
        pairs = np.array([(genes[gene], terms[term]) for gene, term in named]).reshape(-1, 2)
    if not 0 < len(pairs) <= MOST_CANDIDATES:
        raise KgnnError(f"there are {len(pairs):,} candidates. Name between 1 and {MOST_CANDIDATES:,} of them.")
    return pairs


def _table(hierarchy: Hierarchy, is_candidate: np.ndarray, selected: np.ndarray, fits: int) -> pandas.DataFrame:
    import pandas

    shown = np.flatnonzero(~is_candidate | (selected > 0))
    terms, genes = hierarchy.annotation_term[shown], hierarchy.annotation_gene[shown]
    table = pandas.DataFrame(
        {
            "term": [hierarchy.terms[term] for term in terms],
            "name": [hierarchy.term_names[term] for term in terms],
            "gene": [hierarchy.genes[gene] for gene in genes],
            "in_prior": ~is_candidate[shown],
            "priced": is_candidate[shown],
            "selected": selected[shown],
            "n_fits": fits,
        }
    )
    return table.sort_values(["in_prior", "selected"], ascending=[True, False], kind="stable", ignore_index=True)
