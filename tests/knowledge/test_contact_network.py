"""Contacts as networks of bins and of genes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kgnn.errors import AlignmentError, StructureError
from kgnn.knowledge import contact_network, gene_contact_network, make_contact_map, make_intervals

LENGTHS = {"a": 30, "b": 20}
PAIRS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(1, 9)), min_size=1, max_size=9)
GENES = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(0, 28), st.integers(1, 6), st.sampled_from("+-.")), max_size=8
)


def made(rows):
    table = np.array(rows)
    return make_contact_map(LENGTHS, 10, table[:, 0], table[:, 1], table[:, 2])


def test_bins():
    network = contact_network(made([(0, 2, 4), (3, 3, 2), (1, 4, 1)]))
    assert sorted(edge[:3] for edge in network.edges) == [
        ("a:0-10", "a:20-30", 4.0),
        ("a:10-20", "b:10-20", 1.0),
        ("b:0-10", "b:0-10", 2.0),
    ]
    assert (network.n_nodes, set(network.node_types), network.directed.any()) == (5, {"bin"}, False)
    assert network.provenance.transformations == ("3 contacts as edges of bins, weight count",)


@settings(max_examples=60, deadline=None)
@given(PAIRS, GENES, st.sets(st.integers(0, 4), max_size=2))
def test_genes(rows, gene_rows, masked_bins):
    contacts = made(rows)
    masked = np.array([position in masked_bins for position in range(5)])
    contacts = replace(contacts.take(~masked[contacts.bin_1] & ~masked[contacts.bin_2], "masked"), masked=masked)
    gene_rows = [("a", 0, 1, "+"), *gene_rows]
    genes = make_intervals(
        [row[0] for row in gene_rows], [row[1] for row in gene_rows], [row[1] + row[2] for row in gene_rows],
        names=[f"g{position}" for position in range(len(gene_rows))], strands=[row[3] for row in gene_rows],
    )  # fmt: skip
    home = {}
    for position, (chromosome, start, length, strand) in enumerate(gene_rows):
        tss = {"+": start, "-": start + length - 1}.get(strand)
        if tss is not None and chromosome in LENGTHS and tss < LENGTHS[chromosome]:
            home[f"g{position}"] = tss // 10 + (3 if chromosome == "b" else 0)
    seen = {name: place for name, place in home.items() if not masked[place]}
    matrix = contacts.to_sparse().toarray()
    expected = {
        (one, other): matrix[seen[one], seen[other]] for one in seen for other in seen
        if one < other and matrix[seen[one], seen[other]] > 0
    }  # fmt: skip
    if not expected:
        with pytest.raises(StructureError, match="contacts joins two of"):
            gene_contact_network(contacts, genes)
        return
    network = gene_contact_network(contacts, genes)
    assert {edge[:2]: edge[2] for edge in network.edges} == expected
    assert set(network.nodes) == set(seen)
    lost = {loss.reason: len(loss.names) for loss in network.losses if loss.what == "gene"}
    numbers = {
        "starts in no bin of the map": len(gene_rows) - len(home),
        "starts in a masked bin": len(home) - len(seen),
    }
    assert lost == {reason: number for reason, number in numbers.items() if number}


def test_genes_of_another_assembly():
    genes = make_intervals(["chra"], [0], [5], strands="+")
    with pytest.raises(
        AlignmentError, match="none of 1 genes starts in a bin: .* One file writes 'chra' and the other 'a'"
    ):
        gene_contact_network(made([(0, 1, 2)]), genes)
