"""ChromeGCN: what decides from afar is found by contacts and by nothing else, and pointed at afterwards."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from sklearn.metrics import roc_auc_score

from kgnn.bakeoff import compare
from kgnn.data import Samples, Targets, toy_contacts
from kgnn.errors import AlignmentError, KgnnError, TrainingError
from kgnn.knowledge import ContactMap, linear_neighbors
from kgnn.models import ContactNetwork, saliency_of_contacts
from kgnn.structure import Adjacency, compile_contacts
from kgnn.train import TrainConfig, fit, predict
from kgnn.zoo import build_model, chromegcn, fit_recipe
from kgnn.zoo.fit_recipe import build_first
from tests.models.compiled import call

TOY = toy_contacts()
SETTINGS = TrainConfig(epochs=40, batch_size=64, learning_rate=1e-2, optimizer="adamw", weight_decay=1e-2)
N_FEATURES = 16


def graph_of(contacts: ContactMap) -> Adjacency:
    return compile_contacts(contacts, normalization="mean", self_loops="add", weighted=False)[0]


def made(contacts: ContactMap = TOY.contacts, toy: Any = TOY, **options: Any) -> ContactNetwork:
    windows = toy.samples.modalities["window"]
    how = {"genes": windows.features, "n_features": N_FEATURES} | options
    model = ContactNetwork(graph_of(contacts), **how, outputs=("active",), rngs=nnx.Rngs(0))
    model.set_context(windows.values)
    return model


def inputs_of(samples: Samples, index: np.ndarray) -> dict[str, Any]:
    return {name: jnp.asarray(table[index]) for name, table in samples.inputs().items()}


class Fitted(NamedTuple):
    window: ContactNetwork
    contacts: ContactNetwork
    neighbors: ContactNetwork
    train: Samples
    test: np.ndarray


@pytest.fixture(scope="module")
def fitted() -> Fitted:
    chromosome = TOY.samples.covariates["chromosome"]
    parts = [np.flatnonzero(np.isin(chromosome, names)) for names in
             (["chr1", "chr2", "chr3", "chr4", "chr5"], ["chr6"], ["chr7", "chr8"])]  # fmt: skip
    train, valid = (TOY.samples.take(part) for part in parts[:2])

    def trained(model: ContactNetwork) -> Any:
        return fit(model, train, SETTINGS, valid=valid, baselines=()).model

    window = trained(made(n_layers=0))
    models = []
    for contacts in (TOY.contacts, linear_neighbors(TOY.contacts, 7)):
        model = made(contacts)
        model.start_from(window)
        models.append(trained(model))
    return Fitted(window, *models, train, parts[2])


def test_contacts_beat_windows_and_neighbors(fitted: Fitted):
    test = TOY.samples.take(fitted.test)
    active = test.require_targets().values[:, 0]
    window, contacts, neighbors = (roc_auc_score(active, predict(each, test)[:, 0]) for each in fitted[:3])
    print(f"AUROC: window {window:.3f}, contacts {contacts:.3f}, ±7 neighbors {neighbors:.3f}")
    assert contacts > 0.9
    assert contacts > max(window, neighbors) + 0.1


def active_windows(fitted: Fitted) -> np.ndarray:
    """Test windows that are active and touch one enhancer among windows that are none."""
    matrix = TOY.contacts.to_sparse().toarray() != 0
    active = TOY.samples.require_targets().values[:, 0] > 0
    one = (matrix[:, TOY.enhancers].sum(axis=1) == 1) & (matrix.sum(axis=1) >= 4)
    return fitted.test[(active & one)[fitted.test]]


def test_gate_and_saliency_point_at_the_planted_contact(fitted: Fitted):
    model, graph = fitted.contacts, fitted.contacts.structure
    windows = active_windows(fitted)
    assert len(windows) >= 10
    into = [np.flatnonzero((graph.receivers == one) & (graph.senders != one)) for one in windows]
    partners = [graph.senders[edges] for edges in into]
    saliency = [
        np.asarray(saliency_of_contacts(model, inputs_of(TOY.samples, np.array([one]))))[edges]
        for one, edges in zip(windows, into, strict=True)
    ]
    shut = np.ones((sum(map(len, partners)), graph.n_nodes), np.float32)
    shut[np.arange(len(shut)), np.concatenate(partners)] = 0
    every = inputs_of(TOY.samples, np.repeat(windows, [len(each) for each in partners]))
    ends = np.cumsum([len(each) for each in partners])[:-1]
    without = np.split(call(model, every, gate=shut).output[:, 0], ends)
    planted = [TOY.enhancers[each] for each in partners]
    by_saliency = sum(bool(is_it[each.argmax()]) for is_it, each in zip(planted, saliency, strict=True))
    by_gate = sum(bool(is_it[each.argmin()]) for is_it, each in zip(planted, without, strict=True))
    n, chance = len(windows), sum(is_it.mean() for is_it in planted)
    print(f"planted contact first: saliency {by_saliency} of {n}, gate {by_gate}, by chance {chance:.1f}")
    assert by_saliency >= 0.9 * n and by_gate >= 0.9 * n and chance < 0.35 * n


def test_gates_let_in_where_it_matters(fitted: Fitted):
    inputs = inputs_of(TOY.samples, fitted.test)
    found = np.asarray(fitted.contacts.gates(inputs))
    assert found.shape == (2, len(fitted.test)) and (found > 0).all() and (found < 1).all()
    assert fitted.window.gates(inputs).shape == (0, len(fitted.test))


def test_pretraining_is_taken_over_and_may_be_frozen(fitted: Fitted):
    model = made()
    model.start_from(fitted.window)
    kept = np.asarray(model.encoder.layers[0].kernel[...])
    np.testing.assert_array_equal(kept, fitted.window.encoder.layers[0].kernel[...])
    run = fit(model, fitted.train, SETTINGS.updated({"epochs": 2, "frozen": "encoder.*"}), baselines=())
    np.testing.assert_array_equal(run.model.encoder.layers[0].kernel[...], kept)
    assert (np.asarray(run.model.output_layer.kernel[...]) != np.asarray(model.output_layer.kernel[...])).any()
    with pytest.raises(KgnnError, match="another form"):
        made(n_features=4).start_from(fitted.window)


# --- the recipe


SMALL = toy_contacts(4, 24, seed=1)
QUICK = {"epochs": 3, "n_features": 5, "batch_size": 32}


def by_chromosome(*names: str, samples: Samples = SMALL.samples) -> Samples:
    return samples.take(np.isin(samples.covariates["chromosome"], names))


def encoder_of(model: Any) -> np.ndarray:
    return np.asarray(model.encoder.layers[0].kernel[...])


def fitted_recipe(version: str, test: Samples | None = None, **settings: Any) -> Any:
    train, valid = by_chromosome("chr1", "chr2"), by_chromosome("chr3")
    test = by_chromosome("chr4") if test is None else test
    return fit_recipe(
        chromegcn, SMALL.contacts, train, valid=valid, test=test, version=version, settings=QUICK | settings,
        baselines=(),
    )  # fmt: skip


def test_windows_of_another_chromosome_are_context_and_scored_and_their_labels_never_seen():
    run, test = fitted_recipe("graph"), by_chromosome("chr4")
    assert run.metrics["n_samples"] == {"train": 48, "valid": 24, "test": 24}
    np.testing.assert_array_equal(run.model.context[...], SMALL.samples.modalities["window"].values)
    other = replace(test, targets=Targets(1 - test.require_targets().values, ("active",), "labels"))
    again = fitted_recipe("graph", other)
    assert predict(again.model, test).tobytes() == predict(run.model, test).tobytes()
    assert again.metrics["model"]["train"] == run.metrics["model"]["train"]
    assert again.metrics["model"]["test"] != run.metrics["model"]["test"]


def test_what_the_context_is_made_of_has_no_targets():
    seen: list[Any] = []

    def watched(parts: Any) -> Any:
        seen.extend(part.targets for part in parts)
        return chromegcn.from_inputs(parts)  # type: ignore[misc]

    samples = SMALL.samples
    structure, _ = chromegcn.compile(SMALL.contacts, samples)
    build_model(replace(chromegcn, from_inputs=watched), structure, samples, inputs=[samples.take(np.arange(96))])
    assert seen == [None]


def test_windows_without_a_sample_and_windows_with_two_contents_are_refused():
    train, test = by_chromosome("chr1", "chr2", "chr3"), by_chromosome("chr4")
    with pytest.raises(AlignmentError, match="1 of 96 windows have no sample in any part"):
        fit_recipe(chromegcn, SMALL.contacts, train.take(np.arange(1, 72)), test=test, baselines=())
    shifted = test.with_gene_values(test.modalities["window"].values + 1)
    with pytest.raises(AlignmentError, match="24 samples have other features"):
        fit_recipe(chromegcn, SMALL.contacts, train, valid=test, test=shifted, baselines=())


@pytest.mark.parametrize("version", ["graph", "paper"])
def test_the_encoder_begins_as_the_window_model_left_it_and_the_paper_freezes_it(version: str):
    run, alone = fitted_recipe(version), fitted_recipe("window", n_layers=0)
    structure, _ = chromegcn.compile(SMALL.contacts, SMALL.samples)
    untrained = build_model(chromegcn, structure, SMALL.samples, version=version, n_features=5)
    start = encoder_of(untrained)
    assert run.metrics["pretrained"]["model"]["valid"] == alone.metrics["model"]["valid"]
    assert (encoder_of(alone.model) != start).any()
    assert ("pretrained" in run.metrics) and "pretrained" not in alone.metrics
    if version == "paper":
        np.testing.assert_array_equal(encoder_of(run.model), encoder_of(alone.model))
    else:
        assert (encoder_of(run.model) != encoder_of(alone.model)).any()


def test_a_frozen_encoder_that_nothing_has_trained_is_refused():
    structure, _ = chromegcn.compile(SMALL.contacts, SMALL.samples)
    model = build_model(chromegcn, structure, SMALL.samples, version="paper")
    with pytest.raises(TrainingError, match="frozen is 'encoder.*', but the model has started from no fitted one"):
        fit(model, SMALL.samples, chromegcn.config("paper"), baselines=())


def test_replicates_and_null_models_share_the_first_stage_and_the_context():
    run = fitted_recipe("paper", replicates=2)
    stacked = run.model.stacked
    alone = fitted_recipe("window")
    np.testing.assert_array_equal(stacked.encoder.layers[0].kernel[...], np.stack([encoder_of(alone.model)] * 2))
    np.testing.assert_array_equal(stacked.context[...][1], SMALL.samples.modalities["window"].values)
    assert (np.asarray(stacked.output_layer.kernel[...][0]) != np.asarray(stacked.output_layer.kernel[...][1])).any()


def test_what_makes_the_window_version_is_not_overwritten_by_settings():
    structure, _ = chromegcn.compile(SMALL.contacts, SMALL.samples)
    settings = {"n_layers": 3, "n_features": 7}
    first = build_first(chromegcn, structure, SMALL.samples, version="paper", settings=settings)
    assert first is not None and len(first.model.layers) == 0 and first.model.n_features == 7  # type: ignore[attr-defined]
    assert build_first(chromegcn, structure, SMALL.samples, version="window", settings=settings) is None


def test_a_bake_off_by_chromosome():
    found = compare(
        SMALL.samples, {"contacts": SMALL.contacts}, recipes=["chromegcn"], controls=["shuffled", "dense"],
        learners=["mean"], n_folds=2, group="chromosome", settings=QUICK,
    )  # fmt: skip
    assert set(found.folds["contestant"]) == {"chromegcn", "chromegcn, shuffled", "chromegcn, dense", "mean"}
    assert np.isfinite(found.folds["auroc"]).all()


def test_nodes_are_the_bins_in_the_order_that_places_count():
    structure, alignment = chromegcn.compile(SMALL.contacts, SMALL.samples)
    assert structure.nodes == SMALL.contacts.bin_names == SMALL.samples.names  # type: ignore[union-attr]
    assert structure == graph_of(SMALL.contacts) and alignment is not None
