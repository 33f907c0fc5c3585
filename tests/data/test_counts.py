"""Control inputs say nothing but that every gene differs; the logarithmic scale looks at one sample at a time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kgnn.data import Samples, Targets, control_samples, log_per_million
from kgnn.errors import KgnnError

GENES = ["g/1", "g.2", "g_3", "g:4", "g 5"]


def counted(n: int = 400) -> Samples:
    random = np.random.default_rng(1)
    mean = np.array([5.0, 50.0, 500.0, 20.0, 2000.0]) * random.lognormal(0, 0.5, (n, 1))
    labels = random.random((n, 2)) < 0.3
    targets = Targets(labels.astype(np.float32), ("T cell", "B/NK"), "labels")
    return Samples.from_values(random.poisson(mean).astype(np.float32), GENES, meaning="abundance", targets=targets)


def test_log_per_million():
    samples = counted(7)
    values = samples.gene_values().astype(float)
    expected = np.log1p([[1e6 * count / sum(row) for count in row] for row in values])
    np.testing.assert_allclose(log_per_million(samples).gene_values(), expected, rtol=1e-6)
    one = log_per_million(samples.take([3])).gene_values()
    np.testing.assert_array_equal(one[0], log_per_million(samples).gene_values()[3])
    expected = np.log1p(1e4 * values / values.sum(axis=1, keepdims=True))
    np.testing.assert_allclose(log_per_million(samples, total=1e4).gene_values(), expected, rtol=1e-6)


def test_control_samples():
    samples = counted()
    control = control_samples(samples, fold=3.0, seed=4)
    values, classes = control.gene_values(), control.require_targets().values
    assert control.genes == samples.genes and len(control) == 400
    assert control.require_targets().names == ("T cell", "B/NK")
    np.testing.assert_array_equal(classes[:, 0], classes[:, 1])
    assert classes[:, 0].sum() == 200 and (values == np.rint(values)).all()
    # The depths are those of the samples, in another order.
    depths = [np.sort(each.gene_values().sum(axis=1)) for each in (samples, control)]
    assert np.corrcoef(*depths)[0, 1] > 0.99
    # Class 1 has the profile of all samples together; in the other every gene is three times up or down.
    of_class = (values[classes[:, 0] == number] for number in (1, 0))
    profile, first, second = (each.sum(axis=0) for each in (samples.gene_values(), *of_class))
    np.testing.assert_allclose(first / first.sum(), profile / profile.sum(), rtol=0.1)
    ratio = np.log(second / first)  # up to one factor for all genes, that of the depth
    differs = np.abs(np.round((ratio - ratio[-1]) / np.log(3)))
    np.testing.assert_allclose(np.abs(ratio - ratio[-1]), differs * np.log(3), atol=0.15)
    assert set(differs.tolist()) <= {0.0, 2.0}
    np.testing.assert_array_equal(control_samples(samples, fold=3.0, seed=4).gene_values(), values)
    assert (control_samples(samples, fold=3.0, seed=5).gene_values() != values).any()


def test_control_samples_of_classes():
    targets = Targets(np.arange(400) % 2, ("resting", "stimulated"), "classes")
    control = control_samples(replace(counted(), targets=targets))
    assert control.require_targets().names == ("resting", "stimulated")
    assert np.bincount(control.require_targets().values).tolist() == [200, 200]


def test_errors():
    samples = counted(8)
    with pytest.raises(KgnnError, match="control inputs need counts, .* between 6.6"):
        control_samples(log_per_million(samples))
    with pytest.raises(KgnnError, match="fold is 1, but the classes must differ"):
        control_samples(samples, fold=1)
    with pytest.raises(KgnnError, match="log_per_million need counts"):
        log_per_million(samples.with_gene_values(samples.gene_values() - 50))
    with pytest.raises(KgnnError, match="1 samples have no count at all"):
        emptied = samples.gene_values().copy()
        emptied[2] = 0
        log_per_million(samples.with_gene_values(emptied))
    numbers = Targets(np.zeros((8, 1), np.float32), ("age",), "regression")
    with pytest.raises(KgnnError, match="the targets are of kind 'regression' with 1 outputs"):
        control_samples(replace(samples, targets=numbers))
