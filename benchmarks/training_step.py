"""How long does a training step on the DrugCell ontology take, beside the designs of other programs?

The network is DrugCell's: 6 states a term, a gene layer, an auxiliary head at every term, the drug branch, the join,
trained with Adam on the loss of all heads. Every sample has a genotype and a fingerprint of its own, so that nothing
can be shared between samples. A step of kgnn is an epoch of `kgnn.fit` over four batches divided by four, drawing the
order and collecting the batches included; a step of a peer is forward, backward, mask and optimizer on a batch that
lies ready. Forward is the prediction with all auxiliary heads, with running statistics.
"""

from __future__ import annotations

import argparse
from typing import Any

from flax import nnx
from measuring.fresh import in_fresh_process
from measuring.machine import device_peak_memory_gb, peak_memory_gb
from measuring.result import Bar, Result, Row, run, say
from measuring.roofline import floor_row, roofline, step_bytes, step_flops
from measuring.timing import Timing, time_calls, wait
from measuring.training import Training, forward_call, step_pieces
from measuring.workloads import as_float_arrays, distinct_samples, drugcell_hierarchy, structure_sizes
from peers.timing import CHECK_DENSITY, CHECK_SAMPLES, DESIGNS, Peer, checked_peers, has_torch

from kgnn.train import count_parameters
from kgnn.zoo import drugcell

BATCHES = (256, 500, 1_000, 2_000, 5_000)
QUICK_BATCHES = (64, 256)
LARGEST = 5_000
STEPS = 4
"""Batches of a timed epoch."""
RATIO = "published_ratio"


def main() -> None:
    run(__file__, __doc__, measure, add_arguments=add_arguments, parts={"memory": peak_memory_of_a_step})


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--batches", type=int, nargs="+", metavar="N", help=f"batch sizes (default {BATCHES})")
    parser.add_argument("--peers", nargs="*", choices=DESIGNS, default=list(DESIGNS), help="peers to time")


def measure(arguments: argparse.Namespace) -> Result:
    batches = sorted(arguments.batches or (QUICK_BATCHES if arguments.quick else BATCHES))
    hierarchy = drugcell_hierarchy()
    model = build_model()
    result = Result(sizes={**structure_sizes(hierarchy), "parameters": count_parameters(model)})
    result.roofline = roofline(arguments.quick)
    # kgnn first: the gigabytes of the published design leave memory in pieces.
    rows = [time_kgnn(model, batch, quick=arguments.quick) for batch in batches]
    designs = tuple(arguments.peers) if has_torch() else ()
    if arguments.peers and not designs:
        result.notes.append("PyTorch is not installed (pip install '.[bench]'): no peer was timed.")
    say("checking that the peers compute the same function")
    check_samples = distinct_samples(hierarchy, CHECK_SAMPLES, seed=1, density=CHECK_DENSITY)
    peers = checked_peers(model, check_samples, designs) if designs else {}
    for row in rows:
        time_peers(peers, row, quick=arguments.quick)
    result.sizes |= {f"parameters, {design}": peer.n_parameters for design, peer in peers.items()}
    steps, forwards = [list(each) for each in zip(*rows, strict=True)]
    result.tables["seconds a training step"] = steps
    result.tables["seconds a forward pass"] = forwards
    if peers:
        result.tables["largest differences from kgnn on the same weights"] = [
            {"design": design, **peer.agreement} for design, peer in peers.items()
        ]
    largest = max(batches)
    result.tables[f"where the time of a step goes, batch {largest:,}"] = pieces_of_step(
        model, largest, steps[-1]["kgnn_s"], arguments.quick
    )
    flops, least_bytes = step_flops(hierarchy, model), step_bytes(hierarchy, model)
    result.tables["distance from the arithmetic floor of a step"] = [
        floor_row(row["batch"], row["kgnn_s"], flops, least_bytes, result.roofline) for row in steps
    ]
    say(f"peak memory at batch {largest:,}, in a process of its own")
    memory = in_fresh_process(__file__, "memory", batch=largest)
    result.tables["peak memory of kgnn"] = [memory]
    result.bars = bars(steps, forwards, memory, result.sizes["parameters"])
    result.notes.append("Ratios are of medians: how many times longer than kgnn's step the peer's takes.")
    return result


def build_model() -> Any:
    return drugcell(drugcell_hierarchy(), rngs=nnx.Rngs(0), version="paper", outputs=("response",))


def config_of(batch: int) -> Any:
    return drugcell.config("paper").updated({"batch_size": batch, "epochs": 1_000})


def time_kgnn(model: Any, batch: int, *, quick: bool) -> tuple[Row, Row]:
    """A row of the table of training steps, and one of that of forward passes."""
    say(f"kgnn, batch {batch:,}")
    samples = distinct_samples(drugcell_hierarchy(), batch)
    training = Training(model, distinct_samples(drugcell_hierarchy(), STEPS * batch), config_of(batch))
    compilation = training.compile()
    seconds = 1.0 if quick else 10.0
    step = training.time(seconds=seconds).times(1 / STEPS)
    del training
    forward = time_calls(forward_call(model, samples, auxiliary=True), seconds=seconds)
    output_only = time_calls(forward_call(model, samples, auxiliary=False), seconds=seconds)
    return (
        {"batch": batch, **timing_columns("kgnn", step), "kgnn_compile_s": compilation.total},
        {"batch": batch, **timing_columns("kgnn", forward), "kgnn_output_only_s": output_only.median},
    )


def time_peers(peers: dict[str, Peer], rows: tuple[Row, Row], *, quick: bool) -> None:
    """Add the peers to the rows of a batch size."""
    of_step, of_forward = rows
    arrays = as_float_arrays(distinct_samples(drugcell_hierarchy(), of_step["batch"]))
    for design, peer in peers.items():
        say(f"{design}, batch {of_step['batch']:,}")
        name = design.replace(" ", "_")
        how = calls_of_peer(design, of_step["batch"], quick)
        for row, call in ((of_step, peer.training_step), (of_forward, peer.forward)):
            theirs = time_calls(call(arrays), **how)
            row |= {**timing_columns(name, theirs), f"{name}_ratio": theirs.median / row["kgnn_s"]}


def calls_of_peer(design: str, batch: int, quick: bool) -> dict[str, Any]:
    """How often to time a peer: the published design takes more than a minute at the largest batch, so once there.

    The smaller batches have warmed it up by then.
    """
    if design == "published" and batch >= LARGEST:
        return {"warm_up": 0, "least": 1, "most": 1}
    return {"least": 1, "most": 1} if quick else {"least": 3, "most": 10}


def timing_columns(name: str, timing: Timing) -> Row:
    """Median, least and number of calls."""
    return {f"{name}_s": timing.median, f"{name}_least_s": timing.least, f"{name}_calls": timing.calls}


def pieces_of_step(model: Any, batch: int, step_seconds: float, quick: bool) -> list[Row]:
    """What a step is made of; what is left over is the rest of the epoch, or was saved by compiling it as a whole."""
    samples = distinct_samples(drugcell_hierarchy(), batch)
    parts = step_pieces(model, samples, config_of(batch), 1.0 if quick else 3.0)
    parts |= {"all else (negative: saved by one program)": step_seconds - sum(parts.values()), "step": step_seconds}
    return [{"piece": name, "s": seconds, "share": seconds / step_seconds} for name, seconds in parts.items()]


def peak_memory_of_a_step(batch: int) -> Row:
    """Peak memory of a process that trains kgnn's network for two steps and does nothing else."""
    training = Training(build_model(), distinct_samples(drugcell_hierarchy(), batch), config_of(batch))
    for _ in range(2):
        wait(training.epoch())
    return {"batch": batch, "peak_gb": peak_memory_gb(), "peak_on_device_gb": device_peak_memory_gb()}


def bars(steps: list[Row], forwards: list[Row], memory: Row, n_parameters: int) -> list[Bar]:
    """The bars of acceptance that this benchmark decides."""
    step, forward = ({row["batch"]: row for row in rows} for rows in (steps, forwards))

    def of(rows: dict[int, Row], batch: int, column: str) -> float | None:
        return rows.get(batch, {}).get(column)

    small, large = 500, LARGEST
    return [
        Bar(f"step, times faster than the published design, batch {small}", 45, of(step, small, RATIO), True),
        Bar(f"step, times faster than the published design, batch {large}", 65, of(step, large, RATIO), True),
        Bar(f"forward, times faster than the published design, batch {large}", 90, of(forward, large, RATIO), True),
        Bar(f"step, times faster than sparse levels, batch {small}", 8, of(step, small, "sparse_levels_ratio"), True),
        Bar("parameters", 1_000_000, n_parameters),
        Bar(f"peak memory in GB, batch {large}", 3, memory["peak_gb"] if memory["batch"] == large else None),
        Bar("seconds to compile the step, cold", 20, max(row["kgnn_compile_s"] for row in steps)),
    ]


if __name__ == "__main__":
    main()
