"""Contact maps on the command line: ``kgnn compile --contacts`` and ``kgnn train --contacts``."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kgnn import options
from kgnn.cli.alternatives import Alternative
from kgnn.cli.output import print_result
from kgnn.errors import KgnnError

if TYPE_CHECKING:
    from kgnn.knowledge import ContactMap, Network

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

    def read(self, format: str | None) -> ContactMap:
        """The contacts as the file holds them.

        Args:
            format: Its format; None to recognize it.
        """
        from kgnn.knowledge import read_contacts

        if self.min_distance is not None and self.top_k is None:
            raise KgnnError("--min-distance is given without --top-k. Give both, or leave it out.")
        named = options.listed(self.chromosomes)
        return read_contacts(
            self.contacts or "", resolution=self.resolution, format=format, lengths=self.chromosome_lengths,
            chromosomes=None if named is None else named[0] if len(named) == 1 else tuple(named),  # type: ignore[arg-type]
        )  # fmt: skip

    def chosen(self, contacts: ContactMap) -> ContactMap:
        """The contacts, normalized and chosen as asked for.

        Args:
            contacts: As they were read.
        """
        from kgnn.knowledge import normalize_contacts, observed_over_expected, top_contacts

        contacts = contacts if self.balance == _UNCHANGED else normalize_contacts(contacts, self.balance)
        contacts = observed_over_expected(contacts) if self.over_expected else contacts
        if self.top_k is None:
            return contacts
        return top_contacts(contacts, self.top_k, min_distance=self.min_distance or 1)

    def network(self, format: str | None) -> ContactMap | Network:
        """What to train on: contacts, or the edges of a file that ``kgnn compile --contacts`` wrote.

        Args:
            format: Of the contacts; None to recognize it.

        Raises:
            KgnnError: If a compiled file is to be normalized or cut anew.
        """
        if self.contacts is None or self.contacts.suffix != ".npz":
            return self.chosen(self.read(format))
        from kgnn.structure import Adjacency

        given = [each.name for each in fields(self) if getattr(self, each.name) != each.default]
        if given != ["contacts"] or format is not None:
            named = ", ".join(
                f"--{name.replace('_', '-')}" for name in [*given[1:], *["format"] * (format is not None)]
            )
            raise KgnnError(f"{named} does not apply to contacts that were compiled before. Compile them anew with it.")
        return Adjacency.load(self.contacts).to_network()


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
    from kgnn.structure import adjacency_summary, alignment_summary, compile_contacts, describe

    contacts = chosen.read(format)
    read = {"bins": contacts.n_bins, "contacts": len(contacts)}
    contacts = chosen.chosen(contacts)
    adjacency, alignment = compile_contacts(
        contacts, normalization=normalization or "none", self_loops=self_loops or "keep"
    )
    adjacency.save(out)
    summary = adjacency_summary(adjacency) | alignment_summary(alignment)
    summary |= {"out": str(out), "read": read, "weight_is": contacts.unit, "masked_bins": int(contacts.masked.sum())}
    print_result(summary, describe(summary), json_)


CONTACTS = Alternative(ContactOptions, compile_contact_map, ("out", "json_", "format", "normalization", "self_loops"))
