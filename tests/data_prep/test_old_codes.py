"""`mtdeep prepare --append` to a store with a code that means another today: `no_NO` was no-NO, and is nb-NO."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from growing import config, files, row, said, write

from data_prep.duplicates import leakage
from data_prep.engine.libraries import TABLES
from data_prep.prepare import prepare
from mtdeep import languages
from mtdeep.corpus.store import Store
from mtdeep.errors import UserError

pytestmark = pytest.mark.slow

FILMS = """\
  - name: films
    reader: plain_text
    languages: [en, no_NO]
    splits: {train: "films.{language}"}
    holdout: {test: 20}
"""
WIDER = FILMS.replace("no_NO]", "no_NO, fr]")
SPEECHES = """\
  - name: speeches
    reader: plain_text
    splits: {train: {en: speeches.en, CODE: speeches.other}}
"""


@contextmanager
def as_earlier() -> Iterator[None]:
    """Let no-NO be a code of its own, as it was before `no` with whatever stands behind it meant Norwegian Bokmål."""
    today = languages.as_bcp47

    def earlier(spelling: str) -> tuple[str, bool]:
        code = spelling.strip().replace("_", "-")
        return (code, False) if code == "no-NO" else today(spelling)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(languages, "as_bcp47", earlier)
        forget_codes()
        try:
            yield
        finally:
            forget_codes()


def forget_codes() -> None:
    languages.find.cache_clear()
    leakage.searched_as.cache_clear()


@pytest.fixture(scope="module")
def made_earlier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with no-NO, whose manifest has the tables of that time."""
    folder = tmp_path_factory.mktemp("earlier")
    for language in ("en", "fr"):
        write(folder, "films", language, [row(i) for i in range(200)])
    (folder / "films.no_NO").write_text("".join(f"{said('de', row(i))}\n" for i in range(200)), encoding="utf-8")
    write(folder, "speeches", "en", [row(i) for i in range(1000, 1040)])
    text = "".join(f"{said('de', row(i))}\n" for i in range(1000, 1040))
    (folder / "speeches.other").write_text(text, encoding="utf-8")
    with as_earlier():
        store = prepare(config(folder, FILMS), None).store
    assert store.languages == ("en", "no-NO")
    path = store.path / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    manifest["provenance"]["versions"][TABLES] = "0" * 16
    path.write_text(json.dumps(manifest), encoding="utf-8")
    return folder


@pytest.fixture
def folder(made_earlier: Path, tmp_path: Path) -> Path:
    shutil.copytree(made_earlier, tmp_path, dirs_exist_ok=True)
    return tmp_path


@pytest.mark.parametrize("spelling", ["no_NO", "nb-NO"])
def test_text_in_the_language_of_the_old_code(folder: Path, spelling: str) -> None:
    """It would have two tags. The sentence names both codes, and what it advises works."""
    before = files(folder / "store")
    grown = config(folder, FILMS, SPEECHES.replace("CODE", spelling))
    for append in (True, False):
        with pytest.raises(UserError) as told:
            prepare(grown, None, append=append)
        assert str(told.value) == (
            f"{grown}: split 'train' of corpus 'speeches' has text in nb-NO, which {folder}/store has as no-NO, as an "
            "earlier version of mtdeep wrote it; leave that text out, or give --overwrite, which prepares the store "
            "again with nb-NO"
        )
        assert files(folder / "store") == before
    assert prepare(config(folder, FILMS), None, append=True).already
    grown = config(folder, FILMS, SPEECHES.replace("CODE", spelling))
    assert prepare(grown, None, overwrite=True).store.languages == ("en", "nb-NO")


def test_text_in_other_languages(folder: Path) -> None:
    """What stands there keeps its code and its tag, also where a language joins its rows."""
    old = Store(folder / "store")
    store = prepare(config(folder, WIDER, SPEECHES.replace("CODE", "de")), None, append=True).store
    store.verify()
    assert store.languages == ("en", "no-NO", "fr", "de")
    assert store.vocabulary.symbols() == [*old.vocabulary.symbols(), "__fr__", "__de__"]
    films, speeches = store.corpora("train")
    assert (films.languages, speeches.languages) == (("en", "no-NO", "fr"), ("en", "de"))
    assert films.count("no-NO", "fr") == films.rows == 180
    assert prepare(folder / "config.yaml", None, append=True).already
