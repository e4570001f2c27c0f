"""WMT's test sets until 2020: SGML, a file for the source and one for each language that it was translated into.

What these files hold is no XML (a bare `&`, attributes without quotes, tags in capitals), and parsers of HTML mend
what they read. So nothing is parsed but the tags of documents and segments: all between `<seg>` and `</seg>` is text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from data_prep.batch import Batch, Rejected, RejectedText
from data_prep.readers.files import FileForEachLanguage
from data_prep.readers.rows import LONGEST, Aside, Item, Row, batches_of, excerpt, needs_every_language
from data_prep.readers.source import EmptySource
from data_prep.readers.xml_text import DAMAGED, xml_text
from mtdeep.errors import UserError

NO_START, NO_END = "end of a segment that has no start", "segment without end"
BESIDE = "text outside segments"
MOST_CHARACTERS = 64 << 20  # of one file, which is in memory as a whole
_TAG = re.compile(r"""<(/?)(doc|seg)\b((?:[^<>"']++|"[^"<>]*+"|'[^'<>]*+')*+)>""", re.IGNORECASE)
_MARKUP = re.compile(r"<!--(?:(?!-->).)*+(?:-->|\Z)|<[^<>]*+>", re.DOTALL)
_ATTRIBUTE = re.compile(r"""([a-z]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"']+))""", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:(amp|lt|gt|quot|apos)|#(\d{1,7})|#x([0-9A-Fa-f]{1,6}));")
_BLANKS = " \t\r\n"
_ENTITIES = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
_Name = tuple[str, str]
"""Of a segment: its document's and its own."""


@dataclass(frozen=True)
class WmtSgm(FileForEachLanguage):
    """Files of WMT's (`srcset`, `refset`), plain or compressed, aligned by document and segment; a row's id is both.

    files: language -> its file. A segment that a file lacks is a gap; one that comes again (in a further reference) is
    counted, and the first is taken. Of entities the five of XML and numbers of characters are read, others are text,
    and blanks at a segment's ends are none of it.
    longest: characters of the longest segment.
    """

    libraries: ClassVar[tuple[str, ...]] = ()
    files: Mapping[str, Path]
    longest: int = LONGEST

    def batches(self, rows: int) -> Iterator[Batch]:
        """Yield batches; raises UserError for a file that breaks off or is too large, and when there is no segment."""
        nothing = EmptySource(str(self.inputs[0]), "no <seg> in it; give an SGML file of WMT's, or leave it out")
        return batches_of(self._items(), self.languages, rows, nothing, ids=True, longest=self.longest)

    def _items(self) -> Iterator[Item]:
        sides: list[dict[_Name, str | Rejected]] = []
        for path in self.inputs:
            sides.append({})
            for name, found in _segments(path):
                if name is None:
                    yield found if isinstance(found, Rejected) else Aside(found)
                elif name in sides[-1]:
                    yield Aside("a segment's id again in one document")
                else:
                    sides[-1][name] = found
        for name in dict.fromkeys(name for side in sides for name in side):
            yield from self._row(name, [side.get(name, "") for side in sides])

    def _row(self, name: _Name, found: Sequence[str | Rejected]) -> Iterator[Item]:
        lost = [(i, one) for i, one in enumerate(found) if isinstance(one, Rejected)]
        if lost and needs_every_language(self.languages):
            yield lost[0][1]
            return
        yield from (RejectedText(self.languages[i], one.reason, one.place, one.excerpt) for i, one in lost)
        texts = [one if isinstance(one, str) else "" for one in found]
        yield Row(texts, f"document {name[0]}, segment {name[1]}", ":".join(name))


def _segments(path: Path) -> Iterator[tuple[_Name | None, str | Rejected]]:
    """Yield the segments of a file by name, as text or why there is none; without a name what is none at all."""
    encoding, text = _whole(path)
    document, start = "", None  # where a segment's text begins, if one has begun
    within = False  # a document
    name = ("", "")
    done = 0  # characters behind the last tag
    for tag in _TAG.finditer(text):
        closes, kind = bool(tag[1]), tag[2].lower()
        if start is not None:
            content = text[start : tag.start()]
            place = f"document {name[0]}, segment {name[1]}"
            if not (closes and kind == "seg"):
                yield name, Rejected(NO_END, place, excerpt(content.strip()))
            elif DAMAGED in content:
                yield name, Rejected(f"invalid {encoding.upper()}", place, excerpt(content.strip()))
            else:
                yield name, _ENTITY.sub(_character, content.strip(_BLANKS))
        elif closes and kind == "seg":
            yield None, Rejected(NO_START, f"document {document}, behind segment {name[1]}")
        elif _MARKUP.sub("", text[done : tag.start()]).strip():
            yield None, BESIDE
        start, done = None, tag.end()
        if kind == "doc":
            within = not closes
        if closes:
            continue
        attributes = {one[1].lower(): one[2] or one[3] or one[4] or "" for one in _ATTRIBUTE.finditer(tag[3])}
        if kind == "doc":
            document = attributes.get("docid", "")
        else:
            name, start = (document, attributes.get("id", "")), tag.end()
    if _MARKUP.sub("", text[done:]).strip():
        yield None, BESIDE
    if within or start is not None:
        where = f"{path}:{text.count(chr(10)) + 1}"
        raise UserError(f"{where}: breaks off behind segment {name[1]} of document {name[0]}; fetch the file again")


def _whole(path: Path) -> tuple[str, str]:
    """Return a file's encoding and text."""
    encoding, pieces = xml_text(path)
    read: list[str] = []
    size = 0
    for piece in pieces:
        read.append(piece)
        size += len(piece)
        if size > MOST_CHARACTERS:
            raise UserError(f"{path}: more than {MOST_CHARACTERS:,} characters, as no test set has; split it")
    return encoding, "".join(read)


def _character(entity: re.Match[str]) -> str:
    if entity[1]:
        return _ENTITIES[entity[1]]
    number = int(entity[2]) if entity[2] else int(entity[3], 16)
    return chr(number) if number < 0x110000 else entity[0]
