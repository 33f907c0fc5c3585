"""The command line inside the test's own process, as the installed command runs it."""

from __future__ import annotations

import io
import json
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from kgnn.cli import main


class Finished(NamedTuple):
    code: int
    out: str
    err: str

    def json(self) -> dict[str, Any]:
        """The one JSON object on stdout, refused where it holds NaN or anything stands beside it."""
        found = json.loads(self.out, parse_constant=_refuse)
        assert isinstance(found, dict)
        return found


def _refuse(constant: str) -> Any:
    raise AssertionError(f"{constant} is not JSON")


def run_command(*words: str | Path) -> Finished:
    """What ``kgnn`` with these words prints, and its exit code."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(sys, "argv", ["kgnn", *map(str, words)])
        with pytest.raises(SystemExit) as stopped:
            main()
    return Finished(stopped.value.code or 0, out.getvalue(), err.getvalue())  # type: ignore[arg-type]


def succeed(*words: str | Path) -> Finished:
    finished = run_command(*words)
    assert finished.code == 0, finished.err
    return finished


def fail(*words: str | Path) -> str:
    """The one line on stderr of a command that a user's mistake ends, with nothing on stdout."""
    finished = run_command(*words)
    assert (finished.code, finished.out) == (2, ""), finished.err
    assert finished.err.startswith("error: ")
    assert finished.err.count("\n") == 1
    assert finished.err.endswith("\n")
    return finished.err.removeprefix("error: ").rstrip("\n")
