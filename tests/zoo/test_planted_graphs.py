"""Recipes over a network find a planted truth that baselines miss."""

from __future__ import annotations

from typing import Any

import numpy as np

from kgnn.data import Samples, Targets
from kgnn.knowledge import Network, build_network
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


def together(n: int, random: np.random.Generator) -> Samples:
    """Genes follow their module, with much noise; the label is whether the first two modules go the same way."""
    activity = random.normal(size=(n, N_MODULES))
    values = 5 + 0.7 * activity[:, MODULE] + random.normal(size=(n, len(MODULE)))
    codes = (activity[:, 0] * activity[:, 1] > 0).astype(np.int32)
    targets = Targets(codes, ("apart", "together"), "classes")
    return Samples.from_values(values.astype(np.float32), GENES, meaning="abundance", targets=targets)


def fitted(name: str, knowledge: Any, **settings: Any) -> Run:
    random = np.random.default_rng(1)
    train, test = together(300, random), together(400, random)
    settings = {"valid_fraction": 0.15, "learning_rate": 5e-3, **settings}
    return fit_recipe(recipe(name), knowledge, train, test=test, settings=settings, baselines=("linear", "shuffled"))


def test_factorization_sees_what_no_linear_model_does():
    run = fitted("factorization", modules(0), n_factors=8, epochs=60)
    found = score_of(run, "auroc")
    # The same network over shuffled edges does as well here: this is no proof that the edges help.
    assert found["model"] > found["logistic"] + 0.1
