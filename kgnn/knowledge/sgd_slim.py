"""SGD's ``go_slim_mapping.tab``: every feature of the yeast genome with the slim terms that it belongs to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from os import PathLike

from kgnn.errors import FormatError, unknown_choice
from kgnn.knowledge.annotations import GO_CITATION, GO_LICENCE, AnnotationFile, collect
from kgnn.knowledge.ontology import Annotation
from kgnn.knowledge.text import complete_lines, source_of

_COLUMNS = 7
_NAME_COLUMN = {"synonym": 0, "symbol": 1, "id": 2}
_ASPECTS = ("C", "F", "P")
_SGD_ID = re.compile(r"[SL]\d{9}")


def read_sgd_slim(path: str | PathLike[str], *, gene_id: str = "symbol") -> AnnotationFile:
    r"""Annotations of SGD's mapping to the GO slim.

    Args:
        path: The file, plain or gzip: ORF, gene, SGD id, aspect, slim term, GO id and type of feature, no header.
        gene_id: What names a gene: ``"symbol"`` (the systematic name where there is none), ``"synonym"`` (the
            systematic name such as ``YLR035C``) or ``"id"``, as for `read_gaf`.

    Returns:
        Annotations, losses (features in the slim's rest class ``other``, which has no GO id) and source.

    Raises:
        FormatError: If a line has not seven columns or its aspect is unknown, with the line.
        KgnnError: If a choice is unknown.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder) / "slim.tab"
        ...     size = path.write_text("YLR035C\tMLH2\tS000004025\tP\tDNA repair\tGO:0006281\tORF\n")
        ...     read_sgd_slim(path).annotations
        (Annotation(gene='MLH2', term='GO:0006281', evidence=''),)
    """
    if gene_id not in _NAME_COLUMN:
        raise unknown_choice("gene_id", gene_id, _NAME_COLUMN)

    def rows() -> Iterator[tuple[Annotation, str]]:
        for number, line in enumerate(complete_lines(path), 1):
            cells = [cell.strip() for cell in line.rstrip("\n").split("\t")]
            if cells == [""]:
                continue
            if len(cells) != _COLUMNS or not all(cells[i] for i in (0, 4, 6)) or not _SGD_ID.fullmatch(cells[2]):
                raise FormatError(
                    f"should have {_COLUMNS} columns, the third an id such as S000004025; it has {len(cells)}. Take "
                    "the file as published.",
                    path,
                    number,
                )
            if cells[3] not in _ASPECTS or (cells[5] and not cells[5].startswith("GO:")):
                raise FormatError(
                    f"has {cells[3]!r} and {cells[5]!r} where C, F or P and a GO id should be.", path, number
                )
            gene, term = cells[_NAME_COLUMN[gene_id]] or cells[0], cells[5]
            yield Annotation(gene, term or cells[4]), "" if term else f"slim term {cells[4]!r} has no GO id"

    annotations, losses = collect(rows(), "all", path)
    source = source_of(path, {}, licence=GO_LICENCE, citation=GO_CITATION)
    return AnnotationFile(annotations, losses, source, (f"genes named by {gene_id}",))
