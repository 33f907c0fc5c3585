"""docs/knowledge.md against the code: every format has a row, every row a reader that exists and a test that exists."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

import kgnn
from kgnn import knowledge

REPOSITORY = Path(__file__).resolve().parent.parent
PAGE = REPOSITORY / "docs" / "knowledge.md"
COLUMNS = ("source", "file", "reader", "test fact", "license", "tried on", "test")
FORMATS = {
    "Hierarchies": knowledge.ONTOLOGY_FORMATS,
    "Annotations": knowledge.ANNOTATION_FORMATS,
    "Networks": knowledge.NETWORK_FORMATS,
    "Motifs": knowledge.MOTIF_FORMATS,
    "Genome": knowledge.INTERVAL_FORMATS,
    "Contacts": knowledge.CONTACT_FORMATS,
    "Identifiers": knowledge.IDENTIFIER_FORMATS,
    "Orthologs": (),
    "Releases": (),
}
"""What each table of the page must have a row for."""
FORMAT = re.compile(r'--(?:annotation-)?format ([\w-]+)|format="([\w-]+)"')
TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


class Row(NamedTuple):
    """One line of a table, and the heading that it stands under."""

    section: str
    line: int
    cells: tuple[str, ...]

    def of(self, column: str) -> str:
        """The cell of a column."""
        return self.cells[COLUMNS.index(column)]


def rows_of(text: str) -> list[Row]:
    """Rows of every table of the page; the header and the line under it are left out."""
    section, found = "", []
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("## "):
            section = line[3:]
        if line.startswith("|"):
            found.append(Row(section, number, tuple(cell.strip() for cell in line.strip("|").split("|"))))
    headers = [row for row in found if row.cells[0] == COLUMNS[0]]
    assert {row.cells for row in headers} == {COLUMNS}
    return [row for row in found if row not in headers and set("".join(row.cells)) != {"-"}]


ROWS = rows_of(PAGE.read_text(encoding="utf-8"))


@cache
def functions_of(file: str) -> frozenset[str]:
    tree = ast.parse((REPOSITORY / file).read_text(encoding="utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


def names_in(cell: str) -> list[str]:
    """What a cell writes as the name of a function."""
    return re.findall(r"`([a-z]\w+)`", cell)


def test_no_row_lacks_a_cell():
    assert len(ROWS) > 70
    assert [row.line for row in ROWS if len(row.cells) != len(COLUMNS) or not all(row.cells)] == []
    assert {row.section for row in ROWS} == FORMATS.keys()


@pytest.mark.parametrize("section", FORMATS)
def test_every_format_has_a_row_and_no_row_another(section: str):
    rows = [row for row in ROWS if row.section == section]
    named = {"".join(found) for row in rows for found in FORMAT.findall(row.of("reader"))}
    assert named == set(FORMATS[section])


def test_every_mapping_of_formats_is_one_of_these():
    mappings = {name for name in dir(knowledge) if name.endswith("_FORMATS")}
    assert {id(getattr(knowledge, name)) for name in mappings} == {
        id(formats) for formats in FORMATS.values() if formats
    }


def test_every_reader_named_is_one_of_the_library():
    named = {name: row.line for row in ROWS for name in names_in(row.of("reader"))}
    assert [(name, line) for name, line in named.items() if not callable(getattr(knowledge, name, None))] == []
    assert [row.line for row in ROWS if not names_in(row.of("reader"))] == []


def test_every_reader_of_the_library_is_named():
    readers = {name for name in dir(knowledge) if name.startswith("read_")}
    doors = {"read_network", "read_motifs", "read_intervals", "read_contacts"}
    named = {name for row in ROWS for name in names_in(row.of("reader"))}
    assert doors <= set(names_in(PAGE.read_text(encoding="utf-8")))
    assert readers - doors - named == set()


def test_every_row_has_a_test_that_exists():
    tests = {row.line: TEST.findall(row.of("test")) for row in ROWS}
    assert [line for line, found in tests.items() if not found] == []
    lost = [(line, *test) for line, found in tests.items() for test in found if test[1] not in functions_of(test[0])]
    assert lost == []


def test_every_row_says_which_release_or_size_was_tried_or_that_a_person_wrote_it():
    assert [row.line for row in ROWS if not re.search(r"\d|written by hand|published", row.of("tried on"))] == []


def test_dois_are_those_that_the_library_names():
    doi = re.compile(r"doi:(10\.[^\s,;\"')]+[a-z\d])", re.IGNORECASE)
    code = "".join(file.read_text(encoding="utf-8") for file in (REPOSITORY / "kgnn" / "knowledge").glob("*.py"))
    named = {found for row in ROWS for found in doi.findall(row.of("license"))}
    # The authors of the NCI-60 set ask for theirs; it is no part of the library.
    assert named - set(doi.findall(code)) == {"10.5281/zenodo.7062992"}


def test_what_is_printed_is_printed(shared_data: Path, tmp_path: Path):
    from tests.commands import succeed

    folder = shared_data / "xmr_tnbc"
    words = ("--ontology", folder / "pathway_DNA_Repair.txt", "--genes", folder / "gene2ind.txt")
    printed = succeed("compile", *words, "--out", tmp_path / "dna_repair.npz").out.splitlines()
    block = PAGE.read_text(encoding="utf-8").partition("```text\n")[2].partition("```")[0].splitlines()
    assert block[0].startswith("$ kgnn compile")
    assert [line for line in block[1:] if line != "…" and line not in printed] == []


def test_the_page_is_in_the_navigation_and_names_no_machine():
    assert "knowledge.md" in (REPOSITORY / "mkdocs.yml").read_text(encoding="utf-8")
    text = PAGE.read_text(encoding="utf-8")
    assert re.findall(r"/work/|/tmp/|/home/|licence", text) == []
    assert all(hasattr(kgnn, name) for name in re.findall(r"`kgnn\.(\w+)`", text))
    assert max(len(line) for line in text.splitlines() if not line.startswith("|")) <= 120
