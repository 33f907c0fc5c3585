"""`with_own_targets`: samples that are to be reconstructed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from kgnn.data.measured import Targets
from kgnn.data.samples import Samples


def with_own_targets(samples: Samples) -> Samples:
    """The same samples with the values of their own genes as the targets, for models that reconstruct them.

    A score against such targets says how much of the samples passes through the model; a model without a bottleneck
    has a perfect one and has learned nothing.

    Args:
        samples: Any samples; targets that they have are left out.

    Returns:
        The samples; the outputs are named as the genes.

    Example:
        >>> samples = with_own_targets(Samples.from_values(np.eye(2, 3), ["TP53", "MDM2", "ATM"], meaning="alteration"))
        >>> samples.targets.names, samples.targets.kind
        (('TP53', 'MDM2', 'ATM'), 'regression')
    """
    values = np.asarray(samples.gene_values(), dtype=np.float32)
    return replace(samples, targets=Targets(values, samples.genes, "regression"))
