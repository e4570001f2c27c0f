"""What a pair of sentences costs: preparing it, keeping it, and training on it; at 1M and 10M pairs.

Usage: python scripts/bench/scale.py [--quick] [DATA]

DATA (../shared/data) holds the bible corpus. A pair is the first half of one verse and the second half of another, the
same two in English and French, so that millions of them differ; one in a hundred stands there twice. The installed
command prepares them on all cores, with 1 GB for repeats, 1,000 pairs held out and a vocabulary that is there; without
cleaning and near leaks, which see a chunk at a time and make ten million pairs a matter of hours. Then a process opens
the store, and one fairseq's data-bin of it (task translation), and draws batches; what is compared is the memory of
their own (anonymous, so without mapped files) that the larger corpus takes beyond the smaller, in bytes a pair. The
last line is one JSON object; docs/large-corpora.md says what follows from it.
"""

from __future__ import annotations

import gzip
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import sentencepiece
import yaml

sys.path.insert(0, str(Path(__file__).parents[1]))
from made_with import machine, versions
from watched import watched

from mtdeep.corpus import Direction, Store
from mtdeep.corpus.databin import write_databin

ROOT = Path(__file__).parents[2]
LANGUAGES = {"en": "eng", "fr": "fra"}
OURS, PEER = "many_to_many_translation", "translation"
BATCHES = 200
NOISE = 1 << 20  # bytes by which two processes that do the same differ: what is below is not measured
Measured = dict[str, Any]


def main(data: Path, quick: bool) -> None:
    """Print a line a size, then the summary."""
    sizes = (100_000, 300_000) if quick else (1_000_000, 10_000_000)
    with tempfile.TemporaryDirectory(prefix="bench-scale-") as name:
        folder = Path(name)
        verses = read(data / "bible")
        model = learned(verses, folder)
        small, large = (shown(measured(folder, verses, model, size)) for size in sizes)
    more = large["pairs"] - small["pairs"]
    of_interest = ("prepare bytes", OURS, PEER, "store bytes", "work bytes")
    a_pair = {key: (large[key] - small[key]) / more for key in of_interest}
    summary = {
        "name": "scale",
        "unit": "bytes of memory a pair, of a training process",
        "ours": round(a_pair[OURS], 3),
        "peer": round(a_pair[PEER], 3),
        "ratio": round(a_pair[PEER] / max(a_pair[OURS], NOISE / more), 1),
        "agree": all(found["agree"] for found in (small, large)),
        "preparing: bytes of memory a pair": round(a_pair["prepare bytes"], 1),
        "store: bytes on disk a pair": round(a_pair["store bytes"], 1),
        "work folder: bytes on disk a pair": round(a_pair["work bytes"], 1),
        "sizes": [small, large],
        "versions": versions("mtdeep", "fairseq", "numpy", "duckdb", "sentencepiece"),
        "machine": machine(),
    }
    print(json.dumps(summary))


def measured(folder: Path, verses: dict[str, list[str]], model: Path, size: int) -> Measured:
    """Prepare a corpus of so many pairs, and train on it for some batches in both ways."""
    texts = {language: folder / f"text.{language}" for language in LANGUAGES}
    write(texts, verses, size)
    corpus = {
        "name": "made-up",
        "reader": "plain_text",
        "clean": False,
        "near_leaks": False,
        "splits": {"train": {language: str(text) for language, text in texts.items()}},
        "holdout": {"valid": 1000},
    }
    config = {
        "store": str(folder / "store"),
        "work": str(folder / "work"),
        "vocabulary": {"model": str(model)},
        "deduplication": {"memory": "1GB"},
        "corpora": [corpus],
    }
    (folder / "scale.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    run = watched(["mtdeep", "prepare", str(folder / "scale.yaml")])
    store = Store(folder / "store")
    (train,) = store.corpora("train")
    write_databin(store, folder / "data-bin", [Direction("en", "fr")], ["train"])
    found = {task: trained(task, place) for task, place in ((OURS, store.path), (PEER, folder / "data-bin"))}
    result = {
        "pairs": train.rows,
        "prepare seconds": round(run.seconds, 1),
        "prepare bytes": run.peak_bytes,
        "store bytes": size_of(store.path),
        "work bytes": size_of(folder / "work"),
        "text bytes": sum(text.stat().st_size for text in texts.values()),
        **{task: measure["bytes"] for task, measure in found.items()},
        "seconds to the first batch": {task: measure["seconds"] for task, measure in found.items()},
        "agree": len({measure["pairs"] for measure in found.values()}) == 1,
    }
    for done in (store.path, folder / "work", folder / "data-bin"):
        shutil.rmtree(done)
    return result


def size_of(folder: Path) -> int:
    """Return the bytes of all files of a folder."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def write(texts: dict[str, Path], verses: dict[str, list[str]], size: int) -> None:
    """Write so many pairs, aligned."""
    random = np.random.default_rng(1)
    numbers = random.integers(0, len(verses["en"]), (size, 2))
    again = random.random(size) < 0.01
    numbers[again] = numbers[random.integers(0, size, int(again.sum()))]
    for language, path in texts.items():
        halves = [(verse[: len(verse) // 2], verse[len(verse) // 2 :]) for verse in verses[language]]
        with path.open("w", encoding="utf-8") as file:
            file.writelines(f"{halves[i][0]}{halves[j][1]}\n" for i, j in pairs(numbers))


def pairs(numbers: np.ndarray) -> Iterator[list[int]]:
    """Yield rows as lists, a few thousand in memory at a time."""
    for start in range(0, len(numbers), 1 << 14):
        yield from numbers[start : start + (1 << 14)].tolist()


def read(bible: Path) -> dict[str, list[str]]:
    """Return the verses that all languages have, aligned."""
    files = [bible / f"{code}.txt.gz" for code in LANGUAGES.values()]
    columns = [gzip.decompress(file.read_bytes()).decode().split("\n") for file in files]
    rows = [row for row in zip(*columns, strict=True) if all(row)]
    return dict(zip(LANGUAGES, map(list, zip(*rows, strict=True)), strict=True))


def learned(verses: dict[str, list[str]], folder: Path) -> Path:
    """Learn a vocabulary of both languages."""
    lines = [line for texts in verses.values() for line in texts[::4]]
    model = folder / "model"
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_prefix=str(model), vocab_size=8000, minloglevel=2
    )
    return model.with_suffix(".model")


def trained(task: str, data: Path) -> Measured:
    """Return what a process measures that draws batches."""
    child = subprocess.run([sys.executable, __file__, "--train", task, str(data)], stdout=subprocess.PIPE, check=True)
    found: Measured = json.loads(child.stdout.splitlines()[-1])
    return found


def train(task_name: str, data: str) -> None:
    """In a process of its own: set up the task, draw batches, print the memory."""
    from fairseq_batches import configured, training_batches

    directions = ["--directions", "en-fr"] if task_name == OURS else ["-s", "en", "-t", "fr"]
    cfg = configured(task_name, data, *directions)
    start = time.perf_counter()
    dataset, epochs = training_batches(cfg)
    batches = epochs.next_epoch_itr()
    next(batches)
    seconds = time.perf_counter() - start
    for _ in islice(batches, BATCHES):
        pass
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    anonymous = re.search(r"^RssAnon:\s*(\d+) kB", status, re.M)
    assert anonymous
    print(json.dumps({"seconds": round(seconds, 2), "bytes": 1024 * int(anonymous[1]), "pairs": len(dataset)}))


def shown(found: Measured) -> Measured:
    """Print a measurement and return it."""
    print(found, flush=True)
    return found


if __name__ == "__main__":
    if sys.argv[1:2] == ["--train"]:
        train(*sys.argv[2:])
    else:
        given = [argument for argument in sys.argv[1:] if argument != "--quick"]
        main(Path(given[0]) if given else ROOT.parent / "shared" / "data", "--quick" in sys.argv)
