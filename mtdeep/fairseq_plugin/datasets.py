"""Examples of a store's directions, as fairseq's loop sees them: numbered, sized, collated."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import torch
from fairseq.data import FairseqDataset, data_utils

from mtdeep.corpus import Batch, Direction, DirectionView, Mixture, Vocabulary, collate
from mtdeep.corpus.batches import EXTRA_TOKENS
from mtdeep.corpus.collate import EncoderTag

Sample = dict[str, Any]


class Example(NamedTuple):
    """The direction of an example, and its raw text, None where the store keeps none."""

    direction: Direction
    source: str | None
    target: str | None


class DirectionsDataset(FairseqDataset):
    """All examples of *views*, one direction after the other: what validation and generation walk through.

    An item is its own number; sentences are read when a batch is collated. Sizes count tags and end-of-sentence.
    """

    def __init__(self, views: Sequence[DirectionView], vocabulary: Vocabulary, encoder_tag: EncoderTag) -> None:
        self.views = views
        self.vocabulary = vocabulary
        self.encoder_tag = encoder_tag
        self._ends = np.cumsum([len(view) for view in views], dtype=np.int64)

    def __getstate__(self) -> dict[str, Any]:
        """Leave the lengths behind: data workers collate, and millions of examples have hundreds of megabytes."""
        return {name: value for name, value in vars(self).items() if name not in ("lengths", "sizes")}

    def __len__(self) -> int:
        return int(self._ends[-1])

    def __getitem__(self, index: int) -> int:
        return int(index)

    @property
    def directions(self) -> list[Direction]:
        """Those that have examples, each once, whatever the number of its views."""
        return list(dict.fromkeys(view.direction for view in self.views))

    def example(self, number: int) -> Example:
        """Return what the store keeps of an example besides its tokens."""
        batch = self._locate(np.array([number], dtype=np.int64))
        view, part, row = self.views[batch.direction[0]], int(batch.part[0]), int(batch.row[0])
        corpus, direction = view.corpora[part], view.direction
        source, target = (
            corpus.text(language, row) if corpus.has_text(language) else None
            for language in (direction.source, direction.target)
        )
        return Example(direction, source, target)

    def collater(self, samples: Sequence[int]) -> Sample:
        """Return the batch of the examples with these numbers, in this order; of none an empty one, as fairseq's do.

        Such batches fill up the last round where several processes share out a split.
        """
        if not len(samples):
            return {}
        numbers = np.asarray(samples, dtype=np.int64)
        return self.collate(self._locate(numbers), numbers)

    def collate(self, batch: Batch, ids: np.ndarray | None = None) -> Sample:
        """Return fairseq's sample of a batch: right-padded (batch, time) tensors."""
        arrays = collate(batch, self.views, self.vocabulary, encoder_tag=self.encoder_tag)
        tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
        return {
            "id": tensors["id"] if ids is None else torch.from_numpy(ids),
            "nsentences": len(batch),
            "ntokens": int(arrays["ntokens"]),
            "net_input": {name: tensors[name] for name in ("src_tokens", "src_lengths", "prev_output_tokens")},
            "target": tensors["target"],
        }

    @cached_property
    def lengths(self) -> tuple[np.ndarray, np.ndarray]:
        """Source and target lengths of every example, (examples,) int64 each."""
        sides: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
        for view in self.views:
            part, row = view.locate(np.arange(len(view)))
            for side, language in zip(sides, (view.direction.source, view.direction.target), strict=True):
                lengths = np.empty(len(view), dtype=np.int64)
                for i, corpus in enumerate(view.corpora):
                    here = part == i
                    lengths[here] = corpus.lengths_at(language, row[here]) + EXTRA_TOKENS
                    if side is sides[0] and view.origin_tag(i) is not None:
                        lengths[here] += 1
                side.append(lengths)
        return np.concatenate(sides[0]), np.concatenate(sides[1])

    @cached_property
    def sizes(self) -> np.ndarray:
        """Longer side of every example, (examples,) int64."""
        return np.maximum(*self.lengths)

    def num_tokens(self, index: int) -> int:
        """Longer side of an example."""
        return int(self.sizes[index])

    def num_tokens_vec(self, indices: np.ndarray) -> np.ndarray:
        """Longer sides of examples."""
        return self.sizes[indices]

    def size(self, index: int) -> tuple[int, int]:
        """Source and target length of an example."""
        return int(self.lengths[0][index]), int(self.lengths[1][index])

    def ordered_indices(self) -> np.ndarray:
        """Numbers by target, then by source length, so that a batch pads little."""
        return np.lexsort(self.lengths)

    def filter_indices_by_size(
        self, indices: np.ndarray, max_sizes: tuple[int, int] | int
    ) -> tuple[np.ndarray, list[int]]:
        """Return the numbers that fit into *max_sizes*, and those that do not."""
        filtered: tuple[np.ndarray, list[int]] = data_utils.filter_paired_dataset_indices_by_size(
            *self.lengths, indices, max_sizes
        )
        return filtered

    def count_by_direction(self, numbers: np.ndarray) -> dict[str, int]:
        """Return how many of these examples each direction has, in the order of the directions."""
        directions, counts = np.unique(self.directions_of(numbers), return_counts=True)
        return {str(self.views[d]): count for d, count in zip(directions.tolist(), counts.tolist())}

    def directions_of(self, numbers: np.ndarray) -> np.ndarray:
        """Return the direction of each of some examples, (examples,), as a number of one of the views."""
        return np.searchsorted(self._ends, numbers, side="right")

    @property
    def supports_prefetch(self) -> bool:
        """No: sentences lie in memory maps."""
        return False

    def _locate(self, numbers: np.ndarray) -> Batch:
        direction = self.directions_of(numbers)
        part, row = np.empty_like(numbers), np.empty_like(numbers)
        for d in np.unique(direction).tolist():
            here = direction == d
            first = self._ends[d] - len(self.views[d])
            part[here], row[here] = self.views[d].locate(numbers[here] - first)
        return Batch(direction, part, row)


class TrainingDataset(DirectionsDataset):
    """The examples of a mixture for training, where they are drawn by a schedule without end and never listed."""

    def __init__(self, mixture: Mixture, vocabulary: Vocabulary, encoder_tag: EncoderTag) -> None:
        super().__init__(mixture.views, vocabulary, encoder_tag)
        self.mixture = mixture


class TypedSentences(FairseqDataset):
    """Source sentences that a person types, already in dictionary ids with end-of-sentence, for one direction.

    references: target sentences in the same form, where translations are only to be scored.
    """

    def __init__(
        self,
        sentences: Sequence[torch.Tensor],
        vocabulary: Vocabulary,
        direction: Direction,
        encoder_tag: EncoderTag,
        references: Sequence[torch.Tensor] | None = None,
    ) -> None:
        language = direction.source if encoder_tag == "src" else direction.target
        self.vocabulary = vocabulary
        self.sentences = _tagged(sentences, vocabulary.tag(language))
        self.references = None if references is None else _tagged(references, vocabulary.tag(direction.target))
        self.sizes = np.array([len(sentence) for sentence in self.sentences])

    def __len__(self) -> int:
        return len(self.sentences)

    def __getitem__(self, index: int) -> int:
        return int(index)

    def num_tokens(self, index: int) -> int:
        """Length of a sentence, tag and end-of-sentence counted."""
        return int(self.sizes[index])

    def size(self, index: int) -> int:
        """Length of a sentence, tag and end-of-sentence counted."""
        return int(self.sizes[index])

    def collater(self, samples: Sequence[int]) -> Sample:
        """Return a batch, whose only target are references."""
        sources = [self.sentences[i] for i in samples]
        pad, eos = self.vocabulary.pad, self.vocabulary.eos
        batch: Sample = {
            "id": torch.tensor(samples),
            "nsentences": len(samples),
            "net_input": {
                "src_tokens": data_utils.collate_tokens(sources, pad),
                "src_lengths": torch.tensor([len(source) for source in sources]),
            },
        }
        if self.references is not None:
            targets = [self.references[i] for i in samples]
            batch["target"] = data_utils.collate_tokens(targets, pad)
            batch["net_input"]["prev_output_tokens"] = data_utils.collate_tokens(
                targets, pad, eos, move_eos_to_beginning=True
            )
        return batch


def _tagged(sentences: Sequence[torch.Tensor], tag: int) -> list[torch.Tensor]:
    return [torch.cat([torch.tensor([tag]), sentence]) for sentence in sentences]
