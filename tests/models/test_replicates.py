"""Replicates are the mean of their members, and their states lie beside each other."""

from __future__ import annotations

import numpy as np
import pytest
from flax import nnx

from kgnn.data import random_ontology
from kgnn.errors import KgnnError
from kgnn.layers import StateRule, SubsystemSettings
from kgnn.models import DenseNetwork, Replicates, VisibleNetwork
from kgnn.structure import compile_hierarchy
from tests.models.compiled import call, jit
from tests.models.weights import named_arrays, randomize

ONTOLOGY = random_ontology(5, 7, seed=1)
SETTINGS = SubsystemSettings(StateRule(1, 0.5), heads="tanh_linear")
X = np.random.default_rng(0).normal(size=(4, 7)).astype(np.float32)


def make(n: int) -> list[VisibleNetwork]:
    hierarchy, _ = compile_hierarchy(ONTOLOGY)
    members = [VisibleNetwork(hierarchy, SETTINGS, outputs=2, rngs=nnx.Rngs(seed)) for seed in range(n)]
    for number, member in enumerate(members):
        randomize(member, number)
    return members


@pytest.mark.parametrize("train", [False, True], ids=["inference", "training"])
@pytest.mark.parametrize("n", [1, 3])
def test_mean_of_the_members(n, train):
    members = make(n)
    together = Replicates(members)
    arguments = {"gate": np.array([1, 0.3, 1, 0, 1], np.float32), "weights": np.array([1, 2, 0, 1], np.float32)}
    mean = call(together, X, train=train, **arguments)
    each = [call(member, X, train=train, **arguments) for member in members]
    np.testing.assert_allclose(mean.output, np.mean([one.output for one in each], axis=0), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(mean.auxiliary, np.mean([one.auxiliary for one in each], axis=0), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(mean.states[:, 1::n] if n > 1 else mean.states, each[1 % n].states, rtol=1e-5, atol=1e-5)
    after = named_arrays(together.stacked)
    for number, member in enumerate(members):
        for name, array in named_arrays(member).items():
            np.testing.assert_allclose(after[name][number], array, rtol=1e-5, atol=1e-5, err_msg=name)


def test_states_and_shifts_of_a_replicate():
    members = make(3)
    together = Replicates(members)
    owner = np.array(together.term_of_state)
    assert owner.tolist() == np.repeat(members[0].term_of_state, 3).tolist()
    rng = np.random.default_rng(2)
    shifts = [rng.normal(size=(4, len(owner) // 3)).astype(np.float32) for _ in members]
    beside = np.stack(shifts, axis=-1).reshape(4, -1)
    each = [call(member, X, shift=shift) for member, shift in zip(members, shifts, strict=True)]
    found = call(together, X, shift=beside)
    for term in range(5):
        states = np.stack([one.states[:, np.array(members[0].term_of_state) == term] for one in each], axis=-1)
        np.testing.assert_allclose(found.states[:, owner == term], states.reshape(4, -1), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(found.output, np.mean([one.output for one in each], axis=0), rtol=1e-5, atol=1e-5)
    same = call(together, X, shift=beside[0])
    one_shift = [call(member, X, shift=shift[0]).output for member, shift in zip(members, shifts, strict=True)]
    np.testing.assert_allclose(same.output, np.mean(one_shift, axis=0), rtol=1e-5, atol=1e-5)


def test_each_output():
    members = make(3)
    found = np.asarray(jit(Replicates(members).each)(X))
    assert found.shape == (3, 4, 2)
    for mine, member in zip(found, members, strict=True):
        np.testing.assert_allclose(mine, call(member, X).output, rtol=1e-5, atol=1e-5)


def test_members_are_not_changed():
    members = make(2)
    before = named_arrays(members[0])
    call(Replicates(members), X, train=True)
    for name, array in named_arrays(members[0]).items():
        np.testing.assert_array_equal(array, before[name])


def test_a_scaling_is_shared_by_all():
    together = Replicates(make(2))
    together.gene_scaling.set(np.arange(7), np.arange(1, 8))
    assert together.gene_scaling.center.shape == (2, 7)
    np.testing.assert_array_equal(together.gene_scaling.scale[...], [[1, 2, 3, 4, 5, 6, 7]] * 2)


def test_members_must_be_alike():
    one, two = make(2)
    other, _ = compile_hierarchy(random_ontology(5, 7, seed=9))
    with pytest.raises(KgnnError, match="1 of 3 replicates differ from the first in arguments or structure"):
        Replicates([one, two, VisibleNetwork(other, SETTINGS, outputs=2, rngs=nnx.Rngs(0))])
    with pytest.raises(KgnnError, match="1 of 2 replicates differ"):
        Replicates([one, VisibleNetwork(one.hierarchy, SETTINGS, outputs=1, rngs=nnx.Rngs(0))])
    with pytest.raises(KgnnError, match="there are no replicates"):
        Replicates([])


def test_dense_members():
    members = [DenseNetwork("abcdefg", hidden=4, rngs=nnx.Rngs(seed)) for seed in range(2)]
    mean = call(Replicates(members), X)
    each = np.mean([call(member, X).output for member in members], axis=0)
    np.testing.assert_allclose(mean.output, each, rtol=1e-5, atol=1e-5)
    assert mean.states.shape == (4, 0)


def test_a_member_is_the_network_by_itself():
    members = make(3)
    together = Replicates(members)
    for number, member in enumerate(members):
        alone = named_arrays(together.member(number))
        for name, array in named_arrays(member).items():
            np.testing.assert_array_equal(alone[name], array, err_msg=name)
    assert together.member(1).hierarchy == members[0].hierarchy
    with pytest.raises(KgnnError, match="there is no replicate 3. Choose one of 0 to 2"):
        together.member(3)


@pytest.mark.parametrize("n", [9, 11])
def test_many_are_computed_some_at_a_time(n):
    """Nine fall into parts of eight and one, eleven into eight and three."""
    members = make(n)
    together = Replicates(members)
    shift = np.random.default_rng(1).normal(size=(4, len(together.term_of_state))).astype(np.float32)
    found = call(together, X, shift=shift)
    each = [call(member, X, shift=shift.reshape(4, -1, n)[..., k]) for k, member in enumerate(members)]
    np.testing.assert_allclose(found.output, np.mean([one.output for one in each], axis=0), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(found.states[:, n - 1 :: n], each[-1].states, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(jit(together.each)(X)[n - 1], call(members[-1], X).output, rtol=1e-5, atol=1e-5)


def test_many_networks_without_states():
    genes = tuple("abcdefg")
    members = [DenseNetwork(genes, hidden=3, outputs=2, rngs=nnx.Rngs(seed)) for seed in range(10)]
    found = call(Replicates(members), X)
    assert found.states.shape == (4, 0)
    each = [call(member, X).output for member in members]
    np.testing.assert_allclose(found.output, np.mean(each, axis=0), rtol=1e-5, atol=1e-5)
