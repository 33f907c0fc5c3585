"""Missing knowledge is found and superfluous knowledge told, on data where both were planted."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from kgnn.data import PlantedSets, planted_gene_sets
from kgnn.errors import KgnnError, RunError
from kgnn.interpret import prior_not_needed, select_edges, selected_edges
from kgnn.layers import DecoderSettings
from kgnn.models import GeneSetAutoencoder, Replicates
from kgnn.structure import compile_hierarchy
from kgnn.train import TrainConfig, fit
from tests.train.small import small_hierarchy, small_model

PLANTED = planted_gene_sets(300, 5, 8, n_missing=8, n_superfluous=8, noise=0.7, seed=1)
PRICED = DecoderSettings(latent="every", soft=0.5, edge_price=0.5)
CONFIG = TrainConfig(
    epochs=100, batch_size=100, learning_rate=5e-3, schedule="cosine", valid_fraction=0.0, score="r2"
)  # fmt: skip


def priced_model(planted: PlantedSets = PLANTED) -> GeneSetAutoencoder:
    hierarchy, _ = compile_hierarchy(planted.ontology, planted.samples.genes)
    return GeneSetAutoencoder(hierarchy, PRICED, hidden=(32,), dropout=0.0, kl_weight=0.5, rngs=nnx.Rngs(0))


def planted_members(n: int = 2) -> list[GeneSetAutoencoder]:
    """Networks over R: r; A: a1 a2 a3; B: b1 b2; C: c whose weights were written by hand."""
    members = []
    for number in range(n):
        model = GeneSetAutoencoder(small_hierarchy(), PRICED, hidden=(3,), rngs=nnx.Rngs(number))
        sign = -1.0 if number else 1.0
        model.decoder.genes.weights[...] = jnp.full(model.decoder.genes.weights.shape, 0.5 * sign)
        members.append(model)
    return members


def test_links_are_counted_over_networks_and_have_the_scale_of_the_term():
    members = planted_members()
    hierarchy = members[0].hierarchy
    b, a, gene = hierarchy.term_index["B"], hierarchy.term_index["A"], hierarchy.genes.index("a1")
    for sign, model in zip((1.0, -1.0), members, strict=True):
        model.decoder.soft_weights[...] = model.decoder.soft_weights[...].at[gene, b, 0].set(0.25 * sign)
        model.decoder.soft_weights[...] = model.decoder.soft_weights[...].at[gene, a, 0].set(9.0)  # of the prior
    members[1].decoder.soft_weights[...] = members[1].decoder.soft_weights[...].at[3, b, 0].set(1.0)
    weights = members[0].decoder.genes.weights
    dropped = int(np.flatnonzero(members[0].decoder.plan.genes.target == hierarchy.genes.index("b2"))[0])
    weights[...] = weights[...].at[dropped].set(0.0)
    table = selected_edges(Replicates(members))  # type: ignore[arg-type]
    beyond = table[~table["in_prior"]].set_index(["gene", "term"])
    assert beyond.index.tolist() == [("a1", "B"), ("a3", "B")]
    assert beyond["selected"].tolist() == [1.0, 0.5]
    np.testing.assert_allclose(beyond["weight"], [0.5, -1.0], rtol=1e-6)  # half as strong as a usual gene; against it
    prior = table[table["in_prior"]]
    assert len(prior) == sum(len(genes) for genes in hierarchy.gene_sets[:-1]) + 1
    assert (prior["selected"] < 1).sum() == 1
    assert prior_not_needed(table, at_most=0.5) == 1 / len(prior)
    assert set(table["n_fits"]) == {2} and table["priced"].all()


def test_planted_links_are_found_and_false_ones_told():
    run = fit(priced_model(), PLANTED.samples, CONFIG.updated({"replicates": 5}), baselines=())
    table = selected_edges(run)
    sets = table[table["term"] != "ROOT"]
    found = sets[~sets["in_prior"] & (sets["selected"] >= 0.8)]
    right = [(gene, term) in PLANTED.missing for gene, term in zip(found["gene"], found["term"], strict=True)]
    assert np.mean(right) >= 0.9 and np.sum(right) >= 0.75 * len(PLANTED.missing)
    prior = sets[sets["in_prior"]]
    false = np.array([pair in PLANTED.superfluous for pair in zip(prior["gene"], prior["term"], strict=True)])
    unused = prior["selected"].to_numpy() <= 0.2
    assert unused[false].mean() >= 0.75 and unused[~false].mean() <= 0.05
    assert 0.0 < prior_not_needed(table) < 0.5


def test_shares_of_the_samples_come_in_pairs_without_a_common_one():
    planted = planted_gene_sets(40, 2, 3, n_missing=1, n_superfluous=1, seed=1)
    quick = CONFIG.updated({"epochs": 2, "batch_size": 10})
    one, other = (select_edges(priced_model(planted), planted.samples, quick, fits=2, seed=3) for _ in range(2))
    assert one.equals(other) and set(one["n_fits"]) == {2}
    with pytest.raises(KgnnError, match="share 0"):
        select_edges(priced_model(planted), planted.samples, quick, share=0.0)


def test_what_has_no_price_has_no_selection():
    with pytest.raises(KgnnError, match="no link has a price"):
        selected_edges(GeneSetAutoencoder(small_hierarchy(), rngs=nnx.Rngs(0)))
    with pytest.raises(RunError, match="VisibleNetwork"):
        selected_edges(small_model())
    other = GeneSetAutoencoder(compile_hierarchy(PLANTED.ontology)[0], PRICED, rngs=nnx.Rngs(0))
    with pytest.raises(KgnnError, match="different hierarchies"):
        selected_edges([planted_members(1)[0], other])
    table = selected_edges(planted_members())
    with pytest.raises(KgnnError, match="no link of the prior"):
        prior_not_needed(table[~table["in_prior"]])
    free = GeneSetAutoencoder(small_hierarchy(), DecoderSettings(soft=0.5), hidden=(3,), rngs=nnx.Rngs(0))
    table = selected_edges(free)
    assert (table["priced"] == ~table["in_prior"]).all()
    with pytest.raises(KgnnError, match=r"(\d+) of \1 links of the prior had no price, so that every fit kept them"):
        prior_not_needed(table)
