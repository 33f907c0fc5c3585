"""Contacts as senders and receivers, in Python and on the command line."""

from __future__ import annotations

import numpy as np
import pytest

from kgnn.errors import StructureError
from kgnn.knowledge import distance_matched, make_contact_map, normalize_contacts, read_contacts, top_contacts
from kgnn.structure import Adjacency, compile_contacts
from tests.commands import fail, succeed


def test_two_messages_a_contact_over_all_bins():
    #   0 -- 2 -- 3    1 alone, 3 touches itself
    contacts = make_contact_map({"1": 4}, 1, np.array([0, 2, 3]), np.array([2, 3, 3]), np.array([4.0, 9.0, 5.0]))
    adjacency, alignment = compile_contacts(contacts)
    assert adjacency.nodes == contacts.bin_names
    assert (adjacency.senders.tolist(), adjacency.receivers.tolist()) == ([2, 0, 3, 2], [0, 2, 2, 3])
    assert adjacency.weight.tolist() == [4, 4, 9, 9]
    assert alignment.isolated == ("1:1-2",)
    with_loops, _ = compile_contacts(contacts, self_loops="keep", weighted=False, normalization="mean")
    assert with_loops.coefficient.tolist() == [1, 0.5, 0.5, 0.5, 0.5]
    with pytest.raises(StructureError, match="no edge joins two"):
        compile_contacts(contacts.take(contacts.bin_1 == 3, "one bin"))


def test_a_real_map_and_its_control(shared_data):
    pytest.importorskip("cooler")
    contacts = normalize_contacts(read_contacts(shared_data / "hic_cooler" / "yeast.10kb.cool"), "stored")
    top = top_contacts(contacts, 100, min_distance=20_000)
    dense = top.to_sparse().toarray()
    for some in (top, distance_matched(top)):
        adjacency, alignment = compile_contacts(some)
        assert adjacency.n_edges == 2 * len(some)
        assert adjacency.n_nodes == 1_226
        found = np.zeros((1_226, 1_226))
        found[adjacency.receivers, adjacency.senders] = adjacency.weight
        assert (found == found.T).all()
        assert (found.sum(axis=0) == 0).sum() == len(alignment.isolated)
        assert found.sum() == pytest.approx(dense.sum())
    assert (top.distances >= 20_000).all()


def test_the_command(tmp_path, shared_data):
    pytest.importorskip("cooler")
    file, out = shared_data / "hic_cooler" / "yeast.10kb.cool", tmp_path / "contacts.npz"
    words = ("compile", "--contacts", file, "--resolution", "10000", "--balance", "stored", "--top-k", "50")
    found = succeed(*words, "--min-distance", "20000", "--out", out, "--json").json()
    contacts = normalize_contacts(read_contacts(file), "stored")
    expected, alignment = compile_contacts(top_contacts(contacts, 50, min_distance=20_000))
    assert Adjacency.load(out) == expected
    assert found["read"] == {"bins": 1_226, "contacts": 728_311}
    assert (found["weight_is"], found["masked_bins"], found["messages"]) == ("stored", 42, expected.n_edges)
    assert succeed("info", out, "--json").json()["kind"] == "adjacency"
    assert len(alignment.isolated) > 0


def test_mistakes_of_the_command(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "l.bedpe").write_text("1 0 5 1 25 29 . 4\n1 0 5 1 15 19 . 2\n")
    for words, message in (
        ((), "l.bedpe: bedpe does not state its resolution"),
        (("--resolution", "10", "--balance", "kr"), "method is 'kr', which is not known"),
        (("--resolution", "10", "--balance", "ice"), "every one of 3 bins touches fewer than 10 others"),
        (("--resolution", "10", "--min-distance", "5"), "--min-distance is given without --top-k"),
        (
            ("--resolution", "10", "--ontology", "x.obo"),
            "--contacts, --ontology are given: one file is compiled at a time",
        ),
        (("--resolution", "10", "--format", "hic"), "format is 'hic', which is not known"),
        (("--resolution", "10", "--chromosomes", "1"), "bedpe names its chromosomes itself"),
    ):
        assert message in fail("compile", "--contacts", "l.bedpe", *words, "--out", "c.npz")
        assert not (tmp_path / "c.npz").exists()
    assert "--top-k does not apply" in fail("compile", "--ontology", "x.obo", "--top-k", "5", "--out", "c.npz")
    shown = succeed("compile", "--contacts", "l.bedpe", "--resolution", "10", "--out", "c.npz").out
    assert "read as BEDPE at 10 bases a bin" in shown
