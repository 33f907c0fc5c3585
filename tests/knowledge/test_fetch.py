"""`fetch` against a server on this machine: cache, resume, digests, and what is said when nothing can be had."""

from __future__ import annotations

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from kgnn.errors import KgnnError, SourceError
from kgnn.knowledge.bundled import bundled_file
from kgnn.knowledge.fetch import cache_folder, fetch, list_sources

CONTENT = bytes(range(256)) * 1000
DIGEST = hashlib.sha256(CONTENT).hexdigest()


class Handler(BaseHTTPRequestHandler):
    """Serves the server's content with ranges; may break off, or know no tag."""

    server: Server

    def do_GET(self):
        content, start = self.server.content, 0
        wanted = self.headers.get("Range")
        self.server.seen.append((self.path, wanted))
        if self.path != "/release/terms.obo":
            self.send_error(404)
            return
        if wanted and self.headers.get("If-Range") == self.server.tag:
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            if start >= len(content):
                self.send_error(416)
                return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(content) - start))
        self.send_header("Connection", "close")
        if self.server.tag:
            self.send_header("ETag", self.server.tag)
        self.end_headers()
        self.wfile.write(content[start : self.server.break_at])

    def log_message(self, format, *args):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.content, self.tag, self.break_at = CONTENT, '"one"', None
        self.seen: list[tuple[str, str | None]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/release/terms.obo"


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def catalog(server, tmp_path):
    def write(sha256="", url=None):
        path = tmp_path / "sources.toml"
        path.write_text(
            f'[[source]]\nname = "terms"\nrelease = "7"\nurl = "{url or server.url}"\nlicence = "CC0"\n'
            f'sha256 = "{sha256}"\ncitation = "nobody 2020"\n'
        )
        return path

    return write


def test_download_once_then_from_the_cache(server, catalog, tmp_path):
    cache = tmp_path / "cache"
    path = fetch("terms", cache, catalog=catalog(DIGEST))
    assert path == cache / "terms" / "terms.obo"
    assert path.read_bytes() == CONTENT
    assert sorted(entry.name for entry in path.parent.iterdir()) == ["terms.obo", "terms.obo.sha256"]
    assert fetch("terms", cache, catalog=catalog(DIGEST)) == path
    assert server.seen == [("/release/terms.obo", None)]


def test_resume_where_it_broke_off(server, catalog, tmp_path):
    server.break_at = 100_000
    with pytest.raises(SourceError, match=r"terms\.obo: .* (ended after 100,000 of 256,000 bytes|broke off)"):
        fetch("terms", tmp_path, catalog=catalog(DIGEST))
    assert not (tmp_path / "terms" / "terms.obo").exists()
    server.break_at = None
    assert fetch("terms", tmp_path, catalog=catalog(DIGEST)).read_bytes() == CONTENT
    assert server.seen == [("/release/terms.obo", None), ("/release/terms.obo", "bytes=100000-")]


@pytest.mark.parametrize("tag", ['"two"', ""])
def test_parts_of_two_releases_are_never_joined(server, catalog, tmp_path, tag):
    server.break_at = 100_000
    with pytest.raises(SourceError):
        fetch("terms", tmp_path, catalog=catalog())
    server.break_at, server.tag, server.content = None, tag, CONTENT[::-1]
    assert fetch("terms", tmp_path, catalog=catalog()).read_bytes() == CONTENT[::-1]


def test_a_server_without_tags_starts_again(server, catalog, tmp_path):
    server.break_at, server.tag = 100_000, ""
    with pytest.raises(SourceError):
        fetch("terms", tmp_path, catalog=catalog())
    server.break_at = None
    assert fetch("terms", tmp_path, catalog=catalog()).read_bytes() == CONTENT
    assert [wanted for _, wanted in server.seen] == [None, None]


def test_a_part_longer_than_the_file_starts_again(server, catalog, tmp_path):
    folder = tmp_path / "terms"
    folder.mkdir()
    (folder / "terms.obo.part").write_bytes(CONTENT + b"more")
    (folder / "terms.obo.part.tag").write_text('"one"')
    assert fetch("terms", tmp_path, catalog=catalog(DIGEST)).read_bytes() == CONTENT
    assert [wanted for _, wanted in server.seen] == ["bytes=256004-", None]


def test_wrong_checksum_leaves_nothing(catalog, tmp_path):
    with pytest.raises(
        SourceError, match=rf"terms: the SHA-256 of .*terms\.obo is {DIGEST[:16]}… but sources\.toml says 00"
    ):
        fetch("terms", tmp_path, catalog=catalog("0" * 64))
    assert list((tmp_path / "terms").iterdir()) == []


def test_a_current_release_is_compared_with_its_first_digest(server, catalog, tmp_path):
    path = fetch("terms", tmp_path, catalog=catalog())
    assert (tmp_path / "terms" / "terms.obo.sha256").read_text() == f"{DIGEST}  terms.obo\n"
    path.write_bytes(b"changed by hand")
    with pytest.raises(SourceError, match=r"terms\.obo\.sha256 says .*delete terms\.obo and terms\.obo\.sha256"):
        fetch("terms", tmp_path, catalog=catalog())
    path.unlink()
    server.content = CONTENT[1:]
    with pytest.raises(SourceError, match="If you want a new release"):
        fetch("terms", tmp_path, catalog=catalog())
    (tmp_path / "terms" / "terms.obo.sha256").unlink()
    assert fetch("terms", tmp_path, catalog=catalog()).read_bytes() == CONTENT[1:]


def test_offline_names_file_address_and_place(server, catalog, tmp_path):
    server.shutdown()
    server.server_close()
    with pytest.raises(SourceError) as caught:
        fetch("terms", tmp_path / "cache", catalog=catalog())
    message = str(caught.value)
    place = tmp_path / "cache" / "terms" / "terms.obo"
    assert message.startswith(f"terms.obo: cannot reach {server.url} (")
    assert f"Download it by hand and put it at {place}" in message
    assert "\n" not in message
    place.write_bytes(CONTENT)
    assert fetch("terms", tmp_path / "cache", catalog=catalog(DIGEST)) == place


def test_an_address_that_is_gone(server, catalog, tmp_path):
    url = server.url.replace("release", "old")
    with pytest.raises(
        SourceError, match=r"terms\.obo: http.*/old/terms\.obo answers 404 Not Found\. Download it by hand"
    ):
        fetch("terms", tmp_path, catalog=catalog(url=url))


def test_only_http(catalog, tmp_path):
    with pytest.raises(SourceError, match="is no http address"):
        fetch("terms", tmp_path, catalog=catalog(url="file:///etc/hostname"))


def test_unknown_name(tmp_path):
    with pytest.raises(KgnnError, match="source is 'nothing'.*go-basic"):
        fetch("nothing", tmp_path)


def test_damaged_catalogs(tmp_path):
    path = tmp_path / "sources.toml"
    path.write_text('[[source]]\nname = "terms"\n')
    with pytest.raises(SourceError, match=r"sources\.toml: a source has no 'release'"):
        list_sources(path)
    path.write_text("[[source")
    with pytest.raises(SourceError, match="the list of sources cannot be read"):
        list_sources(path)
    with pytest.raises(SourceError, match="the list of sources cannot be read"):
        list_sources(tmp_path / "absent.toml")


def test_the_sources_that_kgnn_carries(tmp_path):
    sources = list_sources()
    assert len({source.name for source in sources}) == len(sources)
    assert {"go-basic", "goa-human", "goa-mouse", "goa-yeast", "reactome-gmt", "string-human"} <= {
        s.name for s in sources
    }
    for source in sources:
        assert source.url.startswith("https://")
        assert source.licence and source.citation and source.release
        assert "/" not in source.file and source.file
    path = tmp_path / "file"
    path.write_bytes(CONTENT)
    assert sources[0].provenance(path).sha256 == DIGEST


def test_cache_folder(monkeypatch):
    monkeypatch.setenv("KGNN_CACHE", "/somewhere/else")
    assert cache_folder() == Path("/somewhere/else")
    monkeypatch.delenv("KGNN_CACHE")
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/cache/me")
    assert cache_folder() == Path("/var/cache/me/kgnn")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path.home() / ".cache" / "kgnn"
    monkeypatch.setattr("sys.platform", "darwin")
    assert cache_folder() == Path.home() / "Library" / "Caches" / "kgnn"
    monkeypatch.setattr("sys.platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", "local")
    assert cache_folder() == Path("local") / "kgnn"


def test_bundled_file():
    assert bundled_file("README.md").is_file()
    with pytest.raises(SourceError, match=r"kgnn carries no file 'go\.obo'.*sources\.toml"):
        bundled_file("go.obo")
