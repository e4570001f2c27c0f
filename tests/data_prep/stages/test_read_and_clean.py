"""From files to cleaned chunks: what was read = what is kept + what was rejected, and what goes on beside the text."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import data_prep.stages.read as read_module
from data_prep.chunk import TextChunk
from data_prep.cleaning.cleaner import Cleaner
from data_prep.cleaning.settings import CleaningSettings
from data_prep.duplicates.key import sentence_keys
from data_prep.engine.task import carry_out
from data_prep.readers.plain_text import PlainText
from data_prep.readers.tsv import Tsv
from data_prep.stages.clean import CLEAN, KEYS, ROWS, clean
from data_prep.stages.read import IDS, SCORES, chunk_name, id_keys, read, read_task
from mtdeep.corpus.store import file_digest

CLEANER = Cleaner(CleaningSettings.model_validate({"default": {"language": False}}), "a", ("en", "de"))
ENGLISH = ["A first sentence.", "The second one.", "\u200b", "The fourth is here.", "", "The last of all."]
GERMAN = ["Ein erster Satz.", "", "Der dritte.", "Der vierte ist hier.", "Der f\u00fcnfte.", "Der letzte von allen."]


@pytest.fixture
def pair(tmp_path: Path) -> PlainText:
    files = {"en": tmp_path / "a.en", "de": tmp_path / "a.de"}
    for language, lines in (("en", ENGLISH), ("de", GERMAN)):
        files[language].write_text("".join(f"{line}\n" for line in lines))
    return PlainText(files)


def test_chunks_have_so_many_rows_and_all_of_them(
    pair: PlainText, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read_module, "ROWS", 4)
    (tmp_path / "out").mkdir()
    record = read(tmp_path / "out", pair)
    lost: dict[str, object] = {"rejected": {}, "rejected_texts": {}, "aside": {}, "samples": {}, "nothing": None}
    assert record == {"rows": [4, 2], **lost}
    chunks = [TextChunk.read(tmp_path / "out" / chunk_name(number)) for number in range(2)]
    assert [line for chunk in chunks for line in chunk.columns["en"]] == ENGLISH


def test_rejected_rows_are_counted_and_shown(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text("one\teins\t0.5\tx1\ntwo\nthree\tdrei\t0.7\tx3\nfour\n")
    source = Tsv(tmp_path / "a.tsv", {"en": 1, "de": 2}, score=3, id=4)
    (tmp_path / "out").mkdir()
    record = read(tmp_path / "out", source)
    assert record["rows"] == [2] and sum(record["rejected"].values()) == 2
    ((reason, samples),) = record["samples"].items()
    assert record["rejected"] == {reason: 2} and [place for place, _ in samples] == ["line 2", "line 4"]
    arrays = TextChunk.read(tmp_path / "out" / chunk_name(0)).arrays
    assert arrays[SCORES].tolist() == [0.5, 0.7] and arrays[IDS].tolist() == id_keys(["x1", "x3"]).tolist()


def test_the_key_of_reading_is_of_the_content(pair: PlainText, tmp_path: Path) -> None:
    def key(source: PlainText) -> str:
        return read_task("n", source, {path: file_digest(path) for path in source.inputs}).key

    moved = PlainText({language: path.rename(path.with_name(f"moved.{language}")) for language, path in
                       {"en": tmp_path / "a.en", "de": tmp_path / "a.de"}.items()})  # fmt: skip
    before = key(moved)
    assert key(PlainText(moved.files, longest=99)) != before
    moved.files["de"].write_text("other\n" * 6)
    assert key(moved) != before


def test_what_is_kept_goes_on_with_its_numbers_and_keys(pair: PlainText, tmp_path: Path) -> None:
    task = read_task("a", pair, {path: file_digest(path) for path in pair.inputs})
    chunk = carry_out(task, tmp_path / "work").folder / chunk_name(0)
    (tmp_path / "out").mkdir()
    record = clean(tmp_path / "out", chunk, 100, ("en", "de"), CLEANER, "nmt_nfkc")
    found = TextChunk.read(tmp_path / "out" / CLEAN)
    assert found.arrays[ROWS].tolist() == [100, 103, 105]
    assert found.columns["de"] == [GERMAN[0], GERMAN[3], GERMAN[5]]
    assert np.array_equal(found.arrays[KEYS][:, 0], sentence_keys([ENGLISH[0], ENGLISH[3], ENGLISH[5]]))
    assert record["rows"] == 3 and record["vanished"] == {"en": 1, "de": 0}
    for language in ("en", "de"):
        counts = record["record"]["languages"][language]
        assert counts["read"] == counts["kept"] + sum(counts["rejected"].values())
