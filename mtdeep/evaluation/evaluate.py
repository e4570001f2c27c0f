"""Translate all directions of a split with one model, score them, and write it all down.

Files, in the output folder: `hypotheses.jsonl` (see `hypotheses`), `scores.tsv` (one line a direction), `bleu.tsv`
and `chrf.tsv` (matrices with averages), `bleu.png` and `chrf.png`, and `results.json`: how the scores were made.
A run that was killed goes on where it was; one that is complete is only scored again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch

from mtdeep import __version__
from mtdeep.checkpoint import Checkpoint, read_checkpoint
from mtdeep.corpus import Direction, Store, parse_directions
from mtdeep.corpus.collate import ENCODER_TAGS, EncoderTag
from mtdeep.corpus.store import file_digest
from mtdeep.decoding import SearchOptions, Translator
from mtdeep.decoding.translator import DEFAULT_BATCH_TOKENS, longest_source
from mtdeep.durable import sync_directory, write_atomically
from mtdeep.errors import UserError
from mtdeep.evaluation import picture, tables
from mtdeep.evaluation.hypotheses import HypothesisFile, run_digest
from mtdeep.evaluation.matrix import Matrix
from mtdeep.evaluation.scores import BLEU, CHRF, COPY_BLEU, DirectionScore, Scorer, check_tokenizer, tokenizer_for
from mtdeep.evaluation.segments import Row, SplitRows
from mtdeep.nn import EncoderDecoder

# Called with what is being done, how much of it is done, and how much there is.
Progress = Callable[[str, int, int], None]
Texts = dict[Direction, dict[int, str]]
# A translation of more than twice its source and 20 tokens is never right, but a model that has learnt little writes on
# to the limit, whatever it is; fairseq's, 200 tokens for any source, takes minutes then and cuts long sources short.
DEFAULT_OPTIONS = SearchOptions(max_length_a=2.0, max_length_b=20)
HYPOTHESES, RESULTS = "hypotheses.jsonl", "results.json"


@dataclass(frozen=True)
class Evaluation:
    """Scores of the expected directions, how they were made, and the files that hold them."""

    expected: tuple[Direction, ...]
    scores: tuple[DirectionScore, ...]
    provenance: Mapping[str, object]
    files: tuple[Path, ...]

    def matrix(self, metric: str) -> Matrix:
        """Return the matrix of one metric."""
        return Matrix.of(metric, self.expected, self.scores)


@dataclass(frozen=True)
class Outstanding:
    """Rows still to be translated, the targets that want each (by its place in *rows*), and its place there."""

    rows: list[Row]
    wanted: dict[str, list[int]]
    places: dict[tuple[str, int], int]


def evaluate(
    checkpoint: Path,
    store: Path,
    *,
    output: Path,
    split: str = "test",
    directions: str = "all",
    options: SearchOptions = DEFAULT_OPTIONS,
    tokenize: str | None = None,
    batch_tokens: int = DEFAULT_BATCH_TOKENS,
    device: str = "cpu",
    progress: Progress = lambda what, done, total: None,
) -> Evaluation:
    """Evaluate *checkpoint* on *split* of *store* and write the files into *output*.

    *tokenize* replaces the choice of BLEU tokenizer by target language. Raises UserError when checkpoint, store, split
    or directions do not fit together, or a source is too long for the model; then nothing has been written.
    """
    if tokenize is not None:
        check_tokenizer(tokenize)
    opened = Store(store)
    expected = parse_directions(directions, opened)
    rows = SplitRows.of(opened, split)
    covered = tuple(direction for direction in expected if rows.count(direction))
    if not covered:
        raise UserError(f"{store}: split {split!r} has no sentence in any of the directions {directions!r}.")
    loaded = read_checkpoint(checkpoint)
    if not (loaded.config.encoder_layers and loaded.config.decoder_layers):
        raise UserError(f"{checkpoint}: a language model, which does not translate; give a translation model's file.")
    check_vocabulary(loaded, opened)
    check_lengths(loaded, rows, covered)
    tag = encoder_tag(loaded)
    settings = {
        "checkpoint": file_digest(checkpoint),
        "store": opened.digest,
        "split": split,
        "encoder_tag": tag,
        **asdict(options),
    }
    model = loaded.model()
    assert isinstance(model, EncoderDecoder)  # it has both stacks
    translator = Translator(
        model,
        opened.vocabulary,
        opened.subwords(),
        tag,
        device=device,
        batch_tokens=batch_tokens,
    )
    output.mkdir(parents=True, exist_ok=True)
    texts = translate(translator, rows, covered, options, output / HYPOTHESES, run_digest(settings), progress)
    scores = score(rows, covered, texts, tokenize, progress)
    provenance = {**settings, **made_with(loaded), "directions": directions}
    files = write(output, expected, scores, provenance)
    return Evaluation(expected, tuple(scores), provenance, files)


def translate(
    translator: Translator,
    split: SplitRows,
    directions: Sequence[Direction],
    options: SearchOptions,
    path: Path,
    run: str,
    progress: Progress,
) -> Texts:
    """Translate what *path* does not hold yet of this run, source language by source language; return all texts."""
    with HypothesisFile(path, run) as file:
        texts = file.read()
        total = sum(split.count(direction) for direction in directions)
        done = sum(len(texts.get(direction, ())) for direction in directions)
        for source in dict.fromkeys(direction.source for direction in directions):
            todo = outstanding(split, [d for d in directions if d.source == source], texts)
            for batch in translator.translate_ids(split.sentences(source, todo.rows), source, todo.wanted, options):
                best = translator.best(batch)
                for target in dict.fromkeys(item.target for item in batch):
                    direction = Direction(source, target)
                    mine = [i for i, item in enumerate(batch) if item.target == target]
                    segments = [todo.places[target, batch[i].index] for i in mine]
                    translations = [best[i].text for i in mine]
                    file.append(direction, segments, translations, [best[i].score for i in mine])
                    texts.setdefault(direction, {}).update(zip(segments, translations, strict=True))
                done += len(batch)
                progress(f"translating from {source}", done, total)
            file.sync()
    return texts


def outstanding(split: SplitRows, directions: Sequence[Direction], texts: Texts) -> Outstanding:
    """Return what *directions*, all from one source language, still lack."""
    numbers: dict[Row, int] = {}
    wanted: dict[str, list[int]] = {}
    places: dict[tuple[str, int], int] = {}
    for direction in directions:
        here = texts.get(direction, {})
        for place, row in enumerate(split.rows(direction)):
            if place not in here:
                number = numbers.setdefault(row, len(numbers))
                wanted.setdefault(direction.target, []).append(number)
                places[direction.target, number] = place
    return Outstanding(list(numbers), wanted, places)


def score(
    split: SplitRows, directions: Sequence[Direction], texts: Texts, tokenize: str | None, progress: Progress
) -> list[DirectionScore]:
    """Score every direction, target by target so that references are read and counted once; in the order given."""
    found: dict[Direction, DirectionScore] = {}
    for target in dict.fromkeys(direction.target for direction in directions):
        scorer: Scorer | None = None
        previous: list[Row] = []
        for direction in (d for d in directions if d.target == target):
            rows = split.rows(direction)
            if scorer is None or rows != previous:
                scorer = Scorer(split.texts(target, rows), tokenize or tokenizer_for(target))
                previous = rows
            hypotheses = [texts[direction][place] for place in range(len(rows))]
            found[direction] = scorer.score(direction, split.texts(direction.source, rows), hypotheses)
            progress("scoring", len(found), len(directions))
    return [found[direction] for direction in directions]


def write(
    output: Path, expected: Sequence[Direction], scores: Sequence[DirectionScore], provenance: Mapping[str, object]
) -> tuple[Path, ...]:
    """Write tables, pictures and provenance; each file appears whole."""
    tables.write_scores(output / "scores.tsv", expected, scores)
    files = [output / "scores.tsv"]
    summary: dict[str, object] = {}
    for metric, stem in ((BLEU, "bleu"), (CHRF, "chrf"), (COPY_BLEU, "copy_bleu")):
        matrix = Matrix.of(metric, expected, scores)
        summary[metric] = {**asdict(matrix.average()), "signatures": matrix.signatures}
        if metric != COPY_BLEU:
            tables.write_matrix(output / f"{stem}.tsv", matrix)
            picture.draw(matrix, output / f"{stem}.png", f"{provenance['model']} on {provenance['split']}")
            files += [output / f"{stem}.tsv", output / f"{stem}.png"]
    results = json.dumps({**provenance, "averages": summary}, indent=2, ensure_ascii=False) + "\n"
    write_atomically(output / RESULTS, lambda partial: partial.write_bytes(results.encode()))
    sync_directory(output)
    return (*files, output / RESULTS, output / HYPOTHESES)


def encoder_tag(checkpoint: Checkpoint) -> EncoderTag:
    """Return whose tag the encoder was trained to see; raises UserError for a model without our tags."""
    tag, task = checkpoint.provenance.encoder_tag, checkpoint.provenance.task
    if tag not in ENCODER_TAGS:
        raise UserError(
            f"{checkpoint.path}: was trained with the task {task!r}, which has no language tags of ours; "
            "only models of the task many_to_many_translation are evaluated."
        )
    return tag


def check_vocabulary(checkpoint: Checkpoint, store: Store) -> None:
    """Raise UserError when the checkpoint records another vocabulary than the store's: ids would mean other words."""
    if checkpoint.provenance.vocabulary not in (None, store.vocabulary.digest):
        raise UserError(
            f"{checkpoint.path}: was trained with another vocabulary than that of {store.path}; give the store of that "
            "training, or where this one has grown since then, let the checkpoint grow with mtdeep grow."
        )


def check_lengths(checkpoint: Checkpoint, split: SplitRows, directions: Sequence[Direction]) -> None:
    """Raise UserError when a source is longer than the model reads: left out, it would flatter the scores unsaid."""
    longest = longest_source(checkpoint.config)
    found = split.too_long(directions, longest)
    if not found:
        return
    corpus, row, language = found[0]
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    raise UserError(
        f"{checkpoint.path}: reads sources of at most {longest} tokens, but row {row} of corpus {corpus.name!r} in "
        f"split {corpus.split!r} has {corpus.lengths_at(language, np.array([row]))[0]} in {language}{more}, "
        f"{_beginning(corpus.text(language, row))!r}; take such rows out of the split and prepare the store again, or "
        "evaluate a model that was trained with a larger --max-source-positions."
    )


def _beginning(text: str) -> str:
    return text if len(text) <= 40 else text[:40] + "..."


def made_with(checkpoint: Checkpoint) -> dict[str, object]:
    """Return what a reader of the scores wants to know of the model and of the software."""
    trained = checkpoint.provenance
    name = f"{trained.architecture} ({checkpoint.path.name}, {trained.updates} updates)"
    versions = {package: version(package) for package in ("torch", "sacrebleu", "sentencepiece")}
    return {"model": name, "versions": {"mtdeep": __version__, **versions, "cuda": torch.version.cuda}}
