"""Phrases as data, before any language: a template, an entity for each part, numbers; and which pairs are held out.

A pair (template, entity) belongs to exactly one split. Training phrases have training pairs only; a held-out phrase
has at least one pair of its split and otherwise training pairs. So a held-out line always shows an entity in a
template that training never showed it in, while training has that entity in other templates and that template with
other entities.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from data_prep.readers.cldr.inventory import ENTITIES
from data_prep.readers.cldr.locale_text import PRICE_CURRENCIES
from data_prep.readers.cldr.templates import Template

TRAIN = "train"
HELD_OUT_SHARE = 0.1  # of the entities of a template, for each held-out split


@dataclass(frozen=True)
class Phrase:
    """A template with one (entity, numbers) for each of its parts; the same in every language."""

    template: int
    values: tuple[tuple[str, tuple[int, ...]], ...]


Pool = dict[tuple[int, str, str], list[str]]  # (template, part, split) -> entities


def inventory_of(part: str, limit: int | None) -> list[str]:
    """Return the entities that may fill *part*, at most *limit* of them."""
    return ENTITIES.get(part, [])[:limit]


def split_pairs(templates: Sequence[Template], splits: Sequence[str], limit: int | None, seed: int) -> Pool:
    """Deal the pairs of every template to the splits.

    Each held-out split gets a tenth of a template's entities, at least one, but never more than half go to held-out
    splits, and an entity that no other template could show in training stays in training.
    """
    held_out = [split for split in splits if split != TRAIN]
    pool: Pool = {}
    uses: dict[tuple[str, str], int] = {}  # (inventory, entity) -> templates that show it in training
    keys = [(t, part) for t, template in enumerate(templates) for part in dict.fromkeys(template.parts)]
    for _, part in keys:
        for entity in inventory_of(part, limit):
            uses[kind_of(part), entity] = uses.get((kind_of(part), entity), 0) + 1
    for t, part in keys:
        entities = inventory_of(part, limit)
        order = random.Random(f"{seed} {templates[t].notation} {part}").sample(entities, len(entities))
        order.sort(key=lambda entity: uses[kind_of(part), entity] < 2)  # the irreplaceable ones last: training
        share = min(max(1, round(HELD_OUT_SHARE * len(order))), len(order) // (2 * max(1, len(held_out))))
        for split in held_out:
            taken, order = order[:share], order[share:]
            if any(uses[kind_of(part), entity] < 2 for entity in taken):
                taken, order = [], taken + order
            for entity in taken:
                uses[kind_of(part), entity] -= 1
            pool[t, part, split] = taken
        pool[t, part, TRAIN] = sorted(order)
    return pool


def kind_of(part: str) -> str:
    """Return what a part's entities are: a currency is the same word as a name and in an amount."""
    return next((kind for kind, entities in _KINDS if ENTITIES.get(part) is entities), part)


_KINDS = [(part, entities) for part, entities in ENTITIES.items()]


class PhraseMaker:
    """Draws phrases of one split; equal seeds give equal phrases."""

    def __init__(self, templates: Sequence[Template], pool: Pool, split: str, seed: int) -> None:
        """Prepare to draw for *split* from the pairs of *pool*."""
        self._templates, self._pool, self._split = templates, pool, split
        self._random = random.Random(f"{seed} {split}")
        self.usable = [t for t in range(len(templates)) if split == TRAIN or self._novel_places(t)]

    def _novel_places(self, t: int) -> list[int]:
        parts = self._templates[t].parts
        return [place for place, part in enumerate(parts) if self._pool.get((t, part, self._split))]

    def draw(self) -> Phrase | None:
        """Return the next phrase, or None when it would say the same entity twice."""
        rng = self._random
        t = rng.choice(self.usable)
        novel = rng.choice(self._novel_places(t)) if self._split != TRAIN else None
        values: list[tuple[str, tuple[int, ...]]] = []
        said: set[tuple[str, str]] = set()
        for place, part in enumerate(self._templates[t].parts):
            split = self._split if place == novel else TRAIN
            entities = self._pool.get((t, part, split), [])
            entity = rng.choice(entities) if entities else ""
            if entity:
                if (kind_of(part), entity) in said:
                    return None
                said.add((kind_of(part), entity))
            values.append((entity, draw_numbers(part, rng)))
        return Phrase(t, tuple(values))


def draw_numbers(part: str, rng: random.Random) -> tuple[int, ...]:
    """Return the numbers of a part: modest ranges, which a small model can learn to copy and convert."""
    date = (rng.randint(1990, 2029), rng.randint(1, 12), rng.randint(1, 21))
    start = 15 * rng.randint(24, 72)  # minutes after midnight, in quarters of an hour
    match part:
        case "quantity":
            return (rng.randint(2, 99),)
        case "amount":
            return (rng.choice((2, 3, 4, 5, 8, 10, 12, 15, 20, 25, 30, 40, 50, 60, 75, 80, 90)),)
        case "money":
            return (rng.randint(1, 99) * 50,)
        case "price":
            return (rng.randrange(len(PRICE_CURRENCIES)), rng.randint(2, 30))
        case "relative":
            return (rng.choice((-1, 1)) * rng.randint(2, 30),)
        case "percent":
            return (rng.randint(1, 99),)
        case "decimal":
            return (rng.randint(11, 99),)
        case "compact":
            return (rng.randint(1, 9) * rng.choice((1_000, 10_000, 100_000)),)
        case "date_long" | "date_medium" | "date_full" | "month_year" | "day_month" | "quarter":
            return date
        case "date_time":
            return (*date, start)
        case "days":
            return (*date, date[2] + rng.randint(2, 7))
        case "time":
            return (start,)
        case "hours":
            return (start, start + 15 * rng.randint(2, 20))
    return ()
