"""mtdata's own index, asked by id."""

from __future__ import annotations

import logging
import os
import re
from pathlib import Path

import pytest

from data_prep.public import index
from data_prep.public.index import Entry, Unknown, look_up
from data_prep.public.reading import format_of
from mtdeep.errors import UserError

BOOKS = {"did": "OPUS-books-v1-deu-eng", "url": "https://a.example/de-en.txt.zip", "in_ext": "txt"}
NEWS = {"did": "Statmt-news-16-deu-eng", "url": "https://a.example/n.tsv.gz", "cite": ("kocmi-etal-2023-findings",)}


def test_what_mtdata_knows_and_what_it_does_not(entries, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entries(
        {**BOOKS, "in_paths": ["*.de", "*.en"]},
        NEWS,
        {**NEWS, "did": "Statmt-news-15-deu-eng"},
        {**NEWS, "did": "Statmt-news-16-ces-eng"},
        {"did": "X-two-1-deu", "url": ("https://a.example/1", "https://a.example/2"), "ext": "tsv", "cols": (3,)},
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MTDATA", "mtdata")
    handlers = list(logging.getLogger().handlers)
    books, news, two = look_up(["OPUS-books-v1-de-en", "Statmt-news-16-deu-eng", "X-two-1-de"])
    swapped, unknown = look_up(["Statmt-news-16-eng-deu", "statmt-News-16-fra"])
    assert logging.getLogger().handlers == handlers and Path.cwd() == tmp_path

    assert isinstance(news, Entry) and news.citations[0].startswith("@inproceedings{kocmi-etal-2023-findings,")
    assert books == Entry(
        id="OPUS-books-v1-deu-eng", urls=("https://a.example/de-en.txt.zip",), name="books.zip", kind="txt",
        archive=True, members=("*.de", "*.en"), columns=(0, 1), citations=(), version="0.5.1",
    )  # fmt: skip
    assert isinstance(two, Entry) and (two.urls, two.columns) == (("https://a.example/1", "https://a.example/2"), (3,))
    assert swapped == Unknown("Statmt-news-16-eng-deu", ("Statmt-news-16-deu-eng", "Statmt-news-15-deu-eng"))
    assert isinstance(unknown, Unknown) and len(unknown.near) == 3  # no corpus has the language, so those of the name


def test_without_mtdata_the_remedy_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r'needs the package mtdata; install it with pip install "mtdeep\[mtdata\]"'):
        look_up(["a-b-c-de"])


@pytest.mark.slow
def test_a_damaged_index_and_no_place_for_one(entries, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entries(NEWS)
    (path,) = (tmp_path / "mtdata").iterdir()
    os.truncate(path, 100)
    with pytest.raises(UserError, match=rf"{path}: mtdata's index is damaged \(.*\); remove it"):
        look_up(["a-b-c-de"])
    monkeypatch.setenv("MTDATA", str(path / "below a file"))
    with pytest.raises(UserError, match=r"no place for mtdata's index .*; name a folder in MTDATA"):
        look_up(["a-b-c-de"])


@pytest.mark.slow
def test_the_whole_index_as_it_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is made, without what lies about; the documentation's ids are in it, and mtdata's mistakes still."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mtdata_evil.py").write_text("raise SystemExit(3)")  # mtdata would import it
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("MTDATA", str(tmp_path / "new" / "mtdata"))
    documentation = (Path(__file__).parents[3] / "docs" / "corpora.md").read_text(encoding="utf-8")
    named = re.findall(r"\b[A-Z]\w+-\w+-\w+-[a-z]{3}-[a-z]{3}\b", documentation)
    flores, *found = look_up(["Flores-flores101_devtest-1-deu-eng", *named])
    assert isinstance(flores, Entry) and len(set(flores.members)) == 1
    assert len(named) == 4
    assert [format_of(entry) for entry in found if isinstance(entry, Entry)] == ["tsv", "txt", "txt", "txt"]


def test_nothing_of_mtdata_is_imported_at_a_start(run_command) -> None:
    imported = "import sys, mtdeep.cli.main, data_prep.prepare, data_prep.preview"
    found = run_command("python", "-c", f"{imported}; print({{'mtdata', 'requests'}} & {{*sys.modules}})")
    assert found.stdout == "set()\n", found.stderr
