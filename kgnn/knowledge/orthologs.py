"""Orthologs: pairs of genes of two species that descend from one gene, as a table of one form."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from os import PathLike
from typing import NamedTuple

from kgnn.errors import FormatError, KgnnError, name_some, unknown_choice
from kgnn.knowledge.ontology import Loss
from kgnn.knowledge.provenance import Provenance, content_fingerprint
from kgnn.knowledge.text import complete_lines, header_facts, source_of

_NO_GENE = frozenset(("", "-", "NA", "nan"))
_COUNTS = ("n_sources", "support_count")
_SOURCES = ("sources", "support", "supporting_source", "supporting_sources")
_FORMS = {"symbol": ("symbol", "gene", "gene_name"), "ensembl_gene": ("ensembl", "ensembl_gene"),
          "entrez": ("entrez", "entrez_gene", "entrez_gene_id")}  # fmt: skip
_OF_SPECIES = re.compile(r"(\w+?)_(?:symbol|gene_name|ensembl|ensembl_gene|entrez|entrez_gene)")


class OrthologPair(NamedTuple):
    """A gene of each species; `support` counts the sources that say so, 1 where the table does not say."""

    first: str
    second: str
    support: int = 1


@dataclass(frozen=True)
class OrthologTable:
    """Orthologs of two species.

    Attributes:
        species: Their names, in the order of a pair.
        pairs: Each pair once, in the order of the file.
        provenance: Sources and transformations.
        losses: What reading left out.

    Example:
        >>> pairs = (OrthologPair("TP53", "Trp53"), OrthologPair("A", "A1"), OrthologPair("A", "A2"))
        >>> OrthologTable(("human", "mouse"), pairs).kinds
        {'1:1': 1, '1:many': 2, 'many:1': 0, 'many:many': 0}
    """

    species: tuple[str, str]
    pairs: tuple[OrthologPair, ...]
    provenance: Provenance = field(default_factory=Provenance)
    losses: tuple[Loss, ...] = ()

    @cached_property
    def kind_of_pair(self) -> tuple[str, ...]:
        """For each pair ``"1:1"``, ``"1:many"``, ``"many:1"`` or ``"many:many"``, from the first species' side."""
        firsts = Counter(pair.first for pair in self.pairs)
        seconds = Counter(pair.second for pair in self.pairs)
        # A gene with several partners makes "many" on the other side.
        word = {False: "1", True: "many"}
        return tuple(f"{word[seconds[pair.second] > 1]}:{word[firsts[pair.first] > 1]}" for pair in self.pairs)

    @property
    def kinds(self) -> dict[str, int]:
        """How many pairs there are of each kind."""
        return {kind: self.kind_of_pair.count(kind) for kind in ("1:1", "1:many", "many:1", "many:many")}

    @cached_property
    def fingerprint(self) -> str:
        """Hash of species and pairs, independent of their order in the file."""
        return content_fingerprint([*self.species, "|", *sorted(self.pairs)])

    def reversed(self) -> OrthologTable:
        """The same orthologs with the species exchanged."""
        pairs = tuple(OrthologPair(pair.second, pair.first, pair.support) for pair in self.pairs)
        return replace(self, species=(self.species[1], self.species[0]), pairs=pairs)

    def towards(self, species: str) -> OrthologTable:
        """The table with a species as its second.

        Args:
            species: One of the two.

        Raises:
            KgnnError: If the table has not this species.
        """
        if species not in self.species:
            raise unknown_choice("species", species, self.species)
        return self if species == self.species[1] else self.reversed()


def read_orthologs(
    path: str | PathLike[str],
    *,
    species: tuple[str, str] | None = None,
    namespace: str = "symbol",
    columns: tuple[str, str] | None = None,
    min_support: int = 1,
) -> OrthologTable:
    r"""Orthologs of two species from a table.

    HCOP's files are read as they are (``human_symbol``, ``mouse_symbol``, … or ``human_ensembl_gene``, …), and so is
    any table in which two columns are named for the species or named with `columns`. Repeated pairs count once, with
    their highest support.

    Args:
        path: Plain or gzip, with a header, columns separated by tabs or commas.
        species: Names of the two species; taken from the header where None.
        namespace: Which of several identifiers to take: ``"symbol"``, ``"ensembl_gene"`` or ``"entrez"``.
        columns: The columns of the first and the second species, where their headers do not say.
        min_support: Fewest sources that must say so, for tables that tell.

    Returns:
        The table. Pairs without a name on either side, and those of too little support, are in its losses.

    Raises:
        FormatError: If the columns are not there, a line is cut, or nothing is left; with the line.
        KgnnError: If a choice is unknown.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder) / "hcop.tsv"
        ...     size = path.write_text("human_symbol\tmouse_symbol\nTP53\tTrp53\n")
        ...     read_orthologs(path).pairs
        (OrthologPair(first='TP53', second='Trp53', support=1),)
    """
    if namespace not in _FORMS:
        raise unknown_choice("namespace", namespace, _FORMS)
    comments, header, rows = _rows(path)
    named = [re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_") for name in header]
    species = _species(named, species, columns, path)
    at = _columns(header, named, species, namespace, columns, path)
    pairs: dict[tuple[str, str], int] = {}
    unnamed, weak = [], []
    for number, row in rows:
        first, second = (row[column] for column in at)
        support = _support(row, named, path, number)
        if first in _NO_GENE or second in _NO_GENE:
            unnamed.append(f"{first} {second}")
        elif support < min_support:
            weak.append(f"{first} {second}")
        else:
            pairs[first, second] = max(support, pairs.get((first, second), 0))
    if not pairs:
        raise FormatError(f"holds no pair of genes that at least {min_support} sources support.", path)
    losses = [Loss("gene", "an ortholog without a name", tuple(unnamed))] if unnamed else []
    losses += [Loss("gene", f"fewer than {min_support} sources", tuple(weak))] if weak else []
    step = f"read {len(pairs):,} pairs of {namespace}, {species[0]} and {species[1]}, support at least {min_support}"
    return OrthologTable(
        species,
        tuple(OrthologPair(*names, support) for names, support in pairs.items()),
        Provenance((source_of(path, header_facts(comments)),), (step,)),
        tuple(losses),
    )


def _rows(path: str | PathLike[str]) -> tuple[list[str], list[str], list[tuple[int, list[str]]]]:
    comments: list[str] = []
    header: list[str] = []
    rows: list[tuple[int, list[str]]] = []
    tabs = False
    for number, line in enumerate(complete_lines(path), 1):
        if line.startswith(("#", "!")) and not header and "\t" not in line:
            comments.append(line)
            continue
        if not line.strip():
            continue
        tabs = tabs if header else "\t" in line
        text = line.rstrip("\n")
        cells = [cell.strip() for cell in (text.split("\t") if tabs else next(csv.reader([text])))]
        if not header:
            header = cells
        elif cells == header:
            raise FormatError("repeats the header. Were two files joined? Leave one header.", path, number)
        elif len(cells) != len(header):
            raise FormatError(
                f"has {len(cells)} columns instead of {len(header)} as in the header. Was the file cut short?",
                path,
                number,
            )
        else:
            rows.append((number, cells))
    if not rows:
        raise FormatError("holds no pair of genes below its header.", path)
    return comments, header, rows


def _species(
    named: Sequence[str],
    species: tuple[str, str] | None,
    columns: tuple[str, str] | None,
    path: str | PathLike[str],
) -> tuple[str, str]:
    if species is not None:
        if len(species) != 2 or species[0] == species[1]:
            raise KgnnError(f"species is {species!r}. Name two different ones.")
        return species[0], species[1]
    if columns is not None:
        raise KgnnError("columns= is given without species=. Name the two species in the same order.")
    found = list(dict.fromkeys(match[1] for name in named if (match := _OF_SPECIES.fullmatch(name))))
    if len(found) == 2:
        return found[0], found[1]
    raise FormatError(
        f"its header ({name_some(named)}) does not name two species. Head the columns such as human_symbol and "
        "mouse_symbol, or give species= and columns=.",
        path,
    )


def _columns(
    header: Sequence[str],
    named: Sequence[str],
    species: tuple[str, str],
    namespace: str,
    columns: tuple[str, str] | None,
    path: str | PathLike[str],
) -> list[int]:
    found = []
    for number, each in enumerate(species):
        wanted = [columns[number]] if columns else [f"{each.lower()}_{form}" for form in _FORMS[namespace]]
        among = header if columns else named
        column = next((among.index(name) for name in wanted if name in among), None)
        if column is None:
            raise FormatError(
                f"has no column {' or '.join(map(repr, wanted))}. Choose among those there are with columns=: "
                f"{name_some(header, 20)}.",
                path,
            )
        found.append(column)
    if found[0] == found[1]:
        raise FormatError("the two species are in the same column. Name two with columns=.", path)
    return found


def _support(row: Sequence[str], named: Sequence[str], path: str | PathLike[str], number: int) -> int:
    for name in _COUNTS:
        if name in named:
            count = row[named.index(name)]
            if not count.isdecimal():
                raise FormatError(f"{name} is {count!r}, which is no whole number.", path, number)
            return int(count)
    for name in _SOURCES:
        if name in named:
            return len({source.strip() for source in row[named.index(name)].split(",") if source.strip()})
    return 1
