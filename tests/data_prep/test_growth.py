"""What may be added to a configuration, and what is told of the rest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from data_prep.config import Config
from data_prep.config_file import ConfigFile
from data_prep.growth import Growth, change, growth

CONFIG = """\
store: store
vocabulary: {size: 32}
cleaning: {default: {words: {max: 9}}, languages: {de: {urls: false}}, pairs: {en-de: {numbers: true}}}
deduplication: {memory: 1GB}
corpora:
  - {name: talks, reader: plain_text, languages: [en, de], splits: {train: "t.{language}"}, holdout: {valid: 5}}
  - {name: mined, reader: tsv, splits: {train: [{path: a.tsv, columns: {en: 1, de: 2}}]}}
  - {name: phrases, reader: cldr, languages: [en, de], lines: {train: 10}}
"""
PAIRS = {"name": "opus", "reader": "plain_text", "splits": {"train": "{source}-{target}/{language}"}}
NEW = {"name": "news", "reader": "plain_text", "splits": {"train": {"en": "n.en", "uk": "n.uk"}}}


def changed(*changes: tuple[tuple[str | int, ...], Any]) -> ConfigFile:
    """Return the configuration with other values at some places; a place at a list's end adds to it."""
    document = yaml.safe_load(CONFIG)
    for (*place, last), value in changes:
        inner = document
        for step in place:
            inner = inner[step]
        if isinstance(inner, list) and last == len(inner):
            inner.append(value)
        else:
            inner[last] = value
    return ConfigFile(Path("config.yaml"), Config.model_validate(document), {})


BEFORE = changed()


@pytest.mark.parametrize(
    ("changes", "splits", "wider"),
    [
        ([], [], []),
        ([(("store",), "elsewhere"), (("work",), "work"), (("deduplication", "memory"), "9GB")], [], []),
        ([(("corpora", 0, "splits", "train"), ["t.{language}"])], [], []),
        ([(("corpora", 3), NEW)], [("news", "train")], []),
        ([(("corpora", 0, "splits", "dev"), "d.{language}")], [("talks", "dev")], []),
        ([(("corpora", 0, "languages"), ["fr", "en", "de"])], [], [("talks", "train")]),
        ([(("corpora", 1, "splits", "train"), [{"path": "a.tsv", "columns": {"en": 1, "de": 2, "fr": 3}}])],
         [], [("mined", "train")]),
        ([(("corpora", 2, "languages"), ["en", "de", "uk"])], [], [("phrases", "train")]),
        ([(("corpora", 3), NEW), (("cleaning", "corpora"), {"news": {"urls": False}}),
          (("cleaning", "languages", "uk"), {"urls": False}), (("cleaning", "pairs", "uk-de"), {"urls": False})],
         [("news", "train")], []),
    ],
)  # fmt: skip
def test_what_may_be_added(changes: Any, splits: Any, wider: Any) -> None:
    now = changed(*changes)
    assert change(BEFORE, now) is None
    assert growth(BEFORE, now) == Growth(frozenset(splits), frozenset(wider))


@pytest.mark.parametrize(
    ("place", "value", "says"),
    [
        (("seed",), 2, "`seed` was 1 and is 2"),
        (("vocabulary", "size"), 40, "`vocabulary.size` was 32 and is 40"),
        (("vocabulary", "byte_fallback"), True, "`vocabulary.byte_fallback` was false and is true"),
        (("leakage",), "report", '`leakage` was "remove" and is "report"'),
        (("deduplication", "keep"), "best_score", '`deduplication.keep` was "first" and is "best_score"'),
        (("cleaning", "default", "words"), {"max": 8}, "`cleaning.default.words.max` was 9.0 and is 8.0"),
        (("cleaning", "scripts"), {"Cyrl": {"urls": False}}, "`cleaning.scripts` was not said and is {"),
        (("cleaning", "languages", "en"), {"urls": False}, "`cleaning.languages.en` was not said and is {"),
        (("cleaning", "pairs"), {}, "`cleaning.pairs.de-en` was {"),
        (("cleaning", "corpora"), {"mined": {"urls": False}}, "`cleaning.corpora.mined` was not said and is {"),
        (("corpora", 0, "name"), "speeches", "corpus 'talks' is there no more"),
        (("corpora", 0, "clean"), False, "`clean` of corpus 'talks' was true and is false"),
        (("corpora", 0, "holdout"), {"valid": 6}, "`holdout.valid` of corpus 'talks' was 5 and is 6"),
        (("corpora", 0, "languages"), ["en", "fr"], "`splits.train` of corpus 'talks' reads something else"),
        (("corpora", 0, "splits"), {"train": "u.{language}"}, "`splits.train` of corpus 'talks' reads something else"),
        (("corpora", 1, "splits", "train", 1), {"path": "b.tsv", "columns": {"en": 1, "de": 2}},
         "`splits.train` of corpus 'mined' reads something else (other files may be added as a corpus of their own)"),
        (("corpora", 2, "lines"), {"train": 11}, "`lines.train` of corpus 'phrases' was 10 and is 11"),
        (("corpora",), [*reversed(BEFORE.config.model_dump()["corpora"])], "its corpora stand in another order"),
    ],
)  # fmt: skip
def test_what_would_change_what_is_there(place: tuple[str | int, ...], value: Any, says: str) -> None:
    found = change(BEFORE, changed((place, value)))
    assert found is not None and found.startswith(says)


def test_pairs_that_are_named() -> None:
    """Each is a corpus of its own: one more adds a split, one less takes it away."""
    before, now = (changed((("corpora", 3), PAIRS | {"pairs": pairs})) for pairs in (["de-en"], ["fr-en", "de-en"]))
    assert change(before, now) is None
    assert growth(before, now) == Growth(frozenset({("opus/fr-en", "train")}), frozenset())
    assert change(now, before) == "split 'train' of corpus 'opus/fr-en' is there no more"


def test_cleaning_of_a_new_pair_of_old_languages() -> None:
    """It is a level of its own, which concerns corpora of exactly these two."""
    before = changed((("corpora", 3), PAIRS | {"pairs": ["de-en", "fr-en"]}))
    grown = ("corpora", 3), PAIRS | {"pairs": ["de-en", "fr-en", "de-fr"]}
    assert change(before, changed(grown, (("cleaning", "pairs", "fr-de"), {"urls": False}))) is None
    found = change(before, changed(grown, (("cleaning", "pairs", "fr-en"), {"urls": False})))
    assert found is not None and found.startswith("`cleaning.pairs.en-fr` was not said and is {")


def test_a_training_split_comes_with_what_is_held_out_of_it() -> None:
    scored = {"name": "news", "reader": "plain_text", "splits": {"test": {"en": "n.en", "uk": "n.uk"}}}
    trained = scored | {"splits": scored["splits"] | NEW["splits"], "holdout": {"dev": 5}}
    before, now = (changed((("corpora", 3), corpus)) for corpus in (scored, trained))
    assert change(before, now) is None
    assert growth(before, now) == Growth(frozenset({("news", "train")}), frozenset())


def test_public_corpora_that_were_not_fetched() -> None:
    """What an id has is known by itself; ids that are there no more need not be fetched to say so."""
    news = {"name": "news", "reader": "mtdata", "splits": {"train": "Statmt-news-16-deu-eng"}}
    before = changed((("corpora", 3), news))
    now = changed((("corpora", 3), news | {"splits": {"train": ["Statmt-news-16-deu-eng"], "dev": "A-b-1-eng-fra"}}))
    assert change(before, now) is None
    assert growth(before, now) == Growth(frozenset({("news", "dev")}), frozenset())
    for ids in ("Statmt-news-17-deu-eng", "Statmt-news-16-deu-fra", ["Statmt-news-16-deu-eng", "A-b-1-eng-fra"]):
        found = change(before, changed((("corpora", 3), news | {"splits": {"train": ids}})))
        assert found is not None and found.startswith("`splits.train` of corpus 'news' reads something else")


def test_in_words() -> None:
    found = Growth(frozenset({("news", "train")}), frozenset({("talks", "dev"), ("mined", "train")}))
    assert str(found) == (
        "split 'train' of corpus 'news', further languages of split 'train' of corpus 'mined', "
        "further languages of split 'dev' of corpus 'talks'"
    )
    found = Growth(frozenset((f"opus/{number:04d}", "train") for number in range(2000)), frozenset())
    assert str(found).endswith("split 'train' of corpus 'opus/0002' and 1,997 more")
