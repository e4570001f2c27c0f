r"""Lines of text, a block at a time.

A line ends at ``\n`` and nowhere else: U+0085 or U+2028 inside a sentence would split one side of a corpus and not the
other. The ``\r`` of a ``\r\n`` belongs to the line's end; a byte order mark at the start of a file is dropped. All
other characters stay, no-break spaces and byte order marks further on included. A line is damaged, and has no text,
when it is too long, is no UTF-8 or holds a NUL. A file whose lines end at ``\r`` alone, which would be one line, is
refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from data_prep.readers.rows import INVALID_UTF8, LONGEST, NUL, excerpt, too_long
from mtdeep.errors import UserError

_MARK = b"\xef\xbb\xbf"
_OTHER_MARKS = {
    b"\xff\xfe\x00\x00": "UTF-32",
    b"\x00\x00\xfe\xff": "UTF-32",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}


@dataclass(frozen=True)
class Damage:
    """Why a line has no text: *reason* is equal for equal reasons, *detail* is this line's own."""

    reason: str
    excerpt: str
    detail: str = ""


@dataclass(frozen=True)
class LineBlock:
    """Consecutive lines; one that is damaged, by its place in the block, has the empty text."""

    texts: list[str]
    damage: Mapping[int, Damage] = field(default_factory=dict)


def split_lines(blocks: Iterable[bytes], name: object, longest: int = LONGEST) -> Iterator[LineBlock]:
    """Yield the lines of a file's *blocks* of bytes; a line has at most *longest* bytes.

    Holds no more than a block and one line. Raises UserError, which names the file, for UTF-16, UTF-32, and lines that
    end with carriage returns alone.
    """
    rest, offset = b"", 0  # the line that has not ended yet, and how many bytes of the text stand before it
    is_first = True
    for start, block in _without_mark(blocks, name):
        offset += start
        data = rest + block
        end = data.rfind(b"\n") + 1
        if end:
            yield _split(data[:end], offset, longest)
            is_first = False
        rest, offset = data[end:], offset + end
        if len(rest) > longest + 1:  # too long already: its bytes need not be kept, nor their number but for offsets
            kept = rest[: longest + 2]
            rest, offset = kept, offset + len(rest) - len(kept)
    if is_first:
        check_line_ends(rest, name)
    if rest:
        yield _split(rest, offset, longest)


def check_line_ends(only_line: bytes, name: object) -> None:
    """Raise UserError when a file's *only_line* is many, ended by carriage returns alone, as on old Macintoshes."""
    if b"\r" in only_line.rstrip(b"\r"):
        raise UserError(f"{name}:1: its lines end with \\r alone; convert it (tr '\\r' '\\n' < FILE > NEW)")


def _without_mark(blocks: Iterable[bytes], name: object) -> Iterator[tuple[int, bytes]]:
    """Yield (bytes left out before it, block)."""
    head = b""
    blocks = iter(blocks)
    for block in blocks:
        head += block
        if len(head) >= 4:
            break
    for mark, encoding in _OTHER_MARKS.items():
        if head.startswith(mark):
            raise UserError(f"{name}:1: {encoding}, not UTF-8; convert it (iconv -f {encoding} -t UTF-8)")
    start = len(_MARK) if head.startswith(_MARK) else 0
    yield start, head[start:]
    for block in blocks:
        yield 0, block


def _split(data: bytes, offset: int, longest: int) -> LineBlock:
    """Return the lines of *data*, which ends where a line does; by line only where something may be damaged."""
    if len(data) <= longest:
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            return _split_one_by_one(data, offset, longest)
        if "\0" not in text:
            texts = (text.replace("\r\n", "\n") if "\r" in text else text).split("\n")
            if not texts[-1]:
                texts.pop()
            return LineBlock(texts)
    return _split_one_by_one(data, offset, longest)


def _split_one_by_one(data: bytes, offset: int, longest: int) -> LineBlock:
    *ended, last = data.split(b"\n")
    texts: list[str] = []
    damage: dict[int, Damage] = {}
    for piece in [*ended, last] if last else ended:
        raw = piece.removesuffix(b"\r") if len(texts) < len(ended) else piece
        found = _decode(raw, offset, longest)
        if isinstance(found, Damage):
            damage[len(texts)] = found
            found = ""
        texts.append(found)
        offset += len(piece) + 1
    return LineBlock(texts, damage)


def _decode(raw: bytes, offset: int, longest: int) -> str | Damage:
    if len(raw) > longest:
        return Damage(too_long(longest), _shown(raw))
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        detail = f"at byte {offset + error.start} of the text (0x{raw[error.start]:02x})"
        return Damage(INVALID_UTF8, _shown(raw), detail)
    return Damage(NUL, _shown(raw)) if "\0" in text else text


def _shown(raw: bytes) -> str:
    return excerpt(raw[:1000].decode("utf-8", "backslashreplace"))
