"""The parts of one screen as one set of samples."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kgnn.data import Modality, Samples, Targets
from kgnn.data.join_samples import join_samples
from kgnn.errors import AlignmentError

GENES, BITS = ("g_1", "g.2", "g/3"), ("bit 0", "bit 1")
CELLS = {"c1": [0, 1, 1], "c2": [1, 0, 0], "c:3": [1, 1, 1]}
DRUGS = {"d1": [0, 1], "d+2": [1, 1]}


def part(pairs: list[tuple[str, str]], start: float = 0.0, cells: dict[str, list[int]] = CELLS) -> Samples:
    """Pairs of a cell and a drug; only the rows that they use are in the tables."""
    used_cells, used_drugs = ([*dict.fromkeys(names)] for names in zip(*pairs, strict=True))
    rows = ([used_cells.index(cell) for cell, _ in pairs], [used_drugs.index(drug) for _, drug in pairs])
    genotype = np.array([cells[name] for name in used_cells], np.uint8)
    fingerprint = np.array([DRUGS[name] for name in used_drugs], np.uint8)
    return Samples(
        names=tuple(f"{cell}|{drug}" for cell, drug in pairs),
        modalities={
            "genotype": Modality(genotype, GENES, tuple(used_cells), "alteration"),
            "fingerprint": Modality(fingerprint, BITS, tuple(used_drugs), "signal"),
        },
        row_of_sample={
            "genotype": np.array(rows[0], np.int32),
            "fingerprint": np.array(rows[1], np.int32),
        },
        targets=Targets(start + np.arange(len(pairs), dtype=np.float32)[:, None], ("AUC",), "regression"),
        covariates={"cell": np.array([cell for cell, _ in pairs]), "drug": np.array([drug for _, drug in pairs])},
    )


def test_rows_are_shared_and_every_sample_keeps_its_values() -> None:
    parts = [
        part([("c2", "d1"), ("c1", "d1")]),
        part([("c:3", "d+2"), ("c1", "d+2"), ("c2", "d1")], start=10),
        part([("c1", "d1")], start=20),
    ]
    joined = join_samples(parts)
    assert joined.names == ("c2|d1", "c1|d1", "c:3|d+2", "c1|d+2", "c2|d1 (2)", "c1|d1 (2)")
    assert joined.modalities["genotype"].rows == ("c2", "c1", "c:3")
    assert joined.modalities["fingerprint"].rows == ("d1", "d+2")
    assert joined.targets is not None
    assert joined.targets.values[:, 0].tolist() == [0, 1, 10, 11, 12, 20]
    assert joined.covariates["cell"].tolist() == ["c2", "c1", "c:3", "c1", "c2", "c1"]
    inputs = joined.inputs()
    assert isinstance(inputs, dict)
    for position, (cell, drug) in enumerate(name.removesuffix(" (2)").split("|") for name in joined.names):
        assert inputs["genotype"][position].tolist() == CELLS[cell]
        assert inputs["fingerprint"][position].tolist() == DRUGS[drug]


def test_one_part_is_itself() -> None:
    alone = part([("c2", "d1"), ("c1", "d+2")])
    assert join_samples([alone]).fingerprint == alone.fingerprint


def test_a_row_with_other_values_is_refused() -> None:
    other = part([("c1", "d+2")], cells={"c1": [1, 1, 1]})
    with pytest.raises(AlignmentError, match="row 'c1' of 'genotype' has other values in another part"):
        join_samples([part([("c1", "d1")]), other])


def test_other_features_outputs_or_covariates_are_refused() -> None:
    one, other = part([("c1", "d1")]), part([("c2", "d1")])
    with pytest.raises(AlignmentError, match="the parts differ in the features of 'genotype'"):
        join_samples([one, other.with_genes(["g.2", "g_1"])])
    for changed in (
        replace(other, targets=Targets(np.zeros((1, 1), np.float32), ("IC50",), "regression")),
        replace(other, covariates={"cell": other.covariates["cell"]}),
    ):
        with pytest.raises(AlignmentError, match="the parts differ in outputs or covariates"):
            join_samples([one, changed])
