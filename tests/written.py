"""Files as people bring them, written from a toy: hierarchies in three formats, samples in four, a DrugCell folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from kgnn.data import Samples, toy
from kgnn.knowledge import Ontology

N_GENES = 23


def small_toy(n_samples: int = 60, task: str = "regression") -> tuple[Ontology, Samples]:
    example = toy(n_samples=n_samples, n_genes=N_GENES, task=task)
    return example.ontology, example.samples


def write_drugcell_text(ontology: Ontology, path: Path) -> Path:
    """DrugCell's three columns: parent, child, `default`; term, gene, `gene`."""
    lines = [f"{relation.parent}\t{relation.child}\tdefault" for relation in ontology.relations]
    lines += [f"{annotation.term}\t{annotation.gene}\tgene" for annotation in ontology.annotations]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def write_obo(ontology: Ontology, path: Path, *, end: str = "\n") -> Path:
    lines = ["format-version: 1.2", "data-version: releases/2026-01-01", ""]
    for term in ontology.terms.values():
        lines += ["[Term]", f"id: {term.id}", f"name: {term.name}", "namespace: biological_process"]
        for relation in ontology.relations:
            if relation.child == term.id:
                is_a = relation.type == "is_a"
                lines.append(f"is_a: {relation.parent}" if is_a else f"relationship: part_of {relation.parent}")
        lines.append("")
    lines += ["[Typedef]", "id: part_of", "name: part of", ""]
    path.write_bytes(end.join(lines).encode())
    return path


def write_gene_table(ontology: Ontology, path: Path) -> Path:
    path.write_text("".join(f"{each.gene}\t{each.term}\n" for each in ontology.annotations), encoding="utf-8")
    return path


def write_gaf(ontology: Ontology, path: Path) -> Path:
    """GAF 2.2 with its 17 columns."""
    lines = ["!gaf-version: 2.2"]
    for number, each in enumerate(ontology.annotations):
        fields = ["SGD", f"S{number:09d}", each.gene, "involved_in", each.term, "PMID:1", "IMP", "", "P"]
        lines.append("\t".join([*fields, "", "", "protein", "taxon:559292", "20260101", "SGD", "", ""]))
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def target_cells(samples: Samples) -> list[str]:
    targets = samples.require_targets()
    if targets.kind == "classes":
        return [targets.names[code] for code in targets.values]
    return [f"{value:.6f}" for value in targets.values[:, 0]]


def write_samples(samples: Samples, path: Path, target: str = "growth") -> Path:
    """A table by the ending of the path: `.csv`, `.tsv` or `.h5ad`."""
    cells = target_cells(samples)
    if path.suffix == ".h5ad":
        return _write_h5ad(samples, path, target)
    separator = "," if path.suffix == ".csv" else "\t"
    rows = [["sample", *samples.genes, target]]
    for name, values, cell in zip(samples.names, samples.gene_values(), cells, strict=True):
        rows.append([name, *(str(int(value)) for value in values), cell])
    path.write_text("".join(separator.join(row) + "\n" for row in rows), encoding="utf-8")
    return path


def _write_h5ad(samples: Samples, path: Path, target: str) -> Path:
    import anndata
    import pandas

    targets = samples.require_targets()
    column = target_cells(samples) if targets.kind == "classes" else targets.values[:, 0]
    obs = pandas.DataFrame({target: column}, index=pandas.Index(list(samples.names)))
    var = pandas.DataFrame(index=pandas.Index(list(samples.genes)))
    anndata.AnnData(samples.gene_values().astype(np.float32), obs, var).write_h5ad(path)
    return path


def write_genotypes(samples: Samples, path: Path) -> Path:
    """DCell's list: how many genes are deleted, which, and the value."""
    genes = np.array(samples.genes, dtype=object)
    lines = []
    for values, cell in zip(samples.gene_values(), target_cells(samples), strict=True):
        deleted = genes[values > 0]
        lines.append(" ".join([str(len(deleted)), *deleted, cell]))
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def write_drugcell_folder(
    genes: tuple[str, ...], folder: Path, *, n_cells: int = 11, n_drugs: int = 7, n_bits: int = 13
) -> Path:
    """DrugCell's folder: 11 cell lines, 7 drugs of 13 bits by default, all pairs shuffled into 45, 12 and 20."""
    rng = np.random.default_rng(0)
    folder.mkdir()
    cells, drugs = [f"CELL{i}_LUNG" for i in range(n_cells)], [f"C1=CC=C{i}" for i in range(n_drugs)]
    mutations, bits = rng.integers(0, 2, (n_cells, len(genes))), rng.integers(0, 2, (n_drugs, n_bits))
    for name, values in (("gene2ind", genes), ("cell2ind", cells), ("drug2ind", drugs)):
        text = "".join(f"{index}\t{value}\n" for index, value in enumerate(values))
        (folder / f"{name}.txt").write_text(text, encoding="utf-8")
    for name, table in (("cell2mut.txt", mutations), ("drug2fingerprint.txt", bits)):
        (folder / name).write_text("".join(",".join(map(str, row)) + "\n" for row in table), encoding="utf-8")
    pairs = rng.permutation([(cell, drug) for cell in range(n_cells) for drug in range(n_drugs)])
    for part, first, last in (("train", 0, 45), ("val", 45, 57), ("test", 57, 77)):
        lines = [
            f"{cells[cell]}\t{drugs[drug]}\t{mutations[cell, 0] - 0.5 * bits[drug, 0]}\n"
            for cell, drug in pairs[first:last]
        ]
        (folder / f"drugcell_{part}.txt").write_text("".join(lines), encoding="utf-8")
    return folder
