"""KEGG's BRITE hierarchies as text (``hsa00001.keg``, ``br08901.keg`` …): a letter a line gives its depth."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from os import PathLike

from kgnn.errors import FormatError, unknown_choice
from kgnn.knowledge.annotations import describe
from kgnn.knowledge.ontology import Annotation, Loss, Ontology, Relation, Term
from kgnn.knowledge.provenance import Provenance
from kgnn.knowledge.text import complete_lines, source_of

KEGG_CITATION = (
    "Kanehisa et al. 2023, KEGG for taxonomy-based analysis of pathways and genomes, Nucleic Acids Research 51:D587, "
    "doi:10.1093/nar/gkac963"
)
KEGG_LICENCE = "KEGG: free for academic use, see its terms"
ROOT = "KEGG"
RELATION = "part_of"
_GENE_IDS = ("symbol", "id")
_K_NUMBER = re.compile(r"K\d{5}\b")
_LETTERS = "ABCDEFGHIJ"
_HEADER = re.compile(r"\+([A-J])(?:\t(.*))?")
_TAG = re.compile(r"<[^>]+>")
_PATHWAY = re.compile(r"\[PATH:([a-z]+\d{5})\]")
_NUMBERED = re.compile(r"(\d{5})\s+(\S.*)")
_UPDATED = re.compile(r"#\s*Last updated:\s*(.+)")


def read_kegg(path: str | PathLike[str], *, gene_id: str = "symbol", species: str | None = None) -> Ontology:
    r"""A hierarchy from KEGG's BRITE text.

    The header names the deepest letter and what stands there: with ``GENES`` or ``KO`` its lines are genes of the line
    above, with anything else (``Map number``) they are pathways, whose genes come from a second file. All lines at
    ``A`` stand below a made root.

    Args:
        path: The file, plain or gzip.
        gene_id: What names a gene in a file of an organism: ``"symbol"`` (the id where there is none) or ``"id"``,
            which is NCBI's number or a systematic name. Entries of a KO file are always named by their K number.
        species: Letters to put before the numbers of pathways (``"hsa"``: ``hsa00010``), for a reference hierarchy
            whose genes come from a file of one organism.

    Returns:
        The ontology. Terms are pathways (``hsa00010``), numbered classes (``09101``) or names; a name that stands
        below several others is told apart by them.

    Raises:
        FormatError: If a line has no depth, goes down two at once, or the end of the hierarchy is missing, with the
            line.
        KgnnError: If a choice is unknown.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> lines = ["+C\tGENES\tKO", "!", "A09100 Metabolism", "B    00010 Glycolysis [PATH:hsa00010]"]
        >>> lines += ["C      3101 HK3; hexokinase 3\tK00844 HK; hexokinase", "!"]
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder) / "hsa00001.keg"
        ...     size = path.write_text("".join(f"{line}\n" for line in lines))
        ...     read_kegg(path).annotations
        (Annotation(gene='HK3', term='hsa00010', evidence=''),)
    """
    if gene_id not in _GENE_IDS:
        raise unknown_choice("gene_id", gene_id, _GENE_IDS)
    brite = _Brite(path, gene_id, species)
    brite.read()
    if not brite.relations:
        raise FormatError("holds no class below its header. Check the file or its format.", path)
    source = source_of(path, {"release": brite.release}, licence=KEGG_LICENCE, citation=KEGG_CITATION)
    losses = (Loss("annotation", "repeated in the file", tuple(brite.repeated)),)
    return Ontology(
        brite.terms,
        tuple(brite.relations),
        tuple(brite.annotations),
        Provenance((source,), ("read as KEGG BRITE text below a made root",)),
        tuple(loss for loss in losses if loss.names),
    )


@dataclass
class _Brite:
    """The state of a reading: the open term at every depth, and what was found so far."""

    path: str | PathLike[str]
    gene_id: str
    species: str | None
    members: str = ""
    deepest: int = 0
    release: str = ""
    terms: dict[str, Term] = field(default_factory=lambda: {ROOT: Term(ROOT, ROOT)})
    relations: dict[Relation, None] = field(default_factory=dict)
    annotations: dict[Annotation, None] = field(default_factory=dict)
    repeated: list[str] = field(default_factory=list)
    _open: list[str] = field(default_factory=lambda: [ROOT])
    _owner: dict[str, str] = field(default_factory=dict)

    def read(self) -> None:
        bangs, number = 0, 0
        for number, line in enumerate(complete_lines(self.path), 1):
            text = line.rstrip()
            if number == 1:
                self._begin(text)
            elif text.startswith("#"):
                self._comment(text)
            elif text == "!":
                bangs += 1
            elif text and bangs == 1:
                self._entry(text, number)
            elif text:
                raise FormatError(f"{text[:40]!r} stands outside of the two lines '!'.", self.path, number)
        if bangs != 2:
            raise FormatError("the closing line '!' is missing: the file seems to be cut short.", self.path, number)

    def _begin(self, text: str) -> None:
        header = _HEADER.fullmatch(text)
        if header is None:
            raise FormatError("should begin with the deepest letter, such as '+D'.", self.path, 1)
        self.deepest = _LETTERS.index(header[1]) + 1
        kind = (header[2] or "").split("\t")[0].strip().upper()
        self.members = kind if kind in ("GENES", "KO") else ""

    def _comment(self, text: str) -> None:
        title = _TAG.sub("", text.lstrip("#")).strip()
        if "<h2>" in text and title:
            self.terms[ROOT] = Term(ROOT, title)
        if updated := _UPDATED.match(text):
            self.release = updated[1].strip()

    def _entry(self, text: str, number: int) -> None:
        depth = _LETTERS.find(text[0]) + 1
        body = _TAG.sub("", text[1:]).strip()
        if not depth or depth > self.deepest:
            raise FormatError(
                f"begins with {text[0]!r}, no letter from A to {_LETTERS[self.deepest - 1]}.", self.path, number
            )
        if not body:
            return
        if depth > len(self._open):
            raise FormatError(f"stands at {text[0]} with nothing at {_LETTERS[depth - 2]} above it.", self.path, number)
        del self._open[depth:]
        if self._is_gene(text, depth):
            self._gene(body, number)
        else:
            self._term(body)

    def _is_gene(self, text: str, depth: int) -> bool:
        """Genes stand at the deepest letter, and in families of proteins above it as well."""
        if self.members == "KO":
            return _K_NUMBER.match(text[1:].strip()) is not None
        return self.members == "GENES" and (depth == self.deepest or "\t" in text)

    def _gene(self, body: str, number: int) -> None:
        entry, tab, ortholog = body.partition("\t")
        if self.members == "GENES" and tab and not _K_NUMBER.match(ortholog):
            raise FormatError(f"has {ortholog[:20]!r} behind the gene where a K number should be.", self.path, number)
        identifier, _, rest = entry.partition(" ")
        symbol = rest.strip().partition(";")[0].split(",")[0].strip() if ";" in rest else ""
        gene = identifier if self.members == "KO" or self.gene_id == "id" else symbol or identifier
        annotation = Annotation(gene, self._open[-1])
        if annotation in self.annotations:
            self.repeated.append(describe(annotation))
        self.annotations[annotation] = None

    def _term(self, body: str) -> None:
        parent = self._open[-1]
        numbered, pathway = _NUMBERED.fullmatch(body), _PATHWAY.search(body)
        name = re.sub(r"\s*\[[A-Z]+:[^\]]*\]$", "", numbered[2] if numbered else body)
        if pathway:
            identifier = pathway[1]
        elif numbered:
            prefix = self.species if self.species and not numbered[1].startswith("09") else ""
            identifier = prefix + numbered[1]
        else:
            identifier = name if self._owner.setdefault(name, parent) == parent else f"{parent} / {name}"
        self.terms.setdefault(identifier, Term(identifier, name))
        self.relations[Relation(identifier, parent, RELATION)] = None
        self._open.append(identifier)
