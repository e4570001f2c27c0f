"""What stands in README and the pages of docs: fenced blocks, and spans of code within the text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = ("README.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")))
"""docs/reproductions is apart: its scripts run in a small size, in tests/scripts."""
COMMANDS, SPAN = "", "span"
"""Kinds of code: a block whose fence names none is of commands; a span of code within the text."""

FENCE = re.compile(r"^```(\S*)\n(.*?)^```$", re.M | re.S)
CODE = re.compile(r"`([^`]+)`")


@dataclass(frozen=True)
class Code:
    """A piece of code on a page: the line of its first character, from 1, the word behind its fence, its text."""

    page: str
    line: int
    kind: str
    text: str


@cache
def code_of(page: str) -> tuple[Code, ...]:
    """Return the blocks and spans of a page, in their order; line ends within a span are blanks."""
    text = (ROOT / page).read_text(encoding="utf-8")
    blocks = [Code(page, _line(text, match.start(2)), match[1], match[2]) for match in FENCE.finditer(text)]
    outside = FENCE.sub(lambda match: "\n" * match[0].count("\n"), text)
    spans = [Code(page, _line(outside, m.start()), SPAN, " ".join(m[1].split())) for m in CODE.finditer(outside)]
    return tuple(sorted(blocks + spans, key=lambda code: code.line))


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1
