"""`mtdeep prepare --append` of a corpus in which nothing is, or of which nothing is left: as a fresh preparation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from growing import MANUALS, MORE, NEWS, SETTINGS, TALKS, config, files, record, report

from data_prep.prepare import prepare
from data_prep.report.write import notes_of
from mtdeep.corpus.store import Store
from mtdeep.errors import UserError

pytestmark = pytest.mark.slow

STOP = SETTINGS.replace("corpora:", "emptied: stop\ncorpora:")
HELD_OUT = NEWS + "    holdout: {test: 5}\n"
OF_ITS_OWN = NEWS + "    holdout: {other: 5}\n"
SCORED = NEWS + "      valid: {en: none.en, uk: none.uk}\n"
AGAIN = MANUALS.replace("manuals", "again")
TMX = "  - {name: news, reader: tmx, languages: [en, uk], splits: {train: news.tmx}}\n"


def without_text(settings: str) -> str:
    """Let the rules reject all of the news."""
    return settings.replace("script: false}}", "script: false}, corpora: {news: {length: {min: 1000}}}}")


def sections(store: Store, name: str) -> list[Mapping[str, object]]:
    """Return what the report says of a corpus, but for what depends on the vocabulary."""
    kept = ("corpus", "split", "rows", "empty", "samples")
    return [{key: one[key] for key in kept} for one in report(store)["splits"] if one["corpus"] == name]


@pytest.fixture
def emptied(folder: Path) -> Callable[..., Path]:
    """Write *text* into files."""

    def write(*names: str, text: str = "") -> Path:
        for name in names:
            (folder / name).write_text(text)
        return folder

    return write


@pytest.mark.parametrize(
    ("names", "text", "corpus", "settings", "note"),
    [
        (("news.en", "news.uk"), "", NEWS, SETTINGS, "news, train, 0 rows: news.en: the file is empty; give a file"),
        (("news.en", "news.uk"), "\n\n", NEWS, SETTINGS, "news, train, 2 rows: 2 empty in every language"),
        (("news.tmx",), "", TMX, SETTINGS, "news, train, 0 rows: news.tmx: the file is empty; give a file"),
        (("news.en", "news.uk"), "", HELD_OUT, SETTINGS, "news, test, 0 rows: news.en: the file is empty"),
        ((), "", NEWS, without_text(SETTINGS), "news, train, 45 rows: 45 left with too little by the rules"),
        ((), "", HELD_OUT, without_text(SETTINGS), "news, train, 45 rows: 45 left with too little by the rules"),
        ((), "", AGAIN, SETTINGS, "again, train, 50 rows: 50 repeats another row"),
    ],
)
def test_one_emptied_corpus_is_a_warning(
    emptied, names: tuple[str, ...], text: str, corpus: str, settings: str, note: str
) -> None:
    folder = emptied(*names, text=text)
    path = config(folder, TALKS, MANUALS, corpus, settings=settings)
    name = "again" if corpus is AGAIN else "news"
    store = prepare(path, None, append=True).store
    store.verify()
    assert any(told.startswith(f"warning: nothing is left of {note}") for told in notes_of(store))
    assert record(store, name, "train").rows == 0 and prepare(path, None, append=True).already
    appended = sections(store, name)
    assert sections(prepare(path, None, overwrite=True).store, name) == appended


@pytest.mark.parametrize(
    ("names", "corpus", "settings", "says"),
    [
        (("news.en", "news.uk"), NEWS, STOP, r"news\.en: the file is empty; .*; or say `emptied: warn`\n"),
        ((), NEWS, without_text(STOP), r"yaml:\d+: nothing is left of the 45 rows of split 'train' of corpus 'news'"),
        ((), AGAIN, STOP, r"yaml:\d+: nothing is left of the 50 rows .* of corpus 'again' \(50 repeats another row;"),
        (("news.uk",), NEWS, SETTINGS, r"news\.uk:1: the file is empty; give a file with one sentence a line"),
        (("news.en", "news.uk"), OF_ITS_OWN, SETTINGS, r"no row is in split 'other' of corpus 'news': .*news\.en: the"),
        (("none.en", "none.uk"), SCORED, SETTINGS, r"no row is in split 'valid' of corpus 'news': .*none\.en: the"),
    ],
)
def test_where_it_stops_it_says_so_as_at_first_and_the_store_stays(
    emptied, names: tuple[str, ...], corpus: str, settings: str, says: str
) -> None:
    """A file that is empty beside one that is not, a split of no other corpus, and whatever is asked to stop."""
    folder = emptied(*names)
    before = files(folder / "store")
    path = config(folder, TALKS, MANUALS, corpus, settings=settings)
    sentences = []
    for options in ({"append": True}, {"overwrite": True}):
        with pytest.raises(UserError, match=says) as told:
            prepare(path, None, **options)
        sentences.append(str(told.value))
        assert files(folder / "store") == before
    assert sentences[0] == sentences[1]


def test_an_emptied_corpus_of_a_store_that_grows(emptied) -> None:
    """It gets languages, as empty as it is, and corpora come beside it."""
    folder = emptied("news.en", "news.uk", "news.fr")
    prepare(config(folder, TALKS, MANUALS, NEWS), None, append=True)
    wider = NEWS.replace("uk: news.uk", "uk: news.uk, fr: news.fr")
    store = prepare(config(folder, TALKS, MANUALS, wider, MORE), None, append=True).store
    store.verify()
    assert [(one.name, one.languages, one.rows) for one in store.corpora("train")][2:] == [
        ("news", ("en", "uk", "fr"), 0),
        ("more", ("de", "en", "fr"), 21),
    ]
