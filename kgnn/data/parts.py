"""`read_parts`: training, validation and test samples from one place or three, with the same columns and classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from kgnn.data.drugcell import read_drugcell_splits
from kgnn.data.read import read_samples, recognize_format
from kgnn.data.samples import Samples


@dataclass(frozen=True, eq=False)
class Parts:
    """Samples to train on, to choose on and to test on.

    Attributes:
        train: Training samples.
        valid: Validation samples, or None.
        test: Test samples, or None.
    """

    train: Samples
    valid: Samples | None
    test: Samples | None


def read_parts(
    train: str | PathLike[str],
    *,
    valid: str | PathLike[str] | None = None,
    test: str | PathLike[str] | None = None,
    genes: Sequence[str] = (),
    **options: Any,
) -> Parts:
    """Read the parts of a data set so that they agree.

    A DrugCell folder brings its own parts; files given beside it take their place. In genotype lists a gene that is
    not named is unaltered, so every part gets a column for every gene of the ontology and of the lists. Other parts
    take the columns and classes of the training samples.

    Args:
        train: File or folder.
        valid: File of validation samples, or None.
        test: File of test samples, or None.
        genes: Genes of the ontology.
        **options: Options of `read_samples`, for all parts; those that are None are left out.

    Returns:
        The parts.

    Raises:
        FormatError: If a file is not what its format promises.
        AlignmentError: If a part lacks a gene or has a class that the training samples have not.
    """
    options = {name: value for name, value in options.items() if value is not None}
    own: dict[str, Samples | None] = {"valid": None, "test": None}
    if Path(train).is_dir() and recognize_format(train) == "drugcell":
        splits = read_drugcell_splits(train, target=options.get("target", "response"))
        first, own = splits.train, {"valid": splits.valid, "test": splits.test}
    else:
        first = read_samples(train, **options)
    given = {name: read_samples(path, **options) for name, path in (("valid", valid), ("test", test)) if path}
    others = {**own, **given}
    if recognize_format(train) == "genotype_list":
        listed = [first, *(part for part in others.values() if part is not None)]
        universe = sorted({*genes, *(gene for part in listed for gene in part.genes)})
        first = read_samples(train, genes=universe, **options)
        paths = {"valid": valid, "test": test}
        others = {name: read_samples(paths[name], genes=universe, **options) for name in given}  # type: ignore[arg-type]
    agreed = {name: None if part is None else _agreeing(part, first) for name, part in others.items()}
    return Parts(first, agreed.get("valid"), agreed.get("test"))


def _agreeing(part: Samples, first: Samples) -> Samples:
    part = part.with_genes(first.genes)
    if first.targets is not None and first.targets.kind == "classes":
        part = part.with_classes(first.targets.names)
    return part
