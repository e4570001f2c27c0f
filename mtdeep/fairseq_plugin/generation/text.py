"""Between lines of text and a dictionary's symbols: subwords, tokeniser, and words that the vocabulary lacks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from fairseq.data.data_utils import post_process

from mtdeep.errors import UserError
from mtdeep.fairseq_plugin.store_subwords import StoreSubwords
from mtdeep.fairseq_plugin.tasks import ManyToManyTranslationTask
from mtdeep.text_lines import STANDARD_INPUT, read_lines

# What a bare --replace-unk is to fairseq's parser.
NO_FILE = ("", "@@ ")
WORD_START = "▁"


class Text:
    """Text in and out of a task: by what ``--bpe`` names or else the store's own subword model, and ``--tokenizer``.

    Pieces are joined by the subword model alone. Only where there is none does ``--post-process`` (``--remove-bpe``)
    say how. `joined`: whether H- lines are joined too, as fairseq's are under that option.
    """

    def __init__(self, task: ManyToManyTranslationTask, cfg: Any) -> None:
        self.dictionary = task.target_dictionary
        self.bpe = task.build_bpe(cfg.bpe)
        self.tokenizer = task.build_tokenizer(cfg.tokenizer)
        self.symbol = cfg.common_eval.post_process
        self.joined = self.symbol is not None

    @property
    def form(self) -> str:
        """Return what `decode` makes of symbols, in words."""
        return "pieces" if self.bpe is None and not self.joined else "plain text"

    def encode(self, line: str) -> str:
        """Return the symbols of a line, separated by spaces."""
        if self.tokenizer is not None:
            line = self.tokenizer.encode(line)
        return line if self.bpe is None else str(self.bpe.encode(line))

    def surfaces(self, line: str | None) -> list[str]:
        """Return the pieces of a line as they are written; none where only ids of the line are known."""
        if line is None or not isinstance(self.bpe, StoreSubwords):
            return []
        return self.bpe.surfaces(line if self.tokenizer is None else self.tokenizer.encode(line))

    def pieces(self, tokens: torch.Tensor, *, escape_unk: bool = False) -> list[str]:
        """Return the symbols of ids (time,), tags and end-of-sentence left out; a reference's unknown is escaped."""
        return [symbol for symbol in self.dictionary.string(tokens, escape_unk=escape_unk).split(" ") if symbol]

    def decode(self, pieces: Sequence[str]) -> str:
        """Return the text of symbols."""
        text = " ".join(pieces)
        text = post_process(text, self.symbol) if self.bpe is None else self.bpe.decode(text)
        return str(text if self.tokenizer is None else self.tokenizer.decode(text))


class UnknownWords:
    """``--replace-unk``: an unknown piece becomes what the source piece that it is aligned with is replaced by.

    That is the second column of *file*, where the first is the source piece, or else the source piece itself.
    Source: Luong et al. 2015, arXiv 1410.8206. Raises UserError for a file that is not of two columns.
    """

    def __init__(self, file: str, unknown: str) -> None:
        self.unknown = unknown
        self.replacements: Mapping[str, str] = {} if file in NO_FILE else read_replacements(file)

    def replace(self, pieces: Sequence[str], alignment: Sequence[tuple[int, int]], source: Sequence[str]) -> list[str]:
        """Return *pieces* with the unknown ones replaced, given pairs of places, (source, target), and the source."""
        aligned = {target: place for place, target in alignment}
        return [
            self._replacement(source[aligned[i]]) if piece == self.unknown and i in aligned else piece
            for i, piece in enumerate(pieces)
        ]

    def _replacement(self, piece: str) -> str:
        word = piece.removeprefix(WORD_START)
        start = piece[: len(piece) - len(word)]
        return start + self.replacements.get(word, word)


def read_replacements(path: str) -> dict[str, str]:
    """Return the pairs of a file of two columns, separated by white space."""
    if path == STANDARD_INPUT:
        raise UserError(
            f"--replace-unk {path}: standard input is left to the sentences of fairseq-interactive; give a file."
        )
    replacements = {}
    for number, line in enumerate(read_lines(path, "--replace-unk"), 1):
        columns = line.split()
        if len(columns) not in (0, 2):
            raise UserError(f"--replace-unk {path}, line {number}: has {len(columns)} columns instead of 2.")
        if columns:
            replacements[columns[0]] = columns[1]
    return replacements
