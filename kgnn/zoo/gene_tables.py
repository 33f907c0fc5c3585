"""What recipes with several features a gene take from samples: one table a feature, all over the same genes."""

from __future__ import annotations

from typing import Any

from kgnn.data.samples import Samples
from kgnn.errors import TrainingError, name_some


def gene_tables(samples: Samples, *, even_one: bool = False) -> dict[str, Any]:
    """The features of a gene: the names of the tables where there are several, else none.

    Args:
        samples: With one table, or several over the same genes.
        even_one: Whether a single table is a feature too, which then passes through the unit of its gene.

    Returns:
        The argument ``features`` of a `kgnn.models.PathwayNetwork`.

    Raises:
        TrainingError: If a table has other columns than the first.
    """
    others = [name for name, table in samples.modalities.items() if table.features != samples.genes]
    if others:
        raise TrainingError(
            f"{name_some(others)} has not the columns of {samples.gene_modality!r}, but every table is read as a "
            "feature of the same genes. Give them the same columns in the same order, or leave them out."
        )
    return {"features": tuple(samples.modalities) if even_one or len(samples.modalities) > 1 else ()}
