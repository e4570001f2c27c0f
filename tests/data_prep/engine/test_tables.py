"""Every table that decides text is in the digest of the tables: a change of any of them is another version."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

import data_prep
import mtdeep
from data_prep.engine import libraries, tables
from data_prep.engine.libraries import TABLES, version

PACKAGES = {module.__name__: Path(module.__file__ or "").parent for module in (mtdeep, data_prep)}
FILES = sorted(
    f"{name}/{path.relative_to(folder)}" for name, folder in PACKAGES.items() for path in folder.rglob("*.tsv")
)
CONSTANTS = (
    "mtdeep/language_aliases.py:ALIASES",
    "mtdeep/languages.py:_SCRIPTS",
    "data_prep/cleaning/characters.py:_COMPOSED",
    "data_prep/cleaning/characters.py:WITHOUT_WORDS",
    "data_prep/cleaning/related.py:_CLUSTERS",
)


@pytest.fixture
def copy(tmp_path: Path) -> Mapping[str, Path]:
    """The two packages' tables and modules, in places where they may be changed."""
    for name, folder in PACKAGES.items():
        for path in [*folder.rglob("*.tsv"), *folder.glob("language*.py"), *folder.glob("cleaning/*.py")]:
            target = tmp_path / name / path.relative_to(folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
    return {name: tmp_path / name for name in PACKAGES}


@pytest.fixture
def afresh() -> Iterator[None]:
    """Versions that are read again, in the test and behind it."""
    version.cache_clear()
    yield
    version.cache_clear()


def test_a_copy_has_the_same_digest(copy: Mapping[str, Path]) -> None:
    assert tables.digest(copy) == tables.digest() == libraries.version(TABLES)
    assert set(FILES) | set(CONSTANTS) < {name for name, _ in tables.tables(copy)}


@pytest.mark.parametrize("name", FILES)
def test_a_row_more_of_any_table_is_another_version(
    name: str, copy: Mapping[str, Path], monkeypatch: pytest.MonkeyPatch, afresh: None
) -> None:
    monkeypatch.setattr(tables, "PACKAGES", copy)
    before = libraries.version(TABLES)
    package, _, inside = name.partition("/")
    with (copy[package] / inside).open("a", encoding="utf-8") as file:
        file.write("# a comment\n")
    version.cache_clear()
    assert libraries.version(TABLES) == before
    with (copy[package] / inside).open("a", encoding="utf-8") as file:
        file.write("qaa\t1.5\t9\tnone\n")
    version.cache_clear()
    assert libraries.version(TABLES) != before


@pytest.mark.parametrize("name", CONSTANTS)
def test_another_constant_is_another_version_and_another_layout_is_not(name: str, copy: Mapping[str, Path]) -> None:
    before = tables.digest(copy)
    path, _, constant = name.partition(":")
    package, _, inside = path.partition("/")
    file = copy[package] / inside
    text = file.read_text(encoding="utf-8")
    first = text.index("\n" + constant)
    opening = min(place for sign in "{(" if (place := text.find(sign, text.index("=", first))) > 0) + 1
    file.write_text(f"{text[:opening]}  # a comment\n  {text[opening:]}", encoding="utf-8")
    assert tables.digest(copy) == before
    quote = text.index('"', opening)
    file.write_text(f'{text[:quote]}"qaa{text[quote + 1 :]}', encoding="utf-8")
    assert tables.digest(copy) != before


def test_a_table_more_is_another_version(copy: Mapping[str, Path]) -> None:
    before = tables.digest(copy)
    (copy["data_prep"] / "readers").mkdir()
    (copy["data_prep"] / "readers" / "new.tsv").write_text("de\t1\n")
    assert tables.digest(copy) != before


def test_names_that_are_only_shown_are_no_version(copy: Mapping[str, Path]) -> None:
    before = tables.digest(copy)
    file = copy["mtdeep"] / "languages.py"
    file.write_text(file.read_text(encoding="utf-8").replace("Mesopotamian", "Iraqi"), encoding="utf-8")
    assert tables.digest(copy) == before
