"""The report's numbers against the manifest, the store's own sentences and one another."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data_prep.prepare import prepare
from mtdeep.corpus.directions import available
from mtdeep.corpus.manifest import totals
from mtdeep.corpus.store import Store

Report = dict[str, Any]


def split_of(report: Report, corpus: str, split: str) -> Report:
    found: Report = next(one for one in report["splits"] if (one["corpus"], one["split"]) == (corpus, split))
    return found


def test_totals_are_the_manifests(report: Report, store: Store) -> None:
    counts = totals(store.manifest.corpora)
    found = report["totals"]
    assert {key: found[key] for key in ("sentences", "tokens")} == {key: counts[key] for key in ("sentences", "tokens")}
    assert found["rows"] == sum(record.rows for record in store.manifest.corpora)
    assert found["rows_read"] == 60 + 2 + 7  # of talks, of dev and of the mined ones; held-out rows are in the first
    assert (found["languages"], found["corpora"], found["splits"]) == (3, 2, 3)
    assert found["directions"] == len(available(store, "train")) == 6
    assert found["bytes_of_tokens"] == counts["tokens"] * store.vocabulary.token_dtype.itemsize
    texts = [corpus.text(code, row) for split in ("dev", "test") for corpus in store.corpora(split)
             for code in corpus.languages for row in range(corpus.rows)]  # fmt: skip
    assert found["bytes_of_text"] == sum(len(text.encode()) for text in texts)
    assert found["bytes_of_inputs"] == sum(file["bytes"] for file in report["card"]["files"])


def test_everything_read_is_kept_or_has_a_reason_with_a_step(report: Report, store: Store) -> None:
    for split, record in zip(report["splits"], store.manifest.corpora, strict=True):
        assert (split["corpus"], split["split"]) == (record.name, record.split)
        assert split["rows"]["kept"] == record.rows
        for tally in (split["rows"], *split["languages"].values()):
            assert tally["read"] == tally["kept"] + sum(tally["rejected"].values())
            assert tally["rejected"].keys() <= split["steps"].keys()
        for column in record.columns:
            if column.kind == "tokens":
                numbers = split["languages"][column.language]
                assert (numbers["kept"], numbers["tokens"]) == (column.sentences, column.units)
                assert sum(numbers["lengths"]) == column.sentences
        sources = split["sources"]
        if sources:
            lost = sum(sum(source["rejected"].values()) for source in sources)
            assert split["rows"]["read"] == sum(source["rows"] for source in sources) + lost


def test_each_step_has_its_reasons(report: Report) -> None:
    talks = split_of(report, "talks", "train")
    assert talks["steps"]["stands in a scored split"] == "leakage"
    assert talks["steps"]["held out for test"] == "hold-out" and talks["rows"]["rejected"]["held out for test"] == 6
    mined = split_of(report, "mined <b>|x|</b> *y*", "train")
    rejected = dict.fromkeys(("reading", "cleaning", "hold-out", "leakage", "repeats"), 0)
    for reason, count in mined["rows"]["rejected"].items():
        rejected[mined["steps"][reason]] += count
    # One has too many columns; the script, the long one, the bell and the one alone are cleaned away; one comes twice.
    assert rejected == {"reading": 1, "cleaning": 4, "hold-out": 0, "leakage": 0, "repeats": 1}
    (source,) = mined["sources"]
    (samples,) = source["samples"].values()
    assert samples == [{"place": "line 5", "excerpt": "too\tmany\tcolumns <i>"}]


def test_samples_of_every_reason_of_cleaning(report: Report) -> None:
    for split in report["splits"]:
        for language, record in split["cleaning"]["languages"].items():
            tally = split["languages"][language]
            by_rules = {reason for reason in tally["rejected"] if ": " in reason}
            assert by_rules == record["samples"].keys()
            for reason, samples in record["samples"].items():
                assert 1 <= len(samples) <= min(10, tally["rejected"][reason])
    mined = split_of(report, "mined <b>|x|</b> *y*", "train")["cleaning"]["languages"]["en"]
    (long,) = mined["samples"]["length: too long"]
    assert long == {"row": 1, "text": "A" * 300, "score": 5000, "beside": {"de": "b"}}
    # The rule saw every sentence but the bell, which was out before: one that is below 10 characters, for instance.
    assert dict(zip(report["rules"]["length"], mined["histograms"]["length"], strict=False))[10] == 1
    assert sum(mined["histograms"]["length"]) == 5


def test_samples_of_leaks_and_repeats_stand_beside_what_they_are_like(report: Report) -> None:
    leaked = split_of(report, "talks", "train")["samples"]
    assert leaked.keys() == {"stands in a scored split"}
    (english,) = leaked["stands in a scored split"]["en"]
    assert english == {
        "row": 5, "text": "garden number 5 window", "score": 1.0, "beside": {"talks, dev": "Garden  NUMBER 5 window"}
    }  # fmt: skip
    name = "mined <b>|x|</b> *y*"
    mined = split_of(report, name, "train")["samples"]
    assert mined == {"repeats another row": {
        language: [{"row": 5, "text": text, "score": None, "beside": {f"{name}, row 4": text}}]
        for language, text in (("en", "good morning to all"), ("de", "guten Morgen euch allen"))
    }}  # fmt: skip
    assert split_of(report, "talks", "dev")["samples"] == {}


def test_settings_of_cleaning_are_those_that_held(report: Report) -> None:
    (settings,) = split_of(report, "talks", "train")["cleaning"]["settings"]
    assert settings["languages"] == ["en", "de", "fr"]
    words = [(row["value"], row["said_by"], row["languages"]) for row in settings["table"] if row["key"] == "words.max"]
    assert words == [("250", "built in", "en, fr"), ("9", "language de", "de")]
    assert split_of(report, "talks", "dev")["cleaning"]["settings"] == []


def test_pairs_are_the_stores(report: Report, store: Store) -> None:
    codes = report["pairs"]["languages"]
    found = {(str(d.source), str(d.target)): n for d, n in available(store, "train").items()}
    for i, source in enumerate(codes):
        for j, target in enumerate(codes):
            assert report["pairs"]["matrix"][i][j] == (found.get((source, target), 0) if i != j else 0)


def test_tokens_by_language_are_those_of_the_model(report: Report, store: Store) -> None:
    subwords = store.subwords()
    ids = {code: [corpus.sentence(code, row) for corpus in store.corpora("train") if code in corpus.languages
                  for row in range(corpus.rows)] for code in store.languages}  # fmt: skip
    for code, sentences in ids.items():
        there = [one for one in sentences if len(one)]
        numbers = report["vocabulary"]["languages"][code]
        assert (numbers["sentences"], numbers["tokens"]) == (len(there), sum(map(len, there)))
        # Nothing in this text is changed by normalisation, so that decoding gives its characters back.
        assert numbers["characters"] == sum(len(subwords.decode(one)) for one in there)
        assert numbers["characters_per_token"] == pytest.approx(numbers["characters"] / numbers["tokens"])
        assert sum(report["lengths"]["languages"][code]) == len(there)
        edges = report["lengths"]["edges"]
        bins = np.histogram([len(one) for one in there], [0, *edges, 10**9])[0]
        assert report["lengths"]["languages"][code] == bins.tolist()


def test_leakage_is_what_left_training(report: Report) -> None:
    assert report["leakage"]["policy"] == "remove"
    assert report["leakage"]["in_training_text"]["talks, dev"] == {"en": {"exact": 1}}
    train = split_of(report, "talks", "train")
    assert train["languages"]["en"]["rejected"]["stands in a scored split"] == 1


def test_the_card_says_where_everything_is_from(report: Report, folder: Path) -> None:
    card = report["card"]
    origins = {(one["corpus"], one["split"]): (one["origin"], one["licence"], one["url"]) for one in card["corpora"]}
    assert origins["talks", "test"] == ("human", "CC BY 4.0", "https://example.org/talks?a=1&b=2")
    files = {file["input"]: file for file in card["files"]}
    assert files["talks/train/2"]["file"] == "talks.fr"
    assert files["talks/train/2"]["bytes"] == (folder / "talks.fr").stat().st_size
    corpora = card["settings"]["corpora"]
    assert corpora[0]["splits"]["train"] == {"en": "talks.en", "de": "talks.de", "fr": "talks.fr"}
    assert card["settings"]["vocabulary"]["temperature"] == 1.0  # a default, which holds all the same


def test_no_path_and_the_same_bytes_from_what_is_done_already(folder: Path, store: Store, tmp_path: Path) -> None:
    files = {path.name: path.read_bytes() for path in (store.path / "report").iterdir()}
    assert sorted(files) == ["card.md", "index.html", "languages.png", "report.json"]
    assert not [name for name, content in files.items() if str(folder).encode() in content]
    text = (folder / "config.yaml").read_text()
    again = folder / "again.yaml"
    again.write_text(text.replace("store: store", "store: again"))
    work = set((folder / "work" / "encode").iterdir())
    found = prepare(again, None).store
    assert set((folder / "work" / "encode").iterdir()) == work
    assert {path.name: path.read_bytes() for path in (found.path / "report").iterdir()} == files
    found.verify()


def test_json_is_strict(store: Store) -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    json.loads((store.path / "report" / "report.json").read_text(encoding="utf-8"), parse_constant=refuse)
