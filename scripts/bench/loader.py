"""Training batches: sentences a second from the loader, beside fairseq's loader, and beside what a step consumes.

Usage: python scripts/bench/loader.py [--quick]

The corpus is open_store.py's: made-up sentences in 202 languages. Ours draws from the 7,482 directions of 87 of them
and from 120 that fairseq (task translation_multi_simple_epoch, its default of one worker process) reads too,
alternating, each in a process of its own; counted from the second batch on, because fairseq lists all batches before
the first. A training step, forward, backward and update on all cores, is timed on such batches for two models: the
demo's (18 + 18 layers, width 64) and deepnet_mt_12 (6 + 6, width 512). `agree`: a run that is stopped after some
batches and goes on with another number of processes sees the same batches as one that was not. The last line is one
JSON object; its ratio is our loader's speed over fairseq's.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import islice, permutations
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
from made_up import LANGUAGES, one_way, write_store
from made_with import machine, versions

from mtdeep.corpus import Direction
from mtdeep.corpus.databin import write_databin

OURS, PEER = "many_to_many_translation", "translation_multi_simple_epoch"
SHARED = 16  # languages whose 120 pairs both loaders draw from
MODELS = {
    "18 + 18 layers, width 64": "--arch deepnet_mt_36 --encoder-embed-dim 64 --encoder-ffn-embed-dim 128 "
    "--encoder-attention-heads 4 --share-all-embeddings --dropout 0",
    "deepnet_mt_12": "--arch deepnet_mt_12 --share-all-embeddings",
}
STEPS, UPDATES = 5, 20
Measured = dict[str, float]


def main(rows: int, batches: int, repeats: int) -> None:
    """Print a line a measurement, then the summary."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store = write_store(folder / "store", LANGUAGES[:87], rows)
        few = one_way(LANGUAGES[:SHARED])
        many = [f"{a}-{b}" for a, b in permutations(LANGUAGES[:87], 2)]
        write_databin(store, folder / "data-bin", [Direction.parse(pair) for pair in few], ["train"])
        runs: dict[str, list[Measured]] = {"ours": [], "peer": [], "many": []}
        for _ in range(repeats):
            for which, task, data, pairs in (
                ("ours", OURS, store.path, few),
                ("peer", PEER, folder / "data-bin", few),
                ("many", OURS, store.path, many),
            ):
                runs[which].append(shown(which, child("--draw", task, data, listed(folder, pairs), batches)))
        directions = listed(folder, many)
        steps = {model: shown(model, child("--step", model, store.path, directions)) for model in MODELS}
        agree = child("--resume", store.path, directions)["same"] == 1
    speed = {which: statistics.median(run["sentences a second"] for run in found) for which, found in runs.items()}
    summary = {
        "name": "loader",
        "unit": f"sentence pairs a second, {len(few)} directions",
        "ours": round(speed["ours"]),
        "peer": round(speed["peer"]),
        "ratio": round(speed["ours"] / speed["peer"], 2),
        "agree": agree,
        "of 7,482 directions": round(speed["many"]),
        "a step consumes": {model: round(step["sentences a second"], 1) for model, step in steps.items()},
        "times a step": {model: round(speed["many"] / step["sentences a second"]) for model, step in steps.items()},
        "versions": versions("mtdeep", "fairseq", "torch", "numpy"),
        "machine": machine(),
    }
    print(json.dumps(summary))


def listed(folder: Path, pairs: list[str]) -> Path:
    """Write directions to a file of their own."""
    path = folder / f"directions-{len(pairs)}.txt"
    path.write_text("\n".join(pairs), encoding="utf-8")
    return path


def shown(what: str, found: Measured) -> Measured:
    """Print a measurement and return it."""
    print(what, found, flush=True)
    return found


def child(*arguments: object) -> Measured:
    """Return what a process measures."""
    command = [sys.executable, __file__, *map(str, arguments)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode:
        sys.exit(f"{' '.join(command)}\n{ran.stderr}")
    found: Measured = json.loads(ran.stdout.splitlines()[-1])
    return found


def configuration(task: str, data: str, directions: str, *options: str) -> Any:
    """Return the configuration of a training on the directions of a file."""
    from fairseq_batches import configured

    given = ["--directions", directions]
    if task == PEER:
        names = Path(directions).read_text(encoding="utf-8").split()
        languages = sorted({language for name in names for language in name.split("-")})
        given = ["--lang-pairs", ",".join(names), "--langs", ",".join(languages), "--encoder-langtok", "src"]
        given += ["--decoder-langtok", "--sampling-method", "temperature", "--sampling-temperature", "5"]
    return configured(task, data, *given, *options, "--save-dir", str(Path(directions).parent / "out"))


def draw(task: str, data: str, directions: str, batches: str) -> Measured:
    """Draw batches as fast as they come."""
    from fairseq_batches import training_batches

    _, epochs = training_batches(configuration(task, data, directions), num_workers=1)
    samples = epochs.next_epoch_itr(shuffle=True)
    next(samples)
    start = time.perf_counter()
    sentences = sum(sample["nsentences"] for sample in islice(samples, int(batches)))
    return {"sentences a second": sentences / (time.perf_counter() - start)}


def step(model: str, data: str, directions: str) -> Measured:
    """Train for some updates; the median of their speeds."""
    from fairseq import tasks
    from fairseq.trainer import Trainer
    from fairseq_batches import training_batches

    options = f"--cpu --criterion label_smoothed_linear_cross_entropy --optimizer torch_adam --lr 1e-4 {MODELS[model]}"
    cfg = configuration(OURS, data, directions, *options.split())
    _, epochs = training_batches(cfg)
    task = tasks.setup_task(cfg.task)
    trainer = Trainer(cfg, task, task.build_model(cfg.model), task.build_criterion(cfg.criterion))
    speeds = []
    for sample in islice(epochs.next_epoch_itr(), 1 + STEPS):
        start = time.perf_counter()
        trainer.train_step([sample])
        speeds.append(sample["nsentences"] / (time.perf_counter() - start))
    return {"sentences a second": statistics.median(speeds[1:])}


def resume(data: str, directions: str) -> Measured:
    """Compare the updates of an undisturbed run with those of one that stops, and goes on in 2, then 4 processes."""
    whole, _ = updates(data, directions, 1, None, 3 * UPDATES)
    stopped: list[set[bytes]] = []
    state = None
    for processes in (1, 2, 4):
        seen, state = updates(data, directions, processes, state, UPDATES)
        stopped += seen
    return {"same": float(whole == stopped)}


def updates(data: str, directions: str, processes: int, state: Any, number: int) -> tuple[list[set[bytes]], Any]:
    """Return the batches of each update, four in all whatever the number of processes, and the state behind them."""
    from fairseq_batches import training_batches

    freq = 4 // processes
    cfg = configuration(OURS, data, directions, "--update-freq", str(freq))
    seen: list[set[bytes]] = [set() for _ in range(number)]
    for shard in range(processes):
        _, epochs = training_batches(cfg, num_shards=processes, shard_id=shard)
        if state is not None:
            epochs.load_state_dict(state)
        samples = epochs.next_epoch_itr()
        for update in seen:
            update.update(content(sample) for sample in islice(samples, freq))
    return seen, epochs.state_dict()


def content(sample: Any) -> bytes:
    """Return what a batch holds, in its order."""
    tokens = (sample["net_input"]["src_tokens"], sample["net_input"]["prev_output_tokens"], sample["target"])
    return b"|".join(side.numpy().tobytes() for side in tokens)


if __name__ == "__main__":
    work = {"--draw": draw, "--step": step, "--resume": resume}
    if sys.argv[1:2] and sys.argv[1] in work:
        print(json.dumps(work[sys.argv[1]](*sys.argv[2:])))
    else:
        quick = "--quick" in sys.argv
        main(rows=300 if quick else 3000, batches=100 if quick else 1000, repeats=1 if quick else 3)
