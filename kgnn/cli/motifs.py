"""Commands on motifs: compiled into convolution filters, read from a trained model, and found in sequences."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from kgnn import options
from kgnn.cli.inputs import load_run_folder, samples_for
from kgnn.cli.output import print_result, write_result

_MOTIFS = "MEME, JASPAR, PFM, HOCOMOCO, CIS-BP or TRANSFAC, known by content; or a release, such as JASPAR2024."
_CHOOSE = "Of a release: collection, tax_group, tf_class, tf_family or species, key=value."
Motifs = Annotated[str, typer.Option("--motifs", help=_MOTIFS)]
Format = Annotated[str | None, typer.Option(help="meme, jaspar, pfm, cisbp or transfac, if not to be recognized.")]
Ids = Annotated[str | None, typer.Option(help="Motif ids to keep, separated by commas.")]
Factors = Annotated[str | None, typer.Option(help="Transcription factors to keep, separated by commas.")]
Choose = Annotated[list[str] | None, typer.Option("--choose", help=_CHOOSE)]
Pseudocount = Annotated[float, typer.Option(help="Sites of pure background added to every position.")]


def choices(ids: str | None, factors: str | None, pairs: list[str] | None) -> dict[str, Any]:
    """Arguments of `kgnn.read_motifs` that choose motifs.

    Args:
        ids: Motif ids, separated by commas.
        factors: Transcription factors, separated by commas.
        pairs: Each such as ``tax_group=vertebrates``, as given with ``--choose``.

    Returns:
        Values by name of the argument.

    Raises:
        KgnnError: If a pair is not of the form key=value.

    Example:
        >>> choices(None, "CTCF,SRF", ["tax_group=vertebrates"])
        {'ids': None, 'factors': ['CTCF', 'SRF'], 'tax_group': 'vertebrates'}
    """
    chosen = {"ids": options.listed(ids), "factors": options.listed(factors)}
    return {**chosen, **options.key_values(pairs, "--choose")}


def kernels(
    motifs: Motifs,
    out: Annotated[Path, typer.Option(help="File to write (.npz).")],
    length: Annotated[int | None, typer.Option(min=1, help="Positions of a filter; else the widest motif.")] = None,
    kind: Annotated[str, typer.Option(help="log_odds, probabilities, centered or information.")] = "log_odds",
    both_strands: Annotated[bool, typer.Option("--both-strands", help="Add every reverse complement.")] = False,
    offset: Annotated[str, typer.Option(help="Where a narrow motif lies: left, center or right.")] = "center",
    crop: Annotated[bool, typer.Option("--crop", help="Cut wider motifs to their most informative window.")] = False,
    pseudocount: Pseudocount = 1.0,
    format: Format = None,
    ids: Ids = None,
    factors: Factors = None,
    choose: Choose = None,
    json_: options.Json = False,
) -> None:
    """Compile motifs into the convolution filters of a sequence model."""
    from kgnn.knowledge import read_motifs
    from kgnn.structure import compile_kernels, describe, kernels_summary

    read = read_motifs(motifs, format=format, **choices(ids, factors, choose))
    compiled = compile_kernels(
        read, length, kind=kind, both_strands=both_strands, offset=offset, crop=crop, pseudocount=pseudocount
    )
    compiled.save(out)
    summary = kernels_summary(compiled) | {"out": str(out)}
    print_result(summary, describe(summary), json_)


def motifs(
    run: options.RunFolder,
    out: options.Out,
    samples: options.SamplesFile = None,
    read: options.Read = None,
    known: Annotated[str | None, typer.Option(help="Motifs to compare with: a file, or JASPAR2024.")] = None,
    least_score: Annotated[float, typer.Option(help="Of a site: share of the way from chance to the best.")] = 0.5,
    meme: Annotated[Path | None, typer.Option(help="File to write the motifs to, in MEME's format.")] = None,
    format: Format = None,
    ids: Ids = None,
    factors: Factors = None,
    choose: Choose = None,
    json_: options.Json = False,
) -> None:
    """Read the filters of a trained sequence model as motifs: effects, sites, and the known ones that they are like."""
    from kgnn.data.write import check_ending
    from kgnn.interpret import learned_motifs, motif_table
    from kgnn.knowledge import read_motifs

    check_ending(out)
    loaded = load_run_folder(run)
    given = samples_for(loaded, samples, None, read)
    compared = None if known is None else read_motifs(known, format=format, **choices(ids, factors, choose))
    model: Any = loaded.model
    found = learned_motifs(model, loaded.samples if given is None else given, least_score=least_score).trim()
    table = motif_table(model, found, compared)
    if meme is not None:
        found.write_meme(meme)
    write_result(table, out, json_)


def scan(
    motifs: Motifs,
    sequences: Annotated[Path, typer.Option(help="FASTA of DNA, plain or gzip.")],
    out: options.Out,
    p_value: Annotated[float, typer.Option(help="Greatest p-value of a site, for one position of one strand.")] = 1e-4,
    forward_only: Annotated[bool, typer.Option("--forward-only", help="Leave out the reverse strand.")] = False,
    pseudocount: Pseudocount = 1.0,
    format: Format = None,
    ids: Ids = None,
    factors: Factors = None,
    choose: Choose = None,
    json_: options.Json = False,
) -> None:
    """Find the sites of motifs in sequences, each with its score and p-value."""
    from kgnn.data import write_table
    from kgnn.data.measured import refuse_repeats
    from kgnn.data.write import check_ending
    from kgnn.interpret import motif_scanner, scan_summary
    from kgnn.interpret import scan as find_sites
    from kgnn.knowledge import read_fasta, read_motifs
    from kgnn.structure import describe

    check_ending(out)
    read = read_motifs(motifs, format=format, **choices(ids, factors, choose))
    records = read_fasta(sequences)
    refuse_repeats("sequence names", records.names)
    scanner = motif_scanner(read, p_value, both_strands=not forward_only, pseudocount=pseudocount)
    hits = find_sites(scanner, records)
    write_table(hits, out)
    summary = scan_summary(scanner, hits, len(records)) | {"out": str(out)}
    print_result(summary, describe(summary | {"unreachable": len(summary["unreachable"])}), json_)
