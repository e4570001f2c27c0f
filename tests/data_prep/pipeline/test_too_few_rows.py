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
FEW = "3 of the 40 rows of training text that were read are left; lost above all: "


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
    with pytest.raises(UserError, match=rf"size 500 is too large for this text; set it to at most \d+ \({FEW}37 "):
        prepare(config, None)


def test_more_rows_held_out_than_there_are(config: Path) -> None:
    config.write_text(CONFIG + "    holdout: {valid: 20}\n")
    with pytest.raises(UserError, match=rf"only 3 distinct ones are left; hold out fewer \({FEW}37 "):
        prepare(config, None)
    config.write_text(CONFIG + "    holdout: {valid: 3}\n")
    with pytest.raises(UserError, match=rf"nothing is left to train on .*; hold out less \({FEW}37 "):
        prepare(config, None)
