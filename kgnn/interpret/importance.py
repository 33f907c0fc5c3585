"""`importance`: which subsystems matter to a fitted model, by four measures, each beside a null."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from kgnn.data.samples import Samples
from kgnn.data.splits import folds as split_folds
from kgnn.errors import KgnnError, name_some, unknown_choice
from kgnn.interpret.evidence import gather_evidence
from kgnn.interpret.nulls import (
    FEWEST_REPETITIONS,
    NullStatistics,
    at_equal_total,
    compare_with_null,
    shuffled_weights,
)
from kgnn.interpret.rank_nodes import MEASURE as NODE_WEIGHTS
from kgnn.interpret.rank_nodes import rank_nodes
from kgnn.interpret.rlipp import Rlipp, rlipp
from kgnn.interpret.sensitivity import knockdown_effect, node_sensitivity
from kgnn.models.contract import is_followed, term_facts
from kgnn.perturb.forward import inputs_of
from kgnn.train.compilation import enable_compilation_cache
from kgnn.train.run import Run
from kgnn.train.spread import Members, Spread, spread

if TYPE_CHECKING:
    import pandas

MEASURES = ("rlipp", "sensitivity", "knockdown", NODE_WEIGHTS)
TARGETS = ("observed", "predicted")
N_NULL = {"rlipp": 50, "sensitivity": 20, "knockdown": 20}
FEW_TERMS = 50
"""Below this many terms the pool of null values would be too small for its tail, and the default is twice as many."""
FEWEST_SAMPLES = 10
Progress = Callable[[int, int], None] | None


class Measured(NamedTuple):
    """Importance before it gets names.

    Attributes:
        observed: ``[term, output]``; of replicates, the mean over the networks.
        null: ``[repetition, term, output]``, or None.
        further: Further columns of the table, each ``[term, output]``.
        among: How far the replicates lie apart.
    """

    observed: np.ndarray
    null: np.ndarray | None
    further: dict[str, np.ndarray]
    among: Spread


def importance(
    run: Run,
    measure: str = "rlipp",
    *,
    samples: Samples | None = None,
    target: str = "observed",
    n_null: int | None = None,
    n_folds: int = 5,
    max_samples: int = 512,
    seed: int = 0,
    controls: Run | None = None,
    normalize: str | None = None,
    step: float | None = None,
    least_score: float | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> pandas.DataFrame:
    """Rank the subsystems of a fitted model.

    Importance speaks of the trained network. Repeated fits scatter, and a term near the root is important by its
    position alone: read the p-value before the rank, and repeat the fit before believing either. RLIPP on samples
    that the network was fitted on (a run without held-out samples) flatters its states.

    Args:
        run: A run, from `kgnn.fit` or `kgnn.load_run`.
        measure: ``"rlipp"``: how much better the term's states predict the target than its children do (out of
            fold); ``"sensitivity"``: change of the prediction a standard deviation of the states;
            ``"knockdown"``: mean absolute change of the prediction as the term is replaced by its mean state;
            ``"node_weights"``: KPNN's, see `kgnn.interpret.rank_nodes`, whose null are the networks of `controls`.
        samples: Samples to measure on; the run's held-out samples where None. For RLIPP, samples that share a row of
            genes count as one, see `kgnn.interpret.evidence`.
        target: For RLIPP, predict the ``"observed"`` targets or the model's own ``"predicted"`` ones.
        n_null: Repetitions of the null; 0 for none. Where None, 50 for RLIPP and 20 else, twice as many for fewer than
            50 terms. For RLIPP they are targets in which what the children do not predict is permuted (see
            `kgnn.interpret.rlipp`), else models with shuffled weights (`shuffled_weights`) whose importances are
            brought to the same total; the root, through which all passes, then never stands out.
        n_folds: Folds of the ridge regression of RLIPP.
        max_samples: Most samples for the measures other than RLIPP, drawn at random where there are more.
        seed: Of folds, nulls and draws.
        controls: For node weights, a run of the same network on control inputs.
        normalize: For node weights, how the sizes of the weights are brought to a common scale; ``"minmax"`` where
            None, see `kgnn.interpret.compare_with_controls`.
        step: For node weights, half the width of a central difference; exact derivatives where None.
        least_score: For node weights, leave out replicates that score worse, see `kgnn.interpret.rank_nodes`.
        progress: Called with the number of steps done and their total: terms for RLIPP, else repetitions.

    Returns:
        One row a term and output: term, name, level, n_genes, output, measure, importance, null_mean, null_sd,
        p_value, q_value (Benjamini-Hochberg over the terms of an output; all four NaN without a null) and rank. Of
        replicates (n_replicates), importance and null are means over the networks, each measured by itself;
        importance_low to importance_high is a 95 % t-interval over them (NaN for one network), and same_sign counts
        the networks whose importance has the sign of the mean. For
        RLIPP also rho_parent, rho_children and rlipp (their ratio; NaN where the children predict nothing), while
        importance is their difference. Sorted by output and rank; terms of equal importance in level order.

    Raises:
        KgnnError: If a choice is unknown, there are too few samples, their targets are not those of the model, or the
            model has no terms (for RLIPP, no hierarchy of them).

    References:
        Ma et al. 2018, doi:10.1038/nmeth.4627; Kuenzi et al. 2020, doi:10.1016/j.ccell.2020.09.014 (RLIPP);
        Fortelny & Bock 2020, doi:10.1186/s13059-020-02100-5 (node sensitivity).

    Differs from the paper:
        RLIPP ranks by the difference of both correlations: their ratio explodes where the children predict nothing.
    """
    if measure not in MEASURES:
        raise unknown_choice("measure", measure, MEASURES)
    if target not in TARGETS:
        raise unknown_choice("target", target, TARGETS)
    _refuse_without_terms(run, measure)
    if measure == NODE_WEIGHTS:
        if n_null:
            raise KgnnError(
                f"n_null is {n_null}, but the null of node weights are controls. Give these, or leave it out."
            )
        return rank_nodes(
            run, controls, samples=samples, normalize=normalize or "minmax", step=step, least_score=least_score
        )
    of_weights = {"controls": controls, "normalize": normalize, "step": step, "least_score": least_score}
    unused = [name for name, value in of_weights.items() if value is not None]
    if unused:
        raise KgnnError(
            f"of the measures node_weights alone takes {name_some(unused)}, but {measure} is chosen. Leave out what it "
            "does not take, or choose that measure."
        )
    repetitions = n_null
    if repetitions is None:
        repetitions = N_NULL[measure] * (2 if len(run.model.terms) < FEW_TERMS else 1)
    if repetitions and repetitions < FEWEST_REPETITIONS:
        raise KgnnError(f"n_null is {n_null}. Give 0 for no null, or at least {FEWEST_REPETITIONS} (better 20).")
    enable_compilation_cache()
    samples = (run.samples if samples is None else samples).with_genes(run.model.genes)
    _refuse_few(len(samples), "samples")
    if measure == "rlipp":
        return _ranking(run, measure, _by_rlipp(run, samples, target, repetitions, n_folds, seed, progress))
    if max_samples < FEWEST_SAMPLES:
        raise KgnnError(f"max_samples is {max_samples}. Give at least {FEWEST_SAMPLES}.")
    if len(samples) > max_samples:
        samples = samples.take(np.sort(np.random.default_rng(seed).choice(len(samples), max_samples, replace=False)))
    return _ranking(run, measure, _by_model(run, samples, measure, repetitions, seed, progress))


def _by_rlipp(
    run: Run, samples: Samples, target: str, repetitions: int, n_folds: int, seed: int, progress: Progress
) -> Measured:
    networks = Members(run.model)
    found: list[Rlipp] = []
    for network in networks:
        evidence = gather_evidence(network, samples, target)
        _refuse_few(len(evidence.samples), "samples with different genes")
        # The folds and the null permutations are those of the seed: the networks differ in their states alone.
        measured = rlipp(
            run.hierarchy,
            np.asarray(network.term_of_state),
            evidence.states,
            evidence.genes,
            evidence.targets,
            split_folds(evidence.samples, n_folds, stratify=False, seed=seed),
            n_null=repetitions,
            seed=seed,
            progress=_part_of(progress, len(found), len(networks)),
        )
        found.append(measured)
    parent, children = (np.mean([getattr(each, side) for each in found], axis=0) for side in Rlipp._fields[:2])
    ratio = np.full(parent.shape, np.nan)
    np.divide(parent, children, out=ratio, where=children > 0)
    further = {"rho_parent": parent, "rho_children": children, "rlipp": ratio}
    null = np.mean([each.null for each in found], axis=0) if repetitions else None
    return Measured(parent - children, null, further, spread(each.rho_parent - each.rho_children for each in found))


def _by_model(run: Run, samples: Samples, measure: str, repetitions: int, seed: int, progress: Progress) -> Measured:
    compute = node_sensitivity if measure == "sensitivity" else knockdown_effect
    inputs, networks = inputs_of(samples), Members(run.model)
    # Drawn, not counted up from the seed: neighboring seeds would share nearly all of their nulls.
    null_seeds = np.random.default_rng(seed).integers(2**32, size=(len(networks), repetitions))
    observed, nulls = [], []
    for number, network in enumerate(networks):
        observed.append(compute(network, inputs))
        told = _part_of(progress, number, len(networks))
        null = []
        for null_seed in null_seeds[number]:
            null.append(compute(shuffled_weights(network, inputs, int(null_seed)), inputs))
            if told is not None:
                told(len(null), repetitions)
        nulls.append(at_equal_total(np.stack(null), observed[-1], rooted=is_followed(network)) if null else None)
    mean = np.mean(nulls, axis=0) if repetitions else None
    return Measured(np.mean(observed, axis=0), mean, {}, spread(observed))


def _part_of(progress: Progress, number: int, n: int) -> Progress:
    """Progress of one of several networks as progress of all."""
    if progress is None:
        return None
    return lambda done, total: progress(number * total + done, n * total)


def _refuse_without_terms(run: Run, measure: str) -> None:
    if not run.model.terms:
        raise KgnnError(f"a {run.model.arguments.kind} has no subsystems to rank. Choose a run of another model.")
    hierarchy = run.model.hierarchy
    if measure == "rlipp" and (hierarchy is None or hierarchy.terms != run.model.terms):
        raise KgnnError(
            f"rlipp compares a term with its child terms, but those of a {run.model.arguments.kind} are no hierarchy. "
            "Choose sensitivity or knockdown."
        )


def _refuse_few(n: int, what: str) -> None:
    if n < FEWEST_SAMPLES:
        raise KgnnError(f"{n} {what} are too few to measure importance. Give at least {FEWEST_SAMPLES}.")


def _ranking(run: Run, measure: str, measured: Measured) -> pandas.DataFrame:
    import pandas

    terms, facts, outputs = run.model.terms, term_facts(run.model), run.output_names
    n_outputs = len(outputs)
    observed = np.asarray(measured.observed, dtype=np.float64)
    blank = np.full(observed.shape, np.nan)
    compared = NullStatistics(blank, blank, blank, blank)
    if measured.null is not None:
        compared = compare_with_null(observed, measured.null)
    table = pandas.DataFrame(
        {
            "term": np.repeat(terms, n_outputs),
            "name": np.repeat(facts.names, n_outputs),
            "level": np.repeat(facts.levels, n_outputs),
            "n_genes": np.repeat(facts.n_genes, n_outputs),
            "output": np.tile(outputs, len(terms)),
            "measure": measure,
            "importance": observed.reshape(-1),
            "importance_low": (observed - measured.among.half_width).reshape(-1),
            "importance_high": (observed + measured.among.half_width).reshape(-1),
            "same_sign": measured.among.same_sign.reshape(-1),
            "n_replicates": measured.among.n,
            "null_mean": compared.mean.reshape(-1),
            "null_sd": compared.sd.reshape(-1),
            "p_value": compared.p_value.reshape(-1),
            "q_value": compared.q_value.reshape(-1),
            **{name: values.reshape(-1) for name, values in measured.further.items()},
        }
    )
    rank = table.groupby("output")["importance"].rank(ascending=False, method="first").astype(int)
    order = np.lexsort((rank, np.tile(np.arange(n_outputs), len(terms))))
    return table.assign(rank=rank).iloc[order].reset_index(drop=True)
