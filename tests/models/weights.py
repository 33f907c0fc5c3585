"""Weights of a model by the names of terms and genes: read for the naive reference, and written to another model."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
from flax import nnx

from kgnn.knowledge.ontology import Ontology
from kgnn.layers import FanInLinear, InputScaling, RowBatchNorm, Subsystems
from kgnn.layers.dense import DenseStack
from kgnn.layers.scaling import FittedStatistic
from kgnn.structure import FanIn, Hierarchy, plan_fan_in
from tests.models.reference import NaiveDense, NaiveSubsystems, Norm, TermWeights, n_states_of_term

GARBAGE = 1e6


class Places:
    """Where each weight of a `Subsystems` lies: bucket, block and slot by term, gene and child.

    Built from the ontology alone; the plan is the only thing taken from kgnn.
    """

    def __init__(self, subsystems: Subsystems, hierarchy: Hierarchy, ontology: Ontology):
        self.subsystems, self.hierarchy, self.ontology = subsystems, hierarchy, ontology
        rule = subsystems.settings.n_states
        self.terms = hierarchy.terms
        sizes = np.array([n_states_of_term(ontology, term, rule) for term in self.terms])
        ends = np.cumsum(sizes)
        bounds = zip(self.terms, (ends - sizes).tolist(), ends.tolist(), strict=True)
        self.rows = {term: slice(start, end) for term, start, end in bounds}
        self.sizes = dict(zip(self.terms, sizes.tolist(), strict=True))
        at = {gene: row for row, gene in enumerate(hierarchy.genes)}
        gene_rows = [np.array(sorted(at[gene] for gene in ontology.direct_genes[term]), int) for term in self.terms]
        self.gene_slots = self._slots(plan_fan_in(gene_rows, sizes, len(at)), self.terms)
        self.child_slots: dict[str, Any] = {}
        for level in range(1, hierarchy.n_levels):
            terms = [term for term, at in zip(self.terms, hierarchy.level_of_term, strict=True) if at == level]
            plan = plan_fan_in(
                [self._child_rows(term) for term in terms], np.array([self.sizes[t] for t in terms]), int(ends[-1])
            )
            slots = self._slots(plan, terms)
            self.child_slots |= {term: (level - 1, *slots[term]) for term in terms}
        n_heads = len(self.terms) if subsystems.heads is None else subsystems.heads.bias.shape[0]
        self.with_head = self.terms[: 0 if subsystems.heads is None else n_heads]
        rows = [np.arange(self.rows[term].start, self.rows[term].stop) for term in self.with_head]
        outputs = np.full(len(rows), subsystems.n_outputs)
        self.head_slots = self._slots(plan_fan_in(rows, outputs, int(ends[-1])), self.with_head) if rows else {}

    def _child_rows(self, term: str) -> np.ndarray:
        slices = sorted((self.rows[child] for child in self.ontology.children[term]), key=lambda rows: rows.start)
        return np.concatenate([np.arange(rows.start, rows.stop) for rows in slices])

    @staticmethod
    def _slots(plan: FanIn, terms: Any) -> dict[str, Any]:
        """Bucket, block in it and source row of every slot, by term."""
        found = {}
        for number, bucket in enumerate(plan.buckets):
            for position, block in enumerate(bucket.blocks):
                used = int(bucket.used_slots[position].sum())
                found[terms[block]] = (number, position, bucket.sources[position, :used].tolist())
        return found

    def views(self, term: str, arrays: dict[str, np.ndarray]) -> dict[Any, np.ndarray]:
        """Views of every weight of a term into copies of a model's arrays, by what the weight joins."""
        n, rows = self.sizes[term], self.rows[term]
        found: dict[Any, np.ndarray] = {"bias": arrays["bias"][rows], "reference": arrays["reference"][rows]}
        bucket, block, sources = self.gene_slots[term]
        for slot, gene in enumerate(sources):
            name = self.hierarchy.genes[gene]
            found["gene", name] = arrays[f"gene_linear.buckets.{bucket}.kernel"][block, slot, :n]
            for kind in ("weight", "bias") if self.subsystems.gene_layer is not None else ():
                found[f"gene_{kind}", name] = arrays[f"gene_layer.{kind}.{bucket}"][block, slot : slot + 1]
        if term in self.child_slots:
            level, bucket, block, sources = self.child_slots[term]
            kernel = arrays[f"child_linears.{level}.buckets.{bucket}.kernel"][block]
            for child in self.ontology.children[term]:
                first = sources.index(self.rows[child].start)
                assert sources[first : first + self.sizes[child]] == list(range(*self.rows[child].indices(10**9)))
                found["child", child] = kernel[first : first + self.sizes[child], :n]
        if self.subsystems.norm is not None:
            for name in ("scale", "bias", "mean", "variance"):
                found["norm", name] = arrays[f"norm.{name}"][rows]
        if term in self.head_slots:
            bucket, block, _ = self.head_slots[term]
            found["head"] = arrays[f"heads.linear.buckets.{bucket}.kernel"][block, :n]
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
    """Give every statistic and every normalization a value of its own, and write garbage to unused slots.

    Nothing is left at 0 or 1 where a mistake could hide; whatever is written to a slot that does not exist must not
    show anywhere. Weights are kept away from 0: normalization blows up the rounding of a unit that hardly varies, in
    any program.
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
            for weight in module.gene_layer.weight if module.gene_layer is not None else ():
                _keep_away_from_0(weight)
        elif isinstance(module, InputScaling):
            n = module.center.shape[0]
            module.set(rng.normal(0, 0.4, n), rng.uniform(0.6, 1.8, n))
        elif isinstance(module, FanInLinear):
            for bucket in module.buckets:
                _keep_away_from_0(bucket.kernel)
    spoil(model)


def _keep_away_from_0(variable: nnx.Param) -> None:
    array = np.asarray(variable[...])
    variable[...] = jax.device_put(np.copysign(np.maximum(np.abs(array), 0.4 * np.abs(array).max()), array))


def spoil(model: nnx.Module, garbage: float = GARBAGE) -> None:
    """Write garbage to every weight that does not exist."""
    for _, module in nnx.iter_modules(model):
        if isinstance(module, FanInLinear):
            for bucket in module.buckets:
                slots, outputs = np.asarray(bucket.used_slots[...]), np.asarray(bucket.used_outputs[...])
                _overwrite(bucket.kernel, slots[:, :, None] & outputs[:, None, :], garbage)
        elif isinstance(module, Subsystems) and module.gene_layer is not None:
            for number, bucket in enumerate(module.gene_linear.buckets):
                _overwrite(module.gene_layer.weight[number], np.asarray(bucket.used_slots[...]), garbage)
                _overwrite(module.gene_layer.bias[number], np.asarray(bucket.used_slots[...]), garbage)


def _overwrite(variable: nnx.Param, exists: Any, garbage: float) -> None:
    variable[...] = jax.device_put(np.where(exists, np.asarray(variable[...]), np.float32(garbage)))
