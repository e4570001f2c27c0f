from __future__ import annotations

from pathlib import Path

import polib
import pytest

from data_prep.many_files import every_language
from data_prep.readers.po import Gettext

# CLDR's own rules, as gettext's catalogues have them.
RULES = {
    "de": "nplurals=2; plural=(n != 1);",
    "ru": "nplurals=3; plural=(n%10==1 && n%100!=11 ? 0 : n%10>=2 && n%10<=4 && (n%100<10 || n%100>=20) ? 1 : 2);",
    "ja": "nplurals=1; plural=0;",
}


def catalogue(language: str, *entries: polib.POEntry) -> polib.POFile:
    made = polib.POFile()
    made.metadata = {"Content-Type": "text/plain; charset=UTF-8", "Plural-Forms": RULES[language]}
    made += entries
    return made


def files(*forms: str) -> polib.POEntry:
    return polib.POEntry(msgid="%d file", msgid_plural="%d files", msgstr_plural=dict(enumerate(forms)))


@pytest.fixture
def three(tmp_path: Path) -> dict[str, Path]:
    """Catalogues of German (PO), Russian and Japanese (MO)."""
    made = {
        "de": catalogue(
            "de",
            files("%d Datei", "%d Dateien"),
            polib.POEntry(msgctxt="menu", msgid="Open", msgstr="Öffnen"),
            polib.POEntry(msgctxt="state", msgid="Open", msgstr="Offen"),
            polib.POEntry(msgid="Maybe", msgstr="Vielleicht", flags=["fuzzy"]),
            polib.POEntry(msgid="Gone", msgstr="Weg", obsolete=True),
            polib.POEntry(msgid="Todo", msgstr=""),
            polib.POEntry(msgid="%d day", msgid_plural="%d days", msgstr_plural={0: "%d Tag", 1: "%d Tage"}),
        ),
        "ru": catalogue("ru", files("%d файл", "%d файла", "%d файлов"), polib.POEntry(msgid="Todo", msgstr="Сделать")),
        "ja": catalogue("ja", files("%d 個"), polib.POEntry(msgctxt="menu", msgid="Open", msgstr="開く")),
    }
    paths = {language: tmp_path / f"{language}.{'po' if language == 'de' else 'mo'}" for language in made}
    for language, path in paths.items():
        (made[language].save if path.suffix == ".po" else made[language].save_as_mofile)(str(path))
    return paths


def test_rows_are_messages_over_all_languages(read_all, three) -> None:
    found = read_all(Gettext(three))
    assert dict(zip(found.ids, found.rows, strict=True)) == {
        "%d file[1]": ("%d file", "%d Datei", "%d файл", "%d 個"),
        "%d file[2]": ("%d files", "%d Dateien", "%d файла", "%d 個"),
        "%d file[5]": ("%d files", "%d Dateien", "%d файлов", "%d 個"),
        "menu|Open": ("Open", "Öffnen", "", "開く"),
        "state|Open": ("Open", "Offen", "", ""),
        "Maybe": ("Maybe", "", "", ""),
        "Todo": ("Todo", "", "Сделать", ""),
        # Russian, which lacks this one, has no form of it to be shown with 5.
        "%d day[1]": ("%d day", "%d Tag", "", ""),
        "%d day[2]": ("%d days", "%d Tage", "", ""),
    }
    assert found.counts == {"fuzzy message (de)": 1, "obsolete message (de)": 1}


def test_fuzzy_and_obsolete_messages_are_a_choice(read_all, three) -> None:
    found = read_all(Gettext({"de": three["de"]}, fuzzy=True, obsolete=True))
    assert {("Maybe", "Vielleicht"), ("Gone", "Weg")} <= set(found.rows)
    assert not found.counts


def test_keys_are_no_text(read_all, three) -> None:
    source = Gettext({"ru": three["ru"], "en": three["de"]}, source=None)
    assert source.languages == ("ru", "en")
    assert ("Сделать", "") in read_all(source).rows


def test_a_string_is_one_whatever_characters_it_has(read_all, write) -> None:
    text = '\ufeff# a comment\nmsgid "a\u2028b"\nmsgstr ""\n"c\x0c\\n"\n"d"\n'
    assert read_all(Gettext({"de": write("a.po", text)})).rows == [("a\u2028b", "c\x0c\nd")]


def test_compressed_and_other_encodings(read_all, write) -> None:
    import gzip

    text = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=ISO-8859-1\\n"\n\nmsgid "a"\nmsgstr "ä"\n'
    path = write("a.po.gz", gzip.compress(text.encode("latin-1")))
    assert read_all(Gettext({"de": path})).rows == [("a", "ä")]


def test_a_folder_of_locales(read_all, three, tmp_path: Path) -> None:
    content = three["ru"].read_bytes()
    for name in "ru ru_RU sr@latin sr@Latn uz@cyrillic pt_BR.UTF-8 en en@quot en_GB ca@valencia".split():
        folder = tmp_path / "locale" / name / "LC_MESSAGES"
        folder.mkdir(parents=True)
        (folder / "app.mo").write_bytes(content)
        (folder / "other.mo").write_bytes(b"")
    found = every_language("gettext", "locale/{language}/LC_MESSAGES/app.mo", tmp_path.joinpath)
    (source,) = found.sources
    assert source.languages == ("en", "ca-valencia", "en-GB", "pt-BR", "ru", "ru-RU", "sr-Latn", "uz-Cyrl")
    assert {path.parts[-3]: why for path, why in found.left_out.items()} == {
        "en": "en is what the messages themselves are written in",
        "en@quot": "en@quot is no language's code",
        "sr@latin": f"it is sr-Latn, as {tmp_path}/locale/sr@Latn/LC_MESSAGES/app.mo is",
    }
    assert len(read_all(source).rows) == 4


def test_this_machine_s_own_catalogues(read_all) -> None:
    """What every Linux machine has is a corpus; where it is not there, nothing is tested."""
    pattern = "/usr/share/locale/{language}/LC_MESSAGES/xdg-user-dirs.mo"
    try:
        (source,) = every_language("gettext", pattern, Path).sources
    except ValueError:
        pytest.skip("no catalogues of xdg-user-dirs on this machine")
    read = read_all(source, 1000)
    assert len(read.rows) >= 5
    assert not read.rejected
    index = [message.split("|")[-1] for message in read.ids].index("Music")
    assert read.columns["en"][index] == "Music"
    assert "de" not in read.columns or read.columns["de"][index] == "Musik"
