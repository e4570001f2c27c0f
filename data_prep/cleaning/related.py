"""Languages so close that a sentence may well be the same in two of them.

Identifiers confuse them, and a sentence that two of them share is no copy.
"""

from __future__ import annotations

from functools import cache

import langcodes

_FAMILIES = (
    ("nb", "nn", "no", "da"),
    ("hr", "sr", "bs", "sh", "cnr"),
    ("id", "ms", "min", "bjn"),
    ("zh", "yue", "wuu", "lzh", "hak", "gan", "nan", "cdo"),
    ("cs", "sk"),
    ("st", "nso", "tn"),
    ("zu", "xh", "ss", "nr", "nd"),
)
_FAMILY_OF = {language: family[0] for family in _FAMILIES for language in family}


@cache
def family(code: str) -> str:
    """Return one name for all canonical codes of a language (scripts, regions) and of its closest relatives."""
    language = str(langcodes.Language.get(code, normalize=False).language)
    return _FAMILY_OF.get(language, language)
