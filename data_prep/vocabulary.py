"""One SentencePiece model for all languages, learned from temperature-sampled training text."""

from __future__ import annotations

import io
import random
import re
from collections.abc import Iterator, Mapping, Sequence

import sentencepiece

from data_prep.config import VocabularySettings
from data_prep.table import AlignedText
from mtdeep.errors import UserError

# The sums of the unigram model's EM depend on how lines are dealt to threads: a fixed number gives the same model on
# every machine.
_THREADS = 16
_LONGEST_LINE = 1 << 24  # bytes; SentencePiece leaves lines above 4,192 out of training without a word
_TOO_HIGH = re.compile(r"<= ?(\d+)")
_TOO_SMALL = re.compile(r"Vocabulary size is smaller than required_chars\. \d+ vs (\d+)")


def quotas(sentences: Mapping[str, int], temperature: float, total: int) -> dict[str, int]:
    """Return how many lines of each language to draw: in proportion to n^(1/T) (Arivazhagan et al. 2019, eq. 1).

    A language may get more lines than it has: small ones are truly up-sampled. One that has lines gets one at least.
    """
    weights = {language: n ** (1 / temperature) for language, n in sentences.items() if n}
    scale = total / sum(weights.values())
    return {language: max(1, round(weight * scale)) for language, weight in weights.items()}


def sample(tables: Sequence[AlignedText], temperature: float, lines: int, seed: int) -> Iterator[str]:
    """Yield the text to learn from: every sentence of a language equally often, or once more for some."""
    languages = list(dict.fromkeys(language for table in tables for language in table.languages))
    counts = {
        language: sum(table.sentences(language) for table in tables if language in table.languages)
        for language in languages
    }
    total = min(lines, sum(counts.values()))
    for language, quota in quotas(counts, temperature, total).items():
        every, rest = divmod(quota, counts[language])
        rng = random.Random(f"{seed} vocabulary {language}")
        once_more = set(rng.sample(range(counts[language]), rest))
        texts = (text for table in tables if language in table.languages for text in table.column(language) if text)
        for i, text in enumerate(texts):
            for _ in range(every + (i in once_more)):
                yield text


def train_model(tables: Sequence[AlignedText], settings: VocabularySettings, seed: int) -> bytes:
    """Return a serialised SentencePiece model learned from the training tables, the same bytes every time.

    Raises UserError, with the size to choose, when the text does not support the size that is asked for.
    """
    model = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=sample(tables, settings.temperature, settings.sample_lines, seed),
            model_writer=model,
            vocab_size=settings.size,
            model_type=settings.model_type,
            character_coverage=settings.character_coverage,
            byte_fallback=settings.byte_fallback,
            split_digits=settings.split_digits,
            normalization_rule_name=settings.normalization,
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
