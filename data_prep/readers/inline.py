"""The text of an XML element with inline markup in it, as translation memories and XLIFF have it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Literal

from lxml import etree

Codes = Literal["drop", "space", "keep"]
"""What becomes of an element that stands for a formatting code: nothing, a space in its place, or its content."""


def local_name(element: etree._Element) -> str:
    """Return an element's name without its namespace."""
    return str(element.tag).rpartition("}")[2]


def children(element: etree._Element, name: str) -> Iterator[etree._Element]:
    """Yield the children of that name, in whatever namespace."""
    return (child for child in element if local_name(child) == name)


def text_of(element: etree._Element, code_names: Collection[str], codes: Codes) -> str:
    """Return the text in and after all inline elements; those in *code_names* are codes."""
    return "".join(_parts(element, code_names, codes))


def _parts(element: etree._Element, code_names: Collection[str], codes: Codes) -> Iterator[str]:
    yield element.text or ""
    for child in element:  # at most 256 deep: libxml2 refuses more
        name = local_name(child)
        if name == "cp":
            yield _character(child.get("hex", ""))
        elif name not in code_names or codes == "keep":
            yield from _parts(child, code_names, codes)
        elif codes == "space":
            yield " "
        yield child.tail or ""


def _character(code: str) -> str:
    """Return the character that XLIFF 2 writes as a number, because XML cannot hold it."""
    try:
        return chr(int(code, 16))
    except (ValueError, OverflowError):
        return "\ufffd"
