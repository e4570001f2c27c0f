"""Ids of mtdata: their languages as ours, and what the configuration may call them."""

from __future__ import annotations

import pytest

from data_prep.public.identifier import columns_of, languages_of


@pytest.mark.parametrize(
    ("identifier", "languages"),
    [
        ("Statmt-news_commentary-16-deu-eng", ("de", "en")),
        ("OPUS-books-v1-de-en", ("de", "en")),
        ("Statmt-news_crawl-2007-ces", ("cs",)),
        ("Flores-flores200_dev-1-zho_Hant-srp_Latn", ("zh-Hant", "sr-Latn")),
        ("ELRC-forbruker_europa-1-eng_GB-nob_NO", ("en-GB", "nb-NO")),
        ("ELRC-portal_españa_www.spain.info-1-eng-spa", ("en", "es")),
    ],
)
def test_languages_are_ours_in_the_order_of_the_id(identifier: str, languages: tuple[str, ...]) -> None:
    assert languages_of(identifier) == languages


@pytest.mark.parametrize(
    "identifier",
    ["", "deu-eng", "a-b-c", "a-b-c-deu-eng-fra", "../../a-b-c-deu", "a/b-c-d-deu", "a-b-c-deu eng", "-a-b-c-de"],
)
def test_what_is_no_id_is_a_sentence(identifier: str) -> None:
    with pytest.raises(ValueError, match="is no id of mtdata; write GROUP-NAME-VERSION"):
        languages_of(identifier)


def test_given_languages_name_those_of_the_id() -> None:
    pair = "X-a-1-zho-eng_GB"
    assert columns_of(pair, None) == ("zh-Hans", "en-GB")
    assert columns_of(pair, ["en", "zh-Hant", "fr"]) == ("zh-Hant", "en")
    assert columns_of(pair, ["en-US", "en-GB", "zh-Hans"]) == ("zh-Hans", "en-GB")
    assert columns_of("X-a-1-eng-cmn", ["zh-Hans", "en"]) == ("en", "zh-Hans")


@pytest.mark.parametrize(
    ("identifier", "given", "says"),
    [
        ("X-a-1-deu-eng", ["de", "fr"], "none of de, fr is its language 'en'; correct `languages`, or leave it out"),
        ("X-a-1-zho-eng", ["en", "zh-Hant", "zh-HK"], "zh-Hant and zh-Hant-HK may both be its language 'zh-Hans'"),
        ("X-a-1-eng_GB-eng_US", ["en"], "both languages are 'en'; say what they are with `languages`"),
        ("X-a-1-zho-cmn", None, "both languages are 'zh-Hans'"),
        ("X-a-1-e1-eng", None, "unknown language code 'e1'"),
    ],
)
def test_languages_that_do_not_fit_are_a_sentence(identifier: str, given: list[str] | None, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        columns_of(identifier, given)
