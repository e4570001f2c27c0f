"""What a file calls a language -> the language asked for."""

from __future__ import annotations

from collections.abc import Sequence

from mtdeep.languages import find, script

_LONGEST = 64  # characters; no language tag is longer
_MOST_KNOWN = 1 << 12  # spellings remembered: a file may make up any number


class Spellings:
    """Finds the column of a file's own language codes (`DE`, `en-US`, `deu_Latn`)."""

    def __init__(self, languages: Sequence[str]) -> None:
        """Prepare for *languages*, canonical codes."""
        self._columns = {language: i for i, language in enumerate(languages)}
        self._known: dict[str, int | None] = {}

    def column(self, spelling: str) -> int | None:
        """Return the place of the language that *spelling* means, None when it was not asked for.

        The longest match wins, as in RFC 4647's lookup: en-US is en-US where that was asked for, else en; never the
        other way round, and never a language in another script (sr-Latn is not sr).
        """
        if spelling not in self._known:
            if len(self._known) == _MOST_KNOWN:
                self._known.clear()
            self._known[spelling] = self._find(spelling)
        return self._known[spelling]

    def _find(self, spelling: str) -> int | None:
        found = find(spelling) if len(spelling) <= _LONGEST else None
        code = found
        while found and code:
            if code in self._columns and script(code) == script(found):
                return self._columns[code]
            code = code.rpartition("-")[0]
        return None
