"""XLIFF 1.2 and 2: what translators work on. A row is a segment where segments are marked, else a unit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from lxml import etree

from data_prep.batch import Batch, Rejected
from data_prep.readers.inline import Codes, children, local_name, text_of
from data_prep.readers.rows import LONGEST, Item, Row, batches_of, excerpt
from data_prep.readers.spellings import Spellings
from data_prep.readers.xml_units import Unit, read_units

_CODES = frozenset({"bpt", "ept", "ph", "it", "x", "bx", "ex", "sc", "ec", "sm", "em"})  # g, pc and mrk hold text
NOT_TRANSLATED = ("new", "needs-translation", "initial")
"""States in which a target, where there is one, is most often a copy of the source."""


@dataclass(frozen=True)
class Xliff:
    """An XLIFF file, plain or compressed; a row's id is the unit's, with the segment's behind a colon.

    source, target: canonical codes; files inside it that are in other languages are rejected.
    refused_states: segments in these states are rejected; a segment without state is taken.
    approved_only: reject what is not approved (1.2: `approved="yes"`; 2: state `final`).
    codes: what becomes of elements that stand for formatting codes; text in `g`, `pc` and `mrk` is always kept.
    Units that are not to be translated (`translate="no"`) are rejected; `alt-trans` is not read.
    longest: characters of the longest unit.
    """

    libraries: ClassVar[tuple[str, ...]] = ("lxml", "langcodes")
    path: Path
    source: str
    target: str
    refused_states: tuple[str, ...] = NOT_TRANSLATED
    approved_only: bool = False
    codes: Codes = "drop"
    longest: int = LONGEST

    @property
    def languages(self) -> Sequence[str]:
        """Return source and target."""
        return (self.source, self.target)

    @property
    def inputs(self) -> Sequence[Path]:
        """Return the file."""
        return (self.path,)

    def batches(self, rows: int) -> Iterator[Batch]:
        """Yield batches; raises UserError as `read_units` does and for a file without units."""
        nothing = f"{self.path}:1: no <trans-unit> or <unit> in it; give an XLIFF file, or leave it out"
        return batches_of(self._items(), self.languages, rows, nothing, ids=True, longest=self.longest)

    def _items(self) -> Iterator[Item]:
        spellings = Spellings(self.languages)
        for unit in read_units(self.path, {"trans-unit", "unit"}, {"file", "group"}, self.longest):
            if isinstance(unit, Rejected):
                yield unit
                continue
            name, place = unit.element.get("id", ""), f"line {unit.line}: unit {unit.element.get('id', '')}"
            reason = self._not_ours(unit, spellings)
            if reason:
                yield Rejected(reason, place)
            elif local_name(unit.element) == "unit":
                yield from self._segments(unit, name, place)
            else:
                yield from self._trans_unit(unit, name, place)

    def _not_ours(self, unit: Unit, spellings: Spellings) -> str | None:
        if _inherited(unit.element, "translate") == "no":
            return "not to be translated"
        source = _inherited(unit.element, "source-language") or _inherited(unit.element, "srcLang")
        target = _inherited(unit.element, "target-language") or _inherited(unit.element, "trgLang")
        if spellings.column(source or self.source) != 0:
            return "another source language"
        return "another target language" if spellings.column(target or self.target) != 1 else None

    def _trans_unit(self, unit: Unit, name: str, place: str) -> Iterator[Item]:
        """Yield the rows of a unit of XLIFF 1.2: its marked segments when both sides have the same ones."""
        target = next(children(unit.element, "target"), None)
        source = next(children(unit.element, "seg-source"), None)
        if source is None:
            source = next(children(unit.element, "source"), None)
        state = target.get("state") if target is not None else None
        approved = unit.element.get("approved") == "yes"
        marks = _marks(source)
        if marks and marks.keys() == _marks(target).keys():
            translated = _marks(target)
            for mark, element in marks.items():
                yield self._row(element, translated[mark], state, approved, f"{name}:{mark}", place)
        else:
            yield self._row(source, target, state, approved, name, place)

    def _segments(self, unit: Unit, name: str, place: str) -> Iterator[Item]:
        """Yield the rows of a unit of XLIFF 2; what it says to ignore is no segment."""
        segments = list(children(unit.element, "segment"))
        if not segments:
            yield Rejected("unit without segment", place)
        for segment in segments:
            source, target = next(children(segment, "source"), None), next(children(segment, "target"), None)
            state = segment.get("state")
            row_id = f"{name}:{segment.get('id')}" if segment.get("id") else name
            yield self._row(source, target, state, state == "final", row_id, place)

    def _row(
        self,
        source: etree._Element | None,
        target: etree._Element | None,
        state: str | None,
        approved: bool,
        name: str,
        place: str,
    ) -> Row | Rejected:
        texts = ["" if side is None else text_of(side, _CODES, self.codes) for side in (source, target)]
        if self.approved_only and not approved:
            return Rejected("not approved", place, excerpt(texts[0]))
        if state in self.refused_states:
            return Rejected(f"state {state}", place, excerpt(texts[0]))
        return Row(texts, place, name)


def _marks(element: etree._Element | None) -> dict[str, etree._Element]:
    """Return the segments marked in a side of XLIFF 1.2, by number; none where a number comes twice."""
    if element is None:
        return {}
    marked = [child for child in element.iter() if local_name(child) == "mrk" and child.get("mtype") == "seg"]
    numbered = {mark.get("mid", ""): mark for mark in marked}
    return numbered if len(numbered) == len(marked) else {}


def _inherited(element: etree._Element | None, attribute: str) -> str | None:
    while element is not None:
        value = element.get(attribute)
        if value is not None:
            return value
        element = element.getparent()
    return None
