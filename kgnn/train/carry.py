"""Arrays of a model on a new hierarchy, filled with those of a model on an old one where they have a place there."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from kgnn.errors import RunError, unknown_choice
from kgnn.layers import Subsystems
from kgnn.models import Model, Replicates
from kgnn.structure.carry import CarryPlan

FRESH = ("drawn", "zero")
# What an array of the subsystems is ordered by, and what reads the states of the root: the only names of layers and
# models that carrying knows. Any other array goes over as it is.
_ORDER_OF_SUBSYSTEMS = {
    "['gene_weights']": "gene_weight",
    "['child_weights']": "child_weight",
    "['bias']": "state",
    "['reference']": "state",
    "['norm']['scale']": "state",
    "['norm']['bias']": "state",
    "['norm']['mean']": "state",
    "['norm']['variance']": "state",
    "['gene_layer']['weight']": "annotation",
    "['gene_layer']['bias']": "annotation",
    "['heads']['weights']": "state",
    "['heads']['bias']": "term",
    "['heads']['second_weight']": "term",
    "['heads']['second_bias']": "term",
}
_ORDER = {f"['subsystems']{name}": order for name, order in _ORDER_OF_SUBSYSTEMS.items()}
_ORDER |= {f"['gene_scaling']['{name}']": "gene" for name in ("center", "scale")}
_ORDER |= {f"['gene_features']['{name}']": "gene" for name in ("weights", "bias")}
_ORDER |= {f"['gene_features']['norm']['{name}']": "gene" for name in ("scale", "bias", "mean", "variance")}
_ORDER["['level_heads']['kernel']"] = "row"
# Arrays that are ordered along their second axis.
_SECOND = frozenset(["['gene_features']['weights']", "['level_heads']['kernel']"])
_READ_ROOT = frozenset(["['output_layer']['kernel']", "['join']['layers'][0]['kernel']"])


def subsystems_of(model: Model) -> Subsystems:
    """The subsystems of a model, those of all replicates at once.

    Args:
        model: One network, or replicates.

    Raises:
        RunError: If it has none.
    """
    module = _module(model)
    if not isinstance(getattr(module, "subsystems", None), Subsystems):
        raise RunError(f"a {type(module).__name__} has no subsystems. Choose the run of a visible network.")
    return module.subsystems


def _module(model: Model) -> Any:
    return model.stacked if isinstance(model, Replicates) else model


def carry_arrays(old: Model, new: Model, plan: CarryPlan, fresh: str = "drawn") -> None:
    """Fill a new model with the arrays of an old one.

    Args:
        old: The trained model.
        new: A model of the same arguments on the new hierarchy, with its random start; it is written to.
        plan: Where every number comes from.
        fresh: What an edge that is new gets in a term that goes on: ``"drawn"``, its random start; ``"zero"``, so that
            the term computes what it did until it is trained.

    Raises:
        KgnnError: If `fresh` is unknown.
        RunError: If an array has another form and no known order.
    """
    if fresh not in FRESH:
        raise unknown_choice("fresh", fresh, FRESH)
    states = [np.bincount(np.asarray(subsystems_of(model).term_of_state)) for model in (old, new)]
    root_of_old = int(states[0].sum() - states[0][-1])
    root_states = plan.state[-int(states[1][-1]) :]
    root = np.where(root_states >= root_of_old, root_states - root_of_old, -1)
    before = {jax.tree_util.keystr(path): leaf for path, leaf in _leaves(old)}
    goes_on = dict(zip(("gene_weight", "child_weight"), _goes_on(new, plan), strict=True))
    rows = _rows(old, new, plan)
    found = []
    for path, leaf in _leaves(new):
        name = jax.tree_util.keystr(path).removesuffix(".value")
        axis = int(name.startswith("['stacked']"))
        name = name.removeprefix("['stacked']")
        other = before[jax.tree_util.keystr(path)]
        if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
            found.append(other)
        elif name in _ORDER:
            values, order = np.array(leaf), _ORDER[name]
            if fresh == "zero" and order in goes_on:
                values[..., goes_on[order]] = 0.0
            place = rows if order == "row" else getattr(plan, order)
            found.append(jnp.asarray(_filled(values, np.asarray(other), place, axis + (name in _SECOND))))
        elif name in _READ_ROOT:
            rest = np.arange(int(states[0][-1]), other.shape[-1])
            columns = np.concatenate([root, rest])
            found.append(jnp.asarray(_filled(np.array(leaf), np.asarray(other), columns, other.ndim - 1)))
        elif leaf.shape == other.shape:
            found.append(other)
        else:
            raise RunError(f"{name} is {other.shape} in the run and {leaf.shape} on the new ontology. Train again.")
    state = nnx.state(new)
    nnx.update(new, jax.tree.unflatten(jax.tree.structure(state), found))


def _rows(old: Model, new: Model, plan: CarryPlan) -> np.ndarray:
    """Old place of every row that heads of levels read: genes, where these have a unit, then states.

    A term that is at another level now is read by another head, which starts fresh there.
    """
    levels = [
        each.hierarchy.level_of_term[np.asarray(subsystems_of(each).term_of_state)]  # type: ignore[union-attr]
        for each in (old, new)
    ]
    same = (plan.state >= 0) & (levels[0][plan.state] == levels[1])
    if getattr(_module(new), "gene_features", None) is None:
        return np.where(same, plan.state, -1)
    return np.concatenate([plan.gene, np.where(same, plan.state + len(old.genes), -1)])


def _leaves(model: Model) -> list[tuple[Any, Any]]:
    return jax.tree_util.tree_flatten_with_path(nnx.state(model))[0]


def _filled(values: np.ndarray, other: np.ndarray, place: np.ndarray, axis: int) -> np.ndarray:
    """`values` with what the other array holds at the old places along an axis; heads end before the root does."""
    place = place[: values.shape[axis]]
    has = np.flatnonzero((place >= 0) & (place < other.shape[axis]))
    index = (slice(None),) * axis
    values[(*index, has)] = other[(*index, place[has])]
    return values


def _goes_on(new: Model, plan: CarryPlan) -> tuple[np.ndarray, np.ndarray]:
    """For weights from genes and from children, whether they enter a state that goes on from an old one."""
    wiring = subsystems_of(new).wiring
    return plan.state[wiring.gene_targets] >= 0, plan.state[wiring.child_targets] >= 0
