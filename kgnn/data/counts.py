"""Counts of molecules: their scale, and control inputs in which every gene tells two made-up classes apart."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from kgnn.data.measured import Targets
from kgnn.data.samples import Samples
from kgnn.errors import KgnnError

CONTROL_CLASS = "control"
FEWEST_CONTROLS = 2


def log_per_million(samples: Samples, *, total: float = 1e6) -> Samples:
    r"""Counts as the logarithm of their share: every sample is brought to the same total.

    .. math:: x_g = \log(1 + T\, n_g / \textstyle\sum_h n_h)

    It looks at one sample at a time, so that nothing passes between the parts of a split.

    Args:
        samples: Counts, of meaning ``"abundance"``.
        total: The common total :math:`T`.

    Returns:
        The same samples on the logarithmic scale.

    Raises:
        KgnnError: If values are negative, or a sample has no count at all.
    """
    values = _counts(samples, "log_per_million", whole=False)
    depth = values.sum(axis=1, keepdims=True)
    if (depth == 0).any():
        raise KgnnError(f"{int((depth == 0).sum()):,} samples have no count at all. Leave them out.")
    scaled = np.log1p(values * (total / depth)).astype(np.float32)
    return _with_values(samples, scaled, f"log of counts per {total:g}")


def control_samples(samples: Samples, *, fold: float = 2.0, seed: int = 0) -> Samples:
    r"""Samples of two made-up classes in which every gene is equally informative: what the structure alone says.

    The profile summed over all samples is that of the first class; in the second, every gene is divided or multiplied
    by `fold`, at random. Each new sample takes the depth :math:`d_i` of a real one and draws every gene from the
    profile :math:`p` of its class. A network trained on them leans on a node only for its place in the graph: its node
    weights are the baseline for those of the real network.

    .. math:: n_{ig} \sim \mathrm{Binomial}(p_g,\ d_i / \textstyle\sum_h p_h)

    Args:
        samples: Counts (not logarithms), with targets; every output becomes the made-up class.
        fold: Factor between the classes.
        seed: Of the draw.

    Returns:
        As many samples, half of each class, with the same outputs: the labels of all outputs are the class, and for
        targets of kind ``"classes"``, ``"control"`` replaces the names by the two classes 0 and 1.

    Raises:
        KgnnError: If the values are no counts, the targets no labels or two classes, or `fold` is not above 1.

    References:
        Fortelny & Bock 2020, Genome Biology 21:190, doi:10.1186/s13059-020-02100-5.

    Differs from the paper:
        The released program turns the factor 0.5 into 0 by rounding, so that half of its genes vanish from one class;
        it keeps the first of several outputs, here every output has its own baseline in one network; and it makes at
        most two batches of samples.
    """
    values = _counts(samples, "control inputs", whole=True).astype(np.int64)
    if not fold > 1:
        raise KgnnError(f"fold is {fold:g}, but the classes must differ. Choose a factor above 1, such as 2.")
    if len(samples) < FEWEST_CONTROLS:
        raise KgnnError(f"{len(samples)} samples are too few for control inputs. Give at least {FEWEST_CONTROLS}.")
    targets = _control_targets(samples)
    random = np.random.default_rng(seed)
    profile = values.sum(axis=0)
    changed = np.rint(profile * random.choice([1 / fold, fold], len(profile))).astype(np.int64)
    depth = random.permutation(values.sum(axis=1))
    drawn = np.empty(values.shape, np.float32)
    first = _is_first_class(len(samples))
    for own, of_class in ((profile, first), (changed, ~first)):
        share = np.minimum(depth[of_class] / max(int(own.sum()), 1), 1.0)
        drawn[of_class] = random.binomial(own[None, :], share[:, None])
    step = f"control inputs: every gene {fold:g} times up or down between two made-up classes, seed {seed}"
    return replace(_with_values(samples, drawn, step), targets=targets, covariates={})


def _is_first_class(n: int) -> np.ndarray:
    return np.arange(n) % 2 == 0


def _control_targets(samples: Samples) -> Targets:
    targets = samples.require_targets()
    first = _is_first_class(len(samples))
    if targets.kind == "labels":
        return replace(
            targets, values=np.repeat(first[:, None], targets.values.shape[1], 1).astype(targets.values.dtype)
        )
    if targets.kind == "classes" and len(targets.names) == 2:
        return replace(targets, values=first.astype(targets.values.dtype))
    raise KgnnError(
        f"the targets are of kind {targets.kind!r} with {len(targets.names)} outputs, but control inputs have two "
        "made-up classes. Give labels (a 0/1 column an output), or two classes."
    )


def _counts(samples: Samples, what: str, *, whole: bool) -> np.ndarray:
    values = np.asarray(samples.gene_values(), np.float64)
    if samples.meaning != "abundance" or (values < 0).any() or (whole and (values != np.rint(values)).any()):
        raise KgnnError(
            f"{what} need counts, but the values are of meaning {samples.meaning!r} between {values.min():g} and "
            f"{values.max():g}. Read the layer with the raw counts (meaning='abundance')."
        )
    return values


def _with_values(samples: Samples, values: np.ndarray, step: str) -> Samples:
    """A row of values for each sample."""
    name = samples.gene_modality
    table = replace(samples.modalities[name], values=values, rows=samples.names)
    rows = {**samples.row_of_sample, name: np.arange(len(samples), dtype=np.int32)}
    modalities = {**samples.modalities, name: table}
    return replace(samples, modalities=modalities, row_of_sample=rows, provenance=samples.provenance.after(step))
