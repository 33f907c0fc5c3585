"""Asking MyGene.info, here a server of the test's own."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import ClassVar
from urllib.parse import parse_qs

import pytest

from kgnn.errors import AlignmentError, SourceError
from kgnn.knowledge import ask_mygene, map_identifiers

TP53 = {
    "query": "TP53",
    "symbol": "TP53",
    "entrezgene": "7157",
    "alias": ["P53", "LFS1"],
    "ensembl": {"gene": "ENSG00000141510", "protein": ["ENSP00000269305"]},
    "uniprot": {"Swiss-Prot": "P04637"},
}
MATR3 = {"query": "MATR3", "symbol": "MATR3", "entrezgene": 9782, "alias": "VCPDM",
         "ensembl": [{"gene": "ENSG00000015479"}, {"gene": "ENSG00000280987"}]}  # fmt: skip


class Answering(BaseHTTPRequestHandler):
    answer: bytes = b""
    status = 200
    asked: ClassVar[dict[str, list[str]]] = {}

    def do_POST(self) -> None:
        words = self.rfile.read(int(self.headers["Content-Length"])).decode()
        type(self).asked = parse_qs(words)
        self.send_response(self.status)
        self.end_headers()
        self.wfile.write(self.answer)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def service() -> Iterator[tuple[str, type[Answering]]]:
    handler = type("Handler", (Answering,), {"answer": json.dumps([TP53, MATR3, {"query": "X", "notfound": True}])
                                             .encode()})  # fmt: skip
    server = HTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v3", handler
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_answers_become_a_table(service):
    url, handler = service
    table = ask_mygene(["TP53", "MATR3", "X", "TP53"], url=url)
    assert handler.asked["q"] == ["TP53,MATR3,X"]
    assert handler.asked["scopes"] == ["symbol,alias"]
    mapping, report = map_identifiers(["TP53", "MATR3"], to="ensembl_gene", table=table, policy="drop")
    assert mapping == {"TP53": ("ENSG00000141510",)}
    assert report.ambiguous == ("MATR3",)
    assert map_identifiers(["9782"], to="symbol", table=table)[0] == {"9782": ("MATR3",)}
    assert table.losses[0].names == ("X",)
    assert len(table.provenance.sources[0].sha256) == 64


def test_what_the_service_may_do_wrong(service):
    url, handler = service
    handler.answer = b"<html>"
    with pytest.raises(SourceError, match="no list of genes"):
        ask_mygene(["TP53"], url=url)
    handler.answer = json.dumps([{"query": "TP53", "notfound": True}]).encode()
    with pytest.raises(SourceError, match="knows none of TP53 as symbol of human"):
        ask_mygene(["TP53"], url=url)
    handler.status = 503
    with pytest.raises(SourceError, match="answers 503 .* or give a file of identifiers"):
        ask_mygene(["TP53"], url=url)


def test_without_a_network():
    with pytest.raises(SourceError, match="cannot reach http://127.0.0.1:9/query"):
        ask_mygene(["TP53"], url="http://127.0.0.1:9")
    with pytest.raises(AlignmentError, match="look like no known kind"):
        ask_mygene(["a b"])
