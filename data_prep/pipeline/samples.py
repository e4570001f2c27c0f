"""Some of what left a text because it is known from elsewhere, each beside that, for the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from data_prep.cleaning.record import Sample, smallest
from data_prep.engine.task import Result
from data_prep.pipeline.texts import Piece, Run, Samples, SplitText
from data_prep.stages.repeat_samples import REPEAT_SAMPLES_STEP, sample_content
from data_prep.stages.select import REPEAT, SCORED


def leak_samples(results: Sequence[Result], names: Sequence[str]) -> Samples:
    """Return samples of what `stages.leaks.find_leaks` has found in a text's pieces; *names* are those of the sets."""
    found: dict[str, list[Sample]] = {}
    for result in results:
        for language, samples in result.record["samples"].items():
            named = [_named(sample, names) for sample in samples]
            found[language] = smallest([*found.get(language, ()), *named])
    return {SCORED: found} if found else {}


def repeat_samples(
    run: Run, asked: Sequence[tuple[SplitText, Piece]], lost: Sequence[int], repeated: Result
) -> dict[str, Samples]:
    """Return corpus -> samples of its repeats; *lost* are the numbers of those *asked* that lost rows as *repeated*."""
    names = [text.corpus.name for text, _ in asked]
    wanted: dict[str, list[int]] = {}
    for number in lost:
        wanted.setdefault(names[number], []).append(number)
    if not wanted:
        return {}
    arguments: dict[str, Any] = {"parts": [piece.part for _, piece in asked], "names": names, "wanted": wanted}
    arguments |= {"repeated": repeated.folder}
    content = sample_content(repeated.key, names, wanted)
    task = REPEAT_SAMPLES_STEP.task("samples of repeated rows", content, arguments)
    (result,) = run.pool.run("sample repeated rows", [task])
    return {
        corpus: {REPEAT: {language: [Sample(**one) for one in samples] for language, samples in of_corpus.items()}}
        for corpus, of_corpus in result.record["samples"].items()
    }


def _named(sample: Mapping[str, Any], names: Sequence[str]) -> Sample:
    return Sample(**{**sample, "beside": {names[int(number)]: text for number, text in sample["beside"].items()}})
