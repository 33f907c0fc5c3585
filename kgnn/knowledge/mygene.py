"""Names of genes from the MyGene.info service: asked only where a user calls for it, never by another part of kgnn.

Two kinds of request suffice, so the standard library makes them; the service's own client would bring three packages.
"""

from __future__ import annotations

import hashlib
import http.client
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from kgnn.errors import SourceError, name_some
from kgnn.knowledge.identifier_mapping import known_namespace
from kgnn.knowledge.identifiers import GeneNames, IdentifierTable
from kgnn.knowledge.namespaces import plain_identifier
from kgnn.knowledge.ontology import Loss
from kgnn.knowledge.provenance import Provenance, Source

MYGENE = "https://mygene.info/v3"
_SCOPES: Mapping[str, str] = MappingProxyType(
    {
        "symbol": "symbol,alias",
        "entrez": "entrezgene,retired",
        "ensembl_gene": "ensembl.gene",
        "ensembl_protein": "ensembl.protein",
        "uniprot": "uniprot",
        "yeast_orf": "locus_tag",
    }
)
_FIELDS = "symbol,alias,entrezgene,retired,ensembl.gene,ensembl.protein,uniprot.Swiss-Prot,locus_tag"
_BATCH = 1000
_TIMEOUT_SECONDS = 60
_CITATION = "Xin et al. 2016, Genome Biology 17:91, doi:10.1186/s13059-016-0953-9"


def ask_mygene(
    ids: Iterable[str], *, namespace: str | None = None, species: str = "human", url: str = MYGENE
) -> IdentifierTable:
    """The names of some genes, asked of MyGene.info over the network.

    The answers of another day may differ: keep the table, or better a release from HGNC or NCBI, with the work.

    Args:
        ids: Identifiers.
        namespace: What they are; guessed where None.
        species: Name or NCBI number of the organism, as the service knows it.
        url: Address of the service.

    Returns:
        A table with the genes that the service knows; the others are in its losses. Its source has the digest of the
        answers.

    Raises:
        AlignmentError: If the namespace cannot be guessed.
        SourceError: If the service cannot be reached, answers with an error or with something else than genes.

    References:
        Xin et al. 2016, doi:10.1186/s13059-016-0953-9.
    """
    listed = tuple(dict.fromkeys(ids))
    namespace = known_namespace(listed, namespace, "identifiers")
    genes: dict[GeneNames, None] = {}
    unknown: list[str] = []
    digest = hashlib.sha256()
    plain = list(dict.fromkeys(plain_identifier(identifier, namespace) for identifier in listed))
    for first in range(0, len(plain), _BATCH):
        part = plain[first : first + _BATCH]
        words = {"q": ",".join(part), "scopes": _SCOPES[namespace], "fields": _FIELDS, "species": species}
        answer = _post(f"{url}/query", words)
        digest.update(answer)
        for hit in _hits(answer, url):
            if hit.get("notfound"):
                unknown.append(str(hit["query"]))
            else:
                genes[_names(hit)] = None
    if not genes:
        raise SourceError(f"{url} knows none of {name_some(listed)} as {namespace} of {species}. Check both.")
    source = Source(url, digest.hexdigest(), citation=_CITATION)
    step = f"asked MyGene.info for {len(plain):,} genes of {species}"
    losses = (Loss("gene", "unknown to MyGene.info", tuple(unknown)),) if unknown else ()
    return IdentifierTable(tuple(genes), provenance=Provenance((source,), (step,)), losses=losses)


def _post(url: str, words: Mapping[str, str]) -> bytes:
    offline = "Ask again with a network, or give a file of identifiers."
    try:
        with urlopen(Request(url, data=urlencode(words).encode()), timeout=_TIMEOUT_SECONDS) as response:
            return response.read()
    except HTTPError as error:
        raise SourceError(f"{url} answers {error.code} {error.reason}. {offline}") from error
    except URLError as error:
        raise SourceError(f"cannot reach {url} ({error.reason}). {offline}") from error
    except (OSError, http.client.HTTPException) as error:
        raise SourceError(f"{url} broke off ({error}). {offline}") from error


def _hits(answer: bytes, url: str) -> Iterator[Mapping[str, Any]]:
    try:
        hits = json.loads(answer)
    except ValueError:
        hits = None
    if not isinstance(hits, list) or not all(isinstance(hit, dict) and "query" in hit for hit in hits):
        raise SourceError(
            f"{url} answers {answer[:60]!r}, which is no list of genes. Is this the address of MyGene.info?"
        )
    yield from hits


def _names(hit: Mapping[str, Any]) -> GeneNames:
    ensembl = _listed(hit.get("ensembl"))
    return GeneNames(
        symbol=_texts(hit.get("symbol")),
        entrez=_texts(hit.get("entrezgene")),
        ensembl_gene=tuple(name for each in ensembl for name in _texts(each.get("gene"))),
        ensembl_protein=tuple(name for each in ensembl for name in _texts(each.get("protein"))),
        uniprot=tuple(name for each in _listed(hit.get("uniprot")) for name in _texts(each.get("Swiss-Prot"))),
        yeast_orf=_texts(hit.get("locus_tag")),
        aliases=_texts(hit.get("alias")),
        previous=_texts(hit.get("retired")),
    )


def _listed(value: Any) -> Sequence[Any]:
    """One value, several or none as a sequence: the service leaves the brackets of single values away."""
    return () if value is None else value if isinstance(value, list) else (value,)


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(str(each) for each in _listed(value))
