"""One SentencePiece model for all languages."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable

import sentencepiece

from data_prep.coverage import divided, left_out
from data_prep.normalisation import normalizer
from data_prep.vocabulary_settings import VocabularySettings
from mtdeep.errors import UserError

# The sums of the unigram model's EM depend on how lines are dealt to threads: a fixed number gives the same model on
# every machine.
_THREADS = 16
_LONGEST_LINE = 1 << 24  # bytes; SentencePiece leaves lines above 4,192 out of training without a word
_TOO_HIGH = re.compile(r"<= ?(\d+)")
_TOO_SMALL = re.compile(r"Vocabulary size is smaller than required_chars\. \d+ vs (\d+)")


def train_model(lines: Callable[[], Iterable[str]], settings: VocabularySettings) -> bytes:
    """Return a serialised SentencePiece model learned from *lines*, which may be read twice; the same bytes every time.

    Raises UserError, with the size to choose, when the text does not support the size that is asked for.
    """
    model = io.BytesIO()
    coverage, text = settings.character_coverage, lines()
    if isinstance(coverage, dict):
        text = divided(text, left_out(lines(), coverage, settings.normalization), settings.normalization)
        coverage = 1.0
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(text),
            model_writer=model,
            vocab_size=settings.size,
            model_type=settings.model_type,
            character_coverage=coverage,
            byte_fallback=settings.byte_fallback,
            split_digits=settings.split_digits,
            normalizer=normalizer(settings.normalization, escaped=True),
            user_defined_symbols=settings.symbols,
            max_sentence_length=_LONGEST_LINE,
            num_threads=_THREADS,
            minloglevel=2,
        )
    except RuntimeError as error:
        raise _remedy(error, settings.size) from error
    return model.getvalue()


def _remedy(error: RuntimeError, size: int) -> Exception:
    """Return what to tell the user, or the error itself where no setting would help."""
    if found := _TOO_SMALL.search(str(error)):
        needed = found[1]
        return UserError(
            f"vocabulary.size {size} is too small for the text's characters; set it to at least {needed}, "
            "or lower vocabulary.character_coverage"
        )
    if "ocabulary size" in str(error) and (found := _TOO_HIGH.search(str(error))):
        return UserError(f"vocabulary.size {size} is too large for this text; set it to at most {found[1]}")
    return error
