"""What the device can hold, and what samples take there: whether they stay there or are streamed."""

from __future__ import annotations

import os
from pathlib import Path

import jax

from kgnn.data.measured import Modality
from kgnn.data.samples import Samples
from kgnn.train.config import TrainConfig
from kgnn.train.device_data import DeviceTable

SHARE = 0.25
"""Share of the device's memory that samples may take; the rest is for states, gradients and everything else."""

CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")


def device_bytes() -> int:
    """Memory of a device; for a processor, that of the machine or of the container that this process runs in."""
    statistics = jax.local_devices()[0].memory_stats() or {}
    if "bytes_limit" in statistics:
        return int(statistics["bytes_limit"])
    limit = CGROUP_LIMIT.read_text().strip() if CGROUP_LIMIT.is_file() else "max"
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min(machine, int(limit)) if limit.isdigit() else machine


def table_bytes(table: Modality) -> int:
    """Bytes of a table on the device, where values of 0 and 1 take a bit."""
    return len(table.rows) * DeviceTable.of(table.values).row_bytes


def data_bytes(config: TrainConfig | None = None) -> int:
    """Bytes that samples may take on the device.

    Args:
        config: Says how many, where ``data_memory`` is not 0.

    Returns:
        The number; `SHARE` of the device's memory if nothing is said.
    """
    said = 0.0 if config is None else config.data_memory
    return int(said * 1e9) if said else int(SHARE * device_bytes())


def is_streamed(samples: Samples, config: TrainConfig | None = None) -> bool:
    """Whether samples are streamed, since they do not fit or the configuration wants it.

    Args:
        samples: Any samples.
        config: Settings; automatic where None.

    Returns:
        True where they are streamed.
    """
    if config is not None and config.stream != "auto":
        return config.stream == "always"
    return sum(map(table_bytes, samples.modalities.values())) > data_bytes(config)
