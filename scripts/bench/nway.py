"""All directions of an n-way corpus of 87 languages: time and memory of `mtdeep prepare`, bytes beside data-bins.

Usage: python scripts/bench/nway.py [--quick] [DATA]

DATA (../shared/data) holds the bible corpus, whose 87 files (English twice, as en and en-US) make 7,482 directions,
102 of them without a verse. Prepared by the installed command on all cores, with default cleaning, repeats and leaks,
500 rows held out for validation and 500 for tests, and a vocabulary of 16,000 pieces learned from 500,000 lines:
SentencePiece needs most of the memory, in proportion to them. The peer is fairseq's data-bin of the same training
pairs, one file pair for either way: its bytes are computed for every pair from its sentences and tokens, and for some
pairs it is written, to compare. The last line is one JSON object; its ratio is bytes over bytes.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from itertools import combinations
from pathlib import Path

import numpy as np
import yaml

sys.path.insert(0, str(Path(__file__).parents[1]))
from made_with import machine, versions
from watched import watched

from mtdeep.corpus import Corpus, Direction, Store
from mtdeep.corpus.databin import write_databin
from mtdeep.languages import fairseq_code, resolve

ROOT = Path(__file__).parents[2]
SECOND_ENGLISH = {"eng_nheb": "en-US"}
INDEX_HEADER, INDEX_SENTENCE, TOKEN = 26, 12, 2  # bytes of an .idx file, and of a token of a .bin file


def main(data: Path, quick: bool) -> None:
    """Prepare, measure, print the summary."""
    files = sorted((data / "bible").glob("*.txt.gz"))[:: 8 if quick else 1]
    with tempfile.TemporaryDirectory(prefix="bench-nway-") as name:
        folder = Path(name)
        config = folder / "nway.yaml"
        config.write_text(yaml.safe_dump(configuration(folder, files)), encoding="utf-8")
        run = watched(["mtdeep", "prepare", str(config)])
        store = Store(folder / "store")
        (corpus,) = store.corpora("train")
        columns = databin_bytes(corpus)
        agree = same_bytes(store, corpus, columns, folder / "data-bin", 3 if quick else 20)
        theirs = int(columns.sum())
        pairs = [pair for pair in combinations(corpus.languages, 2) if corpus.count(*pair)]
        found = [file for file in store.path.rglob("*") if file.is_file()]
        ours = sum(file.stat().st_size for file in found)
    summary = {
        "name": "nway",
        "unit": "bytes on disk",
        "ours": ours,
        "peer": theirs,
        "ratio": round(theirs / ours, 1),
        "agree": agree,
        "files": {"mtdeep": len(found), "fairseq": 4 * len(pairs)},
        "directions": 2 * len(pairs),
        "sentence pairs of all directions": 2 * sum(corpus.count(*pair) for pair in pairs),
        "sentences": sum(map(corpus.sentences, corpus.languages)),
        "seconds": round(run.seconds, 1),
        "peak megabytes": run.peak_bytes >> 20,
        "workers": os.cpu_count(),
        "versions": versions("mtdeep", "sentencepiece", "duckdb"),
        "machine": machine(),
    }
    print(json.dumps(summary))


def configuration(folder: Path, files: list[Path]) -> dict[str, object]:
    """Return the configuration of one n-way corpus."""
    codes = {file.name.split(".")[0]: file for file in files}
    columns = {resolve(SECOND_ENGLISH.get(code, code)): str(file.resolve()) for code, file in codes.items()}
    corpus = {"name": "bible", "reader": "plain_text", "splits": {"train": columns}}
    corpus["holdout"] = {"valid": 500, "test": 500}
    return {"store": str(folder / "store"), "vocabulary": {"size": 16000, "sample_lines": 500_000}, "corpora": [corpus]}


def databin_bytes(corpus: Corpus) -> np.ndarray:
    """Return the bytes of each language's column in the data-bin with each other one, (languages, languages)."""
    lengths = np.stack([corpus.lengths(language) for language in corpus.languages]).astype(np.float64)
    present = (lengths > 0).astype(np.float64)
    tokens, sentences = lengths @ present.T, present @ present.T  # of one language, in the rows shared with the other
    columns = TOKEN * (tokens + sentences) + INDEX_HEADER + INDEX_SENTENCE * sentences
    return np.where((sentences > 0) & ~np.eye(len(lengths), dtype=bool), columns, 0).astype(np.int64)


def same_bytes(store: Store, corpus: Corpus, columns: np.ndarray, place: Path, pairs: int) -> bool:
    """Write the data-bins of a sample of pairs, and compare the bytes of each column with what is computed."""
    everything = [pair for pair in combinations(range(len(corpus.languages)), 2) if columns[pair]]
    agree = True
    for pair in everything[:: max(len(everything) // pairs, 1)]:
        direction = Direction(*(corpus.languages[i] for i in pair))
        write_databin(store, place, [direction], ["train"])
        for one, other in (pair, pair[::-1]):
            column = place / f"train.{direction}.{fairseq_code(corpus.languages[one])}"
            written = [column.with_name(column.name + suffix) for suffix in (".bin", ".idx")]
            agree &= sum(file.stat().st_size for file in written) == int(columns[one, other])
    return agree


if __name__ == "__main__":
    given = [argument for argument in sys.argv[1:] if argument != "--quick"]
    main(Path(given[0]) if given else ROOT.parent / "shared" / "data", "--quick" in sys.argv)
