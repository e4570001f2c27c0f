"""Text to binarised data, a pair of languages: `mtdeep prepare` beside SentencePiece and fairseq-preprocess.

Usage: python scripts/bench/prepare.py [--quick] [DATA]

DATA (../shared/data) holds the bible corpus. Pairs of English and every language with 20,000 verses, each its own
corpus of aligned lines (three of them, of 8,000 lines, with --quick); both get the same SentencePiece model and read
the same files, and cleaning, duplicates and leaks are off. fairseq's way is SentencePiece to text, all lines of a file
in one call on all cores, then fairseq-preprocess, once a pair; it is timed on some pairs, mtdeep on all in one run,
alternating. Beside it: SentencePiece's own encoder on the same lines alone, on all cores, and mtdeep with default
cleaning and without repeats. The last line is one JSON object.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import numpy as np
import sentencepiece

sys.path.insert(0, str(Path(__file__).parents[1]))
from made_with import machine, versions

from data_prep.engine.pool import local
from data_prep.prepare import prepare
from mtdeep.corpus.mmididx import MMapColumn
from mtdeep.corpus.store import Store
from mtdeep.corpus.subwords import pieces
from mtdeep.corpus.vocabulary import Vocabulary

ROOT = Path(__file__).parents[2]
_HEAD = """\
store: {store}
vocabulary: {{model: {model}}}
leakage: {leakage}
corpora:
"""
_CORPUS = """\
  - name: en-{code}
    reader: plain_text
    clean: {clean}
    deduplicate: {clean}
    near_leaks: {clean}
    splits: {{train: {{en: {english}, {code}: {other}}}}}
"""


def main(data: Path, quick: bool) -> None:
    """Print what takes how long, then the summary."""
    folder = Path(tempfile.mkdtemp(prefix="bench-prepare-"))
    try:
        codes = large(data / "bible")[: 3 if quick else None]
        pairs = {code: written_pair(data / "bible", code, folder, 8000 if quick else None) for code in codes}
        model = learned(pairs, folder)
        summary = compare(pairs, model, folder, 1 if quick else 3)
    finally:
        shutil.rmtree(folder)
    print(json.dumps(summary))


def compare(pairs: dict[str, tuple[Path, Path]], model: Path, folder: Path, repeats: int) -> dict[str, object]:
    """Time both ways, alternating, and compare what they made."""
    ours: list[float] = []
    cleaned: list[float] = []
    peer: list[float] = []
    raw: list[float] = []
    lines = sum(len(read(path)) for pair in pairs.values() for path in pair)
    for repeat in range(repeats):
        ours.append(timed(lambda: ours_prepared(pairs, model, folder, clean=False)))
        code = list(pairs)[repeat % len(pairs)]
        peer.append(timed(lambda: peer_prepared(code, pairs[code], model, folder)))  # noqa: B023
        raw.append(timed(lambda: encoded(pairs, model)))
        cleaned.append(timed(lambda: ours_prepared(pairs, model, folder, clean=True)))
        print(f"  {len(pairs)} pairs: mtdeep {ours[-1]:.1f} s, with cleaning {cleaned[-1]:.1f} s, SentencePiece alone "
              f"{raw[-1]:.1f} s; one pair: fairseq {peer[-1]:.1f} s")  # fmt: skip
    a_pair = statistics.median(ours) / len(pairs)
    ours_prepared(pairs, model, folder, clean=False)
    return {
        "name": "prepare",
        "unit": "s a pair of languages",
        "ours": round(a_pair, 3),
        "peer": round(statistics.median(peer), 3),
        "ratio": round(statistics.median(peer) / a_pair, 1),
        "agree": same(Store(folder / "store"), code, folder / "databin"),
        "share of SentencePiece's speed": round(statistics.median(raw) / statistics.median(ours), 2),
        "sentences a second": round(lines / statistics.median(ours)),
        "sentences a second, cleaned, without repeats and leaks": round(lines / statistics.median(cleaned)),
        "pairs": len(pairs),
        "sentences": lines,
        "versions": versions("sentencepiece", "fairseq", "mtdeep"),
        "machine": machine(),
    }


def ours_prepared(pairs: dict[str, tuple[Path, Path]], model: Path, folder: Path, *, clean: bool) -> None:
    """Prepare a store of all pairs."""
    config = folder / "config.yaml"
    shutil.rmtree(folder / "store", ignore_errors=True)
    parts = [_HEAD.format(store=folder / "store", model=model, leakage="remove" if clean else "report")]
    for code, (english, other) in pairs.items():
        parts.append(_CORPUS.format(code=code, english=english, other=other, clean=str(clean).lower()))
    config.write_text("".join(parts))
    prepare(config, local())


def peer_prepared(code: str, pair: tuple[Path, Path], model: Path, folder: Path) -> None:
    """Encode both files to pieces as text, and binarise them."""
    out = folder / "databin"
    shutil.rmtree(out, ignore_errors=True)
    processor = sentencepiece.SentencePieceProcessor(model_file=str(model))
    for language, path in zip(("en", code), pair, strict=True):
        encoded = processor.encode(read(path), out_type=str, num_threads=os.cpu_count() or 1)
        text = "".join(" ".join(line) + "\n" for line in encoded)
        (folder / f"pieces.{language}").write_text(text, encoding="utf-8")
    command = ["fairseq-preprocess", "--source-lang", "en", "--target-lang", code, "--trainpref",
               str(folder / "pieces"), "--destdir", str(out), "--srcdict", str(folder / "dict.txt"),
               "--joined-dictionary", "--workers", str(os.cpu_count() or 1)]  # fmt: skip
    subprocess.run([str(Path(sys.executable).parent / command[0]), *command[1:]], check=True, capture_output=True)


def encoded(pairs: dict[str, tuple[Path, Path]], model: Path) -> None:
    """Encode everything with SentencePiece alone."""
    processor = sentencepiece.SentencePieceProcessor(model_file=str(model))
    for path in dict.fromkeys(path for pair in pairs.values() for path in pair):
        lines = iter(read(path))
        while chunk := list(islice(lines, 1 << 15)):
            processor.encode(chunk, out_type=int, num_threads=os.cpu_count() or 1)


def same(store: Store, code: str, databin: Path) -> bool:
    """Compare the ids of a pair with those that fairseq wrote."""
    corpus = next(corpus for corpus in store.corpora("train") if corpus.name == f"en-{code}")
    for language in corpus.languages:
        name = "en" if language == "en" else code
        theirs = MMapColumn(databin / f"train.en-{code}.{name}")
        if len(theirs) != corpus.rows:
            return False
        if not all(np.array_equal(corpus.sentence(language, row), theirs[row][:-1]) for row in range(len(theirs))):
            return False
    return True


def large(bible: Path) -> list[str]:
    """Return the languages that have many verses, English apart."""
    table = [line.split("\t") for line in read(bible / "languages.tsv")]
    return [code for code, verses, *_ in table[1:] if int(verses) > 20000 and not code.startswith("eng")]


def written_pair(bible: Path, code: str, folder: Path, rows: int | None) -> tuple[Path, Path]:
    """Write the verses that English and another language both have, plain."""
    columns = [gzip.decompress((bible / f"{name}.txt.gz").read_bytes()).decode().split("\n") for name in ("eng", code)]
    both = [pair for pair in zip(*columns, strict=True) if all(text.strip() for text in pair)][:rows]
    paths = folder / f"{code}.en", folder / f"{code}.{code}"
    for path, texts in zip(paths, zip(*both, strict=True), strict=True):
        path.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    return paths


def learned(pairs: dict[str, tuple[Path, Path]], folder: Path) -> Path:
    """Learn a model of all languages, and write fairseq's dictionary of its pieces."""
    lines = [line for pair in pairs.values() for path in pair for line in read(path)[::8]]
    model = folder / "model"
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_prefix=str(model), vocab_size=8000, minloglevel=2
    )
    found = pieces(model.with_suffix(".model"))
    (folder / "dict.txt").write_bytes(Vocabulary(found, ()).dump())
    return model.with_suffix(".model")


def read(path: Path) -> list[str]:
    """Return the lines of a file."""
    return path.read_text(encoding="utf-8").split("\n")[:-1]


def timed(work: Callable[[], object]) -> float:
    """Return how long it takes, in seconds of wall clock."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


if __name__ == "__main__":
    given = [argument for argument in sys.argv[1:] if argument != "--quick"]
    main(Path(given[0]) if given else ROOT.parent / "shared" / "data", "--quick" in sys.argv)
