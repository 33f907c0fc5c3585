"""Several processes that train one model together: what they must agree on, and what only the first one does.

They are joined by ``jax.distributed`` before anything is computed (`kgnn.launch` does so for the command line). With
one process everything here returns at once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from kgnn.errors import TrainingError, name_some

BLOCK = 1024
"""Content is shared in multiples of so many bytes, so that few sizes are compiled."""


def is_first_process() -> bool:
    """Whether this process writes files and reports progress; the others only compute.

    Returns:
        True for the process of index 0, which is the only one unless ``jax.distributed`` has joined several.
    """
    return jax.process_index() == 0


def share(content: bytes) -> bytes:
    """What the first process has, in every process; all must call this at the same place of their program.

    Args:
        content: Read only in the first process.

    Returns:
        The content of the first process.
    """
    if jax.process_count() == 1:
        return content
    from jax.experimental.multihost_utils import broadcast_one_to_all

    length = int(broadcast_one_to_all(np.uint32(len(content))))
    padded = np.zeros(-(-length // BLOCK) * BLOCK, np.uint8)
    if is_first_process():
        padded[:length] = np.frombuffer(content, np.uint8)
    return np.asarray(broadcast_one_to_all(padded))[:length].tobytes()


def require_same(what: str, value: Callable[[], str]) -> None:
    """Refuse processes that would train different things as one.

    Args:
        what: What is compared, for the message.
        value: Gives a text that says what this process has, such as a fingerprint; not called in a single process.

    Raises:
        TrainingError: In every process, if they differ.
    """
    if jax.process_count() == 1:
        return
    from jax.experimental.multihost_utils import process_allgather

    digest: Any = np.frombuffer(hashlib.sha256(value().encode()).digest(), np.uint8)
    every = np.asarray(process_allgather(digest))
    unlike = [number for number, each in enumerate(every) if not np.array_equal(each, every[0])]
    if unlike:
        raise TrainingError(
            f"{what} of process {name_some(unlike)} (of {len(every)}) differ from those of process 0. Give "
            "every process the same files and options."
        )


def wait_for_all(where: str) -> None:
    """Wait until every process has come to the same place.

    Args:
        where: Name of the place; processes that wait at different ones fail.
    """
    if jax.process_count() > 1:
        from jax.experimental.multihost_utils import sync_global_devices

        sync_global_devices(where)
