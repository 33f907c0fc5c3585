"""How long and how much memory does a file of STRING's human size take on its way to an adjacency?

The file is generated: as many proteins and lines as STRING lists for human at any score, every pair in both directions,
sorted by the first protein, with random partners and scores. It is read plain and packed, each in a process of its own,
without a threshold, so that all edges are kept; then compiled with self-loops and symmetric normalization, saved, and
loaded again.
"""

from __future__ import annotations

import argparse
import gzip
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from measuring.fresh import in_fresh_process
from measuring.machine import peak_memory_gb
from measuring.result import Bar, Result, Row, run, say
from measuring.timing import seconds_of

PROTEINS, LINES = 19_566, 11_000_000
QUICK_PROTEINS, QUICK_LINES = 2_000, 200_000
LINES_AT_A_TIME = 200_000


def main() -> None:
    run(__file__, __doc__, measure, parts={"compile": compile_once})


def measure(arguments: argparse.Namespace) -> Result:
    proteins, lines = (QUICK_PROTEINS, QUICK_LINES) if arguments.quick else (PROTEINS, LINES)
    rows: list[Row] = []
    with TemporaryDirectory() as folder:
        plain, packed = Path(folder) / "links.txt", Path(folder) / "links.txt.gz"
        say(f"writing {lines:,} lines")
        write_links(plain, proteins, lines)
        with plain.open("rb") as source, gzip.open(packed, "wb", compresslevel=4) as target:
            shutil.copyfileobj(source, target, 1 << 20)
        for kind, path in (("plain", plain), ("gzip", packed)):
            say(kind)
            found = in_fresh_process(__file__, "compile", path=str(path), out=f"{folder}/graph.npz")
            rows.append({"file": kind, "size_gb": path.stat().st_size / 1e9, **found})
    return Result(
        sizes={"proteins": proteins, "lines": lines, "messages": rows[0].pop("messages")},
        tables={
            "from a file of links to an adjacency": [{k: v for k, v in r.items() if k != "messages"} for r in rows]
        },
        bars=[
            Bar("seconds from 11 million lines to an adjacency", 60, max(row["total_s"] for row in rows)),
            Bar("GB of memory for it", 4, max(row["peak_gb"] for row in rows)),
        ],
        notes=["total_s is reading, compiling and saving; each is a first call, with imports."],
    )


def write_links(path: Path, proteins: int, lines: int) -> None:
    """A file of links as STRING publishes them."""
    random = np.random.default_rng(0)
    pairs = np.unique(random.integers(0, proteins * proteins, int(lines * 1.1)))
    first, second = pairs // proteins, pairs % proteins
    kept = random.permutation(np.flatnonzero(first < second))[: lines // 2]
    first, second, score = first[kept], second[kept], random.integers(150, 1000, len(kept))
    first, second, score = np.r_[first, second], np.r_[second, first], np.r_[score, score]
    order = np.lexsort((second, first))
    names = [f"9606.ENSP{number * 17:011d}" for number in range(proteins)]
    with path.open("w", encoding="ascii") as stream:
        stream.write("protein1 protein2 combined_score\n")
        for start in range(0, len(order), LINES_AT_A_TIME):
            rows = order[start : start + LINES_AT_A_TIME]
            columns = (column[rows].tolist() for column in (first, second, score))
            stream.write("".join(f"{names[a]} {names[b]} {s}\n" for a, b, s in zip(*columns, strict=True)))


def compile_once(path: str, out: str) -> Row:
    """Read, compile, save and load in this process."""
    from kgnn.knowledge import read_network
    from kgnn.structure import Adjacency, compile_adjacency

    read, network = seconds_of(lambda: read_network(path))
    compiling, (adjacency, _) = seconds_of(
        lambda: compile_adjacency(network, normalization="symmetric", self_loops="add")
    )
    saving, _ = seconds_of(lambda: adjacency.save(out))
    peak = peak_memory_gb()
    loading, loaded = seconds_of(lambda: Adjacency.load(out))
    if loaded != adjacency:
        raise SystemExit("what was loaded is not what was saved")
    total = read + compiling + saving
    return {
        "read_s": read, "compile_s": compiling, "save_s": saving, "total_s": total, "peak_gb": peak,
        "load_s": loading, "messages": adjacency.n_edges,
    }  # fmt: skip


if __name__ == "__main__":
    main()
