"""Proof that a peer computes the same function as kgnn on the same weights; no peer is timed without it."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import torch
from flax import nnx

from kgnn.data import Samples
from kgnn.models import DrugResponseNetwork
from kgnn.train.engine import make_optimizer
from kgnn.train.losses import batch_losses
from kgnn.zoo import drugcell

from .blocks import AUXILIARY_WEIGHT, Design, total_loss
from .weights import read_weights

Findings = dict[str, Any]
TOLERANCE = 1e-4


class Agreement(NamedTuple):
    """Largest differences between a peer and kgnn on the same weights and samples, absolute unless said otherwise.

    Attributes:
        output: Of the predictions, with batch statistics.
        auxiliary: Of all auxiliary heads, with batch statistics.
        inference: Of predictions and heads, with running statistics.
        loss: Of the training loss, relative.
        gradient: Of the gradients of arrays that both have: norm of the difference over the norm, of the worst array.
            Biases before a normalization are left to `next_loss`: it cancels nearly all of their gradient.
        next_loss: Of the training loss after one step of the optimizer, relative; None where the peer has other
            parameters by design, so that Adam's step is another.
    """

    output: float
    auxiliary: float
    inference: float
    loss: float
    gradient: float
    next_loss: float | None


def findings_of(model: DrugResponseNetwork, samples: Samples) -> Findings:
    """What a model computes for samples: outputs, heads, losses and gradients.

    Args:
        model: With DrugCell's published settings.
        samples: A few dozen or more; enough for batch statistics.
    """
    inputs = jax.tree.map(jnp.asarray, samples.inputs())
    target = jnp.asarray(samples.require_targets().values)
    optimizer = make_optimizer(drugcell.config("paper"), 1)
    graph, params, rest = nnx.split(model, nnx.Param, ...)

    def loss_of(params: Any) -> tuple[Any, Any]:
        prediction = nnx.merge(graph, params, rest, copy=True)(inputs, train=True)
        scale, weights = model.output_scaling.scale[...], jnp.ones(len(samples))
        output, auxiliary = batch_losses(model.task, prediction, target, scale, weights)
        return output + AUXILIARY_WEIGHT * auxiliary, prediction

    def step(params: Any) -> Any:
        (loss, prediction), gradient = jax.value_and_grad(loss_of, has_aux=True)(params)
        updates, _ = optimizer.update(gradient, optimizer.init(params), params)
        return loss, prediction, gradient, loss_of(optax.apply_updates(params, updates))[0]

    with jax.default_matmul_precision("highest"):
        loss, prediction, gradient, next_loss = jax.jit(step)(params)
        inference = jax.jit(lambda params: nnx.merge(graph, params, rest)(inputs))(params)
    return {
        "output": prediction.output,
        "auxiliary": prediction.auxiliary[:, :, 0],
        "inference": (inference.output, inference.auxiliary[:, :, 0]),
        "loss": float(loss),
        "next_loss": float(next_loss),
        "gradients": _our_gradients(nnx.merge(graph, gradient, rest)),
    }


def check_agreement(ours: Findings, peer: Design, samples: Samples, *, same_step: bool) -> Agreement:
    """Compare a peer, which must be fresh and is left as it was, with the model whose weights it has.

    Args:
        ours: What the model computes, from `findings_of`.
        peer: Made from `read_weights` of the model.
        samples: The same that `ours` was computed for.
        same_step: Whether a step of the optimizer must have the same effect as well.

    Returns:
        The differences.

    Raises:
        ValueError: If any is above 1e-4.
    """
    before = {name: value.clone() for name, value in peer.state_dict().items()}
    theirs = _theirs(peer, samples, steps=same_step)
    peer.load_state_dict(before)
    gradients = [_relative_norm(ours["gradients"][name], theirs["gradients"][name]) for name in ours["gradients"]]
    found = Agreement(
        _distance(ours["output"], theirs["output"]),
        _distance(ours["auxiliary"], theirs["auxiliary"]),
        max(_distance(a, b) for a, b in zip(ours["inference"], theirs["inference"], strict=True)),
        abs(theirs["loss"] / ours["loss"] - 1),
        max(gradients),
        abs(theirs["next_loss"] / ours["next_loss"] - 1) if same_step else None,
    )
    wrong = {name: value for name, value in found._asdict().items() if value is not None and not value <= TOLERANCE}
    if wrong:
        raise ValueError(f"{type(peer).__name__} does not compute what kgnn computes: {wrong}, above {TOLERANCE}")
    return found


def _our_gradients(gradient: Any) -> dict[str, np.ndarray]:
    """Arrays that every design has, under the names of `Peer.shared_gradients`."""
    found = {
        "term scale": gradient.subsystems.norm.scale,
        "head weight": gradient.subsystems.heads.second_weight,
        "join": gradient.join.layers[0].kernel,
        "output": gradient.first_output.kernel,
    }
    found |= {f"drug {number}": layer.kernel for number, layer in enumerate(gradient.drug.layers)}
    weights = read_weights(gradient).terms
    below = [len(children) * gradient.root_rows for children in gradient.hierarchy.children_of_term]
    of_children = [layer.kernel[:, :n].reshape(-1) for layer, n in zip(weights, below, strict=True)]
    return {name: np.asarray(array[...]) for name, array in found.items()} | {
        "child weights": np.concatenate(of_children)
    }


def _theirs(peer: Design, samples: Samples, *, steps: bool) -> Findings:
    values = samples.inputs()
    device = next(peer.parameters()).device
    genes, fingerprints, target = (
        torch.as_tensor(array.astype(np.float32), device=device)
        for array in (values["genotype"], values["fingerprint"], samples.require_targets().values)
    )
    peer.eval()
    with torch.no_grad():
        inference, inference_heads = peer(genes, fingerprints)
    peer.train()
    output, heads = peer(genes, fingerprints)
    loss = total_loss(output, heads, target)
    loss.backward()
    gradients = {name: gradient.cpu().numpy() for name, gradient in peer.shared_gradients().items()}
    next_loss = None
    if steps:
        peer.train_step(peer.optimizer(), genes, fingerprints, target)
        with torch.no_grad():
            next_loss = float(total_loss(*peer(genes, fingerprints), target))
    peer.zero_grad()
    return {
        "output": output.detach().cpu().numpy(),
        "auxiliary": torch.cat(heads, dim=1).detach().cpu().numpy(),
        "inference": (inference.cpu().numpy(), torch.cat(inference_heads, dim=1).cpu().numpy()),
        "loss": float(loss.detach()),
        "next_loss": next_loss,
        "gradients": gradients,
    }


def _distance(ours: Any, theirs: np.ndarray) -> float:
    """Largest difference; an array of another size is as far as can be."""
    ours = np.asarray(ours)
    if ours.size != theirs.size:
        return float("inf")
    return float(np.abs(ours.reshape(-1) - theirs.reshape(-1)).max())


def _relative_norm(ours: np.ndarray, theirs: np.ndarray) -> float:
    if ours.size != theirs.size:
        return float("inf")
    return float(np.linalg.norm(ours.reshape(-1) - theirs.reshape(-1)) / np.linalg.norm(ours))
