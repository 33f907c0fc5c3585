"""`prefetched`: the next item is prepared in a thread while this one is used."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterable
from queue import Empty, Full, Queue
from typing import Any, TypeVar

T = TypeVar("T")
_END = object()


def prefetched(items: Iterable[T], ahead: int = 1) -> Generator[T]:
    """The same items, prepared in a thread of their own.

    The thread ends with the iteration: when the items do, and also when an exception or an interrupt leaves the loop
    over them early.

    Args:
        items: What to prepare; an exception in it is raised where the item would have come.
        ahead: Items that may lie ready.

    Yields:
        The items in their order.

    Example:
        >>> list(prefetched(number**2 for number in range(4)))
        [0, 1, 4, 9]
    """
    ready: Queue[Any] = Queue(ahead)
    stop = threading.Event()

    def hand_over(item: Any) -> bool:
        while not stop.is_set():
            try:
                ready.put(item, timeout=0.1)
                return True
            except Full:
                continue
        return False

    def prepare() -> None:
        try:
            for item in items:
                if not hand_over((item, None)):
                    return
            hand_over((_END, None))
        except BaseException as problem:
            hand_over((_END, problem))

    thread = threading.Thread(target=prepare, name="kgnn prefetch", daemon=True)
    thread.start()
    try:
        while True:
            item, problem = ready.get()
            if problem is not None:
                raise problem
            if item is _END:
                return
            yield item
    finally:
        stop.set()
        while thread.is_alive():
            try:
                ready.get_nowait()
            except Empty:
                thread.join(0.05)
