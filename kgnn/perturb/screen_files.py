"""Where the blocks of a screen go: memory, a Parquet file or a zarr folder; an interrupted one is taken up again."""

from __future__ import annotations

import json
import shutil
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np

from kgnn.errors import KgnnError, RunError, name_some, unknown_choice
from kgnn.knowledge.writing import whole_file
from kgnn.perturb.screen_blocks import Block
from kgnn.perturb.screen_tables import Names, arrow_table, frame, refuse_too_many
from kgnn.train.run import write_json

if TYPE_CHECKING:
    import pandas
    import zarr

ENDINGS = (".parquet", ".zarr")
MANIFEST = "manifest.json"


class Store(Protocol):
    """Takes in blocks in order; a block that it `has` need not be computed."""

    def has(self, number: int) -> bool:
        """Whether a block is there from before."""
        ...

    def write(self, number: int, block: Block) -> None:
        """Take in a block."""
        ...


class Selection:
    """Which rows of a block are worth keeping.

    Args:
        threshold: Least strength of a row.
        top: How many rows to keep of the whole screen, the strongest; None for all.
    """

    def __init__(self, threshold: float, top: int | None):
        self.threshold, self.top = threshold, top
        self._strongest = np.zeros(0, np.float32)

    def __call__(self, block: Block) -> Block:
        """The rows of the next block that may still be in the result."""
        strength = block.strength
        keep = strength >= self.threshold
        if self.top is not None:
            strongest = np.sort(np.concatenate([self._strongest, strength[keep]]))[::-1][: self.top]
            # Of rows as strong as the weakest that is kept, the first in order stay; `final` sees to that.
            if len(strongest) == self.top:
                keep &= strength >= strongest[-1]
            self._strongest = strongest
        return block.take(keep)

    def final(self, block: Block) -> Block:
        """Of all rows that were kept, in order, those of the result, the strongest first where `top` was given."""
        if self.top is None:
            return block
        return block.take(np.argsort(-block.strength, kind="stable")[: self.top])


class InMemory:
    """Keeps the rows, for a table.

    Args:
        names: What positions stand for.
        selection: Which rows to keep.
    """

    def __init__(self, names: Names, selection: Selection):
        self.names, self.selection = names, selection
        self._blocks: list[Block] = []
        self._rows = 0

    def has(self, number: int) -> bool:
        """No: nothing outlives the process."""
        return False

    def write(self, number: int, block: Block) -> None:
        """Take in a block.

        Raises:
            KgnnError: If there are too many rows for a table.
        """
        self._blocks.append(self.selection(block))
        self._rows += len(self._blocks[-1].sample)
        if self.selection.top is None:
            refuse_too_many(self._rows)

    def table(self) -> pandas.DataFrame:
        """All rows, with names."""
        block = self.selection.final(Block(*map(np.concatenate, zip(*self._blocks, strict=True))))
        return frame(self.names, block)


class InFolder:
    """A folder beside the result, in which blocks wait until all are there.

    Args:
        out: The result.
        record: What the screen is; one that was begun otherwise is refused.
        resume: Whether to go on with what is there; else it is removed.

    Raises:
        RunError: If what is there belongs to another screen.
    """

    def __init__(self, out: Path, record: dict[str, Any], resume: bool):
        self.out, self.folder = out, out.with_name(f".{out.name}.unfinished")
        if self.folder.exists() and not resume:
            shutil.rmtree(self.folder)
        manifest = self.folder / MANIFEST
        if manifest.is_file():
            _refuse_other(out, json.loads(manifest.read_text()), json.loads(json.dumps(record)))
        else:
            self.folder.mkdir(parents=True, exist_ok=True)
            write_json(manifest, record)


class InParquet(InFolder):
    """Writes every block as a part, and all parts as the row groups of one file in the end.

    Args:
        out: File to write.
        names: What positions stand for.
        selection: Which rows to keep.
        record: See `InFolder`.
        resume: See `InFolder`.
    """

    def __init__(self, out: Path, names: Names, selection: Selection, record: dict[str, Any], resume: bool):
        super().__init__(out, record, resume)
        self.names, self.selection = names, selection

    def has(self, number: int) -> bool:
        """Whether a part is there; its rows then count for what is still worth keeping."""
        if not self._part(number).is_file():
            return False
        if self.selection.top is not None:
            self.selection(self._read(number))
        return True

    def write(self, number: int, block: Block) -> None:
        """Write a part, at once or not at all."""
        kept = self.selection(block)
        with whole_file(self._part(number)) as unfinished, unfinished.open("wb") as stream:
            np.savez(stream, **kept._asdict())

    def finish(self, n_blocks: int) -> None:
        """Write the file, a row group a block, and remove the parts."""
        from pyarrow.parquet import ParquetWriter

        blocks = (self._read(number) for number in range(n_blocks))
        if self.selection.top is not None:
            blocks = iter([self.selection.final(Block(*map(np.concatenate, zip(*blocks, strict=True))))])
        first = arrow_table(self.names, next(blocks))
        with whole_file(self.out) as unfinished, ParquetWriter(unfinished, first.schema) as writer:
            for table in chain([first], (arrow_table(self.names, block) for block in blocks)):
                if len(table):
                    writer.write_table(table, row_group_size=len(table))
        shutil.rmtree(self.folder)

    def _part(self, number: int) -> Path:
        return self.folder / f"{number:06d}.npz"

    def _read(self, number: int) -> Block:
        with np.load(self._part(number)) as stored:
            return Block(**{name: stored[name] for name in Block._fields})


class InZarr(InFolder):
    """Writes every block into its place in dense, compressed arrays.

    Args:
        out: Folder to write.
        names: What positions stand for.
        top_k: Terms that are kept for every perturbation and sample.
        record: See `InFolder`.
        resume: See `InFolder`.
    """

    def __init__(self, out: Path, names: Names, top_k: int, record: dict[str, Any], resume: bool):
        import zarr

        super().__init__(out, record, resume)
        store = self.folder / "result.zarr"
        if (self.folder / "laid_out").is_file():
            self.group = zarr.open_group(store, mode="r+", zarr_format=2)
        else:
            self.group = _lay_out(store, names, top_k)
            (self.folder / "laid_out").touch()

    def has(self, number: int) -> bool:
        """Whether a block was written."""
        return (self.folder / f"{number:06d}").is_file()

    def write(self, number: int, block: Block) -> None:
        """Write a block; one that was cut short is written over."""
        rows, first = np.unique(block.perturbation), int(block.sample[0])
        here = (rows, np.arange(first, int(block.sample[-1]) + 1))
        for name in ("effect", "epistasis", "terms", "moved"):
            values = getattr(block, name)
            array = cast("zarr.Array | None", self.group.get(_ZARR_NAMES[name]))
            if array is not None:
                array.oindex[(*here, slice(None))] = values.reshape(*map(len, here), values.shape[-1])
        (self.folder / f"{number:06d}").touch()

    def finish(self) -> None:
        """Give the folder its name."""
        if self.out.is_dir():
            shutil.rmtree(self.out)
        (self.folder / "result.zarr").rename(self.out)
        shutil.rmtree(self.folder)


_ZARR_NAMES = {"effect": "effect", "epistasis": "epistasis", "terms": "subsystem", "moved": "change"}


def check_out(out: Any) -> Path:
    """The path, if a screen can be written to it; to be asked before anything is computed.

    Args:
        out: Where the result is to go.

    Returns:
        The path.

    Raises:
        KgnnError: If its ending is unknown, something else has its name, or pyarrow is missing.
    """
    path = Path(out)
    if path.suffix not in ENDINGS:
        raise unknown_choice("ending of the result of a screen", path.suffix or path.name, ENDINGS)
    if path.suffix == ".parquet":
        if path.is_dir():
            raise KgnnError(f"{path}: this is a folder, not a file. Choose another name for the result.")
        if find_spec("pyarrow") is None:
            raise KgnnError(f"{path}: Parquet needs pyarrow. Install it with pip install 'kgnn[parquet]'.")
    elif path.exists() and not (path / ".zgroup").is_file():
        raise KgnnError(f"{path}: this exists and is no zarr group. Choose another name for the result.")
    return path


def _lay_out(store: Path, names: Names, top_k: int) -> Any:
    import zarr

    group = zarr.open_group(store, mode="w", zarr_format=2)
    sizes = (len(names.plan.names), len(names.samples))
    group.attrs["axes"] = ["perturbation", "sample", "output"]
    for name, values in (
        ("perturbation", names.plan.names),
        ("kind", names.plan.kinds),
        ("sample", names.samples),
        ("output", names.outputs),
        ("term", names.terms),
    ):
        group.create_array(name, data=np.array(values, dtype=np.dtypes.StringDType()))
    arrays: list[tuple[str, int, str, Any]] = [("effect", len(names.outputs), "float32", np.nan)]
    if "pair" in names.plan.kinds:
        arrays.append(("epistasis", len(names.outputs), "float32", np.nan))
    if top_k:
        arrays += [("subsystem", top_k, "int32", -1), ("change", top_k, "float32", 0.0)]
    for name, last, dtype, blank in arrays:
        chunks = (min(sizes[0], 64), min(sizes[1], 2_048), last)
        group.create_array(name, shape=(*sizes, last), chunks=chunks, dtype=dtype, fill_value=blank)
    return group


def _refuse_other(out: Path, begun: dict[str, Any], now: dict[str, Any]) -> None:
    differing = sorted(name for name in begun.keys() | now.keys() if begun.get(name) != now.get(name))
    if differing:
        name = differing[0]
        was, now_is = (str(each.get(name))[:24] for each in (begun, now))
        raise RunError(
            f"{out}: a screen was begun there with other {name_some(differing)} ({name}: {was}, now {now_is}). Give "
            "the same again to go on, choose another name, or pass resume=False."
        )
