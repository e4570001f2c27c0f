"""Accounts of a prepared store: every row and sentence that was read is kept, or rejected with a reason."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from preparing import plain, prepare

from data_prep.stages.clean import CLEANED, EMPTY, NOTHING_LEFT, ONE
from data_prep.stages.select import REPEAT


def test_plain_text_accounts_for_every_row(tmp_path: Path) -> None:
    store = prepare(plain(tmp_path)).store
    assert store.splits == ("train", "valid", "test")
    rows = {(r.name, r.split): r.provenance["account"]["rows"] for r in store.manifest.corpora}
    assert rows["talks", "train"] == {
        "read": 200,
        "kept": 165,
        "rejected": {EMPTY: 20, "held out for valid": 5, "held out for test": 10},
    }
    assert store.corpora("train")[0].rows == 165
    assert rows["talks", "test"] == {"read": 10, "kept": 10, "rejected": {}}
    assert rows["manuals", "train"]["rejected"] == {ONE: 1}
    (test,) = store.corpora("test")
    assert test.rows == 10
    number = test.text("en", 0).split()[3]
    assert test.text("fr", 0).split()[3] == number
    inputs = store.manifest.provenance["inputs"]
    assert inputs["talks/train/0"]["file"] == "train.en.gz"
    assert inputs["manuals/train/1"]["bytes"] == (tmp_path / "manual.de").stat().st_size


def test_every_row_and_sentence_is_accounted_for(tmp_path: Path) -> None:
    config = plain(tmp_path)
    config.write_text(config.read_text().replace("train.{language}.gz", "{language}.txt"))
    for language in ("en", "de", "fr"):
        text = gzip.decompress((tmp_path / f"train.{language}.gz").read_bytes()).decode().splitlines()
        text[3] = "\u200b"  # of which nmt_nfkc leaves nothing
        text[5 if language == "en" else 15] = "\ufeff\u200e"
        text[17] = text[18]  # once more
        (tmp_path / f"{language}.txt").write_text("\n".join(text) + "\n", encoding="utf-8")
    store = prepare(config).store
    train = next(r for r in store.manifest.corpora if (r.name, r.split) == ("talks", "train"))
    rejected = train.provenance["account"]["rows"]["rejected"]
    assert rejected[NOTHING_LEFT] == 2 and rejected[REPEAT] == 1
    for record in store.manifest.corpora:
        account = record.provenance["account"]
        assert account["rows"]["kept"] == record.rows
        assert account["rows"]["read"] == record.rows + sum(account["rows"]["rejected"].values())
        for column in record.columns:
            if column.kind == "text":
                continue
            tally = account["languages"][column.language]
            assert tally["kept"] == column.sentences
            assert tally["read"] == column.sentences + sum(tally["rejected"].values())
    assert train.provenance["account"]["languages"]["en"]["rejected"][NOTHING_LEFT] == 2


def test_near_repeats_leave_where_they_are_to(tmp_path: Path) -> None:
    config = plain(tmp_path)
    config.write_text(config.read_text().replace("size: 32", "size: 45"))
    english = "the committee said on tuesday that it would not change the rules of the competition this year"
    german = "der ausschuss sagte am dienstag er werde die regeln des wettbewerbs in diesem jahr nicht mehr aendern"
    (tmp_path / "manual.en").write_text(f"{english}\n{english} again\nlift the lid\n")
    (tmp_path / "manual.de").write_text(f"{german}\n{german} doch\nDeckel heben\n")
    assert prepare(config).store.corpora("train")[1].rows == 3
    config.write_text(config.read_text().replace("name: manuals", "name: manuals\n    deduplicate: near"))
    store = prepare(config, overwrite=True).store
    record = next(r for r in store.manifest.corpora if r.name == "manuals")
    assert record.provenance["account"]["rows"] == {"read": 3, "kept": 2, "rejected": {REPEAT: 1}}


OF_PAIRS = """\
store: store
vocabulary: {size: 25}
cleaning: {default: {script: false, language: false}, corpora: {opus: {words: {max: 4}}}}
corpora:
  - name: opus
    reader: plain_text
    pairs: all
    splits: {train: "opus/{source}-{target}/train.{language}", test: "opus/{source}-{target}/test.{language}"}
    holdout: {dev: 1}
"""


def test_many_pairs_in_one_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is a corpus with its account and files, also one of which nothing is left or was; listing has no order."""
    for pair in ("de-en", "en-zh-Hans", "cs-en"):
        folder = tmp_path / "opus" / pair
        folder.mkdir(parents=True)
        for language in pair.split("-", 1):
            lines = [f"{language} {pair} talk {word}" for word in ("alpha", "beta", "gamma", "delta")]
            long = [line + " longer" for line in lines]
            train = long if pair == "cs-en" else [*lines, *long[:2]]
            (folder / f"train.{language}").write_text("\n".join(train) + "\n")
            if pair == "de-en":
                (folder / f"test.{language}").write_text(f"{language} never seen\n")
    for language in ("cs", "de"):
        (tmp_path / "opus" / "cs-de").mkdir(exist_ok=True)
        (tmp_path / "opus" / "cs-de" / f"train.{language}").write_bytes(b"\xff\n")
    config = tmp_path / "config.yaml"
    config.write_text(OF_PAIRS)
    store = prepare(config).store
    store.verify()
    assert store.languages == ("cs", "de", "en", "zh-Hans"), "as the pairs have them, whatever is left of each"
    accounts = {(r.name, r.split): r.provenance["account"]["rows"] for r in store.manifest.corpora}
    assert accounts == {
        ("opus/cs-de", "train"): {"read": 1, "kept": 0, "rejected": {"invalid UTF-8": 1}},
        ("opus/cs-de", "dev"): {"read": 0, "kept": 0, "rejected": {}},
        ("opus/cs-en", "train"): {"read": 4, "kept": 0, "rejected": {CLEANED: 4}},
        ("opus/cs-en", "dev"): {"read": 0, "kept": 0, "rejected": {}},
        ("opus/de-en", "train"): {"read": 6, "kept": 3, "rejected": {CLEANED: 2, "held out for dev": 1}},
        ("opus/de-en", "dev"): {"read": 1, "kept": 1, "rejected": {}},
        ("opus/de-en", "test"): {"read": 1, "kept": 1, "rejected": {}},
        ("opus/en-zh_Hans", "train"): {"read": 6, "kept": 3, "rejected": {CLEANED: 2, "held out for dev": 1}},
        ("opus/en-zh_Hans", "dev"): {"read": 1, "kept": 1, "rejected": {}},
    }
    inputs = store.manifest.provenance["inputs"]
    assert inputs["opus/en-zh_Hans/train/1"]["file"] == "train.zh-Hans"
    listed = Path.iterdir
    monkeypatch.setattr(Path, "iterdir", lambda path: reversed([*listed(path)]))
    assert prepare(config).already
