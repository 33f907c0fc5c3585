"""A small extract of a large ontology for a list of genes, as an OBO file and a table of genes and terms.

``python -m kgnn.knowledge.extract`` wrote the files in ``ontologies/``; its README names the command.
"""

from __future__ import annotations

import argparse
from collections.abc import Collection, Sequence
from os import PathLike
from pathlib import Path

from kgnn.errors import FormatError
from kgnn.knowledge.obo_writing import write_obo
from kgnn.knowledge.ontology import Ontology
from kgnn.knowledge.prune import prune
from kgnn.knowledge.read import read_ontology
from kgnn.knowledge.text import read_lines


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
    obo, table = folder / f"{stem}.obo", folder / f"{stem}.tsv"
    write_obo(part, obo, annotations=table)
    return obo, table


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
