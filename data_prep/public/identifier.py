"""What an id of mtdata says by itself: `GROUP-NAME-VERSION-LANGUAGE` or `GROUP-NAME-VERSION-LANGUAGE-LANGUAGE`.

Its languages are ISO 639-3 codes, with a script or region where mtdata needs one (`zho_Hant`, `eng_GB`); a script that
is the language's own is left out there as it is here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from mtdeep.errors import UserError
from mtdeep.languages import resolve

_ID = re.compile(r"[^\W_][\w.]*(-[\w.]+){3,4}")


def languages_of(identifier: str) -> tuple[str, ...]:
    """Return the canonical codes of an id's languages, in its order.

    Raises ValueError, in one sentence, for what is no id and for languages that nobody knows.
    """
    if not _ID.fullmatch(identifier):
        raise ValueError(
            f"{identifier!r} is no id of mtdata; write GROUP-NAME-VERSION-LANGUAGE[-LANGUAGE] as `mtdata list` has it"
        )
    try:
        return tuple(map(resolve, identifier.split("-")[3:]))
    except UserError as error:
        raise ValueError(f"{identifier!r}: {error}") from error


def columns_of(identifier: str, given: Sequence[str] | None) -> tuple[str, ...]:
    """Return the codes under which an id's languages are stored, in the id's order.

    They are the id's own, or those of *given* that say more or less of the same languages: `zh-Hant` for `zho`, `en`
    for `eng_GB`. Raises ValueError where *given* leaves out a language, or two codes are, or come from, the same one.
    """
    own = languages_of(identifier)
    codes = own if given is None else tuple(_of_given(identifier, code, given) for code in own)
    if len(set(codes)) < len(codes):
        raise ValueError(f"{identifier!r}: both languages are {codes[0]!r}; say what they are with `languages`")
    return codes


def _of_given(identifier: str, code: str, given: Sequence[str]) -> str:
    codes = [resolve(one) for one in given]
    found = [one for one in codes if one == code] or [one for one in codes if _language(one) == _language(code)]
    if len(found) != 1:
        which = f"none of {', '.join(given)} is" if not found else f"{' and '.join(found)} may both be"
        raise ValueError(f"{identifier!r}: {which} its language {code!r}; correct `languages`, or leave it out")
    return found[0]


def _language(code: str) -> str:
    return code.partition("-")[0]
