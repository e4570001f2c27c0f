"""What the configuration says of the vocabulary."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from data_prep.cleaning.characters import letters_of
from data_prep.coverage import DEFAULT
from data_prep.strict import PathText, Strict

_TAKEN = re.compile(r"<s>|</s>|<unk>|<pad>|<bt>|__\w+__|<0x[0-9A-F]{2}>|\u2581")


def _is_script(code: str) -> str:
    if code != DEFAULT:
        letters_of(frozenset({code}))
    return code


def _are_symbols(symbols: list[str]) -> list[str]:
    for number, symbol in enumerate(symbols):
        if not symbol or not symbol.isprintable() or " " in symbol:
            raise ValueError(f"{symbol!r} must be printable and without blanks; choose another")
        if _TAKEN.fullmatch(symbol):
            raise ValueError(f"{symbol!r} is what a special symbol, tag or byte is called; choose another")
        if symbol in symbols[:number]:
            raise ValueError(f"{symbol!r} stands twice; remove one")
    return symbols


Symbols = Annotated[list[str], AfterValidator(_are_symbols)]
Coverage = Annotated[float, Field(ge=0.98, le=1)]
Share = Annotated[float, Field(gt=0, le=1)]
CoveredScript = Annotated[str, AfterValidator(_is_script)]


class VocabularySettings(Strict):
    """The SentencePiece model: learned, with every key but `size` at a default, or one that there is."""

    size: int = Field(default=0, ge=16, le=2_000_000)
    model: PathText | None = None
    model_type: Literal["unigram", "bpe"] = "unigram"
    character_coverage: Coverage | dict[CoveredScript, Share] = 0.9995
    byte_fallback: bool = False
    split_digits: bool = True
    normalization: Literal["script_nfkc", "nmt_nfkc", "nfkc", "identity"] = "script_nfkc"
    temperature: float = Field(default=1.0, ge=1)
    sample_lines: int = Field(default=2_000_000, ge=1)
    symbols: Symbols = Field(default_factory=list)

    @model_validator(mode="after")
    def _is_learned_or_given(self) -> VocabularySettings:
        if self.model is None and not self.size:
            raise ValueError("key 'size' is missing in vocabulary; add it, or the path of a SentencePiece `model`")
        others = sorted(self.model_fields_set - {"model"})
        if self.model is not None and others:
            raise ValueError(f"`model` is taken as it is, which leaves nothing for {', '.join(others)}; remove one")
        return self
