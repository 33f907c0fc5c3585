"""Whole releases of JASPAR from the pyjaspar wheel, without a network."""

from __future__ import annotations

import warnings
from collections.abc import Collection
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from kgnn.errors import AlignmentError, FormatError, KgnnError, name_some, unknown_choice
from kgnn.knowledge.extras import require
from kgnn.knowledge.motif import BASES
from kgnn.knowledge.motif_records import MotifRecords
from kgnn.knowledge.motif_set import MotifSet
from kgnn.knowledge.ontology import Loss
from kgnn.knowledge.provenance import Source, file_digest

CITATIONS = {
    "JASPAR2014": "Mathelier et al. 2014, Nucleic Acids Research 42:D142, doi:10.1093/nar/gkt997",
    "JASPAR2016": "Mathelier et al. 2016, Nucleic Acids Research 44:D110, doi:10.1093/nar/gkv1176",
    "JASPAR2018": "Khan et al. 2018, Nucleic Acids Research 46:D260, doi:10.1093/nar/gkx1126",
    "JASPAR2020": "Fornes et al. 2020, Nucleic Acids Research 48:D87, doi:10.1093/nar/gkz1001",
    "JASPAR2022": "Castro-Mondragon et al. 2022, Nucleic Acids Research 50:D165, doi:10.1093/nar/gkab1113",
    "JASPAR2024": "Rauluseviciute et al. 2024, Nucleic Acids Research 52:D174, doi:10.1093/nar/gkad1059",
    "JASPAR2026": "JASPAR 2026, https://jaspar.elixir.no",
}
"""Releases that pyjaspar carries, and what to cite for each."""
CRITERIA = ("collection", "tax_group", "tf_class", "tf_family", "species", "all_versions")
"""What the motifs of a release can be chosen by, besides their ids and factors."""

_QUERIES = {
    "collection": "select distinct COLLECTION from MATRIX",
    "tax_group": "select distinct VAL from MATRIX_ANNOTATION where TAG = 'tax_group'",
}

Names = str | int | Collection[str] | Collection[int] | None
"""One name or several; None for no criterion."""


def read_jaspar_release(
    release: str,
    *,
    collection: Names = "CORE",
    tax_group: Names = None,
    tf_class: Names = None,
    tf_family: Names = None,
    factors: Names = None,
    ids: Names = None,
    species: Names = None,
    all_versions: bool = False,
) -> MotifSet:
    """Motifs of one release of JASPAR; needs the extra ``kgnn[motifs]``.

    A motif must meet every criterion given; where a criterion is a list, one of its values.

    Args:
        release: Such as ``"JASPAR2024"``; 2014 to 2026, every second year.
        collection: Such as ``"CORE"`` or ``"UNVALIDATED"``; None for all.
        tax_group: Such as ``"vertebrates"``, ``"plants"`` or ``"fungi"``.
        tf_class: Structural class as JASPAR writes it.
        tf_family: Family as JASPAR writes it.
        factors: Names of transcription factors, in any case of letters; a dimer is found by either.
        ids: Matrix ids, with a version (``MA0139.2``) or without, for the latest.
        species: Numbers of NCBI's taxonomy, such as 9606.
        all_versions: Whether to keep earlier versions of a matrix beside the latest.

    Returns:
        The motifs, sorted by id. A position without any site, as two matrices have, is cut off at the end where it
        stands and the motif named in the losses.

    Raises:
        AlignmentError: If an id or a factor is not in what the other criteria leave, or nothing is left.
        KgnnError: If pyjaspar is not installed, or the release or another criterion is unknown.

    References:
        Khan 2021, pyJASPAR, doi:10.5281/zenodo.4485856.
    """
    if release not in CITATIONS:
        raise unknown_choice("release", release, CITATIONS)
    pyjaspar: Any = require("pyjaspar", "motifs", f"{release}: reading a release by its name")
    criteria = {
        "collection": listed(None if ids is not None and collection == "CORE" else collection),
        "tax_group": listed(tax_group),
        "tf_class": listed(tf_class),
        "tf_family": listed(tf_family),
        "species": listed(species),
    }
    wanted_ids = listed(ids)
    found = _fetched(pyjaspar, release, wanted_ids, all_versions, criteria)
    for name, values in criteria.items():
        found = _kept(found, name, values)
    _refuse_missing_ids(release, wanted_ids, found)
    records, cut = MotifRecords(release), list[str]()
    for number, motif in enumerate(sorted(found, key=lambda each: each.matrix_id), 1):
        _add(records, motif, number, cut)
    records.losses.append(Loss("motif", "positions without any site cut off", tuple(cut)))
    file = Path(pyjaspar.utils.get_jaspardb_path(pyjaspar.jaspar_releases[release]))
    source = Source(file.name, file_digest(file), release, "CC BY 4.0", CITATIONS[release])
    if not records.motifs:
        given = ", ".join(f"{name}={values}" for name, values in criteria.items() if values)
        raise AlignmentError(f"{release}: no motif meets {given} together. Leave out one of them.")
    read = records.finish("a release of JASPAR", source)
    return read if factors is None else read.select(factors=listed(factors))


def listed(values: Any) -> list[str] | None:
    """One name or several as a list of text; None stays None.

    Example:
        >>> listed("CTCF"), listed([9606, 10090])
        (['CTCF'], ['9606', '10090'])
    """
    if values is None:
        return None
    return [str(value) for value in ([values] if isinstance(values, (str, int)) else values)]


def _fetched(
    pyjaspar: Any, release: str, ids: list[str] | None, all_versions: bool, criteria: dict[str, list[str] | None]
) -> list[Any]:
    database = pyjaspar.jaspardb(release=release)
    # pyjaspar leaves its connection open, and warns of ids that it does not find: those are named below.
    with closing(database.conn), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if ids is not None:
            return list(database.fetch_motifs(matrix_id=ids, all_versions=all_versions))
        # Its all=True gives old versions too. Choosing here what is easily chosen saves it thousands of queries.
        chosen = {name: _spelled(database.conn, name, criteria[name]) for name in _QUERIES}
        return list(database.fetch_motifs(all_versions=all_versions, **chosen))


def _spelled(connection: Any, name: str, wanted: list[str] | None) -> list[str] | None:
    """Values as the release spells them; pyjaspar puts them into its SQL as they are, so no others may go there."""
    if wanted is None:
        return None
    known = {str(row[0]).casefold(): str(row[0]) for row in connection.execute(_QUERIES[name])}
    missing = [value for value in wanted if value.casefold() not in known]
    if missing:
        raise unknown_choice(name, name_some(missing), known.values())
    return [known[value.casefold()] for value in wanted]


def _values(motif: Any, name: str) -> list[str]:
    value = getattr(motif, name)
    if value is None:
        return []
    return [str(each) for each in value] if isinstance(value, (list, tuple)) else [str(value)]


def _kept(found: list[Any], name: str, wanted: list[str] | None) -> list[Any]:
    """Motifs with one of the values wanted, in any case of letters; unknown values are refused."""
    if wanted is None:
        return found
    known = {value.casefold(): value for motif in found for value in _values(motif, name)}
    missing = [value for value in wanted if value.casefold() not in known]
    if missing:
        shown = sorted(known.values())
        raise KgnnError(
            f"{name} is {name_some(missing)}, which no motif left by the other criteria has. Known here: "
            f"{name_some(shown, 12)}."
        )
    folded = {value.casefold() for value in wanted}
    return [motif for motif in found if folded & {value.casefold() for value in _values(motif, name)}]


def _refuse_missing_ids(release: str, ids: list[str] | None, found: list[Any]) -> None:
    there = {motif.matrix_id for motif in found}
    there |= {name.split(".")[0] for name in there}
    missing = [name for name in ids or () if name not in there]
    if missing:
        raise AlignmentError(
            f"{release}: {len(missing)} of {len(ids or ())} matrix ids are not in it, or not with the other criteria: "
            f"{name_some(missing)}. An id without its version finds the latest."
        )


def _add(records: MotifRecords, motif: Any, number: int, cut: list[str]) -> None:
    counts = np.array([motif.counts[base] for base in BASES], dtype=np.float64).T
    told = np.flatnonzero(counts.sum(axis=1) > 0)
    if not len(told):
        raise FormatError(f"motif {motif.matrix_id} has no site at any position. Leave it out with ids=.", records.path)
    if len(told) < len(counts):
        cut.append(motif.matrix_id)
        counts = counts[told[0] : told[-1] + 1]
    records.add(
        motif.matrix_id,
        motif.name,
        counts.tolist(),
        number,
        tf_class=tuple(motif.tf_class or ()),
        tf_family=tuple(motif.tf_family or ()),
        species=tuple(map(str, motif.species or ())),
        tax_group=motif.tax_group or "",
    )
