"""`prune`: find the edges that a network can do without, cut them out of the hierarchy, train what is left."""

from __future__ import annotations

import math
from dataclasses import replace
from os import PathLike
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import numpy as np
from flax import nnx

from kgnn.data.samples import Samples
from kgnn.errors import TrainingError
from kgnn.layers.thresholds import group_norms
from kgnn.models import BuildArguments, Model, Replicates, build
from kgnn.structure import Hierarchy
from kgnn.structure.cut import Removed, cut_edges
from kgnn.structure.spare import Spared, count_edges, spare_edges
from kgnn.train.carry import subsystems_of
from kgnn.train.compilation import enable_compilation_cache
from kgnn.train.config import TrainConfig
from kgnn.train.fit import fit, refuse_finished
from kgnn.train.loop import train_model
from kgnn.train.parts import Parts, make_parts
from kgnn.train.progress import Progress
from kgnn.train.run import Run
from kgnn.train.silence import silence_costs

if TYPE_CHECKING:
    import pandas

DEFAULT_PRICE = 3e-4
FURTHER = "not the most specific"
"""Why an edge went that was cut because its gene or term has a more specific one."""
AT_ZERO = 1e-6
"""Share of the largest norm among the edges of its kind below which an edge counts as 0."""


class Pruned(NamedTuple):
    """What pruning found.

    Attributes:
        run: The run of the smaller network.
        removed: A table of everything removed: what (annotation, relation, term, gene), below, above, reason; where
            edges had prices also kept_by, the share of the networks that kept the edge.
        edges: Number of edges before and after, by kind: ``annotations``, ``relations``, ``edges`` (both together), and
            of ``terms`` and ``genes``.
        kept_by: Share of the networks that kept every edge of the hierarchy before: annotations, then relations. Where
            a share of the edges was asked for, all decide together: 0 or 1.
    """

    run: Run
    removed: pandas.DataFrame
    edges: dict[str, tuple[int, int]]
    kept_by: tuple[np.ndarray, np.ndarray]


def prune(
    model: Model,
    samples: Samples,
    config: TrainConfig | None = None,
    *,
    share: float | None = None,
    annotation_price: float | None = None,
    relation_price: float | None = None,
    rule: str | None = None,
    rounds: int = 1,
    pruning_epochs: int | None = None,
    agree: float = 0.5,
    valid: Samples | None = None,
    test: Samples | None = None,
    out: str | PathLike[str] | None = None,
    recipe: str = "",
    progress: Progress | None = None,
) -> Pruned:
    r"""Find out which edges a network does not need, and do without them.

    Either a `share` of the edges is to go. The first ones are further annotations of a gene, besides that to its most
    specific term, and further parents of a term, the most general ones before; this looks at no data. If the share asks
    for more, genes go that a fitted network misses least: its training loss rises least when the gene has its mean in
    every sample. In every one of `rounds` the network is fitted anew.

    Or every edge has a price. First the network is trained, for half of the epochs as it is, then with a price on every
    annotation and relation, by proximal steps that set all weights of an edge to 0 at once; validation samples take no
    part in this. Each replicate does so by itself, from a seed of its own. Prices fall on a gene's only annotation as
    on a further one, so that genes are lost early.

    What is found is cut out of the hierarchy, with all that then hangs in the air. The smaller network starts anew and
    is fitted like any other; it may want less decay or dropout and more epochs than the whole one. That an edge is gone
    does not mean that it is untrue: the data did not need it, or another edge says the same. The share of replicates
    that kept it (`Pruned.kept_by`) tells chance from need.

    Args:
        model: A model with subsystems; gives structure and arguments, its weights are not used.
        samples: Training samples.
        config: Settings of both fits.
        share: Share of the edges to cut, above 0 and below 1; the network then has no prices, and `rule` and `agree`
            play no part. None for prices.
        annotation_price: Of an annotation; that of the model where None, 3e-4 if it has no prices of this rule.
        relation_price: Of a relation; likewise.
        rule: ``"lasso"``: both by the norm of their weights, in units of the loss (`kgnn.layers.GroupLasso`); or
            ``"l0"``, that of ParsVNN: a fixed price of an annotation, so that only what is small already goes, and
            prices in units of a step, see `kgnn.layers.SubsystemSettings`. That of the model where None and the model
            has prices, else ``"lasso"``.
        rounds: Steps in which genes are chosen, each with a new fit; or in which the prices rise to their full height,
            each from where the one before left the weights.
        pruning_epochs: Epochs before the cut, of every round, or the second half of them with prices; those of the
            settings where None.
        agree: Share of the replicates that must have kept an edge for it to stay.
        valid: Validation samples; a share of the training samples is held out where None.
        test: Test samples, scored once.
        out: Folder for the run.
        recipe: Name of the recipe, for the record.
        progress: Told after every epoch, and after every gene that a fitted network was shown without.

    Returns:
        The run on the smaller hierarchy, and what was removed.

    Raises:
        StructureError: If no gene reaches the root any more, or the share is too large.
        TrainingError: If the model has no subsystems or several roots, or a number means nothing.
        RunError: If `out` holds a finished run.

    References:
        Huang et al. 2021 (ParsVNN), NAR Genomics and Bioinformatics 3:lqab097, doi:10.1093/nargab/lqab097.

    Differs from the paper:
        A `share` is ours. The paper alternates ten epochs of proximal steps with ten of Adam by masked gradients; here
        the edges leave the structure once, and the second fit starts anew. Prices come after half of the epochs: from a
        random start, the group :math:`\ell_0` would keep those edges that happened to begin large. An annotation has as
        many weights as its term has states, and pays for all of them together; the paper has one weight, as a network
        with a gene layer does.
    """
    refuse_finished(out)
    config = TrainConfig() if config is None else config
    model = model.member(0) if isinstance(model, Replicates) else model
    hierarchy = _hierarchy_of(model, rounds, agree)
    prices = _prices(model.arguments.settings, share, annotation_price, relation_price, rule)
    enable_compilation_cache()
    parts = make_parts(model, samples, valid, test, config)
    epochs = config.epochs if pruning_epochs is None else pruning_epochs
    free: Any = model.arguments.settings
    arguments = model.arguments._replace(settings=free._replace(annotation_price=0.0, relation_price=0.0))
    further: set[tuple[str, str]] = set()
    if share is not None:
        how: dict[str, Any] = {"share": share, "rounds": rounds}
        spared = _spared(hierarchy, arguments, share, rounds, parts, replace(config, epochs=epochs), progress)
        kept = (spared.kept[: len(hierarchy.annotation_gene)], spared.kept[len(hierarchy.annotation_gene) :])
        kept_by = (kept[0].astype(float), kept[1].astype(float))
        further = {_ends(hierarchy)[edge] for edge in np.flatnonzero(spared.further)}
    else:
        how = {**prices, "rounds": rounds, "agree": agree}
        first = replace(config, epochs=epochs, average=0.0, patience=0, replicates=1, unpriced=0.0)
        seeds = [config.seed * 1_000 + number for number in range(config.replicates)]
        each = [kept_edges(_priced(model, seed, prices, rounds, parts.train, first, progress)) for seed in seeds]
        kept_by = (np.mean([of for of, _ in each], axis=0), np.mean([of for _, of in each], axis=0))
        kept = (kept_by[0] >= agree, kept_by[1] >= agree)
    smaller, removed = cut_edges(hierarchy, *kept)
    removed = tuple(each._replace(reason=FURTHER) if each[1:3] in further else each for each in removed)
    rebuilt = build(arguments, smaller, seed=config.seed)
    edges = _counted(hierarchy, smaller)
    run = fit(
        rebuilt,
        parts.train,
        config,
        valid=parts.valid,
        test=parts.test,
        out=out,
        baselines=(),
        progress=progress,
        recipe=recipe,
        further_metrics={"pruned": {**how, "edges": _lists(edges)}},
    )
    return Pruned(run, _table(removed, hierarchy, None if share is not None else kept_by), edges, kept_by)


def _hierarchy_of(model: Model, rounds: int, agree: float) -> Hierarchy:
    """The hierarchy to prune; what cannot be pruned is refused, and so are numbers that mean nothing."""
    if model.hierarchy is None or not hasattr(model.arguments.settings, "annotation_price"):
        raise TrainingError("the model has no subsystems whose edges could be pruned. Give a visible network.")
    level = model.hierarchy.level_of_term
    if (level == level[-1]).sum() > 1:
        raise TrainingError(
            f"the hierarchy has {int((level == level[-1]).sum()):,} roots, of which cutting knows one. Give a network "
            "over a hierarchy with one root."
        )
    if rounds < 1 or not 0 < agree <= 1:
        raise TrainingError(f"rounds is {rounds} and agree is {agree:g}. Give at least one round, and a share above 0.")
    return model.hierarchy


def _prices(
    settings: Any, share: float | None, annotation: float | None, relation: float | None, rule: str | None
) -> dict[str, Any]:
    """Settings of prices, those of the model where none are given; refused beside a share, or if they mean nothing."""
    own, given = (settings.annotation_price, settings.relation_price), (annotation, relation)
    if share is not None:
        if any(price is not None for price in given):
            raise TrainingError("there are a share and a price. Give one: with a share, edges have no prices.")
        if not 0 < share < 1:
            raise TrainingError(f"share is {share:g}. Give the share of the edges to cut, above 0 and below 1.")
        return {}
    own = own if any(own) and rule in (None, settings.price_rule) else ()
    rule = rule or (settings.price_rule if own else "lasso")
    usual = own or (DEFAULT_PRICE, DEFAULT_PRICE)
    prices = [other if price is None else price for price, other in zip(given, usual, strict=True)]
    if min(prices) < 0 or not max(prices):
        raise TrainingError(
            f"the prices are {prices[0]:g} and {prices[1]:g}, so that no edge would go. Set annotation_price or "
            "relation_price above 0, or give a share of the edges."
        )
    return {"annotation_price": prices[0], "relation_price": prices[1], "price_rule": rule}


def _spared(
    hierarchy: Hierarchy,
    arguments: BuildArguments,
    share: float,
    rounds: int,
    parts: Parts,
    config: TrainConfig,
    progress: Progress | None,
) -> Spared:
    """The edges that are kept when a share of them goes."""

    def costs_of(now: Hierarchy, number: int) -> np.ndarray:
        network = build(arguments, now, seed=config.seed)
        train, valid, _ = make_parts(network, parts.train, parts.valid, None, config)
        found, _, _ = train_model(network, train, valid, config, what=f"round {number}", progress=progress)
        of_genes = f"round {number}, silent genes"
        return silence_costs(found, train, seed=config.seed, what=of_genes, progress=progress)

    # The product may exceed a whole number by rounding alone.
    return spare_edges(hierarchy, math.ceil(round(share * count_edges(hierarchy), 6)), rounds, costs_of)


def _ends(hierarchy: Hierarchy) -> list[tuple[str, str]]:
    """Below and above of every edge, annotations first."""
    genes, terms = hierarchy.genes, hierarchy.terms
    annotations = zip(hierarchy.annotation_gene, hierarchy.annotation_term, strict=True)
    relations = zip(hierarchy.relation_child, hierarchy.relation_parent, strict=True)
    found = [(genes[gene], terms[term]) for gene, term in annotations]
    return found + [(terms[child], terms[parent]) for child, parent in relations]


def _priced(
    model: Model,
    seed: int,
    prices: dict[str, Any],
    rounds: int,
    train: Samples,
    config: TrainConfig,
    progress: Progress | None,
) -> Model:
    """One network, trained without and then with prices; the last epoch is kept, since the fewest edges come last."""
    arguments, without = model.arguments, max(1, config.epochs // 2)
    steps = [(0.0, without)]
    for number in range(1, rounds + 1):
        done = sum(epochs for _, epochs in steps)
        steps.append((number / rounds, max(1, (config.epochs - done) // (rounds - number + 1))))
    network = build(arguments, model.structure, seed=seed)
    for share, epochs in steps:
        changed = {name: value * share for name, value in prices.items() if name != "price_rule"}
        settings = arguments.settings._replace(price_rule=prices["price_rule"], **changed)
        priced = build(arguments._replace(settings=settings), model.structure, seed=seed)
        # By leaves: whole variables would bring along what they have to pay.
        state = nnx.state(priced)
        nnx.update(priced, jax.tree.unflatten(jax.tree.structure(state), jax.tree.leaves(nnx.state(network))))
        what = "pruning" if share else "before pruning"
        network, _, _ = train_model(
            priced, train, None, replace(config, epochs=epochs, seed=seed), what=what, progress=progress
        )
    return network


def kept_edges(model: Model) -> tuple[np.ndarray, np.ndarray]:
    """Share of the networks of a model in which every edge has a weight that is not 0.

    Args:
        model: One network with subsystems, or replicates.

    Returns:
        Of annotations ``[annotation]`` and of relations ``[relation]``, in the order of the hierarchy.
    """
    subsystems: Any = subsystems_of(model)
    hierarchy: Any = model.hierarchy
    sizes = subsystems.settings.weights_of_edges(hierarchy)
    weights = (subsystems.gene_weights, subsystems.child_weights)
    alive = [np.atleast_2d(_alive(np.asarray(each[...]), size)) for each, size in zip(weights, sizes, strict=True)]
    if subsystems.gene_layer is not None:
        alive[0] &= np.atleast_2d(_alive(np.asarray(subsystems.gene_layer.weight[...]), np.ones_like(sizes[0])))
    return alive[0].mean(axis=0), alive[1].mean(axis=0)


def _alive(weights: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    norms = group_norms(weights, sizes)
    return norms > AT_ZERO * norms.max(axis=-1, initial=0.0, keepdims=True)


def _counted(before: Hierarchy, after: Hierarchy) -> dict[str, tuple[int, int]]:
    def counts(hierarchy: Hierarchy) -> dict[str, int]:
        annotations, relations = len(hierarchy.annotation_gene), len(hierarchy.relation_child)
        return {
            "annotations": annotations,
            "relations": relations,
            "edges": annotations + relations,
            "terms": hierarchy.n_terms,
            "genes": hierarchy.n_genes,
        }

    then, now = counts(before), counts(after)
    return {name: (then[name], now[name]) for name in then}


def _lists(counts: dict[str, tuple[int, int]]) -> dict[str, list[int]]:
    return {name: list(numbers) for name, numbers in counts.items()}


def _table(
    removed: tuple[Removed, ...], hierarchy: Hierarchy, kept_by: tuple[np.ndarray, np.ndarray] | None
) -> pandas.DataFrame:
    import pandas

    table = pandas.DataFrame(list(removed), columns=list(Removed._fields))
    if kept_by is not None:
        kinds = ["annotation"] * len(kept_by[0]) + ["relation"] * len(kept_by[1])
        edges = [(kind, *ends) for kind, ends in zip(kinds, _ends(hierarchy), strict=True)]
        share_of = dict(zip(edges, np.concatenate(kept_by).tolist(), strict=True))
        table["kept_by"] = [share_of.get(each[:3], math.nan) for each in removed]
    return table
