"""Genes of an ontology named as the data name them: through a table of identifiers, of orthologs, or both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgnn.errors import KgnnError
from kgnn.options import key_values, listed

if TYPE_CHECKING:
    from kgnn.knowledge import MappingReport, Ontology, TransferReport


def mapped_genes(
    ontology: Ontology,
    *,
    identifiers: str | None = None,
    namespace: str | None = None,
    to: str | None = None,
    policy: str = "error",
    columns: str | None = None,
    orthologs: Path | None = None,
    species: str | None = None,
    measured: Sequence[str] | None = None,
) -> tuple[Ontology, dict[str, MappingReport | TransferReport]]:
    """The ontology with its genes as the data name them.

    Args:
        ontology: As it was read.
        identifiers: Path of a table of gene names, or ``ncbi:TAXON`` for that of goatools.
        namespace: How the ontology names genes.
        to: How the data name them.
        policy: What to do with genes that have several counterparts.
        columns: What the columns of the table hold.
        orthologs: Table of orthologs, through which the annotations go first.
        species: To which species.
        measured: Genes of the data, where they are known.

    Returns:
        The ontology, and the reports by what was done: ``"orthologs"``, ``"identifiers"``.

    Raises:
        KgnnError: If options are given that need others.
    """
    from kgnn.knowledge import ncbi_genes, read_identifiers, read_orthologs, transfer_annotations, translate_genes

    _refuse_alone(identifiers, "--identifiers", {"--from": namespace, "--to": to, "--identifier-columns": columns})
    _refuse_alone(orthologs, "--orthologs", {"--species": species})
    reports: dict[str, MappingReport | TransferReport] = {}
    if orthologs is not None:
        if species is None:
            raise KgnnError("--orthologs is given without --species. Say to which species the annotations go.")
        table = read_orthologs(orthologs)
        ontology, reports["orthologs"] = transfer_annotations(ontology, table, to=species, policy=policy)
    if identifiers is None:
        return ontology, reports
    if to is None and measured is None:
        raise KgnnError("--identifiers is given without --to. Say how the genes are to be named, or give --genes.")
    if identifiers.startswith("ncbi:"):
        if not identifiers[5:].isdecimal():
            raise KgnnError(f"--identifiers {identifiers!r} is not of the form ncbi:9606. Give an NCBI number.")
        names = ncbi_genes(int(identifiers[5:]))
    else:
        chosen = None if columns is None else key_values(listed(columns), "--identifier-columns")
        names = read_identifiers(identifiers, columns=chosen)
    ontology, reports["identifiers"] = translate_genes(
        ontology, names, to=to, namespace=namespace, policy=policy, measured=measured
    )
    return ontology, reports


def _refuse_alone(needed: object, option: str, given: dict[str, object]) -> None:
    unused = [name for name, value in given.items() if value is not None]
    if needed is None and unused:
        raise KgnnError(f"{', '.join(unused)} is given without {option}. Give a table, or leave it out.")


def reports_text(reports: Mapping[str, MappingReport | TransferReport]) -> str:
    """Reports of maps, one a line, each behind what was done; ends in a line end where there are any."""
    return "".join(f"{name:<12} {report}\n" for name, report in reports.items())


def reports_json(reports: Mapping[str, MappingReport | TransferReport]) -> dict[str, Any]:
    """Reports of maps, by what was done, for ``--json``."""
    return {name: report.to_json() for name, report in reports.items()}
