"""`FanInLinear`: the one sparse product of kgnn, many small linear maps that share a few padded dense products.

Activations are feature-major, ``[row, sample]``, so that gathering the inputs of a term copies whole rows.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import Array

from kgnn.layers.initial import uniform_within
from kgnn.structure.buckets import Bucket, FanIn


class Mask(nnx.Variable):
    """A fixed bool array of a layer; no optimizer and no initializer ever writes to it."""


class FanInLinear(nnx.Module):
    r"""Linear maps from chosen source rows to the outputs of every block.

    .. math:: y_{bo} = \sum_{s \in \mathrm{sources}(b)} W_{bso}\, x_s

    Weights of unused slots are multiplied by the mask inside the forward pass: their gradient is exactly 0, and
    whatever is written to them cannot change the output.

    Args:
        plan: The buckets, from `kgnn.structure.plan_fan_in`.
        bound: Largest initial weight of every block, ``[block]``; weights start uniform within it.
        rngs: Source of the initial weights.
    """

    def __init__(self, plan: FanIn, bound: np.ndarray, *, rngs: nnx.Rngs):
        self.n_rows = plan.n_rows
        self.buckets = nnx.List([_BucketLinear(bucket, bound[bucket.blocks], rngs) for bucket in plan.buckets])
        self.order = None if plan.order is None else Mask(jax.device_put(plan.order))

    @property
    def n_unused(self) -> int:
        """Number of weights that exist only as padding."""
        return sum(bucket.kernel[...].size - int(bucket.mask().sum()) for bucket in self.buckets)

    def __call__(self, rows: Array, slot_scale: list[Array] | None = None) -> Array:
        """Output rows ``[row, sample]`` from source rows ``[source, sample]``.

        Args:
            rows: The source rows.
            slot_scale: For each bucket, a factor ``[block, slot]`` on its inputs, or None.
        """
        scales = [None] * len(self.buckets) if slot_scale is None else slot_scale
        parts = [bucket(rows, scale) for bucket, scale in zip(self.buckets, scales, strict=True)]
        joined = parts[0] if len(parts) == 1 else jnp.concatenate(parts)
        return joined if self.order is None else joined[self.order[...]]

    def constant(self, slots: list[Array]) -> Array:
        """Output rows ``[row]`` that inputs constant over samples, ``[block, slot]`` a bucket, contribute."""
        parts = []
        for bucket, values in zip(self.buckets, slots, strict=True):
            used = jnp.where(bucket.used_slots[...], values, 0.0)
            outputs = jnp.einsum("bso,bs->bo", bucket.weights(), used).reshape(-1)
            parts.append(outputs if bucket.kept_rows is None else outputs[bucket.kept_rows[...]])
        joined = jnp.concatenate(parts)
        return joined if self.order is None else joined[self.order[...]]


class _BucketLinear(nnx.Module):
    def __init__(self, bucket: Bucket, bound: np.ndarray, rngs: nnx.Rngs):
        self.kernel = nnx.Param(uniform_within(bucket.mask * bound[:, None, None], rngs))
        self.used_slots = Mask(jax.device_put(bucket.used_slots))
        self.used_outputs = Mask(jax.device_put(bucket.used_outputs))
        self.sources = Mask(jax.device_put(bucket.sources))
        self.first_source = bucket.first_source
        kept_rows = np.flatnonzero(bucket.used_outputs.reshape(-1)).astype(np.int32)
        self.kept_rows = None if bucket.used_outputs.all() else Mask(jax.device_put(kept_rows))

    def mask(self) -> Array:
        """bool ``[block, slot, output]``: weights that exist."""
        return self.used_slots[...][:, :, None] & self.used_outputs[...][:, None, :]

    def weights(self, scale: Array | None = None) -> Array:
        """The weights in force ``[block, slot, output]``: masked, and scaled by slot where asked."""
        kernel = jnp.where(self.mask(), self.kernel[...], 0.0)
        if scale is None:
            return kernel
        return kernel * jnp.where(self.used_slots[...], scale, 0.0)[:, :, None]

    def __call__(self, rows: Array, scale: Array | None) -> Array:
        n_blocks, n_slots = self.sources.shape
        if self.first_source is None:
            inputs = rows.at[self.sources[...]].get(mode="promise_in_bounds")
        else:
            inputs = jax.lax.slice_in_dim(rows, self.first_source, self.first_source + n_blocks * n_slots)
            inputs = inputs.reshape(n_blocks, n_slots, -1)
        outputs = jnp.einsum("bso,bsn->bon", self.weights(scale), inputs)
        outputs = outputs.reshape(-1, outputs.shape[-1])
        return outputs if self.kept_rows is None else outputs[self.kept_rows[...]]
