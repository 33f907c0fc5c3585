"""Normalized contact maps against dense matrices and against cooler."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from kgnn.errors import KgnnError, StructureError
from kgnn.knowledge import make_contact_map, normalize_contacts, read_contacts

LENGTHS = {"a": 11, "b": 7, "c": 6}
N = 24
FILES = ("yeast.10kb.cool", "hg19.GM12878-MboI.matrix.2000kb.cool")


def random_map(seed=0, density=0.9):
    """A dense symmetric matrix with unequal rows, and the same as a map."""
    random = np.random.default_rng(seed)
    strength = random.uniform(0.5, 3, N)
    counts = random.poisson(20 * strength[:, None] * strength) * (random.random((N, N)) < density)
    counts = np.triu(counts)
    matrix = counts + np.triu(counts, 1).T
    first, second = np.nonzero(counts)
    return matrix.astype(float), make_contact_map(LENGTHS, 1, first, second, counts[first, second])


def chromosome_of_bin():
    return np.repeat([0, 1, 2], list(LENGTHS.values()))


@pytest.mark.parametrize("scope", ["genome", "chromosome"])
def test_ice_makes_the_rows_equal(scope):
    matrix, contacts = random_map()
    found = normalize_contacts(contacts, scope=scope, min_contacts=0, max_deviation=0, tolerance=1e-20)
    dense = found.to_sparse().toarray()
    near = np.abs(np.subtract.outer(np.arange(N), np.arange(N))) < 2
    np.testing.assert_allclose(np.where(near, 0, dense).sum(axis=1), 1, rtol=1e-8)
    # Each value is the count times a weight a bin, as it was where nothing was set aside.
    ratio = dense / np.where(matrix > 0, matrix, np.nan)
    same = chromosome_of_bin()[:, None] == chromosome_of_bin()
    seen = np.isfinite(ratio) & (same if scope == "chromosome" else True)
    np.testing.assert_allclose(ratio[seen], np.outer(found.weights, found.weights)[seen])
    assert (dense[~same] == 0).all() == (scope == "chromosome")
    assert found.unit == "ice"


@pytest.mark.parametrize("scope", ["genome", "chromosome"])
@pytest.mark.parametrize(("method", "power"), [("vc", 1.0), ("sqrtvc", 0.5)])
def test_coverage_against_a_dense_matrix(scope, method, power):
    matrix, contacts = random_map(density=0.4)
    found = normalize_contacts(contacts, method, scope=scope).to_sparse().toarray()
    blocks = [np.arange(N)] if scope == "genome" else [np.flatnonzero(chromosome_of_bin() == c) for c in range(3)]
    expected = np.zeros_like(matrix)
    for block in blocks:
        part = matrix[np.ix_(block, block)]
        divided = part / np.outer(part.sum(0), part.sum(0)) ** power
        expected[np.ix_(block, block)] = divided * part.sum() / divided.sum()
    np.testing.assert_allclose(found, expected)


def dense_ice(matrix, masked, steps):
    """Iterative correction as its authors describe it: divide by the row sums, again and again."""
    corrected, bias = matrix.copy(), np.ones(len(matrix))
    corrected[masked] = corrected[:, masked] = 0
    for _ in range(steps):
        sums = corrected.sum(axis=1)
        step = np.where(sums > 0, sums / sums[sums > 0].mean(), 1)
        corrected /= np.outer(step, step)
        bias *= step
    bias *= np.sqrt(corrected.sum(axis=1)[~masked].mean())
    return np.where(masked, np.nan, 1 / bias)


def test_ice_against_a_dense_matrix_on_a_real_file(shared_data):
    pytest.importorskip("cooler")
    contacts = read_contacts(shared_data / "hic_cooler" / FILES[1])
    found = normalize_contacts(contacts, tolerance=1e-12, max_iterations=2_000)
    bins = np.arange(contacts.n_bins)
    matrix = np.where(np.abs(np.subtract.outer(bins, bins)) < 2, 0, contacts.to_sparse().toarray())
    expected = dense_ice(matrix, found.masked, 250)
    np.testing.assert_allclose(found.weights, expected, rtol=2e-4)


@pytest.mark.parametrize(
    ("file", "scope"), [(FILES[0], "genome"), (FILES[1], "genome"), (FILES[1], "chromosome")]
)  # cooler takes ten seconds for the yeast map by chromosomes
def test_ice_against_cooler_on_real_files(shared_data, file, scope):
    cooler = pytest.importorskip("cooler")
    path = shared_data / "hic_cooler" / file
    with warnings.catch_warnings():
        # cooler takes the median of chromosomes without any contact
        warnings.simplefilter("ignore")
        expected, facts = cooler.balance_cooler(cooler.Cooler(str(path)), cis_only=scope == "chromosome")
    found = normalize_contacts(read_contacts(path), scope=scope)
    np.testing.assert_allclose(found.weights, expected, rtol=1e-12)
    assert found.masked.sum() == np.isnan(expected).sum() > 0
    assert facts["ignore_diags"] == 2


def test_stored_weights(shared_data):
    pytest.importorskip("cooler")
    h5py = pytest.importorskip("h5py")

    path = shared_data / "hic_cooler" / FILES[0]
    contacts = read_contacts(path)
    found = normalize_contacts(contacts, "stored")
    with h5py.File(path) as file:
        weights = file["bins/weight"][:]
        first, second, count = (file[f"pixels/{name}"][:] for name in ("bin1_id", "bin2_id", "count"))
    value = count * weights[first] * weights[second]
    assert found.values.sum() == pytest.approx(np.nansum(value))
    assert (len(found), found.masked.sum()) == (np.isfinite(value).sum(), np.isnan(weights).sum())
    assert len(found.losses[0].names) == 42
    # The authors' own weights make every row sum to 1.
    counted = second - first >= 2
    sums = np.zeros(len(weights))
    np.add.at(sums, first[counted], np.nan_to_num(value[counted]))
    np.add.at(sums, second[counted], np.nan_to_num(value[counted]))
    np.testing.assert_allclose(sums[~found.masked], 1, rtol=1e-6)


def test_bins_with_few_contacts_are_masked_and_named():
    _, contacts = random_map()
    lonely = contacts.take((contacts.bin_1 != 4) & (contacts.bin_2 != 4), "one bin alone")
    found = normalize_contacts(lonely)
    assert found.masked.tolist() == [position == 4 for position in range(N)]
    assert found.losses[-1][1:] == ("masked by ice", ("a:4-5",))
    assert found.provenance.transformations[-1] == "normalized by ice"


def test_mistakes():
    _, contacts = random_map()
    for arguments, message in (
        ({"method": "kr"}, "method is 'kr', which is not known. Choose one of: ice, sqrtvc, stored, vc"),
        ({"scope": "arm"}, "scope is 'arm'"),
        ({"method": "stored"}, "the file stores no balancing weights"),
    ):
        with pytest.raises(KgnnError, match=message):
            normalize_contacts(contacts, **arguments)
    with pytest.raises(KgnnError, match="these contacts are ice already"):
        normalize_contacts(normalize_contacts(contacts))
    with pytest.raises(StructureError, match=r"ICE did not converge in 1 iterations on the genome \(variance"):
        normalize_contacts(contacts, max_iterations=1)
    with pytest.raises(StructureError, match="every one of 24 bins touches fewer than 99 others"):
        normalize_contacts(contacts, min_contacts=99)
    with pytest.raises(StructureError, match="no bin has a contact"):
        normalize_contacts(contacts.take([], "none"), "vc")
