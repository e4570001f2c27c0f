"""A setting that too few rows cannot meet: the sentence says what became of the rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from data_prep.prepare import prepare
from mtdeep.errors import UserError

CONFIG = """\
store: store
vocabulary: {size: 500}
cleaning: {default: {length: {min: 10}}}
corpora:
  - name: talks
    reader: plain_text
    languages: [en, de]
    splits: {train: "train.{language}"}
"""
FEW = (
    r"\(3 of the 40 rows of training text that were read are left; lost above all: "
    r"37 left with too little by the rules; of sentences 74 length: too short\)"
)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Forty rows, of which three are long enough."""
    for language, long in (("en", "the {} sees it there"), ("de", "der {} sieht es dort")):
        rows = [long.format(name) for name in ("dog", "cat", "cow")] + [f"{language} {i}" for i in range(37)]
        (tmp_path / f"train.{language}").write_text("\n".join(rows) + "\n")
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG)
    return path


def test_a_vocabulary_that_is_too_large(config: Path) -> None:
    with pytest.raises(UserError, match=rf"is too large for this text; set it to at most \d+ {FEW}") as raised:
        prepare(config, None)
    (told,) = raised.value.__notes__
    work = config.parent / ".store.mtdeep-work"
    assert told.startswith(f"half-done work lies in {work}: ") and work.is_dir()


def test_more_rows_held_out_than_there_are(config: Path) -> None:
    config.write_text(CONFIG + "    holdout: {valid: 20}\n")
    with pytest.raises(UserError, match=rf"only 3 distinct ones are left; hold out fewer {FEW}"):
        prepare(config, None)
    config.write_text(CONFIG + "    holdout: {valid: 3}\nwork: mine\n")
    with pytest.raises(UserError, match=rf"nothing is left to train on .*; hold out less {FEW}") as raised:
        prepare(config, None)
    assert not hasattr(raised.value, "__notes__")  # whose work lies where it was asked to


def test_nothing_left_at_all(config: Path) -> None:
    config.write_text(CONFIG.replace("min: 10", "min: 99"))
    rules = "40 left with too little by the rules; of sentences 80 length: too short"
    with pytest.raises(UserError, match=rf"nothing is left of the 40 rows .* \({rules}\); give other files"):
        prepare(config, None)


def test_what_another_script_takes_can_be_allowed(config: Path) -> None:
    config.write_text(CONFIG.replace("length: {min: 10}", "script: {scripts: [Cyrl]}"))
    setting = r"`cleaning: {languages: {en: {script: {scripts: \[\.\.\.\]}}, de: {script: {scripts: \[\.\.\.\]}}}}`"
    with pytest.raises(
        UserError, match=rf"; are the files exchanged or mislabelled\? If not, write {setting}, with the"
    ):
        prepare(config, None)
