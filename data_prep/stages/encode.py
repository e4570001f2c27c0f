"""Chunks of text to chunks of piece ids: the cells that were kept, and the rows that have any left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from data_prep.chunk import TextChunk, TokenChunk, read_arrays
from data_prep.cleaning.texts import Texts
from data_prep.engine.task import Step
from data_prep.normalisation import Changes
from mtdeep.corpus.blocks import Block, text_blocks
from mtdeep.corpus.subwords import Subwords
from mtdeep.corpus.vocabulary import Vocabulary

TOKENS, TEXT, KEPT = "tokens", "text", "kept"
LENGTHS = (2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024)
"""Edges of the histogram of tokens a sentence: bin i holds LENGTHS[i - 1] <= tokens < LENGTHS[i]."""


def encode(
    folder: Path,
    chunk: Path,
    kept: Path,
    languages: Sequence[str],
    written: Sequence[str],
    model: Path,
    dictionary: Path,
    *,
    keep_text: bool,
) -> dict[str, Any]:
    """Write the ids of a chunk of text, and its text where the split is scored, of the languages *written*.

    *kept* is a chunk of one array KEPT, (rows, languages) bool, columns as in *languages*; rows without any are left
    out. Returns rows, and by language sentences, characters, tokens, unknown tokens, how many sentences each bin of
    LENGTHS has, and what normalisation changes in them (`_normalised`). Raises AssertionError when a sentence has no
    pieces: what normalisation leaves nothing of was to be rejected before.
    """
    text = TextChunk.read(chunk)
    mask = read_arrays(kept)[KEPT]
    rows = np.flatnonzero(mask.any(axis=1))
    subwords = _subwords(model, dictionary)
    columns, texts = {}, {}
    record: dict[str, dict[str, Any]] = {}
    for language in written:
        i = languages.index(language)
        here = mask[rows, i]
        cells = zip(rows.tolist(), here.tolist(), strict=True)
        lines = [text.columns[language][row] if there else "" for row, there in cells]
        block = subwords.encode_block(lines, threads=1)
        _check(lines, block, language)
        columns[language] = Block(block.units.astype(subwords.vocabulary.token_dtype), block.lengths)
        unknown = int((block.units == subwords.vocabulary.unk).sum())
        normalised = _normalised(lines, _changes(model))
        record[language] = {**_sizes(lines, block), "unknown": unknown, "normalised": normalised}
        if keep_text:
            texts[language] = lines
    TokenChunk(columns).write(folder / TOKENS)
    if keep_text:
        utf8 = {language: _joined(list(text_blocks(lines))) for language, lines in texts.items()}
        TokenChunk(utf8).write(folder / TEXT)
    return {"rows": len(rows), "languages": record}


def _sizes(lines: Sequence[str], block: Block) -> dict[str, Any]:
    return {
        "sentences": sum(map(bool, lines)),
        "characters": sum(map(len, lines)),
        "tokens": len(block.units),
        "lengths": _histogram(block.lengths),
    }


def _normalised(lines: Sequence[str], changes: Changes) -> dict[str, Any]:
    """Return how many sentences have characters that the model's normalisation changes, and how many of each there are.

    characters: character -> what it becomes and its number. Two characters that are made one are left aside: text that
    was cleaned has none.
    """
    texts = Texts(lines)
    numbers = np.bincount(texts.codes[texts.codes > 0x7F]) if len(texts.codes) else np.zeros(0, np.int64)
    present = {chr(code): int(numbers[code]) for code in np.flatnonzero(numbers).tolist()}
    found = changes.of(present)
    if not found:
        return {"sentences": 0, "characters": {}}
    changed = np.isin(texts.codes, np.array([ord(character) for character in found], np.uint32))
    characters = {character: [becomes, present[character]] for character, becomes in found.items()}
    return {"sentences": int(np.count_nonzero(texts.count_where(changed))), "characters": characters}


def _check(lines: Sequence[str], block: Block, language: str) -> None:
    for row in np.flatnonzero(block.lengths == 0).tolist():
        if lines[row]:
            raise AssertionError(f"{language}: {lines[row]!r} has no pieces, but was kept")


def _histogram(lengths: np.ndarray) -> list[int]:
    """Return how many sentences each bin of LENGTHS has; gaps, of length 0, are in none."""
    bins = np.searchsorted(LENGTHS, lengths[lengths > 0], side="right")
    counts: list[int] = np.bincount(bins, minlength=len(LENGTHS) + 1).tolist()
    return counts


def _joined(blocks: Sequence[Block]) -> Block:
    """Return one block, of no rows where there is none."""
    units = [np.zeros(0, dtype=np.uint8), *(block.units for block in blocks)]
    lengths = [np.zeros(0, dtype=np.int64), *(block.lengths for block in blocks)]
    return Block(np.concatenate(units), np.concatenate(lengths))


@lru_cache(maxsize=2)
def _changes(model: Path) -> Changes:
    return Changes(model)


@lru_cache(maxsize=2)
def _subwords(model: Path, dictionary: Path) -> Subwords:
    """Load a model once a worker."""
    return Subwords(model, Vocabulary.load(dictionary))


def encoding_content(chunk_key: str, kept_key: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return what decides an encoded chunk: the results it is made of, and the digest of model and dictionary."""
    return {"text": chunk_key, "kept": kept_key, **settings}


ENCODE_STEP = Step("encode", encode, revision=3, libraries=("sentencepiece",))
