"""Building, checking and timing peers; the one door through which a benchmark reaches PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np

DESIGNS = ("published", "sparse levels")
CHECK_SAMPLES = 96
CHECK_DENSITY = 0.3
"""Altered genes of the samples that the check runs on: enough that every term varies among so few."""


class Peer(NamedTuple):
    """A peer that was checked to compute kgnn's function.

    Attributes:
        module: The PyTorch module.
        optimizer: Its optimizer.
        agreement: Largest differences found in the check, by what was compared.
    """

    module: Any
    optimizer: Any
    agreement: dict[str, float | None]

    @property
    def n_parameters(self) -> int:
        """Number of trained weights."""
        return sum(parameter.numel() for parameter in self.module.parameters())

    def training_step(self, arrays: Mapping[str, np.ndarray]) -> Callable[[], None]:
        """A call of one training step on a batch that is on the device already."""
        genes, fingerprints, target = self._on_device(arrays)

        def call() -> None:
            self.module.train()
            self.module.train_step(self.optimizer, genes, fingerprints, target)
            _synchronize()

        return call

    def forward(self, arrays: Mapping[str, np.ndarray]) -> Callable[[], None]:
        """A call of one prediction, output and all auxiliary heads, without gradients."""
        import torch

        genes, fingerprints, _ = self._on_device(arrays)

        def call() -> None:
            self.module.eval()
            with torch.no_grad():
                self.module(genes, fingerprints)
            _synchronize()

        return call

    def _on_device(self, arrays: Mapping[str, np.ndarray]) -> list[Any]:
        import torch

        return [torch.as_tensor(arrays[name], device=_device()) for name in ("genotype", "fingerprint", "target")]


def has_torch() -> bool:
    """Whether PyTorch is installed (the extra ``bench``)."""
    return find_spec("torch") is not None


def checked_peers(model: Any, check_samples: Any, designs: tuple[str, ...] = DESIGNS) -> dict[str, Peer]:
    """Peers with the weights of a model, by the name of their design, each checked first.

    Args:
        model: A DrugCell network with the published settings; a copy with lively weights is what both start from.
        check_samples: What the check runs on.
        designs: Which.

    Raises:
        ValueError: If one does not compute what kgnn computes.
    """
    import torch

    from .agreement import check_agreement, findings_of
    from .published import PublishedDesign
    from .sparse_levels import SparseLevels
    from .weights import lively_model, read_weights

    kinds = {"published": PublishedDesign, "sparse levels": SparseLevels}
    lively = lively_model(model)
    weights = read_weights(lively)
    ours, peers = findings_of(lively, check_samples), {}
    for design in designs:
        module = kinds[design](weights).to_device(_device())
        agreement = check_agreement(ours, module, check_samples, same_step=design == "published")
        peers[design] = Peer(module, module.optimizer(), agreement._asdict())
    # JAX multiplies float32 matrices on tensor cores unless told otherwise; the peers may as well.
    torch.set_float32_matmul_precision("high")
    return peers


def _device() -> str:
    """The accelerator where both programs have one, else the processor."""
    import jax
    import torch

    return "cuda" if jax.default_backend() == "gpu" and torch.cuda.is_available() else "cpu"


def _synchronize() -> None:
    import torch

    if torch.cuda.is_available():
        torch.cuda.synchronize()
