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


def test_pathway_ontology_that_other_parsers_refuse(shared_data):
    folder = shared_data / "singlecell"
    ontology = read_ontology(folder / "pw.obo.gz", folder / "pw_gene_term_mapping.txt")
    assert len(ontology.genes) == 5_955
    assert len({annotation.term for annotation in ontology.annotations}) == 995
    assert len(ontology.annotations) == 25_752
    assert ontology.provenance.sources[0].release == "7.52"
    assert "PW:0000000" in next(loss for loss in ontology.losses if loss[:2] == ("term", "obsolete")).names


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
