"""Tables that are read as they are used give the values of the array that they stand for, however they are asked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kgnn.data import Modality, Samples, StoredTable, Targets, fit_scaler
from kgnn.data import measured as measured_module
from kgnn.data.scaling import fit_scaler_in_blocks
from kgnn.data.stored import BLOCK_BYTES, blocks, choose, is_binary, pack
from kgnn.errors import AlignmentError

RNG = np.random.default_rng(4)
BITS = (RNG.random((13, 19)) < 0.3).astype(np.uint8)
NUMBERS = RNG.normal(size=(13, 19)).astype(np.float32)


def on_disk(folder: Path, values: np.ndarray) -> StoredTable:
    np.save(folder / "values.npy", values)
    return StoredTable(np.load(folder / "values.npy", mmap_mode="r"), values.shape[1])


@pytest.fixture(params=["packed", "mapped bits", "mapped numbers"])
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[StoredTable, np.ndarray]:
    if request.param == "packed":
        return pack(BITS), BITS
    values = BITS if request.param == "mapped bits" else NUMBERS
    return on_disk(tmp_path, values), values


def test_a_stored_table_is_indexed_like_an_array(pair: tuple[StoredTable, np.ndarray]) -> None:
    table, dense = pair
    assert (table.shape, table.dtype, table.ndim, table.size, len(table)) == ((13, 19), dense.dtype, 2, 13 * 19, 13)
    rows, columns = np.array([7, 2, 2, 12]), np.array([18, 0, 9])
    for key in (3, slice(2, 9), rows, (rows, columns[:, None] * 0 + 1), (slice(None), 4), dense[:, 0] > 0):
        np.testing.assert_array_equal(
            table[key], dense[key] if not isinstance(key, tuple) else dense[key[0]][..., key[1]]
        )
    np.testing.assert_array_equal(np.asarray(table), dense)
    np.testing.assert_array_equal(np.asarray(table, np.float64), dense)
    np.testing.assert_array_equal(np.stack(list(table)), dense)
    with pytest.raises(ValueError, match="without a copy"):
        np.array(table, copy=False)


def test_rows_and_columns_are_chosen_without_reading(pair: tuple[StoredTable, np.ndarray]) -> None:
    table, dense = pair
    rows, columns = np.array([7, 2, 2, 12]), np.array([18, 0, 9, 1, 4])
    chosen = choose(choose(table, rows=rows), columns=columns)
    assert isinstance(chosen, StoredTable)
    assert chosen.base is table.base
    np.testing.assert_array_equal(chosen, dense[rows][:, columns])
    again = choose(chosen, rows=np.array([3, 1]), columns=np.array([4, 2]))
    np.testing.assert_array_equal(again, dense[rows][:, columns][[3, 1]][:, [4, 2]])
    np.testing.assert_array_equal(choose(dense, rows, columns), dense[rows][:, columns])
    if table.dtype == np.uint8:
        for each in (table, chosen):
            expected = np.packbits(np.asarray(each), axis=1, bitorder="little")
            np.testing.assert_array_equal(each.packed_rows(slice(None)), expected)
            np.testing.assert_array_equal(pack(each), np.asarray(each))


def test_blocks_and_whether_all_is_zero_or_one() -> None:
    wide = np.zeros((5, BLOCK_BYTES // 2), np.uint8)
    assert [len(block) for block in blocks(wide)] == [2, 2, 1]
    assert is_binary(wide)
    wide[4, 3] = 2
    assert not is_binary(wide)
    assert is_binary(BITS.astype(np.float32))
    assert not is_binary(NUMBERS)
    assert is_binary(pack(BITS))
    assert pack(np.zeros((0, 9), np.uint8)).base.shape == (0, 2)


def test_large_tables_of_zero_and_one_are_packed_without_anyone_noticing(monkeypatch: pytest.MonkeyPatch) -> None:
    genes = [f"gene {number}" for number in range(19)]
    targets = Targets(RNG.normal(size=(13, 1)), ("growth",), "regression")
    plain = Samples.from_values(BITS, genes, meaning="alteration", targets=targets)
    assert isinstance(plain.modalities["genotype"].values, np.ndarray)
    monkeypatch.setattr(measured_module, "PACK_FROM", 100)
    packed = Samples.from_values(BITS, genes, meaning="alteration", targets=targets)
    assert isinstance(packed.modalities["genotype"].values, StoredTable)
    assert isinstance(Modality(NUMBERS, tuple(genes), packed.names, "abundance").values, np.ndarray)
    assert packed.fingerprint == plain.fingerprint
    assert repr(packed) == repr(plain)
    few, fewer = (samples.take([4, 0, 11]).with_genes(genes[::-2]) for samples in (plain, packed))
    np.testing.assert_array_equal(fewer.inputs(), few.inputs())
    np.testing.assert_array_equal(fewer.gene_values([2, 1]), few.gene_values([2, 1]))
    assert fewer.fingerprint == few.fingerprint


def test_a_mapped_array_stays_on_disk_and_is_checked(tmp_path: Path) -> None:
    genes = [f"gene {number}" for number in range(19)]
    mapped = on_disk(tmp_path, NUMBERS).base
    samples = Samples.from_values(mapped, genes, meaning="abundance")
    values = samples.take([3, 1]).modalities["expression"].values
    assert isinstance(values, StoredTable)
    assert values.base is mapped
    bad = NUMBERS.copy()
    bad[5, 3] = np.nan
    with pytest.raises(AlignmentError, match="1 of 13 rows hold a value that is missing or infinite: sample_5"):
        Samples.from_values(on_disk(tmp_path, bad).base, genes, meaning="abundance")
    doubles = on_disk(tmp_path, NUMBERS.astype(np.float64)).base
    assert Samples.from_values(doubles, genes, meaning="abundance").gene_values().dtype == np.float32


@pytest.mark.parametrize("method", ["standard", "maxabs", "minmax", "none"])
def test_a_scaler_fitted_in_blocks_is_that_of_all_values(method: str) -> None:
    values = NUMBERS.copy()
    values[:, 4] = 2.5
    whole = fit_scaler(values, method)
    parts = fit_scaler_in_blocks(lambda: [values[:3], values[3:4], values[4:]], method)
    np.testing.assert_allclose(parts.center, whole.center, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(parts.scale, whole.scale, rtol=1e-6)
    expected = {"standard": values.std(axis=0), "maxabs": np.abs(values).max(axis=0), "minmax": np.ptp(values, axis=0)}
    if method in expected:
        varying = np.arange(19) != 4
        np.testing.assert_allclose(whole.scale[varying], expected[method][varying], rtol=1e-5)
