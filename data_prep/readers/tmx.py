"""TMX 1.1 to 1.4b, the format of translation memories; n-way as soon as its units are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import ClassVar, Literal, NamedTuple

from lxml import etree

from data_prep.batch import Batch, Rejected, RejectedText
from data_prep.engine.libraries import LANGUAGES
from data_prep.readers.files import OneFile
from data_prep.readers.inline import Codes, Markup, children, is_blank, local_name
from data_prep.readers.review_states import DRAFT_STATES, refused_state
from data_prep.readers.rows import LONGEST, NO_TEXT, Aside, Item, Row, batches_of, on_one_line
from data_prep.readers.source import EmptySource
from data_prep.readers.spellings import Spellings
from data_prep.readers.xml_units import Unit, UnitNames, read_units

_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_CODES = frozenset({"bpt", "ept", "ph", "it", "ut"})  # `hi` holds text
_NAMES = UnitNames(units=("tu",), parts=("tuv", "seg"))
_CONFIRMATION = "x-ConfirmationLevel"  # a property in which Trados writes what its users say of a translation
BESIDE, NO_SEGMENT = "text beside the <seg>s of a unit", "no <seg> in a <tuv>"
_LOOKED_AT = 1000  # units, to say what languages there are


@dataclass(frozen=True)
class Tmx(OneFile):
    """A TMX file, plain or compressed, in any encoding that it declares; a row's id is the unit's `tuid`.

    languages: those to read, canonical codes; what the file calls them (`EN-US`, `deu`) is looked up.
    variants: where a unit has a language several times, `all` gives a row for each text, a language with fewer taking
        part with its first; `first` gives one row and counts the others.
    codes: what becomes of `bpt`, `ept`, `ph`, `it` and `ut`; text in `hi` and after any inline element is always kept.
    refused_states: units in these states are rejected, drafts and rejected translations by default; only memories of
        Trados have states.
    longest: characters of the longest unit.
    """

    libraries: ClassVar[tuple[str, ...]] = ("lxml", *LANGUAGES)
    path: Path
    languages: tuple[str, ...]
    variants: Literal["all", "first"] = "all"
    codes: Codes = "drop"
    refused_states: tuple[str, ...] = DRAFT_STATES
    longest: int = LONGEST

    def batches(self, rows: int) -> Iterator[Batch]:
        """Yield batches; raises UserError as `read_units` does and for a file without units."""
        nothing = EmptySource(str(self.path), "no <tu> in it; give a TMX file, or leave it out")
        return batches_of(self._items(), self.languages, rows, nothing, ids=True, longest=self.longest)

    def lacking(self, languages: Sequence[str]) -> EmptySource:
        """Return what to raise for languages that no unit has, with those that the first units have."""
        units = (unit for unit in read_units(self.path, _NAMES, self.longest) if isinstance(unit, Unit))
        codes = {_code(variant) for unit in islice(units, _LOOKED_AT) for variant in children(unit.element, "tuv")}
        met = on_one_line(", ".join(sorted(codes)))
        what = f"no text in {' or '.join(languages)} in it, but in {met}; name those, or leave it out"
        return EmptySource(str(self.path), what)

    def _items(self) -> Iterator[Item]:
        spellings = Spellings(self.languages)
        markup = Markup(_CODES, self.codes)
        for unit in read_units(self.path, _NAMES, self.longest):
            if isinstance(unit, Rejected):
                yield unit
            else:
                yield from self._rows(unit, spellings, markup)

    def _rows(self, unit: Unit, spellings: Spellings, markup: Markup) -> Iterator[Item]:
        place = f"line {unit.line}"
        content = _content(unit.element)
        if state := refused_state(content.states, self.refused_states):
            yield Rejected(f"state {state}", place)
            return
        aside: Counter[str] = Counter({BESIDE: 1} if content.has_text_beside else {})
        found, bare = self._texts(content, spellings, markup, aside)
        yield from (Aside(reason, number) for reason, number in aside.items())
        if any(found):
            yield from (RejectedText(language, NO_SEGMENT, place) for language in bare)
        else:
            yield Rejected(NO_SEGMENT if bare else NO_TEXT, place)
        for i in range(max(map(len, found))):
            texts = [(texts[i] if i < len(texts) else texts[0]) if texts else "" for texts in found]
            yield Row(texts, place, unit.element.get("tuid", ""))

    def _texts(
        self, content: _Content, spellings: Spellings, markup: Markup, aside: Counter[str]
    ) -> tuple[list[list[str]], list[str]]:
        """Return the texts of a unit in each language, and the language of each without a segment.

        What was not asked for is counted in *aside*.
        """
        found: list[list[str]] = [[] for _ in self.languages]
        bare: list[str] = []
        for code, segments in content.variants:
            column = spellings.column(code)
            if column is None:
                aside["text in a language not asked for"] += 1
            elif not segments:
                bare.append(self.languages[column])
            elif self.variants == "first" and found[column]:
                aside["further text of a language in one unit"] += 1
            else:
                found[column].append("".join(markup.text(segment, aside) for segment in segments))
        return found, bare


class _Content(NamedTuple):
    """Of a unit: its language codes, each with its segments; its states; whether other text stands in it."""

    variants: list[tuple[str, list[etree._Element]]]
    states: list[str | None]
    has_text_beside: bool


def _content(unit: etree._Element) -> _Content:
    variants = []
    states = []
    beside = not is_blank(unit.text)
    for child in unit:
        beside = beside or not is_blank(child.tail)
        match local_name(child):
            case "tuv":
                segments = list(children(child, "seg"))
                loose = [child.text, *(part.tail for part in child)]
                beside = beside or (bool(segments) and not all(map(is_blank, loose)))
                variants.append((_code(child), segments))
            case "prop" if child.get("type") == _CONFIRMATION:
                states.append(child.text)
    return _Content(variants, states, beside)


def _code(variant: etree._Element) -> str:
    return variant.get(_XML_LANG) or variant.get("lang") or ""
