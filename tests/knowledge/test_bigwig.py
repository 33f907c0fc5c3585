"""Signal over windows, against values written by hand."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from kgnn.errors import AlignmentError, FormatError, KgnnError
from kgnn.knowledge import genome_file_summary, make_intervals, read_signal

LENGTHS = {"1": 100, "2": 40}


@pytest.fixture
def track(tmp_path: Path):
    """A random track with gaps, and its value at every base."""
    library = pytest.importorskip("pyBigWig")
    random = np.random.default_rng(0)
    path = tmp_path / "track.bw"
    values = {}
    with library.open(str(path), "w") as file:
        file.addHeader(list(LENGTHS.items()))
        for name, length in LENGTHS.items():
            starts = np.arange(0, length, 10)[random.random(-(-length // 10)) < 0.7]
            heights = random.normal(size=len(starts)).astype(np.float32).astype(float)
            file.addEntries([name] * len(starts), starts.tolist(), ends=(starts + 7).tolist(), values=heights.tolist())
            values[name] = np.full(length, np.nan)
            for start, height in zip(starts, heights, strict=True):
                values[name][start : start + 7] = height
    return path, values


def test_mean_and_share_of_covered_bases(track):
    path, values = track
    windows = make_intervals(["1", "2", "1", "1"], [0, 3, 50, 7], [100, 40, 81, 10], strands="+-.-")
    found = read_signal(path, windows, n_bins=3)
    assert found.mean.shape == found.covered.shape == (4, 3)
    for position in range(4):
        bases = values[windows.chromosomes[position]][windows.starts[position] : windows.ends[position]]
        bases = bases[::-1] if windows.strands[position] == "-" else bases
        for column, part in enumerate(np.split(bases, [len(bases) // 3, 2 * len(bases) // 3])):
            known = part[~np.isnan(part)]
            assert found.covered[position, column] == pytest.approx(len(known) / len(part))
            assert found.filled[position, column] == pytest.approx(known.sum() / len(part))
            if len(known):
                assert found.mean[position, column] == pytest.approx(known.mean())
            else:
                assert np.isnan(found.mean[position, column])
    assert np.isnan(found.mean).any()
    assert found.provenance.sources[-1].name == "track.bw"
    assert found.fingerprint != read_signal(path, windows).fingerprint


def test_windows_beyond_the_chromosome(track):
    path, values = track
    windows = make_intervals(["2", "2"], [30, 0], [50, 10])
    with pytest.raises(AlignmentError, match=r"track\.bw: 1 of 2 windows reach beyond their chromosome: 2:30-50"):
        read_signal(path, windows)
    padded = read_signal(path, windows, out_of_range="pad")
    assert padded.covered[0, 0] == pytest.approx(np.isfinite(values["2"][30:]).sum() / 20)
    assert len(read_signal(path, windows, out_of_range="drop").windows) == 1
    with pytest.raises(AlignmentError, match="One file writes 'chr1' and the other '1'"):
        read_signal(path, make_intervals(["chr1"], [0], [5]))
    with pytest.raises(KgnnError, match="n_bins is 11, and the shortest window has 10 bases"):
        read_signal(path, windows, n_bins=11)


def test_broken(track, tmp_path, capfd):
    path, _ = track
    whole = path.read_bytes()
    window = make_intervals(["1"], [0], [5])
    for content, message in (
        (whole[:40], "is cut short"),
        (whole[: len(whole) // 3], "is cut short"),
        (b"1\t0\t5\t0.3\n" * 30, "is not a bigWig file"),
        (b"", "is empty"),
    ):
        broken = tmp_path / "broken.bw"
        broken.write_bytes(content)
        with pytest.raises(FormatError, match=rf"broken\.bw: {message}"):
            read_signal(broken, window)
    # Nothing that libBigWig would say of its own.
    assert capfd.readouterr() == ("", "")


def test_without_the_library(track, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyBigWig", None)
    with pytest.raises(KgnnError, match=r"needs pyBigWig, which is not installed. .* pip install 'kgnn\[genome\]'"):
        read_signal(track[0], make_intervals(["1"], [0], [5]))


def test_the_file_inside_the_wheel_of_pybigwig():
    """Its own test states: on chromosome 1, 0.1, 0.2, 0.3 at bases 0 to 2, 1.4 from 100 to 150, then 1.5."""
    library = pytest.importorskip("pyBigWig")
    path = Path(library.__file__).parent / "pyBigWigTest" / "test.bw"
    if not path.exists():
        pytest.skip("this wheel of pyBigWig carries no test file")
    found = read_signal(path, make_intervals(["1", "1", "10"], [0, 90, 195], [3, 151, 205]))
    np.testing.assert_allclose(found.mean[:, 0], [0.2, (50 * 1.4 + 1.5) / 51, 2], rtol=1e-6)
    np.testing.assert_allclose(found.covered[:, 0], [1, 51 / 61, 0.5])
    summary = genome_file_summary(path)
    assert summary is not None
    assert (summary["chromosomes"], summary["bases"], summary["covered_bases"]) == (2, 195471971 + 130694993, 154)
