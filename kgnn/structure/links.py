"""`Links`: which blocks of an output read which blocks of an input, and the padded products that compute them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from kgnn.knowledge.provenance import content_fingerprint


class LinkBucket(NamedTuple):
    """Blocks with about as many links each, as one product.

    Attributes:
        others: int32 ``[block, slot]``: the blocks at the other end; 0 in unused slots.
        links: int32 ``[block, slot]``: the links; their number, which is that of none, in unused slots.
    """

    others: np.ndarray
    links: np.ndarray


class LinkPlan(NamedTuple):
    """All blocks at one end of the links.

    Attributes:
        buckets: Blocks by their number of links.
        place: int32 ``[block]``: where each block lies among the blocks of all buckets laid end to end; past the end
            where it has no link.
        slot_of_link: int32 ``[link]``: where each link lies among the slots of all buckets laid end to end.
    """

    buckets: tuple[LinkBucket, ...]
    place: np.ndarray
    slot_of_link: np.ndarray


@dataclass(frozen=True, eq=False)
class Links:
    """Directed links between blocks, each at most once; sorted by target, then source.

    Attributes:
        n_sources: Number of blocks that are read.
        n_targets: Number of blocks that are computed.
        source: int32 ``[link]``.
        target: int32 ``[link]``.
    """

    n_sources: int
    n_targets: int
    source: np.ndarray
    target: np.ndarray

    @classmethod
    def of(cls, sources_of_target: list[np.ndarray], n_sources: int) -> Links:
        """Links from the sources of every target.

        Args:
            sources_of_target: Positions of sources, for every target.
            n_sources: Number of sources.

        Returns:
            The links.

        Example:
            >>> Links.of([np.array([2, 0]), np.array([1])], 3).target.tolist()
            [0, 0, 1]
        """
        source = np.concatenate([np.zeros(0, np.int32), *(np.unique(each) for each in sources_of_target)])
        target = np.repeat(np.arange(len(sources_of_target)), [len(np.unique(each)) for each in sources_of_target])
        return cls(n_sources, len(sources_of_target), source.astype(np.int32), target.astype(np.int32))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Links) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    def __len__(self) -> int:
        return len(self.source)

    @cached_property
    def _key(self) -> str:
        return content_fingerprint([self.n_sources, self.n_targets, self.source.tolist(), self.target.tolist()])

    @cached_property
    def mask(self) -> np.ndarray:
        """bool ``[target, source]``."""
        found = np.zeros((self.n_targets, self.n_sources), dtype=bool)
        found[self.target, self.source] = True
        return found

    @cached_property
    def by_target(self) -> LinkPlan:
        """Products that compute the targets from the sources."""
        return _plan(self.target, self.source, self.n_targets)

    @cached_property
    def by_source(self) -> LinkPlan:
        """Products that go the other way, as gradients do."""
        return _plan(self.source, self.target, self.n_sources)


def _plan(own: np.ndarray, other: np.ndarray, n_blocks: int) -> LinkPlan:
    """Blocks in buckets whose numbers of slots are 1, 2, 3, 4, 6, 8, 12, 16 …: a third of the slots unused at most."""
    count = np.bincount(own, minlength=n_blocks)
    first_link = np.concatenate([[0], np.cumsum(count)])
    order = np.argsort(own, kind="stable")
    place, slot_of_link = np.empty(n_blocks, np.int32), np.empty(len(own), np.int32)
    buckets, n_placed, n_slots = [], 0, 0
    size_of_block = np.array([_slots(int(each)) for each in count])
    for size in np.unique(size_of_block[count > 0]):
        blocks = np.flatnonzero((size_of_block == size) & (count > 0))
        used = np.arange(size)[None, :] < count[blocks][:, None]
        links = np.full(used.shape, len(own), np.int32)
        links[used] = order[np.concatenate([np.arange(first_link[each], first_link[each + 1]) for each in blocks])]
        others = np.zeros(used.shape, np.int32)
        others[used] = other[links[used]]
        buckets.append(LinkBucket(others, links))
        place[blocks] = n_placed + np.arange(len(blocks))
        slot_of_link[links[used]] = n_slots + np.flatnonzero(used.reshape(-1))
        n_placed, n_slots = n_placed + len(blocks), n_slots + used.size
    place[count == 0] = n_placed
    return LinkPlan(tuple(buckets), place, slot_of_link)


def _slots(count: int) -> int:
    """The least of 1, 2, 3, 4, 6, 8, 12, 16 … that is not below the count."""
    power = 1
    while power < count:
        power *= 2
    return 3 * power // 4 if power >= 4 and 3 * power // 4 >= count else max(power, 1)
