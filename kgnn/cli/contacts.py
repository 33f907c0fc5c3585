"""Contact maps on the command line: ``kgnn compile --contacts``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from kgnn import options
from kgnn.cli.alternatives import Alternative
from kgnn.cli.output import print_result
from kgnn.errors import KgnnError

_UNCHANGED = "none"


@dataclass(frozen=True, kw_only=True)
class ContactOptions:
    """The options of a command that compiles a contact map, see `kgnn.cli.alternatives`.

    Attributes:
        contacts: The file; None where something else is compiled.
        resolution: Bases a bin.
        chromosomes: What a dump of a .hic file does not state.
        chromosome_lengths: File of chromosomes and their lengths, for texts.
        balance: How counts are normalized.
        over_expected: Whether values are divided by the mean at their distance.
        top_k: Contacts to keep on each chromosome.
        min_distance: Fewest bases that they span.
    """

    contacts: Annotated[Path | None, typer.Option(help="Hi-C instead of an ontology: .cool, .mcool, BEDPE, dump.")] = (
        None
    )
    resolution: Annotated[int | None, typer.Option(help="Contacts: bases a bin.")] = None
    chromosomes: Annotated[str | None, typer.Option(help="Contacts: chromosome of a dump, or a pair A,B.")] = None
    chromosome_lengths: Annotated[Path | None, typer.Option(help="Contacts: chrom.sizes file, for texts.")] = None
    balance: Annotated[str, typer.Option(help="Contacts: none, ice, vc, sqrtvc or stored.")] = _UNCHANGED
    over_expected: Annotated[bool, typer.Option("--over-expected", help="Contacts: divide by distance.")] = False
    top_k: Annotated[int | None, typer.Option(help="Contacts: keep so many on each chromosome.")] = None
    min_distance: Annotated[int | None, typer.Option(help="Contacts: with --top-k, fewest bases apart.")] = None


def compile_contact_map(
    path: Path,
    chosen: ContactOptions,
    *,
    out: Path,
    json_: bool,
    format: str | None,
    normalization: str | None,
    self_loops: str | None,
) -> None:
    """Compile contacts into senders and receivers over the bins of a genome.

    Args:
        path: The file of contacts.
        chosen: How to read, normalize and choose them.
        out: File to write.
        json_: Whether to print one JSON object.
        format: Format of the contacts; None to recognize it.
        normalization: How weights are normalized; None for not at all.
        self_loops: What becomes of the contacts of a bin with itself; None to keep them.
    """
    from kgnn.knowledge import normalize_contacts, observed_over_expected, read_contacts, top_contacts
    from kgnn.structure import adjacency_summary, alignment_summary, compile_contacts, describe

    if chosen.min_distance is not None and chosen.top_k is None:
        raise KgnnError("--min-distance is given without --top-k. Give both, or leave it out.")
    named = options.listed(chosen.chromosomes)
    contacts = read_contacts(
        path, resolution=chosen.resolution, format=format, lengths=chosen.chromosome_lengths,
        chromosomes=None if named is None else named[0] if len(named) == 1 else tuple(named),  # type: ignore[arg-type]
    )  # fmt: skip
    read = {"bins": contacts.n_bins, "contacts": len(contacts)}
    contacts = contacts if chosen.balance == _UNCHANGED else normalize_contacts(contacts, chosen.balance)
    contacts = observed_over_expected(contacts) if chosen.over_expected else contacts
    if chosen.top_k is not None:
        contacts = top_contacts(contacts, chosen.top_k, min_distance=chosen.min_distance or 1)
    adjacency, alignment = compile_contacts(
        contacts, normalization=normalization or "none", self_loops=self_loops or "keep"
    )
    adjacency.save(out)
    summary = adjacency_summary(adjacency) | alignment_summary(alignment)
    summary |= {"out": str(out), "read": read, "weight_is": contacts.unit, "masked_bins": int(contacts.masked.sum())}
    print_result(summary, describe(summary), json_)


CONTACTS = Alternative(ContactOptions, compile_contact_map, ("out", "json_", "format", "normalization", "self_loops"))
