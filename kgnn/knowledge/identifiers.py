"""`IdentifierTable`: the names that each gene goes by in several namespaces; readers make it, maps are made with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from kgnn.knowledge.namespaces import NAMESPACES, check_namespace, plain_identifier
from kgnn.knowledge.ontology import Loss
from kgnn.knowledge.provenance import Provenance, content_fingerprint


class GeneNames(NamedTuple):
    """All names of one gene, or of one row of a table where a gene has several rows.

    Attributes:
        symbol: Symbols in use.
        entrez: Entrez (NCBI) gene numbers, as text.
        ensembl_gene: Ensembl gene ids without version.
        ensembl_protein: Ensembl protein ids without version.
        uniprot: UniProt accessions without isoform.
        yeast_orf: Systematic names of yeast.
        aliases: Further symbols; another gene may have the same.
        previous: Names of any namespace that were given up for one of the above.
    """

    symbol: tuple[str, ...] = ()
    entrez: tuple[str, ...] = ()
    ensembl_gene: tuple[str, ...] = ()
    ensembl_protein: tuple[str, ...] = ()
    uniprot: tuple[str, ...] = ()
    yeast_orf: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    previous: tuple[str, ...] = ()


class Found(NamedTuple):
    """Genes of a table that an identifier may stand for.

    Attributes:
        genes: Positions in `IdentifierTable.genes`.
        how: ``"exact"``, ``"previous"`` (a name given up), ``"alias"``, ``"withdrawn"`` or ``"unknown"``.
    """

    genes: tuple[int, ...]
    how: str


@dataclass(frozen=True)
class IdentifierTable:
    """Names of genes in several namespaces.

    Attributes:
        genes: One entry a gene or row, in the order of the file.
        withdrawn: Identifiers that the table says are no longer valid and have no successor.
        provenance: Sources and transformations.
        losses: What reading left out.

    Example:
        >>> table = IdentifierTable((GeneNames(symbol=("SEPTIN9",), previous=("SEPT9",), entrez=("10801",)),))
        >>> table.find("SEPT9", "symbol").how, table.namespaces
        ('previous', ('symbol', 'entrez'))
    """

    genes: tuple[GeneNames, ...]
    withdrawn: frozenset[str] = frozenset()
    provenance: Provenance = field(default_factory=Provenance)
    losses: tuple[Loss, ...] = ()

    @property
    def namespaces(self) -> tuple[str, ...]:
        """Namespaces of which the table has identifiers."""
        return tuple(name for name in NAMESPACES if self._index[name])

    @property
    def name(self) -> str:
        """Names of the sources, for messages."""
        return ", ".join(source.name for source in self.provenance.sources) or "the table"

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the names, independent of their order in the file."""
        return content_fingerprint([*sorted(self.genes), "|", *sorted(self.withdrawn)])

    @cached_property
    def _index(self) -> Mapping[str, Mapping[str, tuple[int, ...]]]:
        found: dict[str, dict[str, list[int]]] = {name: {} for name in GeneNames._fields}
        for position, gene in enumerate(self.genes):
            for name, identifiers in zip(GeneNames._fields, gene, strict=True):
                index = found[name]
                for identifier in identifiers:
                    index.setdefault(identifier, []).append(position)
        return {name: {key: tuple(at) for key, at in index.items()} for name, index in found.items()}

    def find(self, identifier: str, namespace: str) -> Found:
        """The genes that an identifier stands for.

        A symbol in use counts before previous ones and aliases. A name that is a previous symbol of one gene and an
        alias of another stands for both.

        Args:
            identifier: With or without version.
            namespace: What kind it is.

        Returns:
            Positions and how they were found.

        Raises:
            KgnnError: If the namespace is unknown.
        """
        plain = plain_identifier(identifier, check_namespace(namespace))
        exact = self._index[namespace].get(plain)
        if exact is not None:
            return Found(exact, "exact")
        previous = self._index["previous"].get(plain, ())
        alias = self._index["aliases"].get(plain, ()) if namespace == "symbol" else ()
        if previous or alias:
            return Found(tuple(dict.fromkeys(previous + alias)), "previous" if previous else "alias")
        return Found((), "withdrawn" if plain in self.withdrawn else "unknown")

    def names(self, genes: Iterable[int], namespace: str) -> tuple[str, ...]:
        """Identifiers of some genes in a namespace, each once, in the order of the table."""
        column = GeneNames._fields.index(namespace)
        return tuple(dict.fromkeys(name for gene in genes for name in self.genes[gene][column]))
