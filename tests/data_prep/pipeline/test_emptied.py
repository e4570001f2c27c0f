"""Corpora, splits and languages of which nothing is left: a warning, or the end of the run."""

from __future__ import annotations

from pathlib import Path

import pytest

from data_prep.prepare import prepare
from data_prep.report.write import notes_of
from mtdeep.errors import UserError

CONFIG = """\
store: store
vocabulary: {size: 30}
cleaning: {default: {length: {min: 10}}}
emptied: warn
corpora:
  - name: talks
    reader: plain_text
    languages: [en, de]
    splits: {train: "talks.{language}", dev: "dev.{language}"}
  - name: crumbs
    reader: plain_text
    languages: [en, fr]
    splits: {train: "crumbs.{language}"}
    holdout: {dev: 2}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Talks that are long enough, and crumbs that are not."""
    lines = {
        "talks.en": [f"the {name} sees it there" for name in ("dog", "cat", "cow", "hen")],
        "talks.de": [f"der {name} sieht es dort" for name in ("Hund", "Kater", "Ochse", "Hahn")],
        "dev.en": ["seen by nobody", "nor by me"],
        "dev.de": ["keiner sah es", "ich auch nicht"],
        "crumbs.en": [f"en {i}" for i in range(5)],
        "crumbs.fr": [f"fr {i}" for i in range(5)],
    }
    for name, texts in lines.items():
        (tmp_path / name).write_text("".join(f"{text}\n" for text in texts))
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG)
    return path


def test_an_emptied_corpus_is_a_warning(config: Path) -> None:
    """It stays in the store without rows, with its account; so does what would have been held out of it."""
    store = prepare(config, None).store
    store.verify()
    rows = {(one.name, one.split): one.rows for one in store.manifest.corpora}
    assert rows == {("talks", "train"): 4, ("talks", "dev"): 2, ("crumbs", "train"): 0, ("crumbs", "dev"): 0}
    notes = notes_of(store)
    assert notes[0] == "warning: nothing is left of crumbs, train, 5 rows: 5 left with too little by the rules"
    assert "warning: no sentence at all: fr" in notes


def test_or_stops_the_run_where_that_is_asked_for(config: Path) -> None:
    config.write_text(CONFIG.replace("warn", "stop"))
    rules = r"\(5 left with too little by the rules; of sentences 10 length: too short\); give other files"
    with pytest.raises(UserError, match=rf"yaml:13: nothing is left of the 5 rows .* corpus 'crumbs' {rules}"):
        prepare(config, None)


def test_the_answer_shapes_nothing(config: Path) -> None:
    made = prepare(config, None).store
    config.write_text(CONFIG.replace("emptied: warn\n", ""))
    assert prepare(config, None).already
    config.write_text(CONFIG.replace("warn", "stop"))
    again = prepare(config, None)
    assert again.already and again.store.digest == made.digest


def test_a_scored_split_of_no_corpus_stops_the_run_in_any_case(config: Path) -> None:
    for language in ("en", "de"):
        (config.parent / f"dev.{language}").write_text("\n\n")
    with pytest.raises(UserError, match="nothing is left of the 2 rows of split 'dev' of corpora 'talks', 'crumbs'"):
        prepare(config, None)


def test_a_language_without_a_sentence(config: Path) -> None:
    """Of rows that stay for their other languages."""
    lines = {"fr": ["ah", "oh", "eh", "ih"]}
    (config.parent / "talks.fr").write_text("".join(f"{text}\n" for text in lines["fr"]))
    corpora = CONFIG[: CONFIG.index("  - name: crumbs")].replace("[en, de]", "[en, de, fr]")
    corpora = corpora.replace(', dev: "dev.{language}"', "")
    config.write_text(corpora)
    assert "warning: no sentence at all: fr" in notes_of(prepare(config, None).store)
    config.write_text(corpora.replace("warn", "stop").replace("store: store", "store: other"))
    with pytest.raises(UserError, match="yaml:9: no sentence is left of fr; of sentences 4 length: too short; give"):
        prepare(config, None)
