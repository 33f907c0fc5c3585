"""What the benchmarks compute on: the published DrugCell hierarchy and drawn or real samples over it."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from kgnn.data import Modality, Samples, Targets, read_drugcell, read_genotype_list, split_random
from kgnn.knowledge import Ontology, read_ontology
from kgnn.structure import Hierarchy, compile_hierarchy

DENSITY = 0.03
"""Share of altered genes a cell line, that of DrugCell's own genotypes."""
FINGERPRINT_BITS = 2_048
FINGERPRINT_DENSITY = 0.05
INDEX_FILES = ("gene2ind.txt", "cell2ind.txt", "drug2ind.txt", "drug2fingerprint.txt.gz", "drugcell_train.txt.gz")


def data_folder(name: str) -> Path:
    """A folder of the real data, below the one that ``KGNN_DATA`` names.

    Raises:
        SystemExit: If it is not there.
    """
    default = Path(__file__).resolve().parents[2].parent / "shared" / "data"
    folder = Path(os.environ.get("KGNN_DATA", default)) / name
    if not folder.is_dir():
        raise SystemExit(f"no folder {name!r} of real data: set KGNN_DATA to a folder that holds it")
    return folder


def dna_repair() -> tuple[Ontology, dict[str, Samples]]:
    """DCell's example: the ontology, and training, validation (a tenth of the given training pairs) and test pairs."""
    folder = data_folder("dcell_yeast")
    ontology = read_ontology(folder / "GO_0006281_topology.txt")
    train, test = (
        read_genotype_list(folder / f"GO_0006281_{part}_data.txt", genes=ontology.genes)
        for part in ("training", "testing")
    )
    split = split_random(train, test_fraction=0.1, seed=0)
    return ontology, {"train": train.take(split.train), "valid": train.take(split.test), "test": test}


@cache
def drugcell_hierarchy() -> Hierarchy:
    """The published hierarchy of DrugCell, over its 3,008 genes in their order."""
    folder = data_folder("drugcell")
    lines = (folder / "gene2ind.txt").read_text(encoding="utf-8").splitlines()
    genes = [line.split("\t")[1].strip() for line in lines if line.strip()]
    return compile_hierarchy(read_ontology(folder / "drugcell_ont.txt.gz"), genes)[0]


def distinct_samples(
    hierarchy: Hierarchy, n: int, seed: int = 0, *, density: float = DENSITY, bits: int = FINGERPRINT_BITS
) -> Samples:
    """As many different genotypes as samples, and as many different fingerprints: nothing can be shared."""
    rng = np.random.default_rng(seed)
    genotypes = draw_bits(rng, n, hierarchy.n_genes, density)
    fingerprints = draw_bits(rng, n, bits, FINGERPRINT_DENSITY)
    names = tuple(f"sample_{number}" for number in range(n))
    rows = np.arange(n, dtype=np.int32)
    names_of_bits = tuple(f"bit_{number}" for number in range(bits))
    return Samples(
        names,
        {
            "genotype": Modality(genotypes, hierarchy.genes, names, "alteration"),
            "fingerprint": Modality(fingerprints, names_of_bits, names, "signal"),
        },
        {"genotype": rows, "fingerprint": rows},
        Targets(rng.random((n, 1)).astype(np.float32), ("response",), "regression"),
    )


def genotype_samples(hierarchy: Hierarchy, n: int, seed: int = 0) -> Samples:
    """Different genotypes with a random target, for a network of genes alone."""
    rng = np.random.default_rng(seed)
    targets = Targets(rng.standard_normal((n, 1)).astype(np.float32), ("phenotype",), "regression")
    values = draw_bits(rng, n, hierarchy.n_genes, DENSITY)
    return Samples.from_values(values, hierarchy.genes, meaning="alteration", targets=targets)


def real_pairs(seed: int = 0) -> Samples:
    """The published (cell line, drug) pairs with their responses and fingerprints; only the genotypes are drawn.

    DrugCell's genotype matrix is not in the data, so one of its shape is drawn and read with the rest.
    """
    folder = data_folder("drugcell")
    n_cells = _count_lines(folder / "cell2ind.txt")
    n_genes = _count_lines(folder / "gene2ind.txt")
    drawn = draw_bits(np.random.default_rng(seed), n_cells, n_genes, DENSITY)
    with TemporaryDirectory() as made:
        for name in INDEX_FILES:
            (Path(made) / name).symlink_to(folder / name)
        np.savetxt(Path(made) / "cell2mutation.txt", drawn, fmt="%d", delimiter=",")
        return read_drugcell(made)


def draw_bits(rng: np.random.Generator, n_rows: int, n_columns: int, density: float) -> np.ndarray:
    """0 or 1 as uint8, all rows different.

    Raises:
        SystemExit: If two rows came out alike; the benchmark would then flatter itself.
    """
    bits = (rng.random((n_rows, n_columns)) < density).astype(np.uint8)
    if len(np.unique(np.packbits(bits, axis=1), axis=0)) < n_rows:
        raise SystemExit(f"{n_rows} rows of {n_columns} bits at density {density} are not all different")
    return bits


def as_float_arrays(samples: Samples) -> dict[str, Any]:
    """Genotype, fingerprint and target of every sample in float32, as a program without shared rows takes them."""
    inputs = samples.inputs()
    if not isinstance(inputs, dict):
        raise SystemExit("samples of a single modality where two are wanted")
    arrays = {name: values.astype(np.float32) for name, values in inputs.items()}
    return {**arrays, "target": samples.require_targets().values}


def structure_sizes(hierarchy: Hierarchy) -> dict[str, int]:
    """How large a hierarchy is."""
    return {
        "terms": hierarchy.n_terms,
        "levels": hierarchy.n_levels,
        "relations": len(hierarchy.relation_child),
        "annotations": len(hierarchy.annotation_gene),
        "genes": hierarchy.n_genes,
    }


def _count_lines(file: Path) -> int:
    return sum(bool(line.strip()) for line in file.read_text(encoding="utf-8").splitlines())
