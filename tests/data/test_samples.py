"""`Samples`, `Modality` and `Targets` keep names and values together."""

from __future__ import annotations

import numpy as np
import pytest

from kgnn.data.measured import Modality, Targets, number_repeats
from kgnn.data.samples import Samples
from kgnn.errors import AlignmentError, KgnnError

GENES = ("TP53", "HLA-A", "ORF_1.2:b", "α(x", "g/5")


def three_samples(**changed) -> Samples:
    """Three samples, five genes, two outputs; `changed` replaces fields."""
    fields = {
        "values": np.arange(15, dtype=np.float32).reshape(3, 5),
        "genes": GENES,
        "meaning": "abundance",
        "names": ("a", "b", "c"),
        "targets": Targets(np.array([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]), ("y", "z"), "regression"),
        "covariates": {"batch": np.array(["p", "q", "p"], dtype=object)},
    }
    fields.update(changed)
    return Samples.from_values(fields.pop("values"), fields.pop("genes"), **fields)


def pairs() -> Samples:
    """Four samples over two cell lines and three drugs."""
    genotype = Modality(np.array([[1, 0], [0, 1]], np.uint8), ("g", "h"), ("c0", "c1"), "alteration")
    fingerprint = Modality(np.array([[1.0], [2.0], [3.0]], np.float32), ("bit",), ("d0", "d1", "d2"), "signal")
    return Samples(
        ("s0", "s1", "s2", "s3"),
        {"genotype": genotype, "fingerprint": fingerprint},
        {"genotype": np.array([0, 1, 1, 0]), "fingerprint": np.array([2, 2, 0, 1])},
    )


def test_properties_and_inputs():
    samples = three_samples()
    assert (len(samples), samples.genes, samples.meaning) == (3, GENES, "abundance")
    assert samples.gene_modality == "expression"
    np.testing.assert_array_equal(samples.gene_values(np.array([2, 0])), [[10, 11, 12, 13, 14], [0, 1, 2, 3, 4]])
    both = pairs().inputs()
    assert isinstance(both, dict)
    np.testing.assert_array_equal(both["genotype"], [[1, 0], [0, 1], [0, 1], [1, 0]])
    np.testing.assert_array_equal(both["fingerprint"], [[3], [3], [1], [2]])


def test_gene_values_and_required_targets():
    assert pairs().gene_values(np.array([3, 1])).tolist() == [[1, 0], [0, 1]]
    assert three_samples().require_targets().names == ("y", "z")
    with pytest.raises(AlignmentError, match="the 4 samples have no target"):
        pairs().require_targets()


def test_take_leaves_out_unused_rows_and_keeps_order():
    chosen = pairs().take([2, 1])
    assert chosen.names == ("s2", "s1")
    assert chosen.modalities["genotype"].rows == ("c1",)
    assert chosen.modalities["fingerprint"].rows == ("d0", "d2")
    np.testing.assert_array_equal(chosen.modalities["fingerprint"].values, [[1], [3]])
    assert chosen.row_of_sample["fingerprint"].tolist() == [0, 1]
    kept = three_samples().take(np.array([True, False, True]))
    assert kept.names == ("a", "c")
    assert kept.covariates["batch"].tolist() == ["p", "p"]
    np.testing.assert_array_equal(kept.require_targets().values, [[0, 1], [4, 5]])


def test_take_refuses_a_short_mask_and_a_repeat():
    with pytest.raises(AlignmentError, match=r"mask of shape \(2,\) for 3 samples"):
        three_samples().take(np.array([True, False]))
    with pytest.raises(AlignmentError, match="1 sample names come more than once: b"):
        three_samples().take([1, 1])


def test_with_genes_orders_by_name_and_names_the_missing():
    chosen = three_samples().with_genes(("α(x", "TP53"))
    np.testing.assert_array_equal(chosen.gene_values(), [[3, 0], [8, 5], [13, 10]])
    with pytest.raises(AlignmentError, match=r"2 of 3 genes of the model are not in the samples: X, Y\."):
        three_samples().with_genes(("TP53", "X", "Y"))


def test_with_gene_values_changes_only_values():
    changed = three_samples().with_gene_values(np.zeros((3, 5), np.float32))
    assert changed.names == ("a", "b", "c") and not changed.gene_values().any()


def test_with_classes_recodes_by_name():
    targets = Targets(np.array([0, 1, 0]), ("T", "B"), "classes")
    samples = three_samples(targets=targets).with_classes(("B", "NK", "T"))
    assert samples.require_targets().names == ("B", "NK", "T")
    assert samples.require_targets().values.tolist() == [2, 0, 2]
    assert samples.require_targets().values.dtype == np.int32
    with pytest.raises(AlignmentError, match="1 classes of the samples are not among the 2 known: B"):
        three_samples(targets=targets).with_classes(("T", "NK"))


def test_fingerprint_follows_names_values_and_targets_only():
    first = three_samples().fingerprint
    assert first == three_samples(covariates={}).fingerprint
    assert len(first) == 64
    assert first != three_samples(names=("a", "b", "d")).fingerprint
    assert first != three_samples(genes=GENES[::-1]).fingerprint
    assert first != three_samples(meaning="signal").fingerprint
    assert first != three_samples(values=np.arange(15.0).reshape(3, 5) + 1).fingerprint
    assert first != three_samples(targets=None).fingerprint


@pytest.mark.parametrize(
    ("given", "stored"),
    [(np.float64, np.float32), (np.int64, np.float32), (bool, np.uint8), (np.uint8, np.uint8)],
)
def test_values_are_stored_as_float32_or_uint8(given, stored):
    assert Modality(np.zeros((2, 1), given), ("g",), ("a", "b"), "abundance").values.dtype == stored


def test_bad_modalities():
    with pytest.raises(AlignmentError, match=r"values are \(2, 2\) but there are 2 row names and 3 feature names"):
        Modality(np.zeros((2, 2)), ("g", "h", "i"), ("a", "b"), "abundance")
    with pytest.raises(AlignmentError, match="1 feature names come more than once: g"):
        Modality(np.zeros((2, 2)), ("g", "g"), ("a", "b"), "abundance")
    with pytest.raises(AlignmentError, match="1 of 2 rows hold a value that is missing or infinite: b"):
        Modality(np.array([[0.0], [np.inf]]), ("g",), ("a", "b"), "abundance")
    with pytest.raises(AlignmentError, match="of type object, not numbers"):
        Modality(np.array([["x"]], dtype=object), ("g",), ("a",), "abundance")
    with pytest.raises(KgnnError, match=r"meaning is 'expression'.*abundance, alteration, sequence, signal"):
        Modality(np.zeros((1, 1)), ("g",), ("a",), "expression")


def test_bad_targets():
    with pytest.raises(AlignmentError, match="one integer a sample from 0 to 1"):
        Targets(np.array([0, 2]), ("x", "y"), "classes")
    with pytest.raises(AlignmentError, match=r"targets are \(3,\) but 1 outputs"):
        Targets(np.zeros(3), ("y",), "regression")
    with pytest.raises(AlignmentError, match="labels must be 0 or 1"):
        Targets(np.array([[0.0], [0.5]]), ("y",), "labels")
    with pytest.raises(KgnnError, match="kind of target is 'class'"):
        Targets(np.zeros((3, 1)), ("y",), "class")


def test_missing_targets_name_the_samples():
    holes = np.array([[0.0, np.nan], [1.0, 2.0], [np.nan, 1.0]])
    with pytest.raises(AlignmentError, match=r"2 of 3 samples have a missing or infinite target: a, c\. Leave"):
        three_samples(targets=Targets(holes, ("y", "z"), "regression"))
    with pytest.raises(AlignmentError, match="1 of 3 samples have a missing or infinite target: b"):
        three_samples(targets=Targets(np.array([[0.0], [np.nan], [1.0]]), ("y",), "labels"))


def test_misaligned_samples():
    with pytest.raises(AlignmentError, match="1 sample names come more than once: a"):
        three_samples(names=("a", "b", "a"))
    with pytest.raises(AlignmentError, match="covariate 'batch' has 2 values for 3 samples"):
        three_samples(covariates={"batch": np.array(["p", "q"])})
    with pytest.raises(AlignmentError, match="2 targets for 3 samples"):
        three_samples(targets=Targets(np.zeros((2, 1)), ("y",), "regression"))
    table = Modality(np.zeros((2, 1)), ("g",), ("a", "b"), "abundance")
    with pytest.raises(AlignmentError, match="every sample needs one row"):
        Samples(("s",), {"m": table}, {"m": np.array([2])})
    with pytest.raises(AlignmentError, match="differ or are empty"):
        Samples(("s",), {}, {})


def test_number_repeats_never_collides():
    assert number_repeats(["a", "a (2)", "a", "a"]) == ("a", "a (2)", "a (3)", "a (4)")
