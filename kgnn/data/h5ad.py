"""AnnData files (`.h5ad`) → `Samples`."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kgnn.data.columns import as_names, column_of_series, covariates_of, refuse_unknown_columns, targets_of
from kgnn.data.missing import for_gaps
from kgnn.data.samples import Samples
from kgnn.data.stored import StoredTable
from kgnn.errors import FormatError, KgnnError, name_some
from kgnn.knowledge.provenance import Provenance
from kgnn.knowledge.text import source_of

if TYPE_CHECKING:
    import anndata


def read_h5ad(
    path: str | PathLike[str],
    *,
    target: str | Sequence[str] | None = None,
    meaning: str | None = None,
    layer: str | None = None,
    names: str | None = None,
    gene_names: str | None = None,
    kind: str | None = None,
    covariates: Sequence[str] = (),
    backed: bool = False,
    gaps: str | None = None,
) -> Samples:
    """Read an AnnData file; see `kgnn.data.read.read_samples` for the arguments.

    The matrix becomes dense float32 (uint8 where it is stored as bool or uint8). Files of any AnnData version are
    read, those from before 2019 included.

    Args:
        path: The file.
        target: Column or columns of `obs`.
        meaning: What a number means.
        layer: None for `X`, ``"raw"`` for `raw.X`, else the name of a layer.
        names: Column of `obs` with the sample names; the index if not given.
        gene_names: Column of `var` with the gene names; the index if not given.
        kind: Kind of target.
        covariates: Columns of `obs`.
        backed: Whether values of `X` stay in the file until they are used; those of other layers come into memory.
        gaps: What becomes of values that are not a number.

    Returns:
        The samples.

    Raises:
        FormatError: If the file is not AnnData, or has not the layer or a column.
        AlignmentError: If a name comes twice or a value is missing.
        KgnnError: If `gaps` is unknown, or asks for a mask of values that stay in the file.
    """
    file = Path(path)
    samples = from_anndata(
        open_h5ad(file, backed=backed),
        target=target,
        meaning=meaning,
        layer=layer,
        names=names,
        gene_names=gene_names,
        kind=kind,
        covariates=covariates,
        backed=backed,
        gaps=gaps,
        file=file,
    )
    return replace(samples, provenance=Provenance((source_of(file, {}),), samples.provenance.transformations))


def from_anndata(
    data: anndata.AnnData,
    *,
    target: str | Sequence[str] | None = None,
    meaning: str | None = None,
    layer: str | None = None,
    names: str | None = None,
    gene_names: str | None = None,
    kind: str | None = None,
    covariates: Sequence[str] = (),
    backed: bool = False,
    gaps: str | None = None,
    file: str | PathLike[str] = "the AnnData",
) -> Samples:
    """Samples of an AnnData in memory; see `kgnn.data.read.read_samples` for the arguments.

    Args:
        data: Samples in `obs`, genes in `var`.
        target: Column or columns of `obs`.
        meaning: What a number means.
        layer: None for `X`, ``"raw"`` for `raw.X`, else the name of a layer.
        names: Column of `obs` with the sample names; the index if not given.
        gene_names: Column of `var` with the gene names; the index if not given.
        kind: Kind of target.
        covariates: Columns of `obs`.
        backed: Whether values stay in the file of a backed AnnData until they are used.
        gaps: What becomes of values that are not a number.
        file: What messages call it.

    Returns:
        The samples.

    Raises:
        FormatError: If it has not the layer or a column.
        AlignmentError: If a name comes twice or a value is missing.
        KgnnError: If `gaps` is unknown, or asks for a mask of values that stay in the file.
    """
    make, meaning_of = for_gaps(gaps)
    if backed and gaps == "mask":
        raise KgnnError("gaps='mask' reads the values, but backed leaves them in the file. Leave out one of the two.")
    matrix, genes = _matrix(data, layer, file)
    obs, wanted = data.obs, as_names(target)
    for column in (*wanted, *covariates, *as_names(names)):
        refuse_unknown_columns([column], list(obs.columns), file, what="column in obs")
    if gene_names is not None:
        refuse_unknown_columns([gene_names], list(genes.columns), file, what="column in var")
    sample_names = tuple(map(str, obs.index if names is None else obs[names]))
    values = _in_file(matrix) if backed else _dense(matrix)
    meaning = meaning or meaning_of(values)
    step = f"read layer {layer or 'X'}, meaning {meaning}, target {', '.join(wanted) or 'none'}"
    return make(
        values,
        [str(gene) for gene in (genes.index if gene_names is None else genes[gene_names])],
        meaning=meaning,
        names=sample_names,
        targets=targets_of({name: column_of_series(obs[name]) for name in wanted}, sample_names, kind, file),
        covariates=covariates_of({name: column_of_series(obs[name]) for name in covariates}, sample_names),
        provenance=Provenance((), (*steps_before(data), step)),
    )


def steps_before(data: anndata.AnnData) -> tuple[str, ...]:
    """What had been done to samples before `kgnn.data.to_anndata` or ``kgnn annotate`` made an AnnData of them."""
    record = data.uns.get("kgnn")
    steps = record.get("samples", record.get("provenance", ())) if isinstance(record, Mapping) else ()
    # The provenance that kgnn annotate leaves is a text, and that of the run.
    return () if isinstance(steps, str) else tuple(map(str, steps))


def open_h5ad(path: str | PathLike[str], *, backed: bool = False) -> anndata.AnnData:
    """An AnnData file of any version, opened without the warnings that old layouts give.

    Args:
        path: The file.
        backed: Whether values of `X` stay in the file.

    Returns:
        The AnnData.

    Raises:
        FormatError: If the file is missing, empty or not AnnData.
    """
    import anndata

    file = Path(path)
    with opened_hdf5(file, "AnnData"):
        return anndata.read_h5ad(file, backed="r" if backed else None)


@contextmanager
def opened_hdf5(file: Path, what: str) -> Iterator[None]:
    """What goes wrong within, while a library reads an HDF5 file, as `FormatError`.

    Args:
        file: The file, which is looked at first.
        what: What it should be, for the message.
    """
    import h5py

    if not file.is_file():
        raise FormatError("no such file. Check the path.", file)
    if not file.stat().st_size:
        raise FormatError("is empty. Check the path, or write the file again.", file)
    if not h5py.is_hdf5(file):
        ending = ".h5ad" if what == "AnnData" else ".h5mu"
        raise FormatError(
            f"is no HDF5 file, so not {ending}. Give its real format with format=, or write it again.", file
        )
    try:
        # Old layouts and repeated names warn; what matters of it is checked below and in Samples.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except (OSError, KeyError, ValueError, TypeError, AttributeError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise FormatError(f"is not readable as {what} ({reason}). Write it again with {what.lower()}.", file) from None


def _matrix(data: anndata.AnnData, layer: str | None, file: str | PathLike[str]) -> tuple[Any, Any]:
    """The values asked for and the table that describes their columns."""
    known = [*(["X"] if data.X is not None else []), *(["raw"] if data.raw is not None else []), *data.layers]
    if (layer or "X") not in known:
        present = name_some(known, limit=20) or "none"
        raise FormatError(f"has no layer {layer or 'X'!r}. Choose among those there are: {present}.", file)
    if layer == "raw":
        return data.raw.X, data.raw.var
    return (data.X if layer in (None, "X") else data.layers[layer]), data.var


def _dense(matrix: Any) -> np.ndarray:
    values = np.asarray(matrix.toarray() if hasattr(matrix, "toarray") else matrix)
    return values if values.dtype in (np.uint8, np.bool_) else values.astype(np.float32)


def _in_file(matrix: Any) -> Any:
    """A matrix that stays where it is; one that is compressed by columns is read, since its rows lie all over it."""
    if getattr(matrix, "format", "csr") != "csr":
        matrix = (matrix.to_memory() if hasattr(matrix, "to_memory") else matrix).tocsr()
    return StoredTable(_RowsInFile(matrix), matrix.shape[1])


class _RowsInFile:
    """Dense rows of a dataset of HDF5 or of a sparse matrix, in the types that `Modality` knows."""

    def __init__(self, matrix: Any):
        self._matrix = matrix
        self.shape = matrix.shape
        self.dtype = np.dtype(np.uint8 if matrix.dtype in (np.uint8, np.bool_) else np.float32)

    def __getitem__(self, rows: Any) -> np.ndarray:
        if isinstance(rows, slice):
            return _dense(self._matrix[rows]).astype(self.dtype, copy=False)
        # HDF5 takes positions in rising order, each once.
        used, place = np.unique(rows, return_inverse=True)
        values = _dense(self._matrix[used]).astype(self.dtype, copy=False)[place.reshape(-1)]
        return values.reshape(*np.shape(rows), self.shape[1])
