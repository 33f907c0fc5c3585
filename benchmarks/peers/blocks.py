"""PyTorch blocks that both designs share: a normalized layer with its head, the drug branch, the join, the loss."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn

from .weights import DrugCellWeights, Layer

AUXILIARY_WEIGHT = 0.2


def linear(layer: Layer) -> nn.Linear:
    """A linear map with the weights of a layer."""
    made = nn.Linear(layer.kernel.shape[1], layer.kernel.shape[0])
    copy_into(made.weight, layer.kernel)
    copy_into(made.bias, layer.bias)
    return made


def batch_norm(norm: np.ndarray) -> nn.BatchNorm1d:
    """Batch normalization with scale, bias, running mean and running variance ``[4, output]``."""
    made = nn.BatchNorm1d(norm.shape[1])
    for target, values in zip((made.weight, made.bias, made.running_mean, made.running_var), norm, strict=True):
        if target is not None:
            copy_into(target, values)
    return made


def copy_into(target: Tensor, values: np.ndarray | float) -> None:
    """Write values into a tensor, outside of any gradient."""
    with torch.no_grad():
        target.copy_(torch.as_tensor(np.array(values, dtype=np.float32)).reshape(target.shape))


class Head(nn.Module):
    """Auxiliary head: a linear map to one number, tanh, and a linear map of that number."""

    def __init__(self, weights: tuple[np.ndarray, float, float, float]):
        super().__init__()
        kernel, bias, second_weight, second_bias = weights
        self.first = linear(Layer(kernel[None, :], np.array([bias])))
        self.second = linear(Layer(np.array([[second_weight]]), np.array([second_bias])))

    def forward(self, states: Tensor) -> Tensor:
        """``[sample, 1]`` from ``[sample, state]``."""
        return self.second(torch.tanh(self.first(states)))


class Block(nn.Module):
    """A linear map, tanh and batch normalization, with an auxiliary head where the layer has one."""

    def __init__(self, layer: Layer):
        super().__init__()
        if layer.norm is None:
            raise ValueError("a block without normalization")
        self.linear = linear(layer)
        self.norm = batch_norm(layer.norm)
        self.head = None if layer.head is None else Head(layer.head)

    def forward(self, inputs: Tensor) -> Tensor:
        """States ``[sample, state]``."""
        return self.norm(torch.tanh(self.linear(inputs)))


class DrugAndJoin(nn.Module):
    """The drug branch, and what joins it with the root of the hierarchy to one prediction."""

    def __init__(self, weights: DrugCellWeights):
        super().__init__()
        self.drug = nn.ModuleList(Block(layer) for layer in weights.drug)
        self.join = Block(weights.join)
        self.first_output = linear(weights.first_output)
        self.second_output = linear(weights.second_output)

    def forward(self, root: Tensor, fingerprints: Tensor) -> tuple[Tensor, list[Tensor]]:
        """The prediction ``[sample, 1]``, and the auxiliary heads of the drug layers."""
        heads, rows = [], fingerprints
        for block in self.drug:
            rows = block(rows)
            heads.append(block.head(rows))
        joined = self.join(torch.cat([root, rows], dim=1))
        return self.second_output(torch.tanh(self.first_output(joined))), heads

    def shared_gradients(self) -> dict[str, Tensor]:
        """Gradients of the maps that kgnn has as well, under the names that `peers.agreement` gives them."""
        found = {"join": gradient_of(self.join.linear.weight), "output": gradient_of(self.first_output.weight)}
        return found | {f"drug {number}": gradient_of(b.linear.weight) for number, b in enumerate(self.drug)}


class Design(nn.Module, ABC):
    """A whole network: genes and fingerprints in, the prediction and every auxiliary head out."""

    @abstractmethod
    def shared_gradients(self) -> dict[str, Tensor]:
        """Gradients of arrays that kgnn has as well; see `peers.agreement`."""

    def to_device(self, device: str) -> Self:
        """The network on a device."""
        return self.to(device)

    def optimizer(self) -> torch.optim.Optimizer:
        """The optimizer of `train_step`: Adam as DrugCell trains, second moment 0.99, epsilon 1e-5."""
        return torch.optim.Adam(self.parameters(), lr=1e-3, betas=(0.9, 0.99), eps=1e-5)

    def train_step(
        self, optimizer: torch.optim.Optimizer, genes: Tensor, fingerprints: Tensor, target: Tensor
    ) -> Tensor:
        """One training step; the loss before it."""
        optimizer.zero_grad()
        loss = total_loss(*self(genes, fingerprints), target)
        loss.backward()
        self.mask_gradients()
        optimizer.step()
        return loss.detach()

    def mask_gradients(self) -> None:
        """What a design does to its gradients after the backward pass: nothing, where it needs no mask."""


def gradient_of(parameter: Any) -> Tensor:
    """The gradient that the last backward pass left."""
    if parameter.grad is None:
        raise ValueError("no backward pass has reached a parameter")
    return parameter.grad


def total_loss(output: Tensor, heads: Sequence[Tensor], target: Tensor) -> Tensor:
    """Mean squared error of the output, and of every auxiliary head at a weight of 0.2."""
    loss = nn.functional.mse_loss(output, target)
    for head in heads:
        loss = loss + AUXILIARY_WEIGHT * nn.functional.mse_loss(head, target)
    return loss


def count_parameters(module: nn.Module) -> int:
    """Number of trained weights."""
    return sum(parameter.numel() for parameter in module.parameters())
