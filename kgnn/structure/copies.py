"""Layers of fixed depth: copies of terms carry what would skip a level, as published pathway networks have it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from kgnn.errors import StructureError, name_some


class Layers(NamedTuple):
    """A hierarchy without skips.

    Attributes:
        level: Level of every term and every copy.
        relations: (child, parent), each from one level to the next.
        annotations: (gene, term), each at level 0.
        copied: Copy to the term that it copies.
    """

    level: dict[str, int]
    relations: set[tuple[str, str]]
    annotations: set[tuple[str, str]]
    copied: dict[str, str]


def copy_over_skips(
    level: Mapping[str, int], relations: Iterable[tuple[str, str]], annotations: Iterable[tuple[str, str]]
) -> Layers:
    """Replace every relation and annotation that skips a level by a chain of copies.

    A term that has a parent further up gets a copy at every level between, shared by all its parents: each parent takes
    the copy just below itself. A term above level 0 to which genes are annotated directly gets a copy at every level
    below itself, and its genes enter at level 0. Every way from a gene to the root then has one term a level.

    Args:
        level: Level of every term: 0, or one more than its highest child.
        relations: (child, parent) pairs.
        annotations: (gene, term) pairs.

    Returns:
        The layers; a copy is named after its term and level (``T_copy2``).

    Raises:
        StructureError: If a copy would have the name of another term.

    Example:
        >>> relations = [("a", "b"), ("b", "root"), ("a", "root")]
        >>> layers = copy_over_skips({"a": 0, "b": 1, "root": 2}, relations, [("g", "a")])
        >>> sorted(layers.relations)
        [('a', 'a_copy1'), ('a', 'b'), ('a_copy1', 'root'), ('b', 'root')]
    """
    found = Layers(dict(level), set(), set(), {})
    highest = dict(level)
    for child, parent in relations:
        highest[child] = max(highest[child], level[parent] - 1)
        found.relations.add((_at(child, level[parent] - 1, level), parent))
    lowest = dict(level)
    for gene, term in annotations:
        lowest[term] = 0
        found.annotations.add((gene, _at(term, 0, level)))
    for term, own in level.items():
        for below in range(lowest[term], highest[term]):
            found.relations.add((_at(term, below, level), _at(term, below + 1, level)))
        for each in range(lowest[term], highest[term] + 1):
            if each != own:
                found.level[_at(term, each, level)] = each
                found.copied[_at(term, each, level)] = term
    _refuse_taken(found.copied, level)
    return found


def _at(term: str, position: int, level: Mapping[str, int]) -> str:
    return term if position == level[term] else f"{term}_copy{position}"


def _refuse_taken(copies: Collection[str], level: Mapping[str, int]) -> None:
    taken = [copy for copy in copies if copy in level]
    if taken:
        raise StructureError(
            f"{len(taken)} terms are called what copies of others would be: {name_some(taken)}. Rename them, or leave "
            "out skips='copy'."
        )
