"""Everything that is measured of one trained model, stage by stage; a stage that is done is not done again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mtdeep.probe.batches import ProbeBatch
from mtdeep.probe.candidates import Candidate
from mtdeep.probe.records import Record, plain, read_record, write_json
from mtdeep.probe.sweep import Progress
from mtdeep.probe.use.branches import even_sample, kinds_of
from mtdeep.probe.use.costs import skips, swaps
from mtdeep.probe.use.lens import readings
from mtdeep.probe.use.pruning import prune
from mtdeep.probe.use.sources import sources
from mtdeep.probe.use.states import branch_states, distances
from mtdeep.probe.use.text import Text

MOST = 64
"""Branches of a stack, and layers of a stack, that are changed one by one; of more, an even sample is."""

Advance = Callable[[], None]


class Stages:
    """The results of a model's stages, in a file that is written after each."""

    def __init__(self, name: str, path: Path, key: str, progress: Progress) -> None:
        self.name = name
        self.path = path
        self.progress = progress
        self.results: Record = read_record(path, key) or {"key": key}

    def result(self, name: str, steps: int, compute: Callable[[Advance], Any]) -> Any:
        """Return a stage's result as plain data; compute(advance), of so many steps, is called if it is not there."""
        if name not in self.results:
            what, done = f"{self.name}: {name}", iter(range(1, steps + 1))
            self.progress(what, 0, steps)
            self.results[name] = plain(compute(lambda: self.progress(what, next(done), steps)))
            write_json(self.path, self.results)
        return self.results[name]


def examine(candidate: Candidate, batches: Sequence[ProbeBatch], path: Path, key: str, progress: Progress) -> Record:
    """Return what `use.json` says of one checkpoint; its stages are kept at *path*, under *key*.

    Nothing is drawn at random, and the model's weights are the same afterwards.
    """
    stages = Stages(candidate.name, path, key, progress)
    model = candidate.build(seed=0)
    text = Text(model, batches)
    stacks = {name: _stack(text, name, stages) for name in model.stacks}
    record = {
        **candidate.identity(),
        "updates": candidate.provenance.updates,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "sentences": sum(len(batch.target) for batch in batches),
        "tokens": text.tokens,
        "loss": stages.result("loss", 1, lambda advance: text.loss(next(iter(model.stacks)))),
        "stacks": stacks,
        "source": None,
    }
    if len(model.stacks) > 1:
        layers = even_sample(candidate.config.decoder_layers, MOST)
        record["source"] = stages.result(
            "another source in each layer", len(layers) + 2, lambda advance: _dictionary(sources(text, layers, advance))
        )
    return record


def _stack(text: Text, name: str, stages: Stages) -> Record:
    """Measure one stack; branch_layers and layers are those that are measured, counted from 1."""
    modules = text.model.stacks[name].layers
    kinds = kinds_of(modules[0])
    branch_layers, layers = even_sample(len(modules), MOST // len(kinds)), even_sample(len(modules), MOST)
    branches, depths = len(branch_layers) * len(kinds), (len(layers) + 1) * len(text.batches)

    def stage(what: str, steps: int, compute: Callable[[Advance], Any]) -> Any:
        return stages.result(f"{name}, {what}", steps, compute)

    states = stage("states", 1, lambda advance: _dictionaries(branch_states(text, name, branch_layers)))
    skipped = stage("skipping", branches, lambda advance: _dictionaries(skips(text, name, branch_layers, advance)))
    swapped = stage("swapping", branches, lambda advance: _dictionaries(swaps(text, name, branch_layers, advance)))
    return {
        "depth": len(modules),
        "branch_layers": branch_layers,
        "layers": layers,
        "states": states,
        "skips": skipped,
        "swaps": swapped,
        "distances": stage("distances", 1, lambda advance: asdict(distances(text, name, layers))),
        "readings": stage("reading off", depths, lambda advance: _dictionaries(readings(text, name, layers, advance))),
        "pruning": stage("pruning", 2 * len(layers), lambda advance: asdict(prune(text, name, layers, advance))),
    }


def _dictionaries(entries: Sequence[Any]) -> list[dict[str, Any]]:
    return [asdict(entry) for entry in entries]


def _dictionary(entry: Any) -> dict[str, Any] | None:
    return None if entry is None else asdict(entry)
