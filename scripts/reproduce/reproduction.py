"""What the reproductions of several trainings have in common: options, data, sweep, report."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from outcome import Outcome, unigram_loss
from report import Description, write_report
from source_use import source_use
from sweep import CHECKPOINTS, LAST, Run, sweep

from mtdeep.corpus import Store
from mtdeep.errors import UserError

sys.path.insert(0, str(Path(__file__).parents[1]))
from steps import step

ROOT = Path(__file__).parents[2]
DIRECTION = "en-de"
COMMON = (
    f"--task many_to_many_translation --directions {DIRECTION} --share-all-embeddings "
    "--criterion label_smoothed_linear_cross_entropy --label-smoothing 0.1 "
    "--optimizer torch_adam --adam-betas (0.9,0.98) --cpu --seed 1 --max-tokens-valid 4000 "
    "--dropout 0.0 --no-epoch-checkpoints --keep-interval-updates 1"
)
ARCHITECTURES = {
    "Post-LN": "postln_mt",
    "Pre-LN": "preln_mt",
    "DeepNet": "deepnet_mt",
    "Magneto": "magneto_mt",
    "ResiDual": "residual_mt",
}
"""From a row of the tables to its architecture."""
Findings = Callable[[Sequence[Outcome], float], Sequence[str]]


@dataclass(frozen=True)
class Preparation:
    """How DATA (None with --quick) becomes what fairseq-train is given, and what its unigram distribution's loss is."""

    prepare: Callable[[Path | None, Path], Path]
    unigram_loss: Callable[[Path], float]
    directions: str | None = None
    """What is translated; None: nothing is."""


@dataclass(frozen=True)
class Size:
    """How large the trainings are: Multi30k's, or --quick's."""

    max_tokens: int
    width: int
    ffn: int
    heads: int
    updates: int
    interval: int
    """Updates between validations, which save a checkpoint too."""

    def arguments(self) -> str:
        """Return fairseq-train's options for it."""
        # One epoch: its end would be one more validation, at another place.
        return (
            f"--max-tokens {self.max_tokens} --encoder-embed-dim {self.width} --encoder-ffn-embed-dim {self.ffn} "
            f"--encoder-attention-heads {self.heads} --save-interval-updates {self.interval} "
            f"--updates-per-epoch {self.updates + 1}"
        )


QUICK = Size(max_tokens=200, width=8, ffn=16, heads=2, updates=10, interval=5)


def make_run(row: str, column: str, *, suffix: str, architecture: str, depth: int, size: Size, options: str) -> Run:
    """Return the training of a model with *depth* layers in each stack; *options* are fairseq-train's others.

    Its name is the architecture's with the suffix.
    """
    layers = f"--arch {architecture} --encoder-layers {depth} --decoder-layers {depth}"
    arguments = f"{COMMON} {layers} {size.arguments()} {options}".split()
    name = f"{architecture.removesuffix('_mt')}-{suffix}"
    return Run(name, row, column, 2 * depth, size.updates, tuple(arguments))


def no_findings(outcomes: Sequence[Outcome], unigram: float) -> Sequence[str]:
    """The table says it all."""
    return ()


def main(
    usage: str,
    about: Description,
    runs: Callable[[bool], Sequence[Run]],
    findings: Findings = no_findings,
    preparation: Preparation | None = None,
) -> None:
    """Parse the options, prepare, train, report; *runs* makes the trainings, those of --quick for True.

    Trainings are on a store, unless *preparation* makes something else of DATA (None with --quick) in FOLDER.
    """
    preparation = preparation or Preparation(prepared, lambda store: unigram_loss(Store(store), DIRECTION), DIRECTION)
    parser = ArgumentParser(description=usage, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument(
        "data", nargs="?", type=Path, metavar="DATA", help="folder of Multi30k, task 1: train.en.gz, val.en, ..."
    )
    parser.add_argument("--folder", type=Path, default=ROOT / "runs" / about.name, help="where everything is made")
    parser.add_argument("--jobs", type=int, default=2, help="trainings at a time, of one thread each")
    parser.add_argument(
        "--quick", action="store_true", help="a trial of a minute: tiny models, made-up text, the report in FOLDER"
    )
    options = parser.parse_args()
    if options.quick == (options.data is not None):
        parser.error("give either DATA or --quick")
    if options.jobs < 1:
        parser.error(f"--jobs is {options.jobs}, but must be at least 1")
    try:
        prepared_data = preparation.prepare(options.data, options.folder)
        chosen = runs(options.quick)
        sweep(chosen, prepared_data, options.folder, options.jobs)
    except UserError as problem:
        print(f"error: {problem}", file=sys.stderr)
        raise SystemExit(2) from None
    outcomes = [Outcome.read(run, options.folder / run.name) for run in chosen]
    unigram = preparation.unigram_loss(prepared_data)
    if preparation.directions is not None:
        for number, outcome in enumerate(outcomes):
            last = options.folder / outcome.run.name / CHECKPOINTS / LAST
            if outcome.divergence(unigram) is None:
                source = source_use(last, prepared_data, preparation.directions)
                outcomes[number] = replace(outcome, source=source)
    path = ROOT / "docs" / "reproductions" / f"{about.name}.md"
    if options.quick:
        path = options.folder / path.name
        about = replace(about, title=f"{about.title}: a trial of tiny models on made-up text", settings=(), smaller=())
    said = findings(outcomes, unigram)
    write_report(path, about, outcomes, unigram=unigram, findings=said, jobs=options.jobs)
    print(path.read_text(encoding="utf-8"))


def prepared(data: Path | None, folder: Path) -> Path:
    """Return the store in *folder*, of Multi30k or, without data, of made-up phrases; makes it if need be."""
    config = ROOT / "configs" / ("debug.yaml" if data is None else "multi30k.yaml")
    environment = {**os.environ, "MTDEEP_DEBUG": str(folder.resolve()), "MTDEEP_MULTI30K": str(folder.resolve())}
    if data is not None:
        environment["MULTI30K"] = str(data.resolve())
    step("preparing", ["mtdeep", "prepare", str(config)], environment)
    return folder / "store"
