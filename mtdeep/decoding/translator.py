"""Text in one language -> text in many, with each source encoded once.

The encoder sees the source language's tag (the default), so its states serve every target language; so do the keys
and values that cross-attention makes of them. Pairs of a sentence and a target language are decoded side by side,
whatever their languages, under a budget of tokens. With the target's tag on the encoder, sources are encoded again
for each target.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from mtdeep.corpus import Vocabulary
from mtdeep.corpus.batches import EXTRA_TOKENS
from mtdeep.corpus.collate import ENCODER_TAGS, encoder_input
from mtdeep.corpus.subwords import Subwords
from mtdeep.decoding.beam_search import Hypothesis, SearchOptions, effective_beam, length_limits, search
from mtdeep.errors import UserError
from mtdeep.nn import Config, DecoderCache, EncoderDecoder, EncoderOutput

DEFAULT_BATCH_TOKENS = 4096
# Target language -> which of the sentences are wanted in it.
Wanted = Mapping[str, Sequence[int]]
# A sentence, by its place in the input, and a target language.
Pair = tuple[int, str]


@dataclass(frozen=True)
class Translation:
    """The best hypothesis: its text, its tokens with tag and `</s>`, its normalised log-probability."""

    text: str
    tokens: tuple[int, ...]
    score: float


@dataclass(frozen=True)
class Translated:
    """Hypotheses, best first, of one sentence (by its place in the input) in one target language."""

    index: int
    target: str
    hypotheses: list[Hypothesis]


class Translator:
    """Translates with one model; *batch_tokens* bounds (padded source tokens x target languages) decoded at once."""

    def __init__(
        self,
        model: EncoderDecoder,
        vocabulary: Vocabulary,
        subwords: Subwords,
        encoder_tag: str = "src",
        *,
        device: torch.device | str = "cpu",
        batch_tokens: int = DEFAULT_BATCH_TOKENS,
    ) -> None:
        if encoder_tag not in ENCODER_TAGS:
            raise ValueError(f"encoder_tag {encoder_tag!r} is none of {', '.join(ENCODER_TAGS)}")
        sizes = {model.config.source_vocabulary_size, model.config.target_vocabulary_size}
        if sizes != {len(vocabulary)}:
            raise UserError(
                f"The model has {' and '.join(map(str, sorted(sizes)))} symbols but the vocabulary {len(vocabulary)}; "
                "use the store that the model was trained on."
            )
        self.model = model.to(device).eval()
        self.vocabulary, self.subwords, self.encoder_tag = vocabulary, subwords, encoder_tag
        self.device, self.batch_tokens = torch.device(device), batch_tokens

    def translate(
        self,
        lines: Sequence[str],
        source: str,
        targets: Sequence[str],
        options: SearchOptions | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> dict[str, list[Translation]]:
        """Return, for each target language, the translations of *lines*, in their order.

        *progress* is called with the number of translations that each batch adds.
        """
        sentences = self.subwords.encode(lines)
        wanted = {target: range(len(lines)) for target in targets}
        found: dict[str, dict[int, Translation]] = {target: {} for target in targets}
        for batch in self.translate_ids(sentences, source, wanted, options or SearchOptions()):
            for item, translation in zip(batch, self.best(batch), strict=True):
                found[item.target][item.index] = translation
            if progress is not None:
                progress(len(batch))
        return {target: [found[target][i] for i in range(len(lines))] for target in targets}

    def translate_ids(
        self, sentences: Sequence[np.ndarray], source: str, wanted: Wanted, options: SearchOptions
    ) -> Iterator[list[Translated]]:
        """Yield translations of store ids (no tag, no `</s>`) batch by batch, long sentences first.

        A sentence without tokens has no hypotheses. Raises UserError for a sentence longer than the model's positions.
        """
        self._check_lengths(sentences, wanted)
        if self.encoder_tag == "src":
            groups = [(source, wanted)]
        else:
            groups = [(target, {target: indices}) for target, indices in wanted.items()]
        for tag, group in groups:
            needed = {target: set(indices) for target, indices in group.items()}
            every = set().union(*needed.values())
            empty = {index for index in every if len(sentences[index]) == 0}
            if empty:
                yield [Translated(i, target, []) for target, members in needed.items() for i in members & empty]
            for batch in self._batches(sentences, every - empty):
                pairs = [[(i, target) for i in batch if i in members] for target, members in needed.items()]
                yield from self._decode(sentences, batch, tag, pairs, options)

    def best(self, batch: Sequence[Translated]) -> list[Translation]:
        """Return the text of each item's best hypothesis; nothing becomes the empty text."""
        tokens = [item.hypotheses[0].tokens.tolist() if item.hypotheses else [] for item in batch]
        texts = self.subwords.decode_batch(tokens)
        scores = [item.hypotheses[0].score if item.hypotheses else 0.0 for item in batch]
        return [Translation(*fields) for fields in zip(texts, map(tuple, tokens), scores, strict=True)]

    def _check_lengths(self, sentences: Sequence[np.ndarray], wanted: Wanted) -> None:
        longest = longest_source(self.model.config)
        for index in sorted({index for indices in wanted.values() for index in indices}):
            if len(sentences[index]) > longest:
                raise UserError(
                    f"Sentence {index + 1} to translate has {len(sentences[index])} tokens, but the model reads at "
                    f"most {longest}; split it or leave it out."
                )

    def _batches(self, sentences: Sequence[np.ndarray], needed: set[int]) -> Iterator[list[int]]:
        """Yield the sentences in batches of like length, longest first: what does not fit in memory fails at once."""
        batch: list[int] = []
        longest = 0
        for index in sorted(needed, key=lambda i: (-len(sentences[i]), i)):
            longest = longest or len(sentences[index]) + EXTRA_TOKENS
            if batch and (len(batch) + 1) * longest > self.batch_tokens:
                yield batch
                batch, longest = [], len(sentences[index]) + EXTRA_TOKENS
            batch.append(index)
        if batch:
            yield batch

    @torch.inference_mode()
    def _decode(
        self,
        sentences: Sequence[np.ndarray],
        batch: list[int],
        tag: str,
        pairs: list[list[Pair]],
        options: SearchOptions,
    ) -> Iterator[list[Translated]]:
        """Encode *batch* once and yield the translations of *pairs*, given by target language."""
        tags = [self.vocabulary.tag(tag)] * len(batch)
        tokens, _ = encoder_input([sentences[index] for index in batch], tags, self.vocabulary)
        output: EncoderOutput = self.model.encoder(torch.from_numpy(tokens).to(self.device))
        limits = length_limits(self.model, output, options)
        beam = effective_beam(self.model.decoder, options)
        shared = self.model.decoder.new_cache(output, beam)
        places = {index: place for place, index in enumerate(batch)}
        for part in _joined(pairs, self.batch_tokens // output.states.size(1)):
            rows = torch.tensor([places[index] for index, _ in part], device=self.device)
            prefix = torch.tensor([[self.vocabulary.tag(target)] for _, target in part], device=self.device)
            found = search(self.model.decoder, _for_rows(shared, rows), prefix, limits[rows], options)
            yield [Translated(index, target, hyps) for (index, target), hyps in zip(part, found, strict=True)]


def longest_source(config: Config) -> int:
    """Return how many pieces a source may have, tag and `</s>` not counted."""
    return config.max_source_positions - EXTRA_TOKENS


def _joined(groups: list[list[Pair]], at_once: int) -> Iterator[list[Pair]]:
    """Join small groups up to *at_once* pairs; a group is never cut (a batch of sources is within the budget)."""
    part: list[Pair] = []
    for group in groups:
        if part and len(part) + len(group) > at_once:
            yield part
            part = []
        part = part + group
    if part:
        yield part


def _for_rows(shared: DecoderCache, rows: Tensor) -> DecoderCache:
    """Return an empty cache that reads the source sentences *rows*; nothing is copied when those are all, in order."""
    if torch.equal(rows, torch.arange(shared.sentences, device=rows.device)):
        return DecoderCache(shared.cross, shared.cross_visible, shared.rows_per_sentence)
    visible = shared.cross_visible.of_rows(rows)
    return DecoderCache(shared.cross.index_select(2, rows), visible, shared.rows_per_sentence)
