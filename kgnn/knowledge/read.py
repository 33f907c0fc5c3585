"""`read_ontology`: one door for every file that holds a hierarchy of terms with genes, recognized by its content."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from os import PathLike
from typing import Any

from kgnn.errors import FormatError, StructureError
from kgnn.knowledge.annotations import AnnotationFile, describe
from kgnn.knowledge.formats import ANNOTATIONS, HIERARCHIES, read_annotations, read_hierarchy
from kgnn.knowledge.ontology import Annotation, Loss, Ontology
from kgnn.knowledge.provenance import Provenance
from kgnn.knowledge.restrict import keep_below, keep_namespace

ONTOLOGY_FORMATS = tuple(HIERARCHIES)
"""Formats of a hierarchy by name."""
ANNOTATION_FORMATS = tuple(ANNOTATIONS)
"""Formats of annotations by name."""


def read_ontology(
    path: str | PathLike[str],
    annotations: str | PathLike[str] | None = None,
    *,
    format: str | None = None,
    annotation_format: str | None = None,
    relations: str | Collection[str] | None = None,
    root: str | None = None,
    namespace: str | None = None,
    evidence: str | Collection[str] = "all",
    gene_id: str = "symbol",
    taxon: int | None = None,
    names: str | PathLike[str] | None = None,
    species: str | None = None,
) -> Ontology:
    r"""A hierarchy of terms with the genes annotated to them.

    Formats are recognized by content. An ontology in OBO, Reactome's relations, KEGG's classes of pathways and MeSH
    take their genes from a second file; the other formats hold them already. Nothing is lost silently:
    `Ontology.losses` names what was left out, and why.

    Args:
        path: A hierarchy in one of `ONTOLOGY_FORMATS`; plain or gzip.
        annotations: Genes of its terms in one of `ANNOTATION_FORMATS`; for a hierarchy that does not hold them.
        format: One of `ONTOLOGY_FORMATS` to force the format: ``"obo"``, ``"reactome"``, ``"kegg"`` (BRITE text),
            ``"kgml"``, ``"mesh"``, ``"gmt"``, ``"drugcell"``, ``"dcell"`` or ``"cx2"``.
        annotation_format: One of `ANNOTATION_FORMATS` to force the format: ``"gaf"``, ``"gpad"``, ``"gene2go"``,
            ``"reactome"``, ``"gmt"``, ``"hpo"``, ``"sgd_slim"`` or ``"table"``.
        relations: Types of relations to keep (OBO). Where None, those that the file was written with, else ``is_a`` and
            ``part_of``.
        root: Keep this term and everything below it, of whatever namespace. Several roots may be kept here;
            `prune` can join them and `compile_hierarchy` asks for one.
        namespace: Keep the terms of this namespace (OBO); ``BP``, ``MF``, ``CC`` for those of the Gene Ontology.
        evidence: Name of a preset of `EVIDENCE_PRESETS`, or the evidence codes to keep.
        gene_id: What names a gene in a GAF, KEGG's, HPO's or SGD's file: ``"symbol"``, ``"id"`` or ``"synonym"``. GPAD
            and gene2go hold ids only.
        taxon: NCBI number of the organism to keep (GAF, gene2go).
        names: Names of the pathways (Reactome's ``ReactomePathways.txt``).
        species: Letters of the organism to keep (Reactome: ``"HSA"``), or to put before the numbers of KEGG's pathways
            (``"hsa"``).

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
    choices: dict[str, Any] = {
        "annotations": annotations, "namespace": namespace, "taxon": taxon, "names": names, "species": species,
        "evidence": None if evidence == "all" else evidence, "relations": relations,
    }  # fmt: skip
    ontology, aliases = read_hierarchy(path, format, choices, gene_id)
    if annotations is not None:
        known = {*ontology.terms, *aliases}
        read = read_annotations(annotations, annotation_format, known, choices | {"gene_id": gene_id})
        ontology = annotate(ontology, aliases, read)
    if namespace is not None:
        ontology = keep_namespace(ontology, namespace)
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
