"""The tidy table of a knockdown: one row a perturbation and output, and one a perturbation and subsystem."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from kgnn.models.contract import term_facts
from kgnn.perturb.forward import Changes
from kgnn.perturb.plan import Plan
from kgnn.perturb.reach import Anywhere, Reach
from kgnn.train.spread import Spread

if TYPE_CHECKING:
    import pandas

    from kgnn.train.run import Run

COLUMNS = (
    "perturbation", "kind", "dose", "target", "name", "label", "wild_type",
    "effect", "effect_sd", "effect_low", "effect_high", "same_sign", "n_replicates", "n_samples", "unit", "epistasis",
)  # fmt: skip


class Found(NamedTuple):
    """What the perturbations of a plan did.

    Attributes:
        wild_type: ``[output]``, mean prediction without a perturbation.
        effect: ``[perturbation, output]``, mean change.
        spread: ``[perturbation, output]``, standard deviation of the change.
        reached: For each perturbation, positions of the terms that it can change; empty where states are not wanted.
        moved: For each perturbation, the change of the states of these terms.
    """

    wild_type: np.ndarray
    effect: np.ndarray
    spread: np.ndarray
    reached: list[np.ndarray]
    moved: list[np.ndarray]


def gather(
    plan: Plan, batches: Iterable[Changes], reach: Reach | Anywhere | None, progress: Callable[[int, int], None] | None
) -> Found:
    """Take in changes batch by batch, and keep of the states only what can change.

    Args:
        plan: The perturbations.
        batches: Their changes, in order.
        reach: Says which terms can change; None to keep no states.
        progress: Called with the number of perturbations done and their total.

    Returns:
        All of it.
    """
    wild_type, effects, spreads, reached, moved = np.zeros(0), [], [], [], []
    done = 0
    for batch in batches:
        wild_type = batch.wild_type
        effects.append(batch.effect)
        spreads.append(batch.spread)
        for states in batch.states if reach is not None else ():
            reached.append(reach(plan.perturbations[len(reached)]))  # type: ignore[misc]
            moved.append(states[reached[-1]])
        done += len(batch.effect)
        if progress is not None:
            progress(done, len(plan.names))
    return Found(wild_type, np.concatenate(effects), np.concatenate(spreads), reached, moved)


def make_table(
    run: Run, plan: Plan, found: Found, among: Spread, dose: float, n_samples: int, scale: str = "natural"
) -> pandas.DataFrame:
    """Put names to the numbers.

    Args:
        run: The run, for its names.
        plan: The perturbations.
        found: What they did.
        among: How far the replicates lie apart, one number a row.
        dose: Of all of them.
        n_samples: Samples averaged over.
        scale: Of the predictions, see `kgnn.perturb.knockdown`.

    Returns:
        The table, with `COLUMNS`.
    """
    import pandas

    parts = [_output_columns(run, plan, found, n_samples, scale)]
    if found.reached:
        parts.append(_state_columns(run, plan, found))
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    low, high = columns["effect"] - among.half_width, columns["effect"] + among.half_width
    # The change of a state is a length.
    low = np.where(columns["target"] == "subsystem", np.maximum(low, 0.0), low)
    columns |= {"effect_low": low, "effect_high": high, "same_sign": among.same_sign}
    table = pandas.DataFrame(columns).assign(dose=dose, n_samples=n_samples, n_replicates=among.n)
    return table[list(COLUMNS)]


def _output_columns(run: Run, plan: Plan, found: Found, n_samples: int, scale: str) -> dict[str, np.ndarray]:
    n, outputs = len(plan.names), np.asarray(run.output_names, dtype=object)
    effect = found.effect.astype(np.float64)
    epistasis = np.full(effect.shape, np.nan)
    for pair, (a, b) in plan.singles_of_pairs().items():
        epistasis[pair] = effect[pair] - effect[a] - effect[b]
    unit = "target" if run.model.task == "regression" else "probability" if scale == "natural" else "log-odds"
    return {
        "perturbation": np.repeat(np.asarray(plan.names, dtype=object), len(outputs)),
        "kind": np.repeat(np.asarray(plan.kinds, dtype=object), len(outputs)),
        "target": np.full(effect.size, "output", dtype=object),
        "name": np.tile(outputs, n),
        "label": np.tile(outputs, n),
        "wild_type": np.tile(found.wild_type.astype(np.float64), n),
        "effect": effect.reshape(-1),
        "effect_sd": found.spread.reshape(-1) if n_samples > 1 else np.full(effect.size, np.nan),
        "unit": np.full(effect.size, unit, dtype=object),
        "epistasis": epistasis.reshape(-1),
    }


def _state_columns(run: Run, plan: Plan, found: Found) -> dict[str, np.ndarray]:
    row = np.repeat(np.arange(len(plan.names)), [len(terms) for terms in found.reached])
    term = np.concatenate(found.reached)
    unknown = np.full(len(row), np.nan)
    return {
        "perturbation": np.asarray(plan.names, dtype=object)[row],
        "kind": np.asarray(plan.kinds, dtype=object)[row],
        "target": np.full(len(row), "subsystem", dtype=object),
        "name": np.asarray(run.model.terms, dtype=object)[term],
        "label": np.asarray(term_facts(run.model).names, dtype=object)[term],
        "wild_type": unknown,
        "effect": np.concatenate(found.moved).astype(np.float64),
        "effect_sd": unknown,
        "unit": np.full(len(row), "state", dtype=object),
        "epistasis": unknown,
    }
