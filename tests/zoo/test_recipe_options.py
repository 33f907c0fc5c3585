"""Options of recipes, given as texts as ``--set`` gives them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas
import pytest

from kgnn.data import Samples
from kgnn.errors import AlignmentError, FormatError, KgnnError, TrainingError
from kgnn.knowledge import read_network, read_ontology
from kgnn.layers.graph_convolutions import CONVOLUTIONS
from kgnn.layers.graph_readouts import READOUTS
from kgnn.perturb.forward import inputs_of
from kgnn.train import load_run
from kgnn.zoo import build_model, fit_recipe
from kgnn.zoo import recipe as find_recipe
from kgnn.zoo.fit_recipe import recipe_settings
from tests.commands import fail, succeed
from tests.models.compiled import call
from tests.zoo.toys import N_SAMPLES, TOY, case_for, expression

BY_READOUT = [("gcn", readout) for readout in READOUTS]
BY_CONV = [(conv, "mean,attention") for conv in CONVOLUTIONS]


@pytest.mark.parametrize(("conv", "readout"), [*BY_READOUT, *BY_CONV])
def test_graph_networks_of_every_convolution_and_readout(conv: str, readout: str):
    recipe = find_recipe("graph_network")
    case, widths = case_for(recipe), "4,4" if conv == "gated" else "3,5"
    _, options = recipe_settings(recipe, "gcn", {"conv": conv, "readout": readout, "widths": widths, "keep": "4"})
    structure, _ = recipe.compile(case.knowledge, case.samples)
    model = build_model(recipe, structure, case.samples, version="gcn", **options)
    found = dict(model.arguments.others)
    assert (found["conv"], found["widths"], found["readout"]) == (
        conv,
        tuple(map(int, widths.split(","))),
        tuple(readout.split(",")),
    )
    output = np.asarray(call(model, inputs_of(case.samples)).output)
    assert output.shape == (N_SAMPLES, 1) and np.isfinite(output).all() and output.std() > 0


def test_graph_networks_name_what_they_know():
    recipe = find_recipe("graph_network")
    structure, _ = recipe.compile(case_for(recipe).knowledge, case_for(recipe).samples)
    for name, wrong, known in (("conv", "gnc", "chebyshev, gat, gated"), ("readout", "mean,sum", "attention, mean")):
        options = recipe_settings(recipe, "gcn", {name: wrong})[1]
        with pytest.raises(KgnnError, match=known):
            build_model(recipe, structure, case_for(recipe).samples, **options)
    with pytest.raises(TrainingError, match="widths is '8,x', but must be of type whole numbers"):
        recipe_settings(recipe, "gcn", {"widths": "8,x"})


@pytest.mark.parametrize(
    ("name", "option", "text", "value"),
    [
        ("gene_transformer", "bias", "none", "none"),
        ("gene_transformer", "forbid_far", "yes", True),
        ("pathway_transformer", "bias", "none", "none"),
        ("nest_vnn", "dropout_from_level", "1", 1),
        ("nest_vnn", "n_states", "3,2", (3, 2)),
        ("dtox", "n_states", "2", 2),
        ("pnet", "head_weights", "equal", "equal"),
    ],
)
def test_options_reach_the_model(name: str, option: str, text: str, value: object):
    recipe, case = find_recipe(name), case_for(find_recipe(name))
    structure, _ = recipe.compile(case.knowledge, case.samples)
    _, options = recipe_settings(recipe, recipe.default_version, {option: text})
    model = build_model(recipe, structure, case.samples, **options)
    found = dict(model.arguments.others) | getattr(model.arguments.settings, "_asdict", dict)()
    assert found[option] == value


# --- P-NET, read by trained weights of its heads


def test_a_mixture_of_heads_is_trained_by_the_loss_of_the_output():
    recipe, case = find_recipe("pnet"), case_for(find_recipe("pnet"))
    quick = {"epochs": 2, "batch_size": 16, "readout": "linear"}
    run = fit_recipe(recipe, case.knowledge, case.samples, settings=quick, baselines=())
    assert run.settings.output_weight == 1
    mixture = np.asarray(run.model.mixture[...])  # type: ignore[attr-defined]
    assert (mixture != np.float32(1 / len(mixture))).all()
    assert recipe_settings(recipe, "robust", {})[0].output_weight == 0
    assert recipe_settings(recipe, "robust", {"readout": "linear", "output_weight": "0.5"})[0].output_weight == 0.5


@pytest.mark.parametrize(("readout", "part"), [("linear", "mixture"), ("root", "output_layer")])
def test_what_the_output_alone_trains_is_not_left_untrained(readout: str, part: str):
    recipe, case = find_recipe("pnet"), case_for(find_recipe("pnet"))
    settings = {"readout": readout, "output_weight": 0}
    with pytest.raises(TrainingError, match=f"output_weight is 0, but {part} of the model learns"):
        fit_recipe(recipe, case.knowledge, case.samples, settings=settings, baselines=())


# --- pathway attention over a network of genes


def pathways_of(folder: Path) -> tuple[Path, Path, Samples]:
    """Two pathways of the toy's genes; the network joins neighbors in the first one, and the two."""
    samples, genes = expression("classes"), TOY.samples.genes
    sets = folder / "sets.gmt"
    sets.write_text("\t".join(["P", "na", *genes[:5]]) + "\n" + "\t".join(["Q", "na", *genes[5:12]]) + "\n")
    pairs = [(0, 1), (1, 2), (3, 8), (6, 7)]
    edges = folder / "edges.tsv"
    edges.write_text("a\tb\n" + "".join(f"{genes[one]}\t{genes[other]}\n" for one, other in pairs))
    return sets, edges, samples


def test_the_edges_of_pathway_attention_are_those_of_the_network_inside_pathways(tmp_path: Path):
    sets, edges, samples = pathways_of(tmp_path)
    recipe, ontology, quick = find_recipe("pathway_attention"), read_ontology(sets), {"epochs": 1, "replicates": 1}
    runs = [
        fit_recipe(
            recipe, ontology, samples, unannotated="drop", settings=quick | {"edges": given}, baselines=(), out=out
        )
        for given, out in ((read_network(edges), None), (str(edges), tmp_path / "run"))
    ]
    for run in [*runs, load_run(tmp_path / "run")]:
        nodes = run.model.membership  # type: ignore[attr-defined]
        messages, genes = nodes.messages, np.asarray(run.model.genes)[nodes.gene]
        between = messages.senders != messages.receivers
        found = {(genes[one], genes[other]) for one, other in
                 zip(messages.senders[between], messages.receivers[between], strict=True)}  # fmt: skip
        each = {(TOY.samples.genes[one], TOY.samples.genes[other]) for one, other in ((0, 1), (1, 2), (6, 7))}
        assert found == each | {(other, one) for one, other in each}
        # a self-loop a member, and two messages an edge
        assert len(messages.senders) == 12 + 6
    (tmp_path / "other.tsv").write_text("x\ty\n")
    with pytest.raises(AlignmentError, match="none of 1 edges joins two genes of one pathway"):
        fit_recipe(recipe, ontology, samples, unannotated="drop", settings={"edges": str(tmp_path / "other.tsv")})
    with pytest.raises(FormatError):
        fit_recipe(recipe, ontology, samples, settings={"edges": str(tmp_path / "none.tsv")})


def test_edges_on_the_command_line(tmp_path: Path):
    sets, edges, samples = pathways_of(tmp_path)
    table = pandas.DataFrame(samples.gene_values(), columns=list(samples.genes), index=list(samples.names))
    codes = samples.require_targets().values
    table.insert(0, "state", [("low", "high")[code] for code in codes])
    table.to_csv(tmp_path / "samples.csv", index_label="sample")
    words = ["train", "--ontology", sets, "--train", tmp_path / "samples.csv", "--target", "state", "--epochs", "1"]
    words += ["--unannotated", "drop", "--edges", edges, "--no-baselines", "--out", tmp_path / "run"]
    succeed(*words, "--recipe", "pathway_attention", "--replicates", "1")
    assert len(load_run(tmp_path / "run").model.membership.messages.senders) == 12 + 6  # type: ignore[attr-defined]
    words[-1] = tmp_path / "other"
    assert "unknown setting edges" in fail(*words, "--recipe", "binn")
