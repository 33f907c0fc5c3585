"""A regulatory network equals an independent KPNN in double precision: output, loss, gradient, node weights."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from kgnn.errors import KgnnError
from kgnn.interpret import node_weights
from kgnn.knowledge import Network, build_network
from kgnn.layers import SubsystemSettings
from kgnn.models import KPNN_SETTINGS, Model, RegulatoryNetwork, Replicates, build
from kgnn.structure import Hierarchy, compile_regulation
from kgnn.train.losses import batch_losses
from tests.models.compiled import call, jit
from tests.models.kpnn import NaiveKpnn
from tests.models.weights import in_double_precision

#   a ─┬─▶ P ─┬─▶ R ─┬─────▶ out.1          R reads the gene a as well; P skips a level to out.1,
#   b ─┼─▶ ───┤      └─▶ S ─▶ out (2)       and the gene c acts on out (2) directly
#      └─▶ Q ─┴──────────▶ ┘
EDGES = {
    ("a_gene", "P"): 1, ("b_gene", "P"): -1, ("b_gene", "Q"): 0, ("P", "R"): 1, ("Q", "R"): -1, ("a_gene", "R"): 1,
    ("R", "out.1"): 1, ("P", "out.1"): 0, ("Q", "S"): 1, ("R", "S"): 1, ("S", "out (2)"): 1, ("c_gene", "out (2)"): -1,
}  # fmt: skip
OUTPUTS = ["out (2)", "out.1"]


def network(edges: dict[tuple[str, str], int] = EDGES) -> Network:
    names = sorted({name for edge in edges for name in edge})
    ends = np.array([[names.index(name) for name in edge] for edge in edges])
    return build_network(names, ends[:, 0], ends[:, 1], sign=np.array([*edges.values()]), directed=True)


HIERARCHY, _ = compile_regulation(network(), ["c", "b", "a"])


def regulatory(seed: int = 0, **settings) -> RegulatoryNetwork:
    chosen = KPNN_SETTINGS._replace(**settings)
    return RegulatoryNetwork(HIERARCHY, chosen, outputs=OUTPUTS, initial="normal", rngs=nnx.Rngs(seed))


def signs_by_edge(hierarchy: Hierarchy) -> dict[tuple[str, str], int]:
    assert hierarchy.sign_of_relation is not None and hierarchy.sign_of_annotation is not None
    found = {}
    for names, children, parents, signs in (
        (hierarchy.terms, hierarchy.relation_child, hierarchy.relation_parent, hierarchy.sign_of_relation),
        (hierarchy.genes, hierarchy.annotation_gene, hierarchy.annotation_term, hierarchy.sign_of_annotation),
    ):
        for child, parent, sign in zip(children, parents, signs, strict=True):
            found[names[child], hierarchy.terms[parent]] = int(sign)
    return found


def naive(model: RegulatoryNetwork, *, signed: bool = False) -> NaiveKpnn:
    """The weights of a model by the names of their ends."""
    hierarchy, layer = model.hierarchy, model.subsystems
    edges = {}
    for names, children, parents, weights in (
        (hierarchy.terms, hierarchy.relation_child, hierarchy.relation_parent, layer.child_weights),
        (hierarchy.genes, hierarchy.annotation_gene, hierarchy.annotation_term, layer.gene_weights),
    ):
        for child, parent, weight in zip(children, parents, np.asarray(weights[...], np.float64), strict=True):
            edges[names[child], hierarchy.terms[parent]] = float(weight)
    if signed:
        known = signs_by_edge(hierarchy)
        edges = {edge: known[edge] * abs(weight) if known[edge] else weight for edge, weight in edges.items()}
    bias = dict(zip(hierarchy.terms, np.asarray(layer.bias[...], np.float64).tolist(), strict=True))
    return NaiveKpnn(list(hierarchy.terms), list(model.output_names), edges, bias)


def inputs(n: int = 7) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    values = np.random.default_rng(3).random((n, 3))
    return values, dict(zip(HIERARCHY.genes, values.T, strict=True))


def test_the_compiled_graph():
    assert HIERARCHY.genes == ("c", "b", "a")
    assert dict(zip(HIERARCHY.terms, HIERARCHY.level_of_term.tolist(), strict=True)) == {
        "P": 0, "Q": 0, "R": 1, "S": 2, "out (2)": 3, "out.1": 3,
    }  # fmt: skip
    expected = {(child.removesuffix("_gene"), parent): sign for (child, parent), sign in EDGES.items()}
    assert signs_by_edge(HIERARCHY) == expected


@pytest.mark.parametrize("signed", [False, True])
def test_equals_a_kpnn_in_double_precision(signed: bool):
    values, genes = inputs()
    reference = naive(regulatory(signed=signed), signed=signed)
    with jax.enable_x64(True), jax.numpy_dtype_promotion("standard"):
        model = in_double_precision(regulatory(signed=signed))
        found = call(model, values)
        expected = reference.forward(genes)
        for position, output in enumerate(OUTPUTS):
            np.testing.assert_allclose(found.output[:, position], expected[output], rtol=0, atol=1e-6)
        for position, node in enumerate(model.terms):
            np.testing.assert_allclose(found.states[:, position], expected[node], rtol=0, atol=1e-6)
        assert found.states.dtype == np.float64 and found.auxiliary.shape == (7, 0, 2)


def test_gradient_of_the_class_weighted_loss():
    values, genes = inputs()
    labels = {name: (np.random.default_rng(n).random(7) < 0.4).astype(float) for n, name in enumerate(OUTPUTS)}
    weights = np.array([1, 2, 0.5, 1, 3, 1, 0.2])
    loss, by_edge, by_node = naive(regulatory()).gradient(genes, labels, weights)
    with jax.enable_x64(True), jax.numpy_dtype_promotion("standard"):
        model = in_double_precision(regulatory())
        target = jnp.asarray(np.stack([labels[name] for name in OUTPUTS], axis=1))
        graph, params, rest = nnx.split(model, nnx.Param, ...)

        def loss_of(params: nnx.State) -> jax.Array:
            network = nnx.merge(graph, params, rest)
            scale = network.output_scaling.scale[...]
            return batch_losses("labels", network(jnp.asarray(values)), target, scale, jnp.asarray(weights))[0]

        found, gradient = jit(jax.value_and_grad(loss_of))(params)
        layer = gradient["subsystems"]
        model.subsystems.gene_weights[...] = layer["gene_weights"][...]
        model.subsystems.child_weights[...] = layer["child_weights"][...]
        of_edges = naive(model).edges
    assert abs(float(found) - loss) < 1e-6
    assert of_edges.keys() == by_edge.keys()
    for edge, expected in by_edge.items():
        assert abs(of_edges[edge] - expected) < 1e-6, edge
    np.testing.assert_allclose(layer["bias"][...], [by_node[term] for term in model.terms], rtol=0, atol=1e-6)


@pytest.mark.parametrize("step", [None, 0.001])
def test_node_weights(step: float | None):
    values, genes = inputs()
    with jax.enable_x64(True), jax.numpy_dtype_promotion("standard"):
        members = [regulatory(seed) for seed in range(3)]
        references = [naive(member) for member in members]
        model = in_double_precision(Replicates(members))  # type: ignore[arg-type]
        found = node_weights(model, values, step=step)
    assert found.shape == (3, 6, 2)
    for replicate, reference in enumerate(references):
        for position, output in enumerate(OUTPUTS):
            exact = reference.node_weights(genes, output)
            for term, node in enumerate(HIERARCHY.terms):
                expected = exact[node] if step is None else reference.central_difference(genes, output, node, step)
                assert abs(found[replicate, term, position] - expected) < 1e-6
                # Nodes move single outputs: R is no child of P, and no output is one of the other.
                assert (found[replicate, term, position] == 0) == (exact[node] == 0)


def test_a_sign_holds_whatever_is_written_to_the_weight():
    model = regulatory(signed=True)
    values, _ = inputs()
    before = call(model, values.astype(np.float32)).output
    for weights in (model.subsystems.gene_weights, model.subsystems.child_weights):
        signs = model.subsystems.signs
        known = np.array(signs.of_genes if weights is model.subsystems.gene_weights else signs.of_children) != 0
        weights[...] = jnp.where(known, -weights[...], weights[...])
    np.testing.assert_array_equal(call(model, values.astype(np.float32)).output, before)


def test_it_is_a_model_that_can_be_built_anew():
    model = regulatory(4, signed=True)
    assert isinstance(model, Model)
    again = build(model.arguments, model.hierarchy, seed=4)
    for one, two in zip(jax.tree.leaves(nnx.state(model)), jax.tree.leaves(nnx.state(again)), strict=True):
        assert one.dtype == two.dtype and (jnp.issubdtype(one.dtype, jax.dtypes.prng_key) or (one == two).all())


def test_errors():
    with pytest.raises(KgnnError, match=r"outputs are out.1, other, but the last level of the graph holds out \(2\), "):
        RegulatoryNetwork(HIERARCHY, outputs=["out.1", "other"], rngs=nnx.Rngs(0))
    with pytest.raises(KgnnError, match="Set last_activation='identity'"):
        RegulatoryNetwork(HIERARCHY, SubsystemSettings(1, "sigmoid", "none"), outputs=OUTPUTS, rngs=nnx.Rngs(0))
    with pytest.raises(KgnnError, match="6 terms have 10 states"):
        chosen = KPNN_SETTINGS._replace(n_states=(3, 1))
        node_weights(RegulatoryNetwork(HIERARCHY, chosen, outputs=OUTPUTS, rngs=nnx.Rngs(0)), np.zeros((2, 3)))  # type: ignore[arg-type]
    with pytest.raises(KgnnError, match="the hierarchy knows no signs"):
        unsigned, _ = compile_regulation(network(dict.fromkeys(EDGES, 0)))
        RegulatoryNetwork(unsigned, KPNN_SETTINGS._replace(signed=True), outputs=OUTPUTS, rngs=nnx.Rngs(0))
