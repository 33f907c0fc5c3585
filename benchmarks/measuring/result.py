"""The form of a result, its table, its file, and the command line that all benchmarks share."""

from __future__ import annotations

import argparse
import json
import logging
import os
import shlex
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .machine import describe_machine, describe_versions

Row = dict[str, Any]
Parts = Mapping[str, Callable[..., Any]]


@dataclass
class Bar:
    """One bar of acceptance.

    Attributes:
        what: What was measured.
        wanted: The bound.
        measured: What came out; None where it was not measured.
        at_least: Whether the bound is the least that will do; else it is the most.
    """

    what: str
    wanted: float
    measured: float | None
    at_least: bool = False

    @property
    def met(self) -> bool | None:
        """Whether the bar is met; None where nothing was measured."""
        if self.measured is None:
            return None
        return self.measured >= self.wanted if self.at_least else self.measured <= self.wanted


@dataclass
class Result:
    """What a benchmark found.

    Attributes:
        sizes: What was computed on: terms, genes, samples, parameters …
        tables: Rows by the name of their table; a number is in the unit that its column's name ends with.
        bars: The bars of acceptance that this benchmark decides.
        roofline: What the machine reaches, see `measuring.machine.roofline`; empty where it was not measured.
        notes: What a reader must know to read the numbers.
    """

    sizes: Row = field(default_factory=dict)
    tables: dict[str, list[Row]] = field(default_factory=dict)
    bars: list[Bar] = field(default_factory=list)
    roofline: Row = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def run(
    script: str,
    question: str | None,
    measure: Callable[[argparse.Namespace], Result],
    *,
    add_arguments: Callable[[argparse.ArgumentParser], None] | None = None,
    parts: Parts | None = None,
    cache: bool = False,
) -> None:
    """Read the command line of a benchmark, measure, and print.

    Args:
        script: ``__file__`` of the benchmark.
        question: Its docstring; the first line is the question.
        measure: Makes the result.
        add_arguments: Adds arguments of its own to the parser.
        parts: What it runs in a process of its own, by name; see `measuring.fresh`.
        cache: Whether compiled programs may come from JAX's cache on disk; else every compilation is a cold one.
    """
    parser = argparse.ArgumentParser(description=question, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object in place of tables")
    parser.add_argument("--quick", action="store_true", help="smaller and fewer: to see that it works, not to quote")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the JSON object to this file as well")
    parser.add_argument("--part", choices=sorted(parts or {}), help=argparse.SUPPRESS)
    parser.add_argument("--part-arguments", type=json.loads, default={}, help=argparse.SUPPRESS)
    if add_arguments is not None:
        add_arguments(parser)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    if not cache:
        forbid_cache()
    if arguments.part:
        print(json.dumps((parts or {})[arguments.part](**arguments.part_arguments)))
        return
    started = time.perf_counter()
    name = Path(script).stem
    say(f"{name}: {(question or '').splitlines()[0]}")
    result = measure(arguments)
    seconds = time.perf_counter() - started
    record = make_record(name, question, result, command=command_of(name, sys.argv[1:]), seconds=seconds)
    if arguments.out is not None:
        write_record(arguments.out, record)
    print(json.dumps(record) if arguments.json else as_text(record))


def forbid_cache() -> None:
    """Keep JAX from reading or writing its compilation cache in this process, whatever a library asks for later."""
    import jax

    jax.config.update("jax_enable_compilation_cache", False)


def say(text: str) -> None:
    """Progress, on stderr."""
    print(text, file=sys.stderr, flush=True)


def command_of(name: str, words: Sequence[str]) -> str:
    """The command that makes a result again: the arguments that were given, and where the result belongs."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--out")
    _, others = parser.parse_known_args(words)
    return shlex.join(["python", f"benchmarks/{name}.py", *others, "--out", f"benchmarks/results/{name}.json"])


def make_record(name: str, question: str | None, result: Result, *, command: str, seconds: float) -> Row:
    """The JSON object of a result."""
    return {
        "benchmark": name,
        "question": (question or "").splitlines()[0],
        "command": command,
        "date": datetime.now(UTC).date().isoformat(),
        "quick": "--quick" in command.split(),
        "seconds": round(seconds, 1),
        "machine": describe_machine(),
        "versions": describe_versions(),
        "sizes": result.sizes,
        "roofline": rounded(result.roofline),
        "tables": {title: [rounded(row) for row in rows] for title, rows in result.tables.items()},
        "bars": [{**rounded(asdict(bar)), "met": bar.met} for bar in result.bars],
        "notes": result.notes,
    }


def write_record(path: Path, record: Row) -> None:
    """Write a result whole, or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        unfinished.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


def rounded(row: Mapping[str, Any], digits: int = 4) -> Row:
    """The same row with numbers of at most so many significant digits."""
    return {name: float(f"{value:.{digits}g}") if isinstance(value, float) else value for name, value in row.items()}


def as_text(record: Row) -> str:
    """A result as a person reads it."""
    machine, versions = record["machine"], record["versions"]
    lines = [
        record["question"],
        f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gb']} GB; {machine['device']} "
        f"({machine['backend']}); " + ", ".join(f"{name} {version}" for name, version in versions.items()),
    ]
    if record["quick"]:
        lines.append("quick run: numbers are not to be quoted")
    lines += _one_a_line(record["sizes"])
    for title, rows in record["tables"].items():
        lines += ["", title, *as_table(rows)]
    if record["roofline"]:
        lines += ["", "this machine at its best", *_one_a_line(record["roofline"])]
    if record["bars"]:
        verdict = {True: "met", False: "NOT met", None: "not measured"}
        signs = {True: "≥", False: "≤"}
        rows = [
            {
                "bar": bar["what"],
                "wanted": f"{signs[bar['at_least']]} {_cell(bar['wanted'])}",
                "measured": "" if bar["measured"] is None else bar["measured"],
                "": verdict[bar["met"]],
            }
            for bar in record["bars"]
        ]
        lines += ["", "acceptance", *as_table(rows)]
    return "\n".join([*lines, *(f"note: {note}" for note in record["notes"])])


def as_table(rows: Sequence[Row]) -> list[str]:
    """Rows as aligned columns, the names of the columns first; a missing cell stays empty."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    cells = [columns, *([_cell(row.get(column, "")) for column in columns] for row in rows)]
    widths = [max(len(line[number]) for line in cells) for number in range(len(columns))]
    numeric = [
        all(not isinstance(row.get(column, ""), str) or not row.get(column) for row in rows) for column in columns
    ]
    return [
        "  "
        + "  ".join(
            text.rjust(width) if right else text.ljust(width)
            for text, width, right in zip(line, widths, numeric, strict=True)
        ).rstrip()
        for line in cells
    ]


def _one_a_line(row: Row) -> list[str]:
    width = max((len(name) for name in row), default=0)
    return [f"  {name.ljust(width)}  {_cell(value)}" for name, value in row.items()]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.4g}"
    return str(value)
