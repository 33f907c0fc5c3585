"""Runs of networks with random weights, over a hierarchy that fits on a screen; nothing needs training here.

              R: r
            /   \\
     A: a1 a2    B: b/1, a2
        |       /
     C: c (+)  D: d.1 d:2 d_é        (C below A, D below B)
"""

from __future__ import annotations

from functools import cache

import jax.numpy as jnp
import numpy as np
import pandas
from flax import nnx

from kgnn.data import Samples
from kgnn.data.measured import Modality, Targets
from kgnn.knowledge.ontology import Annotation, Ontology, Relation, Term
from kgnn.knowledge.provenance import Provenance
from kgnn.layers import Prediction, SubsystemSettings
from kgnn.models import Model, Replicates, VisibleNetwork
from kgnn.models.response import DrugResponseNetwork
from kgnn.perturb.forward import inputs_of
from kgnn.structure import Hierarchy, compile_hierarchy
from kgnn.train import Run, TrainConfig
from kgnn.train.reference import set_reference
from tests.models.compiled import call

GENES = ("r", "a1", "a2", "b/1", "c (+)", "d.1", "d:2", "d_é")
ANNOTATIONS = {"R": ["r"], "A": ["a1", "a2"], "B": ["b/1", "a2"], "C": ["c (+)"], "D": ["d.1", "d:2", "d_é"]}
RELATIONS = (("A", "R"), ("B", "R"), ("C", "A"), ("D", "B"))
ABOVE = {
    "r": "R", "a1": "AR", "a2": "ABR", "b/1": "BR", "c (+)": "CAR", "d.1": "DBR", "d:2": "DBR", "d_é": "DBR",
}  # fmt: skip
OUTPUTS = {"regression": ("growth", "size"), "classes": ("T", "B", "NK"), "labels": ("up", "down", "odd")}
N_DRUGS, N_BITS = 5, 11


@cache
def hierarchy() -> Hierarchy:
    ontology = Ontology(
        {term: Term(term, f"process {term}") for term in ANNOTATIONS},
        tuple(Relation(child, parent) for child, parent in RELATIONS),
        tuple(Annotation(gene, term) for term, genes in ANNOTATIONS.items() for gene in genes),
    )
    return compile_hierarchy(ontology, GENES)[0]


def samples(n: int = 13, *, meaning: str = "abundance", seed: int = 0, task: str = "regression") -> Samples:
    rng = np.random.default_rng(seed)
    values = (rng.random((n, 8)) < 0.4).astype(np.uint8) if meaning == "alteration" else rng.gamma(2.0, 3.0, (n, 8))
    targets = {
        "regression": rng.normal(size=(n, 2)).astype(np.float32),
        "classes": (np.arange(n) % 3).astype(np.int32),
        "labels": (rng.random((n, 3)) < 0.5).astype(np.float32),
    }[task]
    return Samples.from_values(values, GENES, meaning=meaning, targets=Targets(targets, OUTPUTS[task], task))


def network(seed: int = 0, task: str = "regression") -> VisibleNetwork:
    # Large weights: a network that is nearly linear would have no epistasis to speak of.
    settings = SubsystemSettings(3, initial_scale=3.0)
    model = VisibleNetwork(hierarchy(), settings, outputs=OUTPUTS[task], task=task, rngs=nnx.Rngs(seed))
    model.gene_scaling.set(np.full(8, 6.0), np.full(8, 4.0))
    return model


def run_of(model: Model, data: Samples, seed: int = 3) -> Run:
    """A run of a network whose batch statistics and reference states are those of the samples."""
    for _ in range(3):
        call(model, inputs_of(data), train=True)
    set_reference(model, data)
    return Run(
        model=model,
        samples=data,
        settings=TrainConfig(seed=seed),
        history=pandas.DataFrame(),
        metrics={},
        split={},
        provenance=Provenance(),
    )


@cache
def some_run(kind: str = "one", task: str = "regression") -> Run:
    if kind == "replicates":
        return run_of(Replicates([network(seed, task) for seed in (1, 2, 3)]), samples(task=task))
    return run_of(network(0, task), samples(task=task))


def screen(n_cells: int = 7, *, shared: bool = True) -> Samples:
    """Every drug on every cell; the rows of genes and of bits are stored once each, or once a sample."""
    rng = np.random.default_rng(5)
    cells = (rng.random((n_cells, 8)) < 0.4).astype(np.uint8)
    bits = (rng.random((N_DRUGS, N_BITS)) < 0.5).astype(np.uint8)
    cell, drug = (index.reshape(-1) for index in np.divmod(np.arange(n_cells * N_DRUGS), N_DRUGS))
    if not shared:
        cells, bits = cells[cell], bits[drug]
        cell = drug = np.arange(len(cell))
    tables = {
        "genotype": Modality(cells, GENES, tuple(f"cell {n}" for n in range(len(cells))), "alteration"),
        "fingerprint": Modality(bits, tuple(f"bit {n}" for n in range(N_BITS)),
                                tuple(f"drug {n}" for n in range(len(bits))), "signal"),
    }  # fmt: skip
    rows = {"genotype": cell.astype(np.int32), "fingerprint": drug.astype(np.int32)}
    targets = Targets(rng.normal(size=(len(cell), 1)).astype(np.float32), ("response",), "regression")
    return Samples(tuple(f"pair {n}" for n in range(len(cell))), tables, rows, targets)


def response_network() -> DrugResponseNetwork:
    settings = SubsystemSettings(3, heads="tanh_linear")
    return DrugResponseNetwork(hierarchy(), N_BITS, settings, drug_layers=(6, 4), join_units=5, outputs=("response",),
                               rngs=nnx.Rngs(4))  # fmt: skip


def outputs(table: pandas.DataFrame, perturbation: str, column: str = "effect") -> np.ndarray:
    rows = table[(table["target"] == "output") & (table["perturbation"] == perturbation)]
    return rows[column].to_numpy()


def moved(table: pandas.DataFrame, perturbation: str) -> dict[str, float]:
    rows = table[(table["target"] == "subsystem") & (table["perturbation"] == perturbation)]
    return dict(zip(rows["name"], rows["effect"], strict=True))


def by_hand(run: Run, values: np.ndarray, gate: np.ndarray | None = None) -> Prediction:
    chosen = {} if gate is None else {"gate": jnp.asarray(gate, jnp.float32)}
    return call(run.model, jnp.asarray(values, jnp.float32), **chosen)


def terms_of_states(run: Run) -> np.ndarray:
    return np.asarray(run.model.term_of_state)  # type: ignore[attr-defined]
