"""Motifs as filters: hand-drawn arrays, places, files."""

from __future__ import annotations

import numpy as np
import pytest

from kgnn.errors import FormatError, KgnnError, StructureError
from kgnn.knowledge import Motif, MotifSet
from kgnn.knowledge.ontology import Loss
from kgnn.structure import Kernels, compile_kernels, is_kernels_file

# Without pseudocount:  GA    and   T N C T
MOTIFS = MotifSet(
    (
        Motif.from_counts("ga", [[0, 0, 8, 0], [6, 2, 0, 0]], name="GA factor"),
        Motif.from_counts("tnct", [[0, 0, 0, 4], [1, 1, 1, 1], [0, 4, 0, 0], [0, 0, 1, 3]]),
    )
)


def test_probabilities_in_the_middle_of_a_longer_filter():
    kernels = compile_kernels(MOTIFS, 5, kind="probabilities", pseudocount=0)
    even = [0.25] * 4
    assert kernels.values.dtype == np.float32
    assert kernels.values.tolist() == [
        [even, [0, 0, 1, 0], [0.75, 0.25, 0, 0], even, even],
        [[0, 0, 0, 1], even, [0, 1, 0, 0], [0, 0, 0.25, 0.75], even],
    ]
    assert kernels.motif_start.tolist() == [1, 0]
    assert kernels.motif_width.tolist() == [2, 4]
    assert kernels.mask.tolist() == [[False, True, True, False, False], [True, True, True, True, False]]
    assert (kernels.motifs, kernels.names, kernels.strands) == (("ga", "tnct"), ("GA factor", "tnct"), ("+", "+"))


@pytest.mark.parametrize(("offset", "starts"), [("left", [0, 0]), ("center", [2, 1]), ("right", [4, 2])])
def test_offsets(offset, starts):
    kernels = compile_kernels(MOTIFS, 6, kind="centered", offset=offset, pseudocount=0)
    assert kernels.motif_start.tolist() == starts
    assert kernels.values[0, starts[0]].tolist() == [-0.25, -0.25, 0.75, -0.25]
    assert not kernels.values[~kernels.mask].any()


def test_both_strands_are_mirror_images():
    kernels = compile_kernels(MOTIFS, 7, both_strands=True, offset="left")
    assert kernels.n_filters == 4
    assert kernels.motifs == ("ga", "tnct", "ga", "tnct")
    assert kernels.strands == ("+", "+", "-", "-")
    assert np.array_equal(kernels.values[2:], kernels.values[:2, ::-1, ::-1])
    assert kernels.motif_start.tolist() == [0, 0, 5, 3]
    turned = compile_kernels(MOTIFS.reverse_complement(), 7, offset="right")
    assert np.array_equal(kernels.values[2:], turned.values)


def test_log_odds_and_information_are_those_of_the_motif():
    background = (0.4, 0.1, 0.2, 0.3)
    kernels = compile_kernels(MOTIFS, 4, offset="left", pseudocount=2, background=background)
    assert kernels.values[1] == pytest.approx(MOTIFS["tnct"].log_odds(2, background))
    assert (kernels.pseudocount, kernels.background) == (2, background)
    heights = compile_kernels(MOTIFS, 4, offset="left", kind="information", pseudocount=0)
    assert heights.values[0, 0].tolist() == [0, 0, 2, 0]
    assert heights.values[0, 1, 0] == pytest.approx(0.75 * (2 - 0.81127812))
    assert not heights.values[1, 1].any()


def test_the_background_of_the_set_is_used_and_the_widest_motif_gives_the_length():
    kernels = compile_kernels(MotifSet(MOTIFS.motifs, background=(0.4, 0.1, 0.1, 0.4)))
    assert kernels.length == 4
    assert kernels.background == (0.4, 0.1, 0.1, 0.4)
    assert kernels.values[0, 1] == pytest.approx(MOTIFS["ga"].log_odds(1, (0.4, 0.1, 0.1, 0.4))[0])


def test_wider_motifs_are_an_error_or_cropped_to_what_tells_most():
    with pytest.raises(
        StructureError, match="1 of 2 motifs are wider than the 3 positions of a filter: tnct. The widest has 4"
    ):
        compile_kernels(MOTIFS, 3)
    kernels = compile_kernels(MOTIFS, 2, crop=True, kind="probabilities", pseudocount=0)
    assert kernels.values[1].tolist() == [[0, 1, 0, 0], [0, 0, 0.25, 0.75]]
    assert kernels.losses == (Loss("motif", "cropped to 2 positions", ("tnct",)),)
    assert kernels.motif_width.tolist() == [2, 2]


def test_what_cannot_be_compiled():
    with pytest.raises(StructureError, match="motif ga has log-odds of minus infinity"):
        compile_kernels(MOTIFS, pseudocount=0)
    with pytest.raises(StructureError, match="there is no motif"):
        compile_kernels(MotifSet(()))
    with pytest.raises(StructureError, match="0 positions of a filter"):
        compile_kernels(MOTIFS, 0)
    with pytest.raises(KgnnError, match="kind is 'pwm', which is not known. Choose one of: centered"):
        compile_kernels(MOTIFS, kind="pwm")
    with pytest.raises(KgnnError, match="offset is 'random'"):
        compile_kernels(MOTIFS, offset="random")


def test_kernels_are_frozen():
    with pytest.raises(ValueError, match="read-only"):
        compile_kernels(MOTIFS).values[0, 0, 0] = 1


def test_saved_and_loaded(tmp_path):
    path = tmp_path / "kernels.npz"
    kernels = compile_kernels(MOTIFS, 2, crop=True, both_strands=True, background=(0.3, 0.2, 0.2, 0.3))
    kernels.save(path)
    loaded = Kernels.load(path)
    assert loaded == kernels
    assert np.array_equal(loaded.values, kernels.values)
    assert loaded.values.dtype == np.float32
    assert (loaded.losses, loaded.provenance, loaded.background) == (
        kernels.losses,
        kernels.provenance,
        kernels.background,
    )
    assert loaded != compile_kernels(MOTIFS, 2, crop=True, both_strands=True)
    assert is_kernels_file(path)
    assert [each.name for each in tmp_path.iterdir()] == ["kernels.npz"]


def test_other_and_damaged_files_are_refused(tmp_path):
    path = tmp_path / "kernels.npz"
    kernels = compile_kernels(MOTIFS)
    kernels.save(path)
    content = path.read_bytes()
    path.write_bytes(content[:-40])
    with pytest.raises(FormatError, match=r"kernels.npz: holds no compiled kernels"):
        Kernels.load(path)
    path.write_text("kernels")
    with pytest.raises(FormatError, match="holds no compiled kernels"):
        Kernels.load(path)
    assert not is_kernels_file(path)
    changed = dict(np.load(_saved(kernels, path)))
    changed["values"][0, 0, 0] += 1
    np.savez(path, **changed)
    with pytest.raises(FormatError, match="is damaged: its content does not have its fingerprint"):
        Kernels.load(path)


def _saved(kernels: Kernels, path):
    kernels.save(path)
    return path


def test_real_motifs(shared_data):
    from kgnn.knowledge import read_motifs

    motifs = read_motifs(shared_data / "jaspar" / "cisbp_deepram.meme")
    kernels = compile_kernels(motifs, 24, crop=True, kind="probabilities", both_strands=True)
    assert kernels.values.shape == (2 * 734, 24, 4)
    assert np.allclose(kernels.values.sum(axis=2), 1, atol=1e-6)
    assert kernels.motifs_fingerprint == motifs.fingerprint
