"""AnnData files."""

from __future__ import annotations

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse

from kgnn.data import read_samples
from kgnn.errors import AlignmentError, FormatError, KgnnError

GENES = ["TP53", "HLA-A", "orf.1:b"]
VALUES = np.array([[0.0, 1.5, 2.0], [3.0, 0.0, 0.5], [0.0, 0.0, 4.0], [1.0, 1.0, 1.0]])


@pytest.fixture
def screen(tmp_path):
    """Four cells, three genes, a layer and `raw` with fewer genes."""
    obs = pd.DataFrame(
        {
            "growth": [0.1, -0.2, 0.3, 0.4],
            "size": [1, 2, 3, 4],
            "type": pd.Categorical(["T", "B", "T", "B"], categories=["T", "NK", "B"]),
            "stage": ["G1", "S", "S", "G2/M"],
            "dead": [True, False, False, True],
            "hit": [0, 1, 1, 0],
            "hole": [0.1, np.nan, 0.3, np.nan],
            "donor": pd.Categorical(["d1", "d1", "d2", None]),
        },
        index=pd.Index(["c1", "c2", "c3", "c4"]),
    )
    var = pd.DataFrame({"symbol": ["p53", "A", "b"]}, index=pd.Index(GENES))
    data = anndata.AnnData(scipy.sparse.csr_matrix(VALUES), obs=obs, var=var)
    data.layers["counts"] = VALUES.astype(np.int64) * 2
    data.raw = data[:, GENES[:2]].copy()
    path = tmp_path / "screen (1).h5ad"
    data.write_h5ad(path)
    return path


def test_values_names_and_regression(screen):
    samples = read_samples(screen, target="growth")
    assert samples.names == ("c1", "c2", "c3", "c4")
    assert samples.genes == tuple(GENES)
    assert (samples.meaning, samples.gene_modality) == ("abundance", "expression")
    np.testing.assert_array_equal(samples.gene_values(), VALUES.astype(np.float32))
    assert (samples.require_targets().kind, samples.require_targets().names) == ("regression", ("growth",))
    np.testing.assert_array_equal(samples.require_targets().values, np.array([[0.1], [-0.2], [0.3], [0.4]], np.float32))
    assert samples.provenance.sources[0].name == "screen (1).h5ad"
    assert samples.provenance.transformations == ("read layer X, meaning abundance, target growth",)


@pytest.mark.parametrize(
    ("target", "kind", "classes", "codes"),
    [
        ("type", None, ("T", "B"), [0, 1, 0, 1]),
        ("stage", None, ("G1", "G2/M", "S"), [0, 2, 2, 1]),
        ("dead", None, ("False", "True"), [1, 0, 0, 1]),
        ("size", "classes", ("1", "2", "3", "4"), [0, 1, 2, 3]),
        ("growth", "classes", ("-0.2", "0.1", "0.3", "0.4"), [1, 0, 2, 3]),
    ],
)
def test_classes(screen, target, kind, classes, codes):
    targets = read_samples(screen, target=target, kind=kind).require_targets()
    assert (targets.kind, targets.names, targets.values.tolist()) == ("classes", classes, codes)


def test_several_targets(screen):
    both = read_samples(screen, target=["growth", "size"]).require_targets()
    assert (both.kind, both.names, both.values.shape) == ("regression", ("growth", "size"), (4, 2))
    labels = read_samples(screen, target=["dead", "hit"], kind="labels").require_targets()
    assert labels.values.tolist() == [[1, 0], [0, 1], [0, 1], [1, 0]]


def test_layers_gene_names_meaning_and_covariates(screen):
    assert read_samples(screen, layer="raw").genes == ("TP53", "HLA-A")
    np.testing.assert_array_equal(read_samples(screen, layer="counts").gene_values()[1], [6, 0, 0])
    samples = read_samples(screen, gene_names="symbol", names="growth", meaning="signal", covariates=["type", "size"])
    assert samples.genes == ("p53", "A", "b")
    assert samples.names == ("0.1", "-0.2", "0.3", "0.4")
    assert samples.meaning == "signal"
    assert samples.covariates["type"].tolist() == ["T", "B", "T", "B"]
    assert samples.covariates["size"].tolist() == [1, 2, 3, 4]


def test_chosen_genes(screen):
    assert read_samples(screen, genes=["HLA-A"]).gene_values().shape == (4, 1)
    with pytest.raises(AlignmentError, match=r"screen \(1\)\.h5ad: 1 of 2 genes .* not in the samples: BRCA1"):
        read_samples(screen, genes=["HLA-A", "BRCA1"])


def test_values_of_zero_and_one_are_alterations(tmp_path):
    path = tmp_path / "mutations.h5ad"
    data = anndata.AnnData(np.eye(2, 3, dtype=np.uint8))
    data.obs_names, data.var_names = ["a", "b"], ["g", "h", "i"]
    data.write_h5ad(path)
    samples = read_samples(path)
    assert (samples.meaning, samples.gene_values().dtype, samples.targets) == ("alteration", np.uint8, None)


def test_absent_target_lists_the_columns(screen):
    with pytest.raises(FormatError, match=r"h5ad: has no column in obs 'grwth'\. Choose .*: growth, size, type, stage"):
        read_samples(screen, target="grwth")


def test_absent_layer_lists_the_layers(screen):
    with pytest.raises(FormatError, match=r"has no layer 'spliced'\. Choose .*: X, raw, counts"):
        read_samples(screen, layer="spliced")


def test_missing_target_names_the_samples(screen):
    with pytest.raises(AlignmentError, match=r"h5ad: 2 of 4 samples have a missing or infinite target: c2, c4"):
        read_samples(screen, target="hole")
    with pytest.raises(AlignmentError, match="1 of 4 samples have a missing or infinite target: c4"):
        read_samples(screen, target="donor")


def test_missing_covariate_names_the_samples(screen):
    with pytest.raises(AlignmentError, match="1 of 4 samples have no value of the covariate 'donor': c4"):
        read_samples(screen, covariates="donor")


def test_text_is_no_regression(screen):
    with pytest.raises(FormatError, match=r"target column 'stage' is not all numbers \(.*'G1'\).*kind='classes'"):
        read_samples(screen, target="stage", kind="regression")


def test_classes_take_one_column(screen):
    with pytest.raises(KgnnError, match="takes one target column but 2 are given: type, stage"):
        read_samples(screen, target=["type", "stage"], kind="classes")
    with pytest.raises(KgnnError, match="kind of target is 'class'"):
        read_samples(screen, target="type", kind="class")


def test_duplicate_sample_names(tmp_path):
    path = tmp_path / "twice.h5ad"
    with pytest.warns(UserWarning, match="not unique"):
        data = anndata.AnnData(np.ones((3, 2)), obs=pd.DataFrame(index=pd.Index(["a", "b", "a"])))
        data.write_h5ad(path)
    with pytest.raises(AlignmentError, match=r"twice\.h5ad: 1 sample names come more than once: a\. Make them unique"):
        read_samples(path)


def test_missing_value_names_the_sample(tmp_path):
    path = tmp_path / "hole.h5ad"
    obs = pd.DataFrame(index=pd.Index(["a", "b"]))
    anndata.AnnData(np.array([[1.0, 2.0], [np.nan, 2.0]]), obs=obs).write_h5ad(path)
    with pytest.raises(AlignmentError, match="1 of 2 rows hold a value that is missing or infinite: b"):
        read_samples(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "is empty"), (b"sample,g\na,1\n", "is no HDF5 file"), (b"\x89HDF", "is no HDF5 file")],
)
def test_not_h5ad(tmp_path, content, message):
    path = tmp_path / "broken.h5ad"
    path.write_bytes(content)
    with pytest.raises(FormatError, match=rf"broken\.h5ad: {message}"):
        read_samples(path)


def test_cut_short_and_foreign_hdf5(screen, tmp_path):
    import h5py

    short = tmp_path / "short.h5ad"
    short.write_bytes(screen.read_bytes()[:3000])
    with pytest.raises(FormatError, match=r"short\.h5ad: is not readable as AnnData"):
        read_samples(short)
    foreign = tmp_path / "foreign.h5ad"
    with h5py.File(foreign, "w") as file:
        file["table"] = np.zeros(3)
    with pytest.raises(FormatError, match=r"foreign\.h5ad: is not readable as AnnData|has no layer 'X'"):
        read_samples(foreign)


def test_pbmc68k_of_the_old_layout_reads_without_a_warning(shared_data):
    path = shared_data / "singlecell" / "10x_pbmc68k_reduced.h5ad"
    if not path.exists():
        pytest.skip("singlecell/10x_pbmc68k_reduced.h5ad not found in the data folder")
    samples = read_samples(path, target="bulk_labels", layer="raw", covariates=["louvain", "n_genes"])
    assert samples.gene_values().shape == (700, 765)
    assert samples.gene_values().min() == 0
    assert len(samples.require_targets().names) == 10
    assert np.bincount(samples.require_targets().values).sum() == 700
    assert samples.require_targets().names[samples.require_targets().values[0]] == "CD14+ Monocyte"
    assert samples.covariates["n_genes"].dtype.kind == "i"
    assert read_samples(path).gene_values().min() < 0
