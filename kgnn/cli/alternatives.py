"""Other knowledge in place of an ontology: one command that compiles whichever of several kinds of file is given."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from kgnn.errors import KgnnError

_OntologyFile = Annotated[Path | None, typer.Option("--ontology", help="A hierarchy of terms; formats are below.")]


class Alternative(NamedTuple):
    """A kind of file that a command takes in place of an ontology.

    Attributes:
        options: Dataclass of its options; the first field is the file, None by default.
        run: Called with the file, all its options, and `shared` by name.
        shared: Further parameters of the command that mean something for it.
    """

    options: Any
    run: Callable[..., None]
    shared: tuple[str, ...]

    @property
    def file(self) -> str:
        """Name of the option that gives the file."""
        return fields(self.options)[0].name


def instead_of_ontology(*alternatives: Alternative) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Let a command that compiles an ontology compile one of several other kinds of file.

    Args:
        alternatives: The kinds.

    Returns:
        A decorator of commands with the options of `kgnn.cli.inputs.takes_ontology`.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        own = inspect.signature(command).parameters
        taken = _united(own, alternatives)

        @functools.wraps(command)
        def either(**given: Any) -> None:
            chosen = [each for each in alternatives if given[each.file] is not None]
            named = [each.file for each in chosen] + ["ontology"] * (given["ontology"] is not None)
            if len(named) > 1:
                raise KgnnError(f"{_listed(named)} are given: one file is compiled at a time. Leave out the others.")
            if not named:
                other = ", ".join(f"--{each.file}" for each in alternatives)
                raise KgnnError(f"Missing option '--ontology', or one of {other}: there is nothing to compile.")
            meant = own if not chosen else (*_names(chosen[0]), *chosen[0].shared)
            unused = [name for name in given if name not in meant and given[name] != taken[name].default]
            if unused:
                raise KgnnError(f"{_listed(unused)} does not apply to --{named[0]}. Leave it out.")
            if chosen:
                options = chosen[0].options(**{name: given[name] for name in _names(chosen[0])})
                chosen[0].run(given[named[0]], options, **{name: given[name] for name in chosen[0].shared})
            else:
                command(**{name: own[name].default if given[name] is None else given[name] for name in own})

        either.__annotations__ = {name: each.annotation for name, each in taken.items()}
        either.__signature__ = inspect.Signature(list(taken.values()))  # type: ignore[attr-defined]
        return either

    return decorate


def _united(
    own: Mapping[str, inspect.Parameter], alternatives: tuple[Alternative, ...]
) -> dict[str, inspect.Parameter]:
    """All parameters by name; one that an alternative has as well gets its default, by which it can be told unset."""
    taken = dict(own)
    for each in alternatives:
        for name, added in inspect.signature(each.options, eval_str=True).parameters.items():
            taken[name] = taken[name].replace(default=added.default) if name in taken else added
    taken["ontology"] = own["ontology"].replace(annotation=_OntologyFile, default=None)
    keyword = inspect.Parameter.KEYWORD_ONLY
    return {name: each.replace(kind=keyword) for name, each in taken.items()}


def _names(alternative: Alternative) -> list[str]:
    return [each.name for each in fields(alternative.options)]


def _listed(names: list[str]) -> str:
    return ", ".join(f"--{name.strip('_').replace('_', '-')}" for name in names)
