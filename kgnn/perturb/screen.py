"""`screen`: every knockdown in every sample, streamed to a file; whole genomes and all pairs of many genes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from flax import nnx

from kgnn.data.samples import Samples
from kgnn.errors import KgnnError
from kgnn.knowledge.provenance import content_fingerprint
from kgnn.perturb.difference import follows
from kgnn.perturb.knockdown import check_how, knocked_down_value, samples_to_perturb
from kgnn.perturb.natural import task_on_scale
from kgnn.perturb.plan import Plan, make_plan
from kgnn.perturb.screen_blocks import Screening
from kgnn.perturb.screen_files import InMemory, InParquet, InZarr, Selection, Store, check_out
from kgnn.perturb.screen_tables import Names, refuse_too_many
from kgnn.train.arrays import digest_arrays
from kgnn.train.run import Run

if TYPE_CHECKING:
    import pandas


@overload
def screen(
    run: Run,
    genes: str | Iterable[str] | None = ...,
    *,
    pairs: str | Iterable[tuple[str, str]] | None = ...,
    samples: Samples | None = ...,
    dose: float = ...,
    scale: str = ...,
    top_k: int = ...,
    threshold: float = ...,
    top: int | None = ...,
    out: None = ...,
    resume: bool = ...,
    progress: Callable[[int, int], None] | None = ...,
) -> pandas.DataFrame: ...


@overload
def screen(
    run: Run,
    genes: str | Iterable[str] | None = ...,
    *,
    pairs: str | Iterable[tuple[str, str]] | None = ...,
    samples: Samples | None = ...,
    dose: float = ...,
    scale: str = ...,
    top_k: int = ...,
    threshold: float = ...,
    top: int | None = ...,
    out: str | PathLike[str],
    resume: bool = ...,
    progress: Callable[[int, int], None] | None = ...,
) -> Path: ...


def screen(
    run: Run,
    genes: str | Iterable[str] | None = None,
    *,
    pairs: str | Iterable[tuple[str, str]] | None = None,
    samples: Samples | None = None,
    dose: float = 1.0,
    scale: str = "natural",
    top_k: int = 5,
    threshold: float = 0.0,
    top: int | None = None,
    out: str | PathLike[str] | None = None,
    resume: bool = True,
    progress: Callable[[int, int], None] | None = None,
) -> pandas.DataFrame | Path:
    r"""Knock genes, or pairs of genes, down in every sample by itself.

    `kgnn.knockdown` averages over samples and reports every subsystem; a screen reports each sample, with the
    subsystems that change most. Only what lies above a gene is computed anew, and only its change: the numbers are
    those of running the whole network again, for a small part of the work, and exactly 0 where a gene changes nothing
    (because it is altered in that sample already). The same caution holds: an effect is that of the *network*, a
    hypothesis about the cell, and the largest of millions of effects are the likeliest to be errors of the fit.

    .. math:: \Delta_{pi} = f(x_i^{(p)}) - f(x_i), \qquad
        \epsilon_{ab,i} = \Delta_{ab,i} - \Delta_{a,i} - \Delta_{b,i}

    Args:
        run: A run, from `kgnn.fit` or `kgnn.load_run`.
        genes: Gene names, one name, or ``"all"``.
        pairs: Pairs of gene names; or ``"all"`` for every pair of `genes` (of all genes where `genes` is None). Both
            genes of a pair are knocked down by themselves as well.
        samples: Samples to perturb, all of them. Where None: for alterations alone, the wild type (nothing altered);
            else the run's held-out samples.
        dose: Between 0 (nothing) and 1 (complete).
        scale: ``"natural"`` or ``"log_odds"``, see `kgnn.knockdown`.
        top_k: How many subsystems to report for every perturbation and sample; 0 for none, which is faster.
        threshold: Rows whose largest absolute effect over the outputs is less are left out.
        top: Keep only so many rows of the whole screen, those with the largest absolute effects, strongest first.
        out: ``.parquet`` for rows (needs the extra ``kgnn[parquet]``), ``.zarr`` for dense compressed arrays; None for
            a table in memory. Blocks that are finished wait in a hidden folder beside it; the name appears when all is
            there.
        resume: Whether to take up what an interrupted screen with the same arguments has left; the result is the same
            to the byte. Else it begins anew.
        progress: Called with the number of (perturbation, sample) rows computed and their total.

    Returns:
        The table, or the path where `out` is given. One row a perturbation and sample: perturbation, kind (gene or
        pair), sample, one column ``effect_OUTPUT`` an output (in the units of `kgnn.knockdown`); with pairs also
        ``epistasis_OUTPUT``, NaN for single genes; then for each of `top_k` ranks ``subsystem_N``, a term id (missing
        where fewer change), and ``change_N``, the root mean square change of its states. A zarr group holds the same
        as arrays ``effect``, ``epistasis``, ``subsystem`` (positions in ``term``, -1 for none) and ``change`` along
        ``perturbation``, ``sample`` and output or rank.

    Raises:
        AlignmentError: If the model does not know a gene; the message names it and what is close.
        KgnnError: If there is nothing to knock down, an argument means nothing, or a table would be too large.
        RunError: If a screen with other arguments was begun under the same name, or the model has no hierarchy.

    References:
        Ma et al. 2018, doi:10.1038/nmeth.4627 (genotypes); Kuenzi et al. 2020, doi:10.1016/j.ccell.2020.09.014.
    """
    check_how(run, dose, scale)
    _check_kept(top_k, threshold, top, out)
    plan = make_plan(run.hierarchy, genes, pairs, None)
    if not follows(run.model):
        raise KgnnError(
            f"a screen follows changes up a hierarchy, but the output of a {type(run.model).__name__} depends on more "
            "than the root. Use kgnn.knockdown."
        )
    samples = samples_to_perturb(run, samples)
    if out is None and top is None and not threshold:
        refuse_too_many(len(plan.names) * len(samples))
    names = Names(plan, samples.names, run.output_names, run.hierarchy.terms)
    screening = Screening(
        run.model,
        samples,
        plan,
        dose=dose,
        value=knocked_down_value(samples),
        task=task_on_scale(run.model.task, scale),
        top_k=top_k,
    )
    selection = Selection(threshold, top)
    if out is None:
        memory = InMemory(names, selection)
        _fill(memory, screening, progress)
        return memory.table()
    kept = {"dose": dose, "scale": scale, "top_k": top_k, "threshold": threshold, "top": top}
    return _to_file(check_out(out), names, selection, screening, _record(run, samples, plan, kept), resume, progress)


def _to_file(
    out: Path,
    names: Names,
    selection: Selection,
    screening: Screening,
    record: dict[str, Any],
    resume: bool,
    progress: Callable[[int, int], None] | None,
) -> Path:
    if out.suffix == ".parquet":
        rows = InParquet(out, names, selection, record, resume)
        _fill(rows, screening, progress)
        rows.finish(len(screening.work))
    else:
        dense = InZarr(out, names, screening.top_k, record, resume)
        _fill(dense, screening, progress)
        dense.finish()
    return out


def _fill(store: Store, screening: Screening, progress: Callable[[int, int], None] | None) -> None:
    total = len(screening.plan.names) * len(screening.samples)
    done = 0
    for number, work in enumerate(screening.work):
        if not store.has(number):
            store.write(number, screening.compute(work))
        done += len(work.perturbations) * (work.last - work.first)
        if progress is not None:
            progress(done, total)


def _check_kept(top_k: int, threshold: float, top: int | None, out: str | PathLike[str] | None) -> None:
    if top_k < 0:
        raise KgnnError(f"top_k is {top_k}. Give the number of subsystems to report, 0 for none.")
    if not threshold >= 0:
        raise KgnnError(f"threshold is {threshold:g}. Give the least absolute effect of a row, 0 for all rows.")
    if top is not None and top < 1:
        raise KgnnError(f"top is {top}. Give the number of rows to keep, at least 1, or leave it out.")
    if out is not None and check_out(out).suffix == ".zarr" and (threshold or top is not None):
        raise KgnnError(f"{out}: zarr arrays hold every row, without threshold or top. Write a .parquet instead.")


def _record(run: Run, samples: Samples, plan: Plan, arguments: dict[str, Any]) -> dict[str, Any]:
    """All that a result depends on; a screen that was begun with another record is not gone on with."""
    return {
        "kind": "kgnn screen",
        "weights": digest_arrays(nnx.state(run.model)),
        "hierarchy": run.hierarchy.fingerprint,
        "samples": samples.fingerprint,
        "perturbations": content_fingerprint([plan.names]),
        **arguments,
    }
