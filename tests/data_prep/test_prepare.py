"""Preparing a store: equal bytes from equal settings, what it holds, and when it is prepared again."""

from __future__ import annotations

from pathlib import Path

import pytest
from preparing import PLAIN, contents, generated, plain, prepare

from data_prep.summary import directions_of
from mtdeep.corpus.store import Store
from mtdeep.corpus.vocabulary import UNK
from mtdeep.errors import UserError


def test_the_same_configuration_gives_the_same_bytes(tmp_path: Path) -> None:
    prepare(generated(tmp_path, "one"))
    prepare(generated(tmp_path, "two"))
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    assert not [name for name, content in contents(tmp_path / "one").items() if str(tmp_path).encode() in content]


def test_the_store_holds_what_was_generated(prepared_before: Path) -> None:
    store = Store(prepared_before / "store")
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


def test_prepared_already_and_overwriting(prepared_folder: Path) -> None:
    tmp_path, config = prepared_folder, prepared_folder / "store.yaml"
    before = contents(tmp_path)
    assert prepare(config).already
    assert contents(tmp_path) == before
    generated(tmp_path, lines=160)
    with pytest.raises(UserError, match=r"settings: `lines.train` of corpus 'phrases' was 150 and is 160; give --over"):
        prepare(config)
    assert not prepare(config, overwrite=True).already
    assert sorted(p.name for p in tmp_path.iterdir()) == ["store", "store.yaml"]
    assert prepare(config).store.corpora("train")[0].rows == 160


def test_changed_input_is_noticed(tmp_path: Path) -> None:
    config = plain(tmp_path)
    prepare(config)
    assert prepare(config).already
    (tmp_path / "manual.en").write_text("press the blue button\n\nlift the lid\n")
    with pytest.raises(UserError, match=r"other inputs or settings: manuals/train/0 \(manual.en\) has other bytes"):
        prepare(config)


def test_problems_of_the_data_name_the_place_in_the_configuration(tmp_path: Path) -> None:
    config = plain(tmp_path)
    config.write_text(PLAIN.replace("size: 32", "size: 90000"))
    with pytest.raises(UserError, match=r"config.yaml:2: vocabulary.size 90000 is too large .* at most \d+"):
        prepare(config)
    config.write_text(PLAIN.replace("valid: 5", "valid: 500"))
    with pytest.raises(UserError, match=r"config.yaml:9: corpus 'talks': `holdout` asks for 500"):
        prepare(config)
    config = generated(tmp_path, lines=10**6)
    with pytest.raises(UserError, match=r"store.yaml:8: corpus 'phrases': only \d+ distinct phrases"):
        config.write_text(config.read_text().replace("test: 10}", "test: 9000}").replace("ies: 10", "ies: 5"))
        prepare(config)
    assert not (tmp_path / "store").exists()
    assert not list(tmp_path.glob("*partial*"))
