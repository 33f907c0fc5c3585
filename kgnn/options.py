"""What a person types on the command line: the options that several commands share, and text turned into values."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from kgnn.errors import KgnnError, unknown_choice

OntologyFile = Annotated[
    Path, typer.Option("--ontology", help="A hierarchy of terms; kgnn compile --help lists the formats.")
]
Annotations = Annotated[
    Path | None, typer.Option(help="Genes of its terms, where the hierarchy does not hold them: GAF, GPAD, table ...")
]
Names = Annotated[Path | None, typer.Option(help="Names of pathways: Reactome's ReactomePathways.txt.")]
Format = Annotated[str | None, typer.Option(help="Format of the ontology, if not to be recognized.")]
AnnotationFormat = Annotated[str | None, typer.Option(help="Format of the annotations, if not to be recognized.")]
GeneId = Annotated[
    str, typer.Option(help="What names a gene in files that have several names of it: symbol, id or synonym.")
]
Species = Annotated[str | None, typer.Option(help="Keep one species: Reactome's letters (HSA), KEGG's (hsa).")]
Skips = Annotated[
    str | None,
    typer.Option(
        help="Relations that skip levels: direct, or copy (layers of fixed depth); else as the recipe or run has it."
    ),
]
NoCache = Annotated[bool, typer.Option("--no-cache", help="Compile anew, even where these files were compiled before.")]
Root = Annotated[str | None, typer.Option(help="Keep this term and what is below it.")]
Namespace = Annotated[str | None, typer.Option(help="Keep one namespace: BP, MF, CC or its full name.")]
Relations = Annotated[
    str | None,
    typer.Option(
        help="Relation types of an OBO file that make a parent, separated by commas; is_a and part_of by default."
    ),
]
Evidence = Annotated[str, typer.Option(help="Preset or evidence codes, separated by commas.")]
Prune = Annotated[str | None, typer.Option(help="A named pruning rule, such as drugcell.")]
MinGenes = Annotated[int | None, typer.Option(help="Remove terms with fewer measured genes.")]
MaxGenes = Annotated[int | None, typer.Option(help="Remove terms with more measured genes.")]
MinExtraGenes = Annotated[int | None, typer.Option(help="Fewest genes beyond the largest child.")]
MaxDepth = Annotated[int | None, typer.Option(help="Greatest depth below the root.")]
SuperRoot = Annotated[str | None, typer.Option(help="Join several roots under a new term of this id.")]
Identifiers = Annotated[
    str | None,
    typer.Option(help="Table of gene names (HGNC, BioMart, gene_info, idmapping, a GAF …), or ncbi:9606."),
]
From = Annotated[str | None, typer.Option("--from", help="How the ontology names genes, if not to be guessed.")]
To = Annotated[str | None, typer.Option("--to", help="How the data name genes: symbol, entrez, ensembl_gene …")]
Policy = Annotated[str, typer.Option(help="error, first, all or drop: genes with several counterparts.")]
IdentifierColumns = Annotated[
    str | None, typer.Option(help="Columns of the table of gene names: HEADER=symbol,HEADER=ensembl_gene …")
]
Orthologs = Annotated[Path | None, typer.Option(help="Table of orthologs, to carry the annotations to --to-species.")]
ToSpecies = Annotated[str | None, typer.Option(help="Species of the data, as the header of --orthologs names it.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="Folder that kgnn train wrote.")]
Out = Annotated[Path, typer.Option(help="Table to write: .tsv, .csv or .parquet.")]
SamplesFile = Annotated[Path | None, typer.Option("--samples", help="Samples; else those that the run held out.")]
SamplesToPerturb = Annotated[
    Path | None,
    typer.Option(
        "--samples",
        help="Samples to perturb; else the wild type for alterations alone, else those that the run held out.",
    ),
]
Layer = Annotated[str | None, typer.Option(help="Layer of an h5ad file, such as raw.")]
Read = Annotated[
    list[str] | None,
    typer.Option("--read", help="Further argument of kgnn.read_samples, key=value, such as covariates=batch."),
]
Devices = Annotated[str | None, typer.Option(help="Devices of this machine that train together: a number, or all.")]
Coordinator = Annotated[str | None, typer.Option(help="HOST:PORT of process 0, for training on several machines.")]
Processes = Annotated[str | None, typer.Option(help="Processes that train together; auto on SLURM and the like.")]
ProcessId = Annotated[int | None, typer.Option(help="Which of the processes this one is, from 0.")]
ProcessTimeout = Annotated[int, typer.Option(help="Seconds after which a silent process counts as lost.")]

KNOWLEDGE_FORMATS = """
Formats of --ontology, told by their content, plain or gzipped (--format forces one):

\b
obo       GO, HPO, Disease Ontology, Pathway Ontology and other OBO files
reactome  ReactomePathwaysRelation.txt (with --names ReactomePathways.txt)
kegg      KEGG BRITE hierarchies as text (.keg)
kgml      one KEGG pathway as KGML
mesh      MeSH descriptors, XML or ASCII
gmt       gene sets of MSigDB, KEGG, Reactome ..., one level below a made root
drugcell  three columns: parent, child or gene, kind (DrugCell, NeST-VNN, XMR)
dcell     DCell's topology text
cx2       Cytoscape CX2 hierarchies with their members

Formats of --annotations (--annotation-format forces one):

\b
gaf, gpad, gene2go  annotations of the Gene Ontology
reactome            UniProt2Reactome, NCBI2Reactome, Ensembl2Reactome
gmt                 gene sets named by terms
hpo                 genes_to_phenotype.txt, phenotype_to_genes.txt
sgd_slim            SGD's go_slim_mapping.tab
table               two or three columns: gene, term, evidence code
"""
"""What ``kgnn compile --help`` says of formats."""

READING = (
    "covariates", "format", "gaps", "gene_names", "incomplete", "kind", "layer", "meaning", "modalities", "names",
    "sequence", "target",
)  # fmt: skip
"""Arguments of `kgnn.read_samples` that ``--read`` takes."""


def listed(text: str | None) -> list[str] | None:
    """Names separated by commas.

    Example:
        >>> listed("TP53, MDM2")
        ['TP53', 'MDM2']
    """
    return None if text is None else [name.strip() for name in text.split(",") if name.strip()]


def one_or_listed(text: str) -> str | list[str]:
    """A single name as it is, several as a list.

    Example:
        >>> one_or_listed("growth"), one_or_listed("growth,size")
        ('growth', ['growth', 'size'])
    """
    return listed(text) or [] if "," in text else text


def numbers(text: str, option: str) -> list[float]:
    """Numbers separated by commas.

    Args:
        text: Such as ``0.5,1``.
        option: The option, for the message.

    Returns:
        The numbers.

    Raises:
        KgnnError: If one is no number.

    Example:
        >>> numbers("0.25,1", "--doses")
        [0.25, 1.0]
    """
    try:
        return [float(each) for each in listed(text) or ()]
    except ValueError:
        raise KgnnError(f"{option} {text!r} holds what is no number. Separate numbers by commas: 0.5,1.") from None


def gene_pairs(text: str | None) -> list[tuple[str, str]] | None:
    """Pairs of genes.

    Args:
        text: Such as ``A:B,C:D``.

    Returns:
        The pairs.

    Raises:
        KgnnError: If a pair is not two names.

    Example:
        >>> gene_pairs("TP53:MDM2,TP53:ATM")
        [('TP53', 'MDM2'), ('TP53', 'ATM')]
    """
    if text is None:
        return None
    pairs = []
    for pair in listed(text) or ():
        genes = [gene.strip() for gene in pair.split(":")]
        if len(genes) != 2 or not all(genes):
            raise KgnnError(f"--pairs {pair!r} is not of the form A:B. Put a colon between two genes.")
        pairs.append((genes[0], genes[1]))
    return pairs


def key_values(pairs: Sequence[str] | None, option: str) -> dict[str, str]:
    """Settings given one by one.

    Args:
        pairs: Each such as ``key=value``.
        option: The option, for the message.

    Returns:
        Values by key.

    Raises:
        KgnnError: If one has no ``=``, or a key comes twice.

    Example:
        >>> key_values(["dropout=0.3"], "--set")
        {'dropout': '0.3'}
    """
    found: dict[str, str] = {}
    for pair in pairs or ():
        name, equals, value = (part.strip() for part in pair.partition("="))
        if not equals or not name:
            raise KgnnError(f"{option} {pair!r} is not of the form key=value. For example: {option} kind=classes.")
        if name in found:
            raise KgnnError(f"{option} gives {name} twice, as {found[name]!r} and {value!r}. Give it once.")
        found[name] = value
    return found


def reading_options(pairs: Sequence[str] | None) -> dict[str, Any]:
    """Arguments of `kgnn.read_samples` given with ``--read``.

    Args:
        pairs: Each such as ``key=value``; several columns are separated by commas.

    Returns:
        Values by name of the argument.

    Raises:
        KgnnError: If there is no such argument.

    Example:
        >>> reading_options(["covariates=batch,donor", "kind=classes"])
        {'covariates': ['batch', 'donor'], 'kind': 'classes'}
    """
    given = key_values(pairs, "--read")
    for name in given:
        if name not in READING:
            raise unknown_choice("--read", name, READING)
    several = ("covariates", "modalities", "target")
    return {name: one_or_listed(value) if name in several else value for name, value in given.items()}
