"""Codes: canonical spelling against CLDR, aliases of the public corpora, errors."""

from __future__ import annotations

import subprocess
import sys

import pytest

from mtdeep import languages
from mtdeep.errors import UserError


@pytest.mark.parametrize(
    ("spelling", "code"),
    [
        ("en", "en"),
        ("EN", "en"),
        ("eng", "en"),
        ("eng_Latn", "en"),
        ("en_US", "en-US"),
        ("deu", "de"),
        ("ger", "de"),
        ("zh", "zh-Hans"),
        ("zh_CN", "zh-Hans"),
        ("zho-CN", "zh-Hans"),
        ("zho_Hans", "zh-Hans"),
        ("cmn", "zh-Hans"),
        ("zh_TW", "zh-Hant"),
        ("zh-hant", "zh-Hant"),
        ("zh_HK", "zh-Hant-HK"),
        ("yue_Hant", "yue"),
        ("srp_Cyrl", "sr"),
        ("sr_Latn", "sr-Latn"),
        ("sh", "sr-Latn"),
        ("aze-Latn", "az"),
        ("arb_Arab", "ar"),
        ("lvs_Latn", "lv"),
        ("por-BR", "pt-BR"),
        ("por", "pt"),
        ("no", "nb"),
        ("ns", "nso"),
        ("iw", "he"),
        ("tl", "fil"),
        ("kor_Hang", "ko"),
        ("gsw-BE", "gsw-x-bern"),
        (" fr ", "fr"),
        ("sr@latin", "sr-Latn"),  # locales of POSIX
        ("sr_RS@Latn", "sr-Latn-RS"),
        ("uz@cyrillic", "uz-Cyrl"),
        ("be@latin", "be-Latn"),
        ("tt@iqtelif", "tt-Latn"),
        ("en@shaw", "en-Shaw"),
        ("ca@valencia", "ca-valencia"),
        ("de_DE@euro", "de-DE"),
        ("no-NO", "nb-NO"),  # what an alias means, with a region
        ("no_NO_NY", "nn-NO"),  # Java's Nynorsk
        ("tw-GH", "tw-GH"),
        ("jp-JP", "ja-JP"),
        ("zh-rTW", "zh-Hant"),  # Android
        ("pt-rBR", "pt-BR"),
        ("no-rNO", "nb-NO"),
        ("b+sr+Latn", "sr-Latn"),
        ("roa-rup", "rup"),  # no Android folder
        ("es_LA", "es-419"),  # Latin America, not Laos
        ("lo_LA", "lo-LA"),
        ("ar_AR", "ar"),
        ("en_XX", "en"),  # mBART
        ("tok", "tok"),  # younger than langcodes' registry
        ("toki", "tok"),
        ("tok_Latn", "tok"),
        ("isv_Cyrl", "isv-Cyrl"),
        ("rsk-RS", "rsk-RS"),
        ("sr-Cyrl-ME", "sr-Cyrl-ME"),  # sr-ME is in Latin letters
        ("sr-Cyrl-RS", "sr-RS"),
        ("uz-Latn-AF", "uz-Latn-AF"),
    ],
)
def test_resolve(spelling: str, code: str) -> None:
    """Usual spellings of a language give its canonical code."""
    assert languages.resolve(spelling) == code


@pytest.mark.parametrize(
    "code", ["xx", "foo", "english", "hello", "en-Xxxx", "spa_ref2", "en@quot", "@latin", "", "de-", "*"]
)
def test_unknown_code(code: str) -> None:
    """What is no language is refused by name."""
    with pytest.raises(UserError, match="unknown language code"):
        languages.resolve(code)


def test_unknown_code_shows_close_matches() -> None:
    """A name instead of a code, and a slip of the pen, lead to the code."""
    with pytest.raises(UserError, match=r"'german'; did you mean de\b"):
        languages.resolve("german")
    with pytest.raises(UserError, match=r"'english'; did you mean en\b"):
        languages.resolve("english")
    with pytest.raises(UserError, match=r"'Deutsch'; did you mean de\b"):
        languages.resolve("Deutsch")
    with pytest.raises(UserError, match=r"'zhh_Hans'; did you mean .*\bzh"):
        languages.resolve("zhh_Hans")


@pytest.mark.parametrize(
    ("code", "meant"),
    [
        ("cz", "cs (Czech)"),
        ("ua", "uk (Ukrainian)"),
        ("gr", "el (Greek)"),
        ("dk", "da (Danish)"),
        ("vn", "vi (Vietnamese)"),
        ("us", "en (English)"),
        ("cz_CZ", "cs (Czech)"),
    ],
)
def test_a_countrys_code_leads_to_its_language(code: str, meant: str) -> None:
    """And to nothing else: codes that look alike mislead."""
    with pytest.raises(UserError) as raised:
        languages.resolve(code)
    assert str(raised.value) == f"unknown language code {code!r}, which is a country's; did you mean {meant}?"


def test_what_is_offered_has_a_name() -> None:
    """Of thousands of codes that are one letter away nobody means those that even CLDR has no name of."""
    with pytest.raises(UserError, match=r"'foo'; did you mean fo \(Faroese\)\?"):
        languages.resolve("foo")


@pytest.mark.parametrize(
    ("code", "script", "name"),
    [
        ("en", "Latn", "English"),
        ("zh-Hans", "Hans", "Simplified Chinese"),
        ("sr", "Cyrl", "Serbian"),
        ("sr-Latn", "Latn", "Serbian (Latin)"),
        ("ja", "Jpan", "Japanese"),
        ("pt-BR", "Latn", "Brazilian Portuguese"),
        ("acm", "Arab", "Mesopotamian Arabic"),
        ("gsw-x-bern", "Latn", "Swiss German (Bern)"),
        ("grc", "Grek", "Ancient Greek"),  # CLDR's likely one is Cypriot
        ("wal", "Latn", "Wolaytta"),
        ("shi", "Latn", "Tachelhit"),
        ("lzh-TW", "Hant", "Literary Chinese (Taiwan)"),  # a region that CLDR does not list changes nothing
    ],
)
def test_script_and_name(code: str, script: str, name: str) -> None:
    """Scripts are CLDR's likely ones, names CLDR's English ones."""
    assert (languages.script(code), languages.name(code)) == (script, name)


@pytest.mark.parametrize(
    ("code", "scripts"),
    [
        ("shi", {"Latn", "Arab", "Tfng"}),
        ("shi-MA", {"Latn", "Arab", "Tfng"}),
        ("shi-Tfng", {"Tfng"}),
        ("crh", {"Cyrl", "Latn"}),
        ("uz", {"Latn", "Cyrl", "Arab"}),
        ("uz-AF", {"Arab"}),  # where another script is usual
        ("ku", {"Latn", "Arab", "Cyrl"}),
        ("xal", {"Cyrl", "Mong"}),
        ("hoc", {"Deva", "Latn", "Orya", "Telu", "Wara"}),
        ("nst", {"Tnsa", "Latn"}),
        ("lfn", {"Latn", "Cyrl"}),
        ("ota", {"Arab", "Latn"}),  # dead: editions are transliterations
        ("orv", {"Cyrl", "Latn"}),
        ("hi", {"Deva"}),  # IANA: so usual that codes do not say it
        ("kk", {"Cyrl"}),
        ("ckb", {"Arab"}),  # FLORES-200's column
        ("sr", {"Cyrl"}),  # NTREX-128 has a column for each script
        ("ace", {"Latn"}),  # and FLORES-200
        ("sr-ME", {"Latn"}),
        ("isv", set()),  # nobody has data on it
        ("nah", set()),
    ],
)
def test_scripts_of_a_code(code: str, scripts: set[str]) -> None:
    """A code that says no script means all that its language is written in, unless corpora have codes for each."""
    assert set(languages.scripts(code)) == scripts
    if scripts:
        assert languages.scripts(code)[0] == languages.script(code)


@pytest.mark.parametrize("spelling", ["no-NO", "no_NO", "nb_NO", "nob-NO"])
def test_the_codes_of_an_old_store(spelling: str) -> None:
    """A store may have no-NO, which is nb-NO today; where it has both, each means itself."""
    assert languages.resolve(spelling, ("en", "no-NO")) == "no-NO"
    assert languages.resolve(spelling, ("en", "de")) == "nb-NO"
    assert languages.resolve(spelling, ("no-NO", "nb-NO")) == ("no-NO" if spelling[:3] in {"no-", "no_"} else "nb-NO")


def test_codes_need_no_babel() -> None:
    """Only display names load Babel: the store opens without it."""
    program = "import sys; from mtdeep import languages; languages.resolve('zh_CN'); sys.exit('babel' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
