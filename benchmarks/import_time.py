"""How long does it take to import kgnn, without and with what training needs?

Each import runs in a fresh interpreter and is timed inside it, so that the start of Python does not count; files have
been read once before, so the disk does not count either.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys

from measuring.result import Bar, Result, Row, run

STATEMENTS = ("import kgnn", "import kgnn; kgnn.fit", "import jax", "import kgnn.cli")
TIMED = "import time; start = time.perf_counter(); exec({!r}); print(time.perf_counter() - start)"
LOADED = "; import sys; print('jax' in sys.modules)"


def main() -> None:
    run(__file__, __doc__, measure)


def measure(arguments: argparse.Namespace) -> Result:
    calls = 3 if arguments.quick else 9
    rows = [row_of(statement, calls) for statement in STATEMENTS]
    bar = Bar("seconds to import kgnn", 1, rows[0]["median_s"])
    return Result(tables={"seconds of an import in a fresh interpreter": rows}, bars=[bar])


def row_of(statement: str, calls: int) -> Row:
    """One statement; the first call only brings the files into memory."""
    results = [import_seconds(statement) for _ in range(calls + 1)][1:]
    taken = [seconds for seconds, _ in results]
    row: Row = {"statement": statement, "median_s": statistics.median(taken), "least_s": min(taken), "calls": calls}
    return {**row, "loads_jax": results[0][1]}


def import_seconds(statement: str) -> tuple[float, bool]:
    """Seconds of a statement in an interpreter of its own, and whether JAX is loaded afterwards."""
    code = TIMED.format(statement) + LOADED
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    seconds, loaded = finished.stdout.split()
    return float(seconds), loaded == "True"


if __name__ == "__main__":
    main()
