"""What the thresholds of `mtdeep probe` rest on: its numbers after 10 updates, beside what becomes of the model.

Usage: python scripts/reproduce/probe_thresholds.py [FOLDER] [--quick]

Every model of the list is probed as `mtdeep probe` does it, and then trained on made-up sentences for some hundred
updates. One that trains has learnt to use its source by then: another sentence's source costs it loss. Each result is
kept in FOLDER (default: runs/probe_thresholds), from which a second run continues. The table goes to
docs/reproductions/, with --quick to FOLDER.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

sys.path.insert(0, str(Path(__file__).parents[1]))
from made_with import made_with

from mtdeep.durable import write_atomically
from mtdeep.nn import EncoderDecoder
from mtdeep.nn.factors import DepthRates
from mtdeep.nn.residual import Branch, Residual
from mtdeep.probe import Measurement, ProbeBatch, Settings, judge, made_up_batches, measure, swept
from mtdeep.probe.gradients import flow
from mtdeep.probe.measure import Snapshot
from mtdeep.probe.states import run
from mtdeep.probe.updates import Trainer
from mtdeep.probe.verdict import LOST_GRADIENT, STEEP_GRADIENT, WEAK_GRADIENT
from mtdeep.progress import ProgressReport

ROOT = Path(__file__).parents[2]
WIDTH, VOCABULARY, TOKENS, BATCHES = 64, 256, 512, 100
LEARNT, LOOK = 0.5, 50
"""Nats per token by which another source must raise the loss of a model that has trained; updates between looks."""
RATES: tuple[DepthRates, ...] = ("none", "adam")
Found = dict[str, Any]


class Bare(Residual):
    """x <- f(x): neither skips nor normalisation."""

    def __call__(self, x: Tensor, branch: Branch, norm: Branch, post_norm: Branch) -> Tensor:
        return branch(x)

    def finish(self, x: Tensor, norm: Branch) -> Tensor:
        return x


@dataclass(frozen=True)
class Case:
    """A model, how it is trained, and for how many updates at most. Scheme "bare": Pre-LN's layers around `Bare`."""

    scheme: str
    depth: int
    rate: float = 5e-4
    warmup: int = 0
    updates: int = 600
    seed: int = 1
    rates: DepthRates = "none"

    @property
    def name(self) -> str:
        half = self.depth // 2
        name = f"{self.scheme} {half}-{half}, rate {self.rate:g}, warm-up {self.warmup}, seed {self.seed}"
        return name if self.rates == "none" else f"{name}, --depth-rates {self.rates}"


CASES = (
    *(Case(scheme, 12, seed=seed) for scheme in ("deepnorm", "preln", "postln") for seed in (1, 2)),
    *(Case("bare", 12, updates=200, seed=seed) for seed in (1, 2)),
    Case("bare", 4),
    Case("vanilla", 12),
    *(Case(scheme, 36, updates=400) for scheme in ("deepnorm", "preln", "postln")),
    Case("bare", 36, updates=100),
    Case("postln", 24, updates=400),
    Case("postln", 36, warmup=400),
    Case("deepnorm", 36, warmup=200, updates=500),
    *(Case(scheme, 36, updates=400) for scheme in ("residual", "subln", "rezero", "dsinit")),
    *(Case(scheme, 36, updates=400) for scheme in ("lns", "periln", "keel", "b2t")),
    *(Case("deepnorm", 36, rate=4e-3, updates=400, rates=rates) for rates in RATES),
    *(Case("deepnorm", 100, updates=500, rates=rates) for rates in RATES),
    Case("preln", 100, updates=200),
    Case("postln", 100, updates=100),
)
QUICK_CASES = (Case("preln", 4, rate=5e-3, updates=100), Case("bare", 12, updates=50))


def main(folder: Path, quick: bool) -> None:
    """Probe and train what is not in *folder* yet, and write the table."""
    torch.set_num_threads(1)
    folder.mkdir(parents=True, exist_ok=True)
    cases = QUICK_CASES if quick else CASES
    results: list[Found] = []
    with ProgressReport() as progress:
        for number, case in enumerate(cases, start=1):
            path = folder / (case.name.replace(" ", "_").replace(",", "") + ".json")
            if not path.exists():
                show = partial(progress.show, f"{case.name} ({number} of {len(cases)})")
                text = json.dumps(examine(case, show), indent=1)
                write_atomically(path, lambda partial, text=text: partial.write_text(text, encoding="utf-8"))
            results.append(json.loads(path.read_text(encoding="utf-8")))
    table = report(results)
    place = folder if quick else ROOT / "docs" / "reproductions"
    (place / "probe_thresholds.md").write_text(table, encoding="utf-8")
    print(table)


def build(case: Case) -> EncoderDecoder:
    """Return the model of a case."""
    bare = case.scheme == "bare"
    (candidate,) = swept(["preln" if bare else case.scheme], [case.depth], width=WIDTH, vocabulary_size=VOCABULARY)
    model = candidate.build(case.seed)
    assert isinstance(model, EncoderDecoder)
    if bare:
        for stack in (model.encoder, model.decoder):
            stack.residual = Bare()
            for layer in stack.layers:
                layer.residuals = dict.fromkeys(layer.residuals, Bare())
    return model


def examine(case: Case, progress: Callable[[int, int], None]) -> Found:
    """Probe a model of the case, and train another one like it."""
    started = time.monotonic()
    model = build(case)
    batches = made_up_batches(model.config, BATCHES + 1, tokens=TOKENS, seed=case.seed)
    settings = Settings(
        learning_rate=case.rate, warmup=case.warmup, seed=case.seed, batch_tokens=TOKENS, depth_rates=case.rates
    )
    probed = measure(model, batches[: settings.steps + 1], settings)
    return {
        "name": case.name,
        **asdict(case),
        **numbers(probed),
        "verdict": judge(probed, settings, age=None).outcome,
        **trained(case, batches, progress),
        "seconds": time.monotonic() - started,
        "made_with": made_with("torch", "mtdeep"),
    }


def numbers(probed: Measurement) -> Found:
    """Return what the verdict looks at, and what it might: by stack, before the first update and after the last."""
    moments = (probed.start, probed.end)

    def by_stack(number: Callable[[Snapshot, str], object]) -> Found:
        return {stack: [number(moment, stack) for moment in moments] for stack in probed.start.gradients}

    return {
        "gradient": by_stack(lambda moment, stack: asdict(flow(moment.gradients[stack].layers))),
        "stream_gradient": by_stack(lambda moment, stack: asdict(flow(moment.gradients[stack].stream))),
        "spread": by_stack(relative_spread),
        "kernel": by_stack(lambda moment, stack: asdict(moment.states[stack].layers[-1].kernel)),
        "self_attention": by_stack(lambda moment, stack: asdict(moment.states[stack].layers[-1].self_attention)),
        "losses": [moment.nll for moment in moments],
        "update": probed.after_one["decoder"].relative,
        "matrices": probed.sgd.matrices["decoder"],
    }


def relative_spread(moment: Snapshot, stack: str) -> float:
    """Return the spread of a stack's output by its size."""
    output = moment.states[stack].output
    assert output is not None
    return output.relative_spread


def trained(case: Case, batches: Sequence[ProbeBatch], progress: Callable[[int, int], None]) -> Found:
    """Train a model of the case until it has clearly learnt to use its source, or for all its updates."""
    model = build(case)
    trainer = Trainer(model, learning_rate=case.rate, warmup=case.warmup, depth_rates=case.rates)
    pair = batches[0].with_another_source()
    assert pair is not None
    for update in range(1, case.updates + 1):
        trainer.update(batches[1 + (update - 1) % BATCHES])
        progress(update, case.updates)
        if update % LOOK == 0 or update == case.updates:
            own, other = (run(model, batch)[1] for batch in pair)
            if other - own > 2 * LEARNT:
                break
    return {"trained_for": update, "nll": own, "gap": other - own}


def report(results: Sequence[Found]) -> str:
    """Return the table, in Markdown."""
    lines = [
        "# What the thresholds of `mtdeep probe` rest on",
        "",
        f"`python scripts/reproduce/probe_thresholds.py`; width {WIDTH}, made-up sentences of {VOCABULARY} words, "
        f"{TOKENS} tokens a batch. A model trains when another sentence's source costs it more than {LEARNT} nats per "
        "token after so many updates; training ends early where it costs twice as much.",
        "",
        "Falls, rises: the smallest and the largest ratio of a layer's gradient to that of a layer above it "
        f"(thresholds: {LOST_GRADIENT:g} and {WEAK_GRADIENT:g}; {STEEP_GRADIENT:g}), by the parameters and by the "
        "stream. Spread: of the output over tokens, by its size. Kernel: the mean cosine of two tokens of a sentence, "
        "of the highest layer's states and of its self-attention's output. All of these after 10 updates, of the "
        "worse stack. Loss: what those updates change of it. Update: of the output by one update at the peak rate, by "
        "its size.",
        "",
        "| model | falls | rises | stream falls | stream rises | spread | kernel | attention's | loss | update "
        "| verdict | trained for | loss then | another source costs | fate |",
        "|---" * 15 + "|",
        *map(row, results),
        "",
        f"- Probing and training took {sum(found['seconds'] for found in results) / 60:.1f} minutes, in one thread.",
        *(f"- Made with {made}." for made in dict.fromkeys(found["made_with"] for found in results)),
        "",
    ]
    return "\n".join(lines)


def row(found: Found) -> str:
    """Return one line of the table."""

    def after(what: str, key: str | None = None) -> list[float]:
        ends = [end for _, end in found[what].values()]
        return ends if key is None else [end[key] for end in ends]

    before, ended = found["losses"]
    cells = [
        found["name"],
        *(f"{worst(after(what, key)):.2g}"
          for what in ("gradient", "stream_gradient") for key, worst in (("fall", min), ("rise", max))),
        f"{min(after('spread')):.2g}",
        *(f"{max(after(what, 'cosine')):.4f}" for what in ("kernel", "self_attention")),
        f"{ended - before:+.2f}",
        f"{found['update']:.2g}",
        found["verdict"],
        f"{found['trained_for']:,}",
        f"{found['nll']:.2f}",
        f"{found['gap']:+.3f}",
        "trains" if found["gap"] > LEARNT else "not by then",
    ]  # fmt: skip
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    arguments = [argument for argument in sys.argv[1:] if argument != "--quick"]
    if len(arguments) > 1:
        sys.exit(__doc__)
    main(Path(arguments[0]) if arguments else ROOT / "runs" / "probe_thresholds", "--quick" in sys.argv)
