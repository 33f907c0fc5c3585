"""MuData (`.h5mu`) → `Samples` of several modalities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.util import find_spec
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kgnn.data.columns import as_names, column_of_series, covariates_of, refuse_unknown_columns, targets_of
from kgnn.data.h5ad import from_anndata, opened_hdf5, steps_before
from kgnn.data.samples import Samples
from kgnn.errors import AlignmentError, FormatError, KgnnError, name_some, unknown_choice
from kgnn.knowledge.provenance import Provenance
from kgnn.knowledge.text import source_of

if TYPE_CHECKING:
    import mudata

INCOMPLETE = ("error", "drop")


def read_h5mu(
    path: str | PathLike[str],
    *,
    modalities: Sequence[str] | None = None,
    incomplete: str = "error",
    **options: Any,
) -> Samples:
    """Read a MuData file; see `from_mudata`.

    Args:
        path: The file.
        modalities: Which to take; the first holds the genes.
        incomplete: What to do with samples that are not in all of them.
        **options: The other arguments of `from_mudata`.

    Returns:
        The samples.

    Raises:
        FormatError: If the file is not MuData, or has not a modality, layer or column.
        AlignmentError: If a name comes twice, a value is missing, or samples are incomplete.
        KgnnError: If mudata is not installed, or a choice is unknown.
    """
    file = Path(path)
    data = open_h5mu(file)
    samples = from_mudata(data, modalities=modalities, incomplete=incomplete, file=file, **options)
    return replace(samples, provenance=Provenance((source_of(file, {}),), samples.provenance.transformations))


def open_h5mu(path: str | PathLike[str]) -> mudata.MuData:
    """A MuData file.

    Args:
        path: The file.

    Raises:
        FormatError: If the file is missing, empty or not MuData.
        KgnnError: If mudata is not installed.
    """
    import_mudata()
    import mudata

    with opened_hdf5(Path(path), "MuData"):
        return mudata.read_h5mu(path)


def import_mudata() -> None:
    """Raise `KgnnError` naming the extra if mudata is not installed."""
    if find_spec("mudata") is None:
        raise KgnnError("MuData needs the package mudata. Install it with pip install 'kgnn[multimodal]'.")


def from_mudata(
    data: mudata.MuData,
    *,
    modalities: Sequence[str] | None = None,
    target: str | Sequence[str] | None = None,
    meaning: str | Mapping[str, str] | None = None,
    layer: str | Mapping[str, str] | None = None,
    gene_names: str | None = None,
    kind: str | None = None,
    covariates: Sequence[str] = (),
    incomplete: str = "error",
    file: str | PathLike[str] = "the MuData",
) -> Samples:
    """Samples of several modalities from a MuData in memory.

    Args:
        data: Modalities by name, each an AnnData; target and covariates in its common `obs`, or in that of a
            modality as ``MODALITY:COLUMN``.
        modalities: Which to take, in this order; the first holds the genes. All of them where None.
        target: Column or columns with what is to be predicted.
        meaning: What a number means, for the first modality or by name; by the values where not given.
        layer: None for `X`, ``"raw"``, or the name of a layer; for all modalities, or by name.
        gene_names: Column of `var` with the gene names of the first modality.
        kind: Kind of target.
        covariates: Columns to keep, for grouped splits.
        incomplete: ``"error"`` or ``"drop"``: samples that are not in all modalities.
        file: What messages call it.

    Returns:
        The samples, in the order of `data`; what was left out is in the provenance.

    Raises:
        FormatError: If it has not a modality, layer or column.
        AlignmentError: If a name comes twice, a value is missing, or samples are incomplete.
        KgnnError: If a choice is unknown.
    """
    if incomplete not in INCOMPLETE:
        raise unknown_choice("incomplete", incomplete, INCOMPLETE)
    chosen = tuple(data.mod) if modalities is None else as_names(modalities)
    refuse_unknown_columns(chosen, list(data.mod), file, what="modality")
    if not chosen:
        raise FormatError("holds no modality. Write it again with at least one.", file)
    tables: dict[str, Samples] = {}
    for number, name in enumerate(chosen):
        part: Any = data.mod[name]
        by_name = meaning if isinstance(meaning, Mapping) else {chosen[0]: meaning}
        tables[name] = from_anndata(
            part,
            meaning=by_name.get(name),
            layer=layer.get(name) if isinstance(layer, Mapping) else layer,
            gene_names=gene_names if number == 0 else None,
            file=f"{file}, modality {name}",
        )
    names, note = _complete(tuple(map(str, data.obs_names)), tables, incomplete, file)
    row_of_sample = {}
    for modality, table in tables.items():
        position = {name: row for row, name in enumerate(table.names)}
        row_of_sample[modality] = np.array([position[name] for name in names], dtype=np.int32)
    place = {name: row for row, name in enumerate(map(str, data.obs_names))}
    kept = [place[name] for name in names]
    wanted = as_names(target)
    columns = {name: _column(data, name, names, kept, file) for name in (*wanted, *covariates)}
    parts: Any = data.mod
    before = {name: steps_before(parts[name]) for name in chosen}
    steps = list(dict.fromkeys(step for each in before.values() for step in each))
    for name, table in tables.items():
        steps += _named(name, table.provenance.transformations[len(before[name]) :])
    return Samples(
        names,
        {name: table.modalities[table.gene_modality] for name, table in tables.items()},
        row_of_sample,
        targets_of({name: columns[name] for name in wanted}, names, kind, file),
        covariates_of({name: columns[name] for name in covariates}, names),
        Provenance((), (*steps, *note)),
    )


def _complete(
    names: tuple[str, ...], tables: Mapping[str, Samples], incomplete: str, file: str | PathLike[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The samples that all modalities have, and a note on the others."""
    present = {name: frozenset(table.names) for name, table in tables.items()}
    lacking = {name: [each for each in names if each not in rows] for name, rows in present.items()}
    lacking = {name: absent for name, absent in lacking.items() if absent}
    if not lacking:
        return names, ()
    said = "; ".join(f"{len(absent):,} are not in {name}: {name_some(absent)}" for name, absent in lacking.items())
    kept = tuple(each for each in names if all(each in rows for rows in present.values()))
    if incomplete == "error" or not kept:
        raise AlignmentError(
            f"{file}: of {len(names):,} samples {said}. Take fewer modalities (modalities=), or pass incomplete='drop' "
            f"to keep the {len(kept):,} that all have."
        )
    return kept, (f"left out {len(names) - len(kept):,} samples that are not in every modality: {said}",)


def _column(data: Any, name: str, names: Sequence[str], kept: list[int], file: str | PathLike[str]) -> Any:
    """A column of the common `obs`, or of that of a modality, for the samples kept."""
    if name in data.obs.columns:
        return column_of_series(data.obs[name].iloc[kept])
    modality, colon, column = name.partition(":")
    if colon and modality in data.mod and column in data.mod[modality].obs.columns:
        own = data.mod[modality].obs[column]
        return column_of_series(own.set_axis(own.index.astype(str)).reindex(list(names)))
    own_columns = [f"{each}:{column}" for each, table in data.mod.items() for column in table.obs.columns]
    refuse_unknown_columns([name], [*data.obs.columns, *own_columns], file, what="column in obs")


def _named(modality: str, steps: Sequence[str]) -> list[str]:
    return [f"{modality}: {step.rpartition(', target')[0]}" for step in steps]
