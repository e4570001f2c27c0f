"""XLIFF 1.2 and 2: what translators work on. A row is a segment where segments are marked, else a unit.

Beside the two standards, what the programs that write most of it add: SDLXLIFF of Trados, MQXLIFF of memoQ, MXLIFF of
Phrase. Suggestions beside a translation (`alt-trans`, `matches`) are never taken for it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from lxml import etree

from data_prep.batch import Batch, Rejected
from data_prep.engine.libraries import LANGUAGES
from data_prep.readers.files import OneFile
from data_prep.readers.inline import Codes, Markup, local_name
from data_prep.readers.review_states import DRAFT_STATES, refused_state
from data_prep.readers.rows import LONGEST, Aside, Item, Row, batches_of, excerpt
from data_prep.readers.source import EmptySource
from data_prep.readers.spellings import Spellings
from data_prep.readers.xliff_segments import CODE_NAMES, Segment, segments_of
from data_prep.readers.xml_units import Unit, UnitNames, read_units

UNIT_NAMES = UnitNames(units=("trans-unit", "unit"), parts=("seg-source", "segment"), within=("file", "group"))
_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
# Where a file says what language a side is in, which the side itself may say too.
LANGUAGE_ATTRIBUTES = {"source": ("source-language", "srcLang"), "target": ("target-language", "trgLang")}
# Tracked changes: types of `mrk` by what becomes of them when the changes are accepted.
_DELETED = frozenset({"x-sdl-deleted", "x-sdl-feedback-deleted"})
_INSERTED = frozenset({"x-sdl-added", "x-sdl-feedback-added"})


@dataclass(frozen=True)
class Xliff(OneFile):
    """An XLIFF file, plain or compressed; a row's id is the unit's, with the segment's behind a colon.

    source, target: canonical codes; files inside it that are in other languages are rejected.
    refused_states: segments in these states are rejected, drafts and rejected translations by default, whatever
        attribute says so; a segment without state is taken.
    approved_only: reject what is not approved (`approved="yes"`, state `final` or `signed-off`, or a program's own).
    tracked_changes: `accept` leaves out what they delete, `reject` what they insert; both are counted.
    codes: what becomes of elements that stand for formatting codes; text in `g`, `pc` and `mrk` is always kept.
    A segment that one side lacks is a gap there. Units that are not to be translated (`translate="no"`) are rejected.
    longest: characters of the longest unit.
    """

    libraries: ClassVar[tuple[str, ...]] = ("lxml", *LANGUAGES)
    path: Path
    source: str
    target: str
    refused_states: tuple[str, ...] = DRAFT_STATES
    approved_only: bool = False
    tracked_changes: Literal["accept", "reject"] = "accept"
    codes: Codes = "drop"
    longest: int = LONGEST

    @property
    def languages(self) -> Sequence[str]:
        """Return source and target."""
        return (self.source, self.target)

    def batches(self, rows: int) -> Iterator[Batch]:
        """Yield batches; raises UserError as `read_units` does and for a file without units."""
        nothing = EmptySource(str(self.path), "no <trans-unit> or <unit> in it; give an XLIFF file, or leave it out")
        return batches_of(self._items(), self.languages, rows, nothing, ids=True, longest=self.longest)

    def _items(self) -> Iterator[Item]:
        spellings = Spellings(self.languages)
        markup = Markup(CODE_NAMES, self.codes, self._left_out)
        aside: Counter[str] = Counter()
        for unit in read_units(self.path, UNIT_NAMES, self.longest):
            if isinstance(unit, Rejected):
                yield unit
                continue
            place = f"line {unit.line}: unit {unit.element.get('id', '')}"
            if reason := self._not_ours(unit, spellings):
                yield Rejected(reason, place)
                continue
            for segment in segments_of(unit.element, aside):
                yield self._row(unit, segment, place, markup, aside)
            if aside:
                yield from (Aside(reason, number) for reason, number in aside.items() if number)
                aside.clear()

    def _not_ours(self, unit: Unit, spellings: Spellings) -> str | None:
        if inherited(unit.element, "translate") == "no":
            return "not to be translated"
        own = {local_name(child): child.get(_XML_LANG) for child in unit.element}
        for column, (side, attributes) in enumerate(LANGUAGE_ATTRIBUTES.items()):
            given = own.get(side) or inherited(unit.element, attributes[0]) or inherited(unit.element, attributes[1])
            if given and spellings.column(given) != column:
                return f"another {side} language"
        return None

    def _left_out(self, element: etree._Element) -> str | None:
        """Return why the text of a tracked change is left out."""
        kind = element.get("mtype")
        if self.tracked_changes == "accept" and kind in _DELETED:
            return "deleted text of a tracked change"
        return "inserted text of a tracked change" if self.tracked_changes == "reject" and kind in _INSERTED else None

    def _row(
        self, unit: Unit, segment: Segment | str, place: str, markup: Markup, aside: Counter[str]
    ) -> Row | Rejected:
        if isinstance(segment, str):
            return Rejected(segment, place)
        texts = ["" if side is None else markup.text(side, aside) for side in (segment.source, segment.target)]
        if self.approved_only and not segment.is_approved:
            return Rejected("not approved", place, excerpt(texts[0]))
        if state := refused_state(segment.states, self.refused_states, is_approved=segment.is_approved):
            return Rejected(f"state {state}", place, excerpt(texts[0]))
        name = unit.element.get("id", "")
        return Row(texts, place, f"{name}:{segment.name}" if segment.name else name)


def inherited(element: etree._Element | None, attribute: str) -> str | None:
    """Return an attribute of an element, or of the nearest one around it that has it."""
    while element is not None:
        value = element.get(attribute)
        if value is not None:
            return value
        element = element.getparent()
    return None
