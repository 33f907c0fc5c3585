"""Knockdown and importance of a model that has terms, but no hierarchy of them."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from flax import nnx

from kgnn.errors import AlignmentError, KgnnError
from kgnn.interpret import importance
from kgnn.interpret.nulls import at_equal_total, shuffled_weights
from kgnn.models import DenseNetwork
from kgnn.models.contract import term_facts
from kgnn.perturb import knockdown
from kgnn.perturb.forward import inputs_of
from kgnn.train import Run, fit
from tests.train.averaging import averaging
from tests.train.small import GENES, quick, small_samples

SAMPLES = small_samples(60)


@pytest.fixture(scope="module")
def run() -> Run:
    return fit(averaging(), SAMPLES, quick(epochs=30), baselines=())


def test_every_term_may_move(run: Run):
    effects = knockdown(run, "a1", pairs=[("a1", "b2")], subsystems="c (+)", samples=SAMPLES)
    assert effects.groupby("kind")["perturbation"].nunique().to_dict() == {"gene": 2, "pair": 1, "subsystem": 1}
    states = effects[effects["target"] == "subsystem"]
    assert states.groupby("perturbation")["name"].apply(list).map(tuple).unique().tolist() == [GENES]
    moved = states[states["perturbation"] == "a1"].set_index("name")["effect"]
    # r, a1, a2 and b2 receive from a1; b1 and c do not.
    assert (moved[["r", "a1", "a2", "b2"]] > 0).all() and (moved[["a3", "b1", "c (+)"]] == 0).all()
    closed = states[states["perturbation"] == "c (+)"].set_index("name")["effect"]
    assert closed["c (+)"] > 0 and (closed.drop("c (+)") == 0).all()
    with pytest.raises(AlignmentError, match="the model does not know 1 term: X"):
        knockdown(run, subsystems="X")


@pytest.mark.parametrize("measure", ["sensitivity", "knockdown"])
def test_importance(run: Run, measure: str):
    ranking = importance(run, measure, samples=SAMPLES, n_null=4)
    assert sorted(ranking["term"]) == sorted(ranking["name"]) == sorted(GENES)
    assert set(ranking["level"]) == {0} and set(ranking["n_genes"]) == {1}
    assert ranking["rank"].tolist() == list(range(1, 8))
    assert ranking["importance"].sum() == pytest.approx(ranking["null_mean"].sum(), rel=1e-4)
    assert ranking["p_value"].between(0, 1).all() and ranking["null_sd"].max() > 0


def test_what_has_no_children_has_no_rlipp(run: Run):
    with pytest.raises(KgnnError, match="rlipp compares a term .* those of a Averaging are no hierarchy. Choose sens"):
        importance(run, "rlipp", samples=SAMPLES)
    dense = DenseNetwork(GENES, hidden=4, outputs=("growth",), rngs=nnx.Rngs(0))
    run_of_dense = fit(dense, SAMPLES, quick(), baselines=())
    with pytest.raises(KgnnError, match="a DenseNetwork has no subsystems to rank"):
        importance(run_of_dense, "sensitivity")
    assert set(knockdown(run_of_dense, "a1", samples=SAMPLES)["target"]) == {"output"}


def test_weights_are_shuffled_and_the_reference_is_measured(run: Run):
    model = run.model
    inputs = inputs_of(SAMPLES)
    null = shuffled_weights(model, inputs, 1)
    for name in ("weight", "factor"):
        real, found = (np.asarray(getattr(each, name)[...]) for each in (model, null))
        assert sorted(real.ravel().tolist()) == sorted(found.ravel().tolist())
    assert (np.asarray(null.factor[...]) != np.asarray(model.factor[...])).any()
    mean = np.asarray(null(inputs).states).mean(axis=0)
    np.testing.assert_allclose(np.asarray(null.reference[...]), mean, rtol=1e-5)


def test_a_module_may_shuffle_itself():
    model = averaging()
    reversed_weights = []

    class Reversing(type(model)):
        def shuffle_weights(self, random):
            reversed_weights.append(random)
            self.weight[...] = self.weight[...][::-1]

    own = Reversing(model.structure, rngs=nnx.Rngs(0))
    null = shuffled_weights(own, inputs_of(SAMPLES), 0)
    assert len(reversed_weights) == 1
    np.testing.assert_array_equal(null.weight[...], own.weight[...][::-1])
    np.testing.assert_array_equal(null.factor[...], own.factor[...])


def test_a_model_names_its_own_terms():
    model = averaging()
    given = SimpleNamespace(
        structure=model.structure, terms=("x", "r"), genes=model.genes, term_names=("ex", "ar"), level_of_term=(1, 4)
    )
    facts = term_facts(given)  # type: ignore[arg-type]
    assert (facts.names, facts.levels.tolist(), facts.n_genes.tolist()) == (("ex", "ar"), [1, 4], [0, 1])


def test_without_a_root_all_terms_share_the_total():
    null, observed = np.arange(1.0, 13).reshape(2, 3, 2), np.full((3, 2), 2.0)
    scaled = at_equal_total(null, observed, rooted=False)
    np.testing.assert_allclose(scaled.sum(axis=1), 6.0)
    np.testing.assert_allclose(at_equal_total(null, observed)[:, -1], 2.0)
