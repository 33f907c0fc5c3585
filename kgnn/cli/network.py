"""Networks on the command line: ``kgnn compile --network``, and what ``kgnn info`` says of a file."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kgnn import options
from kgnn.cli.alternatives import Alternative
from kgnn.cli.output import print_result

if TYPE_CHECKING:
    from kgnn.knowledge import Network


@dataclass(frozen=True, kw_only=True)
class NetworkOptions:
    """The options of a command that compiles a network, see `kgnn.cli.alternatives`.

    Attributes:
        network: The file of the network; None where something else is compiled.
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
    names: Annotated[
        Path | None, typer.Option(help="Names of pathways (ReactomePathways.txt), or of STRING's proteins.")
    ] = None
    channels: Annotated[str | None, typer.Option(help="Network: channels of STRING, separated by commas.")] = None
    taxon: Annotated[int | None, typer.Option(help="Network: NCBI number of the organism to keep.")] = None
    gene_id: Annotated[str | None, typer.Option(help="Network: what names a node, such as symbol.")] = None
    largest_component: Annotated[bool, typer.Option("--largest-component", help="Network: keep only that.")] = False
    normalization: Annotated[
        str | None, typer.Option(help="Network: none (default), symmetric, random_walk or mean.")
    ] = None
    self_loops: Annotated[str | None, typer.Option(help="Network: keep (default), drop or add.")] = None
    signs: Annotated[str | None, typer.Option(help="Network: ignore (default), apply, activating or inhibiting.")] = (
        None
    )

    def read(self, format: str | None, evidence: str) -> Network:
        """The network, cut as asked for.

        Args:
            format: Its format; None to recognize it.
            evidence: Kinds of evidence to keep, separated by commas; ``"all"`` for every kind.
        """
        from kgnn.knowledge import read_network

        network = read_network(
            self.network or "", format, threshold=self.threshold, names=self.names, taxon=self.taxon,
            channels=options.listed(self.channels), gene_id=self.gene_id,
            evidence=None if evidence == "all" else options.listed(evidence),
        )  # fmt: skip
        return network.largest_component() if self.largest_component else network

    def compiling(self) -> dict[str, Any]:
        """Arguments of `kgnn.compile_adjacency` that were given."""
        chosen = {name: getattr(self, name) for name in ("normalization", "self_loops", "signs")}
        return {name: value for name, value in chosen.items() if value is not None}


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
    from kgnn.knowledge import read_gene_list
    from kgnn.structure import adjacency_summary, alignment_summary, compile_adjacency, describe

    whole = replace(chosen, largest_component=False).read(format, evidence)
    read = {"nodes": whole.n_nodes, "edges": whole.n_edges}
    network = whole.largest_component() if chosen.largest_component else whole
    measured = None if genes is None else read_gene_list(genes).genes
    adjacency, alignment = compile_adjacency(network, measured, unconnected="drop", **chosen.compiling())
    adjacency.save(out)
    summary = adjacency_summary(adjacency) | alignment_summary(alignment) | {"out": str(out), "read": read}
    print_result(summary, describe(summary), json_)


NETWORK = Alternative(NetworkOptions, compile_network, ("out", "genes", "json_", "format", "evidence"))


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
