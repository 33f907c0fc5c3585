"""Pruning finds the edges that planted data do not need, and the smaller network does as well."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from kgnn.data import Samples
from kgnn.errors import TrainingError
from kgnn.layers import SubsystemSettings
from kgnn.models import DenseNetwork
from kgnn.train import TrainConfig, fit, load_run, predict, prune
from kgnn.train.progress import EpochReport
from kgnn.train.proximal import has_prices
from kgnn.train.prune import kept_edges
from kgnn.train.silence import silence_costs
from tests.train.small import GENES, quick, small_model, small_samples

# Batch normalization would let every weight shrink for nothing: what a term says would not change.
PLAIN = SubsystemSettings(2, norm="none")
CONFIG = TrainConfig(epochs=40, batch_size=32, learning_rate=0.02, auxiliary_weight=0.0)


def test_edges_that_the_data_do_not_need_go_and_the_score_stays(tmp_path):
    # The target is twice a1 minus b2 and noise: a2, a3, b1, r and c below C say nothing.
    samples, test = small_samples(300), small_samples(120, seed=1)
    found = prune(
        small_model(settings=PLAIN),
        samples,
        CONFIG,
        annotation_price=0.1,
        relation_price=0.03,
        test=test,
        out=tmp_path / "run",
    )
    left = set(found.run.hierarchy.genes)
    assert {"a1", "b2"} <= left and len(left) <= 4
    assert found.edges["edges"][1] <= 0.7 * found.edges["edges"][0]
    assert found.run.metrics["model"]["test"]["pearson"] > 0.97
    assert found.run.metrics["pruned"]["edges"]["genes"] == [7, len(left)]
    gone = found.removed[found.removed.what == "gene"].below
    assert set(gone) == set(GENES) - left
    assert [len(share) for share in found.kept_by] == [7, 3]
    shares = found.removed[found.removed.what.isin(["annotation", "relation"])].kept_by
    assert (
        len(shares) and set(shares) <= {0.0, 1.0} and (found.removed[found.removed.reason == "cut"].kept_by != 1).all()
    )
    again = load_run(tmp_path / "run")
    assert again.hierarchy == found.run.hierarchy


@pytest.mark.slow
def test_replicates_vote():
    samples = small_samples(200)
    config = CONFIG.updated({"replicates": 3, "epochs": 40})
    found = prune(small_model(settings=PLAIN), samples, config, annotation_price=0.1, relation_price=0.0, agree=0.6)
    assert set(np.round(3 * np.concatenate(found.kept_by)).tolist()) <= {0, 1, 2, 3}
    assert {"a1", "b2"} <= set(found.run.hierarchy.genes)
    assert found.run.metrics["pruned"]["agree"] == 0.6


@pytest.mark.parametrize("replicates", [1, 2])
def test_silence_costs_what_a_gene_at_its_mean_loses(replicates: int):
    samples = small_samples(60)
    model = fit(small_model(settings=PLAIN), samples, CONFIG.updated({"epochs": 5, "replicates": replicates})).model
    reports: list[EpochReport] = []
    found = silence_costs(model, samples, what="silent", progress=reports.append)
    assert [report[:3] for report in reports] == [("silent", done, len(GENES)) for done in range(1, len(GENES) + 1)]
    target = samples.require_targets().values.astype(float)
    scale = np.asarray(model.output_scaling.scale[...]).reshape(-1)[0]

    def loss(values: np.ndarray) -> float:
        predicted = predict(model, Samples.from_values(values, GENES, meaning="abundance"))
        return float(np.mean(((predicted - target) / scale) ** 2))

    values = samples.with_genes(GENES).gene_values()
    for place, gene in enumerate(model.genes):
        silent = values.copy()
        silent[:, GENES.index(gene)] = values[:, GENES.index(gene)].mean()
        np.testing.assert_allclose(found[place], loss(silent) - loss(values), atol=1e-5)
        assert reports[place].loss == pytest.approx(loss(silent), abs=1e-5)


def test_a_share_of_the_edges_goes_and_the_genes_that_matter_stay(tmp_path):
    samples, test = small_samples(300), small_samples(120, seed=1)
    found = prune(small_model(settings=PLAIN), samples, CONFIG, share=0.4, rounds=2, test=test, out=tmp_path / "run")
    before, after = found.edges["edges"]
    assert before - after >= 0.4 * before
    assert {"a1", "b2"} <= set(found.run.hierarchy.genes)
    assert found.run.metrics["model"]["test"]["pearson"] > 0.97
    assert found.run.metrics["pruned"] | {"edges": None} == {"share": 0.4, "rounds": 2, "edges": None}
    assert load_run(tmp_path / "run").hierarchy == found.run.hierarchy


@pytest.mark.parametrize("how", [{}, {"share": 0.3}], ids=["prices", "share"])
def test_what_is_trained_anew_has_no_prices(how: dict[str, float]):
    priced = PLAIN._replace(annotation_price=1e-4, relation_price=1e-5)
    found = prune(small_model(settings=priced), small_samples(40), CONFIG.updated({"epochs": 2}), **how)  # type: ignore[arg-type]
    settings = found.run.model.arguments.settings
    assert (settings.annotation_price, settings.relation_price) == (0.0, 0.0)
    assert not has_prices(nnx.state(found.run.model, nnx.Param))
    assert ("kept_by" in found.removed) == (not how)


def test_prices_and_rule_are_those_of_the_model_unless_others_are_given():
    samples, short = small_samples(40), CONFIG.updated({"epochs": 2})
    priced = small_model(settings=PLAIN._replace(price_rule="l0", annotation_price=1e-4, relation_price=1e-5))
    ways = {
        (1e-4, 1e-5, "l0"): prune(priced, samples, short),
        (1e-4, 2e-5, "l0"): prune(priced, samples, short, relation_price=2e-5),
        (3e-4, 3e-4, "lasso"): prune(priced, samples, short, rule="lasso"),
        (3e-4, 1e-6, "lasso"): prune(small_model(settings=PLAIN), samples, short, relation_price=1e-6),
    }
    for expected, found in ways.items():
        used = found.run.metrics["pruned"]
        assert (used["annotation_price"], used["relation_price"], used["price_rule"]) == expected


@pytest.mark.parametrize("rule", ["lasso", "l0"])
def test_nothing_is_paid_before_prices_begin(rule: str):
    dear = PLAIN._replace(price_rule=rule, annotation_price=1e3, relation_price=1e3)
    samples = small_samples(64)
    for unpriced, share in ((0.0, 0.0), (0.5, 0.0), (0.99, 1.0)):
        config = CONFIG.updated({"epochs": 2, "valid_fraction": 0.0, "unpriced": unpriced})
        model = fit(small_model(settings=dear), samples, config, baselines=()).model
        assert kept_edges(model)[0].mean() == kept_edges(model)[1].mean() == share


def test_a_fixed_price_is_of_the_annotation_where_it_has_a_weight_of_its_own():
    settings = SubsystemSettings(2, gene_layer=True, price_rule="l0", annotation_price=1e-3)
    model = small_model(settings=settings)
    weight: Any = model.subsystems.gene_layer.weight  # type: ignore[union-attr]
    rate = jnp.float32(1e-3)
    # The published code cuts below the root of 2 * 1e-3 * 1e-3, 0.0014.
    found = weight.get_metadata("proximal")(jnp.array([0.0013, -0.0013, 0.0015, -0.0015, 1, 0, 1]), rate)
    assert (np.asarray(found) != 0).tolist() == [False, False, True, True, True, False, True]
    assert model.subsystems.gene_weights.get_metadata("proximal", None) is None
    weight[...] = jnp.where(jnp.arange(7) == 3, 0.0, 1.0)
    assert kept_edges(model)[0].tolist() == [1.0, 1.0, 1.0, 0.0, 1.0, 1.0, 1.0]
    # What is at 0 stays there: a step of Adam is shorter than the threshold.
    config = quick(learning_rate=1e-3, b2=0.99, epochs=5, valid_fraction=0.0)
    assert kept_edges(fit(model, small_samples(64), config, baselines=()).model)[0][3] == 0.0


def test_without_a_price_every_edge_is_there():
    annotations, relations = kept_edges(small_model())
    assert annotations.tolist() == [1.0] * 7 and relations.tolist() == [1.0] * 3


def test_what_cannot_be_pruned_is_refused():
    with pytest.raises(TrainingError, match="the prices are 0 and 0, so that no edge would go"):
        prune(small_model(), small_samples(), annotation_price=0.0, relation_price=0.0)
    with pytest.raises(TrainingError, match="share is 1. Give the share of the edges to cut, above 0 and below 1"):
        prune(small_model(), small_samples(), share=1.0)
    with pytest.raises(TrainingError, match="there are a share and a price"):
        prune(small_model(), small_samples(), share=0.5, relation_price=0.1)
    with pytest.raises(TrainingError, match="rounds is 0 and agree is 0.5"):
        prune(small_model(), small_samples(), rounds=0)
    dense = DenseNetwork(GENES, hidden=3, rngs=nnx.Rngs(0))
    with pytest.raises(TrainingError, match="no subsystems"):
        prune(dense, small_samples())
