"""Lists of measured genes."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from kgnn.errors import FormatError
from kgnn.knowledge import read_gene_list


@pytest.mark.parametrize(
    "content", [b"TP53\r\n\r\n# MDM2\r\na, b (+)\r\n", gzip.compress(b"TP53\n a, b (+) \n", mtime=0)]
)
def test_names_as_they_are(tmp_path: Path, content: bytes):
    path = tmp_path / "genes.txt"
    path.write_bytes(content)
    assert read_gene_list(path).genes == ("TP53", "a, b (+)")
    assert read_gene_list(path).source.name == "genes.txt"


def test_what_is_no_list(tmp_path: Path):
    path = tmp_path / "genes.txt"
    path.write_text("TP53\nMDM2\t3.5\n")
    with pytest.raises(FormatError, match=r"genes.txt, line 2: holds more than one column"):
        read_gene_list(path)
    path.write_text("# nothing\n")
    with pytest.raises(FormatError, match="names no gene"):
        read_gene_list(path)
