"""fairseq's data-bin, written from a store: dictionaries, and for each direction a column of either language.

    OUT/dict.{lang}.txt                           the store's dict.txt, so that ids agree and tags are known
    OUT/{split}.{src}-{tgt}.{lang}.bin and .idx   sentences, as `mmididx.py` documents them

`databin_import.py` goes the other way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from mtdeep.corpus.directions import Direction
from mtdeep.corpus.mmididx import write_column
from mtdeep.corpus.store import Store
from mtdeep.corpus.views import DirectionView, direction_views
from mtdeep.durable import sync_directory, write_atomically
from mtdeep.languages import fairseq_code

_EXAMPLES = 1 << 14


def write_databin(
    store: Store,
    out_dir: Path | str,
    directions: Sequence[Direction],
    splits: Sequence[str],
    progress: Callable[[str, Direction, int], None] | None = None,
) -> dict[tuple[str, Direction], int]:
    """Write the directions of the splits; sentence pairs of each file pair.

    `progress` hears of each file pair, with its number, when it is done. Each file is written under a temporary name
    and renamed when complete. fairseq looks for either order of a pair, so of `en-de` and `de-en` only the first is
    written. Raises `UserError` when a split lacks a direction.
    """
    out = Path(out_dir)
    views = {split: direction_views(store, split, one_way(directions)) for split in splits}
    out.mkdir(parents=True, exist_ok=True)
    languages = dict.fromkeys(code for d in directions for code in (d.source, d.target))
    for language in languages:
        write_atomically(out / f"dict.{fairseq_code(language)}.txt", store.vocabulary.save)
    written = {}
    for split, split_views in views.items():
        for view in split_views:
            for language in (view.direction.source, view.direction.target):
                prefix = out / f"{split}.{view.direction}.{fairseq_code(language)}"
                write_column(prefix, _sentences(view, language, store.vocabulary.eos), len(store.vocabulary))
            written[split, view.direction] = len(view)
            if progress is not None:
                progress(split, view.direction, len(written))
    sync_directory(out)
    return written


def one_way(directions: Sequence[Direction]) -> list[Direction]:
    """Directions without those whose reverse stands before them: one file pair serves both ways."""
    kept: dict[Direction, None] = {}
    for direction in directions:
        if direction.reverse() not in kept:
            kept[direction] = None
    return list(kept)


def _sentences(view: DirectionView, language: str, eos: int) -> Iterator[np.ndarray]:
    for start in range(0, len(view), _EXAMPLES):
        part, row = view.locate(np.arange(start, min(start + _EXAMPLES, len(view))))
        for p, r in zip(part.tolist(), row.tolist(), strict=True):
            yield np.append(view.corpora[p].sentence(language, r), eos)
