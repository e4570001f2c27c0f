"""Beam search that finds what fairseq 0.12.2's ``SequenceGenerator`` finds, from the same scores.

Rules that decide which hypotheses come out:
- A step ranks all continuations of a sentence's K hypotheses and looks at the best 2K.
- Those that end, and are among the first K, are finished: score = sum of log-probabilities / length**length_penalty,
  with `</s>` and forced tokens counted in both.
- The first K of the 2K that do not end go on.
- A sentence is done when it has K finished hypotheses, or at its length limit, where only `</s>` may follow.

Unlike fairseq, the forced first tokens are fed in one call, a length limit that depends on the source (max_length_a)
takes the sentence's own length and not that of its padded batch, and rows of done sentences are removed a few
sentences at a time. None of these changes what is found for a sentence decoded alone.

Shapes: G sentences still in the batch, K beam, B = G K rows, V vocabulary, P forced tokens, T tokens so far.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from mtdeep.corpus.vocabulary import EOS
from mtdeep.nn import Decoder, DecoderCache, EncoderDecoder, EncoderOutput

# Rows of done sentences idle until they are this share of the batch: removing them copies the caches.
DONE_SHARE = 0.125


@dataclass(frozen=True)
class SearchOptions:
    """What decides the outcome of a search; the defaults are fairseq-generate's.

    A translation has at most max_length_a times the tokens of its source (tag and `</s>` counted) plus max_length_b
    tokens, `</s>` not counted. Raises one ValueError that lists every value at fault.
    """

    beam: int = 5
    length_penalty: float = 1.0
    max_length_a: float = 0.0
    max_length_b: int = 200

    def __post_init__(self) -> None:
        problems = []
        if self.beam < 1:
            problems.append(f"beam {self.beam} is below one")
        if not math.isfinite(self.length_penalty):
            problems.append(f"length_penalty {self.length_penalty} is no finite number")
        if not (math.isfinite(self.max_length_a) and self.max_length_a >= 0):
            problems.append(f"max_length_a {self.max_length_a} is no finite number from 0 up")
        if self.max_length_b < 0:
            problems.append(f"max_length_b {self.max_length_b} is below zero")
        if problems:
            raise ValueError("; ".join(problems))


@dataclass(frozen=True)
class Hypothesis:
    """A finished translation: tokens (T,) with forced tokens and `</s>`, log-probability of each, normalised sum."""

    tokens: Tensor
    score: float
    positional_scores: Tensor


def beam_search(
    model: EncoderDecoder, encoder_output: EncoderOutput, prefix: Tensor, options: SearchOptions
) -> list[list[Hypothesis]]:
    """Return the finished hypotheses of each encoded sentence, best first.

    prefix (G, P) holds the first target tokens, which are forced: the tag of the target language, which may differ
    from sentence to sentence.
    """
    beam = effective_beam(model.decoder, options)
    cache = model.decoder.new_cache(encoder_output, beam)
    return search(model.decoder, cache, prefix, length_limits(model, encoder_output, options), options)


def effective_beam(decoder: Decoder, options: SearchOptions) -> int:
    """Return K: no more than there are tokens to choose from, padding left out."""
    return min(options.beam, decoder.config.target_vocabulary_size - 1)


def length_limits(model: EncoderDecoder, encoder_output: EncoderOutput, options: SearchOptions) -> Tensor:
    """Return (G,): most tokens before `</s>`, min(a * source length + b, positions that the decoder has - 1)."""
    states, padding_mask = encoder_output
    lengths = torch.full((states.size(0),), states.size(1), device=states.device)
    if padding_mask is not None:
        lengths = lengths - padding_mask.sum(dim=1)
    limits = (options.max_length_a * lengths + options.max_length_b).long()
    return limits.clamp(max=model.config.max_target_positions - 1)


@torch.inference_mode()
def search(
    decoder: Decoder, cache: DecoderCache, prefix: Tensor, limits: Tensor, options: SearchOptions
) -> list[list[Hypothesis]]:
    """Search from an empty *cache* of K rows a sentence; prefix (G, P), limits (G,), both on the cache's device.

    Raises ValueError when a limit leaves no room for the prefix.
    """
    if bool((limits < max(1, prefix.size(1))).any()):
        raise ValueError(f"a length limit below {max(1, prefix.size(1))} leaves no room for a translation")
    state = _Beams(decoder, cache, prefix, limits, options)
    while state.unfinished:
        state.step()
    # Stable, so that equal scores stay in the order in which they were found.
    return [sorted(found, key=lambda h: h.score, reverse=True) for found in state.finished]


class _Beams:
    """The hypotheses under way. `tokens` and `totals` are (B, width): tokens, and sums of log-probabilities."""

    def __init__(
        self, decoder: Decoder, cache: DecoderCache, prefix: Tensor, limits: Tensor, options: SearchOptions
    ) -> None:
        sentences, forced = prefix.shape
        self.decoder, self.cache, self.options, self.limits = decoder, cache, options, limits
        self.beam = effective_beam(decoder, options)
        self.padding = decoder.config.padding_idx
        self.length = forced
        self.shortest_limit, width = int(limits.min()), int(limits.max()) + 1
        rows = prefix.repeat_interleave(self.beam, dim=0)
        self.tokens = prefix.new_full((len(rows), width), self.padding)
        self.tokens[:, :forced] = rows
        start = torch.full_like(rows[:, :1], EOS) if forced else prefix.new_full((len(rows), 1), EOS)
        logits = self._logits(torch.cat([start, rows], dim=1))
        self.totals = logits.new_zeros(len(rows), width)
        if forced:
            log_probabilities = logits[:, :-1].log_softmax(dim=-1).gather(2, rows[:, :, None])[:, :, 0]
            self.totals[:, :forced] = log_probabilities.cumsum(dim=1)
        self.logits = logits[:, -1]
        # All K hypotheses of a sentence are still the same one: let only the first go on.
        last = self.totals[:, forced - 1] if forced else self.totals.new_zeros(len(rows))
        self.total = last.clone().view(sentences, self.beam)
        self.total[:, 1:] = -math.inf
        self.original = list(range(sentences))
        self.done = [False] * sentences
        self.finished: list[list[Hypothesis]] = [[] for _ in range(sentences)]

    @property
    def unfinished(self) -> bool:
        """Whether any sentence goes on."""
        return not all(self.done)

    def step(self) -> None:
        """Choose the next token of every hypothesis."""
        scores, parents, tokens = self._candidates()
        ends = tokens.eq(EOS) & scores.isfinite()
        self._finish(ends[:, : self.beam], scores, parents)
        if not self.unfinished:
            return
        # A stable sort keeps rank order within the continuations that do not end, which come first.
        chosen = ends.to(torch.uint8).argsort(dim=1, stable=True)[:, : self.beam]
        parents, tokens, scores = parents.gather(1, chosen), tokens.gather(1, chosen), scores.gather(1, chosen)
        kept = self._remove_done()
        if kept is not None:
            parents, tokens, scores = parents[kept], tokens[kept], scores[kept]
        if self.beam > 1 or kept is not None:
            rows = parents.flatten()
            self.tokens, self.totals = self.tokens.index_select(0, rows), self.totals.index_select(0, rows)
            self.cache.reorder(rows)
        self.total = scores
        self.tokens[:, self.length] = tokens.flatten()
        self.totals[:, self.length] = scores.flatten()
        self.length += 1
        self.logits = self._logits(tokens.view(-1, 1))[:, -1]

    def _candidates(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return the best 2K continuations of each sentence, ranked: sums, rows that they continue, tokens."""
        normaliser = self.logits.logsumexp(dim=-1, keepdim=True)
        logits = self.logits
        logits[:, self.padding] = -math.inf
        if self.length == 0:  # an empty translation is none
            logits[:, EOS] = -math.inf
        if self.length >= self.shortest_limit:
            at_limit = (self.limits <= self.length).repeat_interleave(self.beam)
            ending = logits[:, EOS].clone()
            logits.masked_fill_(at_limit[:, None], -math.inf)
            logits[:, EOS] = ending
        wanted = 2 * self.beam
        # The best 2K of a sentence are among the best 2K of its rows: no (B, V) sums are needed.
        best, tokens = logits.topk(min(wanted, logits.size(1)), dim=1)
        sums = best - normaliser + self.total.view(-1, 1)
        sums = sums.masked_fill(sums.isnan(), -math.inf)  # a model that diverged ends nothing
        sums, tokens = sums.view(len(self.total), -1), tokens.view(len(self.total), -1)
        scores, places = sums.topk(min(wanted, sums.size(1)), dim=1)
        first_row = torch.arange(0, len(logits), self.beam, device=logits.device)[:, None]
        return scores, first_row + places // best.size(1), tokens.gather(1, places)

    def _finish(self, ends: Tensor, scores: Tensor, parents: Tensor) -> None:
        """Record the hypotheses that end: ends (G, K) among the first K candidates."""
        places = ends.nonzero()
        hits = places.tolist()  # the one wait for the device in a step
        if hits:
            rows = parents[places[:, 0], places[:, 1]]
            sums = scores[places[:, 0], places[:, 1]]
            tokens = self.tokens[rows, : self.length + 1]
            tokens[:, self.length] = EOS
            totals = self.totals[rows, : self.length + 1]
            totals[:, self.length] = sums
            totals[:, 1:] -= totals[:, :-1].clone()
            tokens, totals = tokens.cpu(), totals.cpu()
            normalised = (sums / (self.length + 1) ** self.options.length_penalty).tolist()
            for i, (sentence, _) in enumerate(hits):
                found = self.finished[self.original[sentence]]
                if not self.done[sentence] and len(found) < self.beam:
                    found.append(Hypothesis(tokens[i], normalised[i], totals[i]))
        limits = self.limits.tolist() if self.length >= self.shortest_limit else None
        for sentence, original in enumerate(self.original):
            if len(self.finished[original]) == self.beam or (limits and limits[sentence] <= self.length):
                self.done[sentence] = True

    def _remove_done(self) -> Tensor | None:
        """Return the sentences (G',) that stay, or None when all do; the caller selects their rows."""
        if sum(self.done) < max(1.0, DONE_SHARE * len(self.done)):
            return None
        staying = [sentence for sentence, done in enumerate(self.done) if not done]
        kept = torch.tensor(staying, device=self.limits.device)
        self.limits = self.limits[kept]
        self.original = [self.original[sentence] for sentence in staying]
        self.done = [False] * len(staying)
        return kept

    def _logits(self, tokens: Tensor) -> Tensor:
        """Feed new tokens (B, T) and return their logits (B, T, V), in float32 at least."""
        logits = self.decoder.output_projection(self.decoder(tokens, None, self.cache))
        return logits if logits.dtype == torch.float64 else logits.float()
