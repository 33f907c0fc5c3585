"""How long does the training step of the DrugCell network take to compile, cold and from the cache on disk?

Every compilation runs in a process of its own, with a cache folder that is empty the first time and holds what the
first process left the second time. The total is what the first epoch, which is one step, takes beyond the second:
tracing, and the compiler or its cache. Setting up moves the data and the first state to the device.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

from flax import nnx
from measuring.fresh import in_fresh_process
from measuring.result import Bar, Result, Row, run, say
from measuring.timing import seconds_of
from measuring.training import Training
from measuring.workloads import distinct_samples, drugcell_hierarchy, structure_sizes

from kgnn.train.compilation import enable_compilation_cache
from kgnn.zoo import drugcell

BATCHES = (500, 5_000)
QUICK_BATCHES = (128,)


def main() -> None:
    run(__file__, __doc__, measure, parts={"compile": compile_once}, cache=True)


def measure(arguments: argparse.Namespace) -> Result:
    rows = []
    for batch in QUICK_BATCHES if arguments.quick else BATCHES:
        with TemporaryDirectory() as folder:
            for cache in ("empty", "filled"):
                say(f"batch {batch:,}, cache {cache}")
                found = in_fresh_process(__file__, "compile", batch=batch, folder=folder)
                rows.append({"batch": batch, "cache": cache, **found})

    def slowest(cache: str) -> float:
        return max(row["total_s"] for row in rows if row["cache"] == cache)

    return Result(
        sizes=structure_sizes(drugcell_hierarchy()),
        tables={"seconds to compile the training step": rows},
        bars=[
            Bar("seconds to compile, cold", 20, slowest("empty")),
            Bar("seconds to compile, from the cache", 5, slowest("filled")),
        ],
    )


def compile_once(batch: int, folder: str) -> Row:
    """Compile in this process, which has compiled nothing before, with its cache in a folder."""
    model = drugcell(drugcell_hierarchy(), rngs=nnx.Rngs(0), version="paper", outputs=("response",))
    config = drugcell.config("paper").updated({"batch_size": batch})
    enable_compilation_cache(folder)
    samples = distinct_samples(drugcell_hierarchy(), batch)
    start, training = seconds_of(lambda: Training(model, samples, config))
    compilation = training.compile()
    row = {"total_s": compilation.total, "compiler_s": compilation.compile, "setting_up_s": start}
    return {**row, "files_in_cache": len(list(Path(folder).iterdir()))}


if __name__ == "__main__":
    main()
