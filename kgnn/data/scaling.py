"""`Scaler`: center and scale of each gene, measured on training samples only.

A model applies it as its first layer, so a knockdown is set in the units of the file (an abundance to 0 = absent, an
alteration to 1) and only then scaled: zero keeps its meaning whatever the method.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from kgnn.errors import AlignmentError, unknown_choice

SCALING_METHODS = ("standard", "maxabs", "minmax", "none")


@dataclass(frozen=True, eq=False)
class Scaler:
    """Scaled value = (value - center) / scale, gene by gene.

    Attributes:
        center: Float32 ``[gene]``.
        scale: Float32 ``[gene]``, above zero; 1 for a gene that did not vary.
        method: How both were measured.
    """

    center: np.ndarray
    scale: np.ndarray
    method: str = "none"

    def apply(self, values: np.ndarray) -> np.ndarray:
        """Scaled values as float32.

        Args:
            values: ``[sample, gene]``.

        Returns:
            ``[sample, gene]``.

        Raises:
            AlignmentError: If the number of genes differs from the scaler's.
        """
        if values.shape[-1] != len(self.center):
            raise AlignmentError(f"the scaler has {len(self.center):,} genes, the values have {values.shape[-1]:,}.")
        return ((values.astype(np.float32) - self.center) / self.scale).astype(np.float32)


def fit_scaler(values: np.ndarray, method: str = "standard") -> Scaler:
    r"""Measure center and scale of each gene.

    Give it training samples only: a scaler that has seen the test samples leaks their range into the model. Genes
    that do not vary get the scale 1. Only ``"maxabs"`` and ``"none"`` leave a zero at zero; the others move it to
    :math:`-\text{center} / \text{scale}`, the same place in training, prediction and knockdown.

    ========== ===================== ========================
    method     center                scale
    ========== ===================== ========================
    standard   mean                  standard deviation
    maxabs     0                     largest absolute value
    minmax     smallest value        range
    none       0                     1
    ========== ===================== ========================

    Args:
        values: ``[sample, gene]``, finite, at least one sample.
        method: One of the above.

    Returns:
        The scaler, float32, computed in float64.

    Raises:
        KgnnError: If the method is not known.
        AlignmentError: If there is no sample or `values` is not a table.

    Example:
        >>> scaler = fit_scaler(np.array([[0.0, 5.0, 1.0], [4.0, 5.0, 3.0]]), "minmax")
        >>> scaler.center.tolist(), scaler.scale.tolist()
        ([0.0, 5.0, 1.0], [4.0, 1.0, 2.0])
    """
    if values.ndim != 2 or not len(values):
        raise AlignmentError(f"values are {values.shape}; a scaler needs a table with at least one sample.")
    return fit_scaler_in_blocks(lambda: [values], method)


def fit_scaler_in_blocks(blocks: Callable[[], Iterable[np.ndarray]], method: str = "standard") -> Scaler:
    """`fit_scaler` for values that come some samples at a time.

    Args:
        blocks: Gives the values from the first on every time it is called, ``[sample, gene]`` each.
        method: See `fit_scaler`.

    Returns:
        The scaler, that of all values together.

    Raises:
        KgnnError: If the method is not known.
    """
    if method not in SCALING_METHODS:
        raise unknown_choice("scaling method", method, SCALING_METHODS)
    n, total, least, most = 0, np.float64(0), np.float64(np.inf), np.float64(-np.inf)
    for block in blocks():
        n, total = n + len(block), total + block.sum(axis=0, dtype=np.float64)
        least, most = np.minimum(least, block.min(axis=0)), np.maximum(most, block.max(axis=0))
    mean, zero, one = total / n, np.zeros(np.shape(total)), np.ones(np.shape(total))
    squared = zero
    if method == "standard":
        for block in blocks():
            squared = squared + np.square(block - mean).sum(axis=0)
    center, scale = {
        "standard": (mean, np.sqrt(squared / n)),
        "maxabs": (zero, np.maximum(np.abs(least), np.abs(most))),
        "minmax": (least, most - least),
        "none": (zero, one),
    }[method]
    center = np.asarray(center, np.float32)
    return Scaler(center, np.where(most == least, one, scale).astype(np.float32), method)
