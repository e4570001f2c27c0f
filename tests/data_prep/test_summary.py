"""What is printed of a prepared store to which something was appended since."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from data_prep.prepare import Prepared
from data_prep.summary import print_summary
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
