"""fairseq's data-bin, written from a store: dictionaries, and for each direction a column of either language.

    OUT/dict.{lang}.txt                           the store's dict.txt, so that ids agree and tags are known
    OUT/{split}.{src}-{tgt}.{lang}.bin and .idx   sentences, as `mmididx.py` documents them

`databin_import.py` goes the other way.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

import numpy as np

from mtdeep.corpus.directions import Direction
from mtdeep.corpus.manifest import MANIFEST
from mtdeep.corpus.mmididx import MMapColumn, beside, write_column
from mtdeep.corpus.store import Store
from mtdeep.corpus.views import DirectionView, direction_views, views_if_any
from mtdeep.durable import sync_directory, write_atomically
from mtdeep.errors import UserError
from mtdeep.languages import fairseq_code

COLUMN = re.compile(
    r"(?P<split>[^.]+)\.(?P<pair>(?P<source>[^.-]+)-(?P<target>[^.-]+))\.(?P<language>(?P=source)|(?P=target))"
)
"""The name of a column, without the endings of its two files."""
Progress = Callable[[str, int, int], None]
_EXAMPLES = 1 << 14


def write_databin(
    store: Store,
    out_dir: Path | str,
    directions: Sequence[Direction],
    splits: Sequence[str],
    *,
    optional: Collection[Direction] = (),
    overwrite: bool = False,
    progress: Progress | None = None,
) -> dict[tuple[str, Direction], int]:
    """Write the directions of the splits; sentence pairs of each file pair.

    A split may lack the *optional* ones of them. What the store wrote to the folder before stays beside what is
    written now. *overwrite*: remove the data-bin that is there first. *progress* hears what is written, how many file
    pairs are done, and how many there are. Each file is written under a temporary name and renamed when complete.
    fairseq looks for either order of a pair, so of `en-de` and `de-en` only the first is written. Raises `UserError`
    before anything is written: when a split lacks another direction, when none has a sentence, and, without
    *overwrite*, when the folder has a data-bin that is not the store's.
    """
    out = Path(out_dir)
    views = []
    for split in splits:
        direction_views(store, split, [direction for direction in directions if direction not in optional])
        views += [(split, view) for view in views_if_any(store, split, one_way(directions)) if len(view)]
    if not views:
        raise UserError(f"{store.path}: no sentence in any of the directions and splits; give others")
    columns = {_column(out, split, view.direction, code): len(view) for split, view in views for code in _sides(view)}
    if (out / MANIFEST).exists():
        raise UserError(f"{out}: holds a store; give another folder for the data-bin")
    if overwrite:
        _remove(out)
    else:
        _check_ours(out, store.vocabulary.dump(), columns)
    out.mkdir(parents=True, exist_ok=True)
    for language in dict.fromkeys(code for _, view in views for code in _sides(view)):
        write_atomically(out / f"dict.{fairseq_code(language)}.txt", store.vocabulary.save)
    written = {}
    for number, (split, view) in enumerate(views, start=1):
        for language in _sides(view):
            prefix = _column(out, split, view.direction, language)
            write_column(prefix, _sentences(view, language, store.vocabulary.eos), len(store.vocabulary))
        written[split, view.direction] = len(view)
        if progress is not None:
            progress(f"writing {split} {view.direction}", number, len(views))
    sync_directory(out)
    return written


def one_way(directions: Sequence[Direction]) -> list[Direction]:
    """Directions without those whose reverse stands before them: one file pair serves both ways."""
    kept: dict[Direction, None] = {}
    for direction in directions:
        if direction.reverse() not in kept:
            kept[direction] = None
    return list(kept)


def _sides(view: DirectionView) -> tuple[str, str]:
    return view.direction.source, view.direction.target


def _column(out: Path, split: str, direction: Direction, language: str) -> Path:
    return out / f"{split}.{direction}.{fairseq_code(language)}"


def _data_files(out: Path) -> list[Path]:
    """The files of all columns that a folder has, in the order of their names."""
    return sorted(path for path in out.glob("*.*") if path.suffix in (".bin", ".idx") and COLUMN.fullmatch(path.stem))


def _remove(out: Path) -> None:
    # The data first: killed in between, the folder is still refused, since its dictionaries are another store's.
    for path in [*_data_files(out), *out.glob("dict.*.txt")]:
        path.unlink()


def _check_ours(out: Path, dictionary: bytes, columns: dict[Path, int]) -> None:
    """Raise `UserError` where a folder has a column that this dictionary, or this store, did not make."""
    remedy = "give another folder, or --overwrite, which removes the data-bin that is there first"
    for path in sorted(out.glob("dict.*.txt")):
        if path.read_bytes() != dictionary:
            raise UserError(f"{path}: is not the dictionary of this store; {remedy}")
    for path in _data_files(out):
        own = out / f"dict.{path.stem.rpartition('.')[2]}.txt"
        if not own.exists():
            raise UserError(f"{path}: the dictionary that it was written with, {own.name}, is missing; {remedy}")
    for prefix, sentences in columns.items():
        if beside(prefix, ".idx").exists() and len(MMapColumn(prefix)) != sentences:
            raise UserError(
                f"{beside(prefix, '.idx')}: has {len(MMapColumn(prefix)):,} sentences, and this store {sentences:,} "
                f"there; {remedy}"
            )


def _sentences(view: DirectionView, language: str, eos: int) -> Iterator[np.ndarray]:
    for start in range(0, len(view), _EXAMPLES):
        part, row = view.locate(np.arange(start, min(start + _EXAMPLES, len(view))))
        for p, r in zip(part.tolist(), row.tolist(), strict=True):
            yield np.append(view.corpora[p].sentence(language, r), eos)
