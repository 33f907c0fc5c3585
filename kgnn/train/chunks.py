"""`InChunks`: a function of one network over stacked replicates, some at a time, in one compiled program."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from kgnn.train.memory import Chunking


class InChunks:
    """A function of one network, applied to stacked replicates.

    The replicates of a chunk are one vmapped program, and all chunks have the same number of replicates, so that it is
    compiled once; the last chunk begins early where the numbers do not divide, and what it computes twice is dropped.
    Where a core runs each chunk, they run side by side: the products of one small network cannot keep several cores
    busy, those of several networks can.

    Args:
        function: Of the tree of one replicate, and of further trees that all share; returns a tree.
        n: Number of replicates, the first axis of every array.
        chunking: How they are dealt out.
    """

    def __init__(self, function: Callable[..., Any], n: int, chunking: Chunking):
        self.n = n
        self.chunking = chunking
        self._function = function
        self._starts = [min(first, n - chunking.size) for first in range(0, n, chunking.size)]
        self._program = jax.jit(self._chunk)
        self._join = jax.jit(self._joined)
        self._compiled: dict[Any, Callable[..., Any]] = {}

    @property
    def n_programs(self) -> int:
        """Programs compiled so far, one for each set of shapes."""
        return len(self._compiled) or self._program._cache_size()  # type: ignore[attr-defined]

    def __call__(self, stacked: Any, *shared: Any) -> Any:
        """Apply the function to every replicate.

        Args:
            stacked: Tree of arrays ``[replicate, …]``.
            *shared: Further trees.

        Returns:
            What the function returns, stacked.
        """
        starts = [jnp.int32(start) for start in self._starts]
        if self.chunking.workers == 1 or len(starts) == 1:
            parts = [self._program(stacked, start, shared) for start in starts]
        else:
            program = self._compile(stacked, shared)
            with ThreadPoolExecutor(self.chunking.workers) as pool:
                # Waiting inside the thread keeps as many programs running as there are workers, and no more.
                parts = list(pool.map(lambda start: jax.block_until_ready(program(stacked, start, shared)), starts))
        return parts[0] if len(parts) == 1 else self._join(parts)

    def _compile(self, stacked: Any, shared: Any) -> Callable[..., Any]:
        """The program for such shapes; compiled ahead, since a thread of its own would not see JAX's settings."""
        leaves, structure = jax.tree.flatten((stacked, shared))
        key = (structure, tuple((leaf.shape, leaf.dtype) for leaf in leaves))
        if key not in self._compiled:
            self._compiled[key] = self._program.lower(stacked, jnp.int32(0), shared).compile()
        return self._compiled[key]

    def _chunk(self, stacked: Any, start: Array, shared: Any) -> Any:
        if self.chunking.size < self.n:
            stacked = jax.tree.map(lambda leaf: jax.lax.dynamic_slice_in_dim(leaf, start, self.chunking.size), stacked)
        if self.chunking.size == 1:
            # A batch of one network is slower than the network (benchmarks/one_replicate.py).
            one = self._function(jax.tree.map(lambda leaf: leaf[0], stacked), *shared)
            return jax.tree.map(lambda leaf: leaf[None], one)
        return jax.vmap(lambda one: self._function(one, *shared))(stacked)

    def _joined(self, parts: list[Any]) -> Any:
        new = self.n - self.chunking.size * (len(parts) - 1)
        return jax.tree.map(lambda *leaves: jnp.concatenate([*leaves[:-1], leaves[-1][-new:]]), *parts)
