"""What to cite: for a paper's methods section, from what a provenance says of its sources."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from os import PathLike
from typing import Any

from kgnn.knowledge.fetch import list_sources
from kgnn.knowledge.provenance import Provenance

KGNN = "kgnn: knowledge-guided visible neural networks"
_SOURCE, SOFTWARE, METHOD = "source", "software", "method"
_DOI = re.compile(r"doi:\s*(10\.\S+?)(?=[;,)\s]|$)")
_ARTICLE = re.compile(r"^(?P<who>.+?),? (?P<year>[12]\d{3}),\s*(?P<where>.*?),?\s*doi:")


@dataclass(frozen=True)
class Citation:
    """One entry of a citation list.

    Attributes:
        kind: ``"source"`` (a published file), ``"software"`` or ``"method"`` (a published system).
        name: The file, the program or the system.
        release: Release or version, ``""`` where none is stated.
        licence: Licence, ``""`` where unknown.
        sha256: Digest of the file, ``""`` for what is no file.
        text: What to cite, ``""`` where nothing is known.
    """

    kind: str
    name: str
    release: str = ""
    licence: str = ""
    sha256: str = ""
    text: str = ""

    @property
    def dois(self) -> tuple[str, ...]:
        """Every doi in the text.

        Example:
            >>> Citation("method", "dcell", text="Ma et al. 2018, doi:10.1038/nmeth.4627; and others").dois
            ('10.1038/nmeth.4627',)
        """
        return tuple(_DOI.findall(self.text))

    def to_json(self) -> dict[str, Any]:
        """A value that `json` can write."""
        return {**asdict(self), "dois": list(self.dois)}


def cite_sources(provenance: Provenance, catalog: str | PathLike[str] | None = None) -> tuple[Citation, ...]:
    """The published files that an object was made from.

    What a file does not say of itself is taken from the list of published sources, where it has a file of this name.

    Args:
        provenance: Of an ontology, a hierarchy, samples or a run.
        catalog: Another file in the form of ``sources.toml``; None for the one that kgnn carries.

    Returns:
        One entry a source, in its order.

    Raises:
        SourceError: If the catalog cannot be read.

    Example:
        >>> from kgnn.knowledge.provenance import Source
        >>> (found,) = cite_sources(Provenance((Source("go-basic.obo", "00ff"),)))
        >>> found.licence, found.dois[0]
        ('CC BY 4.0', '10.1038/75556')
    """
    published = {source.file: source for source in list_sources(catalog)}
    found = []
    for source in provenance.sources:
        known = published.get(source.name)
        licence = source.licence or (known.licence if known else "")
        text = source.citation or (known.citation if known else "")
        found.append(Citation(_SOURCE, source.name, source.release, licence, source.sha256, text))
    return tuple(found)


def cite_kgnn(versions: Mapping[str, str] | None = None) -> Citation:
    """This program.

    Args:
        versions: Of a run, which states the version that it was made with; the installed one where None.
    """
    if versions and versions.get("kgnn"):
        return Citation(SOFTWARE, "kgnn", versions["kgnn"], "Apache-2.0", text=KGNN)
    from importlib.metadata import PackageNotFoundError, version

    try:
        release = version("kgnn")
    except PackageNotFoundError:
        release = ""
    return Citation(SOFTWARE, "kgnn", release, "Apache-2.0", text=KGNN)


def citation_lines(citations: Iterable[Citation]) -> list[str]:
    """Numbered lines for a methods section.

    Args:
        citations: Some citations.

    Returns:
        One line each.

    Example:
        >>> citation_lines([Citation("source", "my.obo", licence="CC0", sha256="00ff00ff00ff00ff")])
        ['[1] my.obo (release not stated; CC0; sha256 00ff00ff00ff): no citation known, say where it is from']
    """
    lines = []
    for number, each in enumerate(citations, 1):
        stated = {_SOURCE: "release", SOFTWARE: "version"}.get(each.kind, "")
        facts = [f"{stated} {each.release or 'not stated'}"] if stated else []
        facts += [each.licence or "licence not stated"] if each.kind == _SOURCE else [each.licence]
        facts += [f"sha256 {each.sha256[:12]}"] if each.sha256 else []
        listed = "; ".join(filter(None, facts))
        text = each.text or "no citation known, say where it is from"
        lines.append(f"[{number}] {each.name}{f' ({listed})' if listed else ''}: {text}")
    return lines


def bibtex(citations: Iterable[Citation]) -> str:
    """The same as BibTeX: an entry a file or program, and one for every article that is to be cited with it.

    Authors, year and journal are what the short citation says; a reference manager completes them by the doi.

    Args:
        citations: Some citations.

    Returns:
        The entries; each key once.

    Example:
        >>> print(bibtex([Citation("method", "dcell", text="Visible network, 2018, doi:10.1038/nmeth.4627")]))
        @article{dcell2018,
          title = {Visible network},
          year = {2018},
          doi = {10.1038/nmeth.4627}
        }
    """
    entries: dict[str, str] = {}
    for each in citations:
        if each.kind != METHOD:
            note = "; ".join(filter(None, [each.licence, f"sha256 {each.sha256}" if each.sha256 else ""]))
            fields = {"title": each.text if each.kind == SOFTWARE else each.name, "version": each.release, "note": note}
            key = re.sub(r"[^A-Za-z0-9]+", "_", f"{each.name}_{each.sha256[:8]}").strip("_")
            entries.setdefault(key, _entry("software" if each.kind == SOFTWARE else "misc", key, fields))
        for part in each.text.split(";"):
            if _DOI.search(part):
                key, fields = _article(part.strip(), each)
                entries.setdefault(key, _entry("article", key, fields))
    return "\n\n".join(entries.values())


def _article(text: str, cited: Citation) -> tuple[str, dict[str, str]]:
    """Key and fields of an article from its short form; of a published system the title comes first."""
    doi = _DOI.findall(text)[0]
    end = re.sub(r"[^A-Za-z0-9]", "", re.split(r"[./]", doi)[-1])
    found = _ARTICLE.match(text)
    if found is None:
        return f"doi_{end}", {"note": text, "doi": doi}
    who, year = found["who"], found["year"]
    if cited.kind == METHOD:
        return f"{cited.name}{year}", {"title": who, "year": year, "doi": doi}
    author = who.replace(" et al.", " and others").replace(" & ", " and ")
    author = author if " and " in author else f"{{{author}}}"
    word = next((word for word in re.findall(r"[A-Za-z]+", who) if word.lower() != "the"), "anonymous")
    return f"{word.lower()}{year}_{end}", {"author": author, "year": year, "note": found["where"], "doi": doi}


def _entry(kind: str, key: str, fields: Mapping[str, str]) -> str:
    lines = (f"  {name} = {{{value}}}" for name, value in fields.items() if value)
    return f"@{kind}{{{key},\n" + ",\n".join(lines) + "\n}"
