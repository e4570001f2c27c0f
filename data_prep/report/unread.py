"""How much could not be read of rows, or of the sentences of each language, and when that is a warning."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from data_prep.readers.rows import INVALID_UTF8
from data_prep.report.numbers import counted, in_words, percent
from mtdeep.errors import shortened

MOST = 0.05
"""Share of rows, or of a language's sentences, that could not be read above which something is wrong with the files."""
_LANGUAGES = 10


@dataclass(frozen=True)
class Unread:
    """What could not be read, by reason, of *read* rows, or of *read* sentences of *language*."""

    read: int
    reasons: Mapping[str, int]
    language: str = ""

    @property
    def is_much(self) -> bool:
        """Return whether it is more than what damage here and there explains."""
        return self._count > MOST * self.read

    @property
    def _count(self) -> int:
        return sum(self.reasons.values())

    def __str__(self) -> str:
        whole = f"{counted(self.read, 'sentence')} of {self.language}" if self.language else counted(self.read, "row")
        return f"{self._count:,} of {whole} ({percent(self._count / self.read)})"


def unread_sentences(parts: Sequence[Unread], of: str, *, much: bool) -> Iterator[str]:
    """Yield what to tell of those of *parts*, read *of* one text, of which much could not be read, or a little.

    Rows have a sentence, and all languages together.
    """
    those = [part for part in parts if any(part.reasons.values()) and part.is_much == much]
    for group in ([part for part in those if not part.language], [part for part in those if part.language]):
        if group:
            reasons = sum((Counter(part.reasons) for part in group), Counter[str]())
            what = f"{shortened(list(map(str, group)), _LANGUAGES)} of {of} could not be read: {in_words(reasons)}"
            hint = "; is it in another encoding?" if INVALID_UTF8 in reasons else ""
            yield f"warning: {what}{hint}" if much else what
