"""The store's own subword model in the place of fairseq's ``--bpe``: text in and out of the fairseq commands."""

from __future__ import annotations

from mtdeep.corpus import Store


class StoreSubwords:
    """Text <-> the dictionary's symbols, separated by spaces, as fairseq's ``--bpe`` classes do it."""

    def __init__(self, store: Store) -> None:
        self.subwords = store.subwords()
        self.symbols = store.vocabulary.symbols()
        self.ids = {symbol: i for i, symbol in enumerate(self.symbols)}
        self.unk = store.vocabulary.unk

    def encode(self, x: str) -> str:
        """Return the pieces of a sentence; one that the dictionary lacks is ``<unk>``."""
        return " ".join(self.symbols[i] for i in self.subwords.encode([x])[0])

    def decode(self, x: str) -> str:
        """Return the sentence of pieces; tags are left out, and what is no symbol stands for itself."""
        return self.subwords.decode_pieces(symbol for symbol in x.split(" ") if symbol)

    def surfaces(self, x: str) -> list[str]:
        """Return the pieces of a sentence as they are written, those that the dictionary lacks too."""
        return self.subwords.surfaces(x)

    def is_beginning_of_word(self, x: str) -> bool:
        """Return whether a piece begins a word."""
        return x.startswith("▁") or self.ids.get(x, self.unk) <= self.unk
