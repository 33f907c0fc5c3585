"""What a command gives back: a result on stdout, a table in a file, progress on stderr."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    import pandas

    from kgnn.knowledge.renaming import Report


def print_result(value: Mapping[str, Any], text: str, as_json: bool) -> None:
    """Print what a command has found.

    Args:
        value: The result; what is not finite is printed as null.
        text: The same for a person.
        as_json: Whether to print one JSON object in place of the text.
    """
    typer.echo(json.dumps(_strict(value), allow_nan=False) if as_json else text)


def write_result(table: pandas.DataFrame, path: Path, as_json: bool) -> None:
    """Write the table that a command has found, and print what was written.

    Args:
        table: The result.
        path: The file; its ending names the format.
        as_json: Whether to print one JSON object.
    """
    from kgnn.data import write_table

    write_table(table, path)
    summary = {"out": str(path), "rows": len(table), "columns": list(table)}
    print_result(summary, f"wrote {len(table):,} rows to {path}", as_json)


def progress_of(as_json: bool) -> AbstractContextManager[Any]:
    """A display of progress on stderr.

    Args:
        as_json: Whether the command prints JSON: then a person sees progress, and a program none.

    Returns:
        The display, None where there is none, as a context.
    """
    from kgnn.train import RichProgress

    return nullcontext() if as_json and not sys.stderr.isatty() else RichProgress()


def _strict(value: Any) -> Any:
    """The same value in the types of JSON, None in place of what is not finite."""
    if isinstance(value, Mapping):
        return {str(name): _strict(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_strict(each) for each in value]
    value = value.item() if hasattr(value, "item") else value
    return None if isinstance(value, float) and not math.isfinite(value) else value


def reports_text(reports: Mapping[str, Report]) -> str:
    """Reports of maps of gene names, one a line, each behind what was done; ends in a line end where there are any."""
    return "".join(f"{name:<12} {report}\n" for name, report in reports.items())


def reports_json(reports: Mapping[str, Report]) -> dict[str, Any]:
    """Reports of maps of gene names, by what was done, for ``--json``."""
    return {name: report.to_json() for name, report in reports.items()}
