"""The Human Phenotype Ontology's tables of genes and phenotypes, in either order of columns."""

from __future__ import annotations

from collections.abc import Iterator
from os import PathLike

from kgnn.errors import FormatError, unknown_choice
from kgnn.knowledge.annotations import AnnotationFile, collect
from kgnn.knowledge.ontology import Annotation
from kgnn.knowledge.text import complete_lines, source_of

HPO_CITATION = (
    "Gargano et al. 2024, The Human Phenotype Ontology in 2024, Nucleic Acids Research 52:D1333, "
    "doi:10.1093/nar/gkad1005"
)
_GENE_COLUMN = {"symbol": "gene_symbol", "id": "ncbi_gene_id"}
_TERM_COLUMN = "hpo_id"


def read_hpo_genes(path: str | PathLike[str], *, gene_id: str = "symbol") -> AnnotationFile:
    r"""Annotations of ``genes_to_phenotype.txt`` or ``phenotype_to_genes.txt``.

    The second file lists a gene again at every ancestor of its phenotypes; both give the same genes to a term once the
    hierarchy hands them up.

    Args:
        path: The file, plain or gzip; its header names the columns.
        gene_id: What names a gene: ``"symbol"`` or ``"id"`` (NCBI's number).

    Returns:
        Annotations, losses and source.

    Raises:
        FormatError: If the header or a line is not as published, with the line.
        KgnnError: If a choice is unknown.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder) / "genes.txt"
        ...     size = path.write_text("ncbi_gene_id\tgene_symbol\thpo_id\n10\tNAT2\tHP:0001939\n")
        ...     read_hpo_genes(path).annotations
        (Annotation(gene='NAT2', term='HP:0001939', evidence=''),)
    """
    if gene_id not in _GENE_COLUMN:
        raise unknown_choice("gene_id", gene_id, _GENE_COLUMN)

    def rows() -> Iterator[tuple[Annotation, str]]:
        header: list[str] = []
        for number, line in enumerate(complete_lines(path), 1):
            cells = [cell.strip() for cell in line.rstrip("\n").lstrip("#").split("\t")]
            if not header:
                header = cells
                if not {_TERM_COLUMN, _GENE_COLUMN[gene_id]} <= set(header):
                    raise FormatError(
                        f"its header has not both {_TERM_COLUMN} and {_GENE_COLUMN[gene_id]}. Take the file as "
                        "published.",
                        path,
                        number,
                    )
                gene_column, term_column = header.index(_GENE_COLUMN[gene_id]), header.index(_TERM_COLUMN)
                continue
            if cells == [""]:
                continue
            if len(cells) != len(header):
                raise FormatError(f"has {len(cells)} columns instead of {len(header)} as its header.", path, number)
            gene, term = cells[gene_column], cells[term_column]
            if not term.startswith("HP:") or not gene:
                raise FormatError(f"names no gene, or {term[:40]!r}, which is no HP: id.", path, number)
            yield Annotation(gene, term), "" if gene != "-" else "no gene named"

    annotations, losses = collect(rows(), "all", path)
    return AnnotationFile(
        annotations, losses, source_of(path, {}, citation=HPO_CITATION), (f"genes named by {gene_id}",)
    )
