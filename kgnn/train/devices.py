"""`Placement`: the devices of a fit, and where its arrays lie on them.

The training program is written for one device. On many, the arrays of a model and the tables of samples are copied to
every device, and the samples of every batch are dealt out among them; `jax.jit` then divides the work and adds up what
has to be added up. The numbers are those of one device: statistics of a batch are those of the whole batch.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, TypeVar

import jax
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from kgnn.errors import TrainingError

SAMPLE_AXIS = "sample"
Tree = TypeVar("Tree")


@dataclass(frozen=True)
class Placement:
    """Devices, and how arrays are placed on them.

    While a model is traced for several devices, `jax.sharding.get_abstract_mesh` gives their mesh.

    Attributes:
        mesh: The devices along the axis ``"sample"``, of all processes; None for the default device alone, on which
            everything here leaves arrays as they are.
    """

    mesh: Mesh | None = None

    @property
    def n_devices(self) -> int:
        """Number of devices, over all processes."""
        return 1 if self.mesh is None else self.mesh.size

    @property
    def everywhere(self) -> NamedSharding | None:
        """Sharding of an array that lies whole on every device."""
        return None if self.mesh is None else NamedSharding(self.mesh, PartitionSpec())

    @property
    def by_sample(self) -> NamedSharding | None:
        """Sharding of an array whose first axis is dealt out among the devices."""
        return None if self.mesh is None else NamedSharding(self.mesh, PartitionSpec(SAMPLE_AXIS))

    def context(self) -> AbstractContextManager[Any]:
        """In which functions of a model are traced, so that they know for how many devices they are compiled."""
        return nullcontext() if self.mesh is None else jax.sharding.use_abstract_mesh(self.mesh.abstract_mesh)

    def copy(self, tree: Tree) -> Tree:
        """The arrays of a tree, the same in all processes, whole on every device.

        Args:
            tree: Of arrays of this process, or NumPy arrays.

        Returns:
            The tree on the devices.
        """
        return tree if self.mesh is None else jax.tree.map(lambda leaf: _put(leaf, self.everywhere), tree)

    def deal(self, tree: Tree) -> Tree:
        """Inside a compiled function: arrays whose first axis (samples, or rows that samples share) is dealt out.

        The axis may have any length.

        Args:
            tree: Of arrays with the same or different first axes.

        Returns:
            The same tree.
        """
        return tree if self.mesh is None else jax.lax.with_sharding_constraint(tree, self.by_sample)

    def dealt(self, array: np.ndarray) -> jax.Array:
        """An array, the same in all processes, with its first axis dealt out.

        Args:
            array: Its first axis is a multiple of the number of devices, see `rounded_up`.

        Returns:
            The array on the devices.
        """
        return jax.numpy.asarray(array) if self.mesh is None else _put(array, self.by_sample)

    def rounded_up(self, n: int) -> int:
        """The next multiple of the number of devices."""
        return -(-n // self.n_devices) * self.n_devices

    def whole(self, array: jax.Array) -> np.ndarray:
        """A result that may be dealt out, as one NumPy array in every process."""
        return np.asarray(array if self.mesh is None else jax.device_put(array, self.everywhere))

    def local(self, tree: Tree) -> Tree:
        """Arrays that lie on every device, as arrays of one device of this process."""
        return tree if self.mesh is None else jax.tree.map(lambda leaf: leaf.addressable_data(0), tree)


ONE_DEVICE = Placement()


def place(devices: int | str | None = None) -> Placement:
    """Devices for a fit.

    Args:
        devices: How many devices of this machine, or ``"all"``; None for one, or all where several processes train
            together. With several processes, the number is that of each.

    Returns:
        The placement over the devices of all processes.

    Raises:
        TrainingError: If there are not so many.

    Example:
        >>> place(1).n_devices
        1
    """
    n_processes, here = jax.process_count(), jax.local_device_count()
    if devices is None:
        devices = "all" if n_processes > 1 else 1
    if isinstance(devices, str):
        devices = here if devices == "all" else _number(devices)
    if not 1 <= devices <= here:
        known = "1" if here == 1 else f"1 to {here}"
        many = f"{here} {jax.default_backend()} device{'s' if here > 1 else ''}"
        raise TrainingError(f"devices is {devices}, but JAX finds {many} here. Give {known}, or all.")
    if devices == n_processes == 1:
        return Placement()
    by_process = [[d for d in jax.devices() if d.process_index == number] for number in range(n_processes)]
    chosen = [device for each in by_process for device in each[:devices]]
    return Placement(jax.make_mesh((len(chosen),), (SAMPLE_AXIS,), axis_types=(AxisType.Auto,), devices=chosen))


def _number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise TrainingError(f"devices is {text!r}. Give their number, or all.") from None


def _put(leaf: Any, sharding: Any) -> jax.Array:
    """An array that every process has, on devices of which some belong to others."""
    if jax.numpy.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        return jax.random.wrap_key_data(_put(jax.random.key_data(leaf), sharding))
    here = np.asarray(leaf)
    return jax.make_array_from_callback(here.shape, sharding, lambda index: here[index])
