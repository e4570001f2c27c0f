"""What is printed of a prepared store to which something was appended since."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from data_prep.prepare import Prepared
from data_prep.summary import print_summary
from mtdeep.corpus import Store, StoreAppender, StoreWriter, Vocabulary, blocks_of


def test_appended_corpora_have_no_account(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    account = {"read": 1, "kept": 1, "rejected": {}, "gaps": {}}
    with StoreWriter(tmp_path / "s", Vocabulary(("a",), ("en",)), None) as writer:
        record = {"account": account, "unknown_tokens": {"en": 7}}
        writer.add_corpus("news", "train", {"en": blocks_of([np.array([4])])}, provenance=record)
        writer.finish({"in_training_text": {}})
    with StoreAppender(tmp_path / "s") as appender:
        appender.add_corpus("added", "train", {"en": blocks_of([np.array([4, 4])])}, provenance={})
        appender.finish({})
    print_summary(Prepared(Store(tmp_path / "s"), already=True))
    printed = capsys.readouterr().out
    assert "news" in printed and "added" not in printed
    assert "unknown tokens: 7 of en" in printed
    assert "en  English │     2 │      3" in printed  # of both
