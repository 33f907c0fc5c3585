"""`Ontology` ↔ networkx, with everything that an ontology holds, so that nothing is lost on the way there and back."""

from __future__ import annotations

import networkx

from kgnn.errors import StructureError, name_some
from kgnn.knowledge.ontology import Annotation, Ontology, Relation, Term
from kgnn.knowledge.provenance import Provenance

KINDS = ("term", "gene")


def ontology_to_networkx(ontology: Ontology) -> networkx.MultiDiGraph:
    """Terms and genes as nodes, relations and annotations as edges upward: gene to term, child to parent.

    Nodes have ``kind`` (``"term"`` or ``"gene"``); terms also ``name`` and ``namespace``. Relations have ``type``,
    annotations ``evidence``. `Ontology.to_networkx` gives the bare relations.

    Args:
        ontology: The ontology.

    Returns:
        A graph that `ontology_from_networkx` takes back; ``graph["provenance"]`` holds the provenance.

    Raises:
        StructureError: If a gene has the id of a term.
    """
    both = [gene for gene in ontology.genes if gene in ontology.terms]
    if both:
        raise StructureError(f"{len(both):,} genes have the id of a term: {name_some(both)}. Rename them before.")
    graph = networkx.MultiDiGraph(provenance=ontology.provenance.to_json())
    for term in ontology.terms.values():
        graph.add_node(term.id, kind="term", name=term.name, namespace=term.namespace)
    graph.add_nodes_from(ontology.genes, kind="gene")
    for relation in ontology.relations:
        graph.add_edge(relation.child, relation.parent, type=relation.type)
    for annotation in ontology.annotations:
        graph.add_edge(annotation.gene, annotation.term, evidence=annotation.evidence)
    return graph


def ontology_from_networkx(graph: networkx.Graph) -> Ontology:
    """An ontology from a directed graph.

    Args:
        graph: Edges from gene to term and from child to parent. Nodes with ``kind="gene"`` are genes, all others terms;
            ``name``, ``namespace``, ``type`` and ``evidence`` are used where there are any.

    Returns:
        The ontology. Genes without a term are left out, since an ontology knows annotated genes only.

    Raises:
        StructureError: If the graph is not directed or has no terms, a kind is unknown, an edge leads into a gene, or
            the relations form a cycle.

    Example:
        >>> graph = networkx.DiGraph([("TP53", "apoptosis"), ("apoptosis", "root")])
        >>> graph.nodes["TP53"]["kind"] = "gene"
        >>> ontology_from_networkx(graph).gene_sets["root"]
        frozenset({'TP53'})
    """
    if not graph.is_directed():
        raise StructureError(
            "the graph has no directions. Make a DiGraph with edges from gene to term, child to parent."
        )
    kind = {node: str(fields.get("kind", "term")) for node, fields in graph.nodes(data=True)}
    unknown = sorted(set(kind.values()) - set(KINDS))
    if unknown:
        raise StructureError(f"nodes are of kind {name_some(unknown)}. Known are: {', '.join(KINDS)}.")
    terms = {}
    for node, fields in graph.nodes(data=True):
        if kind[node] == "term":
            name = str(node)
            terms[name] = Term(name, str(fields.get("name", name)), str(fields.get("namespace", "")))
    if not terms:
        raise StructureError("the graph has no terms. Mark genes only with kind='gene'.")
    into = [f"{below} {above}" for below, above in graph.edges() if kind[above] == "gene"]
    if into:
        raise StructureError(
            f"{len(into):,} edges lead into a gene: {name_some(into)}. They go from gene to term and from child to "
            "parent; graph.reverse() turns them."
        )
    relations: dict[Relation, None] = {}
    annotations: dict[Annotation, None] = {}
    for below, above, fields in graph.edges(data=True):
        if kind[below] == "gene":
            annotations[Annotation(str(below), str(above), str(fields.get("evidence", "")))] = None
        else:
            relations[Relation(str(below), str(above), str(fields.get("type", "is_a")))] = None
    stored = graph.graph.get("provenance")
    before = Provenance.from_json(stored) if isinstance(stored, dict) else Provenance()
    ontology = Ontology(terms, tuple(relations), tuple(annotations), before.after("read from a networkx graph"))
    _ = ontology.order
    return ontology
