"""Real sequences with labels, and scores of several seeds in one row."""

from __future__ import annotations

import gzip
from collections.abc import Sequence

import numpy as np
from scipy import stats

from kgnn.data import Samples, Targets, sequence_samples

from .workloads import data_folder


def read_peaks(part: str) -> tuple[list[str], np.ndarray]:
    """Sequences of a file in DeepBind's format, and whether each is bound.

    Args:
        part: Name of the file, without its endings.
    """
    with gzip.open(data_folder("chipseq_deepbind") / f"{part}.seq.gz", "rt") as stream:
        rows = [line.split("\t") for line in stream.read().splitlines()[1:]]
    return [row[2] for row in rows], np.array([int(row[3]) for row in rows])


def with_label(sequences: Sequence[str], bound: np.ndarray) -> Samples:
    """Sequences as samples of one label, ``bound``."""
    return sequence_samples(sequences, targets=Targets(np.asarray(bound, np.float32)[:, None], ("bound",), "labels"))


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Mean and half width of a 95 % t-interval of its error over seeds; of one value the half width is NaN."""
    found = np.asarray(values, np.float64)
    if len(found) < 2:
        return float(found.mean()), float("nan")
    return float(found.mean()), float(stats.t.ppf(0.975, len(found) - 1) * stats.sem(found))
