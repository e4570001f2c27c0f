"""The store's own subword model in the place of fairseq's ``--bpe``: text in and out of the fairseq commands."""

from __future__ import annotations

from mtdeep.corpus import Store


class StoreSubwords:
    """Text <-> the dictionary's symbols, separated by spaces, as fairseq's ``--bpe`` classes do it.

    *joined*: fairseq has joined the pieces already (``--remove-bpe``), so that there is nothing left to decode.
    """

    def __init__(self, store: Store, *, joined: bool) -> None:
        self.subwords = store.subwords()
        self.symbols = store.vocabulary.symbols()
        self.ids = {symbol: i for i, symbol in enumerate(self.symbols)}
        self.unk = store.vocabulary.unk
        self.joined = joined

    def encode(self, x: str) -> str:
        """Return the pieces of a sentence."""
        return " ".join(self.symbols[i] for i in self.subwords.encode([x])[0])

    def decode(self, x: str) -> str:
        """Return the sentence of pieces; tags are left out."""
        if self.joined:
            return x
        # A piece may hold any space but this one.
        return self.subwords.decode([self.ids.get(symbol, self.unk) for symbol in x.split(" ") if symbol])

    def is_beginning_of_word(self, x: str) -> bool:
        """Whether a piece begins a word."""
        return x.startswith("▁") or self.ids.get(x, self.unk) <= self.unk
