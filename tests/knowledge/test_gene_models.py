"""Genes from GTF and GFF3 files as GENCODE, Ensembl, NCBI and UCSC write them."""

from __future__ import annotations

import gzip

import pytest

from kgnn.errors import FormatError, KgnnError
from kgnn.knowledge import read_genes, read_intervals, tss_positions, tss_windows

GENCODE = """##provider: GENCODE
chr17\tHAVANA\tgene\t7661779\t7687550\t.\t-\t.\tgene_id "ENSG00000141510.18"; gene_type "a;b"; gene_name "TP53";
chr17\tHAVANA\ttranscript\t7668421\t7687490\t.\t-\t.\tgene_id "ENSG00000141510.18"; transcript_id "ENST00000269305.9";
chr17\tHAVANA\texon\t7687377\t7687490\t.\t-\t.\tgene_id "ENSG00000141510.18"; transcript_id "ENST00000269305.9";
chr1\tHAVANA\tgene\t11869\t14409\t.\t+\t.\tgene_id "ENSG00000290825.1"; gene_type "lncRNA"; gene_name "DDX11L2";
"""
ENSEMBL = """##gff-version 3
##sequence-region   1 1 248956422
1\thavana\tncRNA_gene\t11869\t14409\t.\t+\t.\tID=gene:ENSG00000290825;Name=DDX11L2;biotype=lncRNA;description=a%2C b
1\thavana\tlnc_RNA\t11869\t14409\t.\t+\t.\tID=transcript:ENST00000456328;Parent=gene:ENSG00000290825;Name=DDX11L2-202;transcript_id=ENST00000456328
###
1\tensembl\tgene\t65419\t71585\t.\t?\t.\tID=gene:ENSG00000186092;Name=OR4F5;biotype=protein_coding
##FASTA
>1
ACGT
"""
NCBI = "NC_1\tRefSeq\tgene\t10\t20\t.\t-\t.\tID=gene-TP53;Dbxref=GeneID:7157;Name=TP53;gene_biotype=protein_coding\n"
UCSC = (
    'chr1\tncbiRefSeq\ttranscript\t101\t300\t.\t-\t.\tgene_id "A"; transcript_id "A.1";\n'
    'chr1\tncbiRefSeq\texon\t101\t150\t.\t-\t.\tgene_id "A"; transcript_id "A.1";\n'
    'chr1\tncbiRefSeq\ttranscript\t51\t250\t.\t-\t.\tgene_id "A"; transcript_id "A.2";\n'
    'chrX\tncbiRefSeq\ttranscript\t1\t9\t.\t+\t.\tgene_id "A"; transcript_id "A.3";\n'
)


def write(folder, text, name="genes.gtf"):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_gencode(tmp_path):
    genes = read_genes(write(tmp_path, GENCODE))
    assert genes.names == ("ENSG00000141510.18", "ENSG00000290825.1")
    assert genes.extra["gene_name"].tolist() == ["TP53", "DDX11L2"]
    assert genes.extra["gene_type"].tolist() == ["a;b", "lncRNA"]
    assert (genes.starts.tolist(), genes.ends.tolist()) == ([7661778, 11868], [7687550, 14409])
    # TP53 lies on the reverse strand: it starts at its highest base, 7,687,550 counted from 1.
    assert tss_positions(genes).tolist() == [7687549, 11868]
    assert genes.provenance.transformations == ("read genes",)
    transcripts = read_genes(write(tmp_path, GENCODE), feature="transcript")
    assert transcripts.names == ("ENST00000269305.9",)
    assert transcripts.extra["gene_id"].tolist() == ["ENSG00000141510.18"]


def test_ensembl_gff3(tmp_path):
    genes = read_genes(write(tmp_path, ENSEMBL, "genes.gff3"))
    assert genes.names == ("ENSG00000290825", "ENSG00000186092")
    assert genes.extra["gene_name"].tolist() == ["DDX11L2", "OR4F5"]
    assert genes.strands == ("+", ".")
    windows = tss_windows(genes, 10, 5)
    assert windows.names == ("ENSG00000290825",)
    assert [(loss.reason, loss.names) for loss in windows.losses] == [
        ("without a strand", ("1:65418-71585 (ENSG00000186092)",))
    ]
    transcripts = read_genes(write(tmp_path, ENSEMBL), feature="transcript")
    assert transcripts.names == ("ENST00000456328",)
    assert transcripts.extra["gene_id"].tolist() == ["ENSG00000290825"]
    assert transcripts.extra["gene_name"].tolist() == ["ENSG00000290825"]


def test_ncbi_gff3_without_a_header(tmp_path):
    genes = read_genes(write(tmp_path, NCBI))
    assert (genes.names, genes.extra["gene_type"].tolist()) == (("TP53",), ["protein_coding"])


def test_genes_put_together_from_transcripts(tmp_path):
    genes = read_genes(write(tmp_path, UCSC))
    assert [genes.label(position) for position in range(2)] == ["chr1:50-300 (A)", "chrX:0-9 (A)"]
    assert genes.provenance.transformations == ("genes put together from transcript lines",)


def test_packed_and_crlf_change_nothing(tmp_path):
    genes = read_genes(write(tmp_path, GENCODE))
    assert read_genes(write(tmp_path, gzip.compress(GENCODE.encode(), mtime=0), "b.gz")) == genes
    assert read_intervals(write(tmp_path, GENCODE.replace("\n", "\r\n"), "c.gtf")) == genes


def test_a_gene_without_an_id_is_counted(tmp_path):
    line = 'chr1\tx\tgene\t5\t9\t.\t+\t.\tgene_name "nameless";\n'
    genes = read_genes(write(tmp_path, line + GENCODE))
    assert len(genes) == 2
    assert [(loss.what, loss.reason, loss.names) for loss in genes.losses] == [("gene", "without an id", ("chr1:4-9",))]


LINE = 'chr1\tx\tgene\t5\t9\t.\t+\t.\tgene_id "A";\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (LINE + LINE.replace("5\t9", "9\t5"), r"genes\.gtf, line 2: start 9 and end 5: both count from 1, start first"),
        (LINE.replace("\t5\t", "\t0\t"), "line 1: start 0 and end 9"),
        (LINE.replace("\t5\t", "\tfive\t"), "a position is 'five', not a whole number"),
        (LINE + LINE[:20], r"line 2: has \d columns where GTF and GFF3 have 9"),
        (LINE.replace("+", "1"), "strand is '1'"),
        (LINE.replace('"A";', '"A'), "attributes cannot be read from"),
        ("##gff-version 3\n" + LINE, "line 2: attribute 'gene_id \"A\"' has no '='"),
        (LINE.replace("\tgene\t", "\tCDS_part\t"), "has no line for a gene; its features are CDS_part"),
        (LINE.encode() + b"\xff\n", "another encoding"),
        (gzip.compress(LINE.encode() * 999, mtime=0)[:-5], "damaged or cut short"),
    ],
)
def test_broken(tmp_path, text, message):
    with pytest.raises(FormatError, match=message):
        read_genes(write(tmp_path, text))


def test_unknown_feature(tmp_path):
    with pytest.raises(KgnnError, match="feature is 'exon', which is not known. Choose one of: gene, transcript"):
        read_genes(write(tmp_path, LINE), feature="exon")
