from __future__ import annotations

import gzip
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from data_prep.destination import place_for
from data_prep.prepare import prepare
from data_prep.summary import directions_of
from data_prep.table import NOTHING_LEFT
from mtdeep.corpus.store import Store
from mtdeep.corpus.vocabulary import UNK
from mtdeep.errors import UserError

GENERATED = """\
store: {store}
seed: 5
vocabulary: {{size: 300, character_coverage: 1.0, normalization: identity}}
corpora:
  - name: phrases
    reader: cldr
    languages: [en, de, zh_CN]
    lines: {{train: {lines}, valid: 10, test: 10}}
    entities: 10
"""


def generated(folder: Path, store: str = "store", lines: int = 150) -> Path:
    path = folder / f"{store}.yaml"
    path.write_text(GENERATED.format(store=store, lines=lines))
    return path


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_the_same_configuration_gives_the_same_bytes(tmp_path: Path) -> None:
    prepare(generated(tmp_path, "one"))
    prepare(generated(tmp_path, "two"))
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    assert str(tmp_path).encode() not in contents(tmp_path / "one")["manifest.json"]


def test_the_store_holds_what_was_generated(tmp_path: Path) -> None:
    store = prepare(generated(tmp_path)).store
    store.verify()
    assert store.languages == ("en", "de", "zh-Hans")
    assert store.splits == ("train", "valid", "test")
    (test,) = store.corpora("test")
    assert directions_of(test) == 6
    subwords = store.subwords()
    known = 0
    for language in store.languages:
        for row in range(test.rows):
            ids = test.sentence(language, row)
            assert len(ids) > 0
            if UNK not in ids:
                known += 1
                assert subwords.decode(ids) == test.text(language, row)
    assert known > 20  # of 30; a held-out line may have a character that so small a training set lacks
    with pytest.raises(KeyError):
        store.corpora("train")[0].text("en", 0)


def test_prepared_already_and_overwriting(tmp_path: Path) -> None:
    config = generated(tmp_path)
    assert not prepare(config).already
    before = contents(tmp_path)
    assert prepare(config).already
    assert contents(tmp_path) == before
    generated(tmp_path, lines=160)
    with pytest.raises(UserError, match="holds a store made from other inputs or settings; give --overwrite"):
        prepare(config)
    assert not prepare(config, overwrite=True).already
    assert sorted(p.name for p in tmp_path.iterdir()) == ["store", "store.yaml"]
    assert prepare(config).store.corpora("train")[0].rows == 160


def test_a_place_that_is_no_store_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "thesis.txt").write_text("years of work")
    with pytest.raises(UserError, match="exists and is no store"):
        prepare(generated(tmp_path), overwrite=True)
    assert (tmp_path / "store" / "thesis.txt").read_text() == "years of work"


def test_a_manifest_of_something_else_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "manifest.json").write_text('{"name": "a browser extension", "format": 3}')
    with pytest.raises(UserError, match="exists and is no store"):
        prepare(generated(tmp_path), overwrite=True)


def truncate_shard(store: Path) -> None:
    os.truncate(store / "shards" / "000000.bin", 100)


def truncate_manifest(store: Path) -> None:
    os.truncate(store / "manifest.json", 300)


def other_version(store: Path) -> None:
    manifest = store / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"version": 1', '"version": 7', 1))


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (
            truncate_shard,
            r"store/shards/000000.bin: truncated, expected \d+ bytes and found 100; prepare the store again",
        ),
        (truncate_manifest, r"store/manifest.json: damaged, not JSON"),
        (
            other_version,
            r"store/manifest.json: store format version 7, this mtdeep reads version \d; prepare the store",
        ),
    ],
)
def test_a_store_that_cannot_be_read_is_named_for_what_it_is(
    tmp_path: Path, damage: Callable[[Path], None], says: str
) -> None:
    config = generated(tmp_path)
    prepare(config)
    damage(tmp_path / "store")
    with pytest.raises(UserError, match=rf"{says}.* \(--overwrite prepares it again\)$"):
        prepare(config)
    prepare(config, overwrite=True).store.verify()


PLAIN = """\
store: store
vocabulary: {size: 36}
corpora:
  - name: talks
    reader: plain_text
    languages: [en, de, fr]
    splits: {train: "train.{language}.gz"}
    holdout: {valid: 5, test: 10}
  - name: manuals
    reader: plain_text
    splits:
      train: {en: manual.en, de: manual.de}
"""


def plain(folder: Path) -> Path:
    for language in ("en", "de", "fr"):
        lines = [f"{language} sentence number {i} of talk {i % 7}" if i % 10 else "" for i in range(200)]
        text = "".join(line + "\n" for line in lines).encode()
        (folder / f"train.{language}.gz").write_bytes(gzip.compress(text, mtime=0))
    (folder / "manual.en").write_text("press the red button\n\nlift the lid\n")
    (folder / "manual.de").write_text("roten Knopf drücken\nallein\nDeckel heben\n", encoding="utf-8")
    path = folder / "config.yaml"
    path.write_text(PLAIN)
    return path


def test_plain_text_accounts_for_every_row(tmp_path: Path) -> None:
    store = prepare(plain(tmp_path)).store
    assert store.splits == ("train", "valid", "test")
    accounts = {(r.name, r.split): r.provenance["account"] for r in store.manifest.corpora}
    assert accounts["talks", "train"]["read"] == 200
    assert accounts["talks", "train"]["rejected"] == {
        "empty in every language": 20,
        "held out for valid": 5,
        "held out for test": 10,
    }
    assert accounts["talks", "train"]["kept"] == store.corpora("train")[0].rows == 165
    assert accounts["manuals", "train"]["rejected"] == {"in one language only": 1}
    (test,) = store.corpora("test")
    assert test.rows == 10
    number = test.text("en", 0).split()[3]
    assert test.text("fr", 0).split()[3] == number
    inputs = store.manifest.provenance["inputs"]
    assert inputs["talks/train/en"]["path"] == "train.en.gz"
    assert inputs["manuals/train/de"]["bytes"] == (tmp_path / "manual.de").stat().st_size


def test_every_sentence_is_accounted_for_at_the_end(tmp_path: Path) -> None:
    config = plain(tmp_path)
    config.write_text(config.read_text().replace("train.{language}.gz", "{language}.txt"))
    for language in ("en", "de", "fr"):
        text = gzip.decompress((tmp_path / f"train.{language}.gz").read_bytes()).decode().splitlines()
        text[3] = "\u200b"  # of which nmt_nfkc leaves nothing
        text[5 if language == "en" else 15] = "\ufeff\u200e"
        (tmp_path / f"{language}.txt").write_text("\n".join(text) + "\n", encoding="utf-8")
    store = prepare(config).store
    vanished = 0
    for record in store.manifest.corpora:
        account = record.provenance["account"]
        assert account["read"] == account["kept"] + sum(account["rejected"].values())
        assert account["kept"] == record.rows
        for column in record.columns:
            gaps = sum(counts.get(column.language, 0) for counts in account["gaps"].values())
            assert account["kept"] == column.sentences + gaps
        vanished += account["gaps"].get(NOTHING_LEFT, {}).get("en", 0)
    assert vanished == 1
    assert store.manifest.corpora[0].provenance["account"]["rejected"][NOTHING_LEFT] == 2


def test_test_sentences_that_are_trained_on_are_counted(tmp_path: Path) -> None:
    config = plain(tmp_path)
    config.write_text(PLAIN + "      test: {en: test.en, de: test.de}\n      dev: {en: dev.en, de: dev.de}\n")
    (tmp_path / "test.en").write_text("Press  the RED button\npress the red button\nnever seen\n\n")
    (tmp_path / "test.de").write_text("neu\nDeckel heben\nfremd\nallein\n")  # allein: its row was rejected
    (tmp_path / "dev.en").write_text("something else\n")
    (tmp_path / "dev.de").write_text("etwas anderes\n")
    store = prepare(config).store
    assert store.manifest.provenance["in_training_text"] == {"test": {"en": 2, "de": 1}}


def test_changed_input_is_noticed(tmp_path: Path) -> None:
    config = plain(tmp_path)
    prepare(config)
    assert prepare(config).already
    (tmp_path / "manual.en").write_text("press the blue button\n\nlift the lid\n")
    with pytest.raises(UserError, match="other inputs"):
        prepare(config)


def test_problems_of_the_data_name_the_place_in_the_configuration(tmp_path: Path) -> None:
    config = plain(tmp_path)
    config.write_text(PLAIN.replace("size: 36", "size: 90000"))
    with pytest.raises(UserError, match=r"config.yaml:2: vocabulary.size 90000 is too large .* at most \d+"):
        prepare(config)
    config.write_text(PLAIN.replace("valid: 5", "valid: 500"))
    with pytest.raises(UserError, match=r"config.yaml:8: corpus 'talks': `holdout` asks for 500"):
        prepare(config)
    config = generated(tmp_path, lines=10**6)
    with pytest.raises(UserError, match=r"store.yaml:8: corpus 'phrases': only \d+ distinct phrases"):
        config.write_text(config.read_text().replace("test: 10}", "test: 9000}").replace("ies: 10", "ies: 5"))
        prepare(config)
    assert not (tmp_path / "store").exists()
    assert not list(tmp_path.glob("*partial*"))


def test_an_error_leaves_the_old_store_alone(tmp_path: Path) -> None:
    prepare(generated(tmp_path))
    before = contents(tmp_path)

    def fail() -> None:
        with place_for(tmp_path / "store", overwrite=True) as place:
            place.mkdir()
            raise RuntimeError("disk on fire")

    with pytest.raises(RuntimeError):
        fail()
    assert contents(tmp_path) == before
    assert Store(tmp_path / "store").languages


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_killed_runs_leave_no_store(tmp_path: Path, number: signal.Signals) -> None:
    config = generated(tmp_path, lines=3000)
    program = (
        "import sys, pathlib, signal; from data_prep.prepare import prepare; "
        # A shell's background jobs, and so these tests among them, are born deaf to it.
        "signal.signal(signal.SIGINT, signal.default_int_handler); prepare(pathlib.Path(sys.argv[1]))"
    )
    run = subprocess.Popen(
        [sys.executable, "-c", program, str(config)], cwd=Path(__file__).parents[2], stderr=subprocess.PIPE, text=True
    )
    assert run.stderr is not None
    while "learn the vocabulary" not in run.stderr.readline():
        assert run.poll() is None
    time.sleep(0.05)
    run.send_signal(number)
    run.stderr.read()
    assert run.wait(timeout=60) != 0
    assert not (tmp_path / "store").exists()
    if number is signal.SIGTERM:
        assert [p.name for p in tmp_path.iterdir()] == ["store.yaml"]
    generated(tmp_path, lines=100)
    assert prepare(config).store.corpora("train")[0].rows == 100
    assert sorted(p.name for p in tmp_path.iterdir()) == ["store", "store.yaml"]
