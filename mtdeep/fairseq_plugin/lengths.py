"""Which examples of a split validation and generation can read, and what to do about the others, in one sentence.

fairseq names the first sample that is beyond the positions, by its number, and nothing of one that no batch can hold.
"""

from __future__ import annotations

import numpy as np
from fairseq.data import FairseqDataset

from mtdeep.errors import UserError, shortened
from mtdeep.fairseq_plugin.datasets import DirectionsDataset

SKIP = "--skip-invalid-size-inputs-valid-test"
Positions = int | float | tuple[int | float, ...] | None


def readable_examples(
    dataset: FairseqDataset, split: str, *, positions: Positions, max_tokens: int | None, skips: bool
) -> np.ndarray:
    """Return the numbers, (examples,), of those that fit into *positions* and into a batch of *max_tokens*.

    Raises UserError when others are not to be skipped, or when none is left. Skipping is fairseq's option, which is for
    positions alone; our own datasets leave out what no batch can hold, too.
    """
    fitting, longer = np.arange(len(dataset)), []
    if positions is not None:
        fitting, longer = dataset.filter_indices_by_size(fitting, positions)
    if len(longer) and not skips:
        raise UserError(
            f"{description(dataset, split, longer)}, but the positions of task and model are {positions}: raise "
            f"--max-source-positions and --max-target-positions, or leave such sentences out with {SKIP}."
        )
    if max_tokens is not None:
        counts = token_counts(dataset, fitting)
        larger = fitting[counts > max_tokens]
        ours = isinstance(dataset, DirectionsDataset)
        if len(larger) and not (skips and ours):
            raise UserError(
                f"{description(dataset, split, larger)}, but a batch holds {max_tokens} tokens: raise --max-tokens, or "
                f"--max-tokens-valid in a training, to {counts.max()}"
                + (f", or leave such sentences out with {SKIP}." if ours else ".")
            )
        fitting = fitting[counts <= max_tokens]
    if not len(fitting):
        raise UserError(f"no example of split {split!r} is short enough to be read; raise the limits.")
    return np.asarray(fitting)


def token_counts(dataset: FairseqDataset, numbers: np.ndarray) -> np.ndarray:
    """Return what each of some examples counts for in a batch, (examples,)."""
    try:
        return np.asarray(dataset.num_tokens_vec(numbers))
    except NotImplementedError:  # fairseq's way to say that a dataset has none
        return np.array([dataset.num_tokens(int(number)) for number in numbers], dtype=np.int64)


def description(dataset: FairseqDataset, split: str, numbers: np.ndarray | list[int]) -> str:
    """Return how many examples of a split are too long, of which directions, and how long they get."""
    longest = max((dataset.size(int(number)) for number in numbers), key=np.max)
    length = " and ".join(map(str, longest)) if isinstance(longest, tuple) else str(longest)
    counts = dataset.count_by_direction(np.asarray(numbers)) if isinstance(dataset, DirectionsDataset) else {}
    where = f" ({shortened([f'{direction}: {count:,}' for direction, count in counts.items()])})" if counts else ""
    return f"{len(numbers):,} of {len(dataset):,} examples of split {split!r}{where} have up to {length} tokens"
