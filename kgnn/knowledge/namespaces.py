"""The kinds of gene identifiers: telling them apart, their plain form, and why two lists of genes do not meet."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from types import MappingProxyType

from kgnn.errors import unknown_choice

NAMESPACES: Mapping[str, str] = MappingProxyType(
    {
        "symbol": "gene symbols",
        "entrez": "Entrez (NCBI) gene numbers",
        "ensembl_gene": "Ensembl gene ids",
        "ensembl_protein": "Ensembl protein ids",
        "uniprot": "UniProt accessions",
        "yeast_orf": "yeast ORF names",
    }
)
"""Namespaces of gene identifiers, and what people call them."""

_FORMS: Mapping[str, re.Pattern[str]] = MappingProxyType(
    {
        "ensembl_gene": re.compile(r"ENS[A-Z]{0,6}G\d{11}"),
        "ensembl_protein": re.compile(r"ENS[A-Z]{0,6}P\d{11}"),
        "yeast_orf": re.compile(r"Y[A-P][LR]\d{3}[WC](-[A-Z])?|Q\d{4}|R\d{4}[WC]"),
        # The form that UniProt publishes for its accessions.
        "uniprot": re.compile(r"[OPQ]\d[A-Z\d]{3}\d|[A-NR-Z]\d([A-Z][A-Z\d]{2}\d){1,2}"),
        "entrez": re.compile(r"\d+"),
        "symbol": re.compile(r"\w[\w.\-@/'()*:]*"),
    }
)
_TAXON = re.compile(r"\d+\.(?=\D)")
_ENSEMBL_VERSION = re.compile(r"\.\d+(_PAR_Y)?|_PAR_Y")
_ISOFORM = re.compile(r"[-.]\d+")
_ENSEMBL_SPECIES = re.compile(r"ENS([A-Z]*)[GP]\d{11}")
_ENOUGH = 0.5
_SAMPLE = 20_000


def check_namespace(namespace: str, argument: str = "namespace") -> str:
    """The namespace, if kgnn knows it.

    Args:
        namespace: Its name.
        argument: What the user calls it, for the message.

    Raises:
        KgnnError: If it is none of `NAMESPACES`.
    """
    if namespace not in NAMESPACES:
        raise unknown_choice(argument, namespace, NAMESPACES)
    return namespace


def plain_identifier(identifier: str, namespace: str) -> str:
    """An identifier without what is not part of it.

    Versions of Ensembl ids (``.17``, ``_PAR_Y``), isoforms of UniProt accessions (``-2``) and the organism that STRING
    puts in front (``9606.``) are taken off; space around goes as well. Symbols stay as they are.

    Args:
        identifier: As it was written.
        namespace: One of `NAMESPACES`.

    Returns:
        The plain form; the identifier itself where it does not look like the namespace.

    Example:
        >>> plain_identifier("ENSG00000141510.17", "ensembl_gene"), plain_identifier("9606.ENSP00000269305",
        ... "ensembl_protein"), plain_identifier("P04637-2", "uniprot")
        ('ENSG00000141510', 'ENSP00000269305', 'P04637')
    """
    text = identifier.strip()
    if namespace in ("ensembl_gene", "ensembl_protein"):
        plain = _ENSEMBL_VERSION.sub("", _TAXON.sub("", text, count=1), count=1)
    elif namespace == "uniprot":
        plain = _ISOFORM.sub("", text.removeprefix("UniProtKB:"), count=1)
    elif namespace == "yeast_orf":
        plain = _TAXON.sub("", text, count=1).upper()
    elif namespace == "entrez":
        plain = text.removeprefix("NCBIGene:").removesuffix(".0")
    else:
        return text
    return plain if _FORMS[namespace].fullmatch(plain) else text


def has_form(identifier: str, namespace: str) -> bool:
    """Whether an identifier looks like those of a namespace.

    Example:
        >>> has_form("YLR035C", "yeast_orf"), has_form("TP53", "uniprot")
        (True, False)
    """
    return _FORMS[namespace].fullmatch(plain_identifier(identifier, namespace)) is not None


def guess_namespace(ids: Iterable[str]) -> str:
    """The namespace that most identifiers look like.

    Names are judged by their form alone: yeast's ``YLR035C`` is an ORF, digits are Entrez numbers (or mere positions),
    what has the form of a name and of nothing else is a symbol. A few symbols have the form of an accession; the
    majority decides.

    Args:
        ids: Identifiers; the first 20,000 are looked at.

    Returns:
        One of `NAMESPACES`, or ``""`` where no kind makes up half of them.

    Example:
        >>> guess_namespace(["ENSG00000141510.17", "ENSG00000012048"]), guess_namespace(["TP53", "BRCA1", "HLA-A"])
        ('ensembl_gene', 'symbol')
    """
    counts: Counter[str] = Counter()
    total = 0
    for identifier in islice(ids, _SAMPLE):
        total += 1
        kind = next((kind for kind in _FORMS if has_form(identifier, kind)), "")
        counts[kind] += 1
    if not total:
        return ""
    best, count = counts.most_common(1)[0]
    return best if count >= _ENOUGH * total else ""


def explain_mismatch(data: Sequence[str], knowledge: Sequence[str]) -> str:
    """Why genes of the data are not among those of the knowledge, as far as their form tells, and what to do.

    Args:
        data: Genes of the data that the knowledge does not have.
        knowledge: Genes of the knowledge.

    Returns:
        A sentence for an error message; ``""`` where their form tells nothing.

    Example:
        >>> explain_mismatch(["ENSG00000141510"], ["TP53", "BRCA1"])[:73]
        'These look like Ensembl gene ids, the genes of the ontology like gene sym'
    """
    found, known = guess_namespace(data), guess_namespace(knowledge)
    if found and known and found != known:
        return (
            f"These look like {NAMESPACES[found]}, the genes of the ontology like {NAMESPACES[known]}: pass "
            f"identifiers= with a table that holds both (on the command line: --identifiers TABLE --from {known} "
            f"--to {found})."
        )
    if not found or found != known:
        return ""
    of_knowledge = set(knowledge)
    plain = {plain_identifier(gene, known) for gene in knowledge}
    if not of_knowledge.isdisjoint(plain_identifier(gene, found) for gene in data) or not plain.isdisjoint(
        plain_identifier(gene, found) for gene in data
    ):
        return "They agree once versions are taken off: pass identifiers= with a table, or take them off in the file."
    if found in ("ensembl_gene", "ensembl_protein"):
        species = [_species(genes) for genes in (data, knowledge)]
        if species[0] != species[1]:
            return (
                f"Both are {NAMESPACES[found]}, but of two species ({species[0]} and {species[1]}): carry the "
                "annotations over with a table of orthologs (kgnn.knowledge.transfer_annotations, or --orthologs)."
            )
    if found == "symbol" and not {gene.upper() for gene in knowledge}.isdisjoint(gene.upper() for gene in data):
        return (
            "Some agree but for upper and lower case, as symbols of two species do (TP53 of human, Trp53 of mouse): "
            "carry the annotations over with a table of orthologs (kgnn.knowledge.transfer_annotations or --orthologs)."
        )
    return ""


def _species(ids: Iterable[str]) -> str:
    """The commonest letters for the species in Ensembl ids; human's have none."""
    counts: Counter[str] = Counter()
    for identifier in islice(ids, _SAMPLE):
        match = _ENSEMBL_SPECIES.match(_TAXON.sub("", identifier, count=1))
        if match is not None:
            counts[f"ENS{match[1]}"] += 1
    return counts.most_common(1)[0][0] if counts else "unknown"
