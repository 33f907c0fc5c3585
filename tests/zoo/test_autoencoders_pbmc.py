"""Gene-set autoencoders on 700 annotated blood cells: clusters of the latent states beside those of PCA."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest

from kgnn.data import Samples
from kgnn.interpret import latent_enrichment, term_activity
from kgnn.perturb.forward import wild_type
from kgnn.structure import Hierarchy
from kgnn.zoo import fit_recipe, recipe

SEEDS = range(3)
MARKED = {
    "CD19+ B": ("B cell", "immunoglobulin", "antigen"),
    "CD56+ NK": ("killing", "cytolysis", "natural killer", "cytotoxicity"),
    "CD14+ Monocyte": ("neutrophil", "myeloid", "phago", "bacteri", "leukocyte"),
}
"""Words of which the names of the terms that mark a cell type best must hold one."""


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
    found = []
    for seed in SEEDS:
        run = fit_recipe(recipe("vega"), hierarchy, samples, settings={"seed": seed}, baselines=())
        states = wild_type(run.model, samples)[1]
        found.append(agreement(states, labels))
    print(f"adjusted Rand index: PCA {by_pca:.3f}, latent states {np.mean(found):.3f} ({np.round(found, 3).tolist()})")
    assert np.mean(found) >= by_pca - 0.02
    cell_types = np.array(samples.require_targets().names)[labels]
    table = latent_enrichment(run, samples, cell_types)
    table = table[table["term"] != hierarchy.root]
    for cell_type, rows in table.groupby("group"):
        print(
            f"{cell_type:<32}",
            "; ".join(
                f"{name} ({factor:.1f})"
                for name, factor in zip(rows["name"][:3], rows["bayes_factor"][:3], strict=True)
            ),
        )
    for cell_type, words in MARKED.items():
        best = " ".join(table[table["group"] == cell_type]["name"].head(5))
        assert any(word in best for word in words), (cell_type, best)
    assert term_activity(run, samples).shape == (700, hierarchy.n_terms)
