"""`--no-repeat-ngram-size` blocks nothing: fairseq compares the padding behind a translation, not its last tokens.

Its CUDA extension, which no installation builds by itself, is right and stays in use where it is there.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from mtdeep.fairseq_plugin.compat.replacement import replacement

MODULE = "fairseq.ngram_repeat_block"


def needed() -> bool:
    """Whether a token that would repeat a pair is still let through, the room behind it being padding."""
    import torch

    blocker = sys.modules[MODULE].NGramRepeatBlock(2, use_extension=False)
    tokens = torch.tensor([[2, 5, 6, 5, 1, 1]])
    return bool(torch.isfinite(blocker(tokens, torch.zeros(1, 8), 1, 1, 3)[0, 6]))


def comparing_tokens(_: Callable[..., Any]) -> Callable[..., Any]:
    """Return the method that compares the tokens that there are, whatever fairseq's own is."""
    return no_repeat_ngram


def no_repeat_ngram(self: Any, tokens: Any, lprobs: Any, bsz: int, beam_size: int, step: int) -> Any:
    """Set to -inf, in place, what would end an n-gram that a translation already has.

    tokens is (rows, time), of which the first is no part of the translation and those behind `step` are not there yet;
    lprobs is (rows, vocabulary).
    """
    size = self.no_repeat_ngram_size
    if step < size:
        return lprobs
    past = tokens[:, 1 : step + 1]
    ngrams = past.unfold(1, size, 1)
    begun = (ngrams[:, :, :-1] == past[:, None, past.size(1) - size + 1 :]).all(-1)
    rows, places = begun.nonzero(as_tuple=True)
    lprobs[rows, ngrams[rows, places, -1]] = float("-inf")
    return lprobs


PATCH = replacement(
    name="ngram_repeats",
    mends="--no-repeat-ngram-size has no effect",
    ticket="facebookresearch/fairseq#5206",
    module=MODULE,
    needed=needed,
    places={"NGramRepeatBlock._no_repeat_ngram": comparing_tokens},
)
