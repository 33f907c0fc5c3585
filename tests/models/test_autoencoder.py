"""`GeneSetAutoencoder` against an independent version in NumPy, and what of the knowledge its states obey."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from kgnn.data import random_ontology
from kgnn.errors import KgnnError
from kgnn.layers.decoder import DecoderSettings
from kgnn.models import GeneSetAutoencoder, build
from kgnn.models.autoencoder import negative_binomial_loss
from kgnn.models.build import arguments_from_json, arguments_to_json
from kgnn.structure import Hierarchy, compile_hierarchy
from tests.models.compiled import call, jit
from tests.train.small import GENES, arrays_of, assert_same, small_hierarchy

CHOICES = [
    DecoderSettings(2, "root"),
    DecoderSettings(2, "top", "all", "tanh"),
    DecoderSettings(1, "every", soft=0.1),
    DecoderSettings(3, "root", "all", non_negative=True, soft=0.2),
]


def random_hierarchy(seed: int = 3) -> Hierarchy:
    return compile_hierarchy(random_ontology(6, 8, seed), [f"G{gene}" for gene in range(8)])[0]


def model_of(hierarchy: Hierarchy, decoder: DecoderSettings, **options) -> GeneSetAutoencoder:
    """With weights and statistics that are not those of the start."""
    model = GeneSetAutoencoder(hierarchy, decoder, hidden=(5,), rngs=nnx.Rngs(1), **options)
    rng = np.random.default_rng(0)
    for _, value in nnx.to_flat_state(nnx.state(model, nnx.Param)):
        value[...] = jnp.asarray(rng.normal(size=value.shape), jnp.float32)
    model.gene_scaling.set(rng.normal(size=hierarchy.n_genes), rng.uniform(1, 2, size=hierarchy.n_genes))
    model.output_scaling.set(rng.normal(size=hierarchy.n_genes), rng.uniform(1, 2, size=hierarchy.n_genes))
    model.decoder.reference[...] = jnp.asarray(rng.normal(size=model.decoder.reference.shape), jnp.float32)
    return model


def naive(model: GeneSetAutoencoder, values: np.ndarray, gate=None, shift=None) -> tuple[np.ndarray, np.ndarray]:
    """Output and states ``[sample, term, state]``, term by term in the words of the hierarchy."""
    found = {name: np.asarray(value, np.float64) for name, value in arrays_of(nnx.state(model, nnx.Param)).items()}
    settings, hierarchy = model.decoder.settings, model.hierarchy
    scaled = (values - np.asarray(model.gene_scaling.center[...])) / np.asarray(model.gene_scaling.scale[...])
    layer = "['encoder']['layers'][0]"
    hidden = np.maximum(scaled @ found[f"{layer}['kernel'].value"].T + found[f"{layer}['bias'].value"], 0)
    norm = "['encoder']['norms'][0]"
    hidden = hidden / np.sqrt(1 + 1e-5) * found[f"{norm}['scale'].value"] + found[f"{norm}['bias'].value"]
    latent = hidden @ found["['to_mean']['kernel'].value"].T + found["['to_mean']['bias'].value"]
    width, root = settings.n_states, hierarchy.n_terms - 1
    sign = (lambda w: np.maximum(w, 0)) if settings.non_negative else (lambda w: w)
    reads = {}
    for term in range(hierarchy.n_terms):
        top = {root, *hierarchy.children_of_term[root].tolist()}
        latent_here = settings.latent == "every" or (term in top if settings.latent == "top" else term == root)
        above = hierarchy.ancestors(term)[1:] if settings.skips == "all" else hierarchy.parents_of_term[term]
        reads[term] = [] if latent_here else sorted(above.tolist())
    depth = {}
    for term in reversed(range(hierarchy.n_terms)):
        depth[term] = 1 + max(depth[each] for each in reads[term]) if reads[term] else 0
    steps = [[t for t in range(hierarchy.n_terms) if depth[t] == d] for d in range(max(depth.values()) + 1)]
    order = [term for step in steps for term in step]
    place = {term: position for position, term in enumerate(order)}
    states = np.zeros((len(values), hierarchy.n_terms, width))
    reference = np.asarray(model.decoder.reference[...]).reshape(hierarchy.n_terms, width)
    activation = np.tanh if settings.activation == "tanh" else lambda x: x
    for number, step in enumerate(steps):
        weights = [] if number == 0 else iter(sign(found[f"['decoder']['maps'][{number - 1}]['weights'].value"]))
        for position, term in enumerate(step):
            if number == 0:
                own = latent[:, position * width : (position + 1) * width]
            else:
                own = found[f"['decoder']['biases'][{number - 1}].value"][position][None, :]
                for parent in sorted(reads[term], key=lambda each: place[each]):
                    own = own + states[:, parent] @ next(weights).T
                own = activation(own)
            if gate is not None:
                own = gate[:, term, None] * own + (1 - gate[:, term, None]) * reference[term]
            states[:, term] = own if shift is None else own + shift.reshape(len(values), -1, width)[:, term]
    whole = settings.skips == "all" or settings.latent == "every"
    genes = np.tile(found["['decoder']['gene_bias'].value"], (len(values), 1))
    weights = iter(sign(found["['decoder']['genes']['weights'].value"]))
    members = list(hierarchy.gene_sets if whole else hierarchy.genes_of_term)
    if settings.latent == "every":
        members[root] = hierarchy.genes_of_term[root]
    soft = sign(found["['decoder']['soft_weights'].value"]) if settings.soft else None
    for gene in range(hierarchy.n_genes):
        for term in order:
            if gene in members[term]:
                genes[:, gene] += states[:, term] @ next(weights)[0]
            elif soft is not None:
                genes[:, gene] += states[:, term] @ soft[gene, term]
    scale, center = np.asarray(model.output_scaling.scale[...]), np.asarray(model.output_scaling.center[...])
    return genes * scale + center, states


@pytest.mark.parametrize("decoder", CHOICES, ids=str)
@pytest.mark.parametrize("changed", [False, True], ids=["plain", "gate and shift"])
def test_equals_the_equations_term_by_term(decoder: DecoderSettings, changed: bool):
    model = model_of(random_hierarchy(), decoder)
    rng = np.random.default_rng(5)
    values = rng.normal(size=(4, 8))
    gate = rng.uniform(size=(4, 6)) if changed else None
    shift = rng.normal(size=(4, 6 * decoder.n_states)) if changed else None
    to = lambda array: None if array is None else jnp.asarray(array, jnp.float32)  # noqa: E731
    found = call(model, to(values), gate=to(gate), shift=to(shift))
    output, states = naive(model, values, gate, shift)
    np.testing.assert_allclose(found.output, output, rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(found.states, states.reshape(4, -1), rtol=1e-5, atol=1e-4)
    assert found.penalty is None and found.auxiliary.shape == (4, 0, 8)


def test_a_state_moves_the_genes_below_it_and_no_other():
    hierarchy = small_hierarchy()
    model = GeneSetAutoencoder(hierarchy, DecoderSettings(2, "top"), hidden=(5,), rngs=nnx.Rngs(0))
    jacobian = jit(jax.jacobian(lambda shift: model(jnp.ones((1, 7)), shift=shift).output[0]))(jnp.zeros(8))
    moved = np.abs(jacobian).reshape(7, 4, 2).max(axis=2) > 0
    below = {"R": ["r"], "A": ["a1", "a2", "a3", "c (+)"], "B": ["b1", "b2"], "C": ["c (+)"]}  # R: a latent of its own
    for term, name in enumerate(hierarchy.terms):
        assert [gene for gene, is_moved in zip(GENES, moved[:, term], strict=True) if is_moved] == below[name], name


def test_training_draws_codes_and_reports_their_divergence():
    model = model_of(random_hierarchy(), DecoderSettings(1, "every"), kl_weight=0.5)
    values = jnp.asarray(np.random.default_rng(0).normal(size=(6, 8)), jnp.float32)
    graph, params, rest = nnx.split(model, nnx.Param, ...)

    def loss(params):
        found = nnx.merge(graph, params, rest, copy=True)(values, train=True)
        again = nnx.merge(graph, params, rest, copy=True)(values, train=True)
        later = nnx.merge(graph, params, nnx.state(model, nnx.Not(nnx.Param)), copy=True)
        later(values, train=True)
        redrawn = later(values, train=True).output
        return jnp.square(found.output - values).sum() + found.penalty.sum(), (found, again.output, redrawn)

    gradients, (found, again, redrawn) = jit(jax.grad(loss, has_aux=True))(params)
    for path, gradient in nnx.to_flat_state(gradients):
        assert np.any(gradient[...] != 0), path
    np.testing.assert_allclose(found.output, again, rtol=1e-5)
    assert not np.allclose(found.output, redrawn)
    assert found.penalty.shape == (6,) and (np.asarray(found.penalty) >= 0).all()


def test_divergence_is_that_from_the_standard_normal():
    model = model_of(random_hierarchy(), DecoderSettings(1, "every"), kl_weight=0.5, dropout=0.0)
    for dense, at in ((model.to_mean, 0.3), (model.to_log_variance, np.log(0.25))):
        dense.kernel[...] = jnp.zeros_like(dense.kernel[...])
        dense.bias[...] = jnp.full(dense.bias.shape, at, jnp.float32)
    penalty = call(model, jnp.ones((2, 8)), train=True).penalty
    expected = 0.5 * 6 * 0.5 * (0.3**2 + 0.25 - 1 - np.log(0.25))
    np.testing.assert_allclose(penalty, expected, rtol=1e-5)


def test_negative_binomial_loss_is_that_of_scipy_but_for_a_constant():
    from scipy.stats import nbinom

    rng = np.random.default_rng(0)
    mean, theta, counts = rng.uniform(0.1, 9, (5, 3)), rng.uniform(0.2, 4, 3), rng.poisson(3, (5, 3))
    expected = -nbinom.logpmf(counts, theta, theta / (theta + mean)) - _log_factorial(counts)
    found = negative_binomial_loss(*(jnp.asarray(each, jnp.float32) for each in (mean, counts, theta)))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def _log_factorial(counts: np.ndarray) -> np.ndarray:
    from scipy.special import gammaln

    return gammaln(counts + 1)


def test_counts_are_shared_out_among_the_genes():
    model = model_of(random_hierarchy(), DecoderSettings(1, "every"), likelihood="negative_binomial")
    counts = jnp.asarray(np.random.default_rng(0).poisson(4, (3, 8)), jnp.float32)
    found = call(model, counts)
    output = found.output
    assert (np.asarray(output) >= 0).all()
    np.testing.assert_allclose(output.sum(axis=1), counts.sum(axis=1), rtol=1e-5)
    share = jnp.array([0.5, 0.5, 0.0])
    assert model.loss(counts, found, counts, share) == model.loss(counts, found, counts.at[2].set(0.0), share)


@pytest.mark.parametrize("decoder", CHOICES[:3], ids=str)
def test_is_built_anew_from_its_arguments(decoder: DecoderSettings):
    hierarchy = random_hierarchy()
    model = GeneSetAutoencoder(hierarchy, decoder, hidden=(5, 4), kl_weight=0.2, rngs=nnx.Rngs(7))
    arguments = arguments_from_json(arguments_to_json(model.arguments))
    assert arguments == model.arguments
    assert_same(build(arguments, hierarchy, seed=7), model)


def test_padding_and_the_order_of_samples_change_nothing():
    model = model_of(random_hierarchy(), DecoderSettings(2, "top"))
    values = jnp.asarray(np.random.default_rng(0).normal(size=(6, 8)), jnp.float32)
    whole = call(model, values).output
    np.testing.assert_allclose(call(model, values[::-1]).output, whole[::-1], atol=1e-5)
    padded = call(model, jnp.concatenate([values, jnp.full((2, 8), 9.0)])).output
    np.testing.assert_allclose(padded[:6], whole, atol=1e-5)


def test_what_means_nothing_is_refused():
    hierarchy = small_hierarchy()
    with pytest.raises(KgnnError, match="Choose one of: gaussian, negative_binomial"):
        GeneSetAutoencoder(hierarchy, likelihood="poisson", rngs=nnx.Rngs(0))
    with pytest.raises(KgnnError, match="Choose one of: every, root, top"):
        GeneSetAutoencoder(hierarchy, DecoderSettings(latent="leaf"), rngs=nnx.Rngs(0))
    with pytest.raises(KgnnError, match="soft is -1"):
        GeneSetAutoencoder(hierarchy, DecoderSettings(soft=-1), rngs=nnx.Rngs(0))
    with pytest.raises(KgnnError, match="n_states is 0"):
        GeneSetAutoencoder(hierarchy, DecoderSettings(0), rngs=nnx.Rngs(0))
    with pytest.raises(KgnnError, match="2 modalities"):
        GeneSetAutoencoder(hierarchy, rngs=nnx.Rngs(0))({"a": jnp.ones((2, 7)), "b": jnp.ones((2, 3))})
