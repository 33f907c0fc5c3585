"""Genes and transcripts with their places, from GTF and GFF3 files.

Only the lines of genes (or transcripts) are wanted, so the files are read line by line: a library that builds the whole
tree of features takes minutes for a human release.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from os import PathLike
from typing import NamedTuple
from urllib.parse import unquote

from kgnn.errors import FormatError, unknown_choice
from kgnn.knowledge.bed import whole_number
from kgnn.knowledge.intervals import Intervals, make_intervals
from kgnn.knowledge.ontology import Loss
from kgnn.knowledge.provenance import Provenance
from kgnn.knowledge.text import header_facts, read_lines, source_of

GENE_FEATURES = ("gene", "transcript")

_COLUMNS = 9
_GTF_ATTRIBUTE = re.compile(r'\s*([\w.:-]+)\s+(?:"([^"]*)"|([^;"\s]+))\s*(?:;|$)')
_GFF_TYPES = {
    "gene": ("gene", "ncRNA_gene", "pseudogene", "protein_coding_gene"),
    "transcript": ("transcript", "mRNA", "lnc_RNA", "ncRNA", "rRNA", "tRNA", "miRNA", "snRNA", "snoRNA"),
}
_PARTS = ("transcript", "exon", "CDS")
_TYPE_KEYS = ("gene_type", "gene_biotype", "biotype", "gbkey")


class _Feature(NamedTuple):
    chromosome: str
    type: str
    start: int
    end: int
    strand: str
    attributes: Mapping[str, str]


def read_genes(path: str | PathLike[str], *, feature: str = "gene") -> Intervals:
    r"""Genes or transcripts of a GTF or GFF3 file.

    Positions become 0-based and half-open. `Intervals.names` holds the gene id (or transcript id), as the file writes
    it, and `Intervals.extra` holds ``gene_id``, ``gene_name`` (the id where there is none) and ``gene_type``. A GTF
    without gene lines, as UCSC writes them, gives genes from the first to the last base of their transcripts or exons,
    one for each chromosome and strand; the provenance says so. The prefixes ``gene:`` and ``gene-`` of Ensembl's and
    NCBI's GFF3 are taken off.

    Args:
        path: The file, plain or gzip; GTF and GFF3 are told apart by content.
        feature: ``"gene"`` or ``"transcript"``.

    Returns:
        The genes, in the order of the file.

    Raises:
        FormatError: If a line has not nine columns, a position is no number, a start is above its end, the strand is
            unknown or attributes cannot be read, with the line; if no such feature is found.
        KgnnError: If the choice is unknown.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> line = 'chr17\thavana\tgene\t7661779\t7687550\t.\t-\t.\tgene_id "ENSG00000141510"; gene_name "TP53";'
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder) / "genes.gtf"
        ...     size = path.write_text(line + "\n")
        ...     read_genes(path).label(0)
        'chr17:7661778-7687550 (ENSG00000141510)'
    """
    if feature not in GENE_FEATURES:
        raise unknown_choice("feature", feature, GENE_FEATURES)
    comments: list[str] = []
    found: list[_Feature] = []
    parts: dict[str, dict[tuple[str, str, str], _Feature]] = {}
    seen: Counter[str] = Counter()
    for each in _features(path, comments):
        seen[each.type] += 1
        if each.type in _GFF_TYPES[feature]:
            found.append(each)
        elif feature == "gene" and each.type in _PARTS and not found:
            _widen(parts.setdefault(each.type, {}), each)
    note = f"read {feature}s"
    if not found:
        kind = next((name for name in _PARTS if parts.get(name)), None)
        if kind is None:
            raise FormatError(
                f"has no line for a {feature}; its features are {', '.join(sorted(seen)) or 'none'}. "
                "Take the release with gene lines, or choose another feature=.",
                path,
            )
        found, note = list(parts[kind].values()), f"genes put together from {kind} lines"
    provenance = Provenance((source_of(path, header_facts(comments)),), (note,))
    return _as_intervals(found, feature, provenance)


def _as_intervals(found: list[_Feature], feature: str, provenance: Provenance) -> Intervals:
    named, nameless = [], []
    for each in found:
        gene = gene_id(each.attributes, "gene")
        name = gene if feature == "gene" else gene_id(each.attributes, "transcript")
        place = f"{each.chromosome}:{each.start}-{each.end}"
        (named if name else nameless).append((each, name, gene, place))
    return make_intervals(
        [each.chromosome for each, *_ in named],
        [each.start for each, *_ in named],
        [each.end for each, *_ in named],
        names=[name for _, name, *_ in named],
        strands=[each.strand for each, *_ in named],
        extra={
            "gene_id": [gene for _, _, gene, _ in named],
            "gene_name": [_gene_name(each.attributes) or gene for each, _, gene, _ in named],
            "gene_type": [_first(each.attributes, _TYPE_KEYS) for each, *_ in named],
        },
        provenance=provenance,
        losses=[Loss(feature, "without an id", tuple(place for *_, place in nameless))] if nameless else (),
    )


def gene_id(attributes: Mapping[str, str], of: str) -> str:
    """The id of a gene or transcript from its attributes, without the prefix of its publisher.

    Args:
        attributes: Of one line.
        of: ``"gene"`` or ``"transcript"``.

    Returns:
        The id, ``""`` where there is none.

    Example:
        >>> gene_id({"ID": "gene:ENSG00000141510"}, "gene"), gene_id({"Parent": "gene-TP53", "ID": "rna-1"}, "gene")
        ('ENSG00000141510', 'TP53')
    """
    parent = attributes.get("Parent", "") if of == "gene" else ""
    found = attributes.get(f"{of}_id") or parent or attributes.get("ID", "")
    for prefix in (f"{of}:", f"{of}-", "rna-"):
        found = found.removeprefix(prefix)
    return found


def _gene_name(attributes: Mapping[str, str]) -> str:
    # In a transcript's line, "Name" is the transcript's.
    return (
        attributes.get("gene_name") or attributes.get("gene") or ("" if "Parent" in attributes else _name(attributes))
    )


def _name(attributes: Mapping[str, str]) -> str:
    return attributes.get("Name", "")


def _first(attributes: Mapping[str, str], keys: tuple[str, ...]) -> str:
    return next((attributes[key] for key in keys if attributes.get(key)), "")


def _widen(genes: dict[tuple[str, str, str], _Feature], part: _Feature) -> None:
    """Let the gene of a transcript or exon reach over it."""
    key = (gene_id(part.attributes, "gene"), part.chromosome, part.strand)
    known = genes.get(key, part)
    genes[key] = known._replace(start=min(known.start, part.start), end=max(known.end, part.end))


def _features(path: str | PathLike[str], comments: list[str]) -> Iterator[_Feature]:
    """Lines of genes, transcripts and exons; others give their type only."""
    wanted = {*_GFF_TYPES["gene"], *_GFF_TYPES["transcript"], *_PARTS}
    gff3: bool | None = None
    for number, line in enumerate(read_lines(path), 1):
        if line.startswith("##FASTA"):
            return
        if line.startswith("#"):
            comments.append(line)
            gff3 = True if line.startswith("##gff-version 3") else gff3
            continue
        if not line.strip():
            continue
        cells = line.rstrip("\n").split("\t")
        if len(cells) != _COLUMNS:
            raise FormatError(
                f"has {len(cells)} columns where GTF and GFF3 have {_COLUMNS}. Is it cut short, or not separated by "
                "tabs?",
                path,
                number,
            )
        start, end = (whole_number(cell, "a position", path, number) for cell in cells[3:5])
        if not 1 <= start <= end:
            raise FormatError(f"start {start} and end {end}: both count from 1, start first.", path, number)
        if cells[6] not in ("+", "-", ".", "?"):
            raise FormatError(f"strand is {cells[6][:40]!r}. Use '+', '-', '.' or '?'.", path, number)
        if cells[2] in wanted:
            gff3 = _looks_like_gff3(cells[8]) if gff3 is None else gff3
            attributes = (_gff3_attributes if gff3 else _gtf_attributes)(cells[8], path, number)
        else:
            attributes = {}
        yield _Feature(cells[0], cells[2], start - 1, end, cells[6].replace("?", "."), attributes)


def _looks_like_gff3(text: str) -> bool:
    return '"' not in text and "=" in text


def _gtf_attributes(text: str, path: str | PathLike[str], line: int) -> dict[str, str]:
    found: dict[str, str] = {}
    position = 0
    text = text.strip()
    while position < len(text):
        match = _GTF_ATTRIBUTE.match(text, position)
        if match is None:
            raise FormatError(
                f'attributes cannot be read from {text[position : position + 40]!r}. GTF writes them as key "value";',
                path,
                line,
            )
        found.setdefault(match[1], match[2] if match[2] is not None else match[3])
        position = match.end()
    return found


def _gff3_attributes(text: str, path: str | PathLike[str], line: int) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in text.strip().strip(";").split(";"):
        key, equals, value = part.partition("=")
        if not equals and part.strip() not in ("", "."):
            raise FormatError(f"attribute {part[:40]!r} has no '='. GFF3 writes them as key=value;", path, line)
        found.setdefault(unquote(key.strip()), unquote(value.strip()))
    return found
