"""Timing of calls: warmed up, finished when the device is, the least and the median of several."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from typing import Any, NamedTuple


class Timing(NamedTuple):
    """How long one call took.

    Attributes:
        least: Seconds of the fastest call.
        median: Seconds of the median call; ratios are made of these.
        calls: How many calls were timed.
    """

    least: float
    median: float
    calls: int

    def times(self, factor: float) -> Timing:
        """The same for `factor` as much work."""
        return Timing(self.least * factor, self.median * factor, self.calls)


def wait(result: Any) -> Any:
    """`result`, once the device has computed all of it; PyTorch's results are taken as they are."""
    import jax

    return jax.block_until_ready(result)


def time_calls(
    function: Callable[[], Any], *, warm_up: int = 1, least: int = 3, most: int = 50, seconds: float = 3.0
) -> Timing:
    """Time a function until `seconds` have passed, but at least `least` and at most `most` calls.

    Args:
        function: What to time; its result is waited for.
        warm_up: Calls before the first that counts.
        least: Fewest calls to time.
        most: Most calls to time.
        seconds: When to stop.

    Returns:
        The timing.
    """
    for _ in range(warm_up):
        wait(function())
    taken: list[float] = []
    gc.collect()
    while len(taken) < least or (sum(taken) < seconds and len(taken) < most):
        start = time.perf_counter()
        wait(function())
        taken.append(time.perf_counter() - start)
    return Timing(min(taken), statistics.median(taken), len(taken))


def seconds_of(function: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds of one call, and its result."""
    start = time.perf_counter()
    result = wait(function())
    return time.perf_counter() - start, result
