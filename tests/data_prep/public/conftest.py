"""A server on this machine, with the faults that servers have, and an index of mtdata's that points to it."""

from __future__ import annotations

import pickle
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from data_prep.public import download

# An index without entries, as mtdata pickles its own: with it at hand mtdata does not make the whole one (15 s).
EMPTY_INDEX = b"\x80\x02cmtdata.index\nIndex\n)\x81}X\x07\x00\x00\x00entries}sb."
Entries = Callable[..., None]


@dataclass
class Page:
    """What stands under a path.

    tag: its ETag; ranges: whether a part may be asked for. statuses, breaks: of the next answers, what status in place
    of the content, after how many bytes they break off. pause: seconds between the head of an answer and its body.
    """

    content: bytes
    tag: str = '"1"'
    ranges: bool = True
    headers: dict[str, str] = field(default_factory=dict)
    statuses: list[int] = field(default_factory=list)
    breaks: list[int] = field(default_factory=list)
    pause: float = 0.0


@dataclass
class Site:
    """A running server: its pages, and the path and range of every request."""

    url: str
    pages: dict[str, Page] = field(default_factory=dict)
    requests: list[tuple[str, str | None]] = field(default_factory=list)

    def add(self, path: str, content: bytes, **faults: Any) -> str:
        self.pages[path] = Page(content, **faults)
        return self.url + path


def _handler(site: Site) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers.get("Range")
            site.requests.append((self.path, asked))
            page = site.pages.get(self.path)
            if page is None or page.statuses:
                self.send_error(page.statuses.pop(0) if page else 404)
                return
            start = 0
            if asked and page.ranges and self.headers.get("If-Range") == page.tag:
                start = int(asked.removeprefix("bytes=").removesuffix("-"))
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {start}-{len(page.content) - 1}/{len(page.content)}")
            else:
                self.send_response(200)
            body = page.content[start:]
            for name, value in {"ETag": page.tag, "Content-Length": str(len(body)), **page.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            time.sleep(page.pause)
            self.wfile.write(body[: page.breaks.pop(0)] if page.breaks else body)
            self.close_connection = True

        def log_message(self, *arguments: object) -> None:
            pass

    return Handler


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A server without pages; no pause stands between attempts."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(download, "PAUSE", 0.0)
    site = Site("")
    with ThreadingHTTPServer(("127.0.0.1", 0), _handler(site)) as server:
        site.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield site
        server.shutdown()
        thread.join()


@pytest.fixture
def downloads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of downloads."""
    monkeypatch.setenv("MTDEEP_DOWNLOADS", str(tmp_path / "downloads"))
    return tmp_path / "downloads"


@pytest.fixture(scope="session")
def mtdata_index(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The module mtdata.index, imported with an empty index.

    mtdata decides where its index lies when it is imported, and another test may have imported it.
    """
    import mtdata

    index = tmp_path_factory.mktemp("mtdata") / "index.pkl"
    index.write_bytes(EMPTY_INDEX)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mtdata, "cached_index_file", index)
        import mtdata.index
    assert len(mtdata.index.INDEX) == 0
    return mtdata.index


@pytest.fixture
def entries(mtdata_index: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Entries:
    """Make an index of mtdata's own entries, each the arguments of one, where mtdata looks for it."""
    folder = tmp_path / "mtdata"
    folder.mkdir()
    monkeypatch.setenv("MTDATA", str(folder))

    def write(*given: dict[str, Any]) -> None:
        index = mtdata_index.Index()
        for arguments in given:
            index.add_entry(mtdata_index.Entry(**arguments))
        (folder / f"mtdata.index.{index.version}.pkl").write_bytes(pickle.dumps(index))

    return write
