"""What each replicate makes of a perturbation by itself: intervals over the networks for the table of effects."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from kgnn.models import Model
from kgnn.perturb.forward import Changes
from kgnn.perturb.plan import Plan
from kgnn.perturb.reach import Anywhere, Reach
from kgnn.perturb.table import Found, gather
from kgnn.train.spread import Members, Spread, alone, spread


def spread_of_effects(
    model: Model,
    plan: Plan,
    found: Found,
    reach: Reach | Anywhere | None,
    changes_of: Callable[[Model], Iterable[Changes]],
) -> Spread:
    """Perturb every replicate by itself, and see how far their effects lie apart.

    Args:
        model: The model whose effects `found` are; a single network is not perturbed again.
        plan: The perturbations.
        found: What they did to the mean of the replicates.
        reach: Says which terms can change; None where states are not wanted.
        changes_of: What the perturbations do to one network.

    Returns:
        The spread, one number a row of the table: every perturbation and output, then every state that was moved.
    """
    reported = _rows(found)
    networks = Members(model)
    if len(networks) == 1:
        return alone(reported)
    return spread((_rows(gather(plan, changes_of(network), reach, None)) for network in networks), reported)


def _rows(found: Found) -> np.ndarray:
    return np.concatenate([found.effect.reshape(-1), *found.moved])
