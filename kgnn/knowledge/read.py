"""`read_ontology`: one door for every file that holds a hierarchy of terms with genes, recognized by its content."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from itertools import islice
from os import PathLike

from kgnn.errors import FormatError, KgnnError, StructureError, unknown_choice
from kgnn.knowledge.annotations import AnnotationFile, describe
from kgnn.knowledge.dcell import read_dcell
from kgnn.knowledge.drugcell import read_drugcell
from kgnn.knowledge.gaf import read_gaf
from kgnn.knowledge.gene2go import read_gene2go
from kgnn.knowledge.gpad import read_gpad
from kgnn.knowledge.obo import DEFAULT_RELATIONS, read_obo
from kgnn.knowledge.ontology import Annotation, Loss, Ontology
from kgnn.knowledge.provenance import Provenance
from kgnn.knowledge.restrict import keep_below, keep_namespace
from kgnn.knowledge.tables import read_gene_table
from kgnn.knowledge.text import read_lines

ONTOLOGY_FORMATS = ("obo", "drugcell", "dcell")
ANNOTATION_FORMATS = ("gaf", "gpad", "gene2go", "table")

_PROBE_LINES = 200
_FORMAT_OF_COLUMNS = {17: "gaf", 15: "gaf", 12: "gpad", 8: "gene2go", 3: "table", 2: "table"}
_DRUGCELL_COLUMNS = 3


def read_ontology(
    path: str | PathLike[str],
    annotations: str | PathLike[str] | None = None,
    *,
    format: str | None = None,
    annotation_format: str | None = None,
    relations: str | Collection[str] = DEFAULT_RELATIONS,
    root: str | None = None,
    namespace: str | None = None,
    evidence: str | Collection[str] = "all",
    gene_id: str = "symbol",
    taxon: int | None = None,
) -> Ontology:
    r"""A hierarchy of terms with the genes annotated to them.

    Formats are recognized by content. An OBO ontology takes its genes from a second file; DrugCell's and DCell's
    texts hold them already. Nothing is lost silently: `Ontology.losses` names what was left out, and why.

    Args:
        path: OBO, DrugCell's three-column text or DCell's topology text; plain or gzip.
        annotations: GAF 2.x, GPAD, gene2go, or a table of genes and terms (and evidence); with OBO only.
        format: One of ``"obo"``, ``"drugcell"``, ``"dcell"`` to force the format.
        annotation_format: One of ``"gaf"``, ``"gpad"``, ``"gene2go"``, ``"table"`` to force the format.
        relations: Types of relations to keep (OBO).
        root: Keep this term and everything below it, of whatever namespace. Several roots may be kept here;
            `prune` can join them and `compile_hierarchy` asks for one.
        namespace: Keep the terms of this namespace (OBO); ``BP``, ``MF``, ``CC`` for those of the Gene Ontology.
        evidence: Name of a preset of `EVIDENCE_PRESETS`, or the evidence codes to keep.
        gene_id: What names a gene in a GAF: ``"symbol"``, ``"id"`` or ``"synonym"``. GPAD and gene2go hold ids only.
        taxon: NCBI number of the organism to keep (GAF, gene2go).

    Returns:
        The ontology, acyclic. Annotations to alternative or replaced ids are on the term that took their place.

    Raises:
        FormatError: If a file is not what its format promises, with the line.
        StructureError: If the relations form a cycle, or root or namespace are unknown.
        KgnnError: If a choice is unknown, or does not apply to the format.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     obo, genes = Path(folder) / "tiny.obo", Path(folder) / "genes.tsv"
        ...     size = obo.write_text("[Term]\nid: A\n\n[Term]\nid: B\nis_a: A\n"), genes.write_text("TP53\tB\n")
        ...     ontology = read_ontology(obo, genes)
        >>> ontology.gene_sets["A"]
        frozenset({'TP53'})
    """
    kind = format or _recognized(path)
    if kind not in ONTOLOGY_FORMATS:
        raise unknown_choice("format", kind, ONTOLOGY_FORMATS)
    if kind == "obo":
        ontology, aliases = read_obo(path, relations)
        if annotations is not None:
            known = {*ontology.terms, *aliases}
            read = _read_annotations(annotations, annotation_format, known, evidence, gene_id, taxon)
            ontology = annotate(ontology, aliases, read)
        if namespace is not None:
            ontology = keep_namespace(ontology, namespace)
    else:
        unused = {"annotations": annotations, "namespace": namespace, "taxon": taxon}
        unused["evidence"] = None if evidence == "all" else evidence
        for name, value in unused.items():
            if value is not None:
                raise KgnnError(f"{path}: {kind} text holds its genes already and nothing for {name}=. Leave it out.")
        ontology = (read_drugcell if kind == "drugcell" else read_dcell)(path)
    if root is not None:
        ontology = keep_below(ontology, root)
    try:
        _ = ontology.order
    except StructureError as error:
        raise StructureError(f"{path}: {error}") from None
    return ontology


def annotate(ontology: Ontology, aliases: Mapping[str, str], read: AnnotationFile) -> Ontology:
    """The ontology with genes on its terms.

    Args:
        ontology: Terms and relations.
        aliases: Alternative or replaced id to term, from `read_obo`.
        read: What a reader of annotations found.

    Returns:
        The ontology with more annotations. Those to ids that it does not know are in its losses.

    Raises:
        FormatError: If no annotation is to a term of the ontology.
    """
    kept = dict.fromkeys(ontology.annotations)
    lost: dict[str, list[str]] = {}
    resolved: dict[str, int] = {}
    for annotation in read.annotations:
        if annotation.term in ontology.terms:
            kept[annotation] = None
        elif annotation.term in aliases:
            resolved[annotation.term] = resolved.get(annotation.term, 0) + 1
            kept[Annotation(annotation.gene, aliases[annotation.term], annotation.evidence)] = None
        else:
            reason = "term obsolete" if annotation.term in ontology.obsolete else "term unknown to the ontology"
            lost.setdefault(reason, []).append(describe(annotation))
    if len(kept) == len(ontology.annotations):
        example = next(iter(ontology.terms), "none")
        raise FormatError(
            f"none of its {len(read.annotations):,} annotations is to a term of the ontology (they look like "
            f"{describe(read.annotations[0])!r}, its terms like {example}). Do the two files belong together?",
            read.source.name,
        )
    notes = list(read.notes)
    if resolved:
        notes.append(f"took {sum(resolved.values()):,} annotations of {len(resolved):,} alternative or replaced ids")
    steps = (f"annotated from {read.source.name}", *(f"{read.source.name}: {note}" for note in notes))
    losses = [*read.losses, *(Loss("annotation", reason, tuple(names)) for reason, names in lost.items())]
    return replace(
        ontology,
        annotations=tuple(kept),
        provenance=ontology.provenance.join(Provenance((read.source,), steps)),
        losses=(*ontology.losses, *losses),
    )


def _read_annotations(
    path: str | PathLike[str],
    kind: str | None,
    terms: Collection[str],
    evidence: str | Collection[str],
    gene_id: str,
    taxon: int | None,
) -> AnnotationFile:
    kind = kind or _recognized_annotations(path)
    if kind == "gaf":
        return read_gaf(path, evidence=evidence, gene_id=gene_id, taxon=taxon)
    if kind == "gene2go":
        return read_gene2go(path, evidence=evidence, taxon=taxon)
    if taxon is not None:
        raise KgnnError(f"{path}: taxon= applies to GAF and gene2go; this file does not state organisms. Leave it out.")
    if kind == "gpad":
        return read_gpad(path, evidence=evidence)
    if kind == "table":
        return read_gene_table(path, terms, evidence=evidence)
    raise unknown_choice("annotation_format", kind, ANNOTATION_FORMATS)


def _recognized(path: str | PathLike[str]) -> str:
    """The format of an ontology by its first lines."""
    lines = [line.strip("\n") for line in islice(read_lines(path), _PROBE_LINES) if line.strip()]
    content = [line for line in lines if not line.startswith("!")]
    first = content[0] if content else ""
    if any(line.startswith(("format-version:", "[Term]")) for line in content):
        return "obo"
    if first.startswith("ROOT:"):
        return "dcell"
    columns = first.split("\t") if "\t" in first else first.split()
    if len(columns) == _DRUGCELL_COLUMNS and columns[-1].strip() in ("default", "gene"):
        return "drugcell"
    if lines and lines[0].startswith(("!gaf-version", "!gpa-version", "!gpad-version", "#tax_id")):
        raise FormatError("holds annotations, not an ontology. Give the ontology first and this as annotations=.", path)
    raise FormatError(
        f"is in none of the formats {', '.join(ONTOLOGY_FORMATS)} (it begins with {lines[0][:60]!r}). "
        "Check the file, or force one with format=.",
        path,
    )


def _recognized_annotations(path: str | PathLike[str]) -> str:
    """The format of annotations by its first lines."""
    lines = [line.strip("\n") for line in islice(read_lines(path), _PROBE_LINES) if line.strip()]
    for start, kind in (("!gaf-version", "gaf"), ("!gpa", "gpad"), ("#tax_id", "gene2go")):
        if any(line.startswith(start) for line in lines):
            return kind
    content = next((line for line in lines if not line.startswith(("!", "#"))), "")
    width = len(content.split("\t")) if "\t" in content else len(content.split(","))
    if width in _FORMAT_OF_COLUMNS:
        return _FORMAT_OF_COLUMNS[width]
    raise FormatError(
        f"is in none of the formats {', '.join(ANNOTATION_FORMATS)} ({width} columns in {content[:60]!r}). "
        "Check the file, or force one with annotation_format=.",
        path,
    )
