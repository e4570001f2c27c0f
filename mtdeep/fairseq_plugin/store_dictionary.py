"""The store's vocabulary as fairseq's dictionary: what is printed has no tags, and pieces keep the spaces they hold."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from io import StringIO

import torch
from fairseq.data import Dictionary

from mtdeep.corpus import Vocabulary


class StoreDictionary(Dictionary):
    """Ids <-> symbols, as the store has them.

    has_subwords: the store's own model joins pieces, so that ``--post-process`` (``--remove-bpe``) has nothing to join.
    """

    def __init__(self, vocabulary: Vocabulary, has_subwords: bool) -> None:
        super().__init__()
        self.add_from_file(StringIO(vocabulary.dump().decode()))
        self.has_subwords = has_subwords
        self.tags = frozenset(range(vocabulary.first_tag, len(vocabulary)))

    def string(
        self,
        tensor: Iterable[int] | torch.Tensor,
        bpe_symbol: str | None = None,
        escape_unk: bool = False,
        extra_symbols_to_ignore: Collection[int] | None = None,
        *options: object,
        **more: object,
    ) -> str:
        """Return the symbols of (time,) or (rows, time) ids as fairseq does, tags left out."""
        ignored = self.tags.union(extra_symbols_to_ignore or ())
        symbol = None if self.has_subwords else bpe_symbol
        text: str = super().string(tensor, symbol, escape_unk, ignored, *options, **more)
        return text

    def encode_line(
        self,
        line: str,
        line_tokenizer: object = None,
        add_if_not_exist: bool = True,
        *options: object,
        **more: object,
    ) -> torch.Tensor:
        """Return the ids (time,) int32 of symbols separated by single spaces: a piece may hold any other white space.

        A symbol that is none of the store's becomes ``<unk>``, as no symbol is ever added.
        """
        ids: torch.Tensor = super().encode_line(line, _at_spaces, False, *options, **more)
        return ids


def _at_spaces(line: str) -> list[str]:
    return [symbol for symbol in line.split(" ") if symbol]
