"""The aspects of a CX2 file: nodes and edges with their values, whatever aliases and defaults the file declares."""

from __future__ import annotations

import json
from collections.abc import Mapping
from os import PathLike
from typing import Any

from kgnn.errors import FormatError
from kgnn.knowledge.text import read_lines

_BROKEN = "The file is damaged or cut short: export it again."


def read_aspects(path: str | PathLike[str]) -> dict[str, list[dict[str, Any]]]:
    """Everything that a CX2 file holds, by aspect, with aliases and defaults of values put in.

    Args:
        path: The file, plain or gzip.

    Returns:
        Elements by aspect; those of ``nodes`` and ``edges`` have all their values under ``"v"`` by full name.

    Raises:
        FormatError: If the file is no CX2, or is damaged or cut short.
    """
    try:
        content = json.loads("".join(read_lines(path)))
    except (ValueError, RecursionError) as error:
        if isinstance(error, FormatError):
            raise
        line = getattr(error, "lineno", None)
        raise FormatError(f"is not JSON ({getattr(error, 'msg', 'too deep')}). {_BROKEN}", path, line) from None
    if not isinstance(content, list) or not content or not isinstance(content[0], dict):
        raise FormatError("is no CX2, which is a list of aspects.", path)
    if "CXVersion" not in content[0]:
        raise FormatError("states no CXVersion. Export the network as CX2; the older CX is not read.", path)
    found: dict[str, list[dict[str, Any]]] = {"nodes": [], "edges": []}
    for part in content[1:]:
        if not isinstance(part, dict):
            raise FormatError(f"an aspect is {type(part).__name__}. {_BROKEN}", path)
        for name, elements in part.items():
            if not isinstance(elements, list) or not all(isinstance(element, dict) for element in elements):
                raise FormatError(f"the aspect {name!r} is no list of objects. {_BROKEN}", path)
            found.setdefault(name, []).extend(elements)
    status = found.get("status", [])
    if not status or status[-1].get("success") is not True:
        raise FormatError(f"does not end in a status of success. {_BROKEN}", path)
    for declared in found.get("metaData", ()):
        count, name = declared.get("elementCount"), str(declared.get("name"))
        if name in ("nodes", "edges") and isinstance(count, int) and count != len(found[name]):
            raise FormatError(f"states {count:,} {name} but holds {len(found[name]):,}. {_BROKEN}", path)
    _fill_values(found, path)
    return found


def _fill_values(found: dict[str, list[dict[str, Any]]], path: str | PathLike[str]) -> None:
    declarations: dict[str, Any] = {}
    for each in found.get("attributeDeclarations", ()):
        declarations |= each
    for aspect in ("nodes", "edges"):
        declared = declarations.get(aspect, {})
        if not isinstance(declared, Mapping) or not all(isinstance(each, Mapping) for each in declared.values()):
            raise FormatError(f"the declarations of {aspect} are no object of objects. {_BROKEN}", path)
        full = {facts.get("a", name): name for name, facts in declared.items()}
        defaults = {name: facts["v"] for name, facts in declared.items() if "v" in facts}
        for element in found[aspect]:
            values = element.get("v", {})
            if not isinstance(values, Mapping):
                raise FormatError(f"the values of one of the {aspect} are no object. {_BROKEN}", path)
            element["v"] = defaults | {full.get(name, name): value for name, value in values.items()}


def node_number(element: Mapping[str, Any], key: str, path: str | PathLike[str]) -> int:
    """The number of a node that an element of CX2 names.

    Args:
        element: A node or an edge.
        key: ``"id"`` of a node; ``"s"`` or ``"t"`` of an edge.
        path: The file, for the message.

    Returns:
        The number.

    Raises:
        FormatError: If there is none.
    """
    number = element.get(key)
    if isinstance(number, bool) or not isinstance(number, int):
        raise FormatError(f"a node or edge has {number!r} where its number should be. {_BROKEN}", path)
    return number
