"""`read_samples`: a file or folder of samples in any known format → `Samples`."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from kgnn.data.drugcell import is_drugcell_folder, read_drugcell
from kgnn.data.genotypes import looks_like_genotype, read_genotype_list
from kgnn.data.h5ad import read_h5ad
from kgnn.data.h5mu import read_h5mu
from kgnn.data.packed import is_packed_folder, read_packed
from kgnn.data.samples import Samples
from kgnn.data.sequence_files import read_sequence_fasta, read_sequence_table
from kgnn.data.tables import read_table
from kgnn.errors import AlignmentError, FormatError, KgnnError, name_some, unknown_choice
from kgnn.knowledge.text import read_lines

FORMATS = ("h5ad", "h5mu", "table", "genotype_list", "drugcell", "fasta", "packed")


def read_samples(
    path: str | PathLike[str],
    *,
    target: str | Sequence[str] | None = None,
    meaning: str | None = None,
    format: str | None = None,
    layer: str | None = None,
    names: str | None = None,
    gene_names: str | None = None,
    kind: str | None = None,
    covariates: str | Sequence[str] = (),
    genes: Sequence[str] | None = None,
    backed: bool = False,
    modalities: str | Sequence[str] | None = None,
    incomplete: str | None = None,
    sequence: str | None = None,
    gaps: str | None = None,
) -> Samples:
    """Read samples; the format is recognized by the file's ending and first line.

    ================= ==================================================================================
    format            files
    ================= ==================================================================================
    ``h5ad``          AnnData
    ``h5mu``          MuData: samples of several modalities, the first with the genes
    ``table``         ``.csv``, ``.tsv``, ``.txt`` (plain or gzip), ``.parquet``: a header, one row a sample
    ``genotype_list`` DCell's ``2 YLR035C YML060W 0.0447``
    ``drugcell``      DrugCell's folder (its training pairs), or one of its pair files
    ``fasta``         DNA, one length; a target is in the headers as ``key=value``: ``>peak_1 bound=1``
    ``packed``        a folder that ``kgnn pack`` or `kgnn.data.write_packed` wrote, read as it is used
    ================= ==================================================================================

    A value keeps the unit of its file. Mind the layer of an AnnData file: a knockdown sets an abundance to 0, which
    means "absent" on counts or log counts (often ``layer="raw"``) but nothing on a z-scored matrix.

    Args:
        path: A file or DrugCell's folder.
        target: Column, or columns, with what is to be predicted. For genotype lists and DrugCell the name to give to
            the output.
        meaning: What a number means, see `kgnn.data.samples.Modality`. If not given: ``"alteration"`` where every
            value is 0 or 1, else ``"abundance"``; the choice is noted in the provenance.
        format: One of the above, if it is not to be recognized.
        layer: AnnData only: None for `X`, ``"raw"``, or the name of a layer.
        names: Column with the sample names, if not the first (table) or the index of `obs` (AnnData).
        gene_names: AnnData only: column of `var` with the gene names, if not the index.
        kind: ``"regression"``, ``"classes"`` or ``"labels"``. If not given: text, categories and bool become classes,
            numbers regression.
        covariates: Columns to keep beside the values, for grouped splits.
        genes: Columns to have and their order. A genotype list may name no other gene.
        backed: AnnData only: whether the values stay in the file until they are used. Random rows of such a file come
            slowly: to train, write them with ``kgnn pack`` first.
        modalities: MuData only: which modalities to take, in order; all where None.
        incomplete: MuData only: ``"error"`` (the default) or ``"drop"``, samples that are not in all of them.
        sequence: Tables only: column with DNA of one length. It becomes the samples as `sequence_samples` makes them,
            and columns that no argument names are left aside.
        gaps: Tables and AnnData only: what becomes of empty cells, ``"error"`` (the default) or ``"mask"``: a second
            table that says what was measured, see `kgnn.data.mask_missing`. No gap is ever read as a number.

    Returns:
        The samples.

    Raises:
        FormatError: If the file is empty, binary, of another format or has not a column; names file and line.
        AlignmentError: If a name comes twice, a value or target is missing, or a gene of `genes` is not measured.
        KgnnError: If a choice is unknown or does not apply to the format.

    Example:
        >>> samples = read_samples("screen.h5ad", target="growth", meaning="alteration")  # doctest: +SKIP
    """
    file = Path(path)
    if not file.exists():
        raise FormatError("no such file or folder. Check the path.", file)
    if format is not None and format not in FORMATS:
        raise unknown_choice("format", format, FORMATS)
    chosen = format or recognize_format(file)
    covariates = (covariates,) if isinstance(covariates, str) else tuple(covariates)
    several = {"modalities": modalities, "incomplete": incomplete}
    columns = {"names": names, "kind": kind, "covariates": covariates, "target": target, "meaning": meaning}
    if chosen != "h5mu":
        _refuse_options(chosen, **several)
    if chosen != "table":
        _refuse_options(chosen, sequence=sequence)
    try:
        if chosen == "h5mu":
            _refuse_options(chosen, names=columns.pop("names"), backed=backed or None)
            _refuse_options(chosen, gaps=gaps)
            given = {name: value for name, value in several.items() if value is not None}
            samples = read_h5mu(file, layer=layer, gene_names=gene_names, **columns, **given)
        elif chosen == "h5ad":
            samples = read_h5ad(file, layer=layer, gene_names=gene_names, backed=backed, gaps=gaps, **columns)
        elif chosen == "packed":
            samples = _read_packed(file, layer=layer, gene_names=gene_names, gaps=gaps, **columns)
        else:
            _refuse_options(chosen, layer=layer, gene_names=gene_names, backed=backed or None)
            if chosen == "table" and sequence is None:
                samples = read_table(file, gaps=gaps, **columns)
            else:
                _refuse_options(chosen, gaps=gaps)
                if chosen == "fasta" or sequence is not None:
                    samples = _read_sequences(file, sequence, columns)
                else:
                    samples = _read_listed(file, chosen, columns, genes)
        return samples if genes is None else samples.with_genes(genes)
    except AlignmentError as error:
        raise error if str(file) in str(error) else AlignmentError(f"{file}: {error}") from None


def recognize_format(path: str | PathLike[str]) -> str:
    """The format of a file or folder of samples.

    Args:
        path: The file or folder.

    Returns:
        One of the formats of `read_samples`.

    Raises:
        FormatError: If a folder is not DrugCell's, or a text file is empty or binary.
    """
    file = Path(path)
    if file.is_dir():
        if is_packed_folder(file):
            return "packed"
        if not is_drugcell_folder(file):
            raise FormatError("not DrugCell's folder: it has no gene2ind, cell2ind and drug2ind. Name a file.", file)
        return "drugcell"
    if file.suffix == ".h5mu":
        return "h5mu"
    if file.suffix in (".h5ad", ".h5", ".hdf5"):
        return "h5ad"
    if file.suffix == ".parquet":
        return "table"
    first = next((line for line in read_lines(file) if line.strip()), "")
    if first.startswith(">"):
        return "fasta"
    if looks_like_genotype(first):
        return "genotype_list"
    return "drugcell" if is_drugcell_folder(file.parent) and len(first.split()) == 3 else "table"


def _read_packed(folder: Path, **options: Any) -> Samples:
    """A folder that fixes all that could be asked of it; what is asked nevertheless must agree."""
    samples = read_packed(folder)
    target = options.pop("target")
    asked = None if target is None else (target,) if isinstance(target, str) else tuple(target)
    found = None if samples.targets is None else samples.targets.names
    kind = None if samples.targets is None else samples.targets.kind
    # Of classes the names are those of the classes: the column that they came from is not among them.
    if asked is not None and kind != "classes" and asked != found:
        raise KgnnError(
            f"target is {name_some(asked)}, but the samples were packed with {name_some(found or ()) or 'none'}. Leave "
            "it out, or pack anew."
        )
    for option, packed_with in (("meaning", samples.meaning), ("kind", kind)):
        given = options.pop(option)
        if given not in (None, packed_with):
            raise KgnnError(
                f"{option} is {given!r}, but the samples were packed with {packed_with!r}. Leave it out, or pack anew."
            )
    if set(options.pop("covariates")) - set(samples.covariates):
        packed_with = name_some(samples.covariates) or "none"
        raise KgnnError(f"{folder}: the samples were packed with the covariates {packed_with}. Pack anew for others.")
    _refuse_options("packed", **options)
    return samples


def _read_sequences(file: Path, column: str | None, columns: dict[str, Any]) -> Samples:
    """FASTA, or a table with a column of DNA; what they mean is settled."""
    meaning = columns.pop("meaning")
    if meaning not in (None, "sequence"):
        raise KgnnError(f"meaning is {meaning!r}, but DNA only has 'sequence'. Leave it out.")
    if column is not None:
        return read_sequence_table(file, column, **columns)
    _refuse_options("fasta", names=columns.pop("names"))
    return read_sequence_fasta(file, **columns)


def _read_listed(file: Path, format: str, columns: dict, genes: Sequence[str] | None) -> Samples:
    """Genotype lists and DrugCell's files, which fix what a column means."""
    _refuse_options(format, names=columns["names"], covariates=columns["covariates"] or None)
    for option, only in (("kind", "regression"), ("meaning", "alteration")):
        if columns[option] not in (None, only):
            raise KgnnError(f"{option} is {columns[option]!r}, but {format!r} only has {only!r}. Leave it out.")
    target = columns["target"]
    if target is not None and not isinstance(target, str):
        raise KgnnError(f"target names {len(target)} columns, but the format {format!r} has one value. Give one name.")
    if format == "genotype_list":
        return read_genotype_list(file, genes=genes, target=target or "phenotype")
    if file.is_dir():
        return read_drugcell(file, target=target or "response")
    return read_drugcell(file.parent, file, target=target or "response")


def _refuse_options(format: str, **options: object) -> None:
    given = [name for name, value in options.items() if value is not None]
    if given:
        raise KgnnError(f"{', '.join(given)} cannot be given for the format {format!r}. Leave it out.")
