"""Weights of a model by the names of terms and genes: read for the naive reference, and written to another model."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
from flax import nnx

from kgnn.knowledge.ontology import Ontology
from kgnn.layers import InputScaling, RowBatchNorm, Subsystems
from kgnn.layers.dense import DenseStack
from kgnn.layers.scaling import FittedStatistic
from kgnn.structure import Hierarchy
from tests.models.reference import NaiveDense, NaiveSubsystems, Norm, TermWeights, n_states_of_term


class Places:
    """Where each weight of a `Subsystems` lies: by term, then by source, then by state.

    Built from the ontology alone; nothing is taken from kgnn but the order of terms and genes.
    """

    def __init__(self, subsystems: Subsystems, hierarchy: Hierarchy, ontology: Ontology):
        self.subsystems, self.hierarchy, self.ontology = subsystems, hierarchy, ontology
        self.terms = hierarchy.terms
        rule = subsystems.settings.n_states
        self.sizes = {term: n_states_of_term(ontology, term, rule) for term in self.terms}
        self.sizes[self.terms[-1]] = max(self.sizes[self.terms[-1]], subsystems.settings.root_states)
        at = {gene: row for row, gene in enumerate(hierarchy.genes)}
        order = {term: row for row, term in enumerate(self.terms)}
        self.genes = {term: sorted(ontology.direct_genes[term], key=at.__getitem__) for term in self.terms}
        self.children = {term: sorted(ontology.children[term], key=order.__getitem__) for term in self.terms}
        self.rows = self._slices(self.sizes)
        self.gene_rows = self._slices({term: len(self.genes[term]) for term in self.terms})
        self.gene_weights = self._slices({term: len(self.genes[term]) * self.sizes[term] for term in self.terms})
        below = {term: sum(self.sizes[child] for child in self.children[term]) for term in self.terms}
        self.child_weights = self._slices({term: below[term] * self.sizes[term] for term in self.terms})
        n_heads = 0 if subsystems.heads is None else subsystems.heads.bias.shape[0]
        self.with_head = self.terms[:n_heads]

    def _slices(self, sizes: dict[str, int]) -> dict[str, slice]:
        ends = np.cumsum([sizes[term] for term in self.terms]).tolist()
        return {term: slice(end - sizes[term], end) for term, end in zip(self.terms, ends, strict=True)}

    def views(self, term: str, arrays: dict[str, np.ndarray]) -> dict[Any, np.ndarray]:
        """Views of every weight of a term into copies of a model's arrays, by what the weight joins."""
        n, rows = self.sizes[term], self.rows[term]
        found: dict[Any, np.ndarray] = {"bias": arrays["bias"][rows], "reference": arrays["reference"][rows]}
        kernel = arrays["gene_weights"][self.gene_weights[term]].reshape(-1, n)
        for slot, gene in enumerate(self.genes[term]):
            found["gene", gene] = kernel[slot]
            for kind in ("weight", "bias") if self.subsystems.gene_layer is not None else ():
                first = self.gene_rows[term].start + slot
                found[f"gene_{kind}", gene] = arrays[f"gene_layer.{kind}"][first : first + 1]
        kernel, first = arrays["child_weights"][self.child_weights[term]].reshape(-1, n), 0
        for child in self.children[term]:
            found["child", child] = kernel[first : first + self.sizes[child]]
            first += self.sizes[child]
        if self.subsystems.norm is not None:
            for name in ("scale", "bias", "mean", "variance"):
                found["norm", name] = arrays[f"norm.{name}"][rows]
        if term in self.with_head:
            found["head"] = arrays["heads.weights"][rows]
            for name in ("bias", "second_weight", "second_bias"):
                if f"heads.{name}" in arrays:
                    found[f"head_{name}"] = arrays[f"heads.{name}"][self.with_head.index(term)]
        return found


def named_arrays(module: nnx.Module) -> dict[str, np.ndarray]:
    """Copies of all arrays of a module under their paths, random streams and masks left out."""
    kinds = (nnx.Param, nnx.BatchStat, FittedStatistic)
    state = nnx.state(module, lambda _, value: isinstance(value, kinds))
    return {".".join(map(str, path)): np.array(value[...]) for path, value in nnx.to_flat_state(state)}


def write_arrays(module: nnx.Module, arrays: dict[str, np.ndarray]) -> None:
    """Set arrays by path."""
    variables = {
        ".".join(map(str, path)): value for path, value in nnx.iter_graph(module) if isinstance(value, nnx.Variable)
    }
    for name, array in arrays.items():
        variables[name][...] = jax.device_put(array)


def in_double_precision(model: Any) -> Any:
    """A copy with double arrays, for use where `jax.enable_x64` is on."""
    graph, state = nnx.split(model)
    return nnx.merge(graph, jax.tree.map(_as_double, state))


def _as_double(array: jax.Array) -> jax.Array:
    return jax.device_put(np.asarray(array, np.float64)) if array.dtype == np.float32 else array


def naive_subsystems(subsystems: Subsystems, hierarchy: Hierarchy, ontology: Ontology) -> NaiveSubsystems:
    """The naive reference with the weights of a model."""
    places = Places(subsystems, hierarchy, ontology)
    arrays = {name: array.astype(np.float64) for name, array in named_arrays(subsystems).items()}
    weights = {}
    for term in hierarchy.terms:
        views = places.views(term, arrays)
        norm = [views[part] for part in views if part[0] == "norm"]
        weights[term] = TermWeights(
            genes=_kind(views, "gene"),
            children=_kind(views, "child"),
            bias=views["bias"],
            reference=views["reference"],
            **({"norm": Norm(*norm)} if norm else {}),
            gene_scale={gene: float(value[0]) for gene, value in _kind(views, "gene_weight").items()},
            gene_bias={gene: float(value[0]) for gene, value in _kind(views, "gene_bias").items()},
            head=views.get("head"),
            head_bias=views.get("head_bias"),
            second_weight=views.get("head_second_weight"),
            second_bias=views.get("head_second_bias"),
        )
    return NaiveSubsystems(ontology, subsystems.settings, weights)


def _kind(views: dict[Any, np.ndarray], kind: str) -> dict[str, np.ndarray]:
    return {part[1]: view for part, view in views.items() if isinstance(part, tuple) and part[0] == kind}


def naive_dense(stack: DenseStack) -> NaiveDense:
    arrays = {name: array.astype(np.float64) for name, array in named_arrays(stack).items()}
    n = len(stack.layers)

    def linear(name: str) -> tuple[np.ndarray, np.ndarray]:
        return arrays[f"{name}.kernel"], arrays[f"{name}.bias"]

    return NaiveDense(
        [linear(f"layers.{k}") for k in range(n)],
        [Norm(*(arrays[f"norms.{k}.{part}"] for part in ("scale", "bias", "mean", "variance"))) for k in range(n)],
        [(*linear(f"first_heads.{k}"), *linear(f"second_heads.{k}")) for k in range(len(stack.first_heads))],
    )


def randomize(model: nnx.Module, seed: int) -> None:
    """Give every statistic and every normalization a value of its own.

    Nothing is left at 0 or 1 where a mistake could hide. Weights are kept away from 0: normalization blows up the
    rounding of a unit that hardly varies, in any program.
    """
    rng = np.random.default_rng(seed)
    for _, module in nnx.iter_modules(model):
        if isinstance(module, RowBatchNorm):
            n = module.mean.shape
            for variable, drawn in (
                (module.scale, np.asarray(module.scale[...]) * rng.uniform(0.5, 1.5, n)),
                (module.bias, rng.normal(0, 0.3, n)),
                (module.mean, rng.normal(0, 0.3, n)),
                (module.variance, rng.uniform(0.3, 2, n)),
            ):
                variable[...] = jax.device_put(drawn.astype(np.float32))
        elif isinstance(module, Subsystems):
            module.reference[...] = jax.device_put(rng.normal(size=module.reference.shape).astype(np.float32))
            _keep_away_from_0(module.gene_weights)
            _keep_away_from_0(module.child_weights)
            if module.heads is not None:
                _keep_away_from_0(module.heads.weights)
            if module.gene_layer is not None:
                _keep_away_from_0(module.gene_layer.weight)
        elif isinstance(module, InputScaling):
            n = module.center.shape[0]
            module.set(rng.normal(0, 0.4, n), rng.uniform(0.6, 1.8, n))


def _keep_away_from_0(variable: nnx.Param) -> None:
    array = np.asarray(variable[...])
    if array.size:
        variable[...] = jax.device_put(np.copysign(np.maximum(np.abs(array), 0.4 * np.abs(array).max()), array))
