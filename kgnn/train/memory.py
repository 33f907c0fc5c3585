"""How many replicates are computed at once: as many as the memory of a device can hold, and on a CPU few a program."""

from __future__ import annotations

import os
from typing import Any, NamedTuple

import jax

from kgnn.train.device_memory import device_bytes

CACHE_BYTES = 4_000_000
"""Replicates that together take less share a program on a CPU, where calling it takes as long as computing it; larger
ones are faster as the networks that they are (benchmarks/one_replicate.py)."""
TEMPORARY = 1.5
"""What a compiled step allocates over what its backward pass keeps; measured between 1.2 and 1.7."""
RESIDENT_COPIES = 3
"""Copies of the training state that live at once: before and after an epoch, and the best one so far."""
SHARE = 0.5
"""Share of the device's memory that replicates take at most; the rest is for samples and everything else."""


class Chunking(NamedTuple):
    """How replicates are dealt out.

    Attributes:
        size: Replicates in one compiled program.
        workers: Programs that run side by side.
    """

    size: int
    workers: int


def replicate_bytes(state: int, parameters: int, activations: int) -> int:
    """Memory that one more replicate in a compiled step takes.

    Args:
        state: Bytes of all that training changes: parameters, optimizer, running average, statistics.
        parameters: Bytes of the parameters alone, whose gradient is held as well.
        activations: Bytes that the backward pass of a batch keeps, see `kept_arrays`.

    Returns:
        Bytes: the state before and after the step, the gradient, and the temporary arrays.

    Example:
        >>> replicate_bytes(state=400, parameters=100, activations=1_000)
        2400
    """
    return 2 * state + parameters + int(TEMPORARY * activations)


def choose_chunking(
    n: int, each: int, *, memory: int, resident: int = 0, cores: int = 1, cache: int | None = None, at_most: int = 0
) -> Chunking:
    """Deal replicates out into programs of one size.

    Args:
        n: Number of replicates.
        each: Bytes that one takes while it is computed.
        memory: Bytes of the device.
        resident: Bytes that lie there whatever is computed.
        cores: Programs that may run side by side.
        cache: Bytes of replicates that a program takes at most; None where larger programs are no slower.
        at_most: Most replicates computed at once, over all programs; 0 for no limit.

    Returns:
        At least one replicate in one program, even where memory does not seem to do.

    Example:
        >>> choose_chunking(30, 7_000_000, memory=2**33, cores=2, cache=16_000_000)
        Chunking(size=2, workers=2)
        >>> choose_chunking(30, 5_000_000, memory=60_000_000)
        Chunking(size=10, workers=1)
    """
    fit_in = max(1, (memory - resident) // max(each, 1))
    fit_in = min(fit_in, at_most) if at_most else fit_in
    workers = min(cores, n, fit_in)
    most = min(fit_in // workers, -(-n // workers))
    if cache is not None:
        most = min(most, cache // max(each, 1))
    n_chunks = -(-n // max(most, 1))
    # A core that waits for another's last chunk is lost: as many chunks as the cores share evenly.
    n_chunks = min(n, -(-n_chunks // workers) * workers)
    return Chunking(-(-n // n_chunks), workers)


def here(n: int, each: int, *, resident: int = 0, at_most: int = 0) -> Chunking:
    """`choose_chunking` for the device at hand; on a CPU with a program a core.

    Args:
        n: Number of replicates.
        each: Bytes that one takes while it is computed.
        resident: Bytes that lie there whatever is computed.
        at_most: Most replicates computed at once, over all programs; 0 for no limit.

    Returns:
        The chunking.
    """
    memory = int(SHARE * device_bytes())
    if jax.default_backend() != "cpu":
        return choose_chunking(n, each, memory=memory, resident=resident, at_most=at_most)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return choose_chunking(n, each, memory=memory, resident=resident, cores=cores, cache=CACHE_BYTES, at_most=at_most)


def tree_bytes(tree: Any) -> int:
    """Bytes of all arrays of a tree, or of arrays with its shapes."""
    return sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(tree))


def kept_arrays(loss: Any, params: Any, *others: Any) -> Any:
    """What the backward pass of a loss keeps from its forward pass; call it in `jax.eval_shape`.

    Args:
        loss: Function of parameters and further trees that returns the loss and something else.
        params: Parameters.
        *others: The further trees.

    Returns:
        A tree of the arrays.
    """
    return jax.vjp(lambda values: loss(values, *others), params, has_aux=True)[1]
