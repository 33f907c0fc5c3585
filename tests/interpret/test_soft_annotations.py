"""A visible network finds planted genes that its terms lack."""

from __future__ import annotations

import numpy as np
import pytest
from flax import nnx

from kgnn.data import Samples, Targets
from kgnn.errors import AlignmentError, KgnnError
from kgnn.interpret import prior_not_needed, select_annotations
from kgnn.knowledge import Annotation, Ontology, Relation, Term
from kgnn.layers import StateRule, SubsystemSettings
from kgnn.layers.prices import WeightPrices
from kgnn.models import VisibleNetwork
from kgnn.structure import Hierarchy, add_annotations, compile_hierarchy, unlinked_pairs
from kgnn.train import TrainConfig
from tests.train.small import small_hierarchy

#   root ── T0: a b c d    T1: e f g h    T2: i j k l    T3: m n o p
SETS = {f"T{n}": list("abcdefghijklmnop"[4 * n : 4 * n + 4]) for n in range(4)}
MISSING = {("e", "T0"), ("m", "T2")}
"""True, and not in the prior."""
SUPERFLUOUS = {("a", "T3"), ("j", "T1")}
"""In the prior, and false."""
CONFIG = TrainConfig(
    epochs=60, batch_size=100, learning_rate=0.02, schedule="cosine", valid_fraction=0.0, auxiliary_weight=0.0
)


def prior() -> Ontology:
    terms = {name: Term(name, name) for name in ("root", *SETS)}
    pairs = [(gene, term) for term, genes in SETS.items() for gene in genes] + sorted(SUPERFLUOUS)
    return Ontology(terms, tuple(Relation(t, "root") for t in SETS), tuple(Annotation(*pair) for pair in pairs))


def planted(n: int = 1000, seed: int = 0) -> Samples:
    """A sum over terms that saturate, so that a gene in another term is not the same."""
    random = np.random.default_rng(seed)
    genes = [gene for own in SETS.values() for gene in own]
    values = random.normal(size=(n, 16)).astype(np.float32)
    column = dict(zip(genes, values.T, strict=True))
    members = {term: [*own, *(gene for gene, other in MISSING if other == term)] for term, own in SETS.items()}
    growth = sum(np.tanh(sum(column[gene] for gene in own)) for own in members.values())
    noisy = growth + random.normal(0, 0.2, n)
    targets = Targets(np.asarray(noisy, np.float32)[:, None], ("growth",), "regression")
    return Samples.from_values(values, genes, meaning="abundance", targets=targets)


SAMPLES = planted()
HIERARCHY = compile_hierarchy(prior(), SAMPLES.genes)[0]


def network(hierarchy: Hierarchy = HIERARCHY, n_states: int | StateRule = 2) -> VisibleNetwork:
    return VisibleNetwork(hierarchy, SubsystemSettings(n_states, heads="none"), outputs=["growth"], rngs=nnx.Rngs(0))


@pytest.mark.parametrize("seed", [0, 1])
def test_planted_annotations_are_found(seed: int):
    table = select_annotations(network(n_states=1), planted(seed=seed), CONFIG, soft=0.03, fits=6)
    beyond = table[~table["in_prior"] & (table["selected"] >= 0.8)]
    found = set(zip(beyond["gene"], beyond["term"], strict=True))
    assert found == MISSING
    own = table[table["in_prior"]]
    assert len(own) == 18 and (own["selected"] == 1).all() and set(table["n_fits"]) == {6}


#   R ── A: a1 a2 a3    B: b1 b2    C: c, with one gene of R's own
def test_wider_hierarchies():
    before = small_hierarchy()
    pairs = unlinked_pairs(before)
    assert all(before.level_of_term[term] == 0 for _, term in pairs)
    wider, is_new = add_annotations(before, np.concatenate([pairs[:3], pairs[:1]]))
    assert is_new.sum() == 3 and len(wider.annotation_gene) == len(before.annotation_gene) + 3
    assert (np.diff(wider.annotation_term.astype(int) * wider.n_genes + wider.annotation_gene) > 0).all()
    kept = set(zip(wider.annotation_gene[~is_new], wider.annotation_term[~is_new], strict=True))
    assert kept == set(zip(before.annotation_gene, before.annotation_term, strict=True))
    every, _ = add_annotations(before, pairs)
    assert len(unlinked_pairs(every)) == 0 and len(add_annotations(before, pairs[:0])[0].annotation_gene) == len(
        before.annotation_gene
    )


def test_every_weight_has_its_own_price():
    prices = WeightPrices((0.0, 1.0, 2.0))
    found = prices(np.array([-1.0, -1.0, 1.5], np.float32), np.array([1.0, 0.5, 0.5], np.float32))  # type: ignore[arg-type]
    np.testing.assert_allclose(found, [-1.0, -0.5, 0.5])
    assert hash(prices) == hash(WeightPrices((0.0, 1.0, 2.0)))


def test_only_the_candidates_that_are_named_are_tried():
    config = CONFIG.updated({"epochs": 2, "average": 0.9})
    # States follow the genes of the prior, to which candidates do not belong yet.
    model = network(n_states=StateRule(1, 0.25))
    table = select_annotations(model, SAMPLES, config, soft=1e-6, candidates=[("e", "T0"), ("b", "T1")], fits=1)
    beyond = table[~table["in_prior"]]
    assert set(zip(beyond["gene"], beyond["term"], strict=True)) == {("e", "T0"), ("b", "T1")}
    assert (table[table["in_prior"]]["selected"] == 1).all()
    with pytest.raises(KgnnError, match="18 of 18 links of the prior had no price.*kgnn prune tells"):
        prior_not_needed(table)


def test_what_means_nothing_is_refused():
    with pytest.raises(KgnnError, match="soft is 0"):
        select_annotations(network(), SAMPLES, CONFIG, soft=0)
    with pytest.raises(AlignmentError, match="1 of 2 candidates: e – T9"):
        select_annotations(network(), SAMPLES, CONFIG, soft=1, candidates=[("e", "T0"), ("e", "T9")])
    with pytest.raises(KgnnError, match="there are 0 candidates"):
        select_annotations(network(), SAMPLES, CONFIG, soft=1, candidates=[])
    with pytest.raises(KgnnError, match="share 2"):
        select_annotations(network(), SAMPLES, CONFIG, soft=1, share=2)
