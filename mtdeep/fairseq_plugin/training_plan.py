"""What a training will see: the order of its batches, the name of that order, and the table that is shown before it."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xxhash

from mtdeep.corpus import BatchPlanner, DirectionView, Schedule, Store, direction_probabilities

logger = logging.getLogger(__name__)
SHOWN_DIRECTIONS = 20


@dataclass(frozen=True)
class TrainingPlan:
    """The planner of batches and *digest*, which is the same just for the same sequence of batches."""

    views: Sequence[DirectionView]
    planner: BatchPlanner
    digest: str

    @classmethod
    def of(
        cls,
        store: Store,
        views: Sequence[DirectionView],
        *,
        temperature: float,
        pool_size: int,
        seed: int,
        batch_options: Mapping[str, Any],
    ) -> TrainingPlan:
        """Plan the batches of *views*; *batch_options* are those that fairseq's trainer hands to a task."""
        counts = np.array([len(view) for view in views])
        schedule = Schedule(counts, direction_probabilities(counts, temperature), pool_size, seed)
        source_positions, target_positions = batch_options["max_positions"]
        limits = {
            "max_tokens": batch_options["max_tokens"],
            "max_sentences": batch_options["max_sentences"],
            "max_source_positions": source_positions,
            "max_target_positions": target_positions,
            "required_batch_size_multiple": batch_options["required_batch_size_multiple"],
        }
        planner = BatchPlanner(views, schedule, seed=seed, **limits)
        facts = [store.digest, [str(view.direction) for view in views], temperature, pool_size, seed, limits]
        return cls(views, planner, xxhash.xxh3_128_hexdigest(json.dumps(facts).encode()))

    def log(self, updates: int, batches_per_update: int, folder: Path | None) -> None:
        """Log what *updates* updates will see of each direction, or its range when there are many directions.

        With many, the whole table goes to ``directions.tsv`` in *folder*.
        """
        schedule, too_long = self.planner.schedule, self.planner.too_long
        logger.info(
            f"{len(self.views)} directions, {schedule.counts.sum():,} sentence pairs, "
            f"{too_long.sum():,} too long and left out"
        )
        logger.info("training batches are made in a thread; --num-workers and --data-buffer-size do not concern them")
        pool = self.planner.pool(0)
        drawn = updates * batches_per_update * sum(len(batch) for batch in pool) / len(pool)
        epochs = schedule.expected_epochs(drawn)
        table = list(zip(self.views, schedule.counts, schedule.probabilities, epochs, too_long, strict=True))
        if len(table) <= SHOWN_DIRECTIONS:
            for view, count, share, epoch, long in table:
                logger.info(
                    f"  {view.direction}: {count:,} pairs, {share:.2%} of those drawn, each seen about {epoch:.3g} "
                    f"times in {updates:,} updates, {long:,} too long"
                )
            return
        for name, values in (("pairs", schedule.counts), ("times that each pair is seen", epochs)):
            low, middle, high = np.quantile(values, (0, 0.5, 1))
            logger.info(f"  {name}: least {low:,.3g}, median {middle:,.3g}, most {high:,.3g} ({updates:,} updates)")
        if folder is not None:
            lines = ["direction\tpairs\tshare\texpected epochs\ttoo long"]
            for view, count, share, epoch, long in table:
                lines.append(f"{view.direction}\t{count}\t{share:.6g}\t{epoch:.6g}\t{long}")
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "directions.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
            logger.info(f"  every direction: {folder / 'directions.tsv'}")


def shortened(names: Sequence[str]) -> str:
    """Join the first few names."""
    rest = len(names) - SHOWN_DIRECTIONS
    return ", ".join(names[:SHOWN_DIRECTIONS]) + (f" and {rest} more" if rest > 0 else "")
