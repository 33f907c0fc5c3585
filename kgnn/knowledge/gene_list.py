"""Lists of measured genes: one name a line, or DrugCell's ``gene2ind.txt`` with the index before each name."""

from __future__ import annotations

from os import PathLike

from kgnn.errors import FormatError
from kgnn.knowledge.text import read_lines


def read_gene_list(path: str | PathLike[str]) -> list[str]:
    r"""Names of genes in the order of a file.

    Args:
        path: The file, plain or gzip. Where every line is its own number, from 0, and a name, the names are taken.

    Returns:
        The names.

    Raises:
        FormatError: If indices are given that are not those of the lines, with the line.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder) / "gene2ind.txt"
        ...     size = path.write_text("0\tA1BG\n1\tTP53\n")
        ...     read_gene_list(path)
        ['A1BG', 'TP53']
    """
    lines = [(number, line.strip()) for number, line in enumerate(read_lines(path), 1) if line.strip()]
    cells = [line.split("\t") for _, line in lines]
    if not all(len(each) == 2 and each[0].strip().isdecimal() for each in cells):
        return [line for _, line in lines]
    for index, ((number, _), each) in enumerate(zip(lines, cells, strict=True)):
        if int(each[0]) != index:
            raise FormatError(f"has the index {each[0].strip()} where {index} should come.", path, number)
    return [each[1].strip() for each in cells]
