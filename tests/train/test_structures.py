"""Models compiled from a graph are fitted, scored beside baselines, stored and loaded as visible networks are."""

from __future__ import annotations

import json
import sys
from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

from kgnn.errors import KgnnError, RunError, TrainingError
from kgnn.models import BuildArguments, Model, build
from kgnn.models.build import KINDS, arguments_from_json, arguments_to_json
from kgnn.structure import rewire_edges
from kgnn.train import TrainConfig, fit, load_run, predict
from kgnn.train.engine import Engine, make_optimizer
from kgnn.train.loop import start_model
from kgnn.train.summary import run_summary
from tests.train import averaging as family
from tests.train.averaging import Averaging, AveragingSettings, Share, averaging, small_graph, small_network
from tests.train.small import assert_same, quick, small_model, small_ontology, small_samples


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a new family adds: its module, and one line in the registry."""
    monkeypatch.setitem(sys.modules, "kgnn.models.averaging", family)
    monkeypatch.setitem(KINDS, "Averaging", "averaging")


def test_settings_of_any_class_go_through_json():
    model = averaging(share=Share(0.25), widths=(3, 1), name="x")
    assert isinstance(model, Model)
    arguments = arguments_from_json(json.loads(json.dumps(arguments_to_json(model.arguments))))
    assert arguments == model.arguments and isinstance(arguments.settings, AveragingSettings)
    assert arguments.settings.share == Share(0.25) and arguments.settings.widths == (3, 1)
    assert_same(build(arguments, model.structure, seed=0), model)
    several = BuildArguments("Replicates", None, (("n", 2), ("member", arguments)))
    assert arguments_from_json(json.loads(json.dumps(arguments_to_json(several)))) == several
    with pytest.raises(KgnnError, match="'os' is no class of settings"):
        arguments_from_json({"kind": "Averaging", "settings": {"type": "os"}, "others": {}})


def test_settings_of_the_first_runs_are_still_read():
    arguments = small_model().arguments
    before = arguments_to_json(arguments)
    del before["settings"]["type"]
    assert arguments_from_json(before) == arguments
    before["settings"]["n_states"] = {"minimum": 2, "fraction": 0.5, "rounding": "up"}
    assert arguments_from_json(before).settings.n_states.fraction == 0.5


@pytest.mark.parametrize("replicates", [1, 2])
def test_a_run_keeps_its_graph(tmp_path, replicates: int):
    samples = small_samples(60)
    run = fit(averaging(), samples, quick(replicates=replicates), out=tmp_path / "run", baselines=("dense", "shuffled"))
    assert set(run.metrics["baselines"]) == {"dense", "shuffled"}
    assert (tmp_path / "run" / "structure.npz").is_file() and not (tmp_path / "run" / "hierarchy.npz").exists()
    loaded = load_run(tmp_path / "run")
    assert_same(run.model, loaded.model)
    assert loaded.structure == run.structure == small_graph()
    assert predict(loaded.model, samples).tobytes() == predict(run.model, samples).tobytes()
    one = loaded.model.member(1) if replicates > 1 else loaded.model
    held = one(np.asarray(samples.take(np.arange(41)).gene_values(), np.float32)).states
    assert np.abs(np.asarray(one.reference[...]) - np.asarray(held.mean(axis=0))).max() < 0.5
    assert np.abs(np.asarray(one.reference[...])).max() > 0
    assert run_summary(loaded)["messages"] == run.structure.n_edges
    with pytest.raises(RunError, match="a (Averaging|Replicates), has no hierarchy of terms"):
        _ = loaded.hierarchy


def test_only_the_knowledge_of_the_run_is_accepted(tmp_path):
    fit(averaging(), small_samples(), quick(), out=tmp_path / "run", baselines=())
    for right in (small_network(), small_graph()):
        assert load_run(tmp_path / "run", ontology=right).structure == small_graph()
    for wrong, what in (
        (small_graph("symmetric"), "structure"), (rewire_edges(small_graph(), 1), "structure"),
        (small_ontology(), "ontology"),
    ):  # fmt: skip
        with pytest.raises(RunError, match=f"trained on {what}"):
            load_run(tmp_path / "run", ontology=wrong)
    small_graph("symmetric").save(tmp_path / "run" / "structure.npz")
    with pytest.raises(RunError, match=r"structure\.npz has fingerprint"):
        load_run(tmp_path / "run")


def test_what_was_measured_before_goes_into_every_replicate():
    model = averaging()
    model.reference[...] = jnp.arange(7.0)
    many = start_model(model, small_samples(), quick(replicates=3))
    np.testing.assert_array_equal(many.stacked.reference[...], np.tile(np.arange(7.0), (3, 1)))
    assert len({row.tobytes() for row in np.asarray(many.stacked.weight[...])}) == 3


# --- what a model may bring to its training


class WithHooks(Averaging):
    """Its loss is the mean absolute error, its penalty pulls the factors to 3."""

    def loss(self, inputs, prediction, targets, share):
        return share @ jnp.abs(prediction.output - targets).sum(axis=-1)

    def penalty(self, inputs, prediction, targets, share):
        return jnp.square(self.factor[...] - 3.0).sum() + 0.0 * share.sum()


def loss_of(model, **settings) -> float:
    samples = small_samples(41)
    engine = Engine(model, quick(batch_size=41, **settings), 41)
    graph, params, rest = nnx.split(model, nnx.Param, ...)
    del graph
    given = (jnp.asarray(samples.gene_values(), jnp.float32), jnp.asarray(samples.targets.values))
    return float(engine._loss(params, rest, *given, jnp.ones(41), jnp.ones(41))[0])


def expected(model) -> tuple[float, float]:
    """Mean squared and mean absolute error."""
    samples = small_samples(41)
    off = np.asarray(model(samples.gene_values()).output) - samples.targets.values
    return float(np.square(off).mean()), float(np.abs(off).mean())


def test_heads_have_the_weights_of_the_model():
    model = averaging()
    squared, _ = expected(model)
    samples = small_samples(41)
    half = np.square(0.5 * np.asarray(model(samples.gene_values()).output) - samples.targets.values).mean()
    assert loss_of(model, auxiliary_weight=0) == pytest.approx(squared, rel=1e-5)
    found = loss_of(model, auxiliary_weight=0.5, output_weight=0.25)
    assert found == pytest.approx(0.25 * squared + 0.5 * (0.25 * half + 2.0 * squared), rel=1e-5)


def test_loss_and_penalty_of_the_model_enter():
    model = WithHooks(small_graph(), rngs=nnx.Rngs(0))
    squared, absolute = expected(model)
    plain = {"auxiliary_weight": 0, "penalty_weight": 0}
    assert loss_of(model, **plain) == pytest.approx(squared, rel=1e-5)
    assert loss_of(model, **plain, loss="model") == pytest.approx(absolute, rel=1e-5)
    assert loss_of(model, auxiliary_weight=0, penalty_weight=0.5) == pytest.approx(squared + 0.5 * 7 * 4, rel=1e-5)


class WithPrice(Averaging):
    def __call__(self, inputs, **given):
        found = super().__call__(inputs, **given)
        return found._replace(penalty=jnp.arange(found.output.shape[0], dtype=jnp.float32))


def test_a_penalty_a_sample_counts_by_its_share():
    model = WithPrice(small_graph(), rngs=nnx.Rngs(0))
    squared, _ = expected(model)
    assert loss_of(model, auxiliary_weight=0, penalty_weight=0.1) == pytest.approx(squared + 0.1 * 20, rel=1e-5)
    graph, params, rest = nnx.split(model, nnx.Param, ...)
    del graph
    weights = jnp.concatenate([jnp.ones(11), jnp.zeros(30)])
    samples = small_samples(41)
    engine = Engine(model, quick(batch_size=41, auxiliary_weight=0, output_weight=0), 41)
    given = (jnp.asarray(samples.gene_values(), jnp.float32), jnp.asarray(samples.targets.values))
    assert float(engine._loss(params, rest, *given, jnp.ones(41), weights)[0]) == pytest.approx(5.0)


def test_losses_by_name():
    model = averaging()
    _, absolute = expected(model)
    assert loss_of(model, auxiliary_weight=0, loss="absolute") == pytest.approx(absolute, rel=1e-5)
    with pytest.raises(TrainingError, match="loss is 'model', but the model has none of its own. Choose auto, or squ"):
        fit(model, small_samples(), quick(loss="model"), baselines=())
    with pytest.raises(TrainingError, match="loss is 'focal', but the model does 'regression'"):
        fit(model, small_samples(), quick(loss="focal"), baselines=())
    with pytest.raises(KgnnError, match="loss is 'hinge'"):
        fit(model, small_samples(), quick(loss="hinge"), baselines=())


def test_frozen_parameters_stay():
    before = averaging()
    config = quick(frozen="fac*", optimizer="adamw", weight_decay=0.1)
    run = fit(before, small_samples(), config, baselines=("dense",))
    np.testing.assert_array_equal(run.model.factor[...], before.factor[...])
    assert (np.asarray(run.model.weight[...]) != np.asarray(before.weight[...])).all()
    with pytest.raises(TrainingError, match="frozen names filters, but .* The model has factor, weight"):
        make_optimizer(quick(frozen="filters"), 10, before)
    assert isinstance(make_optimizer(quick(), 10), optax.GradientTransformation)


def test_the_network_without_knowledge_is_not_asked_for_hooks():
    config = replace(TrainConfig(), loss="model", frozen="x", output_weight=0.0)
    assert config.without_hooks() == TrainConfig()
    assert replace(config, loss="huber").without_hooks().loss == "huber"
