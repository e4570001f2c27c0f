"""Where the batches of a model come from, and whether it can read them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mtdeep.corpus import Store
from mtdeep.corpus.collate import ENCODER_TAGS, EncoderTag
from mtdeep.errors import UserError
from mtdeep.probe.batches import ProbeBatch, made_up_batches
from mtdeep.probe.candidates import Candidate
from mtdeep.probe.store_batches import store_batches, text_batches


@dataclass(frozen=True)
class Data:
    """Where batches come from: a split of a store, or, without one, made-up sentences.

    language: whose sentences a stack on its own is given; needed where the split has several.
    """

    store: Store | None = None
    split: str = "train"
    language: str | None = None

    def describe(self) -> dict[str, Any]:
        """Return what makes these data others, as plain data."""
        if self.store is None:
            return {"made up": "Zipf's law, translated word for word"}
        return {"store": self.store.digest, "split": self.split, "language": self.language}


def batches_of(
    candidates: Sequence[Candidate], data: Data, count: int, *, tokens: int, seed: int
) -> list[list[ProbeBatch]]:
    """Return *count* batches of about *tokens* source tokens for each candidate.

    Raises UserError when one has another vocabulary than the store, or reads one language and it is not said which, or
    none does and it is said.
    """
    if data.language is not None and not any(candidate.stands_alone for candidate in candidates):
        raise UserError(f"--language {data.language}: every model here reads pairs of languages; leave it out.")
    for candidate in candidates:
        _check_vocabulary(candidate, data)
    return [_batches(candidate, data, count, tokens=tokens, seed=seed) for candidate in candidates]


def _batches(candidate: Candidate, data: Data, count: int, *, tokens: int, seed: int) -> list[ProbeBatch]:
    if data.store is None:
        batches = made_up_batches(candidate.config, count, tokens=tokens, seed=seed)
    elif candidate.stands_alone:
        language = _language(candidate, data.store, data)
        batches = text_batches(data.store, data.split, language, candidate.config, count, tokens=tokens, seed=seed)
    else:
        tag = _encoder_tag(candidate)
        batches = store_batches(
            data.store, data.split, candidate.config, count, tokens=tokens, seed=seed, encoder_tag=tag
        )
    if candidate.config.decoder_layers:
        return batches
    return [batch.masked(candidate.config, seed + number) for number, batch in enumerate(batches)]


def _language(candidate: Candidate, store: Store, data: Data) -> str:
    """Return the language whose sentences a stack on its own is given."""
    languages = sorted({language for corpus in store.corpora(data.split) for language in corpus.languages})
    if data.language is None and len(languages) > 1:
        raise UserError(f"{candidate.name}: reads one language; give --language, one of {', '.join(languages)}.")
    language = data.language or languages[0]
    if language not in languages:
        raise UserError(f"--language {language}: not in split {data.split!r}, which has {', '.join(languages)}.")
    return language


def _check_vocabulary(candidate: Candidate, data: Data) -> None:
    if data.store is None:
        return
    vocabulary = data.store.vocabulary
    sizes = {candidate.config.source_vocabulary_size, candidate.config.target_vocabulary_size}
    masks = 0 if candidate.config.decoder_layers else 1  # fairseq's masked_lm adds a symbol behind the dictionary's
    if sizes != {len(vocabulary) + masks} or candidate.provenance.vocabulary not in (None, vocabulary.digest):
        symbols = f"{len(vocabulary)} symbols{' and the mask' if masks else ''}"
        raise UserError(
            f"{candidate.name}: has another vocabulary than the {symbols} of {data.store.path}; give "
            "the store that it was made for, or set source_vocabulary_size and target_vocabulary_size."
        )


def _encoder_tag(candidate: Candidate) -> EncoderTag:
    """Return whose tag the encoder sees; the source's where none is recorded."""
    tag = candidate.provenance.encoder_tag or "src"
    if tag not in ENCODER_TAGS:
        raise UserError(f"{candidate.name}: its encoder tag {tag!r} is none of ours; leave out --store.")
    return tag
