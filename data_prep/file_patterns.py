"""Patterns of paths, as a shell has them, with places for codes of languages among their wildcards.

    *  ?  [abc]  [!abc]    within a name: any characters, one, one of some, one of all others
    **                     a name by itself: any folders, or none; at the end, all files in them; links are followed
    {source} {target} {language}    a code: letters, digits, hyphens, underscores

A wildcard matches no dot at the start of a name, and a code is never cut: what a wildcard takes beside one does not
begin or end there with a letter or digit.
"""

from __future__ import annotations

import os
import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import translate
from functools import cache
from pathlib import Path

from data_prep.environment import is_utf8

SOURCE, TARGET, LANGUAGE = "{source}", "{target}", "{language}"
FOLDERS = "**"
Filling = Mapping[str, str]
"""What stands in a name for each place of its pattern, and for its wildcards by their number (`#0`)."""
_PLACES = re.compile("|".join(map(re.escape, (SOURCE, TARGET, LANGUAGE))))
_WILDCARD = re.compile(r"\*+|\?|\[!?\]?[^\]]*\]")
_TOKENS = re.compile(rf"({_PLACES.pattern}|{_WILDCARD.pattern})")
_CODE = r"[A-Za-z0-9_-]+"
_LOCALE = r"[A-Za-z0-9_.@-]+"


def has_wildcard(text: str) -> bool:
    """Tell whether a text has a wildcard."""
    return _WILDCARD.search(text) is not None


def wildcards(filling: Filling) -> tuple[str, ...]:
    """Return what the wildcards stand for."""
    return tuple(text for key, text in filling.items() if key.startswith("#"))


def matches(path: Path, root: Path, *, locales: bool = False) -> Iterator[tuple[Path, list[Filling]]]:
    """Yield what there is by a pattern, sorted, with every way to fill its places and wildcards.

    A path below *root* is a pattern behind it, other paths are behind their anchor. *locales*: a code may have `.` and
    `@` too, as in `sr@latin` and `pt_BR.UTF-8`. Raises ValueError for a folder that cannot be read, and for a name that
    is not UTF-8, which no report could have.
    """
    start = root if path.is_relative_to(root) else Path(path.anchor)
    code = re.compile(_LOCALE if locales else _CODE)
    here: dict[Path, list[Filling]] = {start: [{}]}
    number = 0
    parts = path.relative_to(start).parts
    for part in (*parts, "*") if parts[-1:] == (FOLDERS,) else parts:
        tokens = [token for token in _TOKENS.split(part) if token]
        keys = [token if _PLACES.fullmatch(token) else f"#{number + i}" for i, token in enumerate(tokens)]
        number += len(tokens)
        below: dict[Path, list[Filling]] = {}
        for folder, fillings in here.items():
            for found, name in _inside(folder, part, tokens):
                if part == FOLDERS:
                    filled: list[Filling] = [{**filling, keys[0]: name} for filling in fillings]
                else:
                    reader = _Name(tokens, keys, code, name)
                    filled = [new for filling in fillings for new in reader.fillings(filling)]
                if filled:
                    below.setdefault(found, []).extend(filled)
        here = below
    for path, fillings in sorted((path, fillings) for path, fillings in here.items() if path.exists()):
        _check_name(path)
        yield path, fillings


def _inside(folder: Path, part: str, tokens: Sequence[str]) -> Iterator[tuple[Path, str]]:
    """Yield the paths in a folder that a part of a pattern may be, and their names; for FOLDERS those behind it."""
    if part == FOLDERS:
        yield from _folders(folder)
    elif any(map(_TOKENS.fullmatch, tokens)):
        yield from ((child, child.name) for child in _children(folder))
    else:
        yield folder / part, part


def _folders(start: Path) -> Iterator[tuple[Path, str]]:
    """Yield a folder and those in it at any depth, with their names from there; links are followed.

    Every folder comes once, also where links make a circle, and by its own name where it has one there: links wait.
    """
    seen: set[str] = set()
    waiting, links = deque([(start, "")]), deque[tuple[Path, str]]()
    while waiting or links:
        folder, name = (waiting or links).popleft()
        real = os.path.realpath(folder)
        if real in seen:
            continue
        seen.add(real)
        yield folder, name
        for child in _children(folder):
            if child.is_dir() and not child.name.startswith("."):
                (links if child.is_symlink() else waiting).append((child, f"{name}{child.name}/"))


def _check_name(path: Path) -> None:
    if not is_utf8(str(path)):
        shown = os.fsencode(path).decode("utf-8", "backslashreplace")
        raise ValueError(f"{shown}: its name is not UTF-8; rename it, or narrow the pattern")


def _children(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise ValueError(f"{folder}: cannot be read ({error.strerror}); correct the path or its permissions") from error


@cache
def _compiled(token: str) -> re.Pattern[str]:
    return re.compile(translate(token))


class _Name:
    """Reads a name by the tokens of a part of a pattern."""

    def __init__(self, tokens: Sequence[str], keys: Sequence[str], code: re.Pattern[str], name: str) -> None:
        self._tokens, self._keys, self._code, self._name = tokens, keys, code, name

    def fillings(self, before: Filling) -> Iterator[Filling]:
        """Yield the ways to fill the tokens so that they are the name; places that are filled *before* stay."""
        hidden = self._name.startswith(".") and self._kind(0) != "text"
        if not hidden:
            yield from self._read(0, 0, before)

    def _read(self, number: int, start: int, before: Filling) -> Iterator[Filling]:
        if number == len(self._tokens):
            if start == len(self._name):
                yield before
            return
        token, key = self._tokens[number], self._keys[number]
        if key in before or not _TOKENS.fullmatch(token):
            text = before.get(key, token)
            if self._name.startswith(text, start) and not self._cuts(number, start, start + len(text)):
                yield from self._read(number + 1, start + len(text), before)
            return
        for end in range(start, len(self._name) + 1):
            if self._fits(token, start, end) and not self._cuts(number, start, end):
                yield from self._read(number + 1, end, {**before, key: self._name[start:end]})

    def _fits(self, token: str, start: int, end: int) -> bool:
        text = self._name[start:end]
        if _PLACES.fullmatch(token):
            return self._code.fullmatch(text) is not None
        return token == "*" or _compiled(token).fullmatch(text) is not None

    def _cuts(self, number: int, start: int, end: int) -> bool:
        """Tell whether a place or wildcard ends, or begins, within the letters of a code beside it."""
        inside = 0 < start < len(self._name) and start < end
        if not inside or number == 0:
            return False
        kinds = [self._kind(number - 1), self._kind(number)]
        return sorted(kinds) == ["place", "wildcard"] and self._name[start - 1 : start + 1].isalnum()

    def _kind(self, number: int) -> str:
        token = self._tokens[number]
        if _PLACES.fullmatch(token):
            return "place"
        return "wildcard" if _WILDCARD.fullmatch(token) else "text"
