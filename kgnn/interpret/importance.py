"""`importance`: which subsystems matter to a fitted model, by three measures, each beside a null."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import jax.numpy as jnp
import numpy as np

from kgnn.data.samples import Samples
from kgnn.data.splits import folds as split_folds
from kgnn.errors import KgnnError, unknown_choice
from kgnn.interpret.nulls import NullStatistics, compare_with_null, shuffled_weights
from kgnn.interpret.rlipp import rlipp
from kgnn.interpret.sensitivity import knockdown_effect, node_sensitivity
from kgnn.models.contract import Inputs, Model
from kgnn.perturb.forward import wild_type
from kgnn.train.engine import batch_inputs, device_data
from kgnn.train.run import Run

if TYPE_CHECKING:
    import pandas

MEASURES = ("rlipp", "sensitivity", "knockdown")
N_NULL = {"rlipp": 50, "sensitivity": 20, "knockdown": 20}
FEWEST_SAMPLES = 10


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
    progress: Callable[[int, int], None] | None = None,
) -> pandas.DataFrame:
    """Rank the subsystems of a fitted model.

    Importance speaks of the trained network. Repeated fits scatter, and a term near the root is important by its
    position alone: read the p-value before the rank.

    Args:
        run: A run, from `kgnn.fit` or `kgnn.load_run`.
        measure: ``"rlipp"``: how much better the term's states predict the target than its children do (out of
            fold); ``"sensitivity"``: change of the prediction a standard deviation of the states;
            ``"knockdown"``: mean absolute change of the prediction as the term is replaced by its mean state.
        samples: Samples to measure on; the run's held-out samples where None.
        target: For RLIPP, predict the ``"observed"`` targets or the model's own ``"predicted"`` ones.
        n_null: Repetitions of the null: permuted targets for RLIPP, models with shuffled weights else; 0 for none.
        n_folds: Folds of the ridge regression of RLIPP.
        max_samples: Most samples for the measures other than RLIPP, drawn at random where there are more.
        seed: Of folds, nulls and draws.
        progress: Called with the number of repetitions done and their total.

    Returns:
        One row a term and output: term, name, level, n_genes, output, measure, importance, null_mean, null_sd,
        p_value, q_value (Benjamini-Hochberg over the terms of an output; all four NaN without a null) and rank. For
        RLIPP also rho_parent, rho_children and rlipp (their ratio; NaN where the children predict nothing), while
        importance is their difference. Sorted by output and rank.

    Raises:
        KgnnError: If a choice is unknown or there are too few samples.

    References:
        Ma et al. 2018, doi:10.1038/nmeth.4627; Kuenzi et al. 2020, doi:10.1016/j.ccell.2020.09.014 (RLIPP);
        Fortelny & Bock 2020, doi:10.1186/s13059-020-02100-5 (node sensitivity).

    Differs from the paper:
        RLIPP ranks by the difference of both correlations: their ratio explodes where the children predict nothing.
    """
    if measure not in MEASURES:
        raise unknown_choice("measure", measure, MEASURES)
    if target not in ("observed", "predicted"):
        raise unknown_choice("target", target, ("observed", "predicted"))
    samples = (run.samples if samples is None else samples).with_genes(run.hierarchy.genes)
    if len(samples) < FEWEST_SAMPLES:
        raise KgnnError(f"{len(samples)} samples are too few to measure importance. Give at least {FEWEST_SAMPLES}.")
    repetitions = N_NULL[measure] if n_null is None else n_null
    if measure == "rlipp":
        return _by_rlipp(run, samples, target, repetitions, n_folds, seed)
    if len(samples) > max_samples:
        samples = samples.take(np.sort(np.random.default_rng(seed).choice(len(samples), max_samples, replace=False)))
    compute = node_sensitivity if measure == "sensitivity" else knockdown_effect
    inputs = _inputs(samples)
    observed = compute(run.model, inputs)
    null = []
    for repetition in range(repetitions):
        null.append(compute(shuffled_weights(run.model, inputs, seed + repetition), inputs))
        if progress is not None:
            progress(repetition + 1, repetitions)
    return _ranking(run, measure, observed, np.stack(null) if null else None, {})


def _by_rlipp(run: Run, samples: Samples, target: str, repetitions: int, n_folds: int, seed: int) -> pandas.DataFrame:
    predicted, states = _states(run.model, samples)
    truth = predicted if target == "predicted" else _observed(samples, len(run.output_names))
    random = np.random.default_rng(seed)
    columns = [truth, *(truth[random.permutation(len(truth))] for _ in range(repetitions))]
    gene_table = samples.modalities[samples.gene_modality].values
    genes = np.asarray(gene_table, dtype=np.float64)[samples.row_of_sample[samples.gene_modality]]
    terms = np.asarray(run.model.term_of_state)  # type: ignore[attr-defined]
    parts = split_folds(samples, n_folds, stratify=False, seed=seed)
    found = rlipp(run.hierarchy, terms, states, genes, np.concatenate(columns, axis=1), parts)
    shape = (run.hierarchy.n_terms, 1 + repetitions, truth.shape[1])
    parent, children = (rho.reshape(shape) for rho in found)
    gain = parent - children
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(children[:, 0] > 0, parent[:, 0] / children[:, 0], np.nan)
    null = gain[:, 1:].transpose(1, 0, 2) if repetitions else None
    extra = {"rho_parent": parent[:, 0], "rho_children": children[:, 0], "rlipp": ratio}
    return _ranking(run, "rlipp", gain[:, 0], null, extra)


def _states(model: Model, samples: Samples) -> tuple[np.ndarray, np.ndarray]:
    predicted, states = wild_type(model, _inputs(samples))
    return np.asarray(predicted, dtype=np.float64), np.asarray(states, dtype=np.float64)


def _inputs(samples: Samples) -> Inputs:
    return batch_inputs(device_data(samples), jnp.arange(len(samples)))


def _observed(samples: Samples, n_outputs: int) -> np.ndarray:
    """Targets ``[sample, output]``; classes as 0 and 1."""
    if samples.targets is None:
        raise KgnnError("the samples have no targets. Read them with target=, or use target='predicted'.")
    if samples.targets.kind == "classes":
        return np.eye(n_outputs)[samples.targets.values]
    return np.asarray(samples.targets.values, dtype=np.float64)


def _ranking(
    run: Run, measure: str, observed: np.ndarray, null: np.ndarray | None, extra: dict[str, np.ndarray]
) -> pandas.DataFrame:
    import pandas

    hierarchy, outputs = run.hierarchy, run.output_names
    blank = np.full(observed.shape, np.nan)
    compared = NullStatistics(blank, blank, blank, blank)
    if null is not None and len(null) > 1:
        compared = compare_with_null(observed, null)
    n_outputs = len(outputs)
    table = pandas.DataFrame(
        {
            "term": np.repeat(hierarchy.terms, n_outputs),
            "name": np.repeat(hierarchy.term_names, n_outputs),
            "level": np.repeat(hierarchy.level_of_term, n_outputs),
            "n_genes": np.repeat(hierarchy.n_genes_of_term, n_outputs),
            "output": np.tile(outputs, hierarchy.n_terms),
            "measure": measure,
            "importance": observed.reshape(-1),
            "null_mean": compared.mean.reshape(-1),
            "null_sd": compared.sd.reshape(-1),
            "p_value": compared.p_value.reshape(-1),
            "q_value": compared.q_value.reshape(-1),
            **{name: values.reshape(-1) for name, values in extra.items()},
        }
    )
    rank = table.groupby("output")["importance"].rank(ascending=False, method="first").astype(int)
    position = table["output"].map({name: number for number, name in enumerate(outputs)})
    return (
        table.assign(rank=rank, position=position)
        .sort_values(["position", "rank"], ignore_index=True)
        .drop(columns="position")
    )
