"""What is printed of a prepared store to which something was appended since."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from data_prep.prepare import Prepared
from data_prep.summary import languages_table, print_summary
from mtdeep.corpus import Store, StoreAppender, StoreWriter, Vocabulary, blocks_of


def test_corpora_that_no_preparation_wrote_have_no_account(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with StoreWriter(tmp_path / "s", Vocabulary(("a",), ("en",)), None) as writer:
        writer.finish({"in_training_text": {}, "leakage": "remove"})
    with StoreAppender(tmp_path / "s") as appender:
        appender.add_corpus("added", "train", {"en": blocks_of([np.array([4, 4])])}, provenance={})
        appender.finish({})
    print_summary(Prepared(Store(tmp_path / "s"), already=True))
    printed = capsys.readouterr().out
    assert "added" not in printed
    assert "en  English │     1 │      2" in printed


@pytest.mark.parametrize("width", [80, 120])
def test_a_store_of_many_splits_is_summed_by_language(tmp_path: Path, width: int) -> None:
    splits = ["train", *(f"test_set_{number}" for number in range(23))]
    with StoreWriter(tmp_path / "s", Vocabulary(("a",), ("en", "de")), None) as writer:
        for rows, split in enumerate(splits, start=1000):
            columns = {code: blocks_of([np.array([4, 4])] * rows) for code in ("en", "de")}
            writer.add_corpus("c", split, columns, provenance={})
        writer.finish({"in_training_text": {}, "leakage": "remove"})
    out = io.StringIO()
    Console(file=out, width=width).print(languages_table(Store(tmp_path / "s"), width))
    lines = [line.replace("│", " ").replace("┃", " ").split() for line in out.getvalue().splitlines()]
    assert ["language", "train", "tokens", "23", "scored", "splits", "tokens"] in lines
    scored = sum(range(1001, 1024))
    assert ["de", "German", "1,000", "2,000", f"{scored:,}", f"{2 * scored:,}"] in lines
