"""The XML format of WMT's test sets since 2021: documents with a source, references and systems' translations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import ClassVar

from lxml import etree

from data_prep.batch import Batch, Rejected
from data_prep.engine.libraries import LANGUAGES
from data_prep.readers.files import OneFile
from data_prep.readers.inline import has_text_beside, local_name
from data_prep.readers.rows import LONGEST, NO_TEXT, Aside, Item, Row, batches_of, on_one_line
from data_prep.readers.source import EmptySource
from data_prep.readers.spellings import Spellings
from data_prep.readers.xml_units import Unit, UnitNames, read_units

_NAMES = UnitNames(units=("doc",), parts=("src", "ref", "hyp", "seg"))
BESIDE = "text beside the <seg>s of a side"
_LONGEST_DOCUMENT = 16 << 20  # characters
_LOOKED_AT = 100  # documents, to say what languages there are, and by whom


@dataclass(frozen=True)
class WmtXml(OneFile):
    """A file of WMT's, plain or compressed; a row's id is `document:segment`.

    languages: those to read: the source's, and those of references or a system's translation.
    translator: whose reference is taken, the first one of each language by default.
    system: take this system's translation (`hyp`) in place of a reference.
    A segment that one side lacks is a gap there.
    """

    libraries: ClassVar[tuple[str, ...]] = ("lxml", *LANGUAGES)
    path: Path
    languages: tuple[str, ...]
    translator: str | None = None
    system: str | None = None
    longest: int = LONGEST

    def batches(self, rows: int) -> Iterator[Batch]:
        """Yield batches; raises UserError as `read_units` does and for a file without documents."""
        why = "no segment of a <doc> in it; give an XML file of WMT's, or leave it out"
        nothing = EmptySource(str(self.path), why)
        return batches_of(self._items(), self.languages, rows, nothing, ids=True, longest=self.longest)

    def lacking(self, languages: Sequence[str]) -> EmptySource:
        """Return what to raise for languages that no side has, or none by who is asked for, with the sides it has."""
        whose = self.system or self.translator
        documents = (document for document in self._documents() if isinstance(document, Unit))
        sides = {_described(side) for document in islice(documents, _LOOKED_AT) for side in document.element}
        what = f"no text in {' or '.join(languages)}{f' by {whose!r}' if whose else ''} in it"
        met = on_one_line(", ".join(sorted(sides)))
        return EmptySource(str(self.path), f"{what}, but {met}; name those, or leave it out")

    def _documents(self) -> Iterator[Unit | Rejected]:
        return read_units(self.path, _NAMES, max(self.longest, _LONGEST_DOCUMENT))

    def _items(self) -> Iterator[Item]:
        spellings = Spellings(self.languages)
        for document in self._documents():
            if isinstance(document, Rejected):
                yield document
            else:
                yield from self._rows(document, spellings)

    def _rows(self, document: Unit, spellings: Spellings) -> Iterator[Item]:
        rows: dict[str, list[str]] = {}  # segment's id -> its text in each language
        taken: set[int] = set()
        for side in document.element:
            column = spellings.column(side.get("lang") or side.get("language") or "")
            if column is None or column in taken or not self._is_wanted(side):
                yield from _aside(side)
                continue
            taken.add(column)
            if has_text_beside(side, _is_segment):
                yield Aside(BESIDE)
            seen: set[str] = set()
            for segment in _segments(side):
                name = segment.get("id", "")
                if name in seen:
                    yield Aside("a segment's id again in one document")
                    continue
                seen.add(name)
                rows.setdefault(name, [""] * len(self.languages))[column] = "".join(segment.itertext())
        title = document.element.get("id", "")
        if not rows:
            yield Rejected(NO_TEXT, f"line {document.line}: document {title}")
        for name, texts in rows.items():
            yield Row(texts, f"document {title}, segment {name}", f"{title}:{name}")

    def _is_wanted(self, side: etree._Element) -> bool:
        match local_name(side):
            case "src":
                return True
            case "ref":
                return self.system is None and self.translator in (None, side.get("translator"))
            case "hyp":
                return self.system is not None and side.get("system") == self.system
        return False


def _described(side: etree._Element) -> str:
    """Return a side's language, its kind, and who made it: `de (ref by B)`."""
    by = side.get("translator") or side.get("system")
    return f"{side.get('lang') or side.get('language') or '?'} ({local_name(side)}{f' by {by}' if by else ''})"


def _segments(side: etree._Element) -> Iterator[etree._Element]:
    """Yield the segments of a side, in paragraphs and other elements or not."""
    return side.iter("{*}seg")


def _is_segment(element: etree._Element) -> bool:
    return local_name(element) == "seg"


def _aside(side: etree._Element) -> Iterator[Aside]:
    number = sum(1 for _ in _segments(side))
    if number:
        yield Aside(f"segment of a <{local_name(side)}> not asked for", number)
