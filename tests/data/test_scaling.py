"""Scalers."""

from __future__ import annotations

import numpy as np
import pytest

from kgnn.data import fit_scaler
from kgnn.errors import AlignmentError, KgnnError

VALUES = np.array([[0, 7, -4, 0.1], [2, 7, 1, 0.1], [4, 7, 0, 0.1]], np.float32)


@pytest.mark.parametrize(
    ("method", "center", "scale"),
    [
        ("standard", [2, 7, -1, 0.1], [np.sqrt(8 / 3), 1, np.sqrt(14 / 3), 1]),
        ("maxabs", [0, 0, 0, 0], [4, 1, 4, 1]),
        ("minmax", [0, 7, -4, 0.1], [4, 1, 5, 1]),
        ("none", [0, 0, 0, 0], [1, 1, 1, 1]),
    ],
)
def test_methods_and_constant_genes(method, center, scale):
    scaler = fit_scaler(VALUES, method)
    assert scaler.center.dtype == scaler.scale.dtype == np.float32
    np.testing.assert_allclose(scaler.center, np.float32(center), rtol=1e-6)
    np.testing.assert_allclose(scaler.scale, np.float32(scale), rtol=1e-6)
    applied = scaler.apply(VALUES)
    assert applied.dtype == np.float32
    np.testing.assert_allclose(applied, (VALUES - scaler.center) / scaler.scale, rtol=1e-6)


def test_bits_are_scaled_as_numbers():
    scaled = fit_scaler(np.array([[0, 1], [1, 1]], np.uint8), "standard").apply(np.array([[1, 0]], np.uint8))
    np.testing.assert_array_equal(scaled, [[1, -1]])


def test_refusals():
    with pytest.raises(KgnnError, match=r"scaling method is 'robust'.*maxabs, minmax, none, standard"):
        fit_scaler(VALUES, "robust")
    with pytest.raises(AlignmentError, match=r"values are \(0, 3\); a scaler needs"):
        fit_scaler(np.zeros((0, 3)))
    with pytest.raises(AlignmentError, match="the scaler has 4 genes, the values have 2"):
        fit_scaler(VALUES).apply(np.zeros((1, 2)))
