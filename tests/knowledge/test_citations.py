"""What to cite, as a list and as BibTeX."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kgnn.errors import SourceError
from kgnn.knowledge import Citation, Provenance, Source, bibtex, citation_lines, cite_kgnn, cite_sources
from kgnn.knowledge.annotations import GO_CITATION

DIGEST = "00ff" * 16


def test_what_a_file_says_of_itself_goes_before_the_catalog():
    sources = (
        Source("go-basic.obo", DIGEST, "2026-01-01", "CC0", "Me 2026, Journal 1:1, doi:10.1/x"),
        Source("go-basic.obo", DIGEST),
        Source("lab (β).txt", DIGEST, "v1"),
    )
    own, catalog, unknown = cite_sources(Provenance(sources, ("read",)))
    assert (own.release, own.licence, own.dois) == ("2026-01-01", "CC0", ("10.1/x",))
    assert (catalog.release, catalog.licence) == ("", "CC BY 4.0")
    assert catalog.dois == ("10.1038/75556", "10.1093/genetics/iyad031")
    assert (unknown.text, unknown.licence, unknown.sha256) == ("", "", DIGEST)


def test_every_source_of_the_catalog_has_a_doi():
    from kgnn.knowledge import list_sources

    sources = tuple(Source(each.file, DIGEST) for each in list_sources())
    assert [each.name for each in cite_sources(Provenance(sources)) if not each.dois] == []


def test_a_line_an_entry():
    lines = citation_lines([
        Citation("source", "go.obo", "2021-12-15", "CC BY 4.0", DIGEST, "Ashburner et al. 2000, doi:10.1038/75556"),
        Citation("source", "lab.txt", "", "", DIGEST),
        Citation("software", "kgnn", "0.1.0", "Apache-2.0", text="a program"),
        Citation("method", "dcell", text="Visible network, 2018, doi:10.1038/nmeth.4627"),
    ])  # fmt: skip
    assert lines == [
        "[1] go.obo (release 2021-12-15; CC BY 4.0; sha256 00ff00ff00ff): Ashburner et al. 2000, doi:10.1038/75556",
        "[2] lab.txt (release not stated; licence not stated; sha256 00ff00ff00ff): "
        "no citation known, say where it is from",
        "[3] kgnn (version 0.1.0; Apache-2.0): a program",
        "[4] dcell: Visible network, 2018, doi:10.1038/nmeth.4627",
    ]  # fmt: skip


def test_bibtex_has_an_entry_a_file_and_an_article_each_once():
    twice = [Citation("source", name, "r", "CC BY 4.0", DIGEST, GO_CITATION) for name in ("go.obo", "human gaf.gz")]
    text = bibtex([*twice, cite_kgnn({"kgnn": "1.2.3"}), Citation("source", "x", text="no short form doi:10.5/a_b")])
    keys = re.findall(r"^@(\w+)\{(.+),$", text, flags=re.M)
    assert keys == [
        ("misc", "go_obo_00ff00ff"), ("article", "ashburner2000_75556"), ("article", "gene2019_gky1055"),
        ("misc", "human_gaf_gz_00ff00ff"), ("software", "kgnn"), ("misc", "x"), ("article", "doi_ab"),
    ]  # fmt: skip
    assert "  author = {Ashburner and others},\n  year = {2000},\n  note = {Nature Genetics 25:25}," in text
    assert "  author = {{The Gene Ontology Consortium}}," in text
    assert "  version = {1.2.3}," in text
    assert text.count("{") == text.count("}")


def test_the_version_is_the_installed_one_where_a_run_states_none():
    from importlib.metadata import version

    assert cite_kgnn().release == cite_kgnn({}).release == version("kgnn")


def test_a_catalog_that_cannot_be_read(tmp_path: Path):
    with pytest.raises(SourceError, match="the list of sources cannot be read"):
        cite_sources(Provenance(), tmp_path / "none.toml")
