"""Namespaces, tables of gene names in every format, maps with their reports, and what malformed tables give."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgnn.errors import AlignmentError, FormatError, KgnnError
from kgnn.knowledge import (
    Annotation,
    GeneNames,
    IdentifierTable,
    Ontology,
    Relation,
    Term,
    guess_namespace,
    map_identifiers,
    ncbi_genes,
    read_identifiers,
    read_ontology,
    translate_genes,
)
from kgnn.knowledge.namespaces import NAMESPACES, explain_mismatch, has_form, plain_identifier

HGNC = """\
hgnc_id\tsymbol\tname\tstatus\talias_symbol\tprev_symbol\tentrez_id\tensembl_gene_id\tuniprot_ids
HGNC:11998\tTP53\ttumor protein p53\tApproved\t"p53|LFS1"\t\t7157\tENSG00000141510\tP04637
HGNC:7323\tSEPTIN9\tseptin 9\tApproved\t"MSF|AF17q25"\tSEPT9\t10801\tENSG00000184640\tQ9UHD8
HGNC:2\tMSFX\tmade up\tApproved\tMSF\t\t99\tENSG00000000099\tP99999|Q99999
HGNC:3\tGONE1~withdrawn\tsymbol withdrawn\tSymbol Withdrawn\t\t\t\t\t
"""


@pytest.fixture
def hgnc(tmp_path: Path) -> IdentifierTable:
    return read_identifiers(written(tmp_path / "hgnc.txt", HGNC))


def written(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


# --- namespaces


@pytest.mark.parametrize(
    ("identifier", "namespace"),
    [
        ("TP53", "symbol"),
        ("HLA-A", "symbol"),
        ("Nkx2.1", "symbol"),
        ("7157", "entrez"),
        ("ENSG00000141510.17", "ensembl_gene"),
        ("ENSMUSG00000059552", "ensembl_gene"),
        ("9606.ENSP00000269305", "ensembl_protein"),
        ("P04637-2", "uniprot"),
        ("A0A024R161", "uniprot"),
        ("YLR035C", "yeast_orf"),
        ("4932.YAL068W-A", "yeast_orf"),
        ("Q0045", "yeast_orf"),
    ],
)
def test_a_form_belongs_to_one_namespace(identifier: str, namespace: str):
    assert guess_namespace([identifier]) == namespace


def test_the_majority_decides_and_half_is_needed():
    assert guess_namespace(["ENSG00000141510", "ENSG00000012048", "TP53"]) == "ensembl_gene"
    assert guess_namespace(["ENSG00000141510", "TP53", "7157"]) == ""
    assert guess_namespace([]) == ""
    assert guess_namespace(["GO:0006915 x", "a b"]) == ""


@given(st.text(max_size=20), st.sampled_from(sorted(NAMESPACES)))
def test_the_plain_form_is_plain(text: str, namespace: str):
    plain = plain_identifier(text, namespace)
    assert plain_identifier(plain, namespace) == plain


def test_versions_isoforms_and_organisms_are_taken_off():
    assert plain_identifier("ENSG00000182378.15_PAR_Y", "ensembl_gene") == "ENSG00000182378"
    assert plain_identifier("7157.0", "entrez") == "7157"
    assert plain_identifier("Nkx2.1", "symbol") == "Nkx2.1"
    assert not has_form("TP53", "uniprot")


def test_why_two_lists_do_not_meet():
    assert "These look like Ensembl gene ids, the genes of the ontology like gene symbols" in explain_mismatch(
        ["ENSG00000141510.17"], ["TP53"]
    )
    assert "--identifiers TABLE --from symbol --to ensembl_gene" in explain_mismatch(["ENSG00000141510"], ["TP53"])
    assert "once versions are taken off" in explain_mismatch(["ENSG00000141510.17"], ["ENSG00000141510"])
    assert "two species (ENSMUS and ENS)" in explain_mismatch(["ENSMUSG00000059552"], ["ENSG00000141510"])
    assert "upper and lower case" in explain_mismatch(["Brca1"], ["BRCA1"])
    assert explain_mismatch(["FOO"], ["BAR"]) == ""


# --- maps


def test_a_map_and_its_report(hgnc: IdentifierTable):
    ids = ["TP53", "SEPT9", "p53", "NOPE", "MSFX"]
    mapping, report = map_identifiers(ids, to="ensembl_gene", table=hgnc)
    assert mapping == {
        "TP53": ("ENSG00000141510",),
        "SEPT9": ("ENSG00000184640",),
        "p53": ("ENSG00000141510",),
        "MSFX": ("ENSG00000000099",),
    }
    assert (report.n_ids, report.n_mapped, report.n_lost) == (5, 4, 1)
    assert (report.aliases, report.retired, report.merged) == (("p53",), ("SEPT9",), ("ENSG00000141510",))
    assert report.lost == {"not in hgnc.txt": ("NOPE",)}
    assert str(report).startswith("4 of 5 gene symbols to Ensembl gene ids; 1 by an alias (p53); 1 retired (SEPT9)")
    assert report.to_json()["lost"] == {"not in hgnc.txt": ["NOPE"]}


def test_every_policy_for_one_to_many(hgnc: IdentifierTable):
    with pytest.raises(AlignmentError, match=r"1 of 2 gene symbols stand for several .*MSF \(10801 or 99\)"):
        map_identifiers(["MSF", "TP53"], to="entrez", table=hgnc, namespace="symbol")
    found = {}
    for policy in ("first", "all", "drop"):
        mapping, report = map_identifiers(["MSF", "TP53"], to="entrez", table=hgnc, policy=policy)
        assert report.ambiguous == ("MSF",)
        found[policy] = mapping.get("MSF")
    assert found == {"first": ("10801",), "all": ("10801", "99"), "drop": None}
    with pytest.raises(KgnnError, match=r"policy is 'any'.*all, drop, error, first"):
        map_identifiers(["TP53"], to="entrez", table=hgnc, policy="any")


def test_symbols_brought_up_to_date(hgnc: IdentifierTable):
    mapping, report = map_identifiers(["SEPT9", "TP53"], to="symbol", table=hgnc)
    assert mapping == {"SEPT9": ("SEPTIN9",), "TP53": ("TP53",)}
    assert report.retired == ("SEPT9",)


def test_withdrawn_names_are_said(hgnc: IdentifierTable):
    _, report = map_identifiers(["GONE1~withdrawn", "TP53"], to="entrez", table=hgnc, namespace="symbol")
    assert report.retired == ("GONE1~withdrawn",)
    assert report.lost == {"withdrawn without a successor": ("GONE1~withdrawn",)}


def test_versions_are_said(hgnc: IdentifierTable):
    mapping, report = map_identifiers(["ENSG00000141510.17"], to="symbol", table=hgnc)
    assert mapping == {"ENSG00000141510.17": ("TP53",)}
    assert report.versioned == ("ENSG00000141510.17",)
    assert "1 with a version or prefix taken off" in str(report)


def test_a_table_without_the_namespace(hgnc: IdentifierTable):
    with pytest.raises(AlignmentError, match="hgnc.txt has no yeast ORF names; it has symbol, entrez, ensembl_gene"):
        map_identifiers(["TP53"], to="yeast_orf", table=hgnc)
    with pytest.raises(AlignmentError, match="the 2 identifiers .* look like no known kind"):
        map_identifiers(["x y", "a b"], to="entrez", table=hgnc)
    with pytest.raises(AlignmentError, match="none of the 1 gene symbols"):
        map_identifiers(["NOPE"], to="entrez", table=hgnc)
    with pytest.raises(KgnnError, match="to is 'hgnc'"):
        map_identifiers(["TP53"], to="hgnc", table=hgnc)


def ontology_of(*annotations: tuple[str, str]) -> Ontology:
    terms = {name: Term(name, name) for name in ("root", "leaf")}
    return Ontology(terms, (Relation("leaf", "root"),), tuple(Annotation(*each) for each in annotations))


def test_the_genes_of_an_ontology(hgnc: IdentifierTable):
    ontology = ontology_of(("TP53", "leaf"), ("p53", "leaf"), ("SEPT9", "root"), ("NOPE", "root"))
    changed, report = translate_genes(ontology, hgnc, to="entrez")
    assert set(changed.annotations) == {Annotation("7157", "leaf"), Annotation("10801", "root")}
    assert (report.n_annotations, report.n_annotations_lost, report.share_of_annotations_lost) == (4, 1, 0.25)
    reasons = {(loss.what, loss.reason): loss.names for loss in changed.losses}
    assert reasons["annotation", "gene not in hgnc.txt"] == ("NOPE root",)
    assert changed.provenance.sources[-1].name == "hgnc.txt"
    assert changed.fingerprint != ontology.fingerprint


def test_genes_take_the_names_of_the_data(hgnc: IdentifierTable):
    ontology = ontology_of(("TP53", "leaf"), ("SEPT9", "root"), ("MSFX", "root"))
    measured = ["ENSG00000184640.12", "ENSG00000141510.17"]
    changed, report = translate_genes(ontology, hgnc, measured=measured)
    assert set(changed.genes) == {*measured, "ENSG00000000099"}
    assert set(report.versioned) == set(measured)


def test_symbols_of_two_ages_meet(hgnc: IdentifierTable):
    ontology = ontology_of(("SEPTIN9", "leaf"), ("TP53", "leaf"))
    changed, _ = translate_genes(ontology, hgnc, measured=["SEPT9", "TP53"])
    assert changed.genes == ("SEPT9", "TP53")


def test_a_gene_measured_twice_is_ambiguous(hgnc: IdentifierTable):
    ontology = ontology_of(("TP53", "leaf"))
    measured = ["ENSG00000141510.17", "ENSG00000141510.17_PAR_Y"]
    with pytest.raises(AlignmentError, match=r"1 of 1 gene symbols stand for several Ensembl gene ids"):
        translate_genes(ontology, hgnc, measured=measured)
    assert translate_genes(ontology, hgnc, measured=measured, policy="all")[0].genes == tuple(measured)


@given(st.data())
def test_a_map_there_and_back(data: st.DataObject):
    """Where every gene has one name in each namespace, a map there and back is the identity and loses nothing."""
    numbers = data.draw(st.lists(st.integers(1, 10**6), min_size=1, max_size=20, unique=True))
    genes = tuple(GeneNames(symbol=(f"G{n}x",), entrez=(str(n),), ensembl_gene=(f"ENSG{n:011d}",)) for n in numbers)
    table = IdentifierTable(genes)
    ids = [gene.symbol[0] for gene in genes]
    there, first = map_identifiers(ids, to="ensembl_gene", table=table)
    back, second = map_identifiers([names[0] for names in there.values()], to="symbol", table=table)
    assert [names[0] for names in back.values()] == ids
    assert first.n_lost == second.n_lost == 0


# --- formats


def test_hgnc(hgnc: IdentifierTable):
    assert len(hgnc.genes) == 3
    assert hgnc.genes[1] == GeneNames(
        symbol=("SEPTIN9",),
        entrez=("10801",),
        ensembl_gene=("ENSG00000184640",),
        uniprot=("Q9UHD8",),
        aliases=("MSF", "AF17q25"),
        previous=("SEPT9",),
    )
    assert hgnc.genes[2].uniprot == ("P99999", "Q99999")
    assert hgnc.withdrawn == {"GONE1~withdrawn"}


def test_biomart_with_versions_and_repeated_lines(tmp_path: Path):
    text = "Gene stable ID version,Gene name,Protein stable ID\nENSG00000141510.17,TP53,ENSP00000269305\n"
    text += "ENSG00000141510.17,TP53,ENSP00000352610\nENSG00000141510.17,TP53,ENSP00000352610\nENSG00000000001.1,,\n"
    table = read_identifiers(written(tmp_path / "mart.csv", text))
    assert len(table.genes) == 3
    mapping, report = map_identifiers(["TP53"], to="ensembl_gene", table=table)
    assert mapping == {"TP53": ("ENSG00000141510",)}
    assert report.ambiguous == ()
    assert map_identifiers(["TP53"], to="ensembl_protein", table=table, policy="all")[0]["TP53"] == (
        "ENSP00000269305",
        "ENSP00000352610",
    )


GENE_INFO = """\
#tax_id\tGeneID\tSymbol\tLocusTag\tSynonyms\tdbXrefs
9606\t7157\tTP53\t-\tBCC7|LFS1|P53\tMIM:191170|HGNC:HGNC:11998|Ensembl:ENSG00000141510
10090\t22059\tTrp53\t-\tbbl|p53\tMGI:MGI:98834|Ensembl:ENSMUSG00000059552
"""


def test_gene_info_of_one_organism(tmp_path: Path):
    path = written(tmp_path / "gene_info", GENE_INFO)
    with pytest.raises(FormatError, match=r"holds 2 organisms: 9606, 10090. Choose one, e.g. taxon=9606"):
        read_identifiers(path)
    table = read_identifiers(path, taxon=10090)
    assert table.genes == (GeneNames(("Trp53",), ("22059",), ("ENSMUSG00000059552",), aliases=("bbl", "p53")),)
    assert table.losses[0].names == ("9606",)
    with pytest.raises(FormatError, match="holds no gene of the organism 7227"):
        read_identifiers(path, taxon=7227)


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_two_columns_in_either_order_without_a_header(tmp_path: Path, swapped: bool, end: str):
    rows = [("ENSG00000141510", "TP53"), ("ENSG00000012048", "BRCA1")]
    text = "".join("\t".join(row[::-1] if swapped else row) + end for row in rows)
    table = read_identifiers(written(tmp_path / "t.tsv", text))
    assert map_identifiers(["BRCA1"], to="ensembl_gene", table=table)[0] == {"BRCA1": ("ENSG00000012048",)}


def test_idmapping_keeps_what_has_the_right_form(tmp_path: Path):
    text = (
        "P04637\tUniProtKB-ID\tP53_HUMAN\nP04637\tGene_Name\tTP53\nP04637\tGene_Synonym\tP53\nP04637\tGeneID\t7157\n"
        "P04637\tEnsembl\tENSG00000141510.17\nP04637\tEnsembl_TRS\tENST00000269305\n"
        "P04637-2\tEnsembl_PRO\tENSP00000391127.1\nP04637\tNCBI_TaxID\t9606\n"
    )
    table = read_identifiers(written(tmp_path / "HUMAN_9606_idmapping.dat", text))
    assert table.genes == (
        GeneNames(
            ("TP53",), ("7157",), ("ENSG00000141510",), ("ENSP00000391127",), ("P04637",), aliases=("P53",)
        ),
    )  # fmt: skip
    with pytest.raises(FormatError, match="holds no gene of the organism 10090"):
        read_identifiers(tmp_path / "HUMAN_9606_idmapping.dat", taxon=10090)


def test_string_aliases(tmp_path: Path):
    text = (
        "#string_protein_id\talias\tsource\n9606.ENSP00000000233\t2B6H\tEnsembl_PDB\n"
        "9606.ENSP00000000233\t381\tEnsembl_HGNC_entrez_id\n9606.ENSP00000000233\tARF5\tEnsembl_HGNC_symbol\n"
        "9606.ENSP00000000233\tENSG00000004059\tEnsembl_gene\n9606.ENSP00000000233\tP84085\tUniProt_AC\n"
        "9606.ENSP00000000233\tARF5X\tUniProt_GN_Name\n4932.YAL001C\tTFC3\tUniProt_GN_Name\n"
    )
    table = read_identifiers(written(tmp_path / "9606.protein.aliases.txt", text))
    assert table.genes == (
        GeneNames(("ARF5",), ("381",), ("ENSG00000004059",), ("ENSP00000000233",), ("P84085",)),
        GeneNames(symbol=("TFC3",), yeast_orf=("YAL001C",)),
    )
    info = "#string_protein_id\tpreferred_name\tprotein_size\n9606.ENSP00000000233\tARF5\t180\n"
    table = read_identifiers(written(tmp_path / "9606.protein.info.txt", info))
    assert table.genes == (GeneNames(symbol=("ARF5",), ensembl_protein=("ENSP00000000233",)),)


def test_sgd_features(tmp_path: Path):
    rows = [
        ["S000002142", "ORF", "Verified", "YAL068C", "PAU8", "seripauperin PAU8", "chromosome 1"],
        ["S000030944", "CDS", "", "", "", "", "YAL068C"],
        ["S000002143", "ORF", "Dubious", "YAL069W", "", "", "chromosome 1"],
        ["S000121252", "ARS", "", "ARS102", "", "ARSI-1", "chromosome 1"],
    ]
    text = "".join("\t".join(row + [""] * 9) + "\n" for row in rows)
    table = read_identifiers(written(tmp_path / "SGD_features.tab", text))
    assert map_identifiers(["YAL068C", "YAL069W"], to="symbol", table=table)[0] == {
        "YAL068C": ("PAU8",),
        "YAL069W": ("YAL069W",),
    }


def test_named_columns_and_gzip(tmp_path: Path):
    text = "human_symbol\tmouse_symbol\thuman_ensembl\nTP53\tTrp53\tENSG00000141510\n"
    path = written(tmp_path / "hcop.tsv.gz", gzip.compress(text.encode(), mtime=0))
    table = read_identifiers(path, columns={"human_symbol": "symbol", "human_ensembl": "ensembl_gene"})
    assert table.genes == (GeneNames(symbol=("TP53",), ensembl_gene=("ENSG00000141510",)),)
    with pytest.raises(FormatError, match=r"has no column 'symbol'. Choose among those there are: human_symbol"):
        read_identifiers(path, columns={"symbol": "symbol"})
    with pytest.raises(KgnnError, match="content of the column 'human_symbol' is 'name'"):
        read_identifiers(path, columns={"human_symbol": "name"})


# --- malformed


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        ("\n\n", "is empty"),
        ("symbol\tentrez_id\n", "holds a header but no gene"),
        ("# nothing\n", "holds comments only|one column"),
        ("symbol\nTP53\n", "has one column"),
        ("symbol\tentrez_id\nTP53\t7157\nBRCA1\n", r"line 3: has 1 columns instead of 2"),
        ("symbol\tentrez_id\n7157\tTP53\n672\tBRCA1\n", r"column 1 should hold gene symbols .*7157, 672"),
        ("symbol\tensembl_gene_id\nTP53\tENSP00000269305\n", r"column 2 should hold Ensembl gene ids .*swapped"),
        ("one\ttwo\tthree\na\tb\tc\n", "not clear which columns hold which identifiers"),
        ("TP53\tTrp53\nBRCA1\tBrca1\n", "not clear which columns"),
        ("symbol\tentrez_id\nTP53\t7157\n".encode("utf-16"), "is binary"),
        ("symbol\tentrez_id\nTP53é\t7157\n".encode("latin-1"), "another encoding than UTF-8"),
        (gzip.compress(b"symbol\tentrez_id\nTP53\t7157\n" * 99, mtime=0)[:-20], "cut short"),
        ("symbol\tentrez_id\n-\t-\n-\t\n", "holds no gene with a name"),
    ],
)  # fmt: skip
def test_a_malformed_table(tmp_path: Path, content: str | bytes, message: str):
    with pytest.raises(FormatError, match=message):
        read_identifiers(written(tmp_path / "t.txt", content))


def test_cut_lines_of_fixed_formats(tmp_path: Path):
    for name, start in (("string_aliases", "#string_protein_id\talias\tsource\n"), ("idmapping", "")):
        path = written(tmp_path / name, start + "P04637\tGeneID\t7157\nP04637\tGene")
        with pytest.raises(FormatError, match=rf"line {2 + bool(start)}: has 2 columns where this format has 3"):
            read_identifiers(path, format=name)
    with pytest.raises(FormatError, match="columns= is for tables"):
        read_identifiers(path, format="idmapping", columns={"a": "symbol"})
    with pytest.raises(FormatError, match="states no organisms"):
        read_identifiers(written(tmp_path / "t", HGNC), taxon=9606)
    with pytest.raises(KgnnError, match="format is 'csv'"):
        read_identifiers(path, format="csv")


# --- real files


def test_the_human_gaf_as_a_table(shared_data: Path):
    table = read_identifiers(shared_data / "gene_ontology" / "goa_human_2019-01-14.gaf.gz", taxon=9606)
    assert table.namespaces == ("symbol", "uniprot")
    # The catalogue counts 19,684 symbols in this file; one of them stands in annotations with NOT alone.
    assert len({name for gene in table.genes for name in gene.symbol}) == 19_684
    mapping, report = map_identifiers(["P04637", "P38398", "P04637-2", "X99999"], to="symbol", table=table,
                                      namespace="uniprot")  # fmt: skip
    assert mapping == {"P04637": ("TP53",), "P38398": ("BRCA1",), "P04637-2": ("TP53",)}
    assert report.lost == {"not in goa_human_2019-01-14.gaf.gz": ("X99999",)}


def test_yeast_names_of_sgd(shared_data: Path):
    table = read_identifiers(shared_data / "gene_ontology" / "sgd_go_slim_mapping_2015.tab.gz")
    mapping, _ = map_identifiers(["YLR035C", "YML060W"], to="symbol", table=table)
    assert mapping == {"YLR035C": ("MLH2",), "YML060W": ("OGG1",)}
    dcell = (shared_data / "dcell_yeast" / "GO_0006281_training_data.txt").read_text().split()
    orfs = sorted({word for word in dcell if has_form(word, "yeast_orf")})
    mapping, report = map_identifiers(orfs, to="symbol", table=table)
    assert guess_namespace(orfs) == "yeast_orf"
    assert report.n_mapped == len(orfs) > 100


def test_the_human_annotations_by_ensembl_id(shared_data: Path):
    """The counts agree with those that a plain dictionary gives."""
    hcop = shared_data / "orthologs" / "hcop_human_mouse_min3.tsv.gz"
    table = read_identifiers(hcop, columns={"human_symbol": "symbol", "human_ensembl": "ensembl_gene"})
    folder = shared_data / "gene_ontology"
    ontology = read_ontology(folder / "goslim_yeast_2016.obo", folder / "goa_human_2019-01-14.gaf.gz")
    changed, report = translate_genes(ontology, table, to="ensembl_gene", policy="all")
    with gzip.open(hcop, "rt") as stream:
        rows = [line.rstrip("\n").split("\t") for line in stream][1:]
    plain: dict[str, set[str]] = {}
    for row in rows:
        plain.setdefault(row[0], set()).add(row[2])
    expected = {(name, each.term, each.evidence) for each in ontology.annotations for name in plain.get(each.gene, ())}
    assert set(changed.annotations) == {Annotation(*each) for each in expected}
    lost = [each for each in ontology.annotations if each.gene not in plain]
    assert report.n_annotations_lost == len(lost)
    assert report.n_mapped == len({each.gene for each in ontology.annotations} & plain.keys())


def test_ncbi_genes_of_goatools():
    table = ncbi_genes(7227)
    assert len(table.genes) == 13_919
    assert map_identifiers(["32767"], to="symbol", table=table, namespace="entrez")[0] == {"32767": ("CG32554",)}
    assert table.provenance.sources[0].release
    with pytest.raises(KgnnError, match=r"taxon is 4932.*10090, 7227, 9606"):
        ncbi_genes(4932)


@pytest.mark.parametrize(
    ("taxon", "number", "symbol", "alias"), [(9606, "7157", "TP53", "LFS1"), (10090, "22059", "Trp53", "p53")]
)
def test_p53_of_human_and_mouse_in_goatools(taxon: int, number: str, symbol: str, alias: str):
    table = ncbi_genes(taxon, protein_coding=True)
    assert map_identifiers([number], to="symbol", table=table, namespace="entrez")[0] == {number: (symbol,)}
    assert map_identifiers([alias], to="entrez", table=table, namespace="symbol")[0] == {alias: (number,)}
