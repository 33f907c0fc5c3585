"""Filters read back as motifs."""

from __future__ import annotations

import numpy as np
import pytest
from flax import nnx

from kgnn.data import plant_motifs, sequence_samples
from kgnn.errors import KgnnError, StructureError
from kgnn.interpret import compare_motifs, learned_motifs, motif_effects
from kgnn.knowledge import Motif, MotifSet
from kgnn.models import MotifNetwork, MotifSettings
from kgnn.structure import compile_kernels

RANDOM = np.random.default_rng(0)


def motif(name: str, width: int) -> Motif:
    frequencies = RANDOM.dirichlet(np.full(4, 0.15), size=width)
    return Motif(name, frequencies, 100.0)


MOTIFS = MotifSet((motif("a", 11), motif("b", 9), motif("c", 13)))


def network(settings: MotifSettings, kind: str = "information") -> MotifNetwork:
    kernels = compile_kernels(MOTIFS, kind=kind, both_strands=True)
    return MotifNetwork(kernels, settings, n_positions=90, outputs=("bound", "open"), task="labels", rngs=nnx.Rngs(0))


def test_sites_of_a_filter_are_its_motif():
    planted = plant_motifs(MOTIFS.select(["a", "b"]), MotifSet(()), n_samples=600, length=90, rate=0.8)
    bound = planted.samples.take(planted.samples.require_targets().values[:, 0] == 1)
    found = learned_motifs(network(MotifSettings()), bound, least_score=0.6).trim(0.3)
    table = compare_motifs(found.select(["a", "b"]), MOTIFS)
    assert dict(zip(table["motif"], table["match"], strict=True)) == {"a": "a", "b": "b"}
    assert table["similarity"].min() > 0.9
    assert table["sites"].min() > 100
    assert table["similarity"].is_monotonic_decreasing


def test_filters_without_sites_are_named():
    nothing = sequence_samples(["A" * 90, "T" * 90])
    with pytest.raises(StructureError, match="none of 3 filters fires at 10 of 2 sequences"):
        learned_motifs(network(MotifSettings()), nothing)
    with pytest.raises(KgnnError, match="least_score is 1"):
        learned_motifs(network(MotifSettings()), nothing, least_score=1)
    with pytest.raises(StructureError, match="0 motifs cannot be compared with 3"):
        compare_motifs(MotifSet(()), MOTIFS)


def test_effects_of_motifs():
    model = network(MotifSettings(filters="frozen", activation="sigmoid", effects=True, n_new=1))
    model.output_layer.kernel[...] = np.arange(8, dtype=np.float32).reshape(2, 4)
    table = motif_effects(model)
    assert table["motif"].tolist()[:3] == ["new_1", "c", "b"]
    assert table["output"].tolist()[:3] == ["open", "open", "open"]
    assert table["effect"].tolist() == [7, 6, 5, 4, 3, 2, 1, 0]
    assert table.query("new")["effect"].tolist() == [7, 3]
    with pytest.raises(KgnnError, match="does not add up effects"):
        motif_effects(network(MotifSettings(hidden=(3,))))
