"""`Samples` → AnnData, MuData, pandas and files, in the form in which the readers take them back."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kgnn.data.h5mu import import_mudata
from kgnn.data.samples import Samples
from kgnn.data.write import ENDINGS, check_ending, write_table
from kgnn.errors import KgnnError, name_some, unknown_choice
from kgnn.knowledge.writing import whole_file

if TYPE_CHECKING:
    import anndata
    import mudata
    import pandas

CLASS_COLUMN = "target"


def to_anndata(samples: Samples, modality: str | None = None) -> anndata.AnnData:
    """Samples of one modality as AnnData.

    Targets and covariates become columns of `obs`: outputs under their name, classes as a category called
    ``"target"``. `uns["kgnn"]` holds what a number means and the provenance.

    Args:
        samples: The samples.
        modality: Which; the one with the genes where None.

    Returns:
        A new AnnData; `kgnn.data.from_anndata` takes it back.

    Raises:
        KgnnError: If there is no such modality, or two columns have one name.
    """
    import anndata
    import pandas

    name = samples.gene_modality if modality is None else modality
    if name not in samples.modalities:
        raise unknown_choice("modality", name, samples.modalities)
    table = samples.modalities[name]
    values = np.asarray(table.values[samples.row_of_sample[name]])
    var = pandas.DataFrame(index=pandas.Index(list(table.features), dtype=object))
    data = anndata.AnnData(values, columns_of(samples), var)
    data.uns["kgnn"] = {"meaning": table.meaning, "provenance": list(samples.provenance.transformations)}
    return data


def columns_of(samples: Samples) -> pandas.DataFrame:
    """Targets and covariates as a table with the sample names as its index.

    Args:
        samples: The samples.

    Returns:
        One column an output (a category ``"target"`` for classes) and one a covariate.

    Raises:
        KgnnError: If two columns have one name.
    """
    import pandas

    columns: dict[str, Any] = {}
    targets = samples.targets
    if targets is not None and targets.kind == "classes":
        columns[CLASS_COLUMN] = pandas.Categorical(
            [targets.names[code] for code in targets.values], list(targets.names)
        )
    elif targets is not None:
        columns |= dict(zip(targets.names, targets.values.T, strict=True))
    twice = [name for name in samples.covariates if name in columns]
    if twice:
        raise KgnnError(f"{name_some(twice)} is a target and a covariate. Leave it out of one.")
    columns |= {name: np.asarray(column) for name, column in samples.covariates.items()}
    return pandas.DataFrame(columns, index=pandas.Index(list(samples.names), dtype=object))


def to_mudata(samples: Samples) -> mudata.MuData:
    """Samples of all their modalities as MuData, with targets and covariates in the common `obs`.

    Args:
        samples: The samples; rows that several share are repeated.

    Returns:
        A new MuData; `kgnn.data.from_mudata` takes it back.

    Raises:
        KgnnError: If mudata is not installed, or two columns have one name.
    """
    parts = {name: to_anndata(samples, name) for name in samples.modalities}
    for part in parts.values():
        part.obs = part.obs[[]]
    return new_mudata(parts, columns_of(samples))


def new_mudata(parts: dict[str, anndata.AnnData], obs: pandas.DataFrame) -> mudata.MuData:
    """A MuData of modalities, with a table of its own beside them.

    Args:
        parts: Modalities by name.
        obs: Common columns, by sample name.

    Raises:
        KgnnError: If mudata is not installed.
    """
    import_mudata()
    with _quiet_mudata():
        import mudata

        data = mudata.MuData(parts)
        for name, column in obs.reindex(data.obs_names).items():
            data.obs[name] = column
    return data


def with_modalities(data: mudata.MuData, parts: Mapping[str, anndata.AnnData]) -> mudata.MuData:
    """A copy of a MuData with some modalities added or replaced; all else that it holds stays.

    Args:
        data: The MuData.
        parts: Modalities by name.

    Returns:
        A new MuData.
    """
    with _quiet_mudata():
        found: Any = data.copy()
        for name, part in parts.items():
            found.mod[name] = part
        found.update()
    return found


def to_frame(samples: Samples, modality: str | None = None) -> pandas.DataFrame:
    """Samples of one modality as a table: a column ``sample``, targets and covariates, then the features.

    Args:
        samples: The samples.
        modality: Which; the one with the genes where None.

    Returns:
        One row a sample, in the form that `kgnn.read_samples` takes from a file.

    Raises:
        KgnnError: If there is no such modality, or two columns have one name.
    """
    import pandas

    data: Any = to_anndata(samples, modality)
    features = pandas.DataFrame(data.X, index=data.obs.index, columns=list(data.var_names))
    twice = [name for name in (*data.obs.columns, "sample") if name in features.columns]
    if twice:
        raise KgnnError(f"{name_some(twice)} is the name of a feature and of another column. Rename one.")
    return pandas.concat([data.obs, features], axis=1).rename_axis("sample").reset_index()


def write_samples(samples: Samples, path: str | PathLike[str]) -> Path:
    """Write samples as a file that `kgnn.read_samples` reads, at once or not at all.

    Args:
        samples: The samples; those of several modalities need ``.h5mu``.
        path: Ends in ``.h5ad``, ``.h5mu``, ``.tsv``, ``.csv`` or ``.parquet``.

    Returns:
        The path.

    Raises:
        KgnnError: If the ending is another, or does not suit the samples, or a package is missing.
    """
    path = Path(path)
    if path.suffix in (".h5ad", ".h5mu"):
        check_modalities(samples, path)
        return write_annotated(to_mudata(samples) if path.suffix == ".h5mu" else to_anndata(samples), path)
    if path.suffix not in ENDINGS:
        raise unknown_choice("ending of the samples", path.suffix or path.name, (".h5ad", ".h5mu", *ENDINGS))
    check_modalities(samples, check_ending(path))
    return write_table(to_frame(samples), path)


def check_modalities(samples: Samples, path: Path) -> None:
    """Raise `KgnnError` if samples of several modalities are to go to a file that holds one."""
    if len(samples.modalities) > 1 and path.suffix != ".h5mu":
        raise KgnnError(
            f"{path}: the samples have {len(samples.modalities)} modalities ({', '.join(samples.modalities)}), which "
            "only .h5mu holds. Choose that ending."
        )


def write_annotated(data: Any, path: str | PathLike[str]) -> Path:
    """Write an AnnData or MuData, at once or not at all.

    Args:
        data: What to write.
        path: Ends in ``.h5ad`` or ``.h5mu``, as suits it.

    Returns:
        The path.
    """
    path = Path(path)
    with whole_file(path) as unfinished, _quiet_mudata():
        data.write_h5mu(unfinished) if path.suffix == ".h5mu" else data.write_h5ad(unfinished)
    return path


@contextmanager
def _quiet_mudata() -> Iterator[None]:
    """Warnings of mudata that concern how it will behave one day are not for who writes a file."""
    with warnings.catch_warnings():
        for kind in (FutureWarning, DeprecationWarning, PendingDeprecationWarning):
            warnings.simplefilter("ignore", kind)
        yield
