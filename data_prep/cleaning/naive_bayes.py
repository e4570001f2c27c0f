"""py3langid's identifier over many texts at once.

The same automaton and the same sums as `py3langid.langid.LanguageIdentifier` (with norm_probs), whose model this reads;
a test compares them. There Python visits every byte of every text; here numpy visits the n-th bytes of all texts
together, so batches should be large: of a hundred texts each costs some three times as much as of two thousand.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import cache
from itertools import pairwise

import numpy as np
from py3langid.langid import MODEL_FILE, LanguageIdentifier

_AT_ONCE = 4096


@cache
def naive_bayes() -> NaiveBayes:
    """Return the identifier, loaded once a process: most of a second, and 80 MB."""
    return NaiveBayes()


class NaiveBayes:
    """The model in py3langid's wheel: labels, and the probability of each for a text."""

    def __init__(self) -> None:
        model = LanguageIdentifier.from_model_file(MODEL_FILE)
        self.labels: list[str] = model.labels
        self._column = np.array([self.labels.index(label) for label in model.nb_classes])
        self._moves = np.asarray(model.tk_nextmove)
        self._row_start = np.asarray(model.tk_row, np.int64) << 8
        self._feature = np.asarray(model.tk_output, np.int64)
        self._weights = model.nb_ptc.astype(np.float32)
        self._prior = model.nb_pc.astype(np.float32)

    def probabilities(self, texts: Sequence[str]) -> np.ndarray:
        """Return (texts, labels) float32, rows adding up to 1."""
        parts = [self._some(texts[i : i + _AT_ONCE]) for i in range(0, len(texts), _AT_ONCE)]
        return np.concatenate(parts) if parts else np.zeros((0, len(self.labels)), np.float32)

    def _some(self, texts: Sequence[str]) -> np.ndarray:
        data = [_encode(text) for text in texts]
        lengths = np.array([len(text) for text in data])
        owners, features, counts = self._visits(data, lengths)
        bounds = np.searchsorted(owners, np.arange(len(texts) + 1)).tolist()
        scores = np.zeros((len(texts), len(self._prior)), np.float32)
        for i, (first, behind) in enumerate(pairwise(bounds)):
            if first < behind:  # without a feature all languages are as likely
                scores[i] = counts[first:behind] @ self._weights[features[first:behind]] + self._prior
        # The square root of the length keeps the softmax calibrated (py3langid's `_decide`).
        scores /= np.sqrt(np.maximum(lengths, 1)).astype(np.float32)[:, None]
        scores = np.exp(scores - scores.max(axis=1, keepdims=True))
        scores /= scores.sum(axis=1, keepdims=True)
        folded = np.zeros((len(texts), len(self.labels)), np.float32)
        np.add.at(folded.T, self._column, scores.T)  # a language in two scripts has two columns
        return folded

    def _visits(self, data: Sequence[bytes], lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return (texts' features,) each: text ascending, feature, log(1 + how often the text has it)."""
        longest_first = np.argsort(-lengths, kind="stable")
        lengths = lengths[longest_first]
        joined = np.frombuffer(b"".join([data[i] for i in longest_first]), np.uint8)
        starts = np.cumsum(lengths) - lengths
        found = np.empty(len(joined), np.int64)
        state = np.zeros(len(data), np.int64)
        for step, texts in enumerate(_at_least(lengths)):
            positions = starts[:texts] + step
            state = self._moves[self._row_start[state[:texts]] + joined[positions]]
            found[positions] = self._feature[state]
        owners = np.repeat(longest_first, lengths)
        visited = found >= 0
        keys = np.sort(owners[visited] * len(self._weights) + found[visited])
        first = np.flatnonzero(np.diff(keys, prepend=-1))
        counts = np.log1p(np.diff(first, append=len(keys)).astype(np.float32))
        return *np.divmod(keys[first], len(self._weights)), counts


def _at_least(lengths: np.ndarray) -> list[int]:
    """Return for 1, 2, ... up to the longest how many of the descending *lengths* are at least that."""
    if not len(lengths):
        return []
    return np.searchsorted(-lengths, -np.arange(1, lengths[0] + 1), side="right").tolist()


def _encode(text: str) -> bytes:
    text = text.lower() if text.isupper() else text
    return unicodedata.normalize("NFC", text).encode("utf-8", "surrogatepass")
