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


TALKS = CONFIG[: CONFIG.index("  - name: crumbs")].replace('"talks.', '"talks*.')
UNITS = CONFIG.replace(
    "reader: plain_text\n    languages: [en, fr]", "reader: READER\n    languages: [en, fr]"
).replace('{train: "crumbs.{language}"}', "{train: crumbs}")
TMX = '<tmx version="1.4"><header srclang="en"/><body>%s</body></tmx>'
TU = '<tu><tuv xml:lang="en"><seg>one</seg></tuv><tuv xml:lang="de"><seg>eins</seg></tuv></tu>'
XLIFF = '<xliff version="1.2"><file source-language="en" target-language="fr"><body/></file></xliff>'


def test_an_empty_file_of_many(config: Path) -> None:
    for name in ("talks-0.en", "talks-0.de", "talks-1.en", "talks-1.de"):
        (config.parent / name).touch()
    config.write_text(TALKS)
    store = prepare(config, None).store
    store.verify()
    assert [one.rows for one in store.manifest.corpora] == [4, 2]
    why = "the file is empty; give a file with one sentence a line, or leave it out"
    files = f"talks-0.en: {why}, talks-1.en: {why}"
    assert notes_of(store)[0] == f"warning: nothing in 2 of 3 sources of talks, train: {files}"
    config.write_text(TALKS.replace("warn", "stop").replace("store: store", "store: other"))
    with pytest.raises(UserError, match=r"talks-0\.en: the file is empty; .* say `emptied: warn`"):
        prepare(config, None)


@pytest.mark.parametrize(
    ("reader", "content", "why"),
    [
        ("tmx", "", "the file is empty; give a file of the reader's format"),
        ("xliff", XLIFF, "no <trans-unit> or <unit> in it; give an XLIFF file, or leave it out"),
    ],
)
def test_the_only_file_of_a_corpus_is_empty(config: Path, reader: str, content: str, why: str) -> None:
    """What it lacks is told all the same: most likely it is of another format."""
    (config.parent / "crumbs").write_text(content)
    config.write_text(UNITS.replace("READER", reader))
    store = prepare(config, None).store
    store.verify()
    assert f"warning: nothing is left of crumbs, train, 0 rows: crumbs: {why}" in notes_of(store)


def test_the_only_file_of_a_corpus_lacks_a_language(config: Path) -> None:
    (config.parent / "crumbs").write_text(TMX % TU)
    config.write_text(UNITS.replace("READER", "tmx"))
    why = "1 in one language only; crumbs: no text in fr in it, but in de, en; name those, or leave it out"
    assert f"warning: nothing is left of crumbs, train, 1 row: {why}" in notes_of(prepare(config, None).store)


def test_empty_everywhere(config: Path) -> None:
    for language in ("en", "de"):
        (config.parent / f"talks.{language}").write_text("")
    config.write_text(TALKS)
    why = r"no row is in split 'train' of corpus 'talks': .*/talks\.en: the file is empty; give a file with one"
    with pytest.raises(UserError, match=why):
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
