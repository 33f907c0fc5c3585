"""What single recipes promise beyond the table of `tests.zoo.test_conformance`, and what they refuse."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kgnn.errors import KgnnError, TrainingError
from kgnn.structure import compile_hierarchy
from kgnn.zoo import build_model, fit_recipe, recipe
from tests.zoo.toys import TOY, expression, pairs_of_cells_and_drugs, toy_network


def test_groups_are_left_out_whole_beside_the_same_baselines():
    each = recipe("drugcell")
    settings = {"epochs": 1, "batch_size": 16, "checkpoint_every": 0}
    run = fit_recipe(
        each,
        TOY.ontology,
        pairs_of_cells_and_drugs(each),
        settings=settings,
        leave_out=["cell"],
        baselines=("mean", "linear"),
    )
    found = run.metrics["leave_out"]["cell"]
    assert found["n_groups"] == 2
    assert set(found["baselines"]) == set(run.metrics["baselines"]) == {"mean", "ridge"}


def test_unknown_names_list_the_known_ones():
    with pytest.raises(KgnnError, match="Choose one of: binn, .* dcell, .* vega"):
        recipe("pcell")
    with pytest.raises(KgnnError, match="Choose one of: code, paper, robust"):
        recipe("dcell").config("newest")
    with pytest.raises(TrainingError, match="Options of dcell"):
        fit_recipe(recipe("dcell"), TOY.ontology, TOY.samples, settings={"color": "red"})
    with pytest.raises(KgnnError, match="dcell is compiled from an ontology, but Network is given. See kgnn zoo dcell"):
        fit_recipe(recipe("dcell"), toy_network(), TOY.samples)
    with pytest.raises(TrainingError, match="takes 2 tables"):
        hierarchy, _ = compile_hierarchy(TOY.ontology, TOY.samples.genes)
        build_model(recipe("drugcell"), hierarchy, TOY.samples)
    with pytest.raises(TrainingError, match="drugcell predicts regression, but the targets are classes"):
        of_pairs = pairs_of_cells_and_drugs(recipe("drugcell"))
        build_model(recipe("drugcell"), hierarchy, replace(of_pairs, targets=expression("classes").targets))


def test_dcell_has_the_widths_of_the_paper_and_of_the_code():
    samples = TOY.samples
    hierarchy, _ = compile_hierarchy(TOY.ontology, samples.genes)
    for version, least, share, whole in (("paper", 20, 0.3, np.ceil), ("code", 10, 0.2, np.floor)):
        model = build_model(recipe("dcell"), hierarchy, samples, version=version)
        expected = np.maximum(least, whole(np.round(share * hierarchy.n_genes_of_term, 9)))
        np.testing.assert_array_equal(np.bincount(model.term_of_state), expected)


def test_pnet_gives_genes_a_unit_and_a_head_even_where_there_is_one_table():
    for name, features, heads in (
        ("pnet", (TOY.samples.gene_modality,), ("genes", "level 0")),
        ("binn", (), ("level 0", "level 1")),
    ):
        each = recipe(name)
        hierarchy, _ = each.compile(TOY.ontology, TOY.samples)
        model = build_model(each, hierarchy, TOY.samples, readout="mean")
        assert model.features == features
        assert model.heads[:2] == heads
