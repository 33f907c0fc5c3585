"""DCell's topology text: for every term a line ``ROOT:`` with its number of genes, ``GENES:`` and ``TERMS:``."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike

from kgnn.errors import FormatError, name_some
from kgnn.knowledge.ontology import Annotation, Ontology, Relation, Term
from kgnn.knowledge.provenance import Provenance
from kgnn.knowledge.text import header_facts, read_lines, source_of

RELATION = "default"


def read_dcell(path: str | PathLike[str]) -> Ontology:
    r"""A hierarchy with its genes from DCell's topology text.

    ``ROOT`` opens the block of one term, whatever its place in the hierarchy; the number behind it counts the genes
    annotated to the term or below it and is compared with the file's own content.

    Args:
        path: The file, plain or gzip.

    Returns:
        The ontology; relations have the type ``"default"``.

    Raises:
        FormatError: If a line is none of the three, a block comes twice or is missing, or a number of genes is
            wrong, with the line.
        StructureError: If the terms form a cycle.

    References:
        Ma et al. 2018, Nature Methods 15:290, doi:10.1038/nmeth.4627.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder) / "topology.txt"
        ...     size = path.write_text("ROOT: A 2\nGENES: YLR035C\nTERMS: B\nROOT: B 1\nGENES: YML060W\nTERMS:\n")
        ...     read_dcell(path).relations
        (Relation(child='B', parent='A', type='default'),)
    """
    blocks = _Blocks(path)
    for term, child in blocks.relations:
        if child not in blocks.line_of_term:
            raise FormatError(
                f"{child}, below {term}, has no block of its own. The file may be cut short.",
                path,
                blocks.line_of_term[term],
            )
    if not blocks.line_of_term:
        raise FormatError("holds comments only, no term.", path)
    ontology = Ontology(
        {term: Term(term, term) for term in blocks.line_of_term},
        tuple(dict.fromkeys(Relation(child, term, RELATION) for term, child in blocks.relations)),
        tuple(dict.fromkeys(Annotation(gene, term) for term, gene in blocks.annotations)),
        Provenance((source_of(path, header_facts(blocks.comments)),), ("read as DCell topology",)),
    )
    _compare_counts(ontology, blocks)
    return ontology


class _Blocks:
    """The file's blocks as they stand."""

    def __init__(self, path: str | PathLike[str]):
        self.path = path
        self.line_of_term: dict[str, int] = {}
        self.count: dict[str, int] = {}
        self.relations: list[tuple[str, str]] = []
        self.annotations: list[tuple[str, str]] = []
        self.comments: list[str] = []
        expected = "ROOT"
        number, term = 0, ""
        for number, line in enumerate(read_lines(path), 1):
            if line.startswith("!"):
                self.comments.append(line)
                continue
            if not line.strip():
                continue
            key, _, rest = line.partition(":")
            if key.strip() != expected:
                raise FormatError(f"begins with {key.strip()[:40]!r} where {expected}: should come.", path, number)
            words = rest.split()
            if expected == "ROOT":
                term = self._open(words, number)
            elif expected == "GENES":
                self.annotations += [(term, gene) for gene in words]
            else:
                self.relations += [(term, child) for child in words]
            expected = _NEXT[expected]
        if expected != "ROOT":
            raise FormatError(f"the block of {term} ends before {expected}:. The file is cut short.", path, number)

    def _open(self, words: list[str], number: int) -> str:
        if len(words) not in (1, 2) or not all(word.isdigit() for word in words[1:]):
            raise FormatError("should read 'ROOT: term number-of-genes'.", self.path, number)
        term = words[0]
        if term in self.line_of_term:
            raise FormatError(f"{term} has a block already (line {self.line_of_term[term]}).", self.path, number)
        self.line_of_term[term] = number
        if len(words) > 1:
            self.count[term] = int(words[1])
        return term


_NEXT: Mapping[str, str] = {"ROOT": "GENES", "GENES": "TERMS", "TERMS": "ROOT"}


def _compare_counts(ontology: Ontology, blocks: _Blocks) -> None:
    sizes = {term: len(genes) for term, genes in ontology.gene_sets.items()}
    wrong = [term for term, count in blocks.count.items() if count != sizes[term]]
    if wrong:
        term = wrong[0]
        raise FormatError(
            f"{term} states {blocks.count[term]} genes but {sizes[term]} are listed at it and below it "
            f"({len(wrong)} such terms: {name_some(wrong)}). The file is damaged or was edited.",
            blocks.path,
            blocks.line_of_term[term],
        )
