"""A network with feedback rests where an independent iteration rests; its derivatives are finite differences."""

from __future__ import annotations

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from kgnn.data import Samples, Targets
from kgnn.errors import KgnnError, StructureError, TrainingError
from kgnn.interpret import node_weights
from kgnn.knowledge import Network, build_network
from kgnn.layers.steady_state import Feedback, spectral_radius, steady_state
from kgnn.models import Model, RegulatoryNetwork, SteadyStateNetwork, build
from kgnn.models.build import arguments_from_json, arguments_to_json
from kgnn.structure import compile_feedback, compile_regulation
from kgnn.train import TrainConfig, fit, load_run
from tests.models.compiled import call
from tests.models.kpnn import sigmoid
from tests.models.weights import in_double_precision

#  a ──▶ P ◀──┐          P and Q hold each other down, R closes a loop of three (P ▶ Q ▶ R ▶ P)
#  b ──▶ Q ─▶ R ──▶ out.1
#  c ────────────▶ out (2) ◀── Q
CYCLES = {
    ("a_gene", "P"): 1, ("b_gene", "Q"): 0, ("P", "Q"): -1, ("Q", "P"): -1, ("Q", "R"): 1, ("R", "P"): 0,
    ("R", "out.1"): 1, ("c_gene", "out (2)"): 1, ("Q", "out (2)"): -1,
}  # fmt: skip
OUTPUTS = ["out (2)", "out.1"]


def network(edges: dict[tuple[str, str], int]) -> Network:
    names = sorted({name for edge in edges for name in edge})
    ends = np.array([[names.index(name) for name in edge] for edge in edges])
    return build_network(names, ends[:, 0], ends[:, 1], sign=np.array([*edges.values()]), directed=True)


ADJACENCY, _ = compile_feedback(network(CYCLES), ["b", "c", "a"])


def steady(seed: int = 0, scale: float = 3.0, **arguments) -> SteadyStateNetwork:
    return SteadyStateNetwork(ADJACENCY, outputs=OUTPUTS, initial_scale=scale, rngs=nnx.Rngs(seed), **arguments)


def weight_by_edge(model: SteadyStateNetwork) -> dict[tuple[str, str], float]:
    """By name, from the graph itself."""
    nodes, weights = ADJACENCY.nodes, np.asarray(model.weights[...], np.float64)
    ends = zip(ADJACENCY.senders, ADJACENCY.receivers, strict=True)
    return {(nodes[a], nodes[b]): float(weight) for (a, b), weight in zip(ends, weights, strict=True)}


def at_rest(model: SteadyStateNetwork, values: np.ndarray) -> dict[str, np.ndarray]:
    edges, bias = weight_by_edge(model), dict(zip(model.terms, np.asarray(model.bias[...]), strict=True))
    value = {f"{gene}_gene": column for gene, column in zip(model.genes, values.T, strict=True)}
    value |= {node: np.full(len(values), 0.5) for node in "PQR"}
    for _ in range(4000):
        new = {}
        for node in model.terms:
            z = float(bias[node]) + sum(w * value[a] for (a, b), w in edges.items() if b == node)
            new[node] = z if node in OUTPUTS else 0.8 * value[node] + 0.2 * sigmoid(z)
        value |= new
    return value


VALUES = np.random.default_rng(5).random((4, 3))


@pytest.mark.parametrize("seed", [0, 1])
def test_rests_where_an_independent_iteration_rests(seed: int):
    with jax.enable_x64(True), jax.numpy_dtype_promotion("standard"):
        model = in_double_precision(steady(seed))
        found, expected = call(model, VALUES), at_rest(model, VALUES)
    assert model.terms == ("P", "Q", "R", "out (2)", "out.1") and model.genes == ("b", "c", "a")
    for position, node in enumerate(model.terms):
        np.testing.assert_allclose(found.states[:, position], expected[node], rtol=0, atol=1e-9)
    for position, node in enumerate(OUTPUTS):
        np.testing.assert_allclose(found.output[:, position], expected[node], rtol=0, atol=1e-9)


def test_gradient_is_that_of_finite_differences():
    with jax.enable_x64(True), jax.numpy_dtype_promotion("standard"):
        model = in_double_precision(steady(1))
        graph, state = nnx.split(model)
        flat, restore = jax.flatten_util.ravel_pytree(nnx.filter_state(state, nnx.Param))
        rest = nnx.filter_state(state, nnx.Not(nnx.Param))
        gate, shift = jnp.array([1.0, 0.7, 1.0, 1.0, 0.9]), jnp.array([0.0, 0.1, -0.2, 0.0, 0.3])

        def loss(parameters: jax.Array, values: jax.Array, gate: jax.Array, shift: jax.Array) -> jax.Array:
            network = nnx.merge(graph, restore(parameters), rest)
            found = network(values, gate=gate, shift=shift)
            return jnp.square(found.output).sum() + jnp.sin(found.states).sum()

        given = (flat, jnp.asarray(VALUES), gate, shift)
        gradients = jax.jit(jax.grad(loss, argnums=(0, 1, 2, 3)))(*given)
        compiled, step = jax.jit(loss), 1e-5
        for position, gradient in enumerate(gradients):
            for entry in np.ndindex(gradient.shape):
                up, down = (
                    compiled(*(each.at[entry].add(by) if n == position else each for n, each in enumerate(given)))
                    for by in (step, -step)
                )
                difference = float(up - down) / (2 * step)
                assert abs(float(gradient[entry]) - difference) < 1e-4 * max(1.0, abs(difference))
            assert (np.asarray(gradient) != 0).any()


def test_without_a_cycle_it_is_the_regulatory_network():
    acyclic = {edge: sign for edge, sign in CYCLES.items() if edge not in {("Q", "P"), ("R", "P")}}
    adjacency, _ = compile_feedback(network(acyclic), ["b", "c", "a"])
    hierarchy, _ = compile_regulation(network(acyclic), ["b", "c", "a"])
    feedback = SteadyStateNetwork(adjacency, outputs=OUTPUTS, rngs=nnx.Rngs(0))
    levels = RegulatoryNetwork(hierarchy, outputs=OUTPUTS, rngs=nnx.Rngs(0))
    random = np.random.default_rng(0)
    edges = {edge: np.float32(random.normal()) for edge in acyclic}
    ends = zip(adjacency.senders, adjacency.receivers, strict=True)
    feedback.weights[...] = jnp.array([edges[adjacency.nodes[a], adjacency.nodes[b]] for a, b in ends])
    layer, terms = levels.subsystems, hierarchy.terms
    pairs = zip(hierarchy.relation_child, hierarchy.relation_parent, strict=True)
    layer.child_weights[...] = jnp.array([edges[terms[a], terms[b]] for a, b in pairs])
    pairs = zip(hierarchy.annotation_gene, hierarchy.annotation_term, strict=True)
    layer.gene_weights[...] = jnp.array([edges[f"{hierarchy.genes[a]}_gene", terms[b]] for a, b in pairs])
    bias = dict(zip(terms, np.asarray(layer.bias[...]), strict=True))
    feedback.bias[...] = jnp.array([bias[term] for term in feedback.terms])
    values = VALUES.astype(np.float32)
    np.testing.assert_allclose(call(feedback, values).output, call(levels, values).output, atol=2e-6)


def test_the_spectral_radius_is_that_of_the_jacobian():
    random = np.random.default_rng(2)
    weights, drive = random.normal(0, 1.5, (5, 5)), random.normal(size=(5, 3))
    with jax.enable_x64(True), jax.numpy_dtype_promotion("standard"):
        given = Feedback(jnp.asarray(weights), jnp.asarray(drive), jnp.ones((5, 3)), jnp.zeros((5, 3)))
        found, rest = np.asarray(spectral_radius(given)), np.asarray(steady_state(given))
    for column in range(3):
        slope = rest[:, column] * (1 - rest[:, column])
        eigenvalues = np.linalg.eigvals(0.5 * np.eye(5) + 0.5 * slope[:, None] * weights)
        assert abs(found[column] - np.abs(eigenvalues).max()) < 0.02


def divergent() -> SteadyStateNetwork:
    """A node that holds itself down forty times too strongly."""
    adjacency, _ = compile_feedback(network({("a_gene", "P"): 1, ("P", "P"): -1, ("P", "out"): 1}))
    model = SteadyStateNetwork(adjacency, outputs=["out"], rngs=nnx.Rngs(0))
    ends = list(zip(adjacency.senders.tolist(), adjacency.receivers.tolist(), strict=True))
    names = [(adjacency.nodes[a], adjacency.nodes[b]) for a, b in ends]
    model.weights[...] = jnp.array([-40.0 if edge == ("P", "P") else 1.0 for edge in names])
    model.bias[...] = jnp.array([20.0, 0.0])
    return model


def test_a_divergent_graph_gives_the_clear_error():
    model = divergent()
    message = (
        r"2 of 2 samples have no stable steady state: sample 0, 1. A disturbance grows \d.* times a step .*cut an edge"
    )
    assert (np.asarray(model.radius(jnp.zeros((2, 1)))) > 1).all()
    # At half activity it would rest on a knife's edge; away from it the steps swing, and the prediction is none.
    with pytest.raises(StructureError, match=message):
        model(jnp.zeros((2, 1)))
    model.bias[...] = jnp.array([17.0, 0.0])
    with pytest.raises(StructureError, match=message):
        model(jnp.zeros((2, 1)))
    assert np.isnan(call(model, np.zeros((2, 1), np.float32)).output).all()
    targets = Targets(np.array([[0.0], [1.0]] * 5, np.float32), ("out",), "labels")
    samples = Samples.from_values(np.random.default_rng(0).random((10, 1)), ["a"], meaning="abundance", targets=targets)
    message = "loss became nan in epoch 1.* have found no steady state"
    with pytest.raises(TrainingError, match=message), jax.numpy_dtype_promotion("standard"):  # optax mixes types
        fit(model, samples, TrainConfig(epochs=1, batch_size=5, valid_fraction=0), baselines=())


def test_it_trains_and_loads_and_has_node_weights(tmp_path):
    random = np.random.default_rng(1)
    values = random.random((60, 3)).astype(np.float32)
    labels = np.stack([values[:, 1] > 0.5, values[:, 2] - values[:, 0] > 0], axis=1).astype(np.float32)
    targets = Targets(labels, ("out (2)", "out.1"), "labels")
    samples = Samples.from_values(values, ["b", "c", "a"], meaning="abundance", targets=targets)
    model = steady(2, 1.0, dropout=0.1, gene_dropout=0.1)
    config = TrainConfig(epochs=25, batch_size=20, learning_rate=0.1, replicates=2, valid_fraction=0)
    with jax.numpy_dtype_promotion("standard"):  # optax mixes types
        run = fit(model, samples, config, out=tmp_path / "run", baselines=())
    assert run.metrics["model"]["train"]["auroc"] > 0.8
    again = load_run(tmp_path / "run")
    np.testing.assert_array_equal(call(again.model, values).output, call(run.model, values).output)
    weights = node_weights(run.model, values)
    assert weights.shape == (2, 5, 2) and np.isfinite(weights).all()
    # R acts on out (2) through the loop alone.
    assert (weights[:, model.terms.index("R"), 0] != 0).all()


def test_signs_arguments_and_errors():
    model = steady(3, signed=True)
    assert isinstance(model, Model)
    arguments = arguments_from_json(json.loads(json.dumps(arguments_to_json(model.arguments))))
    again = build(arguments, ADJACENCY, seed=3)
    np.testing.assert_array_equal(call(again, VALUES).output, call(model, VALUES).output)
    before = call(model, VALUES).output
    model.weights[...] = jnp.where(np.array(model.edges.sign) != 0, -model.weights[...], model.weights[...])
    np.testing.assert_array_equal(call(model, VALUES).output, before)
    with pytest.raises(KgnnError, match="damping is 1"):
        steady(damping=1.0)
    with pytest.raises(KgnnError, match=r"those of the graph are out \(2\), out.1"):
        SteadyStateNetwork(ADJACENCY, outputs=["x", "y"], rngs=nnx.Rngs(0))
    with pytest.raises(KgnnError, match="the graph knows no signs"):
        unsigned, _ = compile_feedback(network(dict.fromkeys(CYCLES, 0)))
        SteadyStateNetwork(unsigned, outputs=OUTPUTS, signed=True, rngs=nnx.Rngs(0))
