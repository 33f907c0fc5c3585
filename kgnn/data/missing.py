"""Tables with gaps: what was measured as a second table of 0 and 1, and a scaler that looks at nothing else.

A gap is neither an abundance of 0 nor the mean of the others. In proteomics it mostly stands for an abundance below the
limit of detection, and which proteins have gaps differs between samples and batches.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from kgnn.data.measured import Modality, Targets, meaning_of
from kgnn.data.samples import MODALITY_OF_MEANING, Samples
from kgnn.data.scaling import Scaler, fit_scaler, fit_scaler_in_blocks
from kgnn.errors import unknown_choice
from kgnn.knowledge.provenance import Provenance

MEASURED = "measured"
"""Name of the table that says what was measured."""
GAPS = ("error", "mask")
"""What may become of gaps in a table that is read."""


def mask_missing(
    values: np.ndarray,
    genes: Sequence[str],
    *,
    meaning: str = "abundance",
    names: Sequence[str] | None = None,
    targets: Targets | None = None,
    covariates: Mapping[str, np.ndarray] = MappingProxyType({}),
    provenance: Provenance | None = None,
) -> Samples:
    """Samples of a table with gaps, which become a table of their own.

    Args:
        values: ``[sample, gene]``, NaN where nothing was measured.
        genes: Names of the columns.
        meaning: What a number means, see `Modality`.
        names: Sample names; ``sample_0`` … if not given.
        targets: What is to be predicted.
        covariates: Further columns by name.
        provenance: Sources and transformations.

    Returns:
        Samples of two modalities over the same genes: the values, with 0 in the gaps, and ``"measured"``, 1 where there
        is a value and 0 in the gaps. A network with ``features=(…, "measured")`` never reads what stands in a gap.

    Raises:
        AlignmentError: If anything disagrees in number, comes twice or is infinite.

    Example:
        >>> samples = mask_missing(np.array([[1.5, np.nan]]), ["TP53", "MDM2"])
        >>> samples.modalities["measured"].values.tolist()
        [[1, 0]]
    """
    gaps = np.isnan(values)
    samples = Samples.from_values(
        np.where(gaps, 0.0, values).astype(np.float32),
        genes,
        meaning=meaning,
        names=names,
        targets=targets,
        covariates=covariates,
        provenance=provenance,
    )
    table = samples.modalities[MODALITY_OF_MEANING[meaning]]
    mask = Modality((~gaps).astype(np.uint8), table.features, table.rows, "signal")
    every_row = np.arange(len(samples), dtype=np.int32)
    return Samples(
        samples.names,
        {**samples.modalities, MEASURED: mask},
        {**samples.row_of_sample, MEASURED: every_row},
        samples.targets,
        samples.covariates,
        samples.provenance,
    )


def for_gaps(gaps: str | None) -> tuple[Callable[..., Samples], Callable[[Any], str]]:
    """How a table that was read becomes samples.

    Args:
        gaps: ``"error"`` (None is the same) or ``"mask"``.

    Returns:
        `Samples.from_values`, which refuses gaps, or `mask_missing`; and what tells the meaning of values from them.

    Raises:
        KgnnError: If the choice is unknown.
    """
    if gaps not in (None, *GAPS):
        raise unknown_choice("gaps", gaps, GAPS)
    if gaps == "mask":
        return mask_missing, lambda values: meaning_of(np.nan_to_num(values))
    return Samples.from_values, meaning_of


def fit_gene_scaler(samples: Samples, method: str) -> Scaler:
    """`kgnn.data.fit_scaler` of the genes, over the measured values alone where there is a table ``"measured"``.

    Args:
        samples: Training samples.
        method: See `kgnn.data.fit_scaler`.

    Returns:
        The scaler; a gene that was never measured gets center 0 and scale 1.
    """
    table = samples.modalities.get(MEASURED)
    if table is None or table.features != samples.genes:
        return fit_scaler_in_blocks(samples.gene_blocks, method)
    values = samples.gene_values().astype(np.float64)
    measured = np.asarray(table.values[samples.row_of_sample[MEASURED]]) > 0
    columns = (values[measured[:, gene], gene][:, None] for gene in range(values.shape[1]))
    each = [fit_scaler(column if len(column) else np.zeros((1, 1)), method) for column in columns]
    center = np.array([scaler.center[0] for scaler in each], np.float32)
    return Scaler(center, np.array([scaler.scale[0] for scaler in each], np.float32), method)
