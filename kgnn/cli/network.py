"""Networks on the command line: ``kgnn compile --network``, and what ``kgnn info`` says of a file."""

from __future__ import annotations

import functools
import inspect
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any

import typer

from kgnn import options
from kgnn.cli.output import print_result
from kgnn.errors import KgnnError

_SHARED = ("out", "genes", "json_", "format", "evidence")
_OntologyFile = Annotated[Path | None, typer.Option("--ontology", help="OBO, DrugCell's columns, DCell's topology.")]


@dataclass(frozen=True, kw_only=True)
class NetworkOptions:
    """The options of a command that compiles a network, see `or_network`.

    Attributes:
        network: The file of the network; None where an ontology is compiled.
        threshold: Least weight of an edge, in the unit of the file.
        names: File of names.
        channels: Channels of STRING.
        taxon: Organism to keep.
        gene_id: What names a node.
        largest_component: Whether to keep the largest component only.
        normalization: How weights are normalized.
        self_loops: What becomes of self-loops.
        signs: What becomes of signs.
    """

    network: Annotated[Path | None, typer.Option(help="Network instead of an ontology: STRING, BioGRID, SIF …")] = None
    threshold: Annotated[float | None, typer.Option(help="Network: least weight, in the unit of the file.")] = None
    names: Annotated[Path | None, typer.Option(help="Network: STRING's info or aliases file.")] = None
    channels: Annotated[str | None, typer.Option(help="Network: channels of STRING, separated by commas.")] = None
    taxon: Annotated[int | None, typer.Option(help="Network: NCBI number of the organism to keep.")] = None
    gene_id: Annotated[str | None, typer.Option(help="Network: what names a node, such as symbol.")] = None
    largest_component: Annotated[bool, typer.Option("--largest-component", help="Network: keep only that.")] = False
    normalization: Annotated[str, typer.Option(help="Network: none, symmetric, random_walk or mean.")] = "none"
    self_loops: Annotated[str, typer.Option(help="Network: keep, drop or add.")] = "keep"
    signs: Annotated[str, typer.Option(help="Network: ignore, apply, activating or inhibiting.")] = "ignore"


def or_network(command: Callable[..., None]) -> Callable[..., None]:
    """Let a command that compiles an ontology take a network in its place.

    Args:
        command: With the options of `kgnn.cli.inputs.takes_ontology`, ``out``, ``genes`` and ``json_``.

    Returns:
        The command with the fields of `NetworkOptions` as further options, as typer reads them.
    """
    own = inspect.signature(command).parameters
    added = inspect.signature(NetworkOptions, eval_str=True).parameters

    @functools.wraps(command)
    def either(**given: Any) -> None:
        network = NetworkOptions(**{name: given.pop(name) for name in added})
        if network.network is not None:
            unused = [name for name, value in given.items() if name not in _SHARED and value != own[name].default]
            _refuse([name for name in unused if given[name] is not None], "--network")
            compile_network(network.network, network, **{name: given[name] for name in _SHARED})
            return
        unused = [each.name for each in fields(network) if getattr(network, each.name) != each.default]
        _refuse(unused, "an ontology")
        if given["ontology"] is None:
            raise KgnnError("Missing option '--ontology', or '--network': there is nothing to compile.")
        command(**given)

    taken = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in (*own.values(), *added.values())]
    taken = [e.replace(annotation=_OntologyFile, default=None) if e.name == "ontology" else e for e in taken]
    either.__annotations__ = {each.name: each.annotation for each in taken}
    either.__signature__ = inspect.Signature(taken)  # type: ignore[attr-defined]
    return either


def _refuse(unused: list[str], beside: str) -> None:
    if unused:
        listed = ", ".join(f"--{name.replace('_', '-')}" for name in unused)
        raise KgnnError(f"{listed} does not apply to {beside}. Leave it out.")


def compile_network(
    path: Path, chosen: NetworkOptions, *, out: Path, genes: Path | None, json_: bool, format: str | None, evidence: str
) -> None:
    """Compile a network into senders and receivers, over the genes that were measured.

    Args:
        path: The network.
        chosen: How to read and compile it.
        out: File to write.
        genes: Text file with the measured genes, one a line.
        json_: Whether to print one JSON object.
        format: Format of the network; None to recognize it.
        evidence: Kinds of evidence to keep, separated by commas; ``"all"`` for every kind.
    """
    from kgnn.knowledge import read_network
    from kgnn.knowledge.text import read_lines
    from kgnn.structure import adjacency_summary, alignment_summary, compile_adjacency, describe

    network = read_network(
        path, format, threshold=chosen.threshold, names=chosen.names, taxon=chosen.taxon,
        channels=options.listed(chosen.channels), gene_id=chosen.gene_id,
        evidence=None if evidence == "all" else options.listed(evidence),
    )  # fmt: skip
    read = {"nodes": network.n_nodes, "edges": network.n_edges}
    network = network.largest_component() if chosen.largest_component else network
    measured = None if genes is None else [line.strip() for line in read_lines(genes) if line.strip()]
    adjacency, alignment = compile_adjacency(
        network, measured, unconnected="drop", normalization=chosen.normalization, self_loops=chosen.self_loops,
        signs=chosen.signs,
    )  # fmt: skip
    adjacency.save(out)
    summary = adjacency_summary(adjacency) | alignment_summary(alignment) | {"out": str(out), "read": read}
    print_result(summary, describe(summary), json_)


def file_summary(path: Path) -> dict[str, Any]:
    """What a file holds: a compiled hierarchy, a compiled adjacency, or a network.

    Args:
        path: The file.

    Returns:
        A value that `json` can write, with the ``kind`` first.

    Raises:
        FormatError: If it is none of them.
    """
    from kgnn.knowledge import read_network
    from kgnn.structure import Adjacency, Hierarchy, adjacency_summary, hierarchy_summary, network_summary

    if path.suffix != ".npz" and not _is_npz(path):
        return {"kind": "network", **network_summary(read_network(path))}
    if _is_npz(path) and "senders.npy" in zipfile.ZipFile(path).namelist():
        return {"kind": "adjacency", **adjacency_summary(Adjacency.load(path))}
    return {"kind": "hierarchy", **hierarchy_summary(Hierarchy.load(path))}


def _is_npz(path: Path) -> bool:
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return "header.npy" in archive.namelist()
