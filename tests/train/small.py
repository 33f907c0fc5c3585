"""A hierarchy that fits on a screen, samples over it, and settings that train it in a moment.

                 R: gene r
               /   \
    A: a1 a2 a3     B: b1 b2
          |
    C (below A): c
"""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
from flax import nnx

from kgnn.data import Samples
from kgnn.data.measured import Targets
from kgnn.knowledge.ontology import Annotation, Ontology, Relation, Term
from kgnn.layers import SubsystemSettings
from kgnn.models import VisibleNetwork
from kgnn.structure import Hierarchy, compile_hierarchy
from kgnn.train import TrainConfig

GENES = ("r", "a1", "a2", "a3", "b1", "b2", "c (+)")
ANNOTATIONS = {"R": ["r"], "A": ["a1", "a2", "a3"], "B": ["b1", "b2"], "C": ["c (+)"]}
RELATIONS = (("A", "R"), ("B", "R"), ("C", "A"))
FEW_STATES = SubsystemSettings(2)


def small_ontology() -> Ontology:
    return Ontology(
        {term: Term(term, f"term {term}") for term in "RABC"},
        tuple(Relation(child, parent) for child, parent in RELATIONS),
        tuple(Annotation(gene, term) for term, genes in ANNOTATIONS.items() for gene in genes),
    )


def small_hierarchy() -> Hierarchy:
    return compile_hierarchy(small_ontology(), GENES)[0]


def small_samples(n: int = 41, task: str = "regression", *, meaning: str = "abundance", seed: int = 0) -> Samples:
    """Targets: twice a1 minus b2 and noise; its sign as a class; for labels, which of three genes are up."""
    rng = np.random.default_rng(seed)
    values = rng.normal(2.0, 1.5, size=(n, len(GENES)))
    score = 2 * values[:, 1] - values[:, 5] + 0.1 * rng.normal(size=n)
    if task == "classes":
        targets = Targets((score > 2).astype(np.int32), ("low", "high"), task)
    elif task == "labels":
        targets = Targets((values[:, [1, 4, 6]] > 2).astype(np.float32), ("a1 up", "b1 up", "c up"), task)
    else:
        targets = Targets(score[:, None].astype(np.float32), ("growth",), task)
    if meaning == "alteration":
        values = (values > 2).astype(np.uint8)
    return Samples.from_values(values, GENES, meaning=meaning, targets=targets)


def small_model(seed: int = 0, task: str = "regression", settings: SubsystemSettings = FEW_STATES) -> VisibleNetwork:
    outputs = {"regression": ("growth",), "classes": ("low", "high"), "labels": ("a1 up", "b1 up", "c up")}[task]
    return VisibleNetwork(small_hierarchy(), settings, outputs=outputs, task=task, rngs=nnx.Rngs(seed))


def quick(**settings: Any) -> TrainConfig:
    return TrainConfig(epochs=3, batch_size=16, learning_rate=0.02).updated(settings)


def arrays_of(tree: Any) -> dict[str, np.ndarray]:
    """Every array of a model or a tree by its path, random keys as numbers."""
    tree = nnx.state(tree) if isinstance(tree, nnx.Module) else tree
    found = {}
    for path, leaf in jax.tree_util.tree_flatten_with_path(tree)[0]:
        key = jax.numpy.issubdtype(leaf.dtype, jax.dtypes.prng_key)
        found[jax.tree_util.keystr(path)] = np.asarray(jax.random.key_data(leaf) if key else leaf)
    return found


def assert_same(one: Any, other: Any) -> None:
    """Bit for bit."""
    a, b = arrays_of(one), arrays_of(other)
    assert list(a) == list(b)
    for name in a:
        assert a[name].dtype == b[name].dtype
        assert a[name].tobytes() == b[name].tobytes(), name
