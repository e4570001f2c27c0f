"""The text of an XML element with inline markup in it, as translation memories and XLIFF have it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from lxml import etree

Codes = Literal["drop", "space", "keep"]
"""What becomes of an element that stands for a formatting code: nothing, a space in its place, or its content."""
SUBFLOW = "text inside a formatting code (<sub>)"


def local_name(element: etree._Element) -> str:
    """Return an element's name without its namespace."""
    return str(element.tag).rpartition("}")[2]


def children(element: etree._Element, name: str) -> Iterator[etree._Element]:
    """Yield the children of that name, in whatever namespace."""
    return (child for child in element if local_name(child) == name)


def _nothing(element: etree._Element) -> str | None:
    return None


@dataclass(frozen=True)
class Markup:
    """How inline elements become text; the text in and after all others is kept.

    code_names: the elements that stand for formatting codes, and *codes* what becomes of them.
    left_out: returns why an element's text is left out, None where it is not.
    """

    code_names: frozenset[str]
    codes: Codes
    left_out: Callable[[etree._Element], str | None] = _nothing

    def text(self, element: etree._Element, aside: Counter[str]) -> str:
        """Return the text of an element, and count in *aside* why some in it was left out."""
        return "".join(self._parts(element, aside))

    def _parts(self, element: etree._Element, aside: Counter[str]) -> Iterator[str]:
        yield element.text or ""
        for child in element:  # at most 256 deep: libxml2 refuses more
            name = local_name(child)
            if name == "cp":
                yield _character(child.get("hex", ""))
            elif name not in self.code_names or self.codes == "keep":
                if (reason := self.left_out(child)) is None:
                    yield from self._parts(child, aside)
                elif has_text(child):
                    aside[reason] += 1
            else:
                yield " " if self.codes == "space" else ""
                if subflows := sum(map(has_text, child.iter("{*}sub"))):
                    aside[SUBFLOW] += subflows
            yield child.tail or ""


def has_text(element: etree._Element) -> bool:
    """Return whether there is more than blanks in an element."""
    return not all(map(is_blank, element.itertext()))


def has_text_beside(element: etree._Element, is_part: Callable[[etree._Element], bool]) -> bool:
    """Return whether there is more than blanks in an element beside those in it that are parts."""
    if not is_blank(element.text):
        return True
    return any(
        not is_blank(child.tail) or (not is_part(child) and has_text_beside(child, is_part)) for child in element
    )


def is_blank(text: str | None) -> bool:
    """Return whether a text is none, empty or blanks."""
    return not text or text.isspace()


def _character(code: str) -> str:
    """Return the character that XLIFF 2 writes as a number, because XML cannot hold it."""
    try:
        return chr(int(code, 16))
    except (ValueError, OverflowError):
        return "\ufffd"
