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
from kgnn.errors import AlignmentError, KgnnError


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
        KgnnError: If an option does not apply to the format.
    """
    options = {name: value for name, value in options.items() if value is not None}
    format = options.get("format") or recognize_format(train)
    given = {name: path for name, path in (("valid", valid), ("test", test)) if path is not None}
    own: dict[str, Samples | None] = {}
    if format == "drugcell" and Path(train).is_dir():
        first, own = _read_folder(train, options)
    else:
        first = read_samples(train, **options)
    others = own | {name: read_samples(path, **options) for name, path in given.items()}
    if format == "genotype_list":
        listed = [first, *(part for part in others.values() if part is not None)]
        options["genes"] = sorted({*genes, *(gene for part in listed for gene in part.genes)})
        first = read_samples(train, **options)
        others = {name: read_samples(path, **options) for name, path in given.items()}
    agreed = {
        name: None if part is None else _agreeing(part, first, given.get(name, train)) for name, part in others.items()
    }
    return Parts(first, agreed.get("valid"), agreed.get("test"))


def _read_folder(folder: str | PathLike[str], options: dict[str, Any]) -> tuple[Samples, dict[str, Samples | None]]:
    """The parts that a DrugCell folder brings."""
    fixed = {"format": "drugcell", "meaning": "alteration", "kind": "regression"}
    unfit = [name for name, value in options.items() if name != "target" and fixed.get(name) != value]
    if unfit:
        raise KgnnError(f"{folder}: {', '.join(unfit)} cannot be given for DrugCell's folder. Leave it out.")
    splits = read_drugcell_splits(folder, target=options.get("target", "response"))
    return splits.train, {"valid": splits.valid, "test": splits.test}


def _agreeing(part: Samples, first: Samples, path: str | PathLike[str]) -> Samples:
    """The part with the columns and classes of the first one."""
    try:
        part = part.with_genes(first.genes)
        if first.targets is not None and first.targets.kind == "classes":
            part = part.with_classes(first.targets.names)
    except AlignmentError as error:
        raise AlignmentError(f"{path}: {error}") from None
    return part
