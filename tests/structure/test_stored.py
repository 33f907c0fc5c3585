"""A file of a compiled structure says itself which kind it is."""

from __future__ import annotations

import json

import numpy as np
import pytest

from kgnn.errors import FormatError
from kgnn.structure import compile_hierarchy, compile_kernels, knowledge_fingerprint, load_structure
from tests.structure.test_null_network import MOTIFS, random_graph


def test_each_kind_comes_back(drawn, tmp_path):
    for structure in (compile_hierarchy(drawn)[0], random_graph(), compile_kernels(MOTIFS)):
        structure.save(tmp_path / "structure.npz")
        loaded = load_structure(tmp_path / "structure.npz")
        assert type(loaded) is type(structure) and loaded == structure


def test_fingerprints_of_the_knowledge(drawn):
    assert knowledge_fingerprint(compile_hierarchy(drawn)[0]) == drawn.fingerprint
    assert knowledge_fingerprint(compile_kernels(MOTIFS)) == MOTIFS.fingerprint
    graph = random_graph()
    assert knowledge_fingerprint(graph) == graph.network_fingerprint != ""


def test_other_files_are_refused(tmp_path):
    path = tmp_path / "x.npz"
    with pytest.raises(FormatError, match="holds no compiled structure .*kgnn compile or kgnn kernels"):
        load_structure(path)
    path.write_text("no archive")
    with pytest.raises(FormatError, match="holds no compiled structure"):
        load_structure(path)
    np.savez(path, header=np.frombuffer(json.dumps({"kind": "kgnn samples"}).encode(), dtype=np.uint8))
    with pytest.raises(FormatError, match="holds no compiled structure .'kgnn samples'"):
        load_structure(path)
