"""Whether a training step fits the memory of the device: asked before anything is compiled."""

from __future__ import annotations

from typing import Any

from flax import nnx

from kgnn.errors import TrainingError
from kgnn.layers import Subsystems
from kgnn.models import Replicates
from kgnn.models.contract import Model
from kgnn.structure.cost import predict_cost
from kgnn.train.device_memory import device_bytes

SHARE = 0.9
"""Share of the device's memory that a step may take."""


def require_memory(model: Model, batch_size: int, *, n_devices: int = 1, available: int | None = None) -> None:
    """Refuse a batch that would not fit, naming one that does.

    Nothing that a step gathers is kept, so the memory of a visible network is a few numbers a state and sample; batch
    statistics tie all samples of a step together, so it cannot be cut into smaller ones with the same result.

    Args:
        model: What is trained; of replicates, one is counted, since they are computed in chunks.
        batch_size: Samples a step.
        n_devices: Devices that share a step.
        available: Bytes of a device; those of the device at hand where None.

    Raises:
        TrainingError: If the step would not fit.
    """
    memory = int(SHARE * (device_bytes() if available is None else available))
    one: Any = model.stacked if isinstance(model, Replicates) else model

    def needed(batch: int) -> int:
        return sum(
            predict_cost(module.wiring, len(model.genes), batch).step_bytes
            for _, module in nnx.iter_modules(one)
            if isinstance(module, Subsystems)
        )

    share = -(-batch_size // n_devices)
    if needed(share) <= memory:
        return
    fixed, total = needed(0), needed(share)
    most = n_devices * ((memory - fixed) * share // (total - fixed)) if memory > fixed else 0
    advice = f"Choose batch_size={most:,} or less" if most > 1 else "Prune the ontology further"
    raise TrainingError(
        f"a training step of {batch_size:,} samples takes about {total / 1e9:.1f} GB a device, but {memory / 1e9:.1f} "
        f"GB can be used. {advice}, give a term fewer states, or train on more devices."
    )
