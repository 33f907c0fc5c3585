"""Strict numerics, and one finished run that many tests look at."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from kgnn.data import Samples, Toy, split_random, toy
from kgnn.layers import SubsystemSettings
from kgnn.models import VisibleNetwork
from kgnn.structure import compile_hierarchy
from kgnn.train import EpochReport, Run, TrainConfig, fit
from tests import numerics


@pytest.fixture(autouse=True, scope="module")
def strict_numerics() -> Iterator[None]:
    # Promotion of types is not strict here: optax divides by powers of an integer count.
    with numerics.strict_numerics(types=False):
        yield


@pytest.fixture(autouse=True, scope="package")
def compile_each_program_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Most tests train the same small network."""
    with numerics.programs_kept_in(tmp_path_factory.mktemp("compiled")):
        yield


class Finished(NamedTuple):
    toy: Toy
    train: Samples
    test: Samples
    run: Run
    reports: list[EpochReport]


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """A run on the planted truth, with all baselines and a folder."""
    from flax import nnx

    example = toy("additive", n_samples=300, n_genes=23)
    split = split_random(example.samples, test_fraction=0.25, seed=1)
    train, test = example.samples.take(split.train), example.samples.take(split.test)
    hierarchy, alignment = compile_hierarchy(example.ontology, train.genes)
    model = VisibleNetwork(hierarchy, SubsystemSettings(3), outputs=("phenotype",), rngs=nnx.Rngs(0))
    config = TrainConfig(epochs=40, batch_size=32, learning_rate=0.02, valid_fraction=0.2)
    reports: list[EpochReport] = []
    out = tmp_path_factory.mktemp("runs") / "toy run (1)"
    run = fit(
        model, train, config, test=test, out=out, progress=reports.append, recipe="toy", alignment=alignment,
        further_metrics={"version": "test"},
    )  # fmt: skip
    return Finished(example, train, test, run, reports)
