"""Leaks through files: an n-way test set leaves every direction of its languages, and the row its other languages."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from data_prep.chunk import TextChunk, read_arrays
from data_prep.duplicates.key import sentence_keys
from data_prep.stages.clean import KEYS, ROWS
from data_prep.stages.encode import KEPT
from data_prep.stages.leaks import INDEX, MET, find_leaks, index, without_met
from data_prep.stages.part import LEAKED, Part

LONG = "The committee said on Tuesday that it would not change the rules of the competition this year"
CHINESE = "委员会星期二表示今年不会改变比赛的规则因为所有的参加者都已经按照这些规则准备好了"


def write(path: Path, columns: dict[str, list[str]]) -> Part:
    keys = np.stack([sentence_keys(column) for column in columns.values()], axis=1)
    TextChunk(columns, {KEYS: keys, ROWS: 10 + np.arange(len(keys))}).write(path)
    return Part(path, tuple(columns))


@pytest.fixture
def found(tmp_path: Path):  # type: ignore[no-untyped-def]
    """Find the leaks of a training chunk with or without near matches, the index being cut into two chunks."""
    flores = [
        write(tmp_path / "flores0", {"en": ["Short.", ""], "fr": ["Court.", "Un autre."]}),
        write(tmp_path / "flores1", {"en": [LONG], "fr": [""]}),
    ]
    news = [write(tmp_path / "news", {"en": ["Short."], "zh-Hans": [CHINESE]})]
    train = {
        "en": ["short.", LONG + " indeed", "Free.", ""],
        "de": ["Kurz.", "Lang.", "Frei.", "Nur."],
        "zh-Hans": ["", CHINESE[1:], CHINESE, "自由"],
    }
    part = write(tmp_path / "train", train)

    def find(near: bool) -> tuple[list[list[bool]], dict[str, object], list[tuple[object, ...]]]:
        sizes = index(tmp_path, [flores, news], near)["sentences"]
        assert sizes == {"en-Latn": 2, "fr-Latn": 2, "zh-Hans": 1}
        record = find_leaks(tmp_path, part, (tmp_path / INDEX).rename(tmp_path / f"index{near}"), near)
        samples = [
            (language, sample["row"], sample["text"], sample["score"], sample["beside"])
            for language, of_language in record["samples"].items()
            for sample in sorted(of_language, key=lambda sample: sample["row"])
        ]
        return read_arrays(tmp_path / LEAKED)[LEAKED].tolist(), record["leaked"], samples

    return find


def test_exact_and_near_cells_by_set(found) -> None:  # type: ignore[no-untyped-def]
    leaked, counts, samples = found(True)
    assert leaked == [[True, False, False], [True, False, True], [False, False, True], [False, False, False]]
    assert counts == {"en": {"0": {"exact": 1, "near": 1}}, "zh-Hans": {"1": {"exact": 1, "near": 1}}}
    assert [sample[:3] + sample[4:] for sample in samples] == [
        ("en", 10, "short.", {"0": "Short."}),
        ("en", 11, LONG + " indeed", {"0": LONG}),
        ("zh-Hans", 11, CHINESE[1:], {"1": CHINESE}),
        ("zh-Hans", 12, CHINESE, {"1": CHINESE}),
    ]
    similarities = [sample[3] for sample in samples]
    assert similarities[::3] == [1, 1] and all(0.8 <= similarity < 1 for similarity in similarities[1:3])


def test_exact_cells_alone(found) -> None:  # type: ignore[no-untyped-def]
    leaked, counts, samples = found(False)
    assert leaked == [[True, False, False], [False, False, False], [False, False, True], [False, False, False]]
    assert counts == {"en": {"0": {"exact": 1}}, "zh-Hans": {"1": {"exact": 1}}}
    assert [sample[:2] for sample in samples] == [("en", 10), ("zh-Hans", 12)]


def test_rows_of_what_is_scored_that_training_has_met(tmp_path: Path) -> None:
    """A row goes with all its sentences, whichever of its languages was met, equal or near."""
    valid = write(tmp_path / "valid", {"en": ["Short.", LONG, "Other.", ""], "fr": ["Court.", "Long.", "", "Seul."]})
    train = write(tmp_path / "train", {"en": ["short.", LONG + " indeed"], "de": ["Seul.", "Other."]})
    index(tmp_path, [[valid]], near=True)
    find_leaks(tmp_path, train, tmp_path / INDEX, near=True)
    met = read_arrays(tmp_path / MET)
    assert list(met) == ["en-Latn"]
    assert met["en-Latn"].tolist() == sorted(sentence_keys(["Short.", LONG]).tolist())
    record = without_met(tmp_path, valid, [tmp_path])
    assert read_arrays(tmp_path / KEPT)[KEPT].tolist() == [[False] * 2, [False] * 2, [True, False], [False, True]]
    assert record == {"rows": 2, "languages": {"en": 2, "fr": 2}}


def test_codes_of_one_language_and_script_are_one(tmp_path: Path) -> None:
    """Whichever side says the region, equal or near; another script is another language."""
    valid = write(tmp_path / "valid", {"en": ["Short.", LONG], "pt-BR": ["Curto.", "Outro."], "zh-Hans": ["", CHINESE]})
    columns = {
        "en-US": ["short.", LONG + " indeed", "Free."],
        "en": ["", "", "Short."],
        "pt": ["curto.", "", ""],
        "zh-Hant": ["", CHINESE, ""],
        "zh-Hans-SG": ["", CHINESE[1:], ""],
    }
    train = write(tmp_path / "train", columns)
    assert index(tmp_path, [[valid]], near=True)["sentences"] == {"en-Latn": 2, "pt-Latn": 2, "zh-Hans": 1}
    record = find_leaks(tmp_path, train, tmp_path / INDEX, near=True)
    assert record["leaked"] == {
        "en-US": {"0": {"exact": 1, "near": 1}},
        "en": {"0": {"exact": 1}},
        "pt": {"0": {"exact": 1}},
        "zh-Hans-SG": {"0": {"near": 1}},
    }
    assert read_arrays(tmp_path / LEAKED)[LEAKED].sum(axis=0).tolist() == [2, 1, 1, 0, 1]
    assert without_met(tmp_path, valid, [tmp_path])["rows"] == 2
