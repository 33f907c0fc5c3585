"""Damaged files of every format: an error that a user can act on or the right result, never a traceback.

To add a format, add a line to `SUBJECTS` (a text written here or elsewhere in the tests, and a function from its path
to the facts that were read) or to `REAL` (a file of the shared data, read through the command line).
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Hashable
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kgnn.errors import FormatError
from kgnn.knowledge import Ontology, read_ontology
from tests.commands import run_command
from tests.knowledge import test_hierarchy_cx2, test_kegg, test_mesh, test_reactome
from tests.knowledge.test_further_tables import HPO
from tests.mutations import LESS, MUTATIONS, REFUSED, SAME, Subject, check
from tests.written import small_toy, write_drugcell_text, write_gaf, write_obo


def facts(ontology: Ontology) -> frozenset[Hashable]:
    """Terms without their names (a cut name of a term is seen by its readers' own tests), relations, annotations."""
    return frozenset([*ontology.terms, *ontology.relations, *ontology.annotations])


def hierarchy(text: str, **choices) -> Subject:
    return Subject(text.encode(), lambda path: facts(read_ontology(path, **choices)), choices.pop("name", "file"))


def with_ontology(text: str, ontology: str) -> Subject:
    """Annotations, read with the ontology that they belong to."""

    def read(path: Path) -> frozenset[Hashable]:
        terms = path.with_name("ontology")
        terms.write_text(ontology)
        return facts(read_ontology(terms, path))

    return Subject(text.encode(), read)


def text_of(write: Callable[[Ontology, Path], Path]) -> str:
    with TemporaryDirectory() as folder:
        return write(small_toy()[0], Path(folder) / "file").read_text()


def obo_of(*terms: str) -> str:
    return "\n".join(f"[Term]\nid: {term}\nname: name of {term}\n" for term in terms)


DCELL = "ROOT: A 3\nGENES: g1\nTERMS: B C\nROOT: B 1\nGENES: g2\nTERMS:\nROOT: C 1\nGENES: g3\nTERMS:\n"
GMT = "HYPOXIA\thttp://a\tPGK1\tPDK1\tLDHA\nMYC\thttp://b\tODC1\tLDHA\nP53\thttp://c\tCDKN1A\tMDM2\tBAX\n"
HPO_OBO = obo_of("HP:1", "HP:2")
SLIM = "YLR035C\tMLH2\tS000004025\tP\tDNA repair\tGO:1\tORF\nYAL001C\t\tS000000001\tP\ttranscription\tGO:2\tORF\n"
RELATIONS = "".join(f"{line}\n" for line in sorted(set(test_reactome.RELATIONS.splitlines())))
MEMBERS = test_reactome.MEMBERS[6] + "P3\tR-HSA-109606\thttps://x\tname\tTAS\tHomo sapiens\n"

SUBJECTS = {
    "obo": hierarchy(text_of(write_obo)),
    "drugcell": hierarchy(text_of(write_drugcell_text)),
    "dcell": hierarchy(DCELL),
    "reactome": hierarchy(RELATIONS + "R-HSA-109581\tR-HSA-8\n"),
    "reactome members": with_ontology(MEMBERS, RELATIONS),
    "gmt": Subject(GMT.encode(), lambda path: facts(read_ontology(path)), "sets.gmt"),
    "kegg": hierarchy(test_kegg.GENES),
    "kegg maps": hierarchy(test_kegg.MAPS),
    "kgml": hierarchy(test_kegg.KGML),
    "mesh ASCII": hierarchy(test_mesh.ascii_text()),
    "mesh XML": hierarchy(test_mesh.xml_text()),
    "cx2": hierarchy(json.dumps(test_hierarchy_cx2.network(), indent=1) + "\n"),
    "gaf": with_ontology(text_of(write_gaf), text_of(write_obo)),
    "table": with_ontology("gene\tterm\tevidence\nTP53\tA\tIDA\nMDM2\tB\tTAS\n", obo_of("A", "B")),
    "table, term first": with_ontology("A\tTP53\nB\tMDM2\n", obo_of("A", "B")),
    "hpo": with_ontology(HPO["genes_to_phenotype"], HPO_OBO),
    "hpo, phenotype first": with_ontology(HPO["phenotype_to_genes"].lstrip("#"), HPO_OBO),
    "sgd slim": with_ontology(SLIM, obo_of("GO:1", "GO:2")),
}


@pytest.mark.parametrize("mutation", MUTATIONS)
@pytest.mark.parametrize("subject", SUBJECTS.values(), ids=SUBJECTS)
@settings(max_examples=3, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32))
def test_damaged_texts(subject: Subject, mutation: str, seed: int):
    with TemporaryDirectory() as folder:
        check(subject, mutation, Path(folder), seed)


@pytest.mark.parametrize("subject", SUBJECTS.values(), ids=SUBJECTS)
def test_cut_at_every_place_of_the_last_lines(subject: Subject, tmp_path: Path):
    path = tmp_path / subject.name
    path.write_bytes(subject.content)
    whole = subject.read(path)
    for end in range(len(subject.content) - 60, len(subject.content)):
        path.write_bytes(subject.content[:end])
        try:
            found = subject.read(path)
        except FormatError:
            continue
        assert found <= whole, subject.content[:end][-40:]


@pytest.mark.parametrize(
    "text", ["", "\n", "\t\t\n", "\0", "{}", "<", "+D", "[]", "[{}]", "*NEWRECORD", "ROOT:", "!\n"]
)
@pytest.mark.parametrize("kind", ["obo", "reactome", "kegg", "kgml", "mesh", "gmt", "drugcell", "dcell", "cx2", None])
def test_scraps_in_any_format(tmp_path: Path, text: str, kind: str | None):
    path = tmp_path / "scrap"
    path.write_text(text)
    with pytest.raises(FormatError, match="scrap"):
        read_ontology(path, format=kind)


REAL = {
    "NeST": ("nest_vnn/ontology.txt", ()),
    "XMR": ("xmr_tnbc/pathway_DNA_Repair.txt", ()),
    "DCell": ("dcell_yeast/GO_0006281_topology.txt", ()),
    "Reactome": ("reactome/reactome_human_relation_2025-01-14.txt", ("--annotations", "reactome/ReactomePathways.gmt")),
    "hallmark": ("networks/msigdb_hallmark_v2022.1.gmt", ()),
    "GO slim": ("gene_ontology/goslim_yeast_2016.obo", ("--annotations", "gene_ontology/yeast_orf2go_2016.tsv.gz")),
}


@pytest.fixture(scope="module")
def of_whole_files() -> dict[str, dict]:
    """What the command prints of the undamaged files, kept for all damages."""
    return {}


@pytest.mark.parametrize("mutation", MUTATIONS)
@pytest.mark.parametrize("name", REAL)
def test_damaged_copies_of_real_files_on_the_command_line(
    shared_data: Path, tmp_path: Path, of_whole_files: dict[str, dict], name: str, mutation: str
):
    file, words = REAL[name]
    source = shared_data / file
    options = [str(shared_data / word) if "/" in word else word for word in words]

    def compiled(content: bytes) -> tuple[int, dict]:
        path = tmp_path / source.name
        path.write_bytes(content)
        out = tmp_path / "h.npz"
        ended = run_command("compile", "--ontology", path, *options, "--super-root", "TOP", "--out", out, "--json")
        if ended.code:
            assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
            assert ended.err.startswith("error: ")
            assert not out.exists()
            return 2, {}
        out.unlink()
        return 0, ended.json()

    whole = source.read_bytes()
    code, found = compiled(MUTATIONS[mutation](whole, Random(name + mutation)))
    if name not in of_whole_files:
        of_whole_files[name] = compiled(whole)[1]
    right = of_whole_files[name]
    if mutation in REFUSED:
        assert code == 2
    if mutation in SAME:
        assert found["fingerprint"] == right["fingerprint"]
    if mutation in LESS and code == 0:
        sizes = ("terms", "relations", "annotations", "genes")
        assert all(found[size] <= right[size] for size in sizes)


def test_a_file_of_a_million_lines(tmp_path: Path):
    path = tmp_path / "ontology.txt.gz"
    lines = ["root\tA\tdefault\n", *(f"A\tg{number % 1000}\tgene\n" for number in range(999_998)), "A\tg1\tgne\n"]
    path.write_bytes(gzip.compress("".join(lines).encode(), compresslevel=1, mtime=0))
    with pytest.raises(FormatError, match="line 1000000: kind is 'gne'"):
        read_ontology(path)
