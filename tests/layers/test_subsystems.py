"""Gates, shifts, dropout and sizes of states on a hierarchy that can be drawn."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from kgnn.knowledge.ontology import Annotation, Ontology, Relation, Term
from kgnn.layers import StateRule, Subsystems, SubsystemSettings
from kgnn.structure import compile_hierarchy

#            R  g6             order  C D B A R
#          / | \               states (three a term) of C 0-2, D 3-5, B 6-8, A 9-11, R 12-14
#         A  |  B  g4 g5
#        / \ | /
#       C   \|/
#     g0 g1  D  g1 g2 g3
GENES_OF_TERM = {"C": "g0 g1", "D": "g1 g2 g3", "B": "g4 g5", "R": "g6"}
ONTOLOGY = Ontology(
    {term: Term(term, term) for term in "RABCD"},
    tuple(Relation(*pair) for pair in ("CA", "DA", "DB", "AR", "BR", "DR")),
    tuple(Annotation(gene, term) for term, genes in GENES_OF_TERM.items() for gene in genes.split()),
)
HIERARCHY, _ = compile_hierarchy(ONTOLOGY)
ABOVE = {0: "CAR", 1: "DBAR", 2: "BR", 3: "AR", 4: "R"}
N_TERMS, N_STATES, N_SAMPLES = 5, 15, 6
X = np.random.default_rng(0).normal(size=(N_SAMPLES, 7)).astype(np.float32)


def make(settings: SubsystemSettings | None = None) -> Subsystems:
    chosen = SubsystemSettings(3, heads="tanh_linear") if settings is None else settings
    subsystems = Subsystems(HIERARCHY, chosen, 2, rngs=nnx.Rngs(0))
    drawn = np.random.default_rng(1).normal(size=subsystems.reference.shape)
    subsystems.reference[...] = jnp.asarray(drawn, jnp.float32)
    return subsystems


@partial(jax.jit, static_argnums=(0, 4))
def _run(graph: Any, state: Any, x: Any, arguments: dict[str, Any], train: bool) -> Any:
    return nnx.merge(graph, state, copy=True)(x, train=train, **arguments)


def run(subsystems: Subsystems, train: bool = False, **arguments: Any) -> tuple[np.ndarray, np.ndarray]:
    """States by term, ``[term, state, sample]``, and heads ``[term, output, sample]``."""
    states, _, heads = _run(*nnx.split(subsystems), X, arguments, train)
    return np.asarray(states).reshape(N_TERMS, 3, -1), np.asarray(heads)


def test_open_gates_and_no_shift_change_no_bit():
    subsystems = make()
    plain = run(subsystems)
    shared = {"gate": np.ones(5, np.float32), "shift": np.zeros(15, np.float32)}
    each = {name: np.tile(values, (N_SAMPLES, 1)) for name, values in shared.items()}
    for arguments in (shared, each, {"gate": shared["gate"]}, {"shift": shared["shift"]}):
        for mine, theirs in zip(run(subsystems, **arguments), plain, strict=True):
            np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize("term", range(N_TERMS))
def test_a_closed_gate_gives_the_reference_and_reaches_only_ancestors(term):
    subsystems = make()
    plain, plain_heads = run(subsystems)
    gate = np.ones(5, np.float32)
    gate[term] = 0
    states, heads = run(subsystems, gate=gate)
    reference = np.asarray(subsystems.reference[...]).reshape(N_TERMS, 3)[term]
    np.testing.assert_array_equal(states[term], np.repeat(reference[:, None], N_SAMPLES, axis=1))
    for other, name in enumerate(HIERARCHY.terms):
        changed = (states[other] != plain[other]).any(), (heads[other] != plain_heads[other]).any()
        assert changed == ((name in ABOVE[term]),) * 2, name
    assert [HIERARCHY.terms[each] for each in HIERARCHY.ancestors(term)] == list(ABOVE[term])


def test_all_gates_closed():
    subsystems = make()
    states, _ = run(subsystems, gate=np.zeros(5, np.float32))
    reference = np.asarray(subsystems.reference[...]).reshape(N_TERMS, 3, 1)
    np.testing.assert_array_equal(states, np.broadcast_to(reference, states.shape))


def test_a_gate_between_interpolates():
    subsystems = make()
    plain, _ = run(subsystems)
    reference = np.asarray(subsystems.reference[...]).reshape(N_TERMS, 3, 1)
    gate = np.array([1, 0.25, 1, 1, 1], np.float32)
    states, _ = run(subsystems, gate=gate)
    np.testing.assert_allclose(states[1], 0.25 * plain[1] + 0.75 * reference[1], rtol=1e-6)
    np.testing.assert_array_equal(states[0], plain[0])


def test_a_shift_adds_to_the_state_after_the_gate():
    subsystems = make()
    plain, _ = run(subsystems)
    shift = np.zeros(15, np.float32)
    shift[3:6] = [1, -2, 3]
    states, _ = run(subsystems, shift=shift)
    np.testing.assert_allclose(states[1], plain[1] + np.array([[1], [-2], [3]]), rtol=1e-6)
    np.testing.assert_array_equal(states[0], plain[0])
    assert (states[2:] != plain[2:]).any(axis=(1, 2)).all()
    gate = np.array([1, 0, 1, 1, 1], np.float32)
    both, _ = run(subsystems, gate=gate, shift=shift)
    reference = np.asarray(subsystems.reference[...])[3:6]
    expected = reference + np.array([1, -2, 3])
    np.testing.assert_allclose(both[1], np.repeat(expected[:, None], N_SAMPLES, axis=1), rtol=1e-6)


def test_gates_and_shifts_of_single_samples():
    subsystems = make()
    rng = np.random.default_rng(4)
    gate = rng.random((N_SAMPLES, 5)).astype(np.float32)
    shift = rng.normal(size=(N_SAMPLES, 15)).astype(np.float32)
    states, heads = run(subsystems, gate=gate, shift=shift)
    for sample in range(N_SAMPLES):
        one, one_heads = run(subsystems, gate=gate[sample], shift=shift[sample])
        np.testing.assert_allclose(states[:, :, sample], one[:, :, sample], rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(heads[:, :, sample], one_heads[:, :, sample], rtol=1e-5, atol=1e-6)


def test_sizes_of_states():
    rule = StateRule(2, 0.5)
    subsystems = make(SubsystemSettings(rule, gene_layer=True))
    # C 2 genes, D 3, B 5, A 4, R 7
    assert rule(HIERARCHY.n_genes_of_term).tolist() == [2, 2, 3, 2, 4]
    assert StateRule(1, 0.5, "down")(np.array([1, 2, 3, 5, 7])).tolist() == [1, 1, 1, 2, 3]
    assert StateRule(20, 0.3)(np.array([10, 67, 1_000, 3_581])).tolist() == [20, 21, 300, 1_075]
    # 0.3 × 10 is 3, also where binary numbers make it 3.0000000000000004
    assert StateRule(1, 0.1)(np.array([30, 31])).tolist() == [3, 4]
    assert subsystems.term_of_state == (0, 0, 1, 1, 2, 2, 2, 3, 3, 4, 4, 4, 4)
    assert subsystems.wiring.levels == ((0, 4), (4, 9), (9, 13))
    states, root, heads = _run(*nnx.split(subsystems), X, {}, False)
    assert states.shape == (13, N_SAMPLES) and heads.shape == (5, 2, N_SAMPLES)
    np.testing.assert_array_equal(root, states[9:])


def test_dropout_only_in_training_and_from_its_level_on():
    settings = SubsystemSettings(3, norm="none", dropout=0.5, dropout_from_level=1)
    subsystems = make(settings)
    wide = np.random.default_rng(2).normal(size=(400, 7)).astype(np.float32)
    graph, state = nnx.split(subsystems)
    still = np.asarray(_run(graph, state, wide, {}, False)[0])
    trained = np.asarray(_run(graph, state, wide, {}, True)[0])
    np.testing.assert_array_equal(trained[:6], still[:6])  # C and D, level 0
    assert (still != 0).all()
    for rows in (slice(6, 9), slice(9, 12), slice(12, 15)):
        assert 0.4 < (trained[rows] == 0).mean() < 0.6
    kept = trained[6:9] != 0
    np.testing.assert_allclose(trained[6:9][kept], 2 * still[6:9][kept], rtol=1e-5)  # B has only D and genes below


def test_there_is_a_weight_for_every_edge_and_none_besides():
    subsystems = make(SubsystemSettings(StateRule(2, 0.5), heads="tanh_linear", gene_layer=True))
    # States 2 2 3 2 4 of C D B A R; genes 2 3 2 0 1; child states: B from D, A from C and D, R from D, B and A.
    assert subsystems.gene_weights.shape == (2 * 2 + 3 * 2 + 2 * 3 + 1 * 4,)
    assert subsystems.child_weights.shape == (2 * 3 + (2 + 2) * 2 + (2 + 3 + 2) * 4,)
    assert subsystems.gene_layer.weight.shape == subsystems.gene_layer.bias.shape == (8,)
    assert subsystems.heads.weights.shape == (13, 2)
    from_genes, from_children = subsystems.targets_of_weights()
    assert from_genes.tolist() == [0, 1, 0, 1, 2, 3, 2, 3, 2, 3, 4, 5, 6, 4, 5, 6, 9, 10, 11, 12]
    assert from_children.tolist() == [4, 5, 6] * 2 + [7, 8] * 4 + [9, 10, 11, 12] * 7


def test_every_weight_is_trained():
    settings = SubsystemSettings(StateRule(2, 0.5), heads="tanh_linear", gene_layer=True)
    graph, params, rest = nnx.split(make(settings), nnx.Param, ...)

    @jax.jit
    def gradient(params):
        def loss(params):
            states, _, heads = nnx.merge(graph, params, rest, copy=True)(jnp.asarray(X), train=True)
            return jnp.square(states - 1.0).mean() + jnp.square(heads).mean()

        return jax.grad(loss)(params)

    for path, leaf in nnx.to_flat_state(gradient(params)):
        assert (np.asarray(leaf[...]) != 0).all(), path
