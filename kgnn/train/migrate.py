"""`migrate`: a trained model carried over to another release of its ontology."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kgnn.data.missing import fit_gene_scaler
from kgnn.data.samples import Samples
from kgnn.errors import AlignmentError, name_some
from kgnn.knowledge.ontology import Ontology
from kgnn.models import Model, build
from kgnn.structure import compile_hierarchy
from kgnn.structure.carry import CarryPlan, plan_carry
from kgnn.structure.match import match_terms
from kgnn.train.carry import carry_arrays, subsystems_of
from kgnn.train.compilation import enable_compilation_cache
from kgnn.train.drift import measure_drift
from kgnn.train.fit import alignment_record, refuse_finished
from kgnn.train.migration_table import describe_migration, term_table
from kgnn.train.refit import refit_statistics
from kgnn.train.run import Run, package_versions
from kgnn.train.size import count_parameters

if TYPE_CHECKING:
    import pandas

TABLE = "migration.tsv"


@dataclass(frozen=True, eq=False)
class Migration:
    """A run on a new release, and how it came about.

    Attributes:
        run: The run that goes on; its metrics hold `summary` as ``migration``.
        terms: One row a subsystem of the new run, then one for every old subsystem that none goes on from; see
            `migrate`.
        summary: Counts, and the drift of the predictions, as a value that `json` can write.
    """

    run: Run
    terms: pandas.DataFrame
    summary: dict[str, Any]

    def __str__(self) -> str:
        return describe_migration(self.summary, self.run.metrics.get("score"))

    def save(self, folder: str | PathLike[str]) -> Migration:
        """Write the run, and the table of terms as ``migration.tsv`` beside it.

        Args:
            folder: Made if need be.

        Returns:
            The migration, its run with the folder.
        """
        from kgnn.data.write import write_table

        write_table(self.terms, Path(folder) / TABLE)
        return replace(self, run=self.run.save(folder))


def migrate(
    run: Run,
    ontology: Ontology,
    *,
    samples: Samples | None = None,
    threshold: float = 0.7,
    fresh: str = "drawn",
    unannotated: str = "drop",
    skips: str | None = None,
    new_genes: bool = False,
    seed: int | None = None,
    out: str | PathLike[str] | None = None,
) -> Migration:
    """Carry a trained model over to another release of its ontology.

    Terms are matched one to one (see `kgnn.structure.match_terms`): by id, by the alternative and replaced ids of the
    new release, then by the Jaccard index of their genes. A weight goes over where both its ends do: from a gene to a
    term, or from a child term to its parent; biases, normalization, reference state and auxiliary head go with their
    term. State i of a term goes on from state i of the old one; where the recipe now gives a term more states, these
    are new, where it gives fewer, the last ones are lost. Everything else starts fresh, as in a network that was never
    trained: the same draw for the same seed.

    A subsystem whose genes and children, down to the lowest level, are the same computes what it did. One that lost or
    gained an edge is only a start: train it further (``kgnn.fit(run.model, samples, run.settings)``; replicates cannot
    be trained on) before reading much into it, and look at the drift. The weights were still fitted to the samples of
    the old run; its record goes along.

    Args:
        run: The trained run.
        ontology: The new release with its annotations, pruned by the same rules as the old one was.
        samples: A table of samples with the genes of the run. Batch statistics and reference states of the changed
            subsystems are measured on them, and the drift; without them, these statistics are the old ones or, of new
            terms, those of an untrained network, and the drift is measured on the held-out samples of the run.
        threshold: Least Jaccard index of a match by genes.
        fresh: ``"drawn"``, new edges start at random; ``"zero"``, new edges into a term that goes on start at 0, so
            that it computes what it did as far as its old edges are still there.
        unannotated: What to do with genes of the run that no term of the new release holds, see `compile_hierarchy`.
        skips: What to do with relations that skip levels, see `compile_hierarchy`; None for what the hierarchy of the
            run was compiled with.
        new_genes: Whether to take in genes of `samples` that the run does not know but the new release annotates.
        seed: Of the fresh draws; that of the run where None.
        out: Folder for the new run.

    Returns:
        The migration. Its table has the columns term, name, level, how (``"id"``, ``"alt_id"``, ``"replaced_by"``,
        ``"root"``, ``"jaccard"``, ``"new"``; of an old term without a row of its own ``"merged"`` or ``"lost"``),
        from_term, jaccard, reason (why an old term is not there), n_genes, n_states, annotations_kept and
        annotations_new, children_kept and children_new, unchanged (with everything below it), state_change (root mean
        square, in standard deviations of the old states) and largest_change.

    Raises:
        AlignmentError: If samples lack a gene of the run, or no gene of it is annotated any more.
        KgnnError: If a choice is unknown.
        RunError: If the run has no hierarchy, or `out` holds a finished run.
    """
    started = time.monotonic()
    refuse_finished(out)
    enable_compilation_cache()
    if samples is None and new_genes:
        raise AlignmentError("new_genes is asked for without samples. Give samples that hold them.")
    genes = _genes(run, samples, new_genes, ontology)
    if skips is None:
        skips = "direct" if run.hierarchy.copy_of is None else "copy"
    hierarchy, alignment = compile_hierarchy(ontology, genes, unannotated=unannotated, skips=skips)
    seed = run.seed if seed is None else seed
    model = build(run.model.arguments, hierarchy, seed=seed)
    match = match_terms(
        run.hierarchy, hierarchy, aliases=ontology.aliases, obsolete=ontology.obsolete, threshold=threshold
    )
    n_states = _states(model)
    plan = plan_carry(run.hierarchy, hierarchy, match, _states(run.model), n_states)
    carry_arrays(run.model, model, plan, fresh)
    used = 0
    if samples is not None:
        _scale_new_genes(run, model, samples, plan)
        used = refit_statistics(model, samples, ~plan.unchanged, batch_size=run.settings.batch_size)
    measured = run.samples if samples is None else samples
    drift = measure_drift(run.model, model, measured, plan)
    terms = term_table(run.hierarchy, hierarchy, match, plan, ontology, n_states, drift)
    summary = {
        "from": {"hierarchy": run.hierarchy.fingerprint, "ontology": run.hierarchy.ontology_fingerprint},
        "terms": {how: int(count) for how, count in terms["how"].value_counts().items()},
        **_counts(plan, len(set(run.hierarchy.genes) - set(hierarchy.genes))),
        "fresh": fresh,
        "threshold": threshold,
        "seed": seed,
        "statistics_measured_on": used,
        "drift": drift.predictions,
    }
    migrated = replace(
        _on(run, model, samples, summary),
        metrics=_metrics(run, model, summary, samples, time.monotonic() - started),
        alignment=alignment_record(alignment),
    )
    migration = Migration(migrated, terms, summary)
    return migration if out is None else migration.save(out)


def _on(run: Run, model: Model, samples: Samples | None, summary: Mapping[str, Any]) -> Run:
    """The run with its new model, and how it came to it at the end of its provenance."""
    hierarchy = model.hierarchy or run.hierarchy
    weights = summary["weights"]
    step = (
        f"carried weights over from hierarchy {run.hierarchy.fingerprint[:12]} to {hierarchy.fingerprint[:12]}: "
        f"{weights['carried']:,} of {sum(weights.values()):,}, the rest {summary['fresh']} with seed {summary['seed']}"
    )
    provenance = run.provenance if samples is None else run.provenance.join(samples.provenance)
    stored = run.samples if samples is None or set(model.genes) <= set(run.samples.genes) else samples
    return replace(
        run,
        model=model,
        samples=stored.with_genes(model.genes),
        provenance=provenance.join(hierarchy.provenance).after(step),
        versions=package_versions(),
        folder=None,
    )


def _counts(plan: CarryPlan, n_lost: int) -> dict[str, Any]:
    weights = np.concatenate([plan.gene_weight, plan.child_weight]) >= 0
    known = plan.gene >= 0
    return {
        "unchanged": int(plan.unchanged.sum()),
        "genes": {"kept": int(known.sum()), "new": int((~known).sum()), "lost": n_lost},
        "weights": {"carried": int(weights.sum()), "new": int((~weights).sum())},
    }


def _genes(run: Run, samples: Samples | None, new_genes: bool, ontology: Ontology) -> tuple[str, ...]:
    """Genes that the new model may take: those of the run, then those that come in."""
    genes = run.hierarchy.genes
    if samples is None:
        return genes
    missing = [gene for gene in genes if gene not in frozenset(samples.genes)]
    if missing:
        raise AlignmentError(
            f"{len(missing):,} of {len(genes):,} genes of the run are not in the samples: {name_some(missing)}. Give "
            "samples that were measured like those that it was trained on."
        )
    annotated, known = frozenset(ontology.genes), frozenset(genes)
    return genes + tuple(g for g in samples.genes if new_genes and g in annotated and g not in known)


def _states(model: Model) -> np.ndarray:
    return np.bincount(np.asarray(subsystems_of(model).term_of_state))


def _scale_new_genes(run: Run, model: Model, samples: Samples, plan: CarryPlan) -> None:
    """Center and scale of genes that came in, by the method of the run."""
    new = plan.gene < 0
    method = run.settings.scaling
    if method == "auto":
        method = "standard" if samples.meaning == "abundance" else "none"
    if not new.any() or method == "none":
        return
    scaler = fit_gene_scaler(samples.with_genes(model.genes), method)
    scaling = model.gene_scaling
    old = (np.asarray(scaling.center[...]), np.asarray(scaling.scale[...]))
    scaling.set(*(np.where(new, now, was) for now, was in zip((scaler.center, scaler.scale), old, strict=True)))


def _metrics(
    run: Run, model: Model, summary: dict[str, Any], samples: Samples | None, seconds: float
) -> dict[str, Any]:
    """Scores of the migrated model; those of the old one and of its baselines do not hold for it."""
    kept = ("recipe", "task", "score", "keep", "best_epoch", "n_samples", "version")
    scores = summary["drift"]["scores"]
    held_out = next((part for part in ("test", "valid") if part in (run.metrics.get("n_samples") or {})), "train")
    part = held_out if samples is None else "given"
    return {
        **{name: run.metrics[name] for name in kept if name in run.metrics},
        "n_parameters": count_parameters(model),
        "model": {} if scores is None else {part: scores["after"]},
        "baselines": {},
        "seconds": round(seconds, 2),
        "migration": summary,
    }
