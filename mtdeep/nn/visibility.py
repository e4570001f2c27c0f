"""Which keys a query of attention may look at.

Shapes: B rows, T queries, S keys.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import repeat

import torch
from torch import Tensor


@dataclass(frozen=True)
class Visibility:
    """All keys, those that a mask shows, or, where causal, the keys up to the query's own position.

    mask broadcasts to (B, H, T, S); it is bool, True where a query may look, or what is added to the scores. Every
    query must have a key to look at.
    causal: query t sees keys 0..t, and T = S. Raises ValueError when both are given.
    """

    mask: Tensor | None = None
    causal: bool = False

    def __post_init__(self) -> None:
        if self.causal and self.mask is not None:
            raise ValueError("a mask and causal are not to be given together")

    @classmethod
    def of_padding(cls, padding_mask: Tensor | None) -> Visibility:
        """Return what shows every real token, given padding (B, S), True at padding, or None without padding."""
        return cls() if padding_mask is None else cls(~padding_mask[:, None, None, :])

    def of_rows(self, rows: Tensor) -> Visibility:
        """Return what the rows numbered `rows` (B') see."""
        return self if self.mask is None else Visibility(self.mask.index_select(0, rows))

    @cached_property
    def spans(self) -> tuple[list[tuple[int, int]], Tensor]:
        """Where real tokens begin and how many there are, each pair once, and (B) which of them a row has.

        Only after `of_padding` with a mask. Worked out once for all layers, as it waits for the device.
        """
        assert self.mask is not None and not self.causal, "spans are those of padded sentences"
        real = self.mask[:, 0, 0].int()
        spans, of_row = torch.stack([real.argmax(1), real.sum(1)], dim=1).unique(dim=0, return_inverse=True)
        return [(first, count) for first, count in spans.tolist()], of_row


OfLayers = Callable[[Visibility, Tensor], Iterable[Visibility]]
"""From what an encoder's tokens see and the stream (B, S, D) to what each of its layers is told."""


def alike(visible: Visibility, x: Tensor) -> Iterable[Visibility]:
    """Tell every layer the same."""
    return repeat(visible)


ALL_KEYS = Visibility()
UP_TO_THE_QUERY = Visibility(causal=True)
