"""`Hierarchy` ↔ networkx."""

from __future__ import annotations

import networkx

from kgnn.errors import StructureError, name_some
from kgnn.knowledge.graphs import ontology_from_networkx
from kgnn.structure.compile import compile_hierarchy
from kgnn.structure.hierarchy import Hierarchy


def hierarchy_to_networkx(hierarchy: Hierarchy) -> networkx.DiGraph:
    """Terms and genes as nodes, edges upward: gene to term, child to parent.

    Nodes have ``kind`` (``"term"`` or ``"gene"``); terms also ``name``, ``level`` and ``n_genes``.

    Args:
        hierarchy: The hierarchy.

    Returns:
        A graph that `hierarchy_from_networkx` takes back; ``graph["genes"]`` holds the order of the input.

    Raises:
        StructureError: If a gene has the id of a term.
    """
    both = [gene for gene in hierarchy.genes if gene in hierarchy.term_index]
    if both:
        raise StructureError(f"{len(both):,} genes have the id of a term: {name_some(both)}. Rename them before.")
    graph = networkx.DiGraph(genes=list(hierarchy.genes), provenance=hierarchy.provenance.to_json())
    sizes, levels = hierarchy.n_genes_of_term.tolist(), hierarchy.level_of_term.tolist()
    for term, name, level, size in zip(hierarchy.terms, hierarchy.term_names, levels, sizes, strict=True):
        graph.add_node(term, kind="term", name=name, level=level, n_genes=size)
    graph.add_nodes_from(hierarchy.genes, kind="gene")
    for child, parent in zip(hierarchy.relation_child, hierarchy.relation_parent, strict=True):
        graph.add_edge(hierarchy.terms[child], hierarchy.terms[parent])
    for gene, term in zip(hierarchy.annotation_gene, hierarchy.annotation_term, strict=True):
        graph.add_edge(hierarchy.genes[gene], hierarchy.terms[term])
    return graph


def hierarchy_from_networkx(graph: networkx.Graph) -> Hierarchy:
    """A hierarchy from a directed graph; levels are computed anew.

    Args:
        graph: See `kgnn.knowledge.ontology_from_networkx`; ``graph["genes"]`` gives the order of the genes, which are
            sorted where it is absent. Its genes are the input of a model: one without a term is an error.

    Returns:
        The hierarchy; what `hierarchy_to_networkx` gave comes back with its fingerprint.

    Raises:
        StructureError: If the graph is no rooted, acyclic hierarchy over genes.
        AlignmentError: If a gene has no term.
    """
    ontology = ontology_from_networkx(graph)
    genes = graph.graph.get("genes") or sorted(
        str(node) for node, fields in graph.nodes(data=True) if fields.get("kind") == "gene"
    )
    return compile_hierarchy(ontology, [str(gene) for gene in genes])[0]
