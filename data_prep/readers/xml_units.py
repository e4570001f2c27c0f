"""Units of an XML file (TMX's `tu`, XLIFF's `unit`), one at a time, each parsed by itself.

The file is cut at the units' tags, and each piece, within the start tags of its ancestors, is parsed by lxml as a
strict document of its own. So one damaged unit costs one unit: a parser that reads on after an error (libxml2's
recovery) loses all that follows a stray "<". And so nothing outside a unit can act on it: a document type is never
read, an entity is never expanded, no file or address is ever opened.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from lxml import etree

from data_prep.batch import Rejected
from data_prep.readers.rows import excerpt, on_one_line, too_long
from data_prep.readers.source import EmptySource
from data_prep.readers.xml_text import DAMAGED, xml_text
from mtdeep.errors import UserError

NOT_WELL_FORMED = "XML that is not well-formed"
NO_START = "unit whose start is lost"
_PREFIX = r"(?:[\w.-]+:)?"
# What looks like a tag inside one of these is none.
_ENDS = {"!--": "-->", "![CDATA[": "]]>", "?": "?>"}
# Every pattern starts with the letter "<", to which the search then jumps.
_HIDDEN = r"(?P<hidden>!--|!\[CDATA\[|\?)"
_ENTITY = r"(?P<entity>!ENTITY)"
_FIRST = re.compile(rf"<(?:{_HIDDEN}|{_ENTITY}|(?P<root>[A-Za-z_][\w.:-]*)(?=[\s/>]))")
_TAG = re.compile(r"""<[^\s<>/"']++(?:[^<>"']++|"[^"<]*+"|'[^'<]*+')*+>""")
_MOST_TAG = 1 << 16  # characters of a start tag
_MOST_DEPTH = 100  # of elements around a unit, which are parsed again for each
_TAIL = 256  # characters that are kept when nothing was found: a tag may begin there


@dataclass(frozen=True)
class Unit:
    """A unit, with its ancestors around it as far as they were asked for, and the line where it starts."""

    element: etree._Element
    line: int


@dataclass(frozen=True)
class UnitNames:
    """Names of elements, without prefix.

    units: those that are cut out; parts: those that stand in a unit and nowhere else; within: those around units whose
    attributes matter, the root always being one.
    """

    units: Collection[str]
    parts: Collection[str]
    within: Collection[str] = ()


def read_units(path: Path, names: UnitNames, longest: int) -> Iterator[Unit | Rejected]:
    """Yield the units of *path*, in order.

    A unit that is not well-formed, has more than *longest* characters or bytes that are not of the file's encoding is
    rejected, and the next is read. So are parts of a unit, or a unit's end, that stand outside any: what is left of
    one whose start is lost. Raises UserError, with the line, for a file that is no XML, declares entities or breaks
    off, and for what `xml_text` refuses.
    """
    return _Cutter(path, names, longest).units()


class _Cutter:
    """Cuts a text that comes in pieces; holds no more than a piece and a unit."""

    def __init__(self, path: Path, names: UnitNames, longest: int) -> None:
        self._path, self._names, self._longest = path, names, longest
        self._encoding, self._pieces = xml_text(path)
        self._text, self._at = "", 0  # what is read of it, and how much of that is done with
        self._line = 1
        self._around: list[tuple[str, str]] = []  # name without prefix, start tag
        self._parser = etree.XMLParser(
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            huge_tree=False,
            remove_comments=True,
            remove_pis=True,
        )

    def units(self) -> Iterator[Unit | Rejected]:
        """Yield the units."""
        while (found := self._next(_FIRST)) and not found["root"]:
            self._skip_hidden(found)
        if found is None:
            if self._line == 1 and not self._text.strip():
                raise EmptySource(str(self._path), "the file is empty; give a file of the reader's format")
            raise self._error("no XML: there is no element in it; give a file of the reader's format")
        root = found["root"].rpartition(":")[2]
        units, parts, around = (
            "|".join(map(re.escape, names))
            for names in (self._names.units, self._names.parts, (root, *self._names.within))
        )
        unit, end = rf"(?P<unit>{_PREFIX}(?:{units})(?=[\s/>]))", rf"/{_PREFIX}"
        enter, leave = rf"(?P<enter>{_PREFIX}(?:{around})(?=[\s/>]))", rf"{end}(?P<leave>{around})\s*>"
        lost = rf"(?P<part>{_PREFIX}(?:{parts})(?=[\s/>]))|(?P<done>{end}(?:{units})\s*>)"
        outside = re.compile(rf"<(?:{_HIDDEN}|{_ENTITY}|{unit}|{enter}|{leave}|{lost})")
        inside = re.compile(rf"<(?:{_HIDDEN}|{unit}|{end}(?:(?P<done>{units})|(?P<over>{re.escape(root)}))\s*>)")
        while found := self._next(outside):
            match found.lastgroup:
                case "unit":
                    yield self._unit(inside, outside)
                case "part" | "done":
                    yield self._skip_unit(NO_START, outside)
                case "enter":
                    self._enter()
                case "leave":
                    self._leave(found["leave"])
                    self._drop(len(found[0]))
                case _:
                    self._skip_hidden(found)
        if self._around:
            raise self._error(f"breaks off, <{root}> does not end; fetch the file again")

    def _more(self) -> bool:
        """Read on; False at the end."""
        piece = next(self._pieces, None)
        if piece is None:
            return False
        self._text, self._at = self._text[self._at :] + piece, 0
        return True

    def _drop(self, characters: int) -> None:
        self._line += self._text.count("\n", self._at, self._at + characters)
        self._at += characters

    def _next(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Go to the next match and return it; None at the end."""
        while True:
            found = pattern.search(self._text, self._at)
            if found:
                self._drop(found.start() - self._at)
                return found
            self._drop(max(0, len(self._text) - self._at - _TAIL))
            if not self._more():
                return None

    def _skip_hidden(self, found: re.Match[str]) -> None:
        """Go behind the comment, CDATA section or instruction that starts here. Raises UserError for an entity."""
        if found["entity"]:
            raise self._error("declares entities, which are never expanded; remove the document type")
        end, line = _ENDS[found["hidden"]], self._line
        self._drop(len(found[0]))
        while (place := self._text.find(end, self._at)) < 0:
            self._drop(max(0, len(self._text) - self._at - len(end)))
            if not self._more():
                raise UserError(f"{self._path}:{line}: <{found['hidden']} has no {end} behind it; correct the file")
        self._drop(place + len(end) - self._at)

    def _start_tag(self) -> str | None:
        """Return the start tag that stands here, None for what is none."""
        while not (found := _TAG.match(self._text, self._at)):
            if len(self._text) - self._at > _MOST_TAG or not self._more():
                return None
        return found[0]

    def _enter(self) -> None:
        tag = self._start_tag()
        if tag is None:
            raise self._error("a start tag that cannot be read; correct the file")
        if len(self._around) == _MOST_DEPTH:
            raise self._error(f"elements around units are nested more than {_MOST_DEPTH} deep; correct the file")
        self._drop(len(tag))
        if not tag.endswith("/>"):
            self._around.append((_qualified(tag).rpartition(":")[2], tag))

    def _leave(self, name: str) -> None:
        """Leave the element *name* and what did not end inside it."""
        names = [open_name for open_name, _ in self._around]
        if name in names:
            del self._around[len(names) - 1 - names[::-1].index(name) :]

    def _unit(self, inside: re.Pattern[str], outside: re.Pattern[str]) -> Unit | Rejected:
        """Return the unit that starts here and go behind it, or behind as much of it as is damaged."""
        tag = self._start_tag()
        if tag is None:
            return self._skip_unit(NOT_WELL_FORMED, outside)
        if tag.endswith("/>"):
            return self._parsed(len(tag))
        place = len(tag)  # from where the unit starts: reading on moves that
        while True:
            found = inside.search(self._text, self._at + place)
            match found.lastgroup if found else None:
                case "hidden":
                    assert found is not None
                    end = self._text.find(_ENDS[found["hidden"]], found.end())
                    place = (found.start() if end < 0 else end) - self._at
                    if end >= 0:
                        continue
                case "done":
                    assert found is not None
                    return self._parsed(found.end() - self._at)
                case "unit" | "over":
                    assert found is not None
                    return self._rejected(NOT_WELL_FORMED, found.start() - self._at, ": it does not end")
                case _:
                    place = max(place, len(self._text) - self._at - _TAIL)
            if len(self._text) - self._at > self._longest:
                return self._skip_unit(too_long(self._longest), outside)
            if not self._more():
                raise self._error(f"breaks off in the unit {on_one_line(tag)} that starts here; fetch the file again")

    def _parsed(self, characters: int) -> Unit | Rejected:
        """Return the unit of so many characters that starts here, and go behind it."""
        text, line = self._text[self._at : self._at + characters], self._line
        if characters > self._longest:
            return self._rejected(too_long(self._longest), characters)
        if DAMAGED in text:
            return self._rejected(f"invalid {self._encoding.upper()}", characters)
        tags = [tag for _, tag in self._around]
        source = "".join([*tags, text, *(f"</{_qualified(tag)}>" for tag in reversed(tags))])
        try:
            element = etree.fromstring(source, self._parser)
        except etree.XMLSyntaxError as error:
            return self._rejected(NOT_WELL_FORMED, characters, f": {str(error.msg).split(', line ')[0]}")
        for _ in tags:
            element = element[0]
        self._drop(characters)
        return Unit(element, line)

    def _skip_unit(self, reason: str, outside: re.Pattern[str]) -> Rejected:
        """Return why the unit is rejected whose start, part or end stands here.

        Go behind its end, or before the first tag that no unit has in it.
        """
        rejected = Rejected(reason, f"line {self._line}", excerpt(self._text[self._at : self._at + _TAIL]))
        met = self._next(outside)
        while met and met.lastgroup != "done":
            if met.lastgroup == "hidden":
                self._skip_hidden(met)
            else:
                self._drop(len(met[0]))
            met = self._next(outside)
            if met and met.lastgroup not in ("part", "hidden", "done"):
                return rejected
        if met:
            self._drop(len(met[0]))
        return rejected

    def _rejected(self, reason: str, characters: int, more: str = "") -> Rejected:
        """Return why what starts here is rejected, and go on by so many characters."""
        place = f"line {self._line}{more}"
        shown = self._text[self._at : self._at + min(characters, _TAIL)]
        self._drop(characters)
        return Rejected(reason, place, excerpt(shown))

    def _error(self, what: str) -> UserError:
        return UserError(f"{self._path}:{self._line}: {what}")


def _qualified(tag: str) -> str:
    """Return the name in a start tag, prefix included."""
    return re.split(r"[\s/>]", tag[1:], maxsplit=1)[0]
