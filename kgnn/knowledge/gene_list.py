"""Lists of genes: the measured ones, one a line."""

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
    r"""Genes of a text file, one a line; lines that begin with ``#`` are comments.

    Args:
        path: The file, plain or gzip.

    Returns:
        The genes and their source.

    Raises:
        FormatError: If there is no gene, or a line holds several columns, with the line.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder) / "genes.txt"
        ...     size = path.write_text("# licence: CC0\nTP53\nMDM2\n")
        ...     found = read_gene_list(path)
        >>> found.genes, found.source.licence
        (('TP53', 'MDM2'), 'CC0')
    """
    genes, comments = [], []
    for number, line in enumerate(read_lines(path), 1):
        name = line.strip()
        if name.startswith("#"):
            comments.append(name)
        elif "\t" in name:
            raise FormatError("holds more than one column. Give one gene a line.", path, number)
        elif name:
            genes.append(name)
    if not genes:
        raise FormatError("names no gene. Give one gene a line.", path)
    return GeneList(tuple(genes), source_of(path, header_facts(comments)))
