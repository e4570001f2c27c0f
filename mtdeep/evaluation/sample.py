"""BLEU of a few sentences in a few directions, quick enough to be taken again and again while a model is trained."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import fmean

from mtdeep.corpus import Direction
from mtdeep.decoding import SearchOptions, Translator
from mtdeep.evaluation.scores import BLEU, Scorer, tokenizer_for
from mtdeep.evaluation.segments import Row, SplitRows


def sampled_directions(directions: Sequence[Direction], number: int, seed: int) -> tuple[Direction, ...]:
    """Return so many of the directions, drawn by a seed so that all languages come as evenly as they may."""
    rest = list(directions)
    random.Random(seed).shuffle(rest)
    drawn: Counter[tuple[str, str]] = Counter()
    chosen: list[Direction] = []
    while rest and len(chosen) < number:
        rarest = min(rest, key=lambda direction: drawn["from", direction.source] + drawn["into", direction.target])
        rest.remove(rarest)
        chosen.append(rarest)
        drawn.update([("from", rarest.source), ("into", rarest.target)])
    return tuple(chosen)


def sampled_rows(split: SplitRows, direction: Direction, number: int, longest: int, seed: int) -> list[Row]:
    """Return so many rows of a direction, drawn by a seed among those whose source is no longer than so many tokens."""
    rows = split.rows(direction)
    random.Random(f"{seed} {direction}").shuffle(rows)
    chosen: list[Row] = []
    for row in rows:
        if len(chosen) == number:
            break
        if len(split.sentences(direction.source, [row])[0]) <= longest:
            chosen.append(row)
    return sorted(chosen)


def sample_bleu(
    translator: Translator,
    split: SplitRows,
    direction: Direction,
    rows: Sequence[Row],
    options: SearchOptions,
) -> float:
    """Return the corpus BLEU of rows of a direction, by the tokenizer of its target language."""
    hypotheses = [""] * len(rows)
    sources = split.sentences(direction.source, rows)
    for batch in translator.translate_ids(sources, direction.source, {direction.target: range(len(rows))}, options):
        for item, best in zip(batch, translator.best(batch), strict=True):
            hypotheses[item.index] = best.text
    scorer = Scorer(split.texts(direction.target, rows), tokenizer_for(direction.target))
    return scorer.score(direction, split.texts(direction.source, rows), hypotheses).values[BLEU]


def averages(scores: Mapping[Direction, float], groups: Mapping[str, str]) -> dict[str, float]:
    """Return the mean of all directions, `bleu`, and those out of and into each group of languages.

    groups: by language code. Their names become those of figures in a log: `bleu_from_indo_european`.
    """
    parts: dict[str, list[float]] = {"bleu": [*scores.values()]}
    for direction, value in scores.items():
        for way, language in (("from", direction.source), ("into", direction.target)):
            if language in groups:
                parts.setdefault(figure(way, groups[language]), []).append(value)
    return {name: fmean(values) for name, values in parts.items() if values}


def figure(way: str, group: str) -> str:
    """Return the name of a group's average: *way* is from or into."""
    return f"bleu_{way}_{re.sub(r'[^0-9a-z]+', '_', group.lower()).strip('_')}"
