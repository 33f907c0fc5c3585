"""`kgnn compile` on every kind of hierarchy, with the real files: sizes, levels, and what was dropped by reason."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from kgnn import options
from kgnn.knowledge import ANNOTATION_FORMATS, ONTOLOGY_FORMATS
from kgnn.structure import Hierarchy
from tests import counted
from tests.commands import succeed


class Case(NamedTuple):
    """Files, the independent reader of them, further words of the command, and losses that were counted elsewhere."""

    read: Callable[..., Any]
    ontology: str
    annotations: str = ""
    words: tuple[str, ...] = ()
    dropped: tuple[tuple[str, str, int], ...] = ()


GO, REACTOME = "gene_ontology/go-basic_2021-12-15.obo.gz", "reactome/reactome_human_relation_2025-01-14.txt"
SLIM, YEAST = "gene_ontology/goslim_yeast_2016.obo", "gene_ontology/yeast_orf2go_2016.tsv.gz"
BP = ("--namespace", "biological_process")
REPEATED = "repeated in the file"
CASES = {
    "GO with the human GAF": Case(
        counted.obo,
        GO,
        "gene_ontology/goa_human_2019-01-14.gaf.gz",
        ("--super-root", "GO"),
        (("annotation", "qualifier NOT", 1_157), ("term", "obsolete", 47_261 - 43_789)),
    ),
    "GO with the yeast table": Case(counted.obo, GO, YEAST, BP),
    "GO slim with the yeast table": Case(counted.obo, SLIM, YEAST, BP),
    "GO slim with SGD's mapping": Case(
        counted.obo,
        SLIM,
        "gene_ontology/sgd_go_slim_mapping_2015.tab.gz",
        BP,
        (("annotation", "slim term 'other' has no GO id", 513),),
    ),
    "DrugCell": Case(counted.drugcell, "drugcell/drugcell_ont.txt.gz"),
    "NCI-60": Case(counted.drugcell, "drugcell_nci60/go.txt.gz"),
    "NeST-VNN": Case(counted.drugcell, "nest_vnn/ontology.txt"),
    **{
        f"XMR {name}": Case(
            counted.drugcell,
            f"xmr_tnbc/pathway_{name}.txt",
            dropped=(("annotation", REPEATED, repeated),) if repeated else (),
        )
        for name, repeated in {
            "Cell_Cycle": 116, "DNA_Repair": 0, "Disease": 38, "Metabolism": 33, "Signal_Transduction": 109
        }.items()
    },
    "DCell's topology": Case(counted.dcell, "dcell_yeast/GO_0006281_topology.txt"),
    "Reactome with UniProt": Case(
        counted.reactome,
        REACTOME,
        "reactome/uniprot_2_reactome_human_2025-01-14.tsv.gz",
        ("--species", "HSA", "--super-root", "Reactome"),
    ),
    "Reactome with the older gene sets": Case(
        counted.reactome,
        REACTOME,
        "reactome/ReactomePathways.gmt",
        ("--super-root", "Reactome"),
        (("annotation", "term unknown to the ontology", 103_378 - 102_113),),
    ),
    "Reactome's gene sets": Case(counted.gmt, "reactome/ReactomePathways.gmt"),
    "KEGG's gene sets": Case(counted.gmt, "deepkegg/20230205_kegg_hsa.gmt"),
    "hallmark sets": Case(counted.gmt, "networks/msigdb_hallmark_v2022.1.gmt"),
    "Pathway Ontology": Case(
        counted.obo,
        "singlecell/pw.obo.gz",
        "singlecell/pw_gene_term_mapping.txt",
        dropped=(("term", "obsolete", 24),),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_compile(shared_data: Path, tmp_path: Path, case: Case):
    files = [shared_data / file for file in (case.ontology, case.annotations) if file]
    words: list[str | Path] = ["compile", "--ontology", files[0], *case.words, "--out", tmp_path / "h.npz", "--json"]
    if case.annotations:
        words += ["--annotations", files[1]]
    printed = succeed(*words).json()
    namespace = (case.words[1],) if "--namespace" in case.words else ()
    super_root = case.words[-1] if "--super-root" in case.words else ""
    expected = counted.count(*case.read(*files, *namespace), super_root)
    assert {name: printed[name] for name in expected._fields} == expected._asdict()
    assert printed["fingerprint"] == Hierarchy.load(tmp_path / "h.npz").fingerprint
    dropped = {(each["what"], each["reason"], each["count"]) for each in printed["dropped"]}
    assert set(case.dropped) <= dropped
    assert printed["provenance"]["sources"][0]["name"] == files[0].name


def test_unknown_genes_of_xmr_are_named(shared_data: Path, tmp_path: Path):
    folder = shared_data / "xmr_tnbc"
    hierarchy, genes = folder / "pathway_Disease.txt", folder / "gene2ind.txt"
    words = ("compile", "--ontology", hierarchy, "--genes", genes, "--out", tmp_path / "h.npz")
    measured = {line.split("\t")[1] for line in counted.lines(genes)}
    annotated = {gene for gene, _ in counted.drugcell(hierarchy)[1]}
    unknown = sorted(annotated - measured)
    assert "SARS coronavirus, complete genome" in unknown
    shown = succeed(*words).out
    assert f"{len(unknown):,} genes: not measured ({', '.join(unknown[:5])}, …)" in shown
    assert f"{len(measured - annotated):,} genes: in the data but not annotated: left out" in shown
    assert f"\ngenes        {len(annotated & measured):,}\n" in shown


def test_layers_of_fixed_depth_of_reactome(shared_data: Path, tmp_path: Path):
    gmt = shared_data / "reactome" / "ReactomePathways.gmt"
    words = ("compile", "--ontology", shared_data / REACTOME, "--annotations", gmt, "--super-root", "Reactome")
    words += ("--max-depth", "5", "--skips", "copy", "--out", tmp_path / "h.npz")
    shown = succeed(*words).out
    hierarchy = Hierarchy.load(tmp_path / "h.npz")
    assert hierarchy.copy_of is not None
    copies = sum(hierarchy.copy_of[term] != term for term in range(hierarchy.n_terms))
    assert f"\ncopies       {copies:,}\n" in shown
    assert hierarchy.n_levels == 6
    assert set(hierarchy.level_of_term[hierarchy.annotation_term]) == {0}


def test_help_names_every_format():
    shown = succeed("compile", "--help").out
    assert "Formats of --ontology" in shown
    first, second = options.KNOWLEDGE_FORMATS.split("Formats of --annotations")
    for names, text in ((ONTOLOGY_FORMATS, first), (ANNOTATION_FORMATS, second)):
        listed = {word.strip() for line in text.splitlines() for word in line.partition("  ")[0].split(",")}
        assert set(names) <= listed
        assert all(name in shown for name in names)


def test_compiled_before(shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("KGNN_COMPILED_CACHE", str(tmp_path / "cache"))
    words = ("compile", "--ontology", shared_data / "nest_vnn" / "ontology.txt", "--out", tmp_path / "h.npz", "--json")
    first, second = succeed(*words).json(), succeed(*words).json()
    assert (first.pop("from_cache"), second.pop("from_cache")) == (False, True)
    assert first == second
    assert succeed(*words, "--no-cache").json()["from_cache"] is False
