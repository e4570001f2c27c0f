"""Every code of the public corpora is understood: those of one corpus stay apart, and keep their scripts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

import langcodes
import pytest
from babel import localedata

from mtdeep import languages

LISTS = Path(__file__).parent / "language_codes"
# OPUS: no languages (CycL is a language of logic, GNOME's foo a test, ze stands for two lines, Chinese and English, of
# one subtitle), and codes of which nobody says what they are.
NO_LANGUAGE = {"cycl", "foo", "en_ze", "ze_en", "ze_zh", "zh_ze", "zh_en", "zh_zh"}
UNEXPLAINED = {"es_149", "gr", "hb", "po", "qa", "qd", "ry", "tc"}


def codes_of(name: str) -> list[str]:
    return (LISTS / f"{name}.txt").read_text(encoding="utf-8").split()


def opus(*corpora: str) -> set[str]:
    """The codes of all corpora of OPUS, or of some, in mtdata's index."""
    index = files("mtdata").joinpath("resource/opus_index.tsv").read_text(encoding="utf-8")
    rows = [line.split("\t") for line in index.splitlines() if line]
    return {code for corpus, _, *pair in rows if not corpora or corpus in corpora for code in pair}


def sacrebleus() -> set[str]:
    from sacrebleu.dataset import DATASETS

    return {code for dataset in DATASETS.values() for pair in dataset.langpairs for code in pair.split("-")}


def mbart_50() -> set[str]:
    """Of fairseq's examples, which importing fairseq would take seconds to get at."""
    (folder,) = find_spec("fairseq").submodule_search_locations  # type: ignore[union-attr,misc]
    return set(Path(folder, "examples/multilingual/ML50_langs.txt").read_text(encoding="utf-8").split())


def tatoeba() -> set[str]:
    return opus("Tatoeba") - NO_LANGUAGE


def check_canonical(codes: Iterable[str]) -> None:
    """Canonical codes resolve to themselves, in their fairseq form too."""
    for code in map(languages.resolve, codes):
        assert languages.resolve(code) == code
        assert languages.resolve(languages.fairseq_code(code)) == code
        assert languages.from_fairseq_code(languages.fairseq_code(code)) == code
        assert "-" not in languages.fairseq_code(code)


@pytest.mark.parametrize("name", ["flores_200", "nllb_seed", "ntrex_128", "m2m_100"])
def test_columns_of_one_corpus_stay_apart(name: str) -> None:
    codes = codes_of(name)
    resolved = {code: languages.resolve(code) for code in codes}
    assert len(set(resolved.values())) == len(codes)
    check_canonical(codes)
    assert all(languages.name(code) != code for code in resolved.values())


@pytest.mark.parametrize("name", ["flores_200", "nllb_seed", "ntrex_128"])
def test_codes_keep_the_script_that_they_say(name: str) -> None:
    """Their text is in the script that the rule `script` expects."""
    counted = {"Kore": "Hang"}  # CLDR counts Hanja to Korean's script
    for code in codes_of(name):
        if said := re.search(r"[-_]([A-Z][a-z]{3})$", code):
            script = languages.script(languages.resolve(code))
            assert counted.get(script, script) == said[1], code
            assert script in languages.scripts(languages.resolve(code)), code


def test_flores_200_is_whole() -> None:
    """The paper has 204 columns; the published set has Santali in the letters of Bengali."""
    assert len(codes_of("flores_200")) == 205


def test_tico_19() -> None:
    """`ps` and `pus`, `es-LA` and `es-419` are of two lists of one corpus."""
    check_canonical(codes_of("tico_19"))
    assert languages.resolve("es-LA") == languages.resolve("es-419")
    assert languages.resolve("pus") == languages.resolve("ps")


@pytest.mark.parametrize(("codes_of_package", "number"), [(sacrebleus, 30), (mbart_50, 52), (tatoeba, 397)])
def test_lists_of_packages(codes_of_package: Callable[[], set[str]], number: int) -> None:
    codes = codes_of_package()
    assert len(codes) >= number
    check_canonical(codes)


def test_opus() -> None:
    """969 codes; what is not understood is named, so that a code more is noticed."""
    codes = opus()
    assert {code for code in codes if languages.find(code) is None} == NO_LANGUAGE | UNEXPLAINED
    check_canonical(codes - NO_LANGUAGE - UNEXPLAINED)


def test_mtdata_reads_the_codes_of_opus_equally() -> None:
    """mtdata has tables of its own; where it knows a code at all, it means the same."""
    from mtdata.iso.bcp47 import bcp47

    differ = {}
    for code in opus():
        tag = bcp47.try_parse(code, default=None)
        if tag and languages.find(code) != languages.find(str(tag)):
            differ[code] = (languages.find(code), str(tag))
    assert differ == {
        "cx": ("ceb", "bsb"),  # Facebook calls it Bisaya, cx_PH; bsb is spoken in Brunei
        "kk_tr": ("kk-Latn-TR", "kaz_TR"),  # MediaWiki: in Latin letters
        "mo": ("ro", "wkd"),  # ISO's old code for Moldavian
        "sr_ec": ("sr", "srp_EC"),  # MediaWiki: Cyrillic, not Ecuador
    }


def test_mediawiki() -> None:
    """Its special codes are what it says they are in BCP-47, but for those that are others' codes in ISO 639."""
    rows = [row.split("\t") for row in (LISTS / "mediawiki.tsv").read_text(encoding="utf-8").splitlines()]
    differ = {code for code, tag in rows if languages.resolve(code) != languages.resolve(tag)}
    assert differ == {
        "als",  # Tosk Albanian
        "kk-cn",  # kk-CN: in Arabic letters by itself
        "mo",  # Moldavian, in Latin letters today
        "nrm",  # Narom
    }
    assert languages.script(languages.resolve("kk-cn")) == "Arab"


def test_androids_folders() -> None:
    """Every locale of CLDR with a region, as Android's resources name it."""
    tags = [langcodes.Language.get(locale) for locale in localedata.locale_identifiers()]
    with_region = [tag for tag in tags if tag.territory and not tag.territory.isdigit() and not tag.variants]
    assert len(with_region) > 500
    for tag in with_region:
        if not tag.script:
            assert languages.find(f"{tag.language}-r{tag.territory}") == languages.find(str(tag))
        assert languages.find("b+" + str(tag).replace("-", "+")) == languages.find(str(tag))


def test_documented_spellings() -> None:
    """docs/language-codes.md: every row's spellings and codes, one by one."""
    page = (LISTS.parents[1] / "docs" / "language-codes.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1:3] for line in page.splitlines() if line.startswith("| `")]
    assert len(rows) > 8
    for spelled, codes in rows:
        given = re.findall("`([^`]+)`", spelled)
        assert [languages.resolve(code) for code in given] == re.findall("`([^`]+)`", codes)
