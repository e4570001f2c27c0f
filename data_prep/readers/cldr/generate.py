"""Phrases rendered in every language, and the check by text that no held-out line is in training."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from data_prep.readers.cldr.locale_text import LocaleText, tidy
from data_prep.readers.cldr.phrases import TRAIN, Phrase, PhraseMaker, split_pairs
from data_prep.readers.cldr.templates import TEMPLATES, Template, parse_template
from mtdeep.errors import UserError

_NUMBER = re.compile(r"\d+")
_DRAWS_A_LINE = 20  # give up when so many draws were needed for each line on average: few new ones are left


@dataclass(frozen=True)
class Phrases:
    """One split: rows of one text in each language, "" for a gap, and why draws gave no row."""

    split: str
    rows: Sequence[tuple[str, ...]]
    rejected: Mapping[str, int]


def generate(
    name: str,
    languages: Sequence[str],
    lines: Mapping[str, int],
    seed: int,
    *,
    entities: int | None = None,
) -> list[Phrases]:
    """Return the aligned phrases of each split in *lines* (split -> number of rows).

    Deterministic in (languages, lines, seed, entities, Babel's version). *entities* limits how many entities of each
    kind are used: fewer are learned sooner. A line of a split other than ``train`` holds a pair (template, entity)
    that no training line holds, and apart from its numbers no text of it, in any language, is in training or in
    another held-out line. A language whose locale lacks an entry has a gap there. Raises UserError for a language
    that CLDR does not cover, and for more lines than there are distinct phrases.
    """
    templates = [parse_template(notation) for notation in TEMPLATES]
    renderers = [Renderer(language, templates) for language in languages]
    pool = split_pairs(templates, list(lines), entities, seed)
    held_out: list[set[str]] = [set() for _ in languages]
    found: dict[str, Phrases] = {}
    for split in sorted(lines, key=lambda split: split == TRAIN):  # training last: it avoids what is held out
        maker = PhraseMaker(templates, pool, split, seed)
        if not maker.usable:
            raise UserError(f"corpus {name!r}: no phrase can be held out for split {split!r}; ask for fewer splits")
        phrases = _collect(maker, split, renderers, lines[split], held_out)
        if len(phrases.rows) < lines[split]:
            raise UserError(
                f"corpus {name!r}: only {len(phrases.rows)} distinct phrases found for split {split!r}, {lines[split]} "
                "asked; ask for fewer lines, or raise `entities`"
            )
        found[split] = phrases
    return [found[split] for split in lines]


class Renderer:
    """Renders phrases in one language; parts that come again are looked up."""

    def __init__(self, language: str, templates: Sequence[Template]) -> None:
        """Load the locale of *language*. Raises UserError where CLDR has none."""
        self.language = language
        self._text = LocaleText(language)
        self._templates = templates
        self._known: dict[tuple[str, str, tuple[int, ...]], str | None] = {}

    def render(self, phrase: Phrase) -> str:
        """Return the phrase's text, or the empty string where the locale lacks an entry."""
        template = self._templates[phrase.template]
        texts: list[str] = []
        for part, value in zip(template.parts, phrase.values, strict=True):
            text = self._part(part, *value)
            if text is None:
                return ""
            texts.append(text)
        filled: list[str] = []
        for style, count in template.holes:
            group, texts = texts[:count], texts[count:]
            joined = group[0] if style is None else self._text.items(style, group)
            if joined is None:
                return ""
            filled.append(joined)
        return tidy(template.pattern.format(*filled))

    def _part(self, part: str, entity: str, number: tuple[int, ...]) -> str | None:
        key = (part, entity, number)
        if key not in self._known:
            self._known[key] = self._text.parts[part](entity, number)
        return self._known[key]


def without_numbers(text: str) -> str:
    """Return what must not be shared by training and held-out lines: the text with every number made equal."""
    return _NUMBER.sub("0", text.casefold())


def _collect(
    maker: PhraseMaker, split: str, renderers: Sequence[Renderer], wanted: int, held_out: list[set[str]]
) -> Phrases:
    """Draw until *wanted* rows are kept; held-out rows are entered in *held_out*, one set a language."""
    rows: dict[tuple[str, ...], None] = {}
    rejected: Counter[str] = Counter()
    draws = 0
    while len(rows) < wanted and draws < _DRAWS_A_LINE * (len(rows) + 50):
        draws += 1
        phrase = maker.draw()
        row = () if phrase is None else tuple(renderer.render(phrase) for renderer in renderers)
        reason = _reason_to_reject(row, rows, held_out)
        if reason:
            rejected[reason] += 1
            continue
        rows[row] = None
        if split != TRAIN:
            for seen, text in zip(held_out, row, strict=True):
                if text:
                    seen.add(without_numbers(text))
    return Phrases(split, list(rows), dict(rejected))


def _reason_to_reject(
    row: tuple[str, ...], rows: Mapping[tuple[str, ...], None], held_out: Sequence[set[str]]
) -> str | None:
    if not row:
        return "an entity twice"
    if sum(map(bool, row)) < 2:
        return "fewer than two languages"
    if row in rows:
        return "duplicate"
    if any(text and without_numbers(text) in seen for seen, text in zip(held_out, row, strict=True)):
        return "text of a held-out line, numbers apart"
    return None
