"""How a recipe's knowledge becomes its structure: an ontology, a network or motifs, over the genes of the samples."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from kgnn.data.samples import Samples
from kgnn.errors import KgnnError
from kgnn.knowledge.contacts import ContactMap
from kgnn.knowledge.motif_set import MotifSet
from kgnn.knowledge.network import Network
from kgnn.knowledge.ontology import Ontology
from kgnn.structure import (
    Alignment,
    NetworkAlignment,
    Structure,
    compile_adjacency,
    compile_contacts,
    compile_hierarchy,
    compile_kernels,
)

Alignments = Alignment | NetworkAlignment
Choices = Mapping[str, Any]


def compile_ontology(name: str, knowledge: Any, samples: Samples, choices: Choices) -> tuple[Structure, Any]:
    """A hierarchy over the genes of the samples.

    Args:
        name: Of the recipe, for messages.
        knowledge: An `Ontology`, or what was compiled before.
        samples: Give the genes.
        choices: Arguments of `compile_hierarchy`.

    Returns:
        The hierarchy and its alignment; None for one that was compiled before.

    Raises:
        KgnnError: If the knowledge is of another kind.
    """
    if isinstance(knowledge, Structure):
        return knowledge, None
    _require(name, knowledge, Ontology, "an ontology")
    return compile_hierarchy(knowledge, samples.genes, **choices)


def compile_network(name: str, knowledge: Any, samples: Samples, choices: Choices) -> tuple[Structure, Any]:
    """A graph over the genes of the samples.

    Args:
        name: Of the recipe, for messages.
        knowledge: A `Network`, or what was compiled before.
        samples: Give the genes.
        choices: Arguments of `compile_adjacency`.

    Returns:
        The graph and its alignment; None for one that was compiled before.

    Raises:
        KgnnError: If the knowledge is of another kind.
    """
    if isinstance(knowledge, Structure):
        return knowledge, None
    _require(name, knowledge, Network, "a network")
    return compile_adjacency(knowledge, samples.genes, **choices)


def compile_contact_graph(name: str, knowledge: Any, samples: Samples, choices: Choices) -> tuple[Structure, Any]:
    """A graph over the bins of contacts in their order on the genome, or of a network in its own; see others."""
    if isinstance(knowledge, Structure):
        return knowledge, None
    if isinstance(knowledge, ContactMap):
        return compile_contacts(knowledge, **choices)
    _require(name, knowledge, Network, "contacts")
    return compile_adjacency(knowledge, **choices)


def compile_motifs(name: str, knowledge: Any, samples: Samples, choices: Choices) -> tuple[Structure, None]:
    """Convolution filters; they do not depend on the samples.

    Args:
        name: Of the recipe, for messages.
        knowledge: A `MotifSet`, or what was compiled before.
        samples: Of sequences.
        choices: Arguments of `compile_kernels`.

    Returns:
        The filters, and None.

    Raises:
        KgnnError: If the knowledge is of another kind.
    """
    if isinstance(knowledge, Structure):
        return knowledge, None
    _require(name, knowledge, MotifSet, "motifs")
    return compile_kernels(knowledge, **choices), None


def _require(name: str, knowledge: Any, kind: type, what: str) -> None:
    if not isinstance(knowledge, kind):
        raise KgnnError(
            f"{name} is compiled from {what}, but {type(knowledge).__name__} is given. See kgnn zoo {name}."
        )


COMPILERS: dict[str, Callable[[str, Any, Samples, Choices], tuple[Structure, Any]]] = {
    "ontology": compile_ontology,
    "network": compile_network,
    "motifs": compile_motifs,
    "contacts": compile_contact_graph,
}
"""What compiles each kind of knowledge; the kinds are the names of options of ``kgnn train``."""
