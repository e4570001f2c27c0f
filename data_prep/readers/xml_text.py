"""The text of an XML file, decoded as its mark or declaration says; bytes that are no text are marked as damage."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from data_prep.readers.opening import read_blocks
from mtdeep.errors import UserError

DAMAGED = "\udc80"  # stands where bytes are no text of the encoding; nothing else gives a lone surrogate
_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
    b"<\0": "utf-16-le",
    b"\0<": "utf-16-be",
}
_DECLARED = re.compile(rb"""<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
_HEAD = 256  # bytes in which the declaration stands
# Of Python's codecs those that give text and keep no state that a damaged byte could turn for good.
_ENCODINGS = re.compile(r"utf-8|ascii|iso8859.*|cp\d+|koi8.*|mac.*|gb.*|big5.*|shift_jis.*|euc_.*|tis.*")


def _mark_damage(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return DAMAGED, error.end


codecs.register_error("mtdeep_mark_damage", _mark_damage)


def xml_text(path: Path) -> tuple[str, Iterator[str]]:
    """Return the encoding of *path* and its text, piece by piece.

    Raises UserError for an encoding that is not known, and, while the text is read, what `read_blocks` refuses.
    """
    blocks = read_blocks(path)
    head = b""
    while len(head) < _HEAD and (block := next(blocks, b"")):
        head += block
    encoding = _encoding(path, head)
    decoder = codecs.getincrementaldecoder(encoding)("mtdeep_mark_damage")

    def pieces() -> Iterator[str]:
        for first, block in enumerate(chain([head], blocks)):
            text = decoder.decode(block)
            yield text if first else text.removeprefix("\ufeff")
        yield decoder.decode(b"", final=True)

    return encoding, pieces()


def _encoding(path: Path, head: bytes) -> str:
    for mark, encoding in _MARKS.items():
        if head.startswith(mark):
            return encoding
    declared = _DECLARED.match(head)
    if declared is None:
        return "utf-8"
    name = declared[1].decode("ascii")
    try:
        found = codecs.lookup(name).name
    except LookupError:
        found = ""
    if not _ENCODINGS.fullmatch(found):
        raise UserError(f"{path}:1: encoding {name!r} is not one that is read; convert the file to UTF-8")
    return found
