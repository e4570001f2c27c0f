"""Symbols and their ids: four specials, SentencePiece's pieces, one tag per language, tags of origins.

    id 0 `<s>`   1 `<pad>`   2 `</s>`   3 `<unk>`   4... pieces   then tags: `__code__` of a language, `<bt>`

The ids are those that fairseq's `Dictionary.load` gives to the store's `dict.txt`, so that checkpoints, stores and
exported data-bins agree. Tags stand last, in the order in which they came, and only ever grow at the end: a new
language moves no embedding, nor does the tag of an origin, which may stand before, between or behind languages.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import xxhash

from mtdeep import languages as codes
from mtdeep.corpus.origins import ORIGIN_TAGS
from mtdeep.errors import UserError

BOS, PAD, EOS, UNK = 0, 1, 2, 3
SPECIALS = ("<s>", "<pad>", "</s>", "<unk>")
_TAG = re.compile(r"__([A-Za-z0-9_]+?)__")
# The second column of dict.txt is a count that nothing here needs. It tells tags from pieces instead, because a piece
# may look like a tag (text about Python yields `__init__`).
_PIECE_COUNT, _TAG_COUNT = "1", "0"
_ORIGIN_SYMBOLS = frozenset(ORIGIN_TAGS.values())


def tag_symbol(tag: str) -> str:
    """The dictionary symbol of a tag: `zh-Hans` -> `__zh_Hans__`; that of an origin is its own."""
    return tag if tag in _ORIGIN_SYMBOLS else f"__{codes.fairseq_code(tag)}__"


def tag_of(symbol: str, count: str) -> str | None:
    """The tag that a line of a dictionary, `__zh_Hans__ 0` or `<bt> 0`, is; None for any other symbol."""
    language = _TAG.fullmatch(symbol)
    if count != _TAG_COUNT or not (language or symbol in _ORIGIN_SYMBOLS):
        return None
    return codes.from_fairseq_code(language[1]) if language else symbol


@dataclass(frozen=True)
class Vocabulary:
    """Pieces and tags in id order; a tag is the code of a language, or the symbol of an origin (`<bt>`).

    Raises `UserError` when symbols are not unique or cannot stand on a line of `dict.txt`.
    """

    pieces: tuple[str, ...]
    tags: tuple[str, ...]

    bos = BOS
    pad = PAD
    eos = EOS
    unk = UNK

    def __post_init__(self) -> None:
        symbols = self.symbols()
        if len(set(symbols)) != len(symbols):
            seen: set[str] = set()
            twice = next(s for s in symbols if s in seen or seen.add(s))  # type: ignore[func-returns-value]
            raise UserError(f"vocabulary: symbol {twice!r} stands twice; give every piece and language once")
        for symbol in symbols:
            if not symbol or any(c in symbol for c in " \n\r"):
                raise UserError(f"vocabulary: piece {symbol!r} holds a space or a line break, or nothing; drop it")

    def __len__(self) -> int:
        return self.first_tag + len(self.tags)

    @cached_property
    def languages(self) -> tuple[str, ...]:
        """Codes of the languages, in the order of their tags."""
        return tuple(tag for tag in self.tags if tag not in _ORIGIN_SYMBOLS)

    @property
    def first_piece(self) -> int:
        """Id of the first piece."""
        return len(SPECIALS)

    @property
    def first_tag(self) -> int:
        """Id of the first tag, which is also one past the last piece."""
        return len(SPECIALS) + len(self.pieces)

    @property
    def token_dtype(self) -> np.dtype:
        """Smallest unsigned type that holds every id."""
        return np.min_scalar_type(len(self) - 1)

    def symbols(self) -> list[str]:
        """Every symbol, in id order."""
        return [*SPECIALS, *self.pieces, *(tag_symbol(tag) for tag in self.tags)]

    @cached_property
    def _tags(self) -> dict[str, int]:
        return {tag: self.first_tag + i for i, tag in enumerate(self.tags)}

    def tag(self, language: str) -> int:
        """Id of a language's tag; raises `UserError` for a language that the vocabulary lacks."""
        if language not in self._tags:
            raise UserError(f"language {language!r} has no tag in the vocabulary; it has {', '.join(self.languages)}")
        return self._tags[language]

    def extended(self, languages: Collection[str]) -> Vocabulary:
        """This vocabulary with the tags that it lacks of *languages* behind its own: no id changes.

        Raises `UserError` when such a tag is a piece already.
        """
        pieces = set(self.pieces)
        for tag in map(tag_symbol, languages):
            if tag in pieces:
                raise UserError(f"the vocabulary has a piece {tag!r}, which is to be a tag; make one without it")
        return Vocabulary(self.pieces, tuple(dict.fromkeys((*self.tags, *languages))))

    def first(self, size: int) -> Vocabulary:
        """This vocabulary as it was when it had *size* symbols: all pieces, and the first of its tags."""
        return Vocabulary(self.pieces, self.tags[: max(0, size - self.first_tag)])

    @property
    def origin_tags(self) -> dict[str, int]:
        """Ids of the tags of origins, by origin; empty in a vocabulary that has none."""
        return {origin: self._tags[symbol] for origin, symbol in ORIGIN_TAGS.items() if symbol in self._tags}

    def is_tag(self, symbol_id: int) -> bool:
        """Whether an id is a tag."""
        return self.first_tag <= symbol_id < len(self)

    @cached_property
    def digest(self) -> str:
        """xxh3-128 of `dict.txt`, as hexadecimal digits."""
        return xxhash.xxh3_128_hexdigest(self.dump())

    def dump(self) -> bytes:
        """fairseq's `dict.txt`; the four specials are implicit in it."""
        pieces = [f"{piece} {_PIECE_COUNT}\n" for piece in self.pieces]
        tags = [f"{tag_symbol(tag)} {_TAG_COUNT}\n" for tag in self.tags]
        return "".join(pieces + tags).encode()

    def save(self, path: Path | str) -> None:
        """Write `dict.txt`."""
        Path(path).write_bytes(self.dump())

    @classmethod
    def load(cls, path: Path | str) -> Vocabulary:
        """Read what `save` wrote; raises `UserError` with file and line."""
        path = Path(path)
        try:
            return cls.parse(path.read_bytes(), path)
        except OSError as error:
            raise UserError(f"{path}: cannot be read ({error.strerror}); the store needs its dictionary") from None

    @classmethod
    def parse(cls, data: bytes, path: Path) -> Vocabulary:
        """The inverse of `dump`; raises `UserError` with *path* and line."""
        try:
            lines = data.decode("utf-8").split("\n")
        except UnicodeDecodeError as error:
            raise UserError(f"{path}: not UTF-8 at byte {error.start}; restore the store's dictionary") from None
        if lines[-1] == "":
            lines.pop()
        pieces: list[str] = []
        tags: list[str] = []
        for number, line in enumerate(lines, start=1):
            symbol, _, count = line.rpartition(" ")
            if tag := tag_of(symbol, count):
                tags.append(tag)
            elif count == _PIECE_COUNT and symbol and not tags:
                pieces.append(symbol)
            else:
                raise UserError(f"{path}:{number}: expected `piece 1`, or `__code__ 0` after the last piece")
        return cls(tuple(pieces), tuple(tags))
