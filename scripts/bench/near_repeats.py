"""Near repeats among made-up sentence pairs: mtdeep's out of core beside rensa's deduplicator in memory.

Usage: python scripts/bench/near_repeats.py [--quick] [ROWS]

ROWS (1,000,000; quick: 20,000) pairs of 20 words a side, drawn as words are in text (a tenth of them is the commonest
word); a fifth of the rows are earlier rows with up to three words a side replaced. Each contender has a process of its
own; its processor time, one thread, and peak memory are told, mtdeep's with a bound of 256 MB for its tables. rensa
signs both sides of a row as one set and keeps what it has seen. How good the results are is told by a search of all
pairs among 4,000 rows, half of them copies: of the rows that have an earlier one with a true Jaccard similarity of at
least 0.8 on both sides, the share that is removed (recall), and of the removed rows the share that has such a one
(precision). Many copies are at 0.8 exactly (16 of 20 shingles), where an estimate misses half. The last line is one
JSON object; *agree*: recall at 0.9 and precision at 0.7 are at least 0.9.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from rensa import RMinHashDeduplicator

sys.path.insert(0, str(Path(__file__).parents[1]))
from made_with import machine, versions

from data_prep.chunk import TextChunk, read_arrays
from data_prep.duplicates.key import sentence_keys
from data_prep.duplicates.near import BANDS, PERMUTATIONS, SEED, SIMILAR, shingles
from data_prep.stages import select
from data_prep.stages.clean import KEYS
from data_prep.stages.near_repeats import near_repeats, sign
from data_prep.stages.part import Part
from data_prep.stages.read import ROWS

LANGUAGES, WORDS, MEMORY = ("en", "de"), 20, "256MB"
SAMPLE, COPIES, COPIES_OF_SAMPLE = 4000, 0.2, 0.5
Lines = list[list[str]]


def main(rows: int) -> None:
    """Print a line a contender and the quality of each, then the summary."""
    results = {}
    for name in ("mtdeep", "rensa"):
        command = [sys.executable, __file__, "--one", name]
        results[name] = {
            count: json.loads(subprocess.run([*command, str(count)], check=True, capture_output=True).stdout)
            for count in (rows, SAMPLE)
        }
        one = results[name][rows]
        times = ", ".join(f"{what} {seconds:.1f} s" for what, seconds in one["seconds"].items())
        print(
            f"{name}: {rows:,} rows, {len(one['removed']):,} removed; {times}; "
            f"peak {one['peak'] / 1e6:,.0f} MB, of these before it began {one['before'] / 1e6:,.0f} MB; "
            f"on disk {one['disk'] / 1e6:,.0f} MB"
        )
    likeness = likeness_of(next(chunks(SAMPLE, COPIES_OF_SAMPLE)))
    quality = {name: judged(set(of_one[SAMPLE]["removed"]), likeness) for name, of_one in results.items()}
    for name, of_one in quality.items():
        print(f"{name}, {SAMPLE:,} rows: " + ", ".join(f"{what} {share:.3f}" for what, share in of_one.items()))
    ours, peer = (sum(of_one[rows]["seconds"].values()) for of_one in results.values())
    found = quality["mtdeep"]
    summary = {
        "name": "near_repeats",
        "unit": f"seconds of processor time, {rows:,} rows",
        "ours": round(ours, 1),
        "peer": round(peer, 1),
        "ratio": round(peer / ours, 2),
        "peak_memory": {name: of_one[rows]["peak"] for name, of_one in results.items()},
        "quality": quality,
        "agree": found["recall at 0.9"] >= 0.9 and found["precision at 0.7"] >= 0.9,
        "versions": versions("numpy", "duckdb", "rensa"),
        "machine": f"{machine()}, 1 thread",
    }
    print(json.dumps(summary))


def one(name: str, rows: int) -> None:
    """Run a contender and print what it took as JSON."""
    copies = COPIES_OF_SAMPLE if rows == SAMPLE else COPIES
    with tempfile.TemporaryDirectory() as folder:
        seconds, removed, before, disk = (ours if name == "mtdeep" else theirs)(Path(folder), rows, copies)
    print(json.dumps({"seconds": seconds, "removed": removed, "before": before, "disk": disk, "peak": peak()}))


def ours(folder: Path, rows: int, copies: float) -> tuple[dict[str, float], list[int], int, int]:
    parts, signed = [], []
    for number, lines in enumerate(chunks(rows, copies)):
        columns = dict(zip(LANGUAGES, lines, strict=True))
        keys = np.stack([sentence_keys(column) for column in lines], axis=1)
        parts.append(Part(folder / f"{number}.text", LANGUAGES))
        TextChunk(columns, {KEYS: keys}).write(parts[-1].chunk)
        signed.append(folder / f"{number}.signed")
        signed[-1].mkdir()
    before, start = peak(), time.process_time()
    for part, place in zip(parts, signed, strict=True):
        sign(place, part.chunk, LANGUAGES)
    middle = time.process_time()
    near_repeats(folder, parts, signed, MEMORY)
    seconds = {"signatures": middle - start, "search": time.process_time() - middle}
    found = [read_arrays(select.repeated_in(folder, number))[select.ROWS] for number in range(len(parts))]
    removed = [ROWS * number + row for number, rows in enumerate(found) for row in rows.tolist()]
    disk = sum(path.stat().st_size for place in signed for path in place.iterdir())
    return seconds, removed, before, disk


def theirs(folder: Path, rows: int, copies: float) -> tuple[dict[str, float], list[int], int, int]:
    seen = RMinHashDeduplicator(SIMILAR, PERMUTATIONS, True, BANDS, SEED)
    seconds, removed, first, before = 0.0, [], 0, peak()
    for lines in chunks(rows, copies):
        start = time.process_time()
        sets = [
            [f"{side} {shingle}" for side, text in enumerate(row) for shingle in shingles(text, spaced=True)]
            for row in zip(*lines, strict=True)
        ]
        added = seen.add_pairs([(str(first + i), own) for i, own in enumerate(sets)])
        seconds += time.process_time() - start
        removed += [first + i for i, new in enumerate(added) if not new]
        first += len(sets)
    return {"all": seconds}, removed, before, 0


def peak() -> int:
    """Return the most memory that this process has had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def chunks(rows: int, copies: float) -> Iterator[Lines]:
    """Yield columns of up to ROWS rows; copies are of rows of the same chunk."""
    draw = np.random.default_rng(1)
    names = np.array([f"w{number}" for number in range(50_000)])
    shares = 1 / np.arange(1, len(names) + 1)
    bounds = np.cumsum(shares / shares.sum())
    for start in range(0, rows, ROWS):
        count = min(ROWS, rows - start)
        words = np.searchsorted(bounds, draw.random((count, len(LANGUAGES), WORDS)))
        for row in np.flatnonzero(draw.random(count) < copies).tolist():
            words[row] = words[draw.integers(max(row, 1))]
            for side in range(len(LANGUAGES)):
                places = draw.choice(WORDS, draw.integers(4), replace=False)
                words[row, side, places] = draw.integers(0, len(names), len(places))
        yield [[" ".join(row) for row in names[words[:, side]]] for side in range(len(LANGUAGES))]


def likeness_of(lines: Lines) -> list[float]:
    """Return for each row the true similarity to the earlier row most like it: the lesser of the two sides'."""
    rows = [[set(shingles(text, spaced=True)) for text in row] for row in zip(*lines, strict=True)]
    having: dict[str, list[int]] = defaultdict(list)
    found = []
    for number, (left, right) in enumerate(rows):
        shared = Counter(other for shingle in left for other in having[shingle])
        found.append(
            max(
                (min(count / len(left | rows[other][0]), len(right & rows[other][1]) / len(right | rows[other][1]))
                 for other, count in shared.items()),
                default=0.0,
            )
        )  # fmt: skip
        for shingle in left:
            having[shingle].append(number)
    return found


def judged(removed: set[int], likeness: list[float]) -> dict[str, float]:
    """Return recall and precision at some true similarities."""
    shares = {}
    for bound in (0.8, 0.9):
        those = [row for row, similarity in enumerate(likeness) if similarity >= bound]
        shares[f"recall at {bound}"] = sum(row in removed for row in those) / len(those)
    for bound in (0.8, 0.7):
        shares[f"precision at {bound}"] = sum(likeness[row] >= bound for row in removed) / len(removed)
    return shares


if __name__ == "__main__":
    if "--one" in sys.argv:
        one(sys.argv[2], int(sys.argv[3]))
    else:
        given = [int(argument) for argument in sys.argv[1:] if not argument.startswith("-")]
        main(given[0] if given else 20_000 if "--quick" in sys.argv else 1_000_000)
