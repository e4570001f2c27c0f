"""Downloads: whole or not there, gone on with where that is safe, one sentence for what goes wrong."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from data_prep.public import download as module
from data_prep.public.download import download
from mtdeep.errors import UserError
from mtdeep.progress import ProgressReport

CONTENT = bytes(range(256)) * 40


def fetched(url: str, path: Path) -> bytes:
    download(url, path, ProgressReport())
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    return path.read_bytes()


def test_a_file_comes_whole_and_nothing_else_stays(site, tmp_path: Path) -> None:
    assert fetched(site.add("/a", CONTENT), tmp_path / "a") == CONTENT
    assert site.requests == [("/a", None)]


def test_what_broke_off_goes_on_where_it_was(site, tmp_path: Path) -> None:
    url = site.add("/a", CONTENT, breaks=[5000, 100], statuses=[503])
    assert fetched(url, tmp_path / "a") == CONTENT
    assert site.requests == [("/a", None), ("/a", None), ("/a", "bytes=5000-"), ("/a", "bytes=5100-")]


def test_a_later_run_goes_on_too(site, tmp_path: Path) -> None:
    url = site.add("/a", CONTENT, breaks=[5000, 0, 0, 0])
    with pytest.raises(UserError, match=r"/a: the connection failed \(.*\) after 5,000 bytes; try again later"):
        download(url, tmp_path / "a", ProgressReport())
    assert not (tmp_path / "a").exists()
    assert fetched(url, tmp_path / "a") == CONTENT
    assert site.requests[-1] == ("/a", "bytes=5000-")


@pytest.mark.parametrize(
    ("before", "after"),
    [({}, {"tag": '"2"'}), ({}, {"ranges": False}), ({"tag": 'W/"1"'}, {"tag": 'W/"1"'})],
    ids=["another file", "no ranges", "a tag that promises nothing"],
)
def test_a_part_of_another_file_is_not_gone_on_with(
    site, tmp_path: Path, before: dict[str, object], after: dict[str, object]
) -> None:
    url = site.add("/a", b"old" * 1000, breaks=[2000, 0, 0, 0], **before)
    with pytest.raises(UserError, match="try again later"):
        download(url, tmp_path / "a", ProgressReport())
    site.add("/a", CONTENT, **after)
    assert fetched(url, tmp_path / "a") == CONTENT


def test_a_part_longer_than_the_file_is_thrown_away(site, tmp_path: Path) -> None:
    url = site.add("/a", CONTENT, statuses=[416])
    (tmp_path / ".a.partial").write_bytes(CONTENT * 2)
    (tmp_path / ".a.partial-of").write_text('"1"')
    assert fetched(url, tmp_path / "a") == CONTENT


@pytest.mark.parametrize(
    ("faults", "says"),
    [
        ({"statuses": [404]}, r"/a: the server answers 404 Not Found; the file may have moved, leave it out"),
        ({"statuses": [403]}, r"/a: the server answers 403 Forbidden"),
        ({"statuses": [500] * 4}, r"/a: the server answers 500 Internal Server Error; try again later"),
        ({"headers": {"Content-Type": "text/html; charset=utf-8"}}, r"/a: a web page, not the corpus; download"),
    ],
)
def test_what_a_server_refuses_is_one_sentence(site, tmp_path: Path, faults: dict[str, object], says: str) -> None:
    with pytest.raises(UserError, match=says) as caught:
        download(site.add("/a", CONTENT, **faults), tmp_path / "a", ProgressReport())
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())
    assert not site.pages["/a"].statuses  # what cannot pass is not tried again


def test_no_server_no_trust_no_scheme(site, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"http://127.0.0.1:9/a: the connection failed \(.*refused\); try again later"):
        download("http://127.0.0.1:9/a", tmp_path / "a", ProgressReport())
    with pytest.raises(UserError, match=r"/a: the server cannot be trusted \(.*SSL.*\); leave the corpus out"):
        download(site.url.replace("http", "https") + "/a", tmp_path / "a", ProgressReport())
    with pytest.raises(UserError, match=r"ftp://x/a: cannot be downloaded \(.*ftp.*\); leave the corpus out"):
        download("ftp://x/a", tmp_path / "a", ProgressReport())
    assert not list(tmp_path.iterdir())


def test_a_server_that_says_nothing_more_is_given_up(site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TIMEOUT", (5, 0.05))
    monkeypatch.setattr(module, "ATTEMPTS", 1)
    with pytest.raises(UserError, match=r"the connection failed \(.*timed out.*\)"):
        download(site.add("/a", CONTENT, pause=0.2), tmp_path / "a", ProgressReport())


def test_what_is_packed_for_the_way_stays_as_it_came(site, tmp_path: Path) -> None:
    """Servers call a .gz file's own packing Content-Encoding: unpacked, it would not be a .gz any more."""
    content = gzip.compress(b"text\n")
    url = site.add("/a.gz", content, headers={"Content-Encoding": "gzip"})
    assert fetched(url, tmp_path / "a.gz") == content
