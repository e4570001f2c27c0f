from __future__ import annotations

import gzip
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from data_prep.destination import place_for
from data_prep.prepare import prepare
from data_prep.summary import directions_of
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


def test_what_a_killed_run_left_is_removed_by_the_next(tmp_path: Path) -> None:
    (tmp_path / "store.partial-abc" / "shards").mkdir(parents=True)
    (tmp_path / "store.partial-abc" / "shards" / "000000.bin").write_bytes(b"half")
    prepare(generated(tmp_path))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["store", "store.yaml"]


def test_killed_between_the_two_renames_of_an_overwrite(tmp_path: Path) -> None:
    config = generated(tmp_path)
    prepare(config)
    os.rename(tmp_path / "store", tmp_path / "store.replaced")
    with place_for(tmp_path / "store", overwrite=True) as place:
        assert (tmp_path / "store" / "manifest.json").exists()
        place.mkdir()
        (place / "manifest.json").write_text("new")
    assert (tmp_path / "store" / "manifest.json").read_text() == "new"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["store", "store.yaml"]


def test_two_writers_of_one_store(tmp_path: Path) -> None:
    with place_for(tmp_path / "store", overwrite=False) as place:
        with (
            pytest.raises(UserError, match="another process is preparing this store"),
            place_for(tmp_path / "store", overwrite=False),
        ):
            pass
        place.mkdir()


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
    program = "import sys, pathlib; from data_prep.prepare import prepare; prepare(pathlib.Path(sys.argv[1]))"
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
