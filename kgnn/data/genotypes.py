"""DCell's genotype lists (`2 YLR035C YML060W 0.0447`) → `Samples`."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path

import numpy as np

from kgnn.data.measured import Targets, number_repeats
from kgnn.data.samples import Samples
from kgnn.errors import AlignmentError, FormatError, name_some
from kgnn.knowledge.provenance import Provenance
from kgnn.knowledge.text import read_lines, source_of

WILD_TYPE = "wild type"


def read_genotype_list(
    path: str | PathLike[str], *, genes: Sequence[str] | None = None, target: str = "phenotype"
) -> Samples:
    """Read a list of genotypes, one a line: how many genes are deleted, their names, the measured value.

    The table is dense, one byte a sample and gene. Training and test files of one screen need not hold the same
    genes: give both the same `genes`, for example those of the ontology.

    Args:
        path: Text file, plain or gzip; fields are separated by spaces or tabs.
        genes: Columns and their order; the genes that the file names, sorted, if not given.
        target: Name of the output.

    Returns:
        Samples of the meaning ``"alteration"`` (1 = deleted). A sample is called by its genes joined with ``:``
        (``wild type`` without any); a genotype that comes again gets ``(2)``.

    Raises:
        FormatError: If a line's count does not match its fields, names a gene twice or ends in no number.
        AlignmentError: If the file names a gene that is not among `genes`, or a value is missing.

    References:
        Ma et al. 2018, Nature Methods 15:290, doi:10.1038/nmeth.4627 (format of the released code).
    """
    file = Path(path)
    genotypes, values = [], []
    for number, line in enumerate(read_lines(file), start=1):
        if line.strip():
            deleted, value = _parse(line, file, number)
            genotypes.append(deleted)
            values.append(value)
    seen = {gene for deleted in genotypes for gene in deleted}
    columns = tuple(sorted(seen)) if genes is None else tuple(genes)
    position = {gene: column for column, gene in enumerate(columns)}
    unknown = sorted(seen - position.keys())
    if unknown:
        raise AlignmentError(
            f"{file}: {len(unknown):,} of {len(seen):,} genes in the list are not among the {len(columns):,} wanted: "
            f"{name_some(unknown)}. Add them to genes, or leave their genotypes out of the file."
        )
    table = np.zeros((len(genotypes), len(columns)), dtype=np.uint8)
    for row, deleted in enumerate(genotypes):
        table[row, [position[gene] for gene in deleted]] = 1
    return Samples.from_values(
        table,
        columns,
        meaning="alteration",
        names=number_repeats(":".join(deleted) or WILD_TYPE for deleted in genotypes),
        targets=Targets(np.array(values, dtype=np.float32)[:, None], (target,), "regression"),
        provenance=Provenance((source_of(file, {}),), ("read genotype list",)),
    )


def looks_like_genotype(line: str) -> bool:
    """True if a line begins with a whole number, goes on with something else and ends with a number.

    The wild type, ``0`` and its value, has nothing between them.
    """
    fields = line.split()
    if len(fields) == 2:
        return fields[0] == "0" and _is_number(fields[1])
    if len(fields) < 3 or not fields[0].isdigit() or _is_number(fields[1]):
        return False
    return _is_number(fields[-1])


def _parse(line: str, file: Path, number: int) -> tuple[list[str], float]:
    count, *deleted, value = line.split() if len(line.split()) > 1 else (line, "")
    if not count.isdigit() or int(count) != len(deleted):
        raise FormatError(
            f"the line promises {count} deleted genes and names {len(deleted)}. A line is: number of genes, the genes, "
            "the value.",
            file,
            number,
        )
    if len(set(deleted)) < len(deleted):
        raise FormatError(f"a gene comes twice in {name_some(deleted)}. Name each deleted gene once.", file, number)
    if not _is_number(value):
        raise FormatError(f"the value is {value!r}, which is not a number. Put the measured value last.", file, number)
    return deleted, float(value)


def _is_number(field: str) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True
