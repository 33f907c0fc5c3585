"""Gaps become a table of their own, and no statistic looks into them."""

from __future__ import annotations

import numpy as np
import pytest

from kgnn.data import Samples, Targets, fit_scaler, mask_missing, read_samples, standardize_targets
from kgnn.data.missing import fit_gene_scaler
from kgnn.errors import AlignmentError, KgnnError

NAN = np.nan
VALUES = np.array([[1.0, NAN, 5.0], [3.0, 2.0, NAN], [NAN, 4.0, NAN], [5.0, 6.0, NAN]])


def test_values_and_mask_lie_beside_each_other():
    samples = mask_missing(VALUES, ["a", "b", "c"], names=list("wxyz"))
    assert list(samples.modalities) == ["expression", "measured"]
    np.testing.assert_array_equal(samples.modalities["measured"].values, ~np.isnan(VALUES))
    np.testing.assert_array_equal(samples.gene_values(), np.nan_to_num(VALUES))
    chosen = samples.take([2, 0]).with_genes(["c", "a"])
    np.testing.assert_array_equal(chosen.inputs()["measured"], [[0, 0], [1, 1]])
    assert chosen.modalities["measured"].features == ("c", "a")


@pytest.mark.parametrize("method", ["standard", "maxabs", "minmax", "none"])
def test_the_scaler_sees_what_was_measured(method: str):
    found = fit_gene_scaler(mask_missing(VALUES, ["a", "b", "c"]), method)
    for gene in range(3):
        column = VALUES[~np.isnan(VALUES[:, gene]), gene][:, None]
        expected = fit_scaler(column, method)
        assert (found.center[gene], found.scale[gene]) == (expected.center[0], expected.scale[0])


def test_a_gene_that_was_never_measured_and_a_table_without_gaps():
    found = fit_gene_scaler(mask_missing(np.array([[1.0, NAN], [2.0, NAN]]), ["a", "b"]), "standard")
    assert (found.center[1], found.scale[1]) == (0.0, 1.0)
    whole = Samples.from_values(np.arange(6.0).reshape(3, 2), ["a", "b"], meaning="abundance")
    np.testing.assert_array_equal(fit_gene_scaler(whole, "standard").center, [2.0, 3.0])


def test_an_infinite_value_is_no_gap():
    with pytest.raises(AlignmentError, match="missing or infinite"):
        mask_missing(np.array([[np.inf, NAN]]), ["a", "b"])


def test_empty_cells_of_a_file_are_refused_or_masked(tmp_path):
    import anndata

    file = tmp_path / "proteome.csv"
    file.write_text("sample,group,P1,P2\nw,a,1.5,\nx,b,NA,2\ny,a,3,4\n")
    with pytest.raises(AlignmentError, match="2 of 3 rows hold a value that is missing .*: w, x.*gaps='mask'"):
        read_samples(file, target="group")
    table = read_samples(file, target="group", gaps="mask")
    data = anndata.AnnData(np.array([[1.5, NAN], [NAN, 2.0], [3.0, 4.0]], np.float32))
    data.obs_names, data.var_names = ["w", "x", "y"], ["P1", "P2"]
    data.obs["group"] = ["a", "b", "a"]
    data.write_h5ad(tmp_path / "proteome.h5ad")
    for samples in (table, read_samples(tmp_path / "proteome.h5ad", target="group", gaps="mask")):
        assert list(samples.modalities) == ["expression", "measured"] and samples.names == ("w", "x", "y")
        np.testing.assert_array_equal(samples.inputs()["expression"], [[1.5, 0], [0, 2], [3, 4]])
        np.testing.assert_array_equal(samples.inputs()["measured"], [[1, 0], [0, 1], [1, 1]])
        assert samples.require_targets().names == ("a", "b")
    with pytest.raises(KgnnError, match="backed leaves them in the file"):
        read_samples(tmp_path / "proteome.h5ad", gaps="mask", backed=True)
    with pytest.raises(KgnnError, match="gaps is 'zero', .* Choose one of: error, mask"):
        read_samples(file, gaps="zero")


def test_masked_alterations_keep_their_meaning_and_lists_have_no_gaps(tmp_path):
    file = tmp_path / "calls.tsv"
    file.write_text("sample\tg\th\na\t1\t\nb\t0\t1\n")
    samples = read_samples(file, gaps="mask")
    assert samples.meaning == "alteration" and list(samples.modalities) == ["genotype", "measured"]
    (tmp_path / "pairs.txt").write_text("2 A B 0.5\n")
    with pytest.raises(KgnnError, match="gaps cannot be given for the format 'genotype_list'"):
        read_samples(tmp_path / "pairs.txt", gaps="mask")


def with_targets(values: list[float], screens: list[str]) -> Samples:
    targets = Targets(np.array(values)[:, None], ("auc",), "regression")
    genes = np.zeros((len(values), 1), np.uint8)
    covariates = {"screen": np.array(screens, dtype=object)}
    return Samples.from_values(genes, ["a"], meaning="alteration", targets=targets, covariates=covariates)


def test_targets_in_units_of_their_group_and_back():
    train = with_targets([1.0, 3.0, 10.0, 10.0], ["x", "x", "y", "y"])
    scaling = standardize_targets(train, "screen")
    np.testing.assert_allclose(scaling.apply(train).require_targets().values.ravel(), [-1, 1, 0, 0])
    new = with_targets([5.0, 12.0], ["x", "y"])
    np.testing.assert_allclose(scaling.apply(new).require_targets().values.ravel(), [3, 2])
    np.testing.assert_allclose(scaling.restore(np.array([[3.0], [2.0]]), new).ravel(), [5, 12])
    with pytest.raises(AlignmentError, match="1 groups of 'screen' were not among"):
        scaling.apply(with_targets([0.0], ["z"]))
    with pytest.raises(AlignmentError, match="groups of 'site'"):
        standardize_targets(train, "site")
