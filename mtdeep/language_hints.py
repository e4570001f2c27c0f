"""What to tell a user whose code is no language's: the code that was meant, as far as that can be known."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from functools import cache

from babel import Locale, localedata
from langcodes.data_dicts import LANGUAGE_ALPHA3, LIKELY_SUBTAGS

from mtdeep.errors import UserError
from mtdeep.languages import find, name


def unknown(code: str) -> UserError:
    """Return the error for a code that `languages.find` does not find."""
    spelling = code.strip().replace("_", "-").lower()
    if language := _of_country(spelling):
        return UserError(f"unknown language code {code!r}, which is a country's; did you mean {_shown(language)}?")
    matches = ", ".join(map(_shown, _similar(spelling)))
    remedy = f"did you mean {matches}?" if matches else "use a BCP-47 code such as en, de or zh-Hans"
    return UserError(f"unknown language code {code!r}; {remedy}")


def _shown(code: str) -> str:
    return f"{code} ({name(code)})"


def _of_country(spelling: str) -> str | None:
    """Return the code of the language of a country that people write for it: cs for `cz`, uk for `ua-UA`."""
    country, _, rest = spelling.partition("-")
    country = country.upper()
    if rest.upper() not in ("", country) or country not in Locale("en").territories:
        return None
    # What has no entry of its own is like the world as a whole, of which English is the likely language.
    return find("-".join(LIKELY_SUBTAGS.get(f"und-{country}", "en-Latn").split("-")[:2]))


def _similar(spelling: str) -> list[str]:
    """Return at most four canonical codes: of languages that are called so, then those spelt nearly so."""
    named = {**_english_names(), **_own_names(spelling)}
    known = sorted({*named.values(), *LANGUAGE_ALPHA3.values(), *LIKELY_SUBTAGS})
    close = [named[n] for n in difflib.get_close_matches(spelling, named, n=2, cutoff=0.8)]
    close += difflib.get_close_matches(spelling, known, n=4, cutoff=0.6)
    canonical = [code for spelt in close if (code := find(spelt)) and name(code) != code]
    return list(dict.fromkeys(canonical))[:4]


@cache
def _english_names() -> Mapping[str, str]:
    return {name(code).lower(): code for code in LANGUAGE_ALPHA3}


def _own_names(spelling: str) -> Mapping[str, str]:
    """Return what languages call themselves (`deutsch`) -> code, of those whose codes begin as *spelling* does.

    To load all of CLDR takes seconds, and most languages have a code of their own name.
    """
    codes = [code for code in localedata.locale_identifiers() if "_" not in code and code[0] == spelling[:1]]
    names = {code: Locale(code).languages.get(code) for code in codes}
    return {own.lower(): code for code, own in names.items() if own}
