"""Recipes over a network find a planted truth that baselines miss."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from kgnn.data import Samples, Targets
from kgnn.knowledge import Network, build_network, contact_network, make_contact_map
from kgnn.train import Run
from kgnn.zoo import fit_recipe, recipe

N_MODULES, SIZE = 6, 8
MODULE = np.arange(N_MODULES * SIZE) // SIZE
GENES = [f"g{gene:02}" for gene in range(len(MODULE))]


def modules(seed: int) -> Network:
    """Each module a path with a third of the further pairs inside it, and four edges anywhere."""
    random = np.random.default_rng(seed)
    one, other = np.triu_indices(len(MODULE), 1)
    inside = MODULE[one] == MODULE[other]
    kept = inside & ((other == one + 1) | (random.random(len(one)) < 0.35))
    kept[random.choice(len(one), 4, replace=False)] = True
    return build_network(GENES, one[kept], other[kept])


def score_of(run: Run, name: str) -> dict[str, float]:
    """Test score of the model and of every baseline."""
    others = {baseline: found["test"][name] for baseline, found in run.metrics["baselines"].items()}
    found = {"model": run.metrics["model"]["test"][name], **others}
    print({who: None if value is None else round(value, 3) for who, value in found.items()})
    return found


def perturbed(genes: np.ndarray, effect: np.ndarray, random: np.random.Generator) -> Samples:
    """Three cells for each gene; a perturbation does what its module does."""
    one = np.repeat(genes, 3)
    values = np.eye(len(MODULE), dtype=np.uint8)[one]
    response = effect[MODULE[one]] + random.normal(0, 0.5, (len(one), effect.shape[1]))
    targets = Targets(response.astype(np.float32), tuple(f"r{k}" for k in range(effect.shape[1])), "regression")
    return Samples.from_values(values, GENES, meaning="alteration", targets=targets)


def test_gears_foresees_genes_that_were_never_perturbed():
    random = np.random.default_rng(0)
    effect = random.normal(size=(N_MODULES, 20))
    held = np.isin(np.arange(len(MODULE)) % SIZE, (1, 4))
    train, test = (perturbed(np.flatnonzero(part), effect, random) for part in (~held, held))
    settings = {"valid_fraction": 0.0, "epochs": 100}
    run = fit_recipe(
        recipe("gears"), modules(0), train, test=test, settings=settings, baselines=("mean", "linear", "shuffled")
    )
    found = score_of(run, "mse")
    assert found["model"] < 0.6 * min(found["mean"], found["ridge"], found["shuffled"])


def followers(activity: np.ndarray, codes: np.ndarray, signal: float, random: np.random.Generator) -> Samples:
    """Genes follow their module, with much noise."""
    values = 5 + signal * activity[:, MODULE] + random.normal(size=(len(codes), len(MODULE)))
    targets = Targets(codes.astype(np.int32), ("no", "yes"), "classes")
    return Samples.from_values(values.astype(np.float32), GENES, meaning="abundance", targets=targets)


def together(n: int, random: np.random.Generator) -> Samples:
    """The label is whether the first two modules go the same way."""
    activity = random.normal(size=(n, N_MODULES))
    return followers(activity, activity[:, 0] * activity[:, 1] > 0, 0.7, random)


def out_of_line(n: int, random: np.random.Generator) -> Samples:
    """The label is whether some module, whichever, is far up or down."""
    activity = random.normal(size=(n, N_MODULES))
    furthest = np.abs(activity).max(axis=1)
    return followers(activity, furthest > np.median(furthest), 1.0, random)


def fitted(name: str, train: Samples, test: Samples, others: tuple[str, ...], **settings: Any) -> dict[str, float]:
    settings = {"valid_fraction": 0.15, "learning_rate": 5e-3, **settings}
    run = fit_recipe(recipe(name), modules(0), train, test=test, settings=settings, baselines=others)
    return score_of(run, "auroc")


def test_factorization_sees_what_no_linear_model_does():
    random = np.random.default_rng(1)
    train, test = together(300, random), together(400, random)
    found = fitted("factorization", train, test, ("linear", "shuffled"), n_factors=8, epochs=60)
    # The same network over shuffled edges does as well here: this is no proof that the edges help.
    assert found["model"] > found["logistic"] + 0.1


def test_relation_graph_sees_that_a_module_is_out_of_line():
    random = np.random.default_rng(1)
    train, test = out_of_line(600, random), out_of_line(400, random)
    found = fitted("relation_graph", train, test, ("linear", "dense", "shuffled"))
    # Over shuffled edges it loses a few hundredths: genes that stand alone say some of it.
    assert found["model"] > found["logistic"] + 0.25
    assert found["model"] > found["dense"] + 0.05


@pytest.mark.slow
def test_attention_among_bins_of_the_genome_finds_what_touches():
    """The target is a sum over contacts of the product of the two bins' signals: no bin says anything alone."""
    random = np.random.default_rng(0)
    n_bins, n_samples = 24, 900
    dealt = random.permutation(n_bins).reshape(2, -1)
    contacts = make_contact_map(
        {"chr1": n_bins * 10_000}, 10_000, dealt.min(axis=0), dealt.max(axis=0), np.ones(n_bins // 2)
    )
    signal = random.normal(size=(n_samples, n_bins)).astype(np.float32)
    target = (signal[:, dealt[0]] * signal[:, dealt[1]]).sum(axis=1) + random.normal(0, 0.3, n_samples)
    samples = Samples.from_values(
        signal,
        contacts.bin_names,
        meaning="signal",
        targets=Targets(target[:, None].astype(np.float32), ("y",), "regression"),
    )
    train, test = samples.take(np.arange(700)), samples.take(np.arange(700, n_samples))
    found = {
        version: score_of(
            fit_recipe(
                recipe("gene_transformer"), contact_network(contacts), train, test=test, version=version,
                baselines=("mean", "linear", "shuffled"),
            ),
            "pearson",
        )
        for version in ("near", "plain")
    }  # fmt: skip
    assert found["near"]["model"] > 0.8
    assert max(found["near"]["shuffled"], found["near"]["ridge"], found["plain"]["model"]) < 0.4
