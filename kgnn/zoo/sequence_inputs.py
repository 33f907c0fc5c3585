"""What sequence models take from their samples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kgnn.data.samples import Samples
from kgnn.errors import AlignmentError
from kgnn.structure import position_names


def positions_of(samples: Samples) -> Mapping[str, Any]:
    """The number of letters of the sequences.

    Args:
        samples: From `kgnn.data.sequence_samples`.

    Returns:
        ``n_positions``.

    Raises:
        AlignmentError: If the features are no one-hot positions.
    """
    n_positions = len(samples.genes) // 4
    if samples.genes != position_names(n_positions):
        raise AlignmentError(
            f"the features of the samples, such as {samples.genes[0]!r}, are no bases at positions. Make samples of "
            "sequences with kgnn.data.sequence_samples."
        )
    return {"n_positions": n_positions}


def positions_and_factors(samples: Samples) -> Mapping[str, Any]:
    """The number of letters of the promoters, and the names of the measured factors.

    Args:
        samples: Promoters first, then the expression of transcription factors.

    Returns:
        ``n_positions``, ``factors`` and ``sequence``.
    """
    factors = list(samples.modalities.values())[1].features
    return {**positions_of(samples), "factors": factors, "sequence": samples.gene_modality}
