"""GAF, GPAD, gene2go and plain tables: names, evidence, NOT, organisms, and lines that are refused."""

from __future__ import annotations

import gzip

import pytest

from kgnn.errors import FormatError, KgnnError
from kgnn.knowledge.annotations import EVIDENCE_CODES, EVIDENCE_PRESETS
from kgnn.knowledge.gaf import read_gaf
from kgnn.knowledge.gene2go import read_gene2go
from kgnn.knowledge.gpad import read_gpad
from kgnn.knowledge.ontology import Annotation, Loss
from kgnn.knowledge.tables import read_gene_table


def gaf_line(symbol, term, code, qualifier="", identifier="S0", synonym="", taxon="taxon:559292"):
    fields = ["SGD", identifier, symbol, qualifier, term, "PMID:1", code, "", "P", "a name", synonym, "protein", taxon]
    return "\t".join([*fields, "20190112", "SGD", "", ""])


GAF = "\n".join(
    [
        "!gaf-version: 2.1",
        "!Generated: 2019-01-14 09:47",
        gaf_line("MEI4", "GO:2", "IDA", identifier="S1", synonym="YER044C-A|old"),
        gaf_line("MEI4", "GO:2", "IGI", identifier="S1", synonym="YER044C-A|old"),
        gaf_line("MEI4", "GO:2", "IGI", identifier="S1", synonym="YER044C-A|old"),
        gaf_line("HLA-A/B+", "GO:3", "IEA", identifier="S2"),
        gaf_line("IMP1", "GO:3", "IDA", "NOT|involved_in", identifier="S3"),
        gaf_line("VIR", "GO:3", "HGI", identifier="S4", taxon="taxon:11320|taxon:559292"),
        "",
    ]
)


@pytest.fixture
def gaf(tmp_path):
    path = tmp_path / "yeast.gaf"
    path.write_text(GAF)
    return path


def test_gaf(gaf, capfd):
    read = read_gaf(gaf)
    assert read.annotations == (
        Annotation("MEI4", "GO:2", "IDA"),
        Annotation("MEI4", "GO:2", "IGI"),
        Annotation("HLA-A/B+", "GO:3", "IEA"),
        Annotation("VIR", "GO:3", "HGI"),
    )
    assert read.losses == (Loss("annotation", "qualifier NOT", ("IMP1 GO:3 IDA",)),)
    assert (read.source.name, read.source.release) == ("yeast.gaf", "2019-01-14 09:47")
    assert read.source.licence == "CC BY 4.0"
    assert capfd.readouterr() == ("", "")
    assert gaf.read_text() == GAF


def test_gaf_packed_with_crlf(gaf, tmp_path):
    packed = tmp_path / "yeast.gaf.gz"
    packed.write_bytes(gzip.compress(GAF.replace("\n", "\r\n").encode(), mtime=0))
    assert read_gaf(packed).annotations == read_gaf(gaf).annotations


@pytest.mark.parametrize(
    ("gene_id", "names"),
    [("id", ["S1", "S1", "S2", "S4"]), ("synonym", ["YER044C-A", "YER044C-A", "HLA-A/B+", "VIR"])],
)
def test_gaf_gene_names(gaf, gene_id, names):
    assert [annotation.gene for annotation in read_gaf(gaf, gene_id=gene_id).annotations] == names


def test_gaf_taxon_is_the_first_one(gaf):
    read = read_gaf(gaf, taxon=559292)
    assert [annotation.gene for annotation in read.annotations] == ["MEI4", "MEI4", "HLA-A/B+"]
    assert Loss("annotation", "taxon is not 559292", ("VIR GO:3 HGI",)) in read.losses


def test_evidence_preset_without_genetic_interactions(gaf):
    read = read_gaf(gaf, evidence="no_genetic_interaction")
    assert read.annotations == (Annotation("MEI4", "GO:2", "IDA"), Annotation("HLA-A/B+", "GO:3", "IEA"))
    assert read.losses == (
        Loss("annotation", "evidence code IGI not chosen", ("MEI4 GO:2 IGI",)),
        Loss("annotation", "qualifier NOT", ("IMP1 GO:3 IDA",)),
        Loss("annotation", "evidence code HGI not chosen", ("VIR GO:3 HGI",)),
    )


def test_evidence_by_list_and_unknown_choices(gaf):
    assert [annotation.evidence for annotation in read_gaf(gaf, evidence={"IDA", "TAS"}).annotations] == ["IDA"]
    with pytest.raises(KgnnError, match="evidence code is 'IGII'"):
        read_gaf(gaf, evidence=["IDA", "IGII"])
    with pytest.raises(KgnnError, match="evidence is 'manual'.*all, experimental, no_electronic"):
        read_gaf(gaf, evidence="manual")
    with pytest.raises(KgnnError, match="gene_id is 'name'.*id, symbol, synonym"):
        read_gaf(gaf, gene_id="name")


def test_presets_hold_what_they_say():
    experimental = EVIDENCE_PRESETS["experimental"]
    assert experimental == {"EXP", "IDA", "IPI", "IMP", "IGI", "IEP", "HTP", "HDA", "HMP", "HGI", "HEP"}
    assert set(EVIDENCE_CODES) - (EVIDENCE_PRESETS["no_electronic"] or set()) == {"IEA"}
    assert set(EVIDENCE_CODES) - (EVIDENCE_PRESETS["no_genetic_interaction"] or set()) == {"IGI", "HGI"}
    assert EVIDENCE_PRESETS["all"] is None


def test_nothing_left_is_an_error(gaf):
    with pytest.raises(
        FormatError, match=r"yeast\.gaf: holds no annotation that can be used \(1 evidence code IDA not chosen; 1"
    ):
        read_gaf(gaf, evidence=["TAS"], taxon=559292)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (gaf_line("A", "GO:2", "IDA").rsplit("\t", 2)[0], r"line 2: has 15 columns where GAF 2 has 17"),
        ("A GO:2", r"line 2: has 1 columns where GAF 2 has 17"),
        (gaf_line("A", "GO:2", "IDA", taxon="human"), r"line 2: cannot be read as GAF 2"),
        (gaf_line("A", "GO:2", "IDA").replace("20190112", "yesterday"), r"line 2: cannot be read as GAF 2"),
        (gaf_line("", "GO:2", "IDA"), r"line 2: names no gene or no term"),
        (gaf_line("A", "", "IDA"), r"line 2: names no gene or no term"),
    ],
)
def test_gaf_lines_that_are_refused(tmp_path, line, message):
    path = tmp_path / "bad.gaf"
    path.write_text(f"!gaf-version: 2.1\n{line}\n")
    with pytest.raises(FormatError, match=r"bad\.gaf, " + message):
        read_gaf(path)


def gpad_line(*start, properties=""):
    return "\t".join([*start, *[""] * (11 - len(start)), properties])


def test_gpad_1(tmp_path):
    path = tmp_path / "human.gpad"
    lines = [
        "!gpa-version: 1.1",
        gpad_line("UniProtKB", "P04637", "involved_in", "GO:2", "PMID:1", "ECO:0000316"),
        gpad_line("MGI", "MGI:95", "NOT|part_of", "GO:2", "PMID:1", "ECO:0000314"),
        gpad_line("MGI", "MGI:96", "part_of", "GO:3", "PMID:1", "ECO:0007003"),
        gpad_line("MGI", "MGI:97", "part_of", "GO:3", "PMID:1", "ECO:9", properties="id=3|go_evidence=IEA"),
        gpad_line("MGI", "MGI:98", "part_of", "GO:3", "PMID:1", "ECO:9"),
    ]
    path.write_text("\n".join(lines) + "\n")
    read = read_gpad(path)
    assert read.annotations == (
        Annotation("P04637", "GO:2", "IGI"),
        Annotation("MGI:96", "GO:3", "HGI"),
        Annotation("MGI:97", "GO:3", "IEA"),
        Annotation("MGI:98", "GO:3", "ECO:9"),
    )
    assert read.losses == (Loss("annotation", "qualifier NOT", ("MGI:95 GO:2 IDA",)),)
    assert read.notes == ("genes named by id (GPAD has no symbols)",)


@pytest.mark.parametrize("header", ["!gpad-version: 2.0\n!date-generated: 2023-01-02\n", ""])
def test_gpad_2(tmp_path, header):
    path = tmp_path / "mouse.gpad"
    lines = [
        gpad_line("MGI:MGI:95", "", "RO:0002331", "GO:2", "PMID:1", "ECO:0000314"),
        gpad_line("UniProtKB:P04637", "NOT", "RO:0002331", "GO:2", "PMID:1", "ECO:0000315"),
    ]
    path.write_text(header + "\n".join(lines) + "\n")
    read = read_gpad(path)
    assert read.annotations == (Annotation("MGI:95", "GO:2", "IDA"),)
    assert read.losses == (Loss("annotation", "qualifier NOT", ("P04637 GO:2 IMP",)),)
    assert read.source.release == ("2023-01-02" if header else "")


def test_gpad_lines_that_are_refused(tmp_path):
    path = tmp_path / "bad.gpad"
    path.write_text("!gpa-version: 1.1\nA\tB\n")
    with pytest.raises(FormatError, match=r"bad\.gpad, line 2: has 2 columns where GPAD has 12"):
        read_gpad(path)
    path.write_text(gpad_line("MGI", "", "part_of", "GO:3", "PMID:1", "ECO:9") + "\n")
    with pytest.raises(FormatError, match=r"bad\.gpad, line 1: names no gene or no term"):
        read_gpad(path)


GENE2GO = """#tax_id\tGeneID\tGO_ID\tEvidence\tQualifier\tGO_term\tPubMed\tCategory
9606\t7157\tGO:2\tIDA\tinvolved_in\ta\t1\tProcess
9606\t672\tGO:2\tIMP\tNOT involved_in\ta\t1\tProcess
10090\t22059\tGO:2\t-\t-\ta\t-\tProcess
"""


def test_gene2go(tmp_path):
    path = tmp_path / "gene2go.gz"
    path.write_bytes(gzip.compress(GENE2GO.encode(), mtime=0))
    read = read_gene2go(path, taxon=9606)
    assert read.annotations == (Annotation("7157", "GO:2", "IDA"),)
    assert read.losses == (Loss("annotation", "qualifier NOT", ("672 GO:2 IMP",)),)
    assert read_gene2go(path, taxon=10090).annotations == (Annotation("22059", "GO:2", ""),)
    with pytest.raises(FormatError, match=r"holds 2 organisms: 9606, 10090\. Choose one"):
        read_gene2go(path)
    with pytest.raises(FormatError, match="holds no annotation that can be used"):
        read_gene2go(path, taxon=7)


def test_gene2go_lines_that_are_refused(tmp_path):
    path = tmp_path / "gene2go"
    path.write_text(GENE2GO + "9606\t7157\tGO:2\n")
    with pytest.raises(FormatError, match="gene2go, line 5: has 3 columns where gene2go has 8"):
        read_gene2go(path, taxon=9606)
    path.write_text("9606\t\tGO:2\tIDA\t-\ta\t1\tProcess\n")
    with pytest.raises(FormatError, match="gene2go, line 1: names no gene or no term"):
        read_gene2go(path)


TERMS = {"GO:1", "GO:2", "GO:3"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("TP53\tGO:1\nMEI4\tGO:2\n", [("TP53", "GO:1", ""), ("MEI4", "GO:2", "")]),
        ("GO:1\tTP53\r\nGO:2\tMEI4\r\n", [("TP53", "GO:1", ""), ("MEI4", "GO:2", "")]),
        ('go_id,gene\nGO:1,"a,b"\n', [("a,b", "GO:1", "")]),
        ("! licence: CC0\n#orf go\nTP53\tGO:1\tIDA\n", [("TP53", "GO:1", "IDA")]),
        ("orf\tGO ID\tevidence\nTP53\tGO:1\tIDA\n", [("TP53", "GO:1", "IDA")]),
        ("IDA\tTP53\tGO:1\nTAS\tIC\tGO:1\n", [("TP53", "GO:1", "IDA"), ("IC", "GO:1", "TAS")]),
        ("a_b.c:d/(e+\tGO:9\n\nα\tGO:1\n", [("a_b.c:d/(e+", "GO:9", ""), ("α", "GO:1", "")]),
    ],
)
def test_tables(tmp_path, text, expected):
    path = tmp_path / "genes.tsv"
    path.write_bytes(text.encode())
    assert list(map(tuple, read_gene_table(path, TERMS).annotations)) == expected


def test_table_evidence(tmp_path):
    path = tmp_path / "genes.tsv"
    path.write_text("TP53\tGO:1\tIDA\nTP53\tGO:2\tIGI\n")
    read = read_gene_table(path, TERMS, evidence="no_genetic_interaction")
    assert read.annotations == (Annotation("TP53", "GO:1", "IDA"),)
    path.write_text("TP53\tGO:1\n")
    with pytest.raises(FormatError, match=r"genes\.tsv: has no column with evidence codes"):
        read_gene_table(path, TERMS, evidence="experimental")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("TP53\tGO:1\nMEI4\n", r"line 2: has 1 columns instead of 2 as in the first line"),
        ("TP53\n", r"line 1: has 1 columns instead of 2 or 3"),
        ("a\tb\tc\tGO:1\n", r"line 1: has 4 columns instead of 2 or 3"),
        ("TP53\tHP:1\n", r"no column holds an id of the ontology \(first line: TP53, HP:1\)"),
        ("GO:2\tGO:1\n", r"more than one column holds ids of the ontology"),
        ("TP53\tGO:1\n\tGO:1\n", r"line 2: names no gene or no term"),
        ("! only: comments\n", r"holds comments only"),
    ],
)
def test_tables_that_are_refused(tmp_path, text, message):
    path = tmp_path / "genes.tsv"
    path.write_text(text)
    with pytest.raises(FormatError, match=r"genes\.tsv.*" + message):
        read_gene_table(path, TERMS)
