"""Translate many directions at once: beam search, and batches that share encoder states."""

from mtdeep.decoding.beam_search import Hypothesis, SearchOptions, beam_search, length_limits, search
from mtdeep.decoding.translator import Translation, Translator

__all__ = [
    "Hypothesis",
    "SearchOptions",
    "Translation",
    "Translator",
    "beam_search",
    "length_limits",
    "search",
]
