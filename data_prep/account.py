"""Where what was read has gone: every number adds up, or it is a defect."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Tally:
    """``read = kept + sum(rejected)``; raises AssertionError where it is not so."""

    read: int = 0
    kept: int = 0
    rejected: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the sum."""
        if self.read != self.kept + sum(self.rejected.values()):
            raise AssertionError(f"{self.read} read, {self.kept} kept, rejected {dict(self.rejected)}")


@dataclass(frozen=True)
class Account:
    """Of one split of a corpus: its rows, and by language its sentences."""

    rows: Tally
    languages: Mapping[str, Tally]

    def plain(self) -> dict[str, Any]:
        """Return it as data for JSON."""
        return {"rows": asdict(self.rows), "languages": {code: asdict(one) for code, one in self.languages.items()}}


class Ledger:
    """Gathers an account from the records of many pieces of work, in any order."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._rows = _Counts()
        self._languages: dict[str, _Counts] = {}

    def rows(self, *, read: int = 0, kept: int = 0, rejected: Mapping[str, int] | None = None) -> None:
        """Enter rows."""
        self._rows.enter(read, kept, rejected or {})

    def sentences(
        self, language: str, *, read: int = 0, kept: int = 0, rejected: Mapping[str, int] | None = None
    ) -> None:
        """Enter sentences of a language."""
        self._languages.setdefault(language, _Counts()).enter(read, kept, rejected or {})

    def lost(self) -> tuple[int, Counter[str]]:
        """Return how many rows were read, and how many of them were lost so far, by reason."""
        return self._rows.lost()

    def lost_sentences(self) -> Counter[str]:
        """Return how many sentences of all languages were lost so far, by reason."""
        return sum((counts.lost()[1] for counts in self._languages.values()), Counter[str]())

    def languages_hit(self, reason: str) -> list[str]:
        """Return the languages that lost sentences for a reason."""
        return [code for code, counts in self._languages.items() if counts.lost()[1][reason]]

    def account(self) -> Account:
        """Return what was entered; raises AssertionError where it does not add up."""
        return Account(self._rows.tally(), {code: counts.tally() for code, counts in self._languages.items()})


class _Counts:
    def __init__(self) -> None:
        self._read = self._kept = 0
        self._rejected: Counter[str] = Counter()

    def enter(self, read: int, kept: int, rejected: Mapping[str, int]) -> None:
        self._read += read
        self._kept += kept
        self._rejected.update(rejected)

    def lost(self) -> tuple[int, Counter[str]]:
        return self._read, self._rejected.copy()

    def tally(self) -> Tally:
        return Tally(self._read, self._kept, {reason: count for reason, count in self._rejected.items() if count})
