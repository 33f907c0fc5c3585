"""A trained network carried over to another release, weight by weight and state by state.

             R: r                         R: r
           /   \\                        /   \\
    A: a1 a2 a3  B: b1 b2        A: a1 a2 a3  B2: b1 b2 c (+)     B goes on as B2, which gained a gene and a child;
          |                          |         |                 C is the same and so is A
    C: c (+)                      C: c (+)     N: a3
"""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pandas
import pytest
from flax import nnx

from kgnn.data import Samples
from kgnn.errors import AlignmentError, KgnnError, RunError
from kgnn.knowledge.ontology import Annotation, Loss, Ontology, Relation, Term
from kgnn.knowledge.provenance import Provenance, Source
from kgnn.layers import StateRule, SubsystemSettings
from kgnn.models import Model, PathwayNetwork, Replicates, VisibleNetwork, build
from kgnn.structure import compile_hierarchy
from kgnn.train import Migration, Run, TrainConfig, load_run, migrate, predict
from tests.perturb import runs
from tests.train.small import GENES, arrays_of, assert_same, small_hierarchy, small_ontology, small_samples

SOURCE = Source("new.obo", "00ff" * 16, "2021", "CC BY 4.0")


def new_release() -> Ontology:
    old = small_ontology()
    terms = {term: entry for term, entry in old.terms.items() if term != "B"}
    terms |= {"B2": Term("B2", "term B, renamed"), "N": Term("N", "new")}
    relations = (Relation("A", "R"), Relation("B2", "R"), Relation("C", "A"), Relation("N", "B2"))
    annotations = tuple(each._replace(term="B2") if each.term == "B" else each for each in old.annotations)
    annotations += (Annotation("c (+)", "B2"), Annotation("a3", "N"))
    losses = (Loss("term", "obsolete", ("B",)),)
    return Ontology(terms, relations, annotations, Provenance((SOURCE,), ("read",)), losses, {"B": "B2"})


def run_of(model: Model, samples: Samples) -> Run:
    """A run of a network with batch statistics, scaling and reference states that are not those of its start."""
    model.gene_scaling.set(np.arange(7) * 0.1, np.arange(7) * 0.2 + 0.5)
    rng = np.random.default_rng(4)
    for path, array in nnx.to_flat_state(nnx.state(model)):
        if path[-1] in ("mean", "variance", "reference"):
            array[...] = jnp.asarray(rng.uniform(0.2, 0.6, array.shape), jnp.float32)
    metrics = {"recipe": None, "task": "regression", "score": "pearson", "best_epoch": 3, "n_parameters": 0,
               "n_samples": {"train": 30, "test": len(samples)}, "model": {"test": {"pearson": 0.5}},
               "baselines": {"mean": {"test": {"pearson": 0.0}}}, "seconds": 1.0}  # fmt: skip
    history = pandas.DataFrame({"epoch": [1], "loss": [1.0], "auxiliary": [0.1], "valid_score": [0.5]})
    return Run(model, samples, TrainConfig(seed=3), history, metrics, {"test": list(samples.names)}, Provenance())


KINDS = {
    "plain": SubsystemSettings(2, initial_scale=2.0),
    "gene layer": SubsystemSettings(2, gene_layer=True, heads="tanh_linear"),
    "no norm": SubsystemSettings(3, norm="none"),
    "norm before": SubsystemSettings(2, norm="before", activation="sigmoid", heads="tanh", heads_read="activation"),
    "dropout": SubsystemSettings(2, dropout=0.2),
    "states by size": SubsystemSettings(StateRule(1, 0.5)),
}


def network(kind: str = "plain", seed: int = 0) -> VisibleNetwork:
    return VisibleNetwork(small_hierarchy(), KINDS[kind], outputs=("growth",), rngs=nnx.Rngs(seed))


@cache
def some_run(kind: str = "plain") -> Run:
    if kind == "replicates":
        return run_of(Replicates([network(seed=seed) for seed in (1, 2, 3)]), small_samples(19))
    return run_of(network(kind), small_samples(19))


@cache
def migrated(kind: str = "plain", given: bool = False) -> Migration:
    return migrate(some_run(kind), new_release(), samples=small_samples(300, seed=7) if given else None)


def weights_by_name(model: Model) -> dict[tuple, np.ndarray]:
    """Every number of the subsystems by the names of what it belongs to, the replicates on the last axis."""
    inner = model.stacked if isinstance(model, Replicates) else model
    subsystems, hierarchy = inner.subsystems, model.hierarchy
    states = np.bincount(np.asarray(subsystems.term_of_state))
    arrays = {
        name: np.moveaxis(array, 0, -1) if isinstance(model, Replicates) else array[..., None]
        for name, array in arrays_of(subsystems).items()
    }
    found: dict[tuple, np.ndarray] = {}
    gene_weight, child_weight, annotation, state = 0, 0, 0, 0
    for term, name in enumerate(hierarchy.terms):
        for gene in hierarchy.genes_of_term[term]:
            for what in ("weight", "bias"):
                if f"['gene_layer']['{what}'].value" in arrays:
                    layer = arrays[f"['gene_layer']['{what}'].value"][annotation]
                    found["gene layer", what, hierarchy.genes[gene], name] = layer
            annotation += 1
            for unit in range(states[term]):
                found["gene", hierarchy.genes[gene], name, unit] = arrays["['gene_weights'].value"][gene_weight]
                gene_weight += 1
        for child in hierarchy.children_of_term[term]:
            for below in range(states[child]):
                for unit in range(states[term]):
                    key = ("child", hierarchy.terms[child], below, name, unit)
                    found[key] = arrays["['child_weights'].value"][child_weight]
                    child_weight += 1
        for unit in range(states[term]):
            for what in (
                "['bias']",
                "['reference']",
                *(f"['norm']['{each}']" for each in NORM),
                "['heads']['weights']",
            ):
                if f"{what}.value" in arrays and state < len(arrays[f"{what}.value"]):
                    found[what, name, unit] = arrays[f"{what}.value"][state]
            state += 1
        for what in ("bias", "second_weight", "second_bias"):
            if f"['heads']['{what}'].value" in arrays and term < len(arrays[f"['heads']['{what}'].value"]):
                found["head", what, name] = arrays[f"['heads']['{what}'].value"][term]
    return found


NORM = ("scale", "bias", "mean", "variance")


@pytest.mark.parametrize("kind", [*KINDS, "replicates"])
def test_every_number_goes_over_by_name_and_the_rest_is_a_fresh_draw(kind: str):
    run = some_run(kind)
    model = migrated(kind).run.model
    fresh = build(run.model.arguments, model.hierarchy, seed=run.seed)
    old, new, drawn = (weights_by_name(each) for each in (run.model, model, fresh))
    called = {"B2": "B"}
    n_fresh = 0
    for key, value in new.items():
        before = tuple(called.get(part, part) for part in key)
        np.testing.assert_array_equal(value, old.get(before, drawn[key]), err_msg=str(key))
        n_fresh += before not in old
    assert 0 < n_fresh < len(new) / 2
    assert any("B2" in key and tuple(called.get(part, part) for part in key) not in old for key in new)


@pytest.mark.parametrize("kind", ["dropout", "states by size", "replicates"])
def test_the_same_release_changes_nothing(kind: str, tmp_path: Path):
    run = some_run(kind)
    found = migrate(run, small_ontology(), out=tmp_path / "again")
    assert found.summary["unchanged"] == 4
    assert found.summary["weights"]["new"] == 0
    assert predict(found.run.model, run.samples).tobytes() == predict(run.model, run.samples).tobytes()
    trained = {name: a for name, a in arrays_of(run.model).items() if "rngs" not in name}
    for name, array in arrays_of(found.run.model).items():
        if name in trained:
            np.testing.assert_array_equal(array, trained[name])
    assert_same(load_run(tmp_path / "again", ontology=small_ontology().prune()).model, found.run.model)


CASES = [*((kind, False) for kind in (*KINDS, "replicates")), ("norm before", True), ("replicates", True)]


@pytest.mark.parametrize(("kind", "given"), CASES)
def test_untouched_subsystems_say_what_they_said(kind: str, given: bool):
    run = some_run(kind)
    found = migrated(kind, given)
    new = found.run
    data = small_samples(23, seed=9)
    old_says, new_says = (runs.call(each.model, runs.inputs_of(data)) for each in (run, new))
    unchanged = found.terms.set_index("term")["unchanged"]
    assert unchanged.to_dict() == {"A": True, "C": True, "B2": False, "N": False, "R": False}
    of_old, of_new = (np.asarray(each.model.term_of_state) for each in (run, new))
    for term in "AC":
        before = old_says.states[:, of_old == run.hierarchy.term_index[term]]
        after = new_says.states[:, of_new == new.hierarchy.term_index[term]]
        np.testing.assert_allclose(after, before, rtol=0, atol=1e-6)
        heads = [run.model.heads.index(term), new.model.heads.index(term)]
        np.testing.assert_allclose(new_says.auxiliary[:, heads[1]], old_says.auxiliary[:, heads[0]], rtol=0, atol=1e-6)
    for term in ("B2", "R"):
        before = old_says.states[:, of_old == run.hierarchy.term_index[term[0]]]
        after = new_says.states[:, of_new == new.hierarchy.term_index[term]]
        assert np.abs(after[:, :1] - before[:, :1]).max() > 1e-4
    rows = found.terms.set_index("term")
    assert rows.loc[["A", "C"], "largest_change"].max() <= 1e-6
    assert rows["largest_change"].to_dict()["R"] > 1e-4


def test_new_edges_at_zero_leave_terms_that_go_on_as_they_were():
    run = some_run()
    drawn, zero = migrated(), migrate(run, new_release(), fresh="zero")
    data = small_samples(23, seed=9)
    before, after = (predict(each.model, data) for each in (run, zero.run))
    np.testing.assert_allclose(after, before, rtol=0, atol=1e-5)
    assert np.abs(predict(drawn.run.model, data) - before).max() > 1e-3
    new = weights_by_name(zero.run.model)
    assert new["gene", "c (+)", "B2", 0] == 0
    assert new["child", "N", 1, "B2", 0] == 0
    assert new["gene", "a3", "N", 0] != 0


def test_the_table_says_how_each_term_was_matched():
    found = migrated()
    rows = found.terms.set_index("term").drop(columns=["state_change", "largest_change"])
    assert rows["how"].to_dict() == {"A": "id", "C": "id", "R": "id", "B2": "replaced_by", "N": "new"}
    assert rows["from_term"].to_dict() == {"A": "A", "C": "C", "R": "R", "B2": "B", "N": ""}
    b2 = rows.loc["B2"]
    # b1 and b2 of b1, b2, c (+) and a3 below.
    assert (b2["jaccard"], b2["n_genes"], b2["n_states"]) == (0.5, 4, 2)
    assert tuple(b2[["annotations_kept", "annotations_new", "children_kept", "children_new"]]) == (2, 1, 0, 1)
    assert found.summary["terms"] == {"id": 3, "replaced_by": 1, "new": 1}
    assert found.summary["genes"] == {"kept": 7, "new": 0, "lost": 0}
    # From genes: 7 annotations stay and 2 are new, of 2 states; from children: 3 relations stay, one is new, of 2 × 2.
    assert found.summary["weights"] == {"carried": 7 * 2 + 3 * 4, "new": 2 * 2 + 4}
    assert "terms        3 id, 1 replaced_by, 1 new; 2 unchanged with all below them" in str(found)


def test_terms_that_are_gone_are_listed_with_the_reason():
    old = small_ontology()
    terms = {term: old.terms[term] for term in "RA"}
    annotations = [("r", "R"), ("b1", "R"), ("a1", "A"), ("a2", "A"), ("a3", "A"), ("c (+)", "A")]
    new = Ontology(terms, (Relation("A", "R"),), tuple(Annotation(*each) for each in annotations),
                   losses=(Loss("term", "fewer than 3 genes", ("B",)),), aliases={"C": "A"})  # fmt: skip
    found = migrate(some_run(), new)
    gone = found.terms[found.terms["how"].isin(["lost", "merged"])].set_index("from_term")
    assert gone["how"].to_dict() == {"B": "lost", "C": "merged"}
    assert gone.loc["B", "reason"] == "fewer than 3 genes"
    assert (gone.loc["C", "term"], gone.loc["C", "reason"]) == ("A", "A")
    assert found.summary["genes"] == {"kept": 6, "new": 0, "lost": 1}
    assert found.run.model.genes == ("r", "a1", "a2", "a3", "b1", "c (+)")
    assert found.run.samples.genes == found.run.model.genes
    assert found.run.alignment["genes without annotation"] == 1
    scaling = dict(zip(found.run.model.genes, np.asarray(found.run.model.gene_scaling.center[...]), strict=True))
    assert scaling["c (+)"] == np.float32(0.6)


def test_statistics_are_those_of_the_samples_where_something_changed_and_nowhere_else():
    run = some_run()
    samples = small_samples(700, seed=5)
    bare, fitted = migrated(), migrate(run, new_release(), samples=samples)
    assert (bare.summary["statistics_measured_on"], fitted.summary["statistics_measured_on"]) == (0, 700)
    before, after = (weights_by_name(each.run.model) for each in (bare, fitted))
    changed = {key[1] for key in after if not np.array_equal(after[key], before[key])}
    assert changed == {"B2", "N", "R"}
    assert {key[0] for key in after if not np.array_equal(after[key], before[key])} == {
        "['norm']['mean']", "['norm']['variance']", "['reference']",
    }  # fmt: skip
    # N has one gene and nothing below: its activation follows from the samples alone.
    column = samples.gene_values()[:, GENES.index("a3")].astype(np.float64)
    scaled = (column - 0.1 * 3) / (0.5 + 0.2 * 3)
    for unit in range(2):
        activation = np.tanh(after["gene", "a3", "N", unit] * scaled + after["['bias']", "N", unit])
        np.testing.assert_allclose(after["['norm']['mean']", "N", unit], activation.mean(), rtol=1e-5)
        np.testing.assert_allclose(after["['norm']['variance']", "N", unit], activation.var(ddof=1), rtol=1e-4)
        # The reference is the mean state, and a normalized state has mean 0.
        np.testing.assert_allclose(after["['reference']", "N", unit], 0.0, atol=1e-5)


def test_replicates_have_statistics_of_their_own():
    found = migrated("replicates", given=True)
    mean = weights_by_name(found.run.model)["['norm']['mean']", "N", 0]
    assert mean.shape == (3,)
    assert len(set(mean.tolist())) == 3


def test_a_network_of_two_branches():
    """Statistics of the drug branch stay; those of the join are measured, since it sees the root."""
    model = runs.response_network()
    samples = runs.screen()
    run = replace(some_run(), model=model, samples=samples)
    old = runs.hierarchy()
    release = Ontology(
        {term: Term(term, term) for term in old.terms},
        tuple(Relation(*pair) for pair in runs.RELATIONS),
        tuple(
            Annotation(gene, term)
            for term, genes in runs.ANNOTATIONS.items()
            for gene in genes
            if (gene, term) != ("a2", "B")
        ),
    )
    for given in (None, samples):
        found = migrate(run, release, samples=given)
        assert found.terms.set_index("term")["unchanged"].to_dict() == {
            "A": True, "C": True, "D": True, "B": False, "R": False,
        }  # fmt: skip
        before, after = arrays_of(model), arrays_of(found.run.model)
        moved = {name for name in before if not np.array_equal(before[name], after[name])}
        assert not any("drug" in name for name in moved)
        assert any("join" in name for name in moved) == (given is not None)
    assert "modalities" not in str(found.summary)


def test_genes_that_the_release_now_annotates_come_in_when_asked():
    run = some_run()
    release = new_release()
    release = replace(release, annotations=(*release.annotations, Annotation("fresh", "N"), Annotation("other", "N")))
    data = small_samples(41)
    rng = np.random.default_rng(1)
    values = np.column_stack([data.gene_values(), rng.normal(5.0, 2.0, size=41), rng.normal(size=41)])
    samples = Samples.from_values(values, (*GENES, "fresh", "not annotated"), meaning="abundance", targets=data.targets)
    assert migrate(run, release, samples=samples).run.model.genes == GENES
    found = migrate(run, release, samples=samples, new_genes=True)
    assert found.run.model.genes == (*GENES, "fresh")
    assert found.summary["genes"] == {"kept": 7, "new": 1, "lost": 0}
    scaling = found.run.model.gene_scaling
    np.testing.assert_allclose(scaling.center[...], [*(np.arange(7) * 0.1), values[:, 7].mean()], rtol=1e-6)
    np.testing.assert_allclose(scaling.scale[...], [*(np.arange(7) * 0.2 + 0.5), values[:, 7].std()], rtol=1e-6)
    assert found.run.samples.names == samples.names
    assert "given" in found.run.metrics["model"]


def test_the_run_that_comes_of_it_is_a_run(tmp_path: Path):
    run = some_run()
    release = new_release()
    found = migrate(run, release, out=tmp_path / "run é")
    loaded = load_run(tmp_path / "run é", ontology=release)
    assert_same(loaded.model, found.run.model)
    assert loaded.metrics["migration"] == json.loads(json.dumps(found.summary))
    assert loaded.metrics["baselines"] == {}
    assert loaded.metrics["model"]["test"] == found.summary["drift"]["scores"]["after"]
    assert SOURCE in loaded.provenance.sources
    assert "carried weights over from hierarchy" in loaded.provenance.transformations[-1]
    table = (tmp_path / "run é" / "migration.tsv").read_text().splitlines()
    assert len(table) == 1 + len(found.terms)
    with pytest.raises(RunError, match="a finished run is here already"):
        migrate(run, release, out=tmp_path / "run é")


def test_without_migrating_another_release_is_refused(tmp_path: Path):
    saved = some_run().save(tmp_path / "run")
    with pytest.raises(
        RunError, match="the run was trained on ontology .* carry it over to this one with kgnn migrate"
    ):
        load_run(saved.folder, ontology=new_release())
    with pytest.raises(RunError, match="the run was trained on hierarchy .* kgnn migrate"):
        load_run(saved.folder, ontology=compile_hierarchy(new_release())[0])


def test_the_drift_of_predictions_is_what_subtraction_gives():
    run, data = some_run(), small_samples(50, seed=2)
    found = migrate(run, new_release(), samples=data)
    before, after = (predict(each.model, data)[:, 0].astype(np.float64) for each in (run, found.run))
    drift = found.summary["drift"]
    assert drift["n_samples"] == 50
    output = drift["outputs"]["growth"]
    assert output["mean_change"] == pytest.approx(np.abs(after - before).mean(), rel=1e-5)
    assert output["largest_change"] == pytest.approx(np.abs(after - before).max(), rel=1e-5)
    assert output["pearson"] == pytest.approx(np.corrcoef(before, after)[0, 1], rel=1e-4)
    target = data.require_targets().values[:, 0]
    assert drift["scores"]["before"]["pearson"] == pytest.approx(np.corrcoef(before, target)[0, 1], rel=1e-4)
    bare = migrate(run, new_release(), samples=replace(data, targets=None))
    assert bare.summary["drift"]["scores"] is None
    assert bare.run.metrics["model"] == {}


def test_the_state_drift_is_what_two_calls_give():
    run, data = some_run("replicates"), small_samples(300, seed=7)
    found = migrated("replicates", given=True)
    old_says, new_says = (runs.call(each.model, runs.inputs_of(data)).states for each in (run, found.run))
    of_old, of_new = (np.asarray(each.model.term_of_state) for each in (run, found.run))
    rows = found.terms.set_index("term")
    for term, before in (("B2", "B"), ("R", "R")):
        a = old_says[:, of_old == run.hierarchy.term_index[before]].astype(np.float64)
        b = new_says[:, of_new == found.run.hierarchy.term_index[term]].astype(np.float64)
        assert rows.loc[term, "largest_change"] == pytest.approx(np.abs(b - a).max(), rel=1e-5)
        # One standard deviation for a term: over samples, of all its states together, in each replicate.
        size = a.reshape(len(a), -1, 3).mean(axis=(0, 2)) ** 2
        variance = (a.reshape(len(a), -1, 3) ** 2).mean(axis=(0, 2)) - size
        change = ((b - a) ** 2).reshape(len(a), -1, 3).mean(axis=(0, 2))
        assert rows.loc[term, "state_change"] == pytest.approx(np.sqrt(change.sum() / variance.sum()), rel=1e-4)
    assert np.isnan(rows.loc["N", "state_change"])


def test_what_is_refused():
    run, release = some_run(), new_release()
    with pytest.raises(KgnnError, match="fresh is 'cold', which is not known. Choose one of: drawn, zero"):
        migrate(run, release, fresh="cold")
    with pytest.raises(KgnnError, match="threshold is 2"):
        migrate(run, release, threshold=2)
    with pytest.raises(AlignmentError, match=r"1 of 7 genes of the run are not in the samples: c \(\+\)"):
        migrate(run, release, samples=small_samples().with_genes(GENES[:-1]))
    with pytest.raises(AlignmentError, match="new_genes is asked for without samples"):
        migrate(run, release, new_genes=True)
    with pytest.raises(AlignmentError, match="1 of 7 genes in the data have no annotation"):
        without = tuple(each for each in release.annotations if each.gene != "r")
        migrate(run, replace(release, annotations=without), unannotated="error")
    strangers = tuple(each._replace(gene=f"ENSG{number}") for number, each in enumerate(release.annotations))
    with pytest.raises(AlignmentError, match="none of the 7 genes of the data is among the 9 annotated ones"):
        migrate(run, replace(release, annotations=strangers))


def test_the_old_run_is_not_changed():
    run = some_run("dropout")
    before = jax.tree.map(np.array, arrays_of(run.model))
    migrate(run, new_release(), samples=small_samples(30))
    after = arrays_of(run.model)
    for name, array in before.items():
        np.testing.assert_array_equal(array, after[name])


PATHWAY = {"features": ("mutation", "deletion"), "gene_norm": True, "readout": "mean", "outputs": ("growth",)}


def pathway_run(ontology: Ontology) -> tuple[Run, dict[str, np.ndarray]]:
    """A network with units of genes and heads of levels, over copies of terms, with samples of two tables."""
    hierarchy, _ = compile_hierarchy(ontology, GENES, skips="copy")
    model = PathwayNetwork(hierarchy, KINDS["plain"], **PATHWAY, rngs=nnx.Rngs(0))
    samples = small_samples(19)
    (table,) = samples.modalities.values()
    (row,) = samples.row_of_sample.values()
    both = {name: replace(table, values=table.values * factor) for name, factor in (("mutation", 1), ("deletion", -1))}
    two = replace(samples, modalities=both, row_of_sample=dict.fromkeys(both, row))
    return run_of(model, two), {name: np.asarray(each.values[row]) for name, each in both.items()}


def test_copies_units_of_genes_and_heads_of_levels_go_over_by_name():
    run, tables = pathway_run(small_ontology())
    old = run.model
    assert old.hierarchy.copy_of is not None
    same = migrate(run, small_ontology()).run.model
    np.testing.assert_array_equal(same(tables).output, old(tables).output)
    new = migrate(run, new_release(), unannotated="drop").run.model
    fresh = build(old.arguments, new.hierarchy, seed=run.seed)
    assert new.hierarchy.n_levels == old.hierarchy.n_levels
    before, now, drawn = (arrays_of(each) for each in (old, new, fresh))
    for number, gene in enumerate(new.genes):
        place = old.genes.index(gene)
        for what in ("weights", "bias"):
            name = f"['gene_features']['{what}'].value"
            np.testing.assert_array_equal(now[name][..., number], before[name][..., place])
    kernel = "['level_heads']['kernel'].value"
    n_old, n_new = len(old.genes), len(new.genes)
    np.testing.assert_array_equal(now[kernel][:, n_new - 1], before[kernel][:, old.genes.index(new.genes[-1])])
    called, kept = {"B2": "B"}, 0
    for state, term in enumerate(new.term_of_state):
        name, unit = new.hierarchy.terms[term], state - new.term_of_state.index(term)
        was = old.hierarchy.term_index.get(called.get(name, name), -1)
        goes_on = was >= 0 and old.hierarchy.level_of_term[was] == new.hierarchy.level_of_term[term]
        column = (
            before[kernel][:, n_old + old.term_of_state.index(was) + unit]
            if goes_on
            else drawn[kernel][:, n_new + state]
        )
        np.testing.assert_array_equal(now[kernel][:, n_new + state], column)
        kept += goes_on
    assert 0 < kept < len(new.term_of_state)


def test_heads_of_levels_have_no_place_where_the_number_of_levels_is_another():
    run, _ = pathway_run(small_ontology())
    flat = replace(small_ontology(), relations=tuple(Relation(term, "R") for term in ("A", "B", "C")))
    with pytest.raises(RunError, match=r"level_heads.*Train again"):
        migrate(run, flat)
