"""Languages so close that a sentence may well be the same in two of them.

Identifiers confuse them, and a sentence that two of them share is no copy.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache

import langcodes
from langcodes.data_dicts import LANGUAGE_DISTANCES, MACROLANGUAGES

from mtdeep.language_tables import new_languages

_UNDERSTOOD = 20
"""CLDR's distance up to which readers of one language understand the other; at 50 they do not."""
# Southern Bantu clusters that neither table has (Guthrie's S.30 and S.40): without the first, py3langid takes three
# quarters of NTREX's Northern Sotho for Southern.
_CLUSTERS = (("st", "nso", "tn"), ("zu", "xh", "ss", "nr", "nd"))


@cache
def family(code: str) -> str:
    """Return one name for all canonical codes of a language (scripts, regions) and of its closest relatives.

    Those are the languages of one macrolanguage of ISO 639-3, those that CLDR's language matching offers to readers of
    one another in both directions, and `_CLUSTERS`.
    """
    language = str(langcodes.Language.get(code, normalize=False).language)
    return _families().get(language, language)


@cache
def _families() -> Mapping[str, str]:
    """Return language -> name of its family, for languages that have relatives."""
    members: dict[str, set[str]] = {}
    for one, other in _relations():
        family = members.setdefault(one, {one}) | members.setdefault(other, {other})
        members.update(dict.fromkeys(family, family))
    return {language: min(family) for language, family in members.items()}


def _relations() -> Iterator[tuple[str, str]]:
    yield from MACROLANGUAGES.items()
    for language, new in new_languages().items():
        if new.macrolanguage:
            yield language, new.macrolanguage
    for language, distances in LANGUAGE_DISTANCES.items():
        for other, distance in distances.items():
            back = LANGUAGE_DISTANCES.get(other, {}).get(language)
            if language.isalpha() and back is not None and max(distance, back) <= _UNDERSTOOD:
                yield language, other
    for first, *others in _CLUSTERS:
        yield from ((first, other) for other in others)
