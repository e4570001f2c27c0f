"""What the thresholds of `mtdeep probe` rest on: its numbers after 10 updates, beside what becomes of the model.

Usage: python scripts/reproduce/probe_thresholds.py [FOLDER]

Every model of the list is probed as `mtdeep probe` does it, and then trained on made-up sentences for some hundred
updates. One that trains has learnt to use its source by then: another sentence's source costs it loss. Each result is
kept in FOLDER (default: runs/probe_thresholds), from which a second run continues; the table goes to
docs/reproductions/.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor

from mtdeep.durable import write_atomically
from mtdeep.nn import EncoderDecoder
from mtdeep.nn.residual import Branch, Residual
from mtdeep.probe import Settings, judge, made_up_batches, measure, swept
from mtdeep.probe.states import run
from mtdeep.probe.updates import Trainer
from mtdeep.probe.verdict import reach

WIDTH, VOCABULARY, TOKENS, BATCHES = 64, 256, 512, 100
LEARNT = 0.5
"""Nats per token by which another source must raise the loss of a model that has trained."""
DOCS = Path(__file__).parents[2] / "docs" / "reproductions"


class Bare(Residual):
    """x <- f(x): neither skips nor normalisation."""

    def __call__(self, x: Tensor, branch: Branch, norm: Branch) -> Tensor:
        return branch(x)

    def finish(self, x: Tensor, norm: Branch) -> Tensor:
        return x


@dataclass(frozen=True)
class Case:
    """A model, how it is trained, and for how many updates at most."""

    scheme: str
    depth: int
    rate: float = 5e-4
    warmup: int = 0
    updates: int = 600
    seed: int = 1

    @property
    def name(self) -> str:
        half = self.depth // 2
        return f"{self.scheme} {half}-{half}, rate {self.rate:g}, warm-up {self.warmup}, seed {self.seed}"


CASES = (
    *(Case(scheme, 12, seed=seed) for scheme in ("deepnorm", "preln", "postln", "bare") for seed in (1, 2)),
    *(Case(scheme, 36) for scheme in ("deepnorm", "preln", "postln", "bare")),
    Case("postln", 24),
    Case("postln", 36, warmup=400),
    Case("deepnorm", 36, warmup=200),
    Case("residual", 36),
    Case("subln", 36),
    Case("rezero", 36),
    Case("dsinit", 36),
    Case("deepnorm", 36, rate=4e-3),
    Case("deepnorm", 100, updates=400),
    Case("preln", 100, updates=400),
    Case("postln", 100, updates=200),
)


def main(folder: Path) -> None:
    """Probe and train what is not in *folder* yet, and write the table."""
    torch.set_num_threads(1)
    folder.mkdir(parents=True, exist_ok=True)
    results = []
    for case in CASES:
        path = folder / (case.name.replace(" ", "_").replace(",", "") + ".json")
        if not path.exists():
            text = json.dumps(examine(case))
            write_atomically(path, lambda partial, text=text: partial.write_text(text))
        results.append(json.loads(path.read_text()))
        print(row(results[-1]), flush=True)
    write_table(results)


def build(case: Case) -> EncoderDecoder:
    """Return the model of a case."""
    scheme = "preln" if case.scheme == "bare" else case.scheme
    (candidate,) = swept([scheme], [case.depth], width=WIDTH, vocabulary_size=VOCABULARY)
    model = candidate.build(case.seed)
    if case.scheme == "bare":
        for stack in (model.encoder, model.decoder):
            stack.residual = Bare()
            for layer in stack.layers:
                layer.residual = layer.cross_residual = Bare()
    return model


def examine(case: Case) -> dict[str, object]:
    """Probe a model of the case, and train another one like it."""
    started = time.monotonic()
    model = build(case)
    batches = made_up_batches(model.config, BATCHES + 1, tokens=TOKENS, seed=case.seed)
    settings = Settings(learning_rate=case.rate, warmup=case.warmup, seed=case.seed)
    probed = measure(model, batches[: settings.steps + 1], settings)
    verdict = judge(probed, settings, trained=False)
    seconds = time.monotonic() - started

    model = build(case)
    trainer = Trainer(model, learning_rate=case.rate, warmup=case.warmup)
    nll, gap = 0.0, 0.0
    for update in range(1, case.updates + 1):
        trainer.update(batches[1 + (update - 1) % BATCHES])
        if update % 50 == 0:
            other = batches[0].with_another_source()
            assert other is not None
            nll, gap = run(model, batches[0])[1], run(model, other)[1] - run(model, batches[0])[1]
            print(f"  {case.name}: {update} updates, {nll:.3f} nats, another source {gap:+.3f}", flush=True)
            if gap > 2 * LEARNT:
                break
    return {
        "name": case.name,
        **asdict(case),
        "reach": {stack: [reach(moment.gradients[stack]) for moment in (probed.start, probed.end)]
                  for stack in probed.start.gradients},
        "spread": {stack: [moment.states[stack].output.spread / moment.states[stack].output.rms
                           for moment in (probed.start, probed.end)] for stack in probed.start.states},
        "update": probed.after_one["decoder"].relative,
        "matrices": probed.sgd.matrices["decoder"],
        "verdict": verdict.outcome,
        "probe_seconds": seconds,
        "trained_for": update,
        "nll": nll,
        "gap": gap,
    }  # fmt: skip


def row(found: dict) -> str:  # type: ignore[type-arg]
    """Return one line of the table."""
    lowest = min(found["reach"]["encoder"][1], found["reach"]["decoder"][1])
    spread = min(found["spread"]["encoder"][1], found["spread"]["decoder"][1])
    fate = "trains" if found["gap"] > LEARNT else "does not"
    return (
        f"| {found['name']} | {lowest:.2g} | {spread:.2g} | {found['update']:.2g} | {found['verdict']} "
        f"| {found['trained_for']} | {found['nll']:.2f} | {found['gap']:+.3f} | {fate} |"
    )


def write_table(results: list[dict]) -> None:  # type: ignore[type-arg]
    """Write docs/reproductions/probe.md."""
    lines = [
        "# What the thresholds of `mtdeep probe` rest on",
        "",
        "`python scripts/reproduce/probe_thresholds.py`; width 64, made-up sentences of 256 words, 512 tokens a batch.",
        f"A model trains when another sentence's source costs it more than {LEARNT} nats per token after so many",
        "updates; training ends early where it costs twice as much. Gradient (the lowest layer's by the highest's)",
        "and spread are the lower of the two stacks', after 10 updates; updates are relative to the output.",
        "",
        "| model | gradient | spread | update by one step | verdict | trained for | loss | another source | fate |",
        "|---|---|---|---|---|---|---|---|---|",
        *(row(found) for found in results),
        "",
    ]
    (DOCS / "probe.md").write_text("\n".join(lines))


if __name__ == "__main__":
    if len(sys.argv) > 2:
        raise SystemExit(__doc__)
    main(Path(sys.argv[1] if len(sys.argv) == 2 else "runs/probe_thresholds"))
