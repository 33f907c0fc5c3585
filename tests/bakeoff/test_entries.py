"""Who takes part: what cannot be built from these samples and this knowledge is known before anything is fitted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

import kgnn
from kgnn.bakeoff.contestants import built
from kgnn.bakeoff.entries import check_entries, enter
from kgnn.data import Modality, Samples, toy_contacts
from kgnn.errors import KgnnError
from tests.zoo.toys import N_SAMPLES, TOY, expression, targets_of, toy_motifs, toy_network, toy_regulation

SHORT = {"epochs": 1, "replicates": 1}
ALONE = {"controls": (), "learners": (), "n_folds": 2, "settings": SHORT}


def with_unknown_gene(samples: Samples) -> Samples:
    """The same samples with a further gene, which no knowledge knows."""
    values = np.asarray(samples.gene_values())
    return Samples.from_values(
        np.concatenate([values, values[::-1, :1]], axis=1), [*samples.genes, "LOC1"], meaning=samples.meaning,
        targets=samples.targets,
    )  # fmt: skip


def entries(samples: Samples, knowledge: Mapping[str, Any], recipes: Any = None, settings: Any = None) -> Any:
    entered, unfit = enter(samples, knowledge, recipes, (), ("mean",), settings or {}, {})
    kept, failed = check_entries(entered, samples, named=recipes is not None)
    return {each.name: each for each in kept}, unfit | failed


def test_all_recipes_for_an_ontology_leave_out_genes_that_it_does_not_know():
    samples = with_unknown_gene(expression())
    found, left_out = entries(samples, {"ontology": TOY.ontology})
    assert {"dcell", "pathway_clock", "binn", "pnet", "pathway_transformer", "mean"} <= set(found)
    model, *_ = built(found["pathway_clock"], (samples,) * 3, SHORT, 0)
    assert "LOC1" not in model.genes and len(model.genes) > 10
    # Only recipes for the knowledge there is are spoken of.
    assert set(left_out) == {"drugcell", "sparsego", "vega", "ontovae", "expimap"}
    assert left_out["vega"].startswith("it is an autoencoder")
    assert not set(found) & set(left_out)


def test_a_setting_that_nobody_takes_is_refused():
    with pytest.raises(KgnnError, match="setting is 'droput'.*dropout"):
        entries(expression(), {"ontology": TOY.ontology}, ["dcell"], {"droput": 0.1})


@pytest.mark.slow
def test_a_recipe_with_a_compiler_of_its_own_runs():
    samples = with_unknown_gene(expression())
    found = kgnn.compare(samples, {"ontology": TOY.ontology}, recipes=["pathway_clock"], **ALONE)
    assert len(found.folds) == 2 and (found.folds["n_genes"] < len(samples.genes)).all()
    assert found.left_out == {}


def test_a_network_without_directions_is_not_for_kpnn():
    samples = with_unknown_gene(expression("classes"))
    found, left_out = entries(samples, {"network": toy_network()})
    assert {"graph_network", "gene_transformer", "relation_graph", "factorization"} <= set(found)
    assert "no direction" in left_out["kpnn"] and left_out["gears"] == "it predicts regression"
    asked: list[tuple[int, int]] = []
    with pytest.raises(KgnnError, match="kpnn cannot take part: .* no direction"):
        kgnn.compare(
            samples, {"network": toy_network()}, recipes=["graph_network", "kpnn"],
            done=lambda *place: asked.append(place), **ALONE,
        )  # fmt: skip
    assert asked == []
    # It takes part where the network has them, and leaves out the gene that is none of its inputs.
    directed = Samples.from_values(
        np.asarray(samples.gene_values()), samples.genes, meaning="abundance",
        targets=targets_of(np.asarray(samples.gene_values()), "labels"),
    )  # fmt: skip
    found, left_out = entries(directed, {"network": toy_regulation()})
    assert "kpnn" in found and "LOC1" not in built(found["kpnn"], (directed,) * 3, SHORT, 0)[0].genes


@pytest.mark.slow
def test_who_was_left_out_is_in_the_result():
    samples = with_unknown_gene(expression("classes"))
    settings = {**SHORT, "n_features": 2}
    found = kgnn.compare(samples, {"network": toy_network()}, **{**ALONE, "settings": settings})
    assert "kpnn" in found.left_out and found.to_json()["left_out"]["kpnn"] == found.left_out["kpnn"]
    assert "graph_network" in set(found.folds["contestant"])
    assert "left out: kpnn (" in found.text() and "left out: gears (it predicts regression" in found.text()


def test_gears_takes_perturbed_genes_alone():
    _, left_out = entries(expression(), {"network": toy_network()})
    assert left_out["gears"] == "it takes alteration, and the samples hold abundance"
    with pytest.raises(KgnnError, match="gears cannot take part: it takes alteration"):
        entries(expression(), {"network": toy_network()}, ["gears"])
    assert "gears" in entries(TOY.samples, {"network": toy_network()}, ["gears"])[0]


def test_two_tables_that_are_no_windows_are_not_for_chromegcn():
    samples, rows = expression(), np.arange(N_SAMPLES, dtype=np.int32)
    rna = samples.modalities["expression"]
    protein = Modality(np.asarray(rna.values)[:, :5] * 1e9 - 5.0, tuple("pqrst"), rna.rows, "abundance")
    both = Samples(samples.names, {"rna": rna, "protein": protein}, {"rna": rows, "protein": rows}, samples.targets)
    contacts = toy_contacts(1, 12).contacts
    with pytest.raises(KgnnError, match="chromegcn cannot take part: the table 'protein' has 5 columns"):
        entries(both, {"contacts": contacts}, ["chromegcn"])


def test_knowledge_of_other_genes_is_refused_where_it_would_leave_learners_alone():
    samples = expression()
    others = Samples.from_values(
        np.asarray(samples.gene_values()), [f"X{gene}" for gene in samples.genes], meaning="abundance",
        targets=samples.targets,
    )  # fmt: skip
    with pytest.raises(KgnnError, match="no recipe can be built from the ontology: dcell, .* and .* more: "):
        kgnn.compare(others, {"ontology": TOY.ontology}, n_folds=2)


def test_a_setting_that_does_not_fit_is_refused_before_the_first_fit():
    with pytest.raises(KgnnError, match="dropout"):
        entries(expression(), {"ontology": TOY.ontology}, settings={"dcell.dropout": "much"})


@pytest.mark.slow
def test_versions_of_a_recipe_are_contestants_of_their_own():
    knowledge, samples = {"network": toy_network()}, expression()
    recipes = ["gene_transformer", "gene_transformer:plain"]
    small = {**SHORT, "n_features": 4, "gene_transformer.n_heads": 2, "gene_transformer:plain.n_heads": 1}
    found, _ = entries(samples, knowledge, recipes, small)
    assert [each.version for each in found.values()] == ["", "plain", ""]
    assert [each.settings.get("n_heads") for each in found.values()] == [2, 1, None]
    result = kgnn.compare(
        samples, knowledge, recipes=recipes, controls=(), learners=("mean",), n_folds=2, settings=small, score="mse"
    )
    assert set(result.folds["contestant"]) == {*recipes, "mean"}
    pairs = [(row["system"], row["against"]) for row in result.worth().to_dict("records")]
    assert pairs == [(recipes[0], recipes[1]), (recipes[0], "mean"), (recipes[1], "mean")]
    with pytest.raises(KgnnError, match="version of gene_transformer is 'bare'.*bias, near, plain"):
        entries(samples, knowledge, ["gene_transformer:bare"])


def test_the_nearest_setting_counts_whatever_the_order():
    given = {"dcell:paper.dropout": 0.1, "dcell.dropout": 0.2, "dropout": 0.3, "binn.dropout": 0.4}
    recipes = ["dcell", "dcell:paper", "pnet"]
    found, _ = enter(expression(), {"ontology": TOY.ontology}, recipes, (), (), given, {})
    assert [each.settings["dropout"] for each in found] == [0.2, 0.1, 0.3]


def test_motifs_against_random_filters():
    from tests.zoo.toys import sequences

    found, left_out = entries(sequences(), {"motifs": toy_motifs()}, ["deepbind:motifs", "deepbind:paper"])
    assert list(found) == ["deepbind:motifs", "deepbind:paper", "mean"] and not left_out
