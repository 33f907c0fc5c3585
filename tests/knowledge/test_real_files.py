"""Published files as they are; skipped where the real data are absent."""

from __future__ import annotations

import time

import pytest

from kgnn.knowledge.obo import read_obo
from kgnn.knowledge.prune import PRUNING_PRESETS, losses_by_reason, prune
from kgnn.knowledge.read import read_ontology
from kgnn.knowledge.restrict import keep_namespace
from kgnn.knowledge.rules import depths


def test_drugcell(shared_data):
    ontology = read_ontology(shared_data / "drugcell" / "drugcell_ont.txt.gz")
    assert len(ontology.relations) == 3_167
    assert len(ontology.annotations) == 59_753
    assert len(ontology.terms) == 2_086
    assert len(ontology.genes) == 3_008
    assert ontology.roots == ("GO:0008150",)
    assert max(depths(ontology).values()) == 5
    assert ontology.losses == ()


def test_nest(shared_data):
    ontology = read_ontology(shared_data / "nest_vnn" / "ontology.txt")
    sizes = (len(ontology.terms), len(ontology.relations), len(ontology.annotations), len(ontology.genes))
    assert sizes == (131, 150, 1_366, 718)
    assert ontology.roots == ("NEST",)


def test_dcell(shared_data):
    ontology = read_ontology(shared_data / "dcell_yeast" / "GO_0006281_topology.txt")
    assert (len(ontology.terms), len(ontology.relations), len(ontology.genes)) == (21, 25, 162)
    assert ontology.roots == ("GO:0006281",)
    assert len(ontology.gene_sets["GO:0006302"]) == 69


FACTS = {
    # double-strand break repair by homologous recombination needs BRCA1
    "drugcell": ("drugcell/drugcell_ont.txt.gz", "GO:0006281", "GO:0006259", "GO:0000724", "BRCA1"),
    "NCI-60": ("drugcell_nci60/go.txt.gz", "GO:0006281", "GO:0006259", "GO:0000724", "BRCA1"),
    # the assembly of the kinases that palbociclib blocks
    "NeST": ("nest_vnn/ontology.txt", "NEST:150", "NEST:110", "NEST:150", "CDK4"),
    # mismatch repair, glycolysis, mitotic cell cycle, its diseases, NOTCH
    "XMR DNA_Repair": ("xmr_tnbc/pathway_DNA_Repair.txt", "R-HSA-5358508", "R-HSA-73894", "R-HSA-5358508", "MLH1"),
    "XMR Metabolism": ("xmr_tnbc/pathway_Metabolism.txt", "R-HSA-70171", "R-HSA-70326", "R-HSA-70171", "HK1"),
    "XMR Cell_Cycle": ("xmr_tnbc/pathway_Cell_Cycle.txt", "R-HSA-69278", "R-HSA-1640170", "R-HSA-69278", "CDK4"),
    "XMR Disease": ("xmr_tnbc/pathway_Disease.txt", "R-HSA-9675126", "R-HSA-1643685", "R-HSA-9675126", "CDK4"),
    "XMR Signal_Transduction": (
        "xmr_tnbc/pathway_Signal_Transduction.txt", "R-HSA-157118", "R-HSA-162582", "R-HSA-157118", "NOTCH1"
    ),
    # double-strand break repair; RAD52 anneals single strands
    "DCell": ("dcell_yeast/GO_0006281_topology.txt", "GO:0006302", "GO:0006281", "GO:0045002", "YML032C"),
}  # fmt: skip


@pytest.mark.parametrize(("file", "child", "parent", "term", "gene"), FACTS.values(), ids=FACTS)
def test_a_term_and_a_gene_stand_where_biology_puts_them(shared_data, file, child, parent, term, gene):
    ontology = read_ontology(shared_data / file)
    assert parent in ontology.parents[child]
    assert child not in ontology.parents[parent]
    assert gene in ontology.direct_genes[term]


def test_yeast_genes_on_the_whole_gene_ontology(shared_data):
    folder = shared_data / "gene_ontology"
    obo, table = folder / "go-basic_2021-12-15.obo.gz", folder / "yeast_orf2go_2016.tsv.gz"
    ontology = read_ontology(obo, table, root="GO:0006281")
    # RAD52 repairs double-strand breaks.
    assert "YML032C" in ontology.gene_sets["GO:0006302"]


def test_pathway_ontology_that_other_parsers_refuse(shared_data):
    folder = shared_data / "singlecell"
    ontology = read_ontology(folder / "pw.obo.gz", folder / "pw_gene_term_mapping.txt")
    assert len(ontology.genes) == 5_955
    assert len({annotation.term for annotation in ontology.annotations}) == 995
    assert len(ontology.annotations) == 25_752
    assert ontology.provenance.sources[0].release == "7.52"
    assert "PW:0000000" in next(loss for loss in ontology.losses if loss[:2] == ("term", "obsolete")).names
    # The intrinsic apoptotic pathway, which BID starts.
    assert ontology.parents["PW:0000104"] == ("PW:0000009",)
    assert ontology.terms["PW:0000009"].name == "apoptotic cell death pathway"
    assert "BID" in ontology.direct_genes["PW:0000104"]


def test_yeast_slim_with_a_table_of_evidence(shared_data):
    folder = shared_data / "gene_ontology"
    table = folder / "yeast_orf2go_2016.tsv.gz"
    ontology = read_ontology(folder / "goslim_yeast_2016.obo", table, evidence="no_genetic_interaction")
    assert len(ontology.roots) == 3
    assert not {annotation.evidence for annotation in ontology.annotations} & {"IGI", "HGI"}
    assert losses_by_reason(ontology)["annotation", "evidence code IGI not chosen"] > 0


@pytest.fixture(scope="module")
def gene_ontology(shared_data):
    folder = shared_data / "gene_ontology"
    start = time.process_time()
    ontology = read_ontology(folder / "go-basic_2021-12-15.obo.gz", folder / "goa_human_2019-01-14.gaf.gz")
    return ontology, time.process_time() - start


def test_the_whole_gene_ontology(gene_ontology):
    ontology, seconds = gene_ontology
    assert len(ontology.terms) == 43_789
    assert set(ontology.roots) == {"GO:0003674", "GO:0005575", "GO:0008150"}
    assert losses_by_reason(ontology)["annotation", "qualifier NOT"] == 1_157
    unusable = [loss for loss in ontology.losses if loss.reason.startswith("term ")]
    assert len({name.split()[1] for loss in unusable for name in loss.names}) == 158
    start = time.process_time()
    pruned = prune(ontology, root="GO:0008150", **PRUNING_PRESETS["drugcell"])
    assert (len(pruned.terms), len(pruned.relations)) == (3_635, 5_945)
    assert max(depths(pruned).values()) == 5
    assert seconds + time.process_time() - start < 30
    assert pruned.gene_sets == {term: ontology.gene_sets[term] for term in pruned.terms}


def test_dna_repair_and_p53_in_the_gene_ontology(gene_ontology):
    ontology, _ = gene_ontology
    assert ontology.terms["GO:0006281"].name == "DNA repair"
    assert "GO:0006259" in ontology.parents["GO:0006281"]
    assert ontology.terms["GO:0006259"].name == "DNA metabolic process"
    # The response to DNA damage, and activity as a transcription factor.
    assert "TP53" in ontology.direct_genes["GO:0006974"] & ontology.direct_genes["GO:0003700"]


def test_drugcell_is_nearly_made_again_from_the_gene_ontology(gene_ontology, shared_data):
    """The preset on other releases gives 78 % of the published terms, and nearly as many terms and relations."""
    published = read_ontology(shared_data / "drugcell" / "drugcell_ont.txt.gz")
    processes = keep_namespace(gene_ontology[0], "BP")
    made = prune(processes, root="GO:0008150", genes=published.genes, **PRUNING_PRESETS["drugcell"])
    assert (len(made.terms), len(made.relations)) == (1_900, 3_177)
    assert len(set(made.terms) & set(published.terms)) == 1_622


def test_relations_by_choice(shared_data):
    ontology, _ = read_obo(shared_data / "gene_ontology" / "go-basic_2021-12-15.obo.gz", "is_a", namespace="MF")
    assert {relation.type for relation in ontology.relations} == {"is_a"}
    assert ontology.roots == ("GO:0003674",)
