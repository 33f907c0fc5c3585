"""The dense network equals its equations and has the size that was asked for."""

from __future__ import annotations

import jax
import numpy as np
import pytest
from flax import nnx

from kgnn.models import DenseNetwork, width_of_equal_size
from tests.models.compiled import call
from tests.models.weights import in_double_precision, naive_dense, named_arrays, randomize

GENES = tuple("abcde")


def expected(model: DenseNetwork, x: np.ndarray, others: np.ndarray, **arguments) -> np.ndarray:
    arrays = {name: array.astype(np.float64) for name, array in named_arrays(model).items()}
    scaled = (x.astype(np.float64) - arrays["gene_scaling.center"]) / arrays["gene_scaling.scale"]
    hidden, _ = naive_dense(model.stack)(np.concatenate([scaled, others], axis=1), **arguments)
    output = hidden @ arrays["output_layer.kernel"].T + arrays["output_layer.bias"]
    return output * arrays["output_scaling.scale"] + arrays["output_scaling.center"]


def test_equals_the_equations():
    outputs = ["one", "two", "three"]
    model = DenseNetwork(GENES, 4, hidden=6, outputs=outputs, gene_modality="tissue", rngs=nnx.Rngs(2))
    randomize(model, 1)
    rng = np.random.default_rng(3)
    x, others = (rng.normal(size=(7, n)).astype(np.float32) for n in (5, 4))
    weights = np.array([1, 2, 0, 1, 0.5, 1, 3])
    # In the order of the alphabet, in which jit hands a dict on, the genes would come last.
    inputs = {"tissue": x, "drug": others[:, :3], "mass": others[:, 3:]}
    found = call(model, inputs, gate=None)
    assert [each.shape for each in found[:3]] == [(7, 3), (7, 0, 3), (7, 0)]
    np.testing.assert_allclose(found.output, expected(model, x, others), rtol=1e-5, atol=1e-5)
    with jax.enable_x64(True), jax.numpy_dtype_promotion("standard"):
        trained = call(in_double_precision(model), inputs, weights=weights, train=True).output
    theirs = expected(model, x, others, weights=weights, train=True)
    np.testing.assert_allclose(trained, theirs, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize(("n_features", "n_outputs", "n_parameters"), [(50, 1, 10_000), (7, 3, 900), (765, 10, 60_000)])
def test_width_of_equal_size(n_features, n_outputs, n_parameters):
    def size(width: int) -> int:
        model = DenseNetwork([f"g{n}" for n in range(n_features)], hidden=width, outputs=n_outputs, rngs=nnx.Rngs(0))
        return sum(leaf.size for leaf in jax.tree.leaves(nnx.state(model, nnx.Param)))

    width = width_of_equal_size(n_parameters, n_features, n_outputs)
    assert size(width) <= n_parameters + n_outputs < size(width + 1) + n_outputs
    assert width_of_equal_size(1, n_features, n_outputs) == 4


def test_one_modality():
    model = DenseNetwork(GENES, hidden=4, rngs=nnx.Rngs(2))
    x = np.random.default_rng(3).random((3, 5)) < 0.5
    found = call(model, x.astype(np.int8)).output
    np.testing.assert_array_equal(found, call(model, {"genotype": x.astype(np.float32)}).output)
    assert (model.terms, model.heads, model.hierarchy, model.output_names) == ((), (), None, ("output",))
