"""Lists of measured genes: one name a line, or DrugCell's ``gene2ind.txt`` with the index before each name."""

from __future__ import annotations

from os import PathLike
from typing import NamedTuple

from kgnn.errors import FormatError
from kgnn.knowledge.provenance import Source
from kgnn.knowledge.text import header_facts, read_lines, source_of


class GeneList(NamedTuple):
    """Genes of a file, in its order.

    Attributes:
        genes: Their names.
        source: The file.
    """

    genes: tuple[str, ...]
    source: Source


def read_gene_list(path: str | PathLike[str]) -> GeneList:
    r"""Names of genes in the order of a file; lines that begin with ``#`` are comments.

    Args:
        path: The file, plain or gzip. Where every line is its own number, from 0, and a name, the names are taken.

    Returns:
        The genes and their source.

    Raises:
        FormatError: If there is no gene, a line holds several columns, or indices are given that are not those of the
            lines; with the line.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder) / "gene2ind.txt"
        ...     size = path.write_text("# licence: CC0\n0\tA1BG\n1\tTP53\n")
        ...     found = read_gene_list(path)
        >>> found.genes, found.source.licence
        (('A1BG', 'TP53'), 'CC0')
    """
    lines = [(number, line.strip()) for number, line in enumerate(read_lines(path), 1) if line.strip()]
    source = source_of(path, header_facts([line for _, line in lines if line.startswith("#")]))
    rows = [(number, line.split("\t")) for number, line in lines if not line.startswith("#")]
    if not rows:
        raise FormatError("names no gene. Give one gene a line.", path)
    if all(len(cells) == 2 and cells[0].strip().isdecimal() for _, cells in rows):
        for index, (number, cells) in enumerate(rows):
            if int(cells[0]) != index:
                raise FormatError(f"has the index {cells[0].strip()} where {index} should come.", path, number)
        return GeneList(tuple(cells[1].strip() for _, cells in rows), source)
    for number, cells in rows:
        if len(cells) > 1:
            raise FormatError("holds more than one column. Give one gene a line.", path, number)
    return GeneList(tuple(cells[0] for _, cells in rows), source)
