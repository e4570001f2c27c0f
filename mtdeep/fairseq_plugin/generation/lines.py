"""The lines that fairseq-generate and fairseq-interactive print: a letter, a number, tabs between what follows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TextIO

from torch import Tensor

from mtdeep.fairseq_plugin.generation.alignment import Hypothesis
from mtdeep.fairseq_plugin.generation.session import Session


class Lines:
    """Writes the lines of hypotheses; scores are logarithms to base 2.

    H- pieces (text under --post-process), D- text, P- score of each token, the target's tag and the end-of-sentence
    among them, A- alignment.
    """

    def __init__(self, session: Session, file: TextIO) -> None:
        self.text, self.unknown = session.text, session.unknown
        self.nbest = session.cfg.generation.nbest
        self.print_alignment = session.cfg.generation.print_alignment
        self.file = file

    def write(self, letter: str, number: int, *columns: str) -> None:
        """Write a line."""
        print(f"{letter}-{number}", *columns, sep="\t", file=self.file)

    def texts(self, hypotheses: Sequence[Hypothesis], src_tokens: Tensor, source: str | None) -> list[list[str]]:
        """Return the pieces of the hypotheses to print, unknown ones replaced if that is asked for."""
        printed = [self.text.pieces(hypothesis["tokens"].int().cpu()) for hypothesis in hypotheses[: self.nbest]]
        if self.unknown is None:
            return printed
        symbols = self.text.pieces(src_tokens.int().cpu())
        surfaces = self.text.surfaces(source)
        words = surfaces if len(surfaces) == len(symbols) else symbols
        return [
            self.unknown.replace(pieces, hypothesis["pairs"], words)
            for pieces, hypothesis in zip(printed, hypotheses, strict=False)
        ]

    def hypothesis(self, number: int, hypothesis: Hypothesis, pieces: Sequence[str]) -> None:
        """Write the lines of one hypothesis."""
        score, text = str(float(hypothesis["score"]) / math.log(2)), self.text.decode(pieces)
        self.write("H", number, score, text if self.text.joined else " ".join(pieces))
        self.write("D", number, score, text)
        scores = (hypothesis["positional_scores"] / math.log(2)).tolist()
        self.write("P", number, " ".join(f"{x:.4f}" for x in scores))
        if self.print_alignment == "soft":
            self.write("A", number, " ".join(",".join(weights) for weights in hypothesis["alignment"]))
        elif self.print_alignment:
            self.write("A", number, " ".join(f"{source}-{target}" for source, target in hypothesis["alignment"]))
