"""Real hierarchies read a second time, line by line and with networkx only, to count what kgnn should find."""

from __future__ import annotations

import csv
import gzip
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import networkx


class Counts(NamedTuple):
    terms: int
    relations: int
    annotations: int
    genes: int
    levels: int


Pairs = set[tuple[str, str]]


def lines(path: Path) -> Iterator[str]:
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as stream:
        for line in stream:
            if line.strip():
                yield line.rstrip("\n")


def drugcell(path: Path) -> tuple[Pairs, Pairs]:
    rows = [line.split("\t") for line in lines(path)]
    return {(b, a) for a, b, kind in rows if kind == "default"}, {(b, a) for a, b, kind in rows if kind == "gene"}


def dcell(path: Path) -> tuple[Pairs, Pairs]:
    relations, annotations, term = set(), set(), ""
    for line in lines(path):
        key, _, rest = line.partition(":")
        if key == "ROOT":
            term = rest.split()[0]
        (relations if key == "TERMS" else annotations).update((name, term) for name in rest.split() if key != "ROOT")
    return relations, annotations


def gmt(path: Path) -> tuple[Pairs, Pairs]:
    rows = [line.split("\t") for line in lines(path)]
    sets = [(row[1] if row[1].startswith("R-") else row[0], row[2:]) for row in rows]
    annotations = {(gene, each) for each, genes in sets for gene in genes if gene != "Reactome Pathway"}
    return {(each, "ROOT") for each, _ in sets}, annotations


def reactome(path: Path, members: Path) -> tuple[Pairs, Pairs]:
    relations = {(child, parent) for parent, child in (line.split("\t") for line in lines(path))}
    known = {term for pair in relations for term in pair}
    rows = [line.split("\t") for line in lines(members)]
    if members.suffix == ".gmt":
        found = {(gene, row[1]) for row in rows for gene in row[3:]}
    else:
        found = {(row[0], row[1]) for row in rows}
    return relations, {(gene, term) for gene, term in found if term in known}


def obo(path: Path, members: Path, namespace: str = "") -> tuple[Pairs, Pairs]:
    """Terms in use with is_a and part_of; annotations also by alternative and replaced ids."""
    parents: dict[str, list[str]] = {}
    space, meant = {}, {}
    for stanza in re.split(r"\n(?=\[)", "\n".join(lines(path))):
        tags = [line.split(": ", 1) for line in stanza.splitlines()[1:] if ": " in line]
        found = {tag: value for tag, value in reversed(tags)}
        if not stanza.startswith("[Term]"):
            continue
        term, replaced = found["id"], [value.split()[0] for tag, value in tags if tag == "replaced_by"]
        if "is_obsolete" in found or found["name"].startswith("obsolete "):
            meant.update({term: replaced[0]} if len(replaced) == 1 else {})
            continue
        words = [value.split() for tag, value in tags if tag == "relationship"]
        parents[term] = [value.split()[0] for tag, value in tags if tag == "is_a"]
        parents[term] += [each[1] for each in words if each[0] == "part_of"]
        space[term] = found.get("namespace", "")
        meant.update((value.split()[0], term) for tag, value in tags if tag == "alt_id")
    kept = {term for term in parents if namespace in ("", space[term])}
    resolved = ((gene, meant.get(term, term)) for gene, term in pairs_of(members))
    annotations = {(gene, term) for gene, term in resolved if term in kept}
    return {(child, parent) for child in kept for parent in parents[child] if parent in kept}, annotations


def pairs_of(members: Path) -> Iterator[tuple[str, str]]:
    if ".gaf" in members.name:
        rows = (line.split("\t") for line in lines(members) if not line.startswith("!"))
        yield from ((row[2], row[4]) for row in rows if "NOT" not in row[3].split("|"))
    elif ".tab" in members.name:
        yield from ((row[1] or row[0], row[5]) for row in (line.split("\t") for line in lines(members)) if row[5])
    else:
        yield from ((row[0], row[1]) for row in csv.reader(lines(members), delimiter="\t"))


def count(relations: Pairs, annotations: Pairs, super_root: str = "") -> Counts:
    """What a network keeps: terms with a gene at or below them, and levels by the longest way from the genes."""
    graph = networkx.DiGraph()
    graph.add_nodes_from(term for _, term in annotations)
    graph.add_edges_from(relations)
    full = {term for _, term in annotations}
    for term in networkx.topological_sort(graph):
        if term in full:
            full.update(graph.successors(term))
    graph = networkx.DiGraph(graph.subgraph(full))
    if super_root:
        graph.add_edges_from([(term, super_root) for term in list(graph) if not graph.out_degree(term)])
    levels = networkx.dag_longest_path_length(graph) + 1
    genes = {gene for gene, _ in annotations}
    return Counts(graph.number_of_nodes(), graph.number_of_edges(), len(annotations), len(genes), levels)
