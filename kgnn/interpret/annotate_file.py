"""`annotate_file`: samples from any file that kgnn reads, annotated by a run and written for scanpy and muon."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgnn.data.export import new_mudata, to_anndata, to_mudata, write_annotated
from kgnn.data.h5ad import open_h5ad
from kgnn.data.h5mu import import_mudata, open_h5mu
from kgnn.data.read import read_samples, recognize_format
from kgnn.errors import FormatError, KgnnError, name_some, unknown_choice
from kgnn.interpret.annotate import KEY, annotate, subsystem_data
from kgnn.interpret.importance import MEASURES, importance
from kgnn.interpret.perturbed import perturbed
from kgnn.interpret.term_activity import is_autoencoder, said_replicate
from kgnn.perturb import knockdown
from kgnn.train.run import Run

if TYPE_CHECKING:
    import pandas

ENDINGS = (".h5ad", ".h5mu")
_RANKING_COLUMNS = ("term", "output", "importance")
_EFFECT_COLUMNS = ("perturbation", "target", "name", "effect")


def annotate_file(
    run: Run,
    samples: str | PathLike[str],
    out: str | PathLike[str],
    *,
    ranking: str | None = None,
    effects: str | None = None,
    groups: str | None = None,
    perturb: Sequence[str] = (),
    replicate: int | None = None,
    reading: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Annotate a file of samples; see `kgnn.interpret.annotate` for what is written where.

    Args:
        run: The run.
        samples: AnnData and MuData keep all that they hold; any other file that `kgnn.read_samples` knows becomes one
            of them.
        out: ``.h5ad``; or ``.h5mu``, in which the subsystems are a modality of their own, ``"kgnn"``.
        ranking: Importance to write: a measure of `kgnn.importance` to compute on the run's held-out samples, or a
            table of ``kgnn importance``.
        effects: Knockdowns to write: ``"all"`` to compute all genes' on the run's held-out samples, or a table of
            ``kgnn knockdown``.
        groups: Column of the samples whose groups are compared, see `annotate`.
        perturb: Genes and terms to knock down in every sample, all at once, see `perturbed`.
        replicate: Of a gene-set autoencoder with replicates, whose activities are written, see `annotate`.
        reading: Arguments of `kgnn.read_samples`; for AnnData and MuData only ``layer`` and ``gene_names``.

    Returns:
        What was written, in numbers.

    Raises:
        FormatError: If a file is not what it should be.
        AlignmentError: If the samples lack a gene of the model.
        KgnnError: If an ending or argument does not suit.
    """
    out, reading = check_out(out), dict(reading or {})
    kind = reading.pop("format", None) or recognize_format(samples)
    if kind in ("h5ad", "h5mu"):
        unused = [name for name, value in reading.items() if value is not None and name not in ("layer", "gene_names")]
        if unused:
            raise KgnnError(f"{name_some(unused)} cannot be given for {kind}: the file is kept as it is. Leave it out.")
        data: Any = open_h5ad(samples) if kind == "h5ad" else open_h5mu(samples)
    else:
        given = {"meaning": run.samples.meaning, **{name: each for name, each in reading.items() if each is not None}}
        read, reading = read_samples(samples, format=kind, genes=run.model.genes, **given), {}
        data = to_mudata(read) if len(read.modalities) > 1 else to_anndata(read)
    if hasattr(data, "mod") and out.suffix != ".h5mu":
        raise KgnnError(f"{out}: the samples have several modalities, which only .h5mu holds. Choose that ending.")
    if hasattr(data, "mod") and perturb:
        raise KgnnError("perturbed samples are written as AnnData, but a MuData is given. Give the modality by itself.")
    tables: dict[str, Any] = {"ranking": _ranking(run, ranking), "effects": _effects(run, effects)}
    found: Any = annotate(data, run, **reading, **tables, groups=groups, replicate=replicate)
    if perturb:
        genes = [name for name in perturb if name in run.model.genes]
        terms = [name for name in perturb if name not in genes]
        found = perturbed(found, run, genes, terms, **reading, replicate=replicate)
    if out.suffix == ".h5mu" and not hasattr(data, "mod"):
        found = new_mudata({run.samples.gene_modality: found, KEY: subsystem_data(found)}, found.obs[[]])
    write_annotated(found, out)
    said = said_replicate(run, replicate) if is_autoencoder(run.model) else {}
    numbers = {"samples": found.n_obs, "terms": run.hierarchy.n_terms, **said}
    return {"out": str(out), **numbers, "outputs": list(run.output_names)}


def check_out(path: str | PathLike[str]) -> Path:
    """The path, if annotated samples can be written to it; to be asked before anything is computed.

    Args:
        path: Where the samples are to go.

    Raises:
        KgnnError: If its ending is neither ``.h5ad`` nor ``.h5mu``, it is a folder, or mudata is missing for the
            latter.
    """
    path = Path(path)
    if path.suffix not in ENDINGS:
        raise unknown_choice("ending of the samples", path.suffix or path.name, ENDINGS)
    if path.is_dir():
        raise KgnnError(f"{path}: this is a folder, not a file. Choose another name.")
    if path.suffix == ".h5mu":
        import_mudata()
    return path


def _ranking(run: Run, wanted: str | None) -> pandas.DataFrame | None:
    if wanted is None:
        return None
    if wanted in MEASURES:
        return importance(run, wanted)
    return _table(wanted, _RANKING_COLUMNS, f"kgnn importance, or name a measure ({', '.join(MEASURES)})")


def _effects(run: Run, wanted: str | None) -> pandas.DataFrame | None:
    if wanted is None:
        return None
    return knockdown(run, "all") if wanted == "all" else _table(wanted, _EFFECT_COLUMNS, "kgnn knockdown, or say all")


def _table(path: str, columns: tuple[str, ...], maker: str) -> pandas.DataFrame:
    import pandas

    file = Path(path)
    if not file.is_file():
        raise FormatError(f"no such file. Give a table of {maker}.", file)
    try:
        if file.suffix == ".parquet":
            table = pandas.read_parquet(file)
        else:
            table = pandas.read_csv(file, sep="," if file.suffix == ".csv" else "\t", float_precision="round_trip")
    except (ValueError, OSError) as problem:
        raise FormatError(f"cannot be read ({str(problem).splitlines()[0]}). Give a table of {maker}.", file) from None
    missing = [column for column in columns if column not in table]
    if missing:
        raise FormatError(f"has no column {name_some(missing)}. Give a table of {maker}.", file)
    return table
