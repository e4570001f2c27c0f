"""From files to what is kept, on any rows: a row in one split, nothing scored in training, every row accounted for."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data_prep.account import Account
from data_prep.chunk import read_arrays
from data_prep.config_file import load_config
from data_prep.engine.pool import Pool
from data_prep.pipeline.grown import first
from data_prep.pipeline.texts import Run, SplitText
from data_prep.stages.clean import KEYS, ROWS
from data_prep.stages.encode import KEPT
from mtdeep.corpus.store import file_digest
from mtdeep.progress import ProgressReport

LANGUAGES = ("en", "de", "fr")
CONFIG = """\
store: store
vocabulary: {size: 99}
corpora:
  - name: talks
    reader: plain_text
    clean: false
    deduplicate: DEDUPLICATE
    languages: [en, de, fr]
    splits: {train: "train.{language}", test: "test.{language}"}
    holdout: {dev: 0.3}
"""
Row = tuple[str, str, str]
# So few sentences that rows share them, within training and with what is scored; a gap in every sixth cell or so.
cell = st.sampled_from(["", "a", "b", "c", "d", "e"])
rows_of = st.lists(st.tuples(cell, cell, cell), min_size=1, max_size=14)
# Rows that no drawn row shares a sentence with: no split is empty, whatever is drawn.
FIRST = [tuple(f"own {i} {language}" for language in LANGUAGES) for i in range(12)]
SCORED = [tuple(f"scored {language}" for language in LANGUAGES)]
few = settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@dataclass(frozen=True)
class Split:
    """What is kept of a split: row of its file -> keys of the cells, 0 for those that are not."""

    account: Account
    kept: Mapping[int, tuple[int, ...]]


def prepared(folder: Path, train: Sequence[Row], test: Sequence[Row], *, deduplicate: bool) -> dict[str, Split]:
    """Return the splits of a preparation of these rows, up to its vocabulary."""
    shutil.rmtree(folder / "work", ignore_errors=True)
    for name, rows in (("train", train), ("test", test)):
        for language, column in zip(LANGUAGES, zip(*rows, strict=True), strict=True):
            (folder / f"{name}.{language}").write_text("".join(f"{text}\n" for text in column))
    config = folder / "config.yaml"
    config.write_text(CONFIG.replace("DEDUPLICATE", str(deduplicate).lower()))
    digests = {path: file_digest(path) for path in folder.iterdir() if path.is_file()}
    with Pool(folder / "work", None, ProgressReport()) as pool:
        run = Run(load_config(config), digests, pool)
        return {text.split: Split(text.ledger.account(), _kept(text)) for text in first(run).added}


def _kept(text: SplitText) -> dict[int, tuple[int, ...]]:
    (piece,) = text.pieces
    chunk, mask = read_arrays(piece.part.chunk), read_arrays(piece.kept.folder / KEPT)[KEPT]
    keys = np.where(mask, chunk[KEYS], np.uint64(0))
    there = mask.any(axis=1)
    return dict(zip(chunk[ROWS][there].tolist(), map(tuple, keys[there].tolist()), strict=True))


@few
@given(more=rows_of, test=rows_of, deduplicate=st.booleans())
def test_one_row_in_one_split_and_nothing_scored_in_training(
    tmp_path: Path, more: list[Row], test: list[Row], deduplicate: bool
) -> None:
    train = [*FIRST, *more]
    found = prepared(tmp_path, train, [*SCORED, *test], deduplicate=deduplicate)
    trained, scored = found["train"], (found["dev"], found["test"])
    assert not trained.kept.keys() & found["dev"].kept.keys()
    for column in range(len(LANGUAGES)):
        known = {keys[column] for split in scored for keys in split.kept.values()} - {0}
        assert not known & {keys[column] for keys in trained.kept.values()}
    # An account that does not add up cannot be made; here its numbers are those of the files.
    assert trained.account.rows.read == len(train) and found["test"].account.rows.read == len(test) + 1
    assert trained.account.rows.rejected.get("held out for dev", 0) == found["dev"].account.rows.read
    for split in found.values():
        assert split.account.rows.kept == len(split.kept)
        assert all(sum(key > 0 for key in keys) >= 2 for keys in split.kept.values())
        for column, language in enumerate(LANGUAGES):
            assert split.account.languages[language].kept == sum(keys[column] > 0 for keys in split.kept.values())
    for column, language in enumerate(LANGUAGES):
        assert trained.account.languages[language].read == sum(bool(row[column]) for row in train)
    if deduplicate:
        assert len(set(trained.kept.values())) == len(trained.kept)


@few
@given(more=rows_of, later=rows_of)
def test_a_corpus_that_grows_keeps_what_it_held_out(tmp_path: Path, more: list[Row], later: list[Row]) -> None:
    before = prepared(tmp_path, [*FIRST, *more], SCORED, deduplicate=False)["dev"].kept
    after = prepared(tmp_path, [*FIRST, *more, *later], SCORED, deduplicate=False)["dev"].kept
    grown = len(FIRST) + len(more)
    assert {row: keys for row, keys in after.items() if row < grown} == before
