"""Following a perturbation upward gives what running the whole network again gives, and exact zeros elsewhere."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from hypothesis import given, settings
from hypothesis import strategies as st

from kgnn.data import random_ontology
from kgnn.layers import StateRule, SubsystemSettings
from kgnn.models import Replicates, VisibleNetwork
from kgnn.models.contract import Prediction
from kgnn.perturb import region
from kgnn.perturb.difference import Differences, follows
from kgnn.perturb.forward import Changes, changes
from kgnn.perturb.reach import Perturbation, Reach
from kgnn.structure import Hierarchy, compile_hierarchy
from tests.models.compiled import call
from tests.models.weights import randomize
from tests.perturb.runs import network, response_network

N_SAMPLES = 5


def random_model(hierarchy: Hierarchy, chosen: SubsystemSettings, seed: int, n_members: int):
    members = []
    for member in range(n_members):
        model = VisibleNetwork(hierarchy, chosen, outputs=("growth", "size"), rngs=nnx.Rngs(seed + 100 * member))
        randomize(model, seed + member)
        members.append(model)
    return Replicates(members) if n_members > 1 else members[0]


def knocked_down(x: np.ndarray, genes: tuple[int, ...], dose: float, value: float) -> np.ndarray:
    changed = x.copy()
    changed[:, list(genes)] = (1 - dose) * changed[:, list(genes)] + dose * value
    return changed


def run_again(model, x: np.ndarray, perturbations, dose: float, value: float) -> list[Prediction]:
    """One call of the whole model for the wild type and all perturbations: samples of each below one another."""
    inputs = [x, *(knocked_down(x, each.genes, dose, value) for each in perturbations)]
    gates = np.ones((len(inputs), len(x), len(model.terms)), np.float32)
    for row, each in enumerate(perturbations, start=1):
        gates[row][:, list(each.terms)] = 1 - dose
    found = call(model, jnp.asarray(np.concatenate(inputs)), gate=jnp.asarray(gates.reshape(-1, len(model.terms))))
    return [Prediction(*parts) for parts in zip(*(np.split(each, len(inputs)) for each in found[:3]), strict=True)]


def mean_squares(model, change: np.ndarray) -> np.ndarray:
    """Mean square over the states of each term, ``[sample, term]``."""
    term_of_state = np.asarray(model.term_of_state)
    return np.stack([np.square(change[:, term_of_state == t]).mean(axis=1) for t in range(len(model.terms))], axis=1)


@settings(max_examples=6, deadline=None)
@given(
    st.integers(1, 23),
    st.integers(2, 9),
    st.integers(0, 1_000),
    st.builds(
        SubsystemSettings,
        n_states=st.sampled_from((2, 3, StateRule(1, 0.4))),
        activation=st.sampled_from(("tanh", "relu", "gelu")),
        norm=st.sampled_from(("after", "before", "none")),
        dropout=st.sampled_from((0.0, 0.3)),
        dropout_from_level=st.just(0),
        heads=st.just("linear"),
        heads_read=st.just("state"),
        gene_layer=st.booleans(),
        initial_scale=st.just(1.0),
        precision=st.just("float32"),
        gene_dropout=st.just(0.0),
        dropout_rule=st.just("plain"),
        signed=st.just(False),
        last_activation=st.just(""),
        annotation_price=st.just(0.0),
        relation_price=st.just(0.0),
        price_rule=st.just("l0"),
        root_states=st.sampled_from((0, 3)),
    ),
    st.sampled_from((1, 3)),
    st.sampled_from((1.0, 0.5)),
)
def test_random_hierarchies(n_terms, n_genes, seed, chosen, n_members, dose):
    hierarchy, _ = compile_hierarchy(random_ontology(n_terms, n_genes, seed))
    model = random_model(hierarchy, chosen, seed, n_members)
    rng = np.random.default_rng(seed)
    x = (rng.random((N_SAMPLES, n_genes)) < 0.4).astype(np.float32)
    perturbations = [Perturbation(genes=(gene,)) for gene in range(n_genes)]
    perturbations += [Perturbation(genes=(0, n_genes - 1)), Perturbation()]
    before, *after = run_again(model, x, perturbations, dose, 1.0)

    differences = Differences(model)
    start = differences.start(jnp.asarray(x))
    shapes = differences.plan(perturbations, N_SAMPLES)
    followed = list(differences.follow(start, perturbations, shapes, dose=dose, value=1.0, top=n_terms + 2))
    wild_type, effects = differences.effects(start, [each.root for each in followed], "regression")

    np.testing.assert_allclose(wild_type, before.output, atol=1e-5)
    for each, found, effect, expected in zip(perturbations, followed, effects, after, strict=True):
        np.testing.assert_allclose(effect, expected.output - before.output, atol=1e-5, rtol=1e-5)
        squares = mean_squares(model, expected.states - before.states)
        reached = differences.reach(each)
        altered = np.array([row.all() for row in x[:, list(each.genes)]])
        assert (effect[altered] == 0).all()
        for sample in range(N_SAMPLES):
            terms = found.terms[sample][found.terms[sample] >= 0]
            assert len(set(terms)) == len(terms) and set(terms) <= set(reached.tolist())
            assert (np.diff(found.moved[sample]) <= 0).all()
            moved = np.zeros(n_terms)
            moved[terms] = found.moved[sample][: len(terms)]
            np.testing.assert_allclose(moved, np.sqrt(squares[sample]), atol=1e-5, rtol=1e-5)
            if altered[sample]:
                assert not len(terms) and (found.moved[sample] == 0).all()


@pytest.mark.parametrize("n_states", [3, StateRule(1, 0.3)])
def test_subsystems_and_genes_as_by_running_again(n_states) -> None:
    hierarchy, _ = compile_hierarchy(random_ontology(17, 11, 4))
    model = random_model(hierarchy, SubsystemSettings(n_states), 2, 2)
    x = np.random.default_rng(0).gamma(2.0, 1.0, (N_SAMPLES, 11)).astype(np.float32)
    perturbations = [Perturbation(terms=(term,)) for term in range(17)]
    perturbations += [Perturbation(terms=(2, 9)), Perturbation(genes=(3,), terms=(0,)), Perturbation(genes=(7, 2))]
    before, *after = run_again(model, x, perturbations, 0.7, 0.0)
    found = Changes(
        *map(np.concatenate, zip(*changes(model, jnp.asarray(x), perturbations, dose=0.7, value=0.0), strict=True))
    )
    reach = Reach(hierarchy)
    for row, (each, expected) in enumerate(zip(perturbations, after, strict=True)):
        delta = expected.output - before.output
        np.testing.assert_allclose(found.effect[row], delta.mean(axis=0), atol=1e-5)
        np.testing.assert_allclose(found.spread[row], delta.std(axis=0), atol=1e-5)
        np.testing.assert_allclose(found.absolute[row], np.abs(delta).mean(axis=0), atol=1e-5)
        rms = np.sqrt(mean_squares(model, expected.states - before.states).mean(axis=0))
        np.testing.assert_allclose(found.states[row], rms, atol=1e-5)
        assert (np.delete(found.states[row], reach(each)) == 0).all()


class Wrapped:
    """A model of the contract that says nothing of its inside: it can only be run again."""

    def __init__(self, model: VisibleNetwork):
        self.model = nnx.data(model)
        for name in ("task", "output_names", "terms", "genes", "hierarchy", "term_of_state"):
            setattr(self, name, getattr(model, name))

    def __call__(self, inputs, **arguments):
        return self.model(inputs, **arguments)


class Opaque(Wrapped, nnx.Module):
    pass


def test_a_model_that_says_nothing_of_its_inside_is_run_again() -> None:
    model = network()
    randomize(model, 3)
    opaque = Opaque(model)
    assert follows(model) and follows(response_network()) and follows(Replicates([network(1), network(2)]))
    assert not follows(opaque)
    x = jnp.asarray(np.random.default_rng(1).gamma(2.0, 3.0, (N_SAMPLES, 8)), jnp.float32)
    perturbations = [Perturbation(genes=(2,)), Perturbation(terms=(1,)), Perturbation(genes=(1, 6))]
    [one] = changes(model, x, perturbations, dose=0.6)
    [other] = changes(opaque, x, perturbations, dose=0.6)
    for mine, theirs in zip(one[:3], other[:3], strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-5)


def test_a_few_shapes_hold_every_region(monkeypatch) -> None:
    hierarchy, _ = compile_hierarchy(random_ontology(300, 90, 1))
    differences = Differences(VisibleNetwork(hierarchy, SubsystemSettings(2), rngs=nnx.Rngs(0)))
    perturbations = [Perturbation(genes=(gene,)) for gene in range(90)]
    perturbations += [Perturbation(terms=(term,)) for term in range(300)]
    assert len(set(differences.plan(perturbations, 1))) == 1
    monkeypatch.setattr(region, "PRICE_OF_A_SHAPE", 0.0)
    monkeypatch.setattr(region, "SMALLEST", 2)
    shapes = differences.plan(perturbations, 64)
    assert 3 < len(set(shapes)) < 20
    for each, shape in zip(perturbations, shapes, strict=True):
        level = hierarchy.level_of_term[differences.reach(each)]
        assert (2 * np.bincount(level, minlength=hierarchy.n_levels) <= shape.rows).all()
        assert (differences.regions(each, differences.reach(each), shape).rows < 600).all()
        assert shape.terms * 2 == sum(shape.rows)


def test_the_region_of_a_gene() -> None:
    """R has r; A (a1, a2) and B (b/1, a2) lie below R, C below A, D below B: see runs.py."""
    model = network()
    differences = Differences(model)
    [shape] = differences.plan([Perturbation(genes=(2,))], 4)
    terms = differences.reach(Perturbation(genes=(2,)))
    found = differences.regions(Perturbation(genes=(2,)), terms, shape)
    names = [model.terms[term] for term in terms]
    assert sorted(names) == ["A", "B", "R"] and shape.rows == (0, 6, 3)
    assert found.terms.tolist() == terms.tolist() and found.used.all() and not found.gated.any()
    assert found.from_genes.shape == (1, 9, 1) and (found.from_genes[0, 6:] == 0).all()
    assert (found.from_genes[0, :6] != 0).all()
    assert found.sources[1].shape == (0,) and found.from_below[1].shape == (1, 6, 0)
    assert found.sources[2].tolist() == list(range(6)) and (found.from_below[2] != 0).all()
