"""Facts of biology in published sequences and contact maps, which a wrong reader would miss."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from kgnn.knowledge import make_intervals, normalize_contacts, overlap, read_contacts, read_fasta, resolutions_of
from kgnn.structure import BASES, one_hot

# As the data catalogue counts them.
PROMOTERS = {
    "Arabidopsis_tata": (1_497, 251),
    "Arabidopsis_non_tata": (5_905, 251),
    "Arabidopsis_non_prom": (2_879, 251),
    "Mouse_tata": (1_255, 251),
    "Mouse_tata_dbtss": (1_354, 251),
    "Mouse_nonprom": (3_530, 251),
    "Ecoli_prom": (839, 81),
    "Ecoli_non_prom": (3_000, 81),
    "Bacillus_prom": (373, 81),
    "Bacillus_non_prom": (1_000, 81),
}
# Start of the centromere of every yeast chromosome in assembly sacCer3 (SGD).
CENTROMERES = {
    "chrI": 151465, "chrII": 238207, "chrIII": 114385, "chrIV": 449711, "chrV": 151987, "chrVI": 148510,
    "chrVII": 496920, "chrVIII": 105586, "chrIX": 355629, "chrX": 436307, "chrXI": 440129, "chrXII": 150828,
    "chrXIII": 268031, "chrXIV": 628758, "chrXV": 326584, "chrXVI": 555957,
}  # fmt: skip


@pytest.mark.parametrize("name", PROMOTERS)
def test_promoters(shared_data, name):
    found = read_fasta(shared_data / "promoters_cnnprom" / f"{name}.fa.gz")
    n, length = PROMOTERS[name]
    assert one_hot(found).shape == (n, length, 4)
    assert set(np.unique(one_hot(found))) == {0.0, 1.0}
    if name == "Mouse_tata_dbtss":
        assert len(found) - len(set(found.sequences)) == 20


def consensus(encoded: np.ndarray, start: int, end: int) -> str:
    return "".join(BASES[column] for column in encoded.mean(axis=0)[start:end].argmax(axis=1))


def test_the_tata_box_lies_thirty_bases_before_the_start(shared_data):
    # The start is position 201, so base -30 is position 171, here 170.
    encoded = one_hot(read_fasta(shared_data / "promoters_cnnprom" / "Arabidopsis_tata.fa.gz"))
    assert "TATA" in consensus(encoded, 165, 177)
    # Transcription begins with A after C (the initiator).
    assert consensus(encoded, 199, 201) == "CA"
    other = one_hot(read_fasta(shared_data / "promoters_cnnprom" / "Arabidopsis_non_prom.fa.gz"))
    assert encoded.mean(axis=0)[165:177].max() > 0.7 > 0.4 > other.mean(axis=0)[165:177].max()


def test_splice_donors_begin_with_gt_and_acceptors_end_with_ag(shared_data):
    with (shared_data / "uci_splice" / "splice.csv").open() as file:
        rows = [{name: cell.strip() for name, cell in row.items()} for row in csv.DictReader(file)]
    encoded = one_hot([row["sequence"] for row in rows])
    labels = np.array([row["label"] for row in rows])
    assert encoded.shape == (3_190, 60, 4)
    assert consensus(encoded[labels == "EI"], 30, 32) == "GT"
    assert consensus(encoded[labels == "IE"], 28, 30) == "AG"
    assert encoded[labels == "EI"].mean(axis=0)[30].max() > 0.99
    # 15 sequences hold letters for several bases.
    assert (encoded == 0.25).any(axis=(1, 2)).sum() == 15
    letters = sum(letter not in "ACGT" for row in rows for letter in row["sequence"])
    assert (encoded == 0.25).sum() == 4 * letters > 0


def test_bacterial_promoters_have_ttgaca_at_minus_35(shared_data):
    with (shared_data / "uci_promoters" / "promoters.data").open() as file:
        rows = [[cell.strip() for cell in line.split(",")] for line in file]
    encoded = one_hot([sequence for _, _, sequence in rows])
    assert encoded.shape == (106, 57, 4)
    positive = np.array([label == "+" for label, _, _ in rows])
    assert positive.sum() == 53
    # Sequences run from -50 to +7, so that -36 to -31 are positions 14 to 19.
    assert consensus(encoded[positive], 14, 20) == "TTGACA"
    # The other strand, read its own way, holds the mirror image.
    other = one_hot([sequence for _, _, sequence in rows], reverse_complement=True)
    assert consensus(other[positive], 57 - 20, 57 - 14) == "TGTCAA"


@pytest.mark.parametrize(
    ("file", "bins", "chromosomes", "contacts", "total", "weights"),
    [
        ("yeast.10kb.cool", 1_226, 18, 728_311, 115_245_764, True),
        ("hg19.GM12878-MboI.matrix.2000kb.cool", 1_561, 25, 38_156, 100_000, False),
    ],
)
def test_contact_maps(shared_data, file, bins, chromosomes, contacts, total, weights):
    pytest.importorskip("cooler")
    h5py = pytest.importorskip("h5py")

    path = shared_data / "hic_cooler" / file
    found = read_contacts(path)
    assert (found.n_bins, len(found.chromosomes), len(found)) == (bins, chromosomes, contacts)
    assert found.values.sum() == total
    assert (found.weights is not None) == weights
    with h5py.File(path) as raw:
        first, second = raw["pixels/bin1_id"][:], raw["pixels/bin2_id"][:]
        chromosome = raw["bins/chrom"][:]
        lengths = dict(zip(raw["chroms/name"][:].astype(str), raw["chroms/length"][:], strict=True))
        assert (found.values == raw["pixels/count"][:]).all()
    np.testing.assert_array_equal(found.within_chromosome, chromosome[first] == chromosome[second])
    last = {name: found.bin_end[part.stop - 1] for name, part in found.bins_of_chromosome.items()}
    assert last == lengths
    # Most contacts lie within chromosomes, though these hold few of all pairs of bins.
    share = np.sum([(part.stop - part.start) ** 2 for part in found.bins_of_chromosome.values()]) / bins**2
    assert found.values[found.within_chromosome].sum() / total > 0.5 > 4 * share


def test_the_map_of_yeast_at_two_resolutions_in_one_file(shared_data, tmp_path):
    cooler = pytest.importorskip("cooler")
    source, path = str(shared_data / "hic_cooler" / "yeast.10kb.cool"), tmp_path / "yeast.mcool"
    cooler.fileops.cp(source, f"{path}::resolutions/10000")
    cooler.coarsen_cooler(source, f"{path}::resolutions/20000", 2, chunksize=10_000_000, mode="a")
    assert resolutions_of(path) == {10_000: "resolutions/10000", 20_000: "resolutions/20000"}
    assert read_contacts(path, resolution=10_000) == read_contacts(source)
    assert read_contacts(path, resolution=20_000).values.sum() == 115_245_764


@pytest.mark.parametrize("form", ["straw", "bedpe"])
def test_chromosome_1_of_yeast_as_text(shared_data, tmp_path, form):
    pytest.importorskip("cooler")
    whole = read_contacts(shared_data / "hic_cooler" / "yeast.10kb.cool").on(["chrI"])
    bins = whole.bins_of_chromosome["chrI"]
    starts, ends = whole.bin_start, whole.bin_end
    rows = zip(whole.bin_1.tolist(), whole.bin_2.tolist(), whole.values.tolist(), strict=True)
    path = tmp_path / "yeast.txt"
    if form == "straw":
        path.write_text("".join(f"{starts[one]}\t{starts[two]}\t{value}\n" for one, two, value in rows))
    else:
        anchors = [f"chrI\t{start}\t{end}" for start, end in zip(starts, ends, strict=True)]
        path.write_text("".join(f"{anchors[one]}\t{anchors[two]}\t.\t{value}\n" for one, two, value in rows))
    chromosomes = "chrI" if form == "straw" else None
    lengths = {"chrI": int(ends[bins.stop - 1])}
    found = read_contacts(path, resolution=10_000, chromosomes=chromosomes, lengths=lengths)
    assert (found.n_bins, found.values.sum()) == (24, whole.values.sum())
    np.testing.assert_array_equal(found.to_sparse().toarray(), whole.to_sparse().toarray()[bins, bins])


def test_the_centromeres_of_yeast_lie_together(shared_data):
    pytest.importorskip("cooler")
    contacts = normalize_contacts(read_contacts(shared_data / "hic_cooler" / "yeast.10kb.cool"), "stored")
    places = list(CENTROMERES.values())
    centromeres = make_intervals(list(CENTROMERES), places, [place + 110 for place in places])
    of_centromere = overlap(centromeres, contacts.bins)
    assert len(set(of_centromere.left)) == 16
    matrix = contacts.to_sparse().toarray()
    between = contacts.bin_chromosome[:, None] != contacts.bin_chromosome
    bins = of_centromere.right
    near = matrix[np.ix_(bins, bins)][between[np.ix_(bins, bins)]]
    assert near.mean() > 10 * matrix[between].mean()
