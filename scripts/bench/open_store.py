"""Opening thousands of directions, up to the first batch: mtdeep's store beside fairseq's data-bin, alternating.

Usage: python scripts/bench/open_store.py [--quick]

One n-way corpus of made-up sentences in 202 languages, a fifth of them gaps; 11, 33, 87 and 202 of its languages give
110, 1,056, 7,482 and 40,602 directions. The peer is fairseq's task translation_multi_simple_epoch on the data-bin of
the same sentences, at the most directions that it opens (found in steps of 8). Each measurement is a process of its
own under `ulimit -n 1024`: seconds from the imports to the first batch, files open then, and the most memory, imports
included. The last line is one JSON object; its ratio is fairseq's time over mtdeep's at fairseq's number of directions,
where both saw the same number of sentence pairs.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import permutations
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
from made_up import LANGUAGES, one_way, write_store
from made_with import machine, versions

from mtdeep.corpus import Direction
from mtdeep.corpus.databin import write_databin

SIZES = (11, 33, 87, 202)
DESCRIPTORS, STEP = 1024, 8
OURS, PEER = "many_to_many_translation", "translation_multi_simple_epoch"
Measured = dict[str, Any]


def main(rows: int, repeats: int) -> None:
    """Print a line a measurement, then the summary."""
    with tempfile.TemporaryDirectory() as folder:
        store = write_store(Path(folder, "store"), LANGUAGES, rows)
        ours = {}
        for size in SIZES:
            pairs = [f"{a}-{b}" for a, b in permutations(LANGUAGES[:size], 2)]
            ours[len(pairs)] = shown(OURS, len(pairs), opened(OURS, store.path, pairs))
        pairs = one_way(LANGUAGES[:24])[:264]
        data = Path(folder, "data-bin")
        write_databin(store, data, [Direction.parse(pair) for pair in pairs], ["train"])
        most = next(n for n in range(len(pairs), 0, -STEP) if "seconds" in opened(PEER, data, pairs[:n]))
        beside: dict[str, list[Measured]] = {OURS: [], PEER: []}
        for _ in range(repeats):
            for task, place in ((OURS, store.path), (PEER, data)):
                beside[task].append(shown(task, most, opened(task, place, pairs[:most])))
    seconds = {task: statistics.median(found["seconds"] for found in runs) for task, runs in beside.items()}
    summary = {
        "name": "open_store",
        "unit": f"seconds to the first batch of {most} directions, the most that fairseq opens",
        "ours": round(seconds[OURS], 3),
        "peer": round(seconds[PEER], 3),
        "ratio": round(seconds[PEER] / seconds[OURS], 2),
        "agree": len({found["pairs"] for runs in beside.values() for found in runs}) == 1,
        "beside": {task: runs[0] for task, runs in beside.items()},
        "directions": ours,
        "versions": versions("numpy", "torch", "fairseq"),
        "machine": f"{machine()}, 1 thread",
    }
    print(json.dumps(summary))


def opened(task: str, data: Path, pairs: Sequence[str]) -> Measured:
    """Return what a process measures that opens these directions; its last line on standard error when it fails."""
    with tempfile.TemporaryDirectory() as folder:
        directions = Path(folder, "directions.txt")
        directions.write_text("\n".join(pairs), encoding="utf-8")
        child = subprocess.run(
            [sys.executable, __file__, "--open", task, str(data), str(directions)],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS)),
        )
    if child.returncode:
        return {"failed": child.stderr.strip().splitlines()[-1]}
    found: Measured = json.loads(child.stdout.splitlines()[-1])
    return found


def shown(task: str, directions: int, found: Measured) -> Measured:
    """Print a measurement and return it."""
    print(f"{task:32}{directions:7,} directions  {found}", flush=True)
    return found


def open_directions(task_name: str, data: str, directions: str) -> None:
    """In a process of its own: set up the task, draw a batch, print what that took."""
    from fairseq_batches import configured, training_batches

    names = Path(directions).read_text(encoding="utf-8").split()
    if task_name == OURS:
        arguments = ["--directions", directions]
    else:
        languages = sorted({language for name in names for language in name.split("-")})
        arguments = ["--lang-pairs", ",".join(names), "--langs", ",".join(languages), "--encoder-langtok", "src"]
        arguments += ["--decoder-langtok", "--sampling-method", "temperature", "--sampling-temperature", "5"]
    cfg = configured(task_name, data, *arguments, "--save-dir", str(Path(directions).parent))
    start = time.perf_counter()
    dataset, epochs = training_batches(cfg)
    next(iter(epochs.next_epoch_itr()))
    seconds = time.perf_counter() - start
    found = {
        "seconds": round(seconds, 3),
        "open_files": len(os.listdir("/proc/self/fd")),
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "pairs": len(dataset) if task_name == OURS else sum(len(part) for part in dataset.datasets),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--open"]:
        open_directions(*sys.argv[2:])
    else:
        quick = "--quick" in sys.argv[1:]
        main(rows=300 if quick else 3000, repeats=1 if quick else 3)
