"""Genes of an ontology named as the data name them: through a table of identifiers, of orthologs, or both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike, fspath
from typing import NamedTuple

from kgnn.errors import KgnnError
from kgnn.knowledge.identifier_files import read_identifiers
from kgnn.knowledge.identifier_mapping import translate_genes
from kgnn.knowledge.mapping_report import MappingReport
from kgnn.knowledge.ncbi_genes import ncbi_genes
from kgnn.knowledge.ontology import Ontology
from kgnn.knowledge.orthologs import read_orthologs
from kgnn.knowledge.transfer import TransferReport, transfer_annotations

NCBI = "ncbi:"
"""What comes before an NCBI number of a species, in place of a table of identifiers."""

Report = MappingReport | TransferReport


class Renamed(NamedTuple):
    """An ontology whose genes were given other names.

    Attributes:
        ontology: The ontology.
        reports: What became of the names, by what was done: ``"orthologs"``, ``"identifiers"``.
    """

    ontology: Ontology
    reports: dict[str, Report]


@dataclass(frozen=True, kw_only=True)
class Renaming:
    """How the genes of an ontology get the names that the data use.

    Attributes:
        identifiers: File of a table of gene names (see `read_identifiers`), or ``"ncbi:9606"`` for that of goatools.
        namespace: How the ontology names genes; None to guess.
        to: How the data name them; None to guess from the measured genes.
        policy: What to do with genes that have several counterparts: ``"error"``, ``"first"``, ``"all"``, ``"drop"``.
        columns: What the columns of the table hold; see `read_identifiers`.
        orthologs: File of a table of orthologs, through which the annotations go first.
        species: To which species they go.
    """

    identifiers: str | PathLike[str] | None = None
    namespace: str | None = None
    to: str | None = None
    policy: str = "error"
    columns: Mapping[str, str] | None = None
    orthologs: str | PathLike[str] | None = None
    species: str | None = None

    @property
    def files(self) -> dict[str, str | None]:
        """The files that are read, by their purpose."""
        tables = {"identifiers": None if self._taxon else self.identifiers, "orthologs": self.orthologs}
        return {use: None if file is None else fspath(file) for use, file in tables.items()}

    @property
    def _taxon(self) -> str:
        name = "" if self.identifiers is None else fspath(self.identifiers)
        return name.removeprefix(NCBI) if name.startswith(NCBI) else ""

    def apply(self, ontology: Ontology, measured: Sequence[str] | None = None) -> Renamed:
        """The ontology with its genes as the data name them.

        Args:
            ontology: As it was read.
            measured: Genes of the data, where they are known.

        Returns:
            The ontology, and a report of every map.

        Raises:
            KgnnError: If a table does not tell what is asked of it.
        """
        reports: dict[str, Report] = {}
        if self.orthologs is not None:
            if self.species is None:
                raise KgnnError("--orthologs is given without --to-species. Say to which species the annotations go.")
            table = read_orthologs(self.orthologs)
            ontology, reports["orthologs"] = transfer_annotations(ontology, table, to=self.species, policy=self.policy)
        if self.identifiers is None:
            return Renamed(ontology, reports)
        if self.to is None and measured is None:
            raise KgnnError("--identifiers is given without --to. Say how the genes are to be named, or give --genes.")
        ontology, reports["identifiers"] = translate_genes(
            ontology, self._table(), to=self.to, namespace=self.namespace, policy=self.policy, measured=measured
        )
        return Renamed(ontology, reports)

    def _table(self):
        if not self._taxon:
            return read_identifiers(self.identifiers or "", columns=self.columns)
        if not self._taxon.isdecimal():
            raise KgnnError(f"identifiers={self.identifiers!r} is not of the form ncbi:9606. Give an NCBI number.")
        return ncbi_genes(int(self._taxon))
