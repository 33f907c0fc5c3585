"""What a bake-off has done so far, line by line in a file, so that an interrupted one goes on."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from kgnn.errors import RunError
from kgnn.knowledge.provenance import content_fingerprint

Key = tuple[str, int, int]


class Store:
    """Results by contestant, seed and fold.

    Args:
        out: The table that will be written; results wait beside it in ``OUT.partial``. None to keep them in memory.
        content: Everything that decides a result; what was begun with something else is refused.

    Raises:
        RunError: If the table is there already, or other arguments began it.
    """

    def __init__(self, out: Path | None, content: list[object]):
        self.path = None if out is None else out.with_name(f"{out.name}.partial")
        self.rows: dict[Key, dict[str, Any]] = {}
        begun = {"kind": "kgnn bake-off", "content": content_fingerprint(content)}
        if self.path is None or out is None:
            return
        if out.exists():
            raise RunError(f"{out}: a finished comparison is here already. Choose another name, or remove it.")
        if self.path.exists():
            self._resume(self.path, begun)
        else:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.write_text(json.dumps(begun) + "\n")

    def add(self, key: Key, row: dict[str, Any]) -> None:
        """Keep a result, in the file as well.

        Args:
            key: Contestant, seed and fold.
            row: Its scores.
        """
        self.rows[key] = row
        if self.path is not None:
            strict = {
                name: None if isinstance(value, float) and not math.isfinite(value) else value
                for name, value in row.items()
            }
            with self.path.open("a") as stream:
                stream.write(json.dumps({"key": key, "row": strict}) + "\n")

    def finish(self) -> None:
        """Remove the file; the table is there now."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)

    def _resume(self, path: Path, begun: dict[str, Any]) -> None:
        lines = path.read_text().splitlines()
        try:
            first, rest = json.loads(lines[0]), lines[1:]
        except (IndexError, json.JSONDecodeError):
            raise RunError(f"{path}: damaged. Remove it and begin again.") from None
        if first != begun:
            raise RunError(
                f"{path}: begun with other samples, knowledge, contestants, settings or splits. Give those again to go "
                "on, or remove the file."
            )
        whole = []
        for line in rest:
            try:
                entry = json.loads(line)
            except json.JSONDecodeError:
                break  # The line that was being written when the program ended.
            contestant, seed, fold = entry["key"]
            self.rows[contestant, seed, fold] = {
                name: float("nan") if value is None and name != "n_parameters" else value
                for name, value in entry["row"].items()
            }
            whole.append(line)
        path.write_text("\n".join([lines[0], *whole]) + "\n")
