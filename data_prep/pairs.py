"""Pairs of languages as names of files have them: `{source}` and `{target}` in a pattern, listed or found on disk.

A code may have hyphens itself, as in the name `zh-Hans-en`, so a name is read in every way that leaves the codes of two
languages. Where that is one way, it is meant. Of several the one is meant in which both codes have the letters of
BCP-47, language small and REGION large (`fr-CA-es` has no Catalan, `ca`); where that tells nothing (`fr-ca-es`),
somebody must say.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_prep.file_patterns import LANGUAGE, SOURCE, TARGET, matches
from mtdeep.languages import fairseq_code, find

ALL = "all"
_LETTERS = re.compile(r"[a-z]{2,3}([-_][A-Z][a-z]{3})?([-_]([A-Z]{2}|\d{3}))?([-_]([a-z0-9]{5,8}|x[-_][a-z0-9]+))*")


@dataclass(frozen=True)
class LanguagePair:
    """Two languages, as files spell them; prints as directions are written, in canonical codes: `zh_Hans-en`."""

    source: str
    target: str

    @property
    def codes(self) -> tuple[str, str] | None:
        """Return the canonical codes; None where they are not those of two languages."""
        source, target = find(self.source), find(self.target)
        return None if source is None or target is None or source == target else (source, target)

    def __str__(self) -> str:
        return "-".join(map(fairseq_code, self.codes or ()))

    def filled(self, given: Any) -> Any:
        """Return options with the pair in the places of all their texts."""
        match given:
            case str():
                return given.replace(SOURCE, self.source).replace(TARGET, self.target)
            case Mapping():
                return {self.filled(key): self.filled(value) for key, value in given.items()}
            case list():
                return [self.filled(item) for item in given]
        return given


def is_standard(code: str) -> bool:
    """Tell whether a code has the letters of BCP-47: language small, Script capitalised, REGION large."""
    return _LETTERS.fullmatch(code) is not None


def parse_pair(written: Any) -> LanguagePair:
    """Return the pair that is written `de-en` or, code by code, `[fr-CA, es]`.

    Raises ValueError, in one sentence, for what is none, or may be several.
    """
    match written:
        case str():
            at = [match.start() for match in re.finditer("-", written)]
            return _one((LanguagePair(written[:i], written[i + 1 :]) for i in at), repr(written))
        case [str(source), str(target)]:
            return _one([LanguagePair(source, target)], str(written))
    raise ValueError(f"a pair is written de-en or [fr-CA, es] (the code no in quotes, as YAML has it), not {written!r}")


def paths_in(given: Any) -> list[str]:
    """Return the paths that a split is read from, each a pattern with `{source}` and `{target}` in it.

    Raises ValueError where one lacks them, or there is none.
    """
    match given:
        case {"path": path} | {"files": str(path)}:
            found = [path]
        case {"files": dict(files)} | dict(files):
            found = [*files.values()]
        case _:
            found = [given]
    paths = [path for path in found if isinstance(path, str)]
    if not paths or not all(SOURCE in path and TARGET in path for path in paths):
        raise ValueError(f"`pairs` needs {SOURCE} and {TARGET} in every path, where the codes of a pair stand")
    return paths


def pairs_on_disk(pattern: str, at: Callable[[str], Path]) -> dict[LanguagePair, Path]:
    """Return the pairs of which there is a file, and the first of these by name; *at* makes a path of the pattern.

    `{language}` stands for either side. Raises ValueError for a file whose name has not the codes of two languages or
    may be read in several ways, and where there is no file.
    """
    found: dict[LanguagePair, Path] = {}
    for path, fillings in matches(at(pattern), at("")):
        pairs = {LanguagePair(filling[SOURCE], filling[TARGET]) for filling in fillings
                 if filling.get(LANGUAGE) in (None, filling[SOURCE], filling[TARGET])}  # fmt: skip
        if pairs:
            found.setdefault(_one(pairs, str(path), ", or list the `pairs` that are meant"), path)
    if not found:
        raise ValueError(f"the pattern {pattern!r} matches no file; correct it")
    return found


def distinct(pairs: Iterable[tuple[LanguagePair, object]]) -> list[LanguagePair]:
    """Return pairs by name, each once; beside each there is what messages call it.

    Raises ValueError where two are the same languages in other words (`de-en` and `en-de`, `de-en` and `deu-eng`).
    """
    seen: dict[frozenset[str], tuple[LanguagePair, object]] = {}
    for pair, what in pairs:
        before, other = seen.setdefault(frozenset(pair.codes or ()), (pair, what))
        if before != pair:
            raise ValueError(f"{other} and {what} are of the same languages; list one of them in `pairs`")
    return sorted((pair for pair, _ in seen.values()), key=str)


def _one(readings: Iterable[LanguagePair], what: str, otherwise: str = "") -> LanguagePair:
    """Return the only one of some readings that is a pair of languages; *otherwise*: what helps but to correct it."""
    every = sorted(readings, key=lambda pair: len(pair.source))
    known = [pair for pair in every if pair.codes]
    as_standard = [pair for pair in known if is_standard(pair.source) and is_standard(pair.target)]
    if not known:
        tried = f" (read as {_either(every)})" if every else ""
        raise ValueError(f"{what}: not the codes of two languages{tried}; correct it{otherwise}")
    if len(known) > 1 and len(as_standard) != 1:
        raise ValueError(f"{what}: the pair may be {_either(known)}; write in `pairs` which it is")
    return (as_standard or known)[0]


def _either(pairs: Sequence[LanguagePair]) -> str:
    return " or ".join(map(_shown, pairs))


def _shown(pair: LanguagePair) -> str:
    return f"[{pair.source}, {pair.target}]"
