"""How a recipe's knowledge becomes its structure: an ontology, a network, motifs or contacts."""

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
Compiler = Callable[[str, Any, Samples, Choices], tuple[Structure, Any]]


def _compiler(what: str, kinds: tuple[type, ...], compiled: Callable[[Any, Samples, Choices], Any]) -> Compiler:
    """Of the recipe's name for messages, knowledge, samples and arguments: the structure, and its alignment or None."""

    def compile_(name: str, knowledge: Any, samples: Samples, choices: Choices) -> tuple[Structure, Any]:
        if isinstance(knowledge, Structure):
            return knowledge, None
        if not isinstance(knowledge, kinds):
            raise KgnnError(
                f"{name} is compiled from {what}, but {type(knowledge).__name__} is given. See kgnn zoo {name}."
            )
        return compiled(knowledge, samples, choices)

    return compile_


def _contacts(knowledge: ContactMap | Network, samples: Samples, choices: Choices) -> Any:
    """Over all bins: in their order on the genome, or in that of the network that `place_windows` made of them."""
    if isinstance(knowledge, ContactMap):
        return compile_contacts(knowledge, **choices)
    return compile_adjacency(knowledge, **choices)


COMPILERS: dict[str, Compiler] = {
    "ontology": _compiler(
        "an ontology", (Ontology,), lambda each, data, how: compile_hierarchy(each, data.genes, **how)
    ),
    "network": _compiler("a network", (Network,), lambda each, data, how: compile_adjacency(each, data.genes, **how)),
    # Filters do not depend on the samples.
    "motifs": _compiler("motifs", (MotifSet,), lambda each, data, how: (compile_kernels(each, **how), None)),
    "contacts": _compiler("contacts", (ContactMap, Network), _contacts),
}
"""What compiles each kind of knowledge; the kinds are the names of options of ``kgnn train``.

What was compiled before is taken as it is; knowledge of another kind is refused with a `KgnnError`."""
