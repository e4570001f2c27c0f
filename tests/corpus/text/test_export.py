"""Text out of a store: any text comes back, however it is written; what was killed goes on."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data_prep.readers.jsonl import Jsonl
from data_prep.readers.plain_text import PlainText
from data_prep.readers.source import Source
from data_prep.readers.tsv import Tsv
from mtdeep.corpus import Store, StoreWriter, Vocabulary, blocks_of, parse_directions, text_blocks
from mtdeep.corpus.subwords import Subwords, pieces
from mtdeep.corpus.text import Chosen, export_text
from mtdeep.corpus.text.files import Folder, LineFiles
from mtdeep.errors import UserError

LANGUAGES = ("en", "de", "zh-Hans")
Columns = dict[str, list[str]]
# A mark at a file's start is none of its text, so no text begins with one.
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=9).filter(
    lambda text: not text.startswith("\ufeff")
)
rows = st.lists(st.tuples(texts, texts, texts).filter(any), min_size=1, max_size=12)


def store_of(path: Path, columns: Columns, split: str = "test") -> Store:
    """A store that keeps the text; its ids are no text's."""
    with StoreWriter(path, Vocabulary(("a",), LANGUAGES), None) as writer:
        ids = {code: blocks_of([np.array([4] * bool(text)) for text in column]) for code, column in columns.items()}
        text = {code: text_blocks(column) for code, column in columns.items()}
        writer.add_corpus("c", split, ids, text=text, provenance={})
        writer.finish({})
    return Store(path)


def chosen(**options: Any) -> Chosen:
    return Chosen(("test",), ("c",), **options)


def read(source: Source) -> list[tuple[str, ...]]:
    batches = list(source.batches(5))
    assert not [lost for batch in batches for lost in batch.rejected]
    return [row for batch in batches for row in zip(*batch.columns.values(), strict=True)]


def one_line(text: str, *others: str) -> str:
    for end in ("\r\n", "\r", "\n", *others):
        text = text.replace(end, " ")
    return text


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows, st.sampled_from([None, "gz", "xz", "zst"]))
def test_any_text_comes_back(tmp_path_factory: pytest.TempPathFactory, given: list[Any], suffix: str | None) -> None:
    folder = tmp_path_factory.mktemp("x")
    store = store_of(folder / "s", {code: [row[i] for row in given] for i, code in enumerate(LANGUAGES)})
    there = [i for i in range(3) if any(row[i] for row in given)]
    end, codes = f".{suffix}" if suffix else "", [LANGUAGES[i] for i in there]
    for form in ("text", "tsv", "jsonl"):
        export_text(store, folder / form, chosen(form=form, compression=suffix))
    names = {code: code.replace("-", "_") for code in codes}
    lines = PlainText({code: folder / "text" / f"test.{name}{end}" for code, name in names.items()})
    assert read(lines) == [tuple(one_line(row[i]) for i in there) for row in given]
    cells = Tsv(folder / "tsv" / f"test.tsv{end}", names)
    assert read(cells) == [tuple(one_line(row[i], "\t") for i in there) for row in given]
    keys = {code: f"translation.{name}" for code, name in names.items()}
    objects = Jsonl(folder / "jsonl" / f"test.jsonl{end}", keys)
    assert read(objects) == [tuple(row[i] for i in there) for row in given]


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(*[st.sampled_from(["", "a", "b"])] * 3).filter(any), min_size=1, max_size=20))
def test_rows_without_gaps(tmp_path_factory: pytest.TempPathFactory, given: list[Any]) -> None:
    folder = tmp_path_factory.mktemp("x")
    store = store_of(folder / "s", {code: [row[i] for row in given] for i, code in enumerate(LANGUAGES)})
    whole = [row for row in given if all(row)]
    wanted = chosen(gaps=False, languages=LANGUAGES)
    if not all(any(row[i] for row in given) for i in range(3)):
        with pytest.raises(UserError, match="no sentence in what is chosen"):
            export_text(store, folder / "out", wanted)
        return
    tables, _ = export_text(store, folder / "out", wanted)
    table = tables["test"]
    assert table.rows == len(whole) and dict(table.sentences) == dict.fromkeys(LANGUAGES, len(whole))
    for i, name in enumerate(("en", "de", "zh_Hans")):
        assert (folder / "out" / f"test.{name}").read_text() == "".join(f"{row[i]}\n" for row in whole)


def test_what_cannot_be_decoded_is_a_gap_and_counted(train_subwords, tmp_path: Path) -> None:
    _, model = train_subwords(["one dog", "ein Hund"], ("en", "de"), 12)
    subwords = Subwords(model, Vocabulary(pieces(model), ("en", "de")))
    lines = {"en": ["one dog", "one Ж", "one"], "de": ["ein Hund", "ein Hund", "Ж"]}
    with StoreWriter(tmp_path / "s", subwords.vocabulary, model) as writer:
        writer.add_corpus("c", "test", {code: [subwords.encode_block(t)] for code, t in lines.items()}, provenance={})
        writer.finish({})
    tables, _ = export_text(Store(tmp_path / "s"), tmp_path / "out", chosen())
    table = tables["test"]
    assert (table.rows, dict(table.sentences), dict(table.unknown)) == (3, {"en": 2, "de": 2}, {"en": 1, "de": 1})
    assert (tmp_path / "out" / "test.en").read_text() == "one dog\n\none\n"
    tables, _ = export_text(Store(tmp_path / "s"), tmp_path / "whole", chosen(gaps=False))
    assert tables["test"].rows == 1 and (tmp_path / "whole" / "test.de").read_text() == "ein Hund\n"


def test_an_export_that_was_stopped_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind its last whole table; of the one that it was at nothing stays."""
    store = store_of(tmp_path / "s", {"en": ["a", "b"], "de": ["c", ""], "zh-Hans": ["", "d"]})
    wanted = chosen(directions=parse_directions("all", store))
    opened = Folder.open

    def killed(folder: Folder, name: str) -> Any:
        if name == "test.en-zh_Hans.zh_Hans":
            raise KeyboardInterrupt
        return opened(folder, name)

    monkeypatch.setattr(Folder, "open", killed)
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        export_text(store, out, wanted)
    assert sorted(path.name for path in out.iterdir()) == ["export.json", "test.en-de.de", "test.en-de.en"]
    (out / ".test.en-zh_Hans.en.partial").write_text("of one that was killed")
    monkeypatch.setattr(Folder, "open", opened)
    before = (out / "test.en-de.en").stat().st_mtime_ns
    heard: list[tuple[str, int, int]] = []
    export_text(store, out, wanted, progress=lambda *said: heard.append(said))
    assert (out / "test.en-de.en").stat().st_mtime_ns == before
    assert [said for said in heard if said[0].startswith("writing")] == [("writing test.en-zh_Hans", 4, 4)]
    record = json.loads((out / "export.json").read_text())
    assert sorted(path.name for path in out.iterdir()) == sorted(
        ["export.json", *(name for table in record["tables"].values() for name in table["files"])]
    )
    (out / "test.en-de.en").write_text("")  # damaged since
    export_text(store, out, wanted)
    assert (out / "test.en-de.en").read_text() == "a\n"


def stop_at(patch: pytest.MonkeyPatch, step: int, *, kill: bool) -> list[str]:
    """Let the disk be full, or the process die, at a step; returns what that was once it has come."""
    stopped: list[str] = []
    steps = count()

    def stopping(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def called(*args: Any, **options: Any) -> Any:
            if stopped and kill:
                return None  # a dead process tidies nothing
            if not stopped and next(steps) == step:
                stopped.append(name)
                raise KeyboardInterrupt if kill else OSError(errno.ENOSPC, "No space left on device")
            return call(*args, **options)

        return called

    places = [(Path, "mkdir"), (Path, "write_text"), (Path, "replace"), (os, "fsync"), (Folder, "open")]
    places += [(LineFiles, "write"), (Path, "unlink")] if kill else [(LineFiles, "write")]
    for owner, name in places:
        patch.setattr(owner, name, stopping(name, getattr(owner, name)))
    return stopped


@pytest.mark.parametrize(("kill", "overwrite"), [(False, False), (True, True)])
def test_an_export_goes_on_wherever_it_was_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kill: bool, overwrite: bool
) -> None:
    def content(folder: Path) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in folder.iterdir()}

    store = store_of(tmp_path / "s", {"en": ["a", "b"], "de": ["c", ""], "zh-Hans": ["", "d"]})
    wanted = chosen(directions=parse_directions("de-en,zh-en", store))
    export_text(store, tmp_path / "whole", wanted)
    seen = set()
    for step in count():
        out = tmp_path / str(step)
        if overwrite:
            export_text(store, out, chosen())
        with monkeypatch.context() as patch:
            stopped = stop_at(patch, step, kill=kill)
            try:
                export_text(store, out, wanted, overwrite=overwrite)
            except (OSError, KeyboardInterrupt):
                assert stopped
        export_text(store, out, wanted, overwrite=overwrite)
        assert content(out) == content(tmp_path / "whole")
        seen.update(stopped)
        if not stopped:
            break
    assert seen >= {"write_text", "replace", "fsync", "open", "write"}


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"format": "mtdeep-text", "version": 2}', "\0"])
def test_a_damaged_record_is_a_sentence(tmp_path: Path, content: str) -> None:
    store = store_of(tmp_path / "s", {"en": ["a"]})
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "export.json").write_text(content)
    with pytest.raises(UserError, match=r"export.json: no record of an export .*; remove the folder") as raised:
        export_text(store, tmp_path / "out", chosen())
    assert "\n" not in str(raised.value)


def test_a_damaged_store_is_a_sentence_before_anything_is_written(tmp_path: Path) -> None:
    store = store_of(tmp_path / "s", {"en": ["a", "ä"]})
    shard = next((tmp_path / "s" / "shards").iterdir())
    data = shard.read_bytes()
    shard.write_bytes(data.replace("ä".encode(), b"\xff\xff"))
    with pytest.raises(UserError, match=r"shards/000000\.bin"):
        export_text(store, tmp_path / "out", chosen())
    assert not (tmp_path / "out").exists()
