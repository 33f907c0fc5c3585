"""How fast the machine is at the two things every network is made of, and how much of that a step reaches."""

from __future__ import annotations

from typing import Any

import numpy as np

from kgnn.structure import Hierarchy

from .timing import time_calls

MATRIX = 4_096
COPIED_BYTES = 1 << 29
GIGA = 1e9


def roofline(quick: bool = False) -> dict[str, float]:
    """Floating-point operations a second of a large matrix product, and bytes a second of a large copy, in float32.

    A copy of n bytes reads and writes them, which counts as 2 n.
    """
    import jax
    import jax.numpy as jnp

    size = MATRIX // 2 if quick else MATRIX
    n = COPIED_BYTES // (4 if quick else 1) // 4
    matrix = jnp.asarray(np.random.default_rng(0).standard_normal((size, size)).astype(np.float32))
    product = jax.jit(jnp.matmul)
    # Adding a number that is not known when compiling makes it a pass over memory that cannot be left out.
    copy = jax.jit(lambda values, number: values + number)
    values, number = jnp.zeros(n, jnp.float32), jnp.float32(1.0)
    of_product = time_calls(lambda: product(matrix, matrix), warm_up=2)
    of_copy = time_calls(lambda: copy(values, number), warm_up=2)
    return {
        "matrix_size": size,
        "copied_bytes": n * 4,
        "matmul_gflops": 2 * size**3 / of_product.least / GIGA,
        "copy_gbytes": 2 * n * 4 / of_copy.least / GIGA,
    }


def step_flops(hierarchy: Hierarchy, model: Any) -> float:
    """Floating-point operations a sample that a training step cannot do without.

    A weight is multiplied and added once forward, once for its own gradient, and once for the gradient of its input;
    the last is not needed for weights on genes and fingerprints. Activations, normalization and the optimizer are left
    out.
    """
    n = model.root_rows
    without, with_gradient = len(hierarchy.annotation_gene) * n, len(hierarchy.relation_child) * n * n
    if hasattr(model, "drug"):
        kernels = [layer.kernel.size for layer in (*model.drug.layers, *model.join.layers)]
        without += kernels[0]
        with_gradient += sum(kernels[1:])
    with_gradient += len(model.heads) * n
    return 2.0 * (2 * without + 3 * with_gradient)


def step_bytes(hierarchy: Hierarchy, model: Any) -> float:
    """Bytes a sample that pass through memory where states do not stay in a cache.

    Every state is written and read forward, read again backward, and its gradient is written and read, in float32;
    every input is one byte, read forward and backward.
    """
    inputs = hierarchy.n_genes + getattr(model, "n_fingerprint", 0)
    return 5.0 * 4 * hierarchy.n_terms * model.root_rows + 2.0 * inputs


def floor_row(batch: int, seconds: float, flops: float, n_bytes: float, best: dict[str, float]) -> dict[str, Any]:
    """How far a step is from what its arithmetic, and its memory traffic, would take at the best rates.

    Args:
        batch: Samples of the step.
        seconds: What it took.
        flops: Of `step_flops`.
        n_bytes: Of `step_bytes`.
        best: Of `roofline`.
    """
    done, moved = batch * flops / GIGA, batch * n_bytes / GIGA
    return {
        "batch": batch,
        "step_s": seconds,
        "arithmetic_floor_s": done / best["matmul_gflops"],
        "times_the_floor": seconds * best["matmul_gflops"] / done,
        "gflops": done / seconds,
        "share_of_matmul": done / seconds / best["matmul_gflops"],
        "gbytes_a_second": moved / seconds,
        "share_of_copy": moved / seconds / best["copy_gbytes"],
    }
