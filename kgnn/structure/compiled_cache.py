"""The compiled cache: a hierarchy compiled once from the same files with the same choices is read, not compiled.

An entry is named by a digest of everything that it depends on: the content and name of every file, every choice, and
the source code of the two rooms that turn files into arrays. Nothing that changes can find an old entry.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from kgnn.errors import FormatError
from kgnn.knowledge.cache import writable_cache
from kgnn.knowledge.mapping_report import MappingReport
from kgnn.knowledge.ontology import Loss
from kgnn.knowledge.provenance import content_fingerprint, file_digest
from kgnn.knowledge.renaming import Report
from kgnn.knowledge.transfer import TransferReport
from kgnn.knowledge.writing import whole_file
from kgnn.structure.compile import Alignment
from kgnn.structure.hierarchy import UNREADABLE, Hierarchy

VARIABLE = "KGNN_COMPILED_CACHE"
N_ENTRIES = 32
"""Only so many entries are kept, those used last."""

_ALIGNMENT = "alignment"
_GROUPS = ("unannotated", "unmeasured", "emptied")
_REPORTS = {"orthologs": TransferReport, "identifiers": MappingReport}
_ROOMS = ("kgnn.knowledge", "kgnn.structure")
logger = logging.getLogger(__name__)


class Compiled(NamedTuple):
    """What an entry holds.

    Attributes:
        hierarchy: The hierarchy.
        alignment: How data and knowledge met, with every loss.
        read: Numbers of terms, relations and annotations before pruning.
        reports: What became of the names of genes, by what was done to them.
    """

    hierarchy: Hierarchy
    alignment: Alignment
    read: dict[str, int]
    reports: dict[str, Report]


def entry_path(files: Mapping[str, str | None], choices: Mapping[str, Any]) -> Path | None:
    """Where the entry for these files and choices lies, or is to lie.

    Args:
        files: Path of every file by its purpose, None where there is none.
        choices: Everything else that the result depends on.

    Returns:
        A path, or None where there is no cache: ``KGNN_COMPILED_CACHE`` names another folder, or turns it off.

    Raises:
        OSError: If a file cannot be read.
    """
    folder = writable_cache(VARIABLE, "compiled")
    if folder is None:
        return None
    contents = [(use, Path(file).name, file_digest(file)) for use, file in sorted(files.items()) if file is not None]
    asked = sorted((name, repr(value)) for name, value in choices.items())
    return folder / f"{content_fingerprint([_code_digest(), *contents, '|', *asked])}.npz"


def load_entry(path: Path) -> Compiled | None:
    """The entry of this path, or None where there is none that can be read."""
    if not path.exists():
        return None
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
            hierarchy = Hierarchy.restored(stored)
            facts = json.loads(stored[_ALIGNMENT].tobytes())
        losses = tuple(Loss(what, reason, tuple(names)) for what, reason, names in facts["losses"])
        unannotated, unmeasured, emptied = (tuple(facts[name]) for name in _GROUPS)
        alignment = Alignment(hierarchy.genes, unannotated, unmeasured, emptied, losses)
        found = Compiled(hierarchy, alignment, facts["read"], _restored(facts["reports"]))
        path.touch()
    except (FormatError, *UNREADABLE) as problem:
        logger.warning("%s: an entry of the compiled cache cannot be used (%s) and is made anew", path, problem)
        return None
    return found


def store_entry(path: Path, compiled: Compiled) -> None:
    """Write an entry, at once or not at all, and forget the oldest ones; without a word where that cannot be done."""
    alignment = compiled.alignment
    facts = {name: getattr(alignment, name) for name in (*_GROUPS, "losses")}
    reports = {use: {**vars(report), "lost": dict(report.lost)} for use, report in compiled.reports.items()}
    text = np.frombuffer(json.dumps(facts | {"read": compiled.read, "reports": reports}).encode(), dtype=np.uint8)
    try:
        with whole_file(path) as unfinished, unfinished.open("wb") as stream:
            np.savez_compressed(stream, allow_pickle=False, **compiled.hierarchy.stored(), **{_ALIGNMENT: text})
        entries = sorted(path.parent.glob("*.npz"), key=lambda entry: entry.stat().st_mtime)
        for entry in entries[:-N_ENTRIES]:
            entry.unlink(missing_ok=True)
    except OSError as problem:
        logger.info("%s: no entry of the compiled cache was written (%s)", path, problem)


def _restored(stored: Mapping[str, Mapping[str, Any]]) -> dict[str, Report]:
    """Reports of names, as they were before they became JSON."""
    found: dict[str, Report] = {}
    for use, facts in stored.items():
        fields = {name: tuple(value) if isinstance(value, list) else value for name, value in facts.items()}
        fields["lost"] = {reason: tuple(names) for reason, names in facts["lost"].items()}
        found[use] = _REPORTS[use](**fields)
    return found


@cache
def _code_digest() -> str:
    """Digest of the source code that an entry depends on."""
    digest = hashlib.sha256()
    for room in _ROOMS:
        spec = find_spec(room)
        if spec is not None and spec.origin is not None:
            for file in sorted(Path(spec.origin).parent.glob("*.py")):
                digest.update(file.read_bytes())
    return digest.hexdigest()
