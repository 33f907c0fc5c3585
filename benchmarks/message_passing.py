"""How long does message passing over a graph of the size of STRING take, beside PyTorch's index_add?

The graph has 19,000 nodes and a million messages, with hubs as in a protein network; a batch is 64 samples of 16
features a node over one graph. One step is the sum of neighbors' values times edge weights, and its gradient to the
values. `index_add` is what a plain PyTorch program writes: gather the senders' values, multiply, add at the receivers.
Both are checked against SciPy on the same numbers before they are timed.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from measuring.fresh import in_fresh_process
from measuring.machine import device_peak_memory_gb, peak_memory_gb
from measuring.result import Bar, Result, Row, run, say
from measuring.timing import time_calls, wait

from kgnn.layers.messages import received
from kgnn.structure.messages import Messages

FULL = {"nodes": 19_000, "edges": 1_000_000, "samples": 64, "features": 16}
QUICK = {"nodes": 2_000, "edges": 60_000, "samples": 16, "features": 8}
HUBS = 0.6
"""Exponent of the degrees: the most joined node has some thousands of neighbors, as in STRING."""
TOLERANCE = 1e-3


def main() -> None:
    parts = {"kgnn": peak_of_kgnn, "torch": peak_of_torch}
    run(__file__, __doc__, measure, parts=parts)


def measure(arguments: argparse.Namespace) -> Result:
    sizes = QUICK if arguments.quick else FULL
    messages, coefficient, values = workload(**sizes)
    result = Result(sizes={**sizes, "values": int(values.size)})
    expected = reference(messages, coefficient, values)
    ways: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {"kgnn": of_kgnn(messages, coefficient, values)}
    try:
        ways["torch index_add"] = of_torch(messages, coefficient, values)
    except ModuleNotFoundError:
        result.notes.append("PyTorch is not installed (pip install '.[bench]'): no peer was timed.")
    rows = []
    for name, (forward, step) in ways.items():
        say(name)
        error = float(np.abs(np.asarray(forward()) - expected).max())
        if error > TOLERANCE:
            raise SystemExit(f"{name} differs from SciPy by {error:g}")
        seconds = 1.0 if arguments.quick else 10.0
        times = time_calls(forward, seconds=seconds), time_calls(step, seconds=seconds)
        part = "kgnn" if name == "kgnn" else "torch"
        memory = in_fresh_process(__file__, part, **sizes)
        rows.append({
            "way": name, "forward_s": times[0].median, "forward_least_s": times[0].least, "step_s": times[1].median,
            "step_least_s": times[1].least, "calls": times[1].calls, "largest_error": error, **memory,
        })  # fmt: skip
    result.tables["message passing"] = rows
    if len(rows) > 1:
        ratios = {key: rows[1][f"{key}_s"] / rows[0][f"{key}_s"] for key in ("forward", "step")}
        memory = rows[1]["added_gb"] / max(rows[0]["added_gb"], 1e-9)
        result.tables["times more than kgnn"] = [{"way": rows[1]["way"], **ratios, "memory": memory}]
        result.bars = [Bar("step, times faster than index_add", 1.0, ratios["step"], True)]
    return result


def workload(nodes: int, edges: int, samples: int, features: int) -> tuple[Messages, np.ndarray, np.ndarray]:
    """A graph with hubs, sorted by receiver as `compile_adjacency` leaves it, and values ``[node, column]``."""
    random = np.random.default_rng(0)
    weight = np.arange(1, nodes + 1) ** -HUBS
    name = random.permutation(nodes)
    senders, receivers = (name[random.choice(nodes, edges, p=weight / weight.sum())] for _ in range(2))
    order = np.lexsort((senders, receivers))
    messages = Messages(senders[order].astype(np.int32), receivers[order].astype(np.int32), nodes, nodes)
    coefficient = random.random(edges, dtype=np.float32) / np.float32(edges / nodes)
    return messages, coefficient, random.standard_normal((nodes, samples * features), dtype=np.float32)


def reference(messages: Messages, coefficient: np.ndarray, values: np.ndarray) -> np.ndarray:
    from scipy.sparse import coo_array

    shape = (messages.n_receivers, messages.n_senders)
    matrix = coo_array((coefficient, (messages.receivers, messages.senders)), shape=shape).tocsr()
    return matrix @ values


def of_kgnn(
    messages: Messages, coefficient: np.ndarray, values: np.ndarray
) -> tuple[Callable[[], Any], Callable[[], Any]]:
    """Forward, and forward with the gradient to the values."""
    given = jnp.asarray(coefficient), jnp.asarray(values)
    forward = jax.jit(lambda c, x: received(messages, c, x))
    step = jax.jit(jax.grad(lambda c, x: 0.5 * jnp.square(received(messages, c, x)).sum(), argnums=1))
    return (lambda: wait(forward(*given))), (lambda: wait(step(*given)))


def of_torch(
    messages: Messages, coefficient: np.ndarray, values: np.ndarray
) -> tuple[Callable[[], Any], Callable[[], Any]]:
    """The same with PyTorch."""
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    senders, receivers = (torch.tensor(each, dtype=torch.long, device=device) for each in (
        messages.senders, messages.receivers,
    ))  # fmt: skip
    weight, at = (torch.tensor(each, device=device) for each in (coefficient, values))

    def sums(at: Any) -> Any:
        empty = torch.zeros_like(at)
        return empty.index_add_(0, receivers, at[senders] * weight[:, None])

    def done(found: Any) -> Any:
        if device == "cuda":
            torch.cuda.synchronize()
        return found.detach().cpu() if device == "cuda" else found.detach()

    def step() -> Any:
        leaf = at.clone().requires_grad_()
        (0.5 * sums(leaf).square().sum()).backward()
        return done(leaf.grad)

    return (lambda: done(sums(at))), step


def peak_of_kgnn(**sizes: int) -> Row:
    """Peak memory of a process that does two steps, and what of it the steps have added."""
    return _peak(of_kgnn, sizes)


def peak_of_torch(**sizes: int) -> Row:
    return _peak(of_torch, sizes)


def _peak(ways: Callable[..., Any], sizes: dict[str, int]) -> Row:
    small = workload(nodes=50, edges=200, samples=2, features=2)
    ways(*small)[1]()  # libraries are loaded and threads started before the first look
    made = workload(**sizes)
    before = peak_memory_gb()
    step = ways(*made)[1]
    for _ in range(2):
        step()
    return {
        "peak_gb": peak_memory_gb(),
        "added_gb": peak_memory_gb() - before,
        "peak_on_device_gb": device_peak_memory_gb(),
    }


if __name__ == "__main__":
    main()
