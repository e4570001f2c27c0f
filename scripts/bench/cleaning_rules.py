"""What each cleaning rule costs a sentence: mtdeep's beside OpusFilter's filter of the same purpose, alternating.

Usage: python scripts/bench/cleaning_rules.py [--quick] [DATA]

DATA (../shared/data) holds multi30k and ntrex128. Processor time, one thread. A rule is measured alone, from the
strings on: what rules share (the code points of a column) is made anew for each, so that `everything`, which is the
whole pipeline with its default rules, transforms and record, costs less than their sum. Beside it stands the sum of
OpusFilter's filters; that is 0 for rules that OpusFilter does not have. OpusFilter lives in .venv-bench, made here if
it is missing; its langid filter needs py3langid before 0.4 (OpusFilter 3.3.1), so the models of the two differ.
The last line is one JSON object; its ratio is the smallest of all rules.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from made_with import machine, versions

from data_prep.batch import Batch
from data_prep.cleaning.characters import WITHOUT_WORDS
from data_prep.cleaning.cleaner import Cleaner
from data_prep.cleaning.rule import CellRule, RowRule
from data_prep.cleaning.settings import RULES, CleaningSettings
from data_prep.cleaning.texts import Texts
from data_prep.readers.plain_text import read_lines
from mtdeep.languages import script

ROOT = Path(__file__).parents[2]
PEER = ROOT / ".venv-bench"
BATCH = 4000
# Rule -> filter. Those in SAME are the same by definition, and their decisions are compared; of scripts without words
# OpusFilter counts words all the same.
SAME = ("length", "words", "long_word")
FILTERS = {
    "length": ("LengthFilter", {"unit": "char", "min_length": 1, "max_length": 1050}),
    "words": ("LengthFilter", {"unit": "word", "min_length": 0, "max_length": 250}),
    "long_word": ("LongWordFilter", {"threshold": 101}),
    "script": ("CharacterScoreFilter", {}),
    "punctuation": ("AlphabetRatioFilter", {"threshold": 0.5, "exclude_whitespace": True}),
    "urls": ("RegExpFilter", {"regexps": r"\w+://\S+|www\.\S+|[\w.+-]+@[\w-]+(\.[\w-]+)+"}),
    "markup": ("HtmlTagFilter", {}),
    "repeated_ngrams": ("RepetitionFilter", {}),
    "language": ("LangidFilter", {}),
    "length_ratio": ("LengthRatioFilter", {"unit": "char", "threshold": 3}),
    "numbers": ("NonZeroNumeralsFilter", {"threshold": 0.5}),
    "copies": ("SimilarityFilter", {"threshold": 0.8}),
}
SCRIPTS = {"en": "Latin", "de": "Latin", "zh-Hans": "Han", "hi": "Devanagari"}
Columns = dict[str, list[str]]


def main(data: Path, quick: bool) -> None:
    """Print a table a corpus, then the summary."""
    if not PEER.is_dir():
        subprocess.run([sys.executable, "-m", "venv", PEER], check=True)
        wanted = ["opusfilter==3.3.1", "py3langid==0.3.0"]
        subprocess.run([PEER / "bin/python", "-m", "pip", "install", "--quiet", *wanted], check=True)
    rows, repeats = (2000, 3) if quick else (20000, 5)
    corpora = [("multi30k", {"en": "multi30k/train.en.gz", "de": "multi30k/train.de.gz"})]
    corpora += [("ntrex128", {"en": "ntrex128/eng.txt.gz", "zh-Hans": "ntrex128/zho-CN.txt.gz"})]
    corpora += [] if quick else [("ntrex128", {"en": "ntrex128/eng.txt.gz", "hi": "ntrex128/hin.txt.gz"})]
    ratios, everything, agree = {}, {}, True
    for name, files in corpora:
        columns = {language: lines(data / file, rows) for language, file in files.items()}
        title = f"{name} {'-'.join(columns)}"
        print(f"{title}, µs a sentence{'mtdeep':>20}{'OpusFilter':>12}")
        measured, same = measure(columns, repeats)
        agree &= same
        for rule, (ours, peer) in measured.items():
            shown = f"{peer:12.2f}{peer / ours:9.1f}x" if peer else f"{'-':>12}"
            print(f"  {rule:38}{ours:10.2f}{shown}")
            if peer:
                ratios[f"{title} {rule}"] = peer / ours
        everything[title] = measured["everything"]
    ours, peer = next(iter(everything.values()))
    summary = {
        "name": "cleaning_rules",
        "unit": "µs a sentence, all rules",
        "ours": round(ours, 2),
        "peer": round(peer, 2),
        "ratio": round(min(ratios.values()), 2),
        "ratios": {rule: round(ratio, 2) for rule, ratio in ratios.items()},
        "agree": agree,
        "versions": versions("numpy", "regex", "ftfy", "py3langid") | {"opusfilter": "3.3.1"},
        "machine": f"{machine()}, 1 thread",
    }
    print(json.dumps(summary))


def measure(columns: Columns, repeats: int) -> tuple[dict[str, tuple[float, float]], bool]:
    """Return rule -> µs a sentence of mtdeep and of OpusFilter (0 for none), and whether equal rules agree."""
    sentences = sum(map(len, columns.values()))
    results: dict[str, tuple[float, float]] = {}
    agree = True
    without_words = any(script(language) in WITHOUT_WORDS for language in columns)
    same = SAME[:1] if without_words else SAME
    with Peer(columns) as peer:
        for name in RULES:
            ours: list[float] = []
            theirs: list[float] = []
            for _ in range(repeats):
                seconds, kept = timed(lambda: alone(name, columns))  # noqa: B023
                ours.append(seconds)
                answer = peer.ask(name) if name in FILTERS else {"seconds": 0.0}
                if "failed" in answer:
                    print(f"  {name}: OpusFilter does not run: {answer['failed']}")
                    answer = {"seconds": 0.0}
                theirs.append(answer["seconds"])
                agree &= name not in same or kept == answer["accepted"]
            results[name] = tuple(statistics.median(times) / sentences * 1e6 for times in (ours, theirs))
    cleaner = Cleaner(CleaningSettings(), "bench", list(columns))
    whole = [timed(lambda: [cleaner(batch) for batch in batches(columns)])[0] for _ in range(repeats)]
    of_peer = sum(theirs for name, (_, theirs) in results.items() if name != "numbers")  # off by default
    results["everything"] = statistics.median(whole) / sentences * 1e6, of_peer
    return results, agree


def alone(name: str, columns: Columns) -> list[bool]:
    """Return which rows one rule keeps, from the strings on."""
    rule = RULES[name]()
    kept: list[bool] = []
    for batch in batches(columns):
        texts = {language: Texts(column) for language, column in batch.columns.items()}
        if isinstance(rule, CellRule):
            scores = {language: rule.scores(language, column) for language, column in texts.items()}
        elif isinstance(rule, RowRule):
            scores = dict(type(rule).row_scores(dict.fromkeys(texts, rule), texts))
        outside = [low | high for low, high in map(rule.outside, scores.values())]
        kept += (~outside[0] & ~outside[1]).tolist()
    return kept


def batches(columns: Columns) -> list[Batch]:
    rows = len(next(iter(columns.values())))
    return [
        Batch(first, {language: column[first : first + BATCH] for language, column in columns.items()})
        for first in range(0, rows, BATCH)
    ]


def timed(function: Callable[[], list[bool]]) -> tuple[float, list[bool]]:
    start = time.process_time()
    result = function()
    return time.process_time() - start, result


def lines(path: Path, rows: int) -> list[str]:
    return list(islice(read_lines(path), rows))


class Peer:
    """OpusFilter in a process of its own, which is asked filter by filter."""

    def __init__(self, columns: Columns) -> None:
        self._folder = tempfile.TemporaryDirectory()
        script, pairs, filters = (
            Path(__file__).with_name("opusfilter_peer.py"),
            Path(self._folder.name, "pairs.json"),
            Path(self._folder.name, "filters.json"),
        )
        pairs.write_text(json.dumps(list(zip(*columns.values()))), encoding="utf-8")
        filters.write_text(json.dumps(keywords(list(columns))), encoding="utf-8")
        command = [PEER / "bin/python", script, pairs, filters]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, name: str) -> dict[str, object]:
        """Return the answer for one pass of a filter."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(f"{name}\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def __enter__(self) -> Peer:
        return self

    def __exit__(self, *exception: object) -> None:
        self._process.communicate()
        self._folder.cleanup()


def keywords(languages: Sequence[str]) -> dict[str, tuple[str, dict[str, object]]]:
    """Return FILTERS with what depends on the languages."""
    filters = {name: (kind, dict(given)) for name, (kind, given) in FILTERS.items()}
    filters["script"][1].update(scripts=[SCRIPTS[code] for code in languages], thresholds=[0.2] * len(languages))
    filters["language"][1].update(languages=[code.split("-")[0] for code in languages])
    return filters


if __name__ == "__main__":
    given = [argument for argument in sys.argv[1:] if not argument.startswith("-")]
    main(Path(given[0]) if given else ROOT.parent / "shared/data", "--quick" in sys.argv[1:])
