"""A batch as arrays: tags and end-of-sentence added, padded on the right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np

from mtdeep.corpus.batches import EXTRA_TOKENS, Batch
from mtdeep.corpus.views import DirectionView
from mtdeep.corpus.vocabulary import Vocabulary

EncoderTag = Literal["src", "tgt"]
ENCODER_TAGS: tuple[EncoderTag, ...] = get_args(EncoderTag)


def collate(
    batch: Batch,
    views: Sequence[DirectionView],
    vocabulary: Vocabulary,
    *,
    encoder_tag: EncoderTag = "src",
) -> dict[str, np.ndarray]:
    """The arrays of a batch, int64, in the batch's order.

    src_tokens (sentences, source time): `__tag__ x </s>`, the tag of the source or, with encoder_tag "tgt", of the
    target, and `__tag__ <bt> x </s>` where the view tags the origin of x; src_lengths (sentences,); prev_output_tokens
    and target (sentences, target time): `</s> __tgt__ y` and `__tgt__ y </s>`; ntokens (): target tokens, tag and
    end-of-sentence counted; direction (sentences,): index of the view; id (sentences,): row in its corpus.
    """
    sources, targets, source_tags, target_tags = [], [], [], []
    for d, part, row in zip(batch.direction.tolist(), batch.part.tolist(), batch.row.tolist(), strict=True):
        source, target = views[d].pair(part, row)
        origin = views[d].origin_tag(part)
        sources.append(source if origin is None else np.concatenate(([origin], source)))
        targets.append(target)
        source_tags.append(vocabulary.tag(views[d].direction.source))
        target_tags.append(vocabulary.tag(views[d].direction.target))
    encoder_tags = source_tags if encoder_tag == "src" else target_tags
    src_tokens, src_lengths = encoder_input(sources, encoder_tags, vocabulary)
    previous, target_tokens = decoder_pair(targets, target_tags, vocabulary)
    return {
        "src_tokens": src_tokens,
        "src_lengths": src_lengths,
        "prev_output_tokens": previous,
        "target": target_tokens,
        "ntokens": np.array(np.count_nonzero(target_tokens != vocabulary.pad)),
        "direction": batch.direction.astype(np.int64),
        "id": batch.row.astype(np.int64),
    }


def encoder_input(
    sentences: Sequence[np.ndarray], tags: Sequence[int], vocabulary: Vocabulary
) -> tuple[np.ndarray, np.ndarray]:
    """`__tag__ x </s>`, (sentences, time), and lengths, (sentences,); int64."""
    tokens, lengths = _padded(sentences, vocabulary)
    tokens[:, 0] = tags
    tokens[np.arange(len(lengths)), lengths - 1] = vocabulary.eos
    return tokens, lengths


def decoder_pair(
    sentences: Sequence[np.ndarray], tags: Sequence[int], vocabulary: Vocabulary
) -> tuple[np.ndarray, np.ndarray]:
    """Decoder input `</s> __tag__ y` and target `__tag__ y </s>`, (sentences, time) each; int64."""
    target, lengths = encoder_input(sentences, tags, vocabulary)
    previous = np.full_like(target, vocabulary.pad)
    previous[:, 0] = vocabulary.eos
    previous[:, 1:] = target[:, :-1]
    # Shifted right, the end-of-sentence of a shorter row would stand behind its last token.
    rows = np.flatnonzero(lengths < target.shape[1])
    previous[rows, lengths[rows]] = vocabulary.pad
    return previous, target


def _padded(sentences: Sequence[np.ndarray], vocabulary: Vocabulary) -> tuple[np.ndarray, np.ndarray]:
    """Sentences from the second position on, with room for a tag before and an end-of-sentence behind."""
    lengths = np.array([len(sentence) + EXTRA_TOKENS for sentence in sentences], dtype=np.int64)
    tokens = np.full((len(sentences), int(lengths.max(initial=EXTRA_TOKENS))), vocabulary.pad, dtype=np.int64)
    for i, sentence in enumerate(sentences):
        tokens[i, 1 : 1 + len(sentence)] = sentence
    return tokens, lengths
