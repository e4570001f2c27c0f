"""The segments of an XLIFF unit, each side by side: by their number in 1.2, by the element that holds them in 2."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from lxml import etree

from data_prep.readers.inline import children, has_text, has_text_beside, local_name
from data_prep.readers.review_states import UNCONFIRMED, is_approved

CODE_NAMES = frozenset({"bpt", "ept", "ph", "it", "x", "bx", "ex", "sc", "ec", "sm", "em"})  # g, pc and mrk hold text
BESIDE = "text beside the segments of a unit"
NOT_PAIRED = "segments whose numbers do not tell which belong together"
NO_SEGMENT = "unit without segment"
_Numbered = Sequence[tuple[str, etree._Element]]


class Segment(NamedTuple):
    """A piece of source and of target that translate each other; None for what there is not.

    name: the segment's own, empty where it has none. states: what is said of the translation.
    """

    name: str
    source: etree._Element | None
    target: etree._Element | None
    states: Sequence[str | None]
    is_approved: bool


def segments_of(unit: etree._Element, aside: Counter[str]) -> Iterator[Segment | str]:
    """Yield a unit's segments, or why there is none to be had; count in *aside* text that is in no segment."""
    return _of_version_2(unit, aside) if local_name(unit) == "unit" else _of_version_1(unit, aside)


def _of_version_2(unit: etree._Element, aside: Counter[str]) -> Iterator[Segment | str]:
    aside[BESIDE] += sum(map(has_text, children(unit, "ignorable")))
    segments = list(children(unit, "segment"))
    if not segments:
        yield NO_SEGMENT
    for segment in segments:
        states = [segment.get("state"), segment.get("subState")]
        source, target = _child(segment, "source"), _child(segment, "target")
        yield Segment(segment.get("id", ""), source, target, states, is_approved(states))


def _of_version_1(unit: etree._Element, aside: Counter[str]) -> Iterator[Segment | str]:
    """Yield the segments that either side marks (`mrk` of type `seg`), else the unit as one.

    A target without marks translates the whole source. Marks in the target alone, or numbers that come twice on one
    side and not so on the other, pair nothing.
    """
    parts = {local_name(child): child for child in reversed(unit)}  # the first of each name
    source, target = parts.get("seg-source", parts.get("source")), parts.get("target")
    of_all = [*_states_of(unit), *([] if target is None else [target.get("state"), target.get("state-qualifier")])]
    confirmed = _confirmed(parts.get("seg-defs"))
    approved = unit.get("approved") == "yes"
    sources, targets = _marked(source), _marked(target)
    match _pairing(sources, targets, target):
        case "none":
            yield NOT_PAIRED
        case "whole":
            states = [*of_all, *confirmed.values()]
            yield Segment("", source, target, states, approved or is_approved(states))
        case "by number":
            aside[BESIDE] += sum(side is not None and has_text_beside(side, _is_no_text) for side in (source, target))
            of_source, of_target = dict(sources), dict(targets)
            for number in of_source | of_target:
                states = [*of_all, confirmed.get(number)]
                pair = of_source.get(number), of_target.get(number)
                yield Segment(number, *pair, states, approved or is_approved(states))


def _pairing(sources: _Numbered, targets: _Numbered, target: etree._Element | None) -> str:
    """Return how the marked segments of two sides belong together: `whole`, `by number` or `none`."""
    if not sources:
        return "none" if targets else "whole"
    if not targets and target is not None and has_text(target):
        return "whole"
    numbers = [Counter(number for number, _ in marks) for marks in (sources, targets)]
    if all(count == 1 for counts in numbers for count in counts.values()):
        return "by number"
    return "whole" if numbers[0] == numbers[1] else "none"


def _states_of(unit: etree._Element) -> Iterator[str]:
    """Yield what memoQ and Phrase say of a unit, in attributes of their own."""
    for attribute, value in unit.items():
        if attribute.endswith("}status"):
            yield value
        elif attribute.endswith("}confirmed") and value in ("0", "false"):
            yield UNCONFIRMED


def _confirmed(definitions: etree._Element | None) -> Mapping[str, str | None]:
    """Return what Trados says of each segment of a unit, by its number."""
    if definitions is None:
        return {}
    return {segment.get("id", ""): segment.get("conf") for segment in children(definitions, "seg")}


def _marked(side: etree._Element | None) -> _Numbered:
    """Return the segments that are marked in a side, by number."""
    return [] if side is None else [(mark.get("mid", ""), mark) for mark in _outermost(side)]


def _outermost(element: etree._Element) -> Iterator[etree._Element]:
    """Yield the marked segments in an element; what is marked within one is part of its text."""
    for child in element:  # at most 256 deep: libxml2 refuses more
        if _is_segment(child):
            yield child
        else:
            yield from _outermost(child)


def _is_segment(element: etree._Element) -> bool:
    return local_name(element) == "mrk" and element.get("mtype") == "seg"


def _is_no_text(element: etree._Element) -> bool:
    return _is_segment(element) or local_name(element) in CODE_NAMES


def _child(element: etree._Element, name: str) -> etree._Element | None:
    return next(children(element, name), None)
