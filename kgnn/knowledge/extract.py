"""A small extract of a large ontology for a list of genes, as an OBO file and a table of genes and terms.

``python -m kgnn.knowledge.extract`` wrote the files in ``ontologies/``; its README names the command.
"""

from __future__ import annotations

import argparse
from collections.abc import Collection, Iterable, Sequence
from os import PathLike
from pathlib import Path

from kgnn.errors import FormatError
from kgnn.knowledge.ontology import Ontology
from kgnn.knowledge.prune import prune
from kgnn.knowledge.read import read_ontology
from kgnn.knowledge.text import read_lines
from kgnn.knowledge.writing import whole_file


def extract(ontology: Ontology, genes: Collection[str], folder: str | PathLike[str], stem: str) -> tuple[Path, Path]:
    """Write the part of an ontology that holds some genes.

    Terms are those that hold at least one of the genes, themselves or below; that includes all their ancestors. The
    OBO file has id, name, namespace, ``is_a`` and ``part_of`` (or whatever relations the ontology has); the table has
    gene, term and evidence code. Comment lines at the top state sources, release, licence and citation, which
    `read_ontology` reads back.

    Args:
        ontology: The whole ontology with annotations.
        genes: Names of the genes.
        folder: Where to write.
        stem: Name of both files without ending.

    Returns:
        Paths of the OBO file and of the table.

    Raises:
        AlignmentError: If none of the genes is annotated.
    """
    part = prune(ontology, genes=genes)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    obo, table = folder / f"{stem}.obo", folder / f"{stem}.tsv"
    facts = _facts(part)
    _write(obo, [*facts, *_obo_lines(part)])
    release = f"! release: {part.provenance.sources[-1].release}"
    rows = ("\t".join(annotation) for annotation in sorted(part.annotations))
    _write(table, [*facts, release, "gene\tterm\tevidence", *rows])
    return obo, table


def _facts(ontology: Ontology) -> list[str]:
    """Comment lines that state where the knowledge came from."""
    sources = ontology.provenance.sources
    lines = [f"! extracted from: {source.name}, release {source.release}, sha256 {source.sha256}" for source in sources]
    for key in ("licence", "citation"):
        values = dict.fromkeys(getattr(source, key) for source in sources if getattr(source, key))
        lines += [f"! {key}: {'; '.join(values)}"] if values else []
    changes = "; ".join(ontology.provenance.transformations)
    return [*lines, f"! changes: {changes}"]


def _obo_lines(ontology: Ontology) -> Iterable[str]:
    parents: dict[str, list[tuple[str, str]]] = {term: [] for term in ontology.terms}
    for relation in ontology.relations:
        parents[relation.child].append((relation.type, relation.parent))
    yield from ("format-version: 1.2", f"data-version: {ontology.provenance.sources[0].release}")
    for identifier, term in sorted(ontology.terms.items()):
        yield from ("", "[Term]", f"id: {identifier}", f"name: {_escaped(term.name)}")
        if term.namespace:
            yield f"namespace: {term.namespace}"
        for kind, parent in sorted(parents[identifier]):
            yield f"is_a: {parent}" if kind == "is_a" else f"relationship: {kind} {parent}"
    for kind in sorted({relation.type for relation in ontology.relations} - {"is_a"}):
        yield from ("", "[Typedef]", f"id: {kind}", f"name: {kind}")


def _escaped(name: str) -> str:
    return "".join(f"\\{character}" if character in "\\!{}" else character for character in name)


def _write(path: Path, lines: Iterable[str]) -> None:
    with whole_file(path) as unfinished:
        unfinished.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="\n")


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the files named on the command line and write the extract."""
    parser = argparse.ArgumentParser(prog="python -m kgnn.knowledge.extract", description=__doc__)
    parser.add_argument("--obo", required=True, help="the whole ontology")
    parser.add_argument("--annotations", required=True, help="GAF, GPAD, gene2go or table")
    parser.add_argument("--genes", required=True, help="text file with one gene name a line")
    parser.add_argument("--namespace", default="biological_process")
    parser.add_argument("--out", default="ontologies", help="folder to write to")
    parser.add_argument("--stem", required=True, help="name of the files without ending")
    chosen = parser.parse_args(arguments)
    genes = [line.strip() for line in read_lines(chosen.genes) if line.strip()]
    if len(set(genes)) < len(genes):
        raise FormatError("names a gene twice. Name each once.", chosen.genes)
    ontology = read_ontology(chosen.obo, chosen.annotations, namespace=chosen.namespace)
    extract(ontology, genes, chosen.out, chosen.stem)


if __name__ == "__main__":
    main()
