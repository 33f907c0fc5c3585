"""What a visible network will cost, before anything is compiled: arithmetic, memory and compile time.

The numbers follow from the wiring alone. The rates that turn them into seconds were measured on the DrugCell ontology
(2,086 terms, six states each) on two cores; they say which of two layouts is faster, not how fast another machine is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass

import numpy as np

from kgnn.structure.hierarchy import Hierarchy
from kgnn.structure.wiring import Products, Wiring, wire

BYTES = 4
ARRAYS_OF_STATES = 3
"""Arrays ``[state, sample]`` that a training step holds: sums or activations, states, and gradients."""
ARRAYS_OF_HEADS = 6
"""Arrays ``[head output, sample]``: linear, activated, output, and the gradients of each."""
ARRAYS_OF_PARAMETERS = 8
"""Parameters, two moments and an average, before and after a step."""
OPERATIONS_A_STATE = 40
"""Elementwise operations on every state and sample, forward and back."""
SECONDS_TO_COMPILE = 2.0
SECONDS_A_PRODUCT = 0.055
"""Compile time: a start, and what every padded product adds; measured at 90 to 200 products."""
SECONDS_A_CALL = 12e-6
"""What a product costs in every tile beside its arithmetic."""
GATHERED_BYTES_A_SECOND = 10e9
OPERATIONS_A_SECOND = 45e9
TILE = 128


@dataclass(frozen=True)
class Cost:
    """Prediction for one training step.

    Attributes:
        parameters: Weights, biases and normalization; no gene layer, no other branches.
        products: Padded products, forward and back.
        padding: Share of the padded weights that stand for nothing.
        flops: Floating point operations.
        step_bytes: Peak memory of the step and of everything that it holds.
        compile_seconds: Time to compile the step, on the machine that the rates were measured on.
        step_seconds: Time of the products of a step there.
    """

    parameters: int
    products: int
    padding: float
    flops: int
    step_bytes: int
    compile_seconds: float
    step_seconds: float

    def to_json(self) -> dict[str, float]:
        """A value that `json` can write, rounded to what the prediction is worth."""
        return {
            name: float(f"{value:.3g}") if isinstance(value, float) else value for name, value in asdict(self).items()
        }


def predict_cost(wiring: Wiring, n_genes: int, batch_size: int, *, tile: int = TILE) -> Cost:
    """Predict what a training step costs.

    Args:
        wiring: Of the network.
        n_genes: Number of genes.
        batch_size: Samples of the step, all different.
        tile: Samples of a tile.

    Returns:
        The prediction; memory is within a quarter of what was measured, time within a factor of two on the machine
        that the rates are from.
    """
    n_states = len(wiring.row_of_state)
    n_heads = len(wiring.head_order)
    n_weights = wiring.n_gene_weights + wiring.n_child_weights + wiring.n_head_weights
    parameters = n_weights + 3 * n_states + n_heads
    used = list(_used(wiring))
    padded = sum(times * each.weights.size for each, times, _ in used)
    real = sum(times * int((each.weights < n).sum()) for each, times, n in used)
    calls = sum(times * len(each.shapes) for each, times, _ in used)
    flops = 2 * padded * batch_size + OPERATIONS_A_STATE * n_states * batch_size
    gathered = sum(times * each.sources.size for each, times, _ in used if not each.neighbors) * batch_size * BYTES
    arrays = ARRAYS_OF_STATES * n_states + ARRAYS_OF_HEADS * n_heads + 2 * n_genes
    return Cost(
        parameters=parameters,
        products=calls,
        padding=1 - real / max(padded, 1),
        flops=flops,
        step_bytes=BYTES * (arrays * batch_size + ARRAYS_OF_PARAMETERS * parameters),
        compile_seconds=SECONDS_TO_COMPILE + SECONDS_A_PRODUCT * calls,
        step_seconds=2 * padded * batch_size / OPERATIONS_A_SECOND
        + gathered / GATHERED_BYTES_A_SECOND
        + calls * -(-batch_size // tile) * SECONDS_A_CALL,
    )


def hierarchy_cost(hierarchy: Hierarchy, *, n_states: int = 6, batch_size: int = 256) -> Cost:
    """`predict_cost` of the plain visible network over a hierarchy.

    Args:
        hierarchy: The hierarchy.
        n_states: States of every term.
        batch_size: Samples a step.

    Returns:
        The prediction.
    """
    states = np.full(hierarchy.n_terms, n_states)
    return predict_cost(wire(hierarchy, states, n_heads=hierarchy.n_terms), hierarchy.n_genes, batch_size)


def _used(wiring: Wiring) -> Iterator[tuple[Products, int, int]]:
    """All products, how often a step runs each, and how many weights there are of its kind.

    Forward, and for the gradient of the weights; the gradient of the states has products of its own.
    """
    for kind, times, n_weights in (
        (wiring.genes, 2, wiring.n_gene_weights),
        (wiring.children, 2, wiring.n_child_weights),
        (wiring.parents, 1, wiring.n_child_weights),
        (wiring.heads, 2, wiring.n_head_weights),
        (wiring.back_heads, 1, wiring.n_head_weights),
    ):
        yield from ((each, times, n_weights) for each in kind if each is not None)
