"""A screen on the DrugCell ontology, against running the whole network again."""

from __future__ import annotations

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pandas
from flax import nnx

import kgnn
from kgnn.data import Samples
from kgnn.knowledge.provenance import Provenance
from kgnn.layers import SubsystemSettings
from kgnn.models import VisibleNetwork
from kgnn.perturb.reach import Reach
from kgnn.structure import compile_hierarchy
from kgnn.train import Run, TrainConfig
from tests.models.compiled import call
from tests.models.weights import in_double_precision, randomize
from tests.perturb.test_screen import effects, ranked


def test_the_drugcell_ontology(shared_data: Path) -> None:
    folder = shared_data / "drugcell"
    genes = [line.split("\t")[1] for line in (folder / "gene2ind.txt").read_text().splitlines()]
    hierarchy, _ = compile_hierarchy(kgnn.read_ontology(folder / "drugcell_ont.txt.gz"), genes)
    # Weights of this size make effects that are large beside the tolerance.
    chosen = SubsystemSettings(6, heads="tanh_linear", gene_layer=True, initial_scale=3.0)
    model = VisibleNetwork(hierarchy, chosen, rngs=nnx.Rngs(0))
    randomize(model, 1)
    x = (np.random.default_rng(0).random((6, hierarchy.n_genes)) < 0.2).astype(np.uint8)
    data = Samples.from_values(x, hierarchy.genes, meaning="alteration")
    run = Run(model, data, TrainConfig(), pandas.DataFrame(), {}, {}, Provenance())
    # The genes with most terms above them, with fewest, and some between.
    reach = [len(terms) for terms in Reach(hierarchy).terms_of_gene]
    chosen = np.argsort(reach)[[0, 1, len(reach) // 2, len(reach) * 9 // 10, -2, -1]]
    names = [hierarchy.genes[gene] for gene in chosen]
    pairs = [(names[0], names[5]), (names[2], names[4])]
    table = kgnn.screen(run, names, pairs=pairs, samples=data, top_k=3)
    assert len(table) == 6 * 8

    perturbed = [(each,) for each in names] + pairs
    inputs = [x.astype(np.float32)]
    for each in perturbed:
        inputs.append(inputs[0].copy())
        inputs[-1][:, [hierarchy.genes.index(gene) for gene in each]] = 1.0
    # In double precision: with weights of this size either way of computing in single precision is off by some 1e-6.
    with jax.enable_x64(True):
        found = call(in_double_precision(model), jnp.asarray(np.concatenate(inputs)))
    outputs, states = found.output.reshape(9, 6, 1), found.states.reshape(9, 6, hierarchy.n_terms, 6)
    assert np.abs(outputs[1:] - outputs[0]).max() > 0.01
    for row, each in enumerate(perturbed, start=1):
        name = "+".join(each)
        found_effects = effects(table, name, outputs=("output",))
        np.testing.assert_allclose(found_effects, outputs[row] - outputs[0], atol=1e-5)
        altered = np.all(inputs[0][:, [hierarchy.genes.index(gene) for gene in each]], axis=1).tolist()
        assert (found_effects[np.array(altered)] == 0).all()
        rms = np.sqrt(np.square(states[row] - states[0]).mean(axis=2))
        for sample, ranking in enumerate(ranked(table, name, 3)):
            assert len(ranking) == (0 if altered[sample] else min(3, (rms[sample] > 1e-12).sum()))
            for term, value in ranking.items():
                np.testing.assert_allclose(value, rms[sample, hierarchy.term_index[term]], atol=1e-5)
            largest = np.sort(rms[sample])[::-1][: len(ranking)]
            np.testing.assert_allclose(list(ranking.values()), largest, atol=1e-5)
