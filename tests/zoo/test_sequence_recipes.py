"""Recipes that begin as motifs, each where it must beat what knows less."""

from __future__ import annotations

import numpy as np
import pytest
from flax import nnx
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from kgnn.data import Samples, Targets, plant_motifs, sequence_samples
from kgnn.knowledge import MotifSet, read_motifs
from kgnn.models import Model
from kgnn.structure import Kernels, compile_kernels
from kgnn.train import TrainConfig, predict, train_model
from kgnn.zoo import danq, deepbind

CONFIG = TrainConfig(
    epochs=15, batch_size=50, optimizer="adamw", learning_rate=3e-3, weight_decay=0.01, checkpoint_every=0
)


@pytest.fixture(scope="module")
def jaspar(shared_data) -> MotifSet:
    """SRF, IRF1, GATA1 and SPI1."""
    every = read_motifs(shared_data / "jaspar" / "JASPAR2024_CORE_vertebrates_latest.jaspar")
    return every.select(["MA0083.3", "MA0050.4", "MA0035.5", "MA0080.7"])


def auroc(model: Model, samples: Samples, n_train: int, config: TrainConfig = CONFIG) -> float:
    """Of the last epoch, on the samples behind the first `n_train`."""
    fitted, _, _ = train_model(model, samples.take(range(n_train)), None, config)
    test = samples.take(range(n_train, len(samples)))
    return float(roc_auc_score(test.require_targets().values[:, 0], predict(fitted, test)[:, 0]))


def linear(samples: Samples, n_train: int) -> float:
    values, labels = samples.gene_values(), samples.require_targets().values[:, 0]
    fitted = LogisticRegression(C=0.1, max_iter=1000).fit(values[:n_train], labels[:n_train])
    return float(roc_auc_score(labels[n_train:], fitted.decision_function(values[n_train:])))


def test_deepbind_from_motifs_beats_a_random_start_and_a_linear_model(jaspar: MotifSet):
    planted = plant_motifs(jaspar.select(jaspar.ids[:2]), jaspar.select(jaspar.ids[2:]), n_samples=700, length=110)
    kernels = compile_kernels(jaspar, 24, both_strands=True, crop=True)
    start = {
        initial: deepbind(kernels, n_positions=110, initial=initial, rngs=nnx.Rngs(0))
        for initial in ("motifs", "random")
    }
    found = {initial: auroc(model, planted.samples, 200) for initial, model in start.items()}
    assert found["motifs"] > 0.9
    assert found["motifs"] > max(found["random"], linear(planted.samples, 200)) + 0.1


def ordered(jaspar: MotifSet, n: int) -> Samples:
    """Both motifs in every sequence, anywhere, some letters apart; the label is whether SRF comes first."""
    random = np.random.default_rng(0)
    letters, first = [], random.random(n) < 0.5
    for label in first:
        pair = jaspar.motifs[:2] if label else jaspar.motifs[1::-1]
        first_site, second_site = ([random.choice(4, p=row / row.sum()) for row in motif.frequencies] for motif in pair)
        both = [*first_site, *random.integers(4, size=random.integers(12, 24)), *second_site]
        codes, start = random.integers(4, size=100), int(random.integers(100 - len(both)))
        codes[start : start + len(both)] = both
        letters.append("".join("ACGT"[code] for code in codes))
    return sequence_samples(letters, targets=Targets(first[:, None].astype(np.float32), ("first",), "labels"))


def test_danq_from_jaspar_reads_the_order_of_motifs(jaspar: MotifSet):
    samples = ordered(jaspar, 800)

    def kernels(**how) -> Kernels:
        return compile_kernels(jaspar, both_strands=True, crop=True, **how)

    motifs, random = (
        danq(
            kernels(length=30, kind="centered"), n_positions=100, version="jaspar", initial=initial, recurrent=8,
            hidden=(16,), window=10, rngs=nnx.Rngs(0),
        )
        for initial in ("motifs", "random")
    )  # fmt: skip
    found = auroc(motifs, samples, 300)
    assert found > 0.9
    # Maxima of whole sequences know no order, and a linear model no motif that moves.
    without_order = deepbind(kernels(length=24), n_positions=100, rngs=nnx.Rngs(0))
    assert found > max(auroc(without_order, samples, 300), linear(samples, 300)) + 0.1
    assert found > auroc(random, samples, 300)
