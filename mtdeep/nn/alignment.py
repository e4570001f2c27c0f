"""Which decoder layer tells best what source tokens a target token comes from."""

from __future__ import annotations


def default_alignment_layer(layers: int) -> int:
    """Return the last layer but one, counted from 0, of a decoder.

    In a Transformer of 6 layers it is the one whose weights come nearest to alignments by hand (Garg et al. 2019, arXiv
    1909.02074).
    """
    return max(layers - 2, 0)
