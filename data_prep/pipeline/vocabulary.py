"""The subword model: learned from what is trained on, or given."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from data_prep.chunk import AGAIN
from data_prep.config_file import ConfigFile
from data_prep.engine.task import Task
from data_prep.pipeline.texts import Piece, Run, SplitText, what_is_left
from data_prep.stages.encode import KEPT
from data_prep.stages.learn import LEARN_STEP, MODEL, learn_content, learning_libraries
from data_prep.stages.sample import SAMPLE_STEP, quotas, sample_content
from mtdeep.corpus.manifest import SUBWORD_MODEL
from mtdeep.corpus.origins import ORIGIN_TAGS
from mtdeep.corpus.store import Store, file_digest
from mtdeep.corpus.subwords import pieces
from mtdeep.corpus.vocabulary import Vocabulary
from mtdeep.durable import write_atomically
from mtdeep.errors import UserError
from mtdeep.languages import resolve

Draws = dict[str, tuple[int, int, int, int]]
_DICTIONARIES = "dictionaries"


@dataclass(frozen=True)
class LearnedVocabulary:
    """A model's file and the dictionary's, which every worker sees, and the vocabulary that they are."""

    model: Path
    dictionary: Path
    vocabulary: Vocabulary


def check_given(loaded: ConfigFile) -> None:
    """Raise UserError for a model that is given and of no use, hours before it is needed."""
    model = loaded.config.vocabulary.model
    if model is None:
        return
    languages = dict.fromkeys(language for *_, codes in loaded.languages() for language in codes)
    try:
        Vocabulary(pieces(loaded.resolved(model)), tuple(languages))
    except UserError as error:
        raise UserError(f"{loaded.where('vocabulary', 'model')}: {error}") from error


def vocabulary_of(run: Run, work: Path, texts: Sequence[SplitText]) -> LearnedVocabulary:
    """Return the vocabulary of all languages. Raises UserError where the text does not support the size."""
    settings = run.loaded.config.vocabulary
    model = run.loaded.resolved(settings.model) if settings.model else _learned(run, texts)
    return _written(work, model, Vocabulary(pieces(model), tags_of(texts)))


def vocabulary_of_store(store: Store, work: Path, texts: Sequence[SplitText]) -> LearnedVocabulary:
    """Return the vocabulary of a store with the tags that it lacks of *texts*; no piece is learned from these.

    Raises UserError when the store has no model, and when a tag is a piece.
    """
    store.subwords()
    return _written(work, store.path / SUBWORD_MODEL, store.vocabulary.extended(tags_of(texts, store.languages)))


def tags_of(texts: Sequence[SplitText], known: Collection[str] = ()) -> tuple[str, ...]:
    """Return the tags that texts need: those of their languages, then those of their origins.

    *known* are the codes of a store, which may be older than what they mean today.
    """
    languages = dict.fromkeys(resolve(language, known) for text in texts for language in text.languages)
    origins = {text.corpus.origin for text in texts if text.trained}
    return (*languages, *(tag for origin, tag in ORIGIN_TAGS.items() if origin in origins))


def _written(work: Path, model: Path, vocabulary: Vocabulary) -> LearnedVocabulary:
    dictionary = work / _DICTIONARIES / f"{vocabulary.digest}.txt"
    dictionary.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(dictionary, lambda path: path.write_bytes(vocabulary.dump()))
    return LearnedVocabulary(model, dictionary, vocabulary)


def _learned(run: Run, texts: Sequence[SplitText]) -> Path:
    settings = run.loaded.config.vocabulary.model_dump_json()
    trained = [piece for text in texts if text.trained for piece in text.pieces]
    tasks = [_sampling(run, piece, draws) for piece, draws in zip(trained, _draws(run, trained), strict=True)]
    samples = run.pool.run("sample text for the vocabulary", tasks)
    content = learn_content([result.key for result in samples], settings)
    left = what_is_left([text for text in texts if text.trained])
    arguments = {"samples": [result.folder for result in samples], "settings": settings, "left": left}
    place = run.loaded.where("vocabulary", "size")
    libraries = learning_libraries(run.loaded.config.vocabulary)
    task = LEARN_STEP.task("vocabulary", content, arguments, place=place, libraries=libraries)
    (result,) = run.pool.run("learn the vocabulary", [task])
    model = result.folder / MODEL
    if file_digest(model) != result.record["xxh3_128"]:
        raise UserError(f"{model}: damaged; {AGAIN}")
    return model


def _draws(run: Run, trained: Sequence[Piece]) -> list[Draws]:
    """Return, for each piece, what of each language is drawn from it: a sentence's number counts all pieces before."""
    kept = [_kept(piece) for piece in trained]
    sentences: dict[str, int] = {}
    for of_piece in kept:
        for language, count in of_piece.items():
            sentences[language] = sentences.get(language, 0) + count
    settings = run.loaded.config.vocabulary
    total = min(settings.sample_lines, sum(sentences.values()))
    quota = quotas(sentences, settings.temperature, total)
    places = {language: place for place, language in enumerate(sentences)}
    before = dict.fromkeys(sentences, 0)
    found = []
    for of_piece in kept:
        draws: Draws = {}
        for language, count in of_piece.items():
            if count:
                draws[language] = before[language], sentences[language], quota[language], places[language]
                before[language] += count
        found.append(draws)
    return found


def _kept(piece: Piece) -> Mapping[str, int]:
    return {language: counts[KEPT] for language, counts in piece.kept.record["languages"].items()}


def _sampling(run: Run, piece: Piece, draws: Draws) -> Task:
    seed = run.loaded.config.seed
    arguments = {
        "chunk": piece.part.chunk,
        "kept": piece.kept.folder / KEPT,
        "draws": draws,
        "columns": {language: i for i, language in enumerate(piece.part.languages)},
        "seed": seed,
    }
    content = sample_content(str(piece.identity[0]), piece.kept.key, draws, seed)
    return SAMPLE_STEP.task("sample", content, arguments)
