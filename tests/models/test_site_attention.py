"""Sites times factors: tokens by hand, and padding without influence."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from kgnn.data import sequence_samples
from kgnn.errors import AlignmentError, KgnnError
from kgnn.knowledge import Motif, MotifSet
from kgnn.models import Rows, SiteAttentionNetwork
from kgnn.structure import compile_kernels


def word(letters: str, name: str) -> Motif:
    return Motif.from_counts(
        f"M_{name}", [[40.0 * (base == letter) + 1 for base in "ACGT"] for letter in letters], name=name
    )


MOTIFS = MotifSet(
    (word("ACCTGGA", "ABC"), word("GATTACA", "DEF::ghi"), word("TTTGCAT", "unmeasured"), word("CCGCGCC", "JKL"))
)
FACTORS = ("ghi", "jkl", "abc", "def", "xyz")
PROMOTERS = ["CCACCTGGACCTTTGCATAA", "TGTGATTACATAGGCGCGGT", "AAAAAAAAAAAAAAAAAAAA"]


def network(**arguments) -> SiteAttentionNetwork:
    kernels = compile_kernels(MOTIFS, both_strands=True)
    return SiteAttentionNetwork(
        kernels, factors=FACTORS, n_positions=20, units=3, heads=2, hidden=4, rngs=nnx.Rngs(0), **arguments
    )


def inputs(expression=None):
    values = np.random.default_rng(0).normal(size=(3, 5)) if expression is None else expression
    promoters = jnp.asarray(sequence_samples(PROMOTERS).inputs(), jnp.float32)
    return {"sequence": promoters, "expression": jnp.asarray(values, jnp.float32)}


def test_tokens_by_hand():
    expression = np.array([[1, 2, 3, 4, 5], [7, 6, 5, 4, 3], [1, 1, 1, 1, 1]], np.float32)
    tokens, present = network().tokens(inputs(expression))
    # The first promoter has ABC and the unmeasured one, the second the dimer and, on the other strand, JKL.
    assert np.asarray(present).tolist() == [[True, False, False, False], [False, True, False, True], [False] * 4]
    np.testing.assert_allclose(tokens[0, 0], [1, 3, 3], rtol=1e-4)
    np.testing.assert_allclose(tokens[1, 1], [1, 4, 4], rtol=1e-4)
    np.testing.assert_array_equal(np.asarray(tokens)[~np.asarray(present)], 0)


def test_contract_and_gradients():
    model = network(outputs=3)
    found = model(inputs())
    assert (found.output.shape, found.states.shape) == ((3, 3), (3, 12))
    assert model.terms == ("M_ABC", "M_DEF::ghi", "M_unmeasured", "M_JKL")
    np.testing.assert_allclose(model(inputs(), gate=jnp.ones(4)).output, found.output, rtol=1e-5, atol=1e-6)
    without = model(inputs(), gate=jnp.array([0.0, 1, 1, 1]))
    assert float(jnp.abs(without.output - found.output)[0].max()) > 0
    np.testing.assert_allclose(without.output[1:], found.output[1:], rtol=1e-5, atol=1e-6)
    graph, params, rest = nnx.split(network(filters="free"), nnx.Param, ...)
    gradient = jax.grad(lambda params: nnx.merge(graph, params, rest, copy=True)(inputs()).output[1].sum())(params)
    for path, leaf in jax.tree_util.tree_leaves_with_path(gradient):
        assert float(jnp.abs(leaf).sum()) > 0, jax.tree_util.keystr(path)


def test_shared_promoters_give_the_same():
    model, separate = network(), inputs()
    index = jnp.array([2, 0, 0, 1])
    shared = {
        "sequence": Rows(separate["sequence"], index),
        "expression": separate["expression"][jnp.array([0, 1, 2, 2])],
    }
    apart = {"sequence": separate["sequence"][index], "expression": shared["expression"]}
    np.testing.assert_allclose(model(shared).output, model(apart).output, rtol=1e-5, atol=1e-6)


def test_a_motif_without_a_site_has_no_influence():
    first, second = np.random.default_rng(1).normal(size=(2, 3, 5))
    kept = {0: [2], 1: [0, 3, 1], 2: []}
    for sample, columns in kept.items():
        mixed = second.copy()
        mixed[sample, columns] = first[sample, columns]
        np.testing.assert_array_equal(network()(inputs(first)).output[sample], network()(inputs(mixed)).output[sample])


def test_padding_never_changes_an_output():
    """Motifs that have a site nowhere may be there or not, wherever they stand, whatever their factors do."""
    absent = (word("CACACACACACA", "xyz"), word("GTGTCTCTGTGT", "JKL::abc"))
    padded = MotifSet((absent[0], *MOTIFS.motifs[:2], absent[1], *MOTIFS.motifs[2:]))
    few, many = (
        SiteAttentionNetwork(
            compile_kernels(each, 12, both_strands=True), factors=FACTORS, n_positions=20, units=3, heads=2, hidden=4,
            rngs=nnx.Rngs(0),
        )
        for each in (MOTIFS, padded)
    )  # fmt: skip
    # Nothing but the sites and the means of tokens has a size that counts motifs.
    for name in ("exchange", "pooling", "hidden", "output_layer"):
        nnx.update(getattr(many, name), nnx.state(getattr(few, name)))
    _, present = many.tokens(inputs())
    assert not np.asarray(present)[:, [0, 3]].any() and np.asarray(present).any(axis=1).tolist() == [True, True, False]
    np.testing.assert_allclose(many(inputs()).output, few(inputs()).output, rtol=1e-5, atol=1e-6)
    assert np.isfinite(np.asarray(many(inputs()).output)).all()


def test_mistakes():
    with pytest.raises(AlignmentError, match="none of the 4 motifs belongs to a measured factor"):
        SiteAttentionNetwork(compile_kernels(MOTIFS), factors=("q",), n_positions=20, rngs=nnx.Rngs(0))
    with pytest.raises(KgnnError, match="'sequence' and the expression of factors"):
        network()(inputs()["sequence"])
