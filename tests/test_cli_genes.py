"""Commands whose ontology and data name genes differently."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from kgnn.data import Samples
from kgnn.errors import AlignmentError
from kgnn.knowledge import Ontology, read_identifiers
from kgnn.structure import Hierarchy, compile_hierarchy
from kgnn.train import load_run
from tests.commands import fail, succeed
from tests.written import small_toy, write_drugcell_text, write_genotypes, write_samples


@pytest.fixture
def folder(tmp_path: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An ontology with symbols, data with versioned Ensembl ids, a table with both but for one gene."""
    monkeypatch.chdir(tmp_path)
    ontology, samples = small_toy(24)
    write_drugcell_text(ontology, Path("ontology.txt"))
    write_samples(in_ensembl(samples), Path("train.csv"))
    rows = [f"{gene}\t{ensembl(gene)}\n" for gene in ontology.genes if gene != "G05"]
    Path("genes.tsv").write_text("symbol\tensembl_gene_id\n" + "".join(rows))
    Path("measured.txt").write_text("".join(f"{ensembl(gene)}.3\n" for gene in ontology.genes))
    mouse = "".join(f"{gene}\tm{gene}\n" for gene in ontology.genes if gene != "G07")
    Path("orthologs.tsv").write_text("human_symbol\tmouse_symbol\n" + mouse)
    return tmp_path


def ensembl(gene: str) -> str:
    return f"ENSG{int(gene[1:]):011d}"


def in_ensembl(samples: Samples) -> Samples:
    return Samples.from_values(
        samples.gene_values(), [f"{ensembl(gene)}.3" for gene in samples.genes], meaning=samples.meaning,
        names=samples.names, targets=samples.targets,
    )  # fmt: skip


def ontology_and_genes() -> tuple[Ontology, list[str]]:
    ontology, _ = small_toy(24)
    return ontology, [f"{ensembl(gene)}.3" for gene in ontology.genes]


COMPILE = ("compile", "--ontology", "ontology.txt", "--genes", "measured.txt", "--out", "h.npz")
TRAIN = ("train", "--ontology", "ontology.txt", "--target", "growth", "--epochs", "1", "--no-baselines", "--out", "run")


def test_the_mismatch_is_explained(folder: Path):
    message = fail(*COMPILE)
    assert "none of the 23 measured genes (ENSG00000000000.3, " in message
    assert "These look like Ensembl gene ids, the genes of the ontology like gene symbols" in message
    assert "--identifiers TABLE --from symbol --to ensembl_gene" in message
    assert "These look like Ensembl gene ids" in fail(*TRAIN, "--train", "train.csv")
    ontology, genes = ontology_and_genes()
    with pytest.raises(AlignmentError, match="none of the 23 genes of the data .* These look like Ensembl gene ids"):
        compile_hierarchy(ontology, genes)
    with pytest.raises(AlignmentError, match=r"23 of 46 genes in the data have no annotation .*pass identifiers="):
        compile_hierarchy(ontology, [*ontology.genes, *genes])


def test_compiled_with_a_table(folder: Path):
    found = succeed(*COMPILE, "--identifiers", "genes.tsv", "--json").json()
    assert found["identifiers"]["lost"] == {"not in genes.tsv": ["G05"]}
    assert found["identifiers"]["mapped"] == 22
    assert found["identifiers"]["annotations_lost"] > 0
    hierarchy = Hierarchy.load("h.npz")
    ontology, genes = ontology_and_genes()
    assert set(hierarchy.genes) == set(genes) - {f"{ensembl('G05')}.3"}
    text = succeed(*COMPILE, "--identifiers", "genes.tsv", "--from", "symbol", "--to", "ensembl_gene").out
    assert text.startswith(
        "identifiers  22 of 23 gene symbols to Ensembl gene ids; 23 with a version or prefix taken off"
    )
    # The same from Python.
    table = read_identifiers("genes.tsv")
    compiled, alignment = compile_hierarchy(ontology, genes, unannotated="drop", identifiers=table)
    assert compiled.genes == hierarchy.genes
    assert alignment.identifiers is not None
    assert alignment.identifiers.to_json() == found["identifiers"]
    assert "22 of 23 gene symbols" in str(alignment)
    assert any(loss.reason == "not in genes.tsv" and loss.names == ("G05",) for loss in alignment.losses)


def test_without_data_to_another_namespace(folder: Path):
    words = ("compile", "--ontology", "ontology.txt", "--out", "h.npz", "--identifiers", "genes.tsv")
    succeed(*words, "--to", "ensembl_gene")
    assert ensembl("G03") in Hierarchy.load("h.npz").genes
    assert "--identifiers is given without --to" in fail(*words)
    assert "--to, --from is given without --identifiers" in swapped(
        fail("compile", "--ontology", "ontology.txt", "--out", "h.npz", "--to", "entrez", "--from", "symbol")
    )
    assert "genes.tsv has no Entrez (NCBI) gene numbers; it has symbol, ensembl_gene" in fail(*words, "--to", "entrez")


def swapped(message: str) -> str:
    return message.replace("--from, --to", "--to, --from")


def test_trained_with_a_table(folder: Path):
    words = (*TRAIN, "--train", "train.csv", "--identifiers", "genes.tsv", "--unannotated", "drop")
    found = succeed(*words, "--json").json()
    assert found["identifiers"]["mapped"] == 22
    run = load_run("run")
    assert f"{ensembl('G03')}.3" in run.model.genes
    assert any("mapped 22 of 23 gene symbols" in step for step in run.provenance.transformations)
    # What was trained on such data predicts and is perturbed in their names.
    succeed("predict", "run", "--samples", "train.csv", "--out", "p.tsv")
    succeed("knockdown", "run", "--genes", f"{ensembl('G03')}.3", "--out", "k.tsv")
    assert json.loads(Path("run/metrics.json").read_text())["model"]


def test_genotype_lists_have_a_column_for_every_gene_of_the_ontology(folder: Path):
    _, samples = small_toy(24)
    few = samples.with_gene_values(np.where(np.arange(23) < 4, samples.gene_values(), 0))
    listed = Samples.from_values(
        few.gene_values(), [ensembl(gene) for gene in samples.genes], meaning="alteration", targets=samples.targets
    )
    write_genotypes(listed, Path("train.txt"))
    words = ("train", "--ontology", "ontology.txt", "--epochs", "1", "--no-baselines", "--out", "run")
    succeed(*words, "--train", "train.txt", "--identifiers", "genes.tsv", "--unannotated", "drop")
    assert len(load_run("run").model.genes) == 22


def test_orthologs_on_the_command_line(folder: Path):
    Path("mouse.txt").write_text("".join(f"mG{number:02d}\n" for number in range(23)))
    words = ("compile", "--ontology", "ontology.txt", "--genes", "mouse.txt", "--out", "h.npz")
    found = succeed(*words, "--orthologs", "orthologs.tsv", "--to-species", "mouse", "--json").json()
    assert (found["orthologs"]["carried"], found["orthologs"]["lost"]) == (
        22,
        {"no ortholog in orthologs.tsv": ["G07"]},
    )
    assert "--orthologs is given without --to-species" in fail(*words, "--orthologs", "orthologs.tsv")
    assert "species is 'rat'" in fail(*words, "--orthologs", "orthologs.tsv", "--to-species", "rat")


def test_what_is_no_table(folder: Path):
    assert "'ncbi:human' is not of the form ncbi:9606" in fail(*COMPILE, "--identifiers", "ncbi:human")
    assert "nothing.tsv: there is no such file" in fail(*COMPILE, "--identifiers", "nothing.tsv")
    assert "policy is 'any'" in fail(*COMPILE, "--identifiers", "genes.tsv", "--policy", "any")
    assert "from" not in fail(*COMPILE, "--identifiers", "genes.tsv", "--identifier-columns", "gene=symbol")
    text = Path("genes.tsv").read_text().replace("symbol\tensembl_gene_id", "ensembl_gene_id\tsymbol")
    Path("genes.tsv").write_text(text)
    assert "Are columns swapped?" in fail(*COMPILE, "--identifiers", "genes.tsv")
