"""`annotate`: what a fitted model says of samples, written beside them in AnnData or MuData, where scanpy plots it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from kgnn.data.export import with_modalities
from kgnn.data.h5ad import from_anndata, steps_before
from kgnn.data.h5mu import from_mudata
from kgnn.data.samples import Samples
from kgnn.errors import AlignmentError, KgnnError, RunError, name_some
from kgnn.interpret.activity import Activity, subsystem_activity
from kgnn.interpret.term_activity import is_autoencoder, latent_enrichment, said_replicate, term_activity
from kgnn.perturb.forward import wild_type
from kgnn.train.compilation import enable_compilation_cache
from kgnn.train.run import Run

if TYPE_CHECKING:
    import anndata
    import mudata
    import pandas

KEY = "kgnn"
N_COMPONENTS = 20


def annotate(
    data: anndata.AnnData | mudata.MuData,
    run: Run,
    *,
    layer: str | None = None,
    gene_names: str | None = None,
    ranking: pandas.DataFrame | None = None,
    effects: pandas.DataFrame | None = None,
    groups: str | None = None,
    replicate: int | None = None,
) -> Any:
    """What a fitted model says of samples, beside the samples.

    ========================== ==================================================================================
    where                      what
    ========================== ==================================================================================
    ``obs["kgnn_…"]``          the prediction: ``kgnn_predicted`` (the class) and ``kgnn_probability`` for classes,
                               else one column an output
    ``obsm["kgnn_output"]``    all outputs ``[sample, output]``, probabilities for classes and labels
    ``obsm["kgnn_states"]``    the states of all subsystems end to end ``[sample, state]``
    ``obsm["kgnn_subsystems"]`` one number a subsystem ``[sample, term]``, see `kgnn.interpret.subsystem_activity`
    ``obsm["kgnn_activity"]``  of a gene-set autoencoder: the activity of every term ``[sample, term]`` in the unit
                               of its genes, see `kgnn.interpret.term_activity`; of replicates that of one
    ``obsm["X_kgnn"]``         the principal components of these, for ``sc.pl.embedding(data, "kgnn")``
    ``varm["kgnn_terms"]``     sparse ``[gene, term]``, 1 where a gene is annotated to a term or below it
    ``varm["kgnn_knockdown"]`` effect of each gene's knockdown on each output; NaN for genes that have none
    ``uns["kgnn"]``            names of outputs and of the term of each state; ``terms``: id, name, level, genes and
                               share of variance shown; ``importance``: the ranking; ``enrichment``: terms
                               that mark groups; ``replicate``: whose activities these are; settings and provenance;
                               ``samples``: what had been done to them
    ========================== ==================================================================================

    `subsystem_data` gives the subsystems as variables of their own, which scanpy's plots take by name.

    Args:
        data: Samples with the genes of the model. Of a MuData, the modalities that the run was fitted on, or for a run
            of one modality the first that has its genes.
        run: A run, from `kgnn.fit` or `kgnn.load_run`.
        layer: Values to predict from: None for `X`, ``"raw"``, or a layer; in the unit that the run was fitted on.
        gene_names: Column of `var` with the gene names, if not the index.
        ranking: From `kgnn.importance`.
        effects: From `kgnn.knockdown`, single genes.
        groups: Of a gene-set autoencoder, a column of `obs` whose groups are compared (`latent_enrichment`).
        replicate: Of a gene-set autoencoder with replicates, the one whose activities are written and compared; where
            None the one that scores best, see `kgnn.interpret.replicate_read`.

    Returns:
        A copy with the above; of a MuData, the modality with the genes has it, and the subsystems are a further
        modality ``"kgnn"``. What an earlier call wrote is replaced.

    Raises:
        AlignmentError: If the data lack a gene of the model, or a name comes twice.
        KgnnError: If there is no such column of groups, or it holds one group only.
        RunError: If the model of the run has no hierarchy, or groups are given and it is no gene-set autoencoder.

    Example:
        >>> data = annotate(data, kgnn.load_run("run"))  # doctest: +SKIP
        >>> sc.pl.embedding(data, "kgnn", color="kgnn_predicted")  # doctest: +SKIP
    """
    given: Any = data
    if hasattr(given, "mod"):
        return _annotate_mudata(given, run, layer, gene_names, ranking, effects, groups, replicate)
    samples = from_anndata(given, meaning=run.samples.meaning, layer=layer, gene_names=gene_names)
    return _annotated(given, run, samples, gene_names, ranking, effects, groups, replicate)


def subsystem_data(data: anndata.AnnData) -> anndata.AnnData:
    """The subsystems of annotated samples as variables: `X` is ``[sample, term]``.

    Scanpy's plots and tests then work on subsystems as they do on genes, such as
    ``sc.pl.matrixplot(subsystem_data(data), ["GO:0006915"], groupby="kgnn_predicted")``.

    Args:
        data: From `annotate`.

    Returns:
        A new AnnData; `var` has name, level and genes of each term and, where `annotate` was given a ranking, its
        importance for each output.

    Raises:
        KgnnError: If the data are not annotated.
    """
    import anndata

    if KEY not in data.uns or f"{KEY}_subsystems" not in data.obsm:
        raise KgnnError("the data hold no subsystems of kgnn. Give what kgnn.annotate returned.")
    kept: Any = {name: np.asarray(values) for name, values in data.obsm.items() if not name.startswith(f"{KEY}_")}
    var = data.uns[KEY]["terms"].set_index("term")
    if "importance" in data.uns[KEY]:
        ranking = data.uns[KEY]["importance"]
        for output, rows in ranking.groupby("output", observed=True):
            var[f"importance_{output}"] = rows.set_index("term")["importance"].reindex(var.index)
    var.index.name = None
    obs: Any = data.obs.copy()
    return anndata.AnnData(np.array(data.obsm[f"{KEY}_subsystems"]), obs, var, obsm=kept)


def _annotate_mudata(
    data: mudata.MuData,
    run: Run,
    layer: str | None,
    gene_names: str | None,
    ranking: pandas.DataFrame | None,
    effects: pandas.DataFrame | None,
    groups: str | None,
    replicate: int | None,
) -> mudata.MuData:
    names, parts = tuple(run.samples.modalities), dict[str, Any](data.mod)
    if len(names) > 1:
        meanings = {name: table.meaning for name, table in run.samples.modalities.items()}
        samples = from_mudata(data, modalities=names, layer=layer, gene_names=gene_names, meaning=meanings)
        place = {name: row for row, name in enumerate(samples.names)}
        samples = samples.take([place[str(name)] for name in parts[names[0]].obs_names])
    else:
        wanted = frozenset(run.model.genes)
        names = tuple(name for name, part in parts.items() if wanted <= _genes(part, gene_names, layer))
        if not names:
            raise AlignmentError(
                f"no modality of the MuData ({', '.join(data.mod)}) has the {len(wanted):,} genes of the model "
                f"({name_some(run.model.genes)}). Add one, or give the modality by itself."
            )
        samples = from_anndata(parts[names[0]], meaning=run.samples.meaning, layer=layer, gene_names=gene_names)
    annotated = _annotated(parts[names[0]], run, samples, gene_names, ranking, effects, groups, replicate)
    subsystems: Any = subsystem_data(annotated)
    subsystems.obs = subsystems.obs[[column for column in subsystems.obs if column.startswith(f"{KEY}_")]]
    return with_modalities(data, {names[0]: annotated, KEY: subsystems})


def _genes(part: anndata.AnnData, gene_names: str | None, layer: str | None) -> frozenset[str]:
    var = part.raw.var if layer == "raw" and part.raw is not None else part.var
    return frozenset(map(str, var.index if gene_names is None or gene_names not in var else var[gene_names]))


def _annotated(
    data: anndata.AnnData,
    run: Run,
    samples: Samples,
    gene_names: str | None,
    ranking: pandas.DataFrame | None,
    effects: pandas.DataFrame | None,
    groups: str | None,
    replicate: int | None,
) -> anndata.AnnData:
    enable_compilation_cache()
    hierarchy, model = run.hierarchy, run.model
    samples = samples.with_genes(model.genes)
    output, states = wild_type(model, samples)
    activity = subsystem_activity(run, samples, states)
    found: Any = data.copy()
    for table in (found.obs, found.obsm, found.varm):
        for name in [name for name in table if str(name).startswith(f"{KEY}_")]:
            del table[name]
    for name, column in _predictions(run, output).items():
        found.obs[f"{KEY}_{name}"] = column
    found.obsm[f"{KEY}_output"] = output
    found.obsm[f"{KEY}_states"] = states
    found.obsm[f"{KEY}_subsystems"] = activity.values
    has_activity = is_autoencoder(model)
    if has_activity:
        found.obsm[f"{KEY}_activity"] = term_activity(run, samples, replicate=replicate)
    elif replicate is not None:
        raise RunError(f"replicate {replicate} is asked for, but only activities of a gene-set autoencoder are of one.")
    found.obsm[f"X_{KEY}"] = _components(activity.values)
    position = {gene: row for row, gene in enumerate(_var_names(data, gene_names))}
    found.varm[f"{KEY}_terms"] = _membership(run, position)
    if effects is not None:
        found.varm[f"{KEY}_knockdown"] = _effects(run, effects, position, found.var_names)
    record: dict[str, Any] = {
        "recipe": run.recipe,
        "outputs": list(run.output_names),
        "states": [hierarchy.terms[term] for term in model.term_of_state],
        "terms": _terms(run, activity),
        "hierarchy": hierarchy.fingerprint,
        "provenance": json.dumps(run.provenance.to_json()),
        "samples": list(steps_before(data)),
    }
    if has_activity:
        record |= said_replicate(run, replicate)
    if ranking is not None:
        record["importance"] = ranking.reset_index(drop=True)
    if groups is not None:
        enriched = latent_enrichment(run, samples, _groups(data, groups), replicate=replicate)
        record["enrichment"] = enriched.reset_index(drop=True)
    found.uns[KEY] = record
    return found


def _groups(data: anndata.AnnData, column: str) -> list[str]:
    if column not in data.obs:
        known = name_some([str(name) for name in data.obs])
        raise KgnnError(f"obs has no column {column!r} of groups. It has {known}. Name one of these.")
    return [str(group) for group in data.obs[column]]


def _var_names(data: anndata.AnnData, gene_names: str | None) -> list[str]:
    named = gene_names is not None and gene_names in data.var
    return [str(name) for name in (data.var[gene_names] if named else data.var_names)]


def _predictions(run: Run, output: np.ndarray) -> dict[str, Any]:
    import pandas

    names = run.output_names
    if names == run.model.genes:
        # A reconstruction stands in obsm; a column of obs for every gene would say it again.
        return {}
    if run.model.task != "classes":
        return dict(zip(names, output.T, strict=True))
    best = output.argmax(axis=1)
    return {"predicted": pandas.Categorical([names[at] for at in best], list(names)), "probability": output.max(axis=1)}


def _components(values: np.ndarray) -> np.ndarray:
    """Principal components ``[sample, component]`` of the subsystems, each of which counts alike."""
    centered = values - values.mean(axis=0)
    left, scale, _ = np.linalg.svd(centered, full_matrices=False)
    kept = max(2, min(N_COMPONENTS, len(scale)))
    scores = left[:, :kept] * scale[:kept]
    return np.pad(scores, ((0, 0), (0, max(0, kept - scores.shape[1])))).astype(np.float32)


def _membership(run: Run, position: Mapping[str, int]) -> Any:
    from scipy.sparse import csr_matrix

    hierarchy = run.hierarchy
    rows, columns = [], []
    for term, genes in enumerate(hierarchy.gene_sets):
        here = [position[hierarchy.genes[gene]] for gene in genes if hierarchy.genes[gene] in position]
        rows += here
        columns += [term] * len(here)
    shape = (len(position), hierarchy.n_terms)
    return csr_matrix((np.ones(len(rows), dtype=np.float32), (rows, columns)), shape=shape)


def _effects(run: Run, effects: pandas.DataFrame, position: Mapping[str, int], index: pandas.Index) -> Any:
    import pandas

    of_output = effects[effects["target"] == "output"]
    values = np.full((len(position), len(run.output_names)), np.nan)
    column = {name: at for at, name in enumerate(run.output_names)}
    for gene, name, effect in zip(of_output["perturbation"], of_output["name"], of_output["effect"], strict=True):
        if gene in position:
            values[position[gene], column[name]] = effect
    return pandas.DataFrame(values, index=index, columns=list(run.output_names))


def _terms(run: Run, activity: Activity) -> pandas.DataFrame:
    import pandas

    hierarchy = run.hierarchy
    return pandas.DataFrame(
        {
            "term": list(hierarchy.terms),
            "name": list(hierarchy.term_names),
            "level": hierarchy.level_of_term,
            "n_genes": hierarchy.n_genes_of_term,
            "shown": activity.shown,
        }
    )
