"""kgnn: knowledge-guided visible neural networks.

A published ontology becomes the structure of a network; the network is trained, and then taken apart again. Most verbs
of the command line are here under the same names; rooms behind them are imported when first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kgnn.bakeoff import compare as compare
    from kgnn.data import Samples as Samples
    from kgnn.data import read_samples as read_samples
    from kgnn.errors import KgnnError as KgnnError
    from kgnn.interpret import annotate as annotate
    from kgnn.interpret import importance as importance
    from kgnn.knowledge import ContactMap as ContactMap
    from kgnn.knowledge import MotifSet as MotifSet
    from kgnn.knowledge import Network as Network
    from kgnn.knowledge import Ontology as Ontology
    from kgnn.knowledge import diff as diff
    from kgnn.knowledge import fetch as fetch
    from kgnn.knowledge import read_contacts as read_contacts
    from kgnn.knowledge import read_genes as read_genes
    from kgnn.knowledge import read_identifiers as read_identifiers
    from kgnn.knowledge import read_intervals as read_intervals
    from kgnn.knowledge import read_motifs as read_motifs
    from kgnn.knowledge import read_network as read_network
    from kgnn.knowledge import read_ontology as read_ontology
    from kgnn.layers import tune as tune
    from kgnn.perturb import knockdown as knockdown
    from kgnn.perturb import screen as screen
    from kgnn.plot import report as report
    from kgnn.structure import Adjacency as Adjacency
    from kgnn.structure import Hierarchy as Hierarchy
    from kgnn.structure import Kernels as Kernels
    from kgnn.structure import compile_adjacency as compile_adjacency
    from kgnn.structure import compile_files as compile_files
    from kgnn.structure import compile_hierarchy as compile_hierarchy
    from kgnn.structure import compile_kernels as compile_kernels
    from kgnn.train import Run as Run
    from kgnn.train import TrainConfig as TrainConfig
    from kgnn.train import fit as fit
    from kgnn.train import load_run as load_run
    from kgnn.train import migrate as migrate
    from kgnn.train import predict as predict

_ROOMS = {
    "compare": "bakeoff",
    "Samples": "data",
    "read_samples": "data",
    "KgnnError": "errors",
    "annotate": "interpret",
    "importance": "interpret",
    "MotifSet": "knowledge",
    "Ontology": "knowledge",
    "diff": "knowledge",
    "fetch": "knowledge",
    "read_motifs": "knowledge",
    "ContactMap": "knowledge",
    "read_contacts": "knowledge",
    "read_genes": "knowledge",
    "read_intervals": "knowledge",
    "Network": "knowledge",
    "read_network": "knowledge",
    "read_identifiers": "knowledge",
    "read_ontology": "knowledge",
    "knockdown": "perturb",
    "screen": "perturb",
    "report": "plot",
    "Adjacency": "structure",
    "Hierarchy": "structure",
    "Kernels": "structure",
    "compile_files": "structure",
    "compile_adjacency": "structure",
    "compile_hierarchy": "structure",
    "compile_kernels": "structure",
    "Run": "train",
    "TrainConfig": "train",
    "fit": "train",
    "load_run": "train",
    "migrate": "train",
    "predict": "train",
    "tune": "layers",
}
_SUBPACKAGES = (
    "bakeoff",
    "data",
    "interpret",
    "knowledge",
    "layers",
    "models",
    "perturb",
    "plot",
    "structure",
    "train",
    "zoo",
)


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return getattr(import_module(f"kgnn.{_ROOMS[name]}"), name)
    if name in _SUBPACKAGES:
        return import_module(f"kgnn.{name}")
    raise AttributeError(f"module 'kgnn' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*_ROOMS, *_SUBPACKAGES])
