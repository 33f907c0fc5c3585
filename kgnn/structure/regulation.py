"""`compile_regulation`: a directed network between measured genes and outputs becomes a `Hierarchy` of its nodes.

Every node is a term with one level above its highest child, whatever levels its edges skip; the outputs share the last
level. A network with feedback has no levels: `compile_feedback` leaves it as an `Adjacency` whose steady state is found
by iteration.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from kgnn.errors import AlignmentError, StructureError, name_some, unknown_choice
from kgnn.knowledge.kpnn import GENE_ENDING
from kgnn.knowledge.network import Network
from kgnn.knowledge.ontology import Loss
from kgnn.structure.adjacency import Adjacency
from kgnn.structure.compile import Alignment
from kgnn.structure.compile_adjacency import compile_adjacency
from kgnn.structure.hierarchy import Hierarchy

UNCONNECTED = ("error", "drop")


@dataclass(frozen=True)
class RegulatoryPart:
    """The part of a network that lies between measured genes and outputs.

    Attributes:
        network: Its nodes and edges; every node lies on a way from a gene to an output.
        input_of_gene: Name of the input node of every gene, in the order of the data.
        outputs: Names of the outputs.
        alignment: How data and knowledge met.
    """

    network: Network
    input_of_gene: Mapping[str, str]
    outputs: tuple[str, ...]
    alignment: Alignment


def compile_regulation(
    network: Network,
    genes: Sequence[str] | None = None,
    *,
    outputs: Sequence[str] | None = None,
    unconnected: str = "error",
) -> tuple[Hierarchy, Alignment]:
    """Turn a directed, acyclic network into levels of nodes between the measured genes and the outputs.

    An input is a node that no edge reaches and that the data measure, by its own name or without the ending ``_gene``
    of KPNN's edge lists. Nodes that no input reaches, or from which no output can be reached, are left out and named
    in the alignment.

    Args:
        network: The network; every edge has a direction, information flows along it.
        genes: Genes of the data, in their order; all inputs of the network where None.
        outputs: Names of the outputs, in their order; where None, the nodes of type ``"output"``, else all nodes that
            no edge leaves.
        unconnected: What to do with genes of the data that are no input: ``"error"``, or ``"drop"`` them.

    Returns:
        The hierarchy, whose last level are the outputs, with the signs of its edges where the network has any; and how
        data and knowledge met.

    Raises:
        StructureError: If an edge has no direction, there is a cycle, an output is no node, or no gene reaches one.
        AlignmentError: If a gene of the data is no input and ``unconnected="error"``, or no gene is shared.
        KgnnError: If a choice is unknown.

    References:
        Fortelny & Bock 2020, Genome Biology 21:190, doi:10.1186/s13059-020-02100-5.

    Example:
        >>> from kgnn.knowledge import build_network
        >>> names, source, target = ["A_gene", "B_gene", "X", "Y"], np.array([0, 1, 2]), np.array([2, 3, 3])
        >>> network = build_network(names, source, target, directed=True)
        >>> hierarchy, _ = compile_regulation(network, ["B", "A"])
        >>> hierarchy.terms, hierarchy.genes, hierarchy.level_of_term.tolist()
        (('X', 'Y'), ('B', 'A'), [0, 1])
    """
    part = regulatory_part(network, genes, outputs=outputs, unconnected=unconnected)
    inner, gene_position = part.network, {node: n for n, node in enumerate(part.input_of_gene.values())}
    level = _levels(part)
    n_children = np.bincount(inner.target, minlength=inner.n_nodes)
    place = {node: position for position, node in enumerate(part.outputs)}
    order = {node: (level[node], place.get(node, n_children[inner.node_index[node]]), node) for node in level}
    terms = tuple(sorted(level, key=order.__getitem__))
    position = {term: index for index, term in enumerate(terms)}
    relations, annotations = {}, {}
    for edge in inner.edges:
        from_gene = edge.source in gene_position
        key = (position[edge.target], gene_position[edge.source] if from_gene else position[edge.source])
        found = annotations if from_gene else relations
        # Edges of the same ends that disagree about the sign: nobody knows it.
        found[key] = edge.sign if found.get(key, edge.sign) == edge.sign else 0
    parent, child, sign_of_relation = _sorted(relations)
    term, gene, sign_of_annotation = _sorted(annotations)
    hierarchy = Hierarchy(
        terms=terms,
        term_names=terms,
        genes=tuple(part.input_of_gene),
        level_of_term=np.array([level[term] for term in terms], np.int32),
        relation_child=child,
        relation_parent=parent,
        annotation_gene=gene,
        annotation_term=term,
        ontology_fingerprint=network.fingerprint,
        provenance=inner.provenance.after(
            f"compiled to {len(terms):,} nodes over {len(part.input_of_gene):,} genes, outputs "
            f"{name_some(part.outputs)}"
        ),
        sign_of_relation=sign_of_relation if inner.signed else None,
        sign_of_annotation=sign_of_annotation if inner.signed else None,
    )
    return hierarchy, part.alignment


def compile_feedback(
    network: Network,
    genes: Sequence[str] | None = None,
    *,
    outputs: Sequence[str] | None = None,
    unconnected: str = "error",
) -> tuple[Adjacency, Alignment]:
    """Turn a directed network with feedback loops into senders and receivers between measured genes and outputs.

    Args:
        network: As in `compile_regulation`, but cycles are welcome.
        genes: As there.
        outputs: As there; edges that leave an output are cut, so that no loop passes through one.
        unconnected: As there.

    Returns:
        The graph, its nodes of type ``"gene"`` first, ``"output"`` last, with the signs of its edges; and how data and
        knowledge met.

    Raises:
        StructureError: If an edge has no direction, an output is no node, or no gene reaches an output.
        AlignmentError: If a gene of the data is no input and ``unconnected="error"``, or no gene is shared.
        KgnnError: If a choice is unknown.
    """
    part = regulatory_part(network, genes, outputs=outputs, unconnected=unconnected)
    inputs = tuple(part.input_of_gene.values())
    ends = frozenset((*inputs, *part.outputs))
    inner = tuple(node for node in part.network.nodes if node not in ends)
    adjacency, _ = compile_adjacency(part.network, (*inputs, *inner, *part.outputs), weighted=False)
    types = ("gene",) * len(inputs) + ("node",) * len(inner) + ("output",) * len(part.outputs)
    return replace(adjacency, node_types=types), part.alignment


def regulatory_part(
    network: Network,
    genes: Sequence[str] | None = None,
    *,
    outputs: Sequence[str] | None = None,
    unconnected: str = "error",
) -> RegulatoryPart:
    """The nodes and edges on a way from a measured gene to an output; see `compile_regulation` for the arguments."""
    if unconnected not in UNCONNECTED:
        raise unknown_choice("unconnected", unconnected, UNCONNECTED)
    if not network.directed.all():
        without = int((~network.directed).sum())
        raise StructureError(
            f"{without:,} of {network.n_edges:,} edges have no direction. Information must flow one way: take a "
            "network of regulation, or of signaling, or leave these edges out."
        )
    wanted = _outputs(network, outputs)
    is_output = np.isin(np.arange(network.n_nodes), [network.node_index[name] for name in wanted])
    kept_edges = ~is_output[network.source]
    reached_by_edge = np.bincount(network.target, minlength=network.n_nodes) > 0
    sources = [name for name, reached in zip(network.nodes, reached_by_edge.tolist(), strict=True) if not reached]
    input_of_gene, missing = _inputs(network, sources, genes)
    start = np.zeros(network.n_nodes, bool)
    start[[network.node_index[name] for name in input_of_gene.values()]] = True
    forward = _reach(start, network.source[kept_edges], network.target[kept_edges])
    backward = _reach(is_output, network.target[kept_edges], network.source[kept_edges])
    keep = forward & backward & (reached_by_edge | start)
    unreached = [name for name in wanted if not keep[network.node_index[name]]]
    if unreached:
        raise StructureError(
            f"no measured gene reaches {len(unreached):,} of {len(wanted):,} outputs: {name_some(unreached)}. Choose "
            "other outputs, or measure genes below them."
        )
    idle = tuple(gene for gene, node in input_of_gene.items() if not keep[network.node_index[node]])
    input_of_gene = {gene: node for gene, node in input_of_gene.items() if keep[network.node_index[node]]}
    missing = (*missing, *idle)
    if missing and genes is not None and unconnected == "error":
        raise AlignmentError(
            f"{len(missing):,} of {len(genes):,} genes in the data reach no output: {name_some(missing)}. Pass "
            "unconnected='drop' to leave them out, or use the network's identifiers."
        )
    part = network.keep_nodes(keep, "on no way from a measured gene to an output", "cut to the ways to the outputs")
    part = _without_edges_from(part, wanted)
    unmeasured = tuple(name for name in sources if not keep[network.node_index[name]])
    emptied = tuple(network.nodes[node] for node in np.flatnonzero(~keep & reached_by_edge))
    losses = (*part.losses, *([Loss("gene", "in the data but on no way to an output", missing)] if missing else []))
    alignment = Alignment(tuple(input_of_gene), missing, unmeasured, emptied, losses)
    return RegulatoryPart(part, input_of_gene, wanted, alignment)


def _outputs(network: Network, outputs: Sequence[str] | None) -> tuple[str, ...]:
    if outputs is not None:
        unknown = [name for name in outputs if name not in network.node_index]
        if unknown or not outputs:
            raise StructureError(
                f"{len(unknown):,} of {len(outputs):,} outputs are no node of the network: {name_some(unknown)}. Its "
                f"nodes are {name_some(network.nodes)}."
            )
        return tuple(dict.fromkeys(map(str, outputs)))
    named = tuple(name for name, kind in zip(network.nodes, network.node_types, strict=True) if kind == "output")
    left = np.bincount(network.source, minlength=network.n_nodes) == 0
    found = named or tuple(name for name, last in zip(network.nodes, left.tolist(), strict=True) if last)
    if not found:
        raise StructureError("an edge leaves every node, so none is an output. Name some with outputs=.")
    return found


def _inputs(
    network: Network, sources: Sequence[str], genes: Sequence[str] | None
) -> tuple[dict[str, str], tuple[str, ...]]:
    """The input node of every gene, and the genes that have none."""
    node_of_name = {name.removesuffix(GENE_ENDING): name for name in sources} | {name: name for name in sources}
    if genes is None:
        typed = [name for name in sources if network.node_types[network.node_index[name]] == "gene"]
        return {name.removesuffix(GENE_ENDING): name for name in typed or sources}, ()
    found = {str(gene): node_of_name[gene] for gene in genes if gene in node_of_name}
    if not found:
        raise AlignmentError(
            f"none of the {len(genes):,} genes of the data is among the {len(sources):,} inputs of the network. The "
            f"data have {name_some(genes)}; the inputs are {name_some(sources)}. Use the same kind of identifier."
        )
    return found, tuple(str(gene) for gene in genes if gene not in node_of_name)


def _reach(start: np.ndarray, source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """bool ``[node]``: what can be reached along the edges."""
    reached = start.copy()
    while True:
        new = np.zeros_like(reached)
        new[target[reached[source]]] = True
        if not (new & ~reached).any():
            return reached
        reached |= new


def _without_edges_from(network: Network, outputs: Sequence[str]) -> Network:
    keep = ~np.isin(network.source, [network.node_index[name] for name in outputs])
    return network if keep.all() else network.keep_edges(keep, "leaves an output", "cut the edges that leave outputs")


def _levels(part: RegulatoryPart) -> dict[str, int]:
    """Level of every node that is no input, one above its highest child; all outputs in the last one."""
    network, inputs = part.network, frozenset(part.input_of_gene.values())
    children: dict[str, set[str]] = {node: set() for node in network.nodes if node not in inputs}
    parents: dict[str, set[str]] = {node: set() for node in children}
    for edge in network.edges:
        if edge.source not in inputs:
            children[edge.target].add(edge.source)
            parents[edge.source].add(edge.target)
    waiting = {node: len(below) for node, below in children.items()}
    level: dict[str, int] = {}
    ready = sorted(node for node, count in waiting.items() if not count)
    while ready:
        node = ready.pop()
        level[node] = 1 + max((level[child] for child in children[node]), default=-1)
        for parent in parents[node]:
            waiting[parent] -= 1
            if not waiting[parent]:
                ready.append(parent)
    if len(level) < len(children):
        stuck = sorted(node for node in children if node not in level)
        raise StructureError(
            f"{len(stuck):,} nodes lie on or above a cycle: {name_some(stuck)}. Leave out an edge of the cycle, or "
            "compile the network with compile_feedback for a steady-state network (version feedback of kpnn)."
        )
    hidden = [level[node] for node in level if node not in part.outputs]
    top = max((*(level[name] for name in part.outputs), *(number + 1 for number in hidden)))
    return level | dict.fromkeys(part.outputs, top)


def _sorted(edges: Mapping[tuple[int, int], int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Receivers, senders and signs, sorted by receiver, then sender."""
    keys = sorted(edges)
    ends = np.array(keys, dtype=np.int32).reshape(-1, 2)
    signs = np.array([edges[key] for key in keys], dtype=np.int8)
    return np.ascontiguousarray(ends[:, 0]), np.ascontiguousarray(ends[:, 1]), signs
