"""`tune`: which layout of a network's products is fastest on this device, measured once and kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from kgnn.errors import KgnnError
from kgnn.layers.layout import Layout, default_layout, keep_layout
from kgnn.layers.subsystems import Subsystems, SubsystemSettings
from kgnn.layers.tiles import MULTIPLE, tile_size
from kgnn.structure import Hierarchy
from kgnn.structure.buckets import PRICE_OF_A_BUCKET
from kgnn.structure.cost import predict_cost
from kgnn.structure.wiring import wire

PRICES = (PRICE_OF_A_BUCKET, 1_000, 9_000)
TILES = (1.0, 0.5, 2.0)
"""Samples of a tile that are tried, as multiples of the default."""
HOPELESS = 1.5
"""A candidate is not tried where it is predicted to take so many times as long as the best."""
LEAST_GAIN = 0.03
"""What a candidate must save to replace the one before it: less is not told from noise."""
LEAST_WINS = 2 / 3
"""Share of the rounds in which it must have been the faster one of the two: a median alone may be luck."""

Step = Callable[[], Any]


@dataclass(frozen=True)
class Candidate:
    """A layout that was considered.

    Attributes:
        stage: ``"price"`` or ``"tile"``: with what it was compared. Times of different stages are of different minutes.
        price: What one product more costs, in padded weights.
        samples_of_a_tile: Samples that are computed together at most.
        predicted_seconds: Time of a step by the cost model.
        measured_seconds: Median time of forward and gradient; None where the prediction ruled it out.
        compile_seconds: Time to lay out and compile; None likewise.
    """

    stage: str
    price: int
    samples_of_a_tile: int
    predicted_seconds: float
    measured_seconds: float | None
    compile_seconds: float | None


@dataclass(frozen=True)
class Tuning:
    """What `tune` has found.

    Attributes:
        layout: The choice.
        candidates: All that were considered, in order.
        batch_size: Samples of the steps that were timed.
        path: Where the choice is kept; None where it is not.
    """

    layout: Layout
    candidates: tuple[Candidate, ...]
    batch_size: int
    path: Path | None

    def to_json(self) -> dict[str, Any]:
        """A value that `json` can write."""
        return asdict(self) | {"path": None if self.path is None else str(self.path)}

    def table(self) -> str:
        """The candidates as aligned text, the choice marked."""
        lines = ["stage    price  tile   predicted    measured     compile"]
        for each in self.candidates:
            times = (each.predicted_seconds, each.measured_seconds, each.compile_seconds)
            shown = "".join(f"{'not tried':>12}" if time is None else f"{time:>10.4f} s" for time in times)
            same = (each.price, each.samples_of_a_tile) == (self.layout.price, self.layout.samples_of_a_tile)
            lines.append(f"{each.stage:<6}{each.price:>8}{each.samples_of_a_tile:>6}{shown}{'  chosen' * same}")
        return "\n".join(lines)


def tune(
    hierarchy: Hierarchy,
    settings: SubsystemSettings | None = None,
    *,
    n_outputs: int = 1,
    root_head: bool = True,
    batch_size: int = 512,
    repeats: int = 7,
    progress: Callable[[int, int], None] | None = None,
    prepare: Callable[[Layout], Step] | None = None,
    clock: Callable[[], float] = perf_counter,
) -> Tuning:
    """Measure which layout of a network's products is fastest on this device, and keep the choice.

    Forward and gradient of a training step are timed on random samples: first how finely the products are cut, then how
    many samples a tile holds. What the cost model calls hopeless is not tried. Candidates take turns, so that a busy
    machine slows all of them, and the median counts. Networks that are built later over the same hierarchy, with the
    same states, on the same kind of device, take the choice; one that exists already keeps its layout.

    The function that a network computes stays the same, but sums are taken in another order: results agree to rounding,
    not to the last bit.

    Args:
        hierarchy: The compiled hierarchy.
        settings: Settings of the subsystems, the default ones where None.
        n_outputs: Outputs of every auxiliary head.
        root_head: Whether the root has one as well.
        batch_size: Samples of a step.
        repeats: How often each candidate is timed.
        progress: Called with the number of candidates that are done, and of all.
        prepare: Compiles a layout and returns its step, to be called without arguments; `compile_step` where None.
        clock: Seconds since some moment.

    Returns:
        The choice, and a table of all candidates.

    Raises:
        KgnnError: If there are no samples or no repeats.
    """
    for name, number in (("batch_size", batch_size), ("repeats", repeats)):
        if number < 1:
            raise KgnnError(f"{name} is {number}, but something must be timed. Choose at least 1.")
    settings = settings or SubsystemSettings()
    settings.check()
    n_states = settings.states_of_terms(hierarchy)
    start = default_layout(int(n_states.sum()))

    def compiled(layout: Layout) -> Step:
        return compile_step(hierarchy, settings, layout, (batch_size, n_outputs), root_head=root_head)

    def predicted(layout: Layout) -> tuple[float, Any]:
        n_heads = hierarchy.n_terms - (not root_head)
        wiring = wire(hierarchy, n_states, n_heads=n_heads, n_outputs=n_outputs, price=layout.price)
        size = tile_size(batch_size, layout.samples_of_a_tile)
        kinds = (wiring.genes, wiring.children, wiring.parents)
        shapes = tuple(each.shapes for kind in kinds for each in kind if each is not None)
        return predict_cost(wiring, hierarchy.n_genes, batch_size, tile=size).step_seconds, (shapes, size)

    race = _Race(predicted, prepare or compiled, clock, repeats, progress)
    best = race.run("price", [replace(start, price=price) for price in PRICES])
    sizes = [int(share * best.samples_of_a_tile) // MULTIPLE * MULTIPLE for share in TILES]
    best = race.run("tile", [replace(best, samples_of_a_tile=size) for size in sizes])
    race.told(race.total)
    chosen = replace(best, measured=True)
    return Tuning(chosen, tuple(race.found), batch_size, keep_layout(hierarchy, n_states, chosen))


def compile_step(
    hierarchy: Hierarchy, settings: SubsystemSettings, layout: Layout, size: tuple[int, int], *, root_head: bool = True
) -> Step:
    """Forward and gradient of the subsystems of a network, as in training, on random samples.

    Args:
        hierarchy: The compiled hierarchy.
        settings: Settings of the subsystems.
        layout: How their products are laid out.
        size: Samples, and outputs of every auxiliary head.
        root_head: Whether the root has one as well.

    Returns:
        A function that computes one step and returns the gradients when they are there.
    """
    n_samples, n_outputs = size
    module = Subsystems(hierarchy, settings, n_outputs, root_head=root_head, layout=layout, rngs=nnx.Rngs(0))
    graph, params, rest = nnx.split(module, nnx.Param, ...)
    genes = jnp.asarray(np.random.default_rng(0).normal(size=(n_samples, hierarchy.n_genes)), jnp.float32)

    def loss(params: Any, rest: Any, genes: Any) -> Any:
        _, root, heads = nnx.merge(graph, params, rest, copy=True)(genes, train=True)
        return jnp.square(root).sum() + jnp.square(heads).sum()

    step = jax.jit(jax.grad(loss)).lower(params, rest, genes).compile()
    return lambda: jax.block_until_ready(step(params, rest, genes))


class _Race:
    """Candidates of one stage after the other, each compiled once."""

    def __init__(
        self,
        predicted: Callable[[Layout], tuple[float, Any]],
        prepare: Callable[[Layout], Step],
        clock: Callable[[], float],
        repeats: int,
        progress: Callable[[int, int], None] | None,
    ):
        self.predicted, self.prepare, self.clock, self.repeats = predicted, prepare, clock, repeats
        self.progress = progress
        self.total = len(PRICES) + len(TILES)
        self.steps: dict[Layout, tuple[Step, float]] = {}
        self.found: list[Candidate] = []

    def told(self, done: int) -> None:
        if self.progress is not None:
            self.progress(done, self.total)

    def run(self, stage: str, layouts: Sequence[Layout]) -> Layout:
        """The fastest; the first of them unless another is clearly faster."""
        predictions: dict[Layout, float] = {}
        seen = set()
        for layout in layouts:
            seconds, products = self.predicted(layout)
            if products not in seen:
                seen.add(products)
                predictions[layout] = seconds
        first, *_ = predictions
        limit = HOPELESS * min(predictions.values())
        tried = [layout for layout, seconds in predictions.items() if layout == first or seconds <= limit]
        times = self._times(tried)
        measured = {layout: median(each) for layout, each in times.items()}
        for layout, seconds in predictions.items():
            compiling = self.steps[layout][1] if layout in measured else None
            numbers = (layout.price, layout.samples_of_a_tile, seconds)
            self.found.append(Candidate(stage, *numbers, measured.get(layout), compiling))
        fastest = min(tried, key=lambda layout: measured[layout])
        wins = sum(mine < other for mine, other in zip(times[fastest], times[first], strict=True))
        clearly = measured[fastest] < (1 - LEAST_GAIN) * measured[first] and wins >= LEAST_WINS * self.repeats
        return fastest if clearly else first

    def _times(self, layouts: Sequence[Layout]) -> dict[Layout, list[float]]:
        """Seconds of every round. A round is one step of each, so that all see the same machine."""
        for number, layout in enumerate(layouts):
            self.told(len(self.found) + number)
            if layout not in self.steps:
                begun = self.clock()
                step = self.prepare(layout)
                self.steps[layout] = (step, self.clock() - begun)
                step()
        times: dict[Layout, list[float]] = {layout: [] for layout in layouts}
        for _ in range(self.repeats):
            for layout in layouts:
                begun = self.clock()
                self.steps[layout][0]()
                times[layout].append(self.clock() - begun)
        return times
