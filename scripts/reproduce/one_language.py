"""The English of a store as a language model's data: one line a sentence, then fairseq-preprocess."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path

from reproduction import Preparation, prepared
from steps import step

from mtdeep.corpus import Store
from mtdeep.corpus.vocabulary import SPECIALS

LANGUAGE = "en"
SPLITS = ("train", "valid")


def prepared_text(data: Path | None, folder: Path) -> Path:
    """Return a data-bin in *folder* of the pieces of all English sentences; makes store and data-bin if need be."""
    store = Store(prepared(data, folder))
    binary = folder / "text-bin"
    if (binary / "complete").exists():
        return binary
    symbols = store.vocabulary.symbols()
    for split in SPLITS:
        with (folder / f"text.{split}").open("w", encoding="utf-8") as file:
            for corpus in store.corpora(split):
                for row in range(corpus.rows):
                    pieces = corpus.sentence(LANGUAGE, row)
                    if len(pieces):
                        file.write(" ".join(symbols[piece] for piece in pieces) + "\n")
    paths = [f"--{split}pref" for split in SPLITS], [str(folder / f"text.{split}") for split in SPLITS]
    arguments = [item for pair in zip(*paths, strict=True) for item in pair]
    step("one language", ["fairseq-preprocess", "--only-source", *arguments, "--destdir", str(binary)])
    (binary / "complete").touch()
    return binary


def text_unigram_loss(binary: Path) -> float:
    """Return the validation loss, in bits a token, of the training tokens' frequencies (each token once more)."""
    train, valid = (_counts(binary.parent / f"text.{split}") for split in SPLITS)
    symbols = len((binary / "dict.txt").read_text(encoding="utf-8").splitlines()) + len(SPECIALS)
    total = train.total() + symbols
    bits = sum(count * -math.log2((train[piece] + 1) / total) for piece, count in valid.items())
    return bits / valid.total()


def _counts(text: Path) -> Counter[str]:
    lines = text.read_text(encoding="utf-8").splitlines()
    return Counter(piece for line in lines for piece in [*line.split(), "</s>"])


ONE_LANGUAGE = Preparation(prepared_text, text_unigram_loss)
