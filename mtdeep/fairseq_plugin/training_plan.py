"""What a training will see: the order of its batches, the name of that order, and the table that is shown before it."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import xxhash

from mtdeep.corpus import BatchPlanner, DirectionView, Mixture, Schedule, Store

logger = logging.getLogger(__name__)
SHOWN_DIRECTIONS = 20


@dataclass(frozen=True)
class TrainingPlan:
    """The planner of batches and *digest*, which is the same just for the same sequence of batches."""

    mixture: Mixture
    planner: BatchPlanner
    digest: str

    @classmethod
    def of(
        cls, store: Store, mixture: Mixture, *, pool_size: int, seed: int, batch_options: Mapping[str, Any]
    ) -> TrainingPlan:
        """Plan the batches of a mixture; *batch_options* are those that fairseq's trainer hands to a task."""
        counts = np.array([len(view) for view in mixture.views])
        schedule = Schedule(counts, mixture.probabilities, pool_size, seed)
        source_positions, target_positions = batch_options["max_positions"]
        limits = {
            "max_tokens": batch_options["max_tokens"],
            "max_sentences": batch_options["max_sentences"],
            "max_source_positions": source_positions,
            "max_target_positions": target_positions,
            "required_batch_size_multiple": batch_options["required_batch_size_multiple"],
        }
        planner = BatchPlanner(mixture.views, schedule, seed=seed, **limits)
        facts = [store.digest, mixture.facts(), pool_size, seed, limits]
        return cls(mixture, planner, xxhash.xxh3_128_hexdigest(json.dumps(facts).encode()))

    def log(self, updates: int, batches_per_update: int, folder: Path) -> None:
        """Log what *updates* updates will see of each direction, or its range when there are many directions.

        With many, the whole table goes to ``directions.tsv`` in *folder*. A direction whose text is drawn by origin or
        by corpus has a line for each.
        """
        schedule, too_long = self.planner.schedule, self.planner.too_long
        views = self.mixture.views
        logger.info(
            f"{len({view.direction for view in views})} directions, {schedule.counts.sum():,} sentence pairs, "
            f"{too_long.sum():,} too long and left out"
        )
        logger.info("training batches are made in a thread; --num-workers and --data-buffer-size do not concern them")
        pool = next(filter(None, map(self.planner.pool, count())))
        drawn = updates * batches_per_update * sum(len(batch) for batch in pool) / len(pool)
        logger.info(
            f"{updates:,} updates draw about {drawn:,.0f} sentence pairs; "
            f"{self.planner.padding_share(pool):.1%} of what their batches hold is padding"
        )
        budget = self.mixture.sampling.budget
        if budget is not None and drawn > budget:
            logger.warning(
                f"that is more than --sampling-budget {budget:,}: pairs are seen more than --sampling-max-epochs times"
            )
        epochs = schedule.expected_epochs(drawn)
        if len(views) > SHOWN_DIRECTIONS:
            for name, values in (("pairs", schedule.counts), ("times that each pair is seen", epochs)):
                low, middle, high = np.quantile(values, (0, 0.5, 1))
                logger.info(f"  {name}: least {low:,.3g}, median {middle:,.3g}, most {high:,.3g} ({updates:,} updates)")
            self._write_table(epochs, folder / "directions.tsv")
            return
        for view, pairs, share, epoch, long in self._table(epochs):
            logger.info(
                f"  {view}: {pairs:,} pairs, {share:.2%} of those drawn, each seen about {epoch:.3g} "
                f"times in {updates:,} updates, {long:,} too long"
            )

    def _table(self, epochs: np.ndarray) -> Iterator[tuple[DirectionView, int, float, float, int]]:
        """Each view with its pairs, share, expected epochs and pairs that are too long."""
        schedule = self.planner.schedule
        return zip(
            self.mixture.views, schedule.counts, schedule.probabilities, epochs, self.planner.too_long, strict=True
        )

    def _write_table(self, epochs: np.ndarray, path: Path) -> None:
        lines = ["direction\tpairs\tshare\texpected epochs\ttoo long"]
        for view, pairs, share, epoch, long in self._table(epochs):
            lines.append(f"{view}\t{pairs}\t{share:.6g}\t{epoch:.6g}\t{long}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        logger.info(f"  every direction: {path}")
