"""Provenance from file to report, and the commands on releases: diff, migrate, and what info says to cite."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import networkx
import numpy as np
import pandas
import pytest
from flax import nnx

import kgnn
from kgnn.data import Samples, Targets
from kgnn.knowledge import Provenance, Source, read_gene_list, read_ontology
from kgnn.knowledge.ontology import Ontology, Term
from kgnn.layers import SubsystemSettings
from kgnn.models import VisibleNetwork
from kgnn.structure import Hierarchy, compile_hierarchy
from kgnn.train import TrainConfig, load_run, predict
from kgnn.zoo import cite_run
from tests.commands import fail, succeed
from tests.conftest import Trained
from tests.knowledge.test_diff import gene_ontology_of_2019
from tests.perturb import runs
from tests.written import small_toy, write_drugcell_text, write_gene_table, write_obo, write_samples


def renamed(ontology: Ontology, old: str, new: str) -> Ontology:
    """The ontology with a term under another id."""

    def now(term: str) -> str:
        return new if term == old else term

    return Ontology(
        {now(term): Term(now(term), entry.name, entry.namespace) for term, entry in ontology.terms.items()},
        tuple(each._replace(child=now(each.child), parent=now(each.parent)) for each in ontology.relations),
        tuple(each._replace(term=now(each.term)) for each in ontology.annotations),
    )


def leaf(ontology: Ontology) -> str:
    return next(term for term in ontology.order if ontology.direct_genes[term])


@pytest.fixture
def newer(trained: Trained, tmp_path: Path) -> Path:
    """The ontology of the trained run with one leaf under another id."""
    return write_drugcell_text(renamed(trained.ontology, leaf(trained.ontology), "NEW:1"), tmp_path / "newer (2).txt")


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


# --- provenance


def test_every_source_and_step_goes_from_file_to_report(tmp_path: Path):
    ontology, samples = small_toy(60)
    obo, table = tmp_path / "toy.obo", tmp_path / "genes.tsv"
    write_obo(ontology, obo)
    obo.write_text("! licence: CC0 1.0\n! citation: Toy et al. 2026, Journal 1:1, doi:10.1/toy\n" + obo.read_text())
    write_gene_table(ontology, table)
    parts = {}
    for name, rows in (("train", range(40)), ("valid", range(40, 50)), ("test", range(50, 60))):
        path = write_samples(samples.take(rows), tmp_path / f"{name}.csv")
        parts[name] = kgnn.read_samples(path, target="growth", meaning="alteration")
    read = read_ontology(obo, table, root=ontology.roots[0])
    pruned = read.prune(genes=parts["train"].genes, min_genes=2)
    hierarchy, _ = compile_hierarchy(pruned, parts["train"].genes, unannotated="drop")
    model = VisibleNetwork(hierarchy, SubsystemSettings(2), outputs=("growth",), rngs=nnx.Rngs(0))
    run = kgnn.fit(
        model, parts["train"], TrainConfig(epochs=1), valid=parts["valid"], test=parts["test"], recipe="dcell",
        baselines=(), out=tmp_path / "run",
    )  # fmt: skip
    files = [obo, table, *(tmp_path / f"{name}.csv" for name in parts)]
    expected = [(path.name, sha256(path)) for path in files]
    loaded = load_run(tmp_path / "run")
    for found in (run.provenance, loaded.provenance):
        assert [(source.name, source.sha256) for source in found.sources] == expected
    first = loaded.provenance.sources[0]
    assert (first.release, first.licence) == ("releases/2026-01-01", "CC0 1.0")
    words = ["read is_a and part_of of toy.obo", "annotated from genes.tsv", "left out terms not below", "pruned with",
             "kept the annotations of", "compiled to"]  # fmt: skip
    steps = loaded.provenance.transformations
    positions = [next(place for place, step in enumerate(steps) if step.startswith(word)) for word in words]
    assert positions == sorted(positions)
    assert loaded.hierarchy.provenance.transformations == steps[: positions[-1] + 1]
    page = kgnn.report(loaded, tmp_path / "report.html", compute=False).read_text(encoding="utf-8")
    for name, digest in expected:
        assert name in page
        assert digest in page
    assert all(step.replace("'", "&#x27;") in page or step in page for step in steps)
    assert "CC0 1.0" in page and "10.1/toy" in page and "releases/2026-01-01" in page
    cited = cite_run(loaded)
    assert [(each.kind, each.name) for each in cited[-2:]] == [("software", "kgnn"), ("method", "dcell")]
    assert cited[-1].dois == ("10.1038/nmeth.4627",)


def test_joining_keeps_steps_that_were_done_twice():
    twice = Provenance((), ("read", "kept 3", "kept 3"))
    assert twice.join(Provenance((), ("kept 3", "scaled"))).transformations == ("read", "kept 3", "kept 3", "scaled")
    assert Provenance((Source("a", "1"),)).join(Provenance((Source("a", "1"),))).sources == (Source("a", "1"),)


def test_the_list_of_measured_genes_is_a_source_of_the_hierarchy(trained: Trained, tmp_path: Path):
    genes = tmp_path / "measured.txt"
    genes.write_text("\n".join(trained.ontology.genes[:12]) + "\n")
    out = tmp_path / "h.npz"
    succeed("compile", "--ontology", trained.folder / "ontology.txt", "--genes", genes, "--out", out)
    found = Hierarchy.load(out).provenance
    assert [source.name for source in found.sources] == ["ontology.txt", "measured.txt"]
    assert found.sources[1].sha256 == sha256(genes) == read_gene_list(genes).source.sha256
    assert "measured genes from measured.txt" in found.transformations
    assert "[2] measured.txt" in succeed("info", out).out


# --- diff


def test_diff_prints_counts_and_writes_tables(trained: Trained, newer: Path, tmp_path: Path):
    older = trained.folder / "ontology.txt"
    words = ("diff", older, newer, "--run", trained.run, "--measure", "knockdown")
    found = succeed(
        *words, "--out", tmp_path / "changes.tsv", "--subsystems", tmp_path / "touched.csv", "--json"
    ).json()
    assert found["changes"]["term"]["added"] == found["changes"]["term"]["removed"] == 1
    changes = pandas.read_csv(tmp_path / "changes.tsv", sep="\t")
    assert len(changes) == sum(sum(each.values()) for each in found["changes"].values())
    touched = pandas.read_csv(tmp_path / "touched.csv")
    assert len(touched) == found["run"]["subsystems"] == len(load_run(trained.run).hierarchy.terms)
    assert touched.set_index("term").loc[leaf(trained.ontology), "change"] == "removed"
    assert 0 < found["run"]["importance_of_touched"] <= 1
    text = succeed(*words).out
    assert "terms " in text and "of the run" in text and "%" in text


def test_a_release_has_no_difference_from_itself(trained: Trained):
    older = trained.folder / "ontology.txt"
    found = succeed("diff", older, older, "--json").json()
    assert found["changes"] == {"term": {}, "relation": {}, "annotation": {}}


def test_diff_refuses_what_makes_no_sense(trained: Trained, newer: Path, tmp_path: Path):
    older = trained.folder / "ontology.txt"
    assert "--subsystems is given without --run" in fail("diff", older, newer, "--subsystems", tmp_path / "t.tsv")
    assert "there is no such file" in fail("diff", older, tmp_path / "none.obo")
    assert "there is no such run folder" in fail("diff", older, newer, "--run", tmp_path / "none")
    assert "xlsx" in fail("diff", older, newer, "--out", tmp_path / "t.xlsx")
    assert list(tmp_path.glob("t.*")) == []


def test_diff_of_two_files_of_motifs(trained: Trained, tmp_path: Path):
    for name, row in (("old", "9 0 1"), ("new", "1 0 9")):
        (tmp_path / f"{name}.jaspar").write_text(f">MA1.1 x\nA [ {row} ]\nC [ 1 1 1 ]\nG [ 1 1 1 ]\nT [ 1 9 1 ]\n")
    words = ("diff", tmp_path / "old.jaspar", tmp_path / "new.jaspar")
    assert succeed(*words, "--json").json()["changes"] == {"motif": {"matrix changed": 1}}
    assert "--run is given" in fail(*words, "--run", trained.run)


# --- migrate


def test_migrate_writes_a_run_that_loads_with_the_new_release(trained: Trained, newer: Path, tmp_path: Path):
    out = tmp_path / "run2"
    test = trained.folder / "test.tsv"
    words = ("migrate", trained.run, "--ontology", newer, "--samples", test, "--read", "target=growth", "--out", out)
    found = succeed(*words, "--json").json()
    old, new = load_run(trained.run), load_run(out)
    assert found["terms"]["jaccard"] == 1
    assert found["terms"]["id"] == len(old.hierarchy.terms) - 1
    assert found["unchanged"] == len(new.hierarchy.terms)
    samples = kgnn.read_samples(test, target="growth", meaning="alteration")
    # Not bit for bit: a leaf of another id has another place in its level.
    np.testing.assert_allclose(predict(new.model, samples), predict(old.model, samples), rtol=0, atol=1e-6)
    ontology = read_ontology(newer)
    measured = ontology.prune(genes=new.model.genes)
    assert load_run(out, ontology=measured).hierarchy == new.hierarchy
    with pytest.raises(kgnn.KgnnError, match="kgnn migrate"):
        load_run(trained.run, ontology=measured)
    assert found["drift"]["scores"]["before"].keys() == found["drift"]["scores"]["after"].keys()
    assert "statistics measured on them" in succeed(*words[:-1], tmp_path / "run3").out
    assert "migration.tsv" in {path.name for path in out.iterdir()}
    assert json.loads(succeed("info", out, "--json").out)["ontology_fingerprint"] == measured.fingerprint
    kgnn.report(new, tmp_path / "report.html", compute=False)


def test_a_run_goes_through_every_command_after_migrating(trained: Trained, newer: Path, tmp_path: Path):
    out = tmp_path / "run2"
    succeed("migrate", trained.run, "--ontology", newer, "--out", out)
    succeed("predict", out, "--samples", trained.folder / "test.tsv", "--out", tmp_path / "p.tsv")
    succeed("knockdown", out, "--genes", "G03", "--out", tmp_path / "k.tsv")
    new = load_run(out)
    more = kgnn.fit(new.model, trained.samples, TrainConfig(epochs=1, batch_size=32), baselines=())
    assert more.hierarchy == new.hierarchy
    assert "carried weights over" in new.provenance.transformations[-1]


def test_migrate_refuses_and_leaves_nothing_behind(trained: Trained, newer: Path, tmp_path: Path):
    out = tmp_path / "run2"
    assert "a finished run is here already" in fail("migrate", trained.run, "--ontology", newer, "--out", trained.run)
    assert "threshold is 3" in fail("migrate", trained.run, "--ontology", newer, "--threshold", "3", "--out", out)
    assert "new_genes is asked for without samples" in fail(
        "migrate", trained.run, "--ontology", newer, "--new-genes", "--out", out
    )
    lacking = write_samples(trained.samples.with_genes(trained.samples.genes[1:]), tmp_path / "few.csv")
    message = fail("migrate", trained.run, "--ontology", newer, "--samples", lacking, "--out", out)
    assert "1 of 23 genes of the model are not in the samples" in message
    assert not out.exists()


# --- info


def test_info_says_what_to_cite(trained: Trained):
    text = succeed("info", trained.run).out
    assert "to cite\n[1] ontology.txt (release not stated; licence not stated; sha256 " in text
    assert "doi:10.1038/nmeth.4627" in text
    listed = succeed("info", trained.run, "--json").json()["citations"]
    assert [each["kind"] for each in listed] == ["source", "source", "source", "software", "method"]
    assert listed[-1]["dois"] == ["10.1038/nmeth.4627"]
    entries = succeed("info", trained.run, "--bibtex").out
    assert entries.startswith("@misc{ontology_txt_")
    assert "@article{dcell2018," in entries


# --- real releases


@pytest.mark.slow
def test_dcells_branch_of_2018_to_the_gene_ontology_of_2021(shared_data: Path, tmp_path: Path):
    """DNA repair as DCell published it, trained on some of its pairs, goes on with GO 2021-12 and yeast's genes."""
    folder = shared_data / "dcell_yeast"
    older = read_ontology(folder / "GO_0006281_topology.txt")
    pairs = kgnn.read_samples(folder / "GO_0006281_training_data.txt", genes=older.genes).take(range(0, 8_000, 16))
    hierarchy, _ = compile_hierarchy(older, pairs.genes)
    model = kgnn.zoo.dcell(hierarchy, rngs=nnx.Rngs(0), n_states=3, dropout=0.0)
    run = kgnn.fit(model, pairs, TrainConfig(epochs=2, batch_size=128, learning_rate=0.01), baselines=())
    run.save(tmp_path / "run")
    obo = shared_data / "gene_ontology" / "go-basic_2021-12-15.obo.gz"
    full = read_ontology(obo, shared_data / "gene_ontology" / "yeast_orf2go_2016.tsv.gz", root="GO:0006281")
    newer = full.prune(genes=run.model.genes, min_genes=5)
    with pytest.raises(kgnn.KgnnError, match="carry it over to this one with kgnn migrate"):
        load_run(tmp_path / "run", ontology=newer)
    found = kgnn.migrate(run, newer, samples=pairs, out=tmp_path / "run2")
    rows = found.terms.set_index("term")
    by_id = set(older.terms) & set(newer.terms)
    assert set(rows.index[rows["how"] == "id"]) == by_id
    assert found.summary["terms"] == {"id": 18, "new": 5, "lost": 3}
    lost = found.terms[found.terms["how"] == "lost"].set_index("from_term")["reason"]
    assert lost.to_dict() == {
        "GO:0000726": "obsolete", "GO:0006282": "not below GO:0006281", "GO:2000779": "not below GO:0006281",
    }  # fmt: skip
    assert found.summary["genes"] == {"kept": 157, "new": 0, "lost": 5}
    unchanged = found.terms[found.terms["unchanged"]]
    assert (unchanged["largest_change"] <= 1e-6).all()
    same = {t for t in by_id if older.gene_sets[t] == newer.gene_sets[t] and not older.children[t] + newer.children[t]}
    assert "GO:0000710" in same <= set(unchanged["term"])
    loaded = load_run(tmp_path / "run2", ontology=newer)
    assert predict(loaded.model, pairs).tobytes() == predict(found.run.model, pairs).tobytes()
    assert loaded.provenance.sources[0].name == "GO_0006281_topology.txt"
    assert "go-basic_2021-12-15.obo.gz" in {source.name for source in loaded.provenance.sources}


@pytest.mark.slow
def test_a_run_on_the_gene_ontology_of_2019_goes_on_with_that_of_2021(shared_data: Path, tmp_path: Path):
    """DNA repair with human genes: what is touched, and what subsystems say before and after."""
    folder = shared_data / "gene_ontology"
    paths = gene_ontology_of_2019(), folder / "go-basic_2021-12-15.obo.gz"
    gaf = folder / "goa_human_2019-01-14.gaf.gz"
    old, new = (read_ontology(path, gaf, root="GO:0006281") for path in paths)
    pruned = old.prune(min_genes=5)
    values = (np.random.default_rng(0).random((200, len(pruned.genes))) < 0.1).astype(np.uint8)
    targets = Targets(values[:, :40].sum(axis=1, keepdims=True).astype(np.float32), ("growth",), "regression")
    samples = Samples.from_values(values, pruned.genes, meaning="alteration", targets=targets)
    hierarchy, _ = compile_hierarchy(pruned)
    model = VisibleNetwork(hierarchy, SubsystemSettings(2), outputs=("growth",), rngs=nnx.Rngs(0))
    run = kgnn.fit(model, samples, TrainConfig(epochs=2, batch_size=64), baselines=(), out=tmp_path / "run")
    newer = new.prune(genes=run.model.genes, min_genes=5)
    found = kgnn.migrate(run, newer, samples=samples, out=tmp_path / "run2")
    how = found.terms.set_index("from_term")["how"].drop("", errors="ignore").to_dict()
    successors = {change.key[0]: change.now for change in kgnn.diff(old, new).of("term", "merged")}
    for term in hierarchy.terms:
        now = term if term in newer.terms else successors.get(term)
        taken = term != now and now in hierarchy.terms
        expected = ("id",) if term in newer.terms else ("merged",) if taken else ("alt_id", "replaced_by")
        assert how[term] in (expected if now in newer.terms else ("jaccard", "lost")), term
    same = set(found.terms.loc[found.terms["unchanged"], "term"])
    graphs = [each.to_networkx() for each in (pruned, newer)]
    for term in same & set(pruned.terms):
        below = [networkx.ancestors(graph, term) | {term} for graph in graphs]
        assert len(below[0]) == len(below[1])
        assert pruned.gene_sets[term] == newer.gene_sets[term]
    assert 10 < len(same) < len(newer.terms)
    says = [runs.call(each.model, runs.inputs_of(samples.with_genes(each.model.genes))) for each in (run, found.run)]
    for term in same & set(pruned.terms):
        before, after = (
            call.states[:, np.asarray(each.model.term_of_state) == each.hierarchy.term_index[term]]
            for call, each in zip(says, (run, found.run), strict=True)
        )
        np.testing.assert_allclose(after, before, rtol=0, atol=1e-6)
    touched = kgnn.interpret.touched_subsystems(run, old, new, measure="knockdown").set_index("term")
    assert not touched.loc[sorted(same & set(pruned.terms)), "change"].str.contains("obsolete|removed").any()
    assert touched["touched"].sum() > 0
