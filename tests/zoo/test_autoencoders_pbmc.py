"""Gene-set autoencoders on 700 annotated blood cells: clusters of the latent states beside those of PCA."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pandas
import pytest

from kgnn.data import Samples
from kgnn.interpret import latent_enrichment, rank_enriched, term_activity
from kgnn.perturb.forward import wild_type
from kgnn.structure import Hierarchy
from kgnn.zoo import fit_recipe, recipe

SEEDS = range(3)
MARKED = {
    "CD19+ B": ("B cell",),
    "CD14+ Monocyte": ("innate", "neutrophil", "leukocyte", "phago"),
    "Dendritic": ("antigen processing",),
}
"""Words of which the names of the three terms that mark a cell type must hold one.

The pruned extract has no term of cell killing, so that natural killer cells are not among them; kinds of T cells differ
too little here for any term to mark them surely.
"""


@pytest.fixture(scope="module")
def blood() -> tuple[Samples, Hierarchy]:
    if find_spec("scanpy") is None:
        pytest.skip("the cells lie in the scanpy package, which is not installed")
    from kgnn.demo import demo_hierarchy, demo_samples

    samples = demo_samples()
    return samples, demo_hierarchy(samples)[0]


def agreement(values: np.ndarray, labels: np.ndarray) -> float:
    """Adjusted Rand index of ten clusters with ten cell types, mean over five starts of k-means."""
    from sklearn.cluster import KMeans
    from sklearn.metrics import adjusted_rand_score
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        found = [KMeans(10, n_init=5, random_state=start).fit_predict(values) for start in range(5)]
    return float(np.mean([adjusted_rand_score(labels, each) for each in found]))


@pytest.mark.slow
def test_latent_clusters_are_cell_types_as_much_as_those_of_pca(blood: tuple[Samples, Hierarchy]):
    from sklearn.decomposition import PCA

    samples, hierarchy = blood
    labels, values = samples.require_targets().values, samples.gene_values()
    scaled = (values - values.mean(axis=0)) / np.maximum(values.std(axis=0), 1e-6)
    by_pca = max(
        agreement(PCA(size, random_state=0).fit_transform(each), labels)
        for each in (values, scaled) for size in (10, 20, 50)
    )  # fmt: skip
    found, tables, cell_types = [], [], np.array(samples.require_targets().names)[labels]
    for seed in SEEDS:
        run = fit_recipe(recipe("vega"), hierarchy, samples, settings={"seed": seed}, baselines=())
        found.append(agreement(wild_type(run.model, samples)[1], labels))
        tables.append(latent_enrichment(run, samples, cell_types))
        assert term_activity(run, samples).shape == (700, hierarchy.n_terms)
    print(f"adjusted Rand index: PCA {by_pca:.3f}, latent states {np.mean(found):.3f} ({np.round(found, 3).tolist()})")
    assert np.mean(found) >= by_pca - 0.02
    mean = pandas.concat(tables).groupby(["group", "term", "name"])[["bayes_factor", "difference"]].mean().reset_index()
    mean = mean[mean["term"] != hierarchy.root]
    best = {group: rank_enriched(rows).head(3) for group, rows in mean.groupby("group")}
    for group, rows in best.items():
        named = zip(rows["name"], rows["bayes_factor"], strict=True)
        print(f"{group:<32}", "; ".join(f"{name} ({factor:.1f})" for name, factor in named))
    for group, words in MARKED.items():
        assert any(word in name for word in words for name in best[group]["name"]), (group, best[group])
    # The genes of the first term stand high in their type, and not in the next type of the list.
    of_term = np.stack([scaled[:, list(genes)].mean(axis=1) for genes in hierarchy.gene_sets], axis=1)
    groups, own, other = sorted(best), [], []
    for group, following in zip(groups, [*groups[1:], groups[0]], strict=True):
        above = of_term[cell_types == group].mean(axis=0) - of_term[cell_types != group].mean(axis=0)
        place = above.argsort().argsort() / (len(above) - 1)
        own.append(place[hierarchy.term_index[best[group]["term"].iloc[0]]])
        other.append(place[hierarchy.term_index[best[following]["term"].iloc[0]]])
    print(f"place of the genes of the first term: {np.mean(own):.2f} in its type, {np.mean(other):.2f} in the next")
    assert np.mean(own) >= 0.75 and np.mean(own) > np.mean(other) + 0.15
