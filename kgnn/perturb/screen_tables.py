"""Rows of a screen as tables: of pandas in memory, of Arrow for a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kgnn.errors import KgnnError
from kgnn.perturb.plan import Plan
from kgnn.perturb.screen_blocks import Block

if TYPE_CHECKING:
    import pandas
    import pyarrow

KINDS = ("gene", "pair")
MOST_ROWS = 10_000_000
"""Rows of a table in memory; it takes some 1 GB."""


@dataclass(frozen=True)
class Names:
    """What the positions in a `Block` stand for.

    Attributes:
        plan: The perturbations.
        samples: Sample names.
        outputs: Output names.
        terms: Term ids.
    """

    plan: Plan
    samples: tuple[str, ...]
    outputs: tuple[str, ...]
    terms: tuple[str, ...]


def refuse_too_many(rows: int) -> None:
    """Refuse a table in memory of more than `MOST_ROWS` rows.

    Raises:
        KgnnError: If there are more.
    """
    if rows > MOST_ROWS:
        raise KgnnError(
            f"the screen has {rows:,} rows or more, but a table in memory holds {MOST_ROWS:,}. Write it to a file with "
            "out=, or keep fewer rows with threshold= or top=."
        )


def frame(names: Names, block: Block) -> pandas.DataFrame:
    """Rows as a pandas table; names are categories."""
    import pandas

    def named(codes: np.ndarray, categories: Any) -> Any:
        return pandas.Categorical.from_codes(codes, dtype=pandas.CategoricalDtype(list(categories)))  # type: ignore[arg-type]

    columns: dict[str, Any] = {
        "perturbation": named(block.perturbation, names.plan.names),
        "kind": named(_kinds(names, block), KINDS),
        "sample": named(block.sample, names.samples),
    }
    for name, values in _numbers(names, block):
        columns[name] = named(values, names.terms) if name.startswith("subsystem_") else values
    return pandas.DataFrame(columns)


def arrow_table(names: Names, block: Block) -> pyarrow.Table:
    """Rows as an Arrow table; each name is stored once a table."""
    import pyarrow

    def named(codes: np.ndarray, categories: Any) -> Any:
        used = np.unique(codes[codes >= 0])
        place = pyarrow.array(np.searchsorted(used, codes).astype(np.int32), mask=codes < 0)
        text = pyarrow.array([categories[each] for each in used.tolist()], pyarrow.string())
        return pyarrow.DictionaryArray.from_arrays(place, text)

    columns = {
        "perturbation": named(block.perturbation, names.plan.names),
        "kind": named(_kinds(names, block), KINDS),
        "sample": named(block.sample, names.samples),
    }
    for name, values in _numbers(names, block):
        columns[name] = named(values, names.terms) if name.startswith("subsystem_") else pyarrow.array(values)
    return pyarrow.table(columns)


def _kinds(names: Names, block: Block) -> np.ndarray:
    is_pair = np.array([kind == "pair" for kind in names.plan.kinds], dtype=np.int8)
    return is_pair[block.perturbation]


def _numbers(names: Names, block: Block) -> list[tuple[str, np.ndarray]]:
    found = [(f"effect_{name}", block.effect[:, column]) for column, name in enumerate(names.outputs)]
    if "pair" in names.plan.kinds:
        found += [(f"epistasis_{name}", block.epistasis[:, column]) for column, name in enumerate(names.outputs)]
    for rank in range(block.terms.shape[1]):
        found += [(f"subsystem_{rank + 1}", block.terms[:, rank]), (f"change_{rank + 1}", block.moved[:, rank])]
    return found
