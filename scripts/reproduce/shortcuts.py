"""Language models without shortcuts: the paper's three settings with E-SPA, U-SPA and Value-SkipInit, beside Pre-LN.

Usage: python scripts/reproduce/shortcuts.py DATA [--folder FOLDER] [--jobs N]
       python scripts/reproduce/shortcuts.py --quick

DATA holds train.en.gz, val.en, test_2016_flickr.en and the same for de and fr (github.com/multi30k/dataset, task 1);
the English is used. A second run continues where the first one stopped. The report goes to
docs/reproductions/shortcuts.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from one_language import ONE_LANGUAGE
from outcome import Outcome
from report import Description
from reproduction import main
from sweep import Run

COMMON = (
    "--task language_modeling --share-decoder-input-output-embed --sample-break-mode none "
    "--criterion label_smoothed_linear_cross_entropy --label-smoothing 0.0 "
    "--optimizer torch_adam --adam-betas (0.9,0.98) --cpu --seed 1 --dropout 0.0 --clip-norm 1.0 "
    "--no-epoch-checkpoints --keep-interval-updates 1"
)
SHAPINGS = {"E-SPA": "espa", "U-SPA": "uspa", "Value-SkipInit": "value_skipinit"}
SETTINGS = {
    "skips, no normalisation": "--skip-alpha 0.98",
    "normalisation, no skips": "--branch-norm",
    "neither": "",
}
REFERENCE = "Pre-LN"


@dataclass(frozen=True)
class Size:
    """How large the trainings are; updates of Pre-LN, and how many times as many the others may take."""

    layers: int
    width: int
    heads: int
    sentence: int
    sentences: int
    updates: int
    times: dict[str, int]
    interval: int
    """Updates between validations, which save a checkpoint too; twice as many where it is for long."""
    rates: dict[str, float]
    warm_up: int


RATES = {REFERENCE: 3e-3, "skips, no normalisation": 3e-3, "normalisation, no skips": 2e-4, "neither": 2e-4}
SIZE = Size(
    layers=36,
    width=64,
    heads=4,
    sentence=64,
    sentences=8,
    updates=200,
    times={"skips, no normalisation": 2, "normalisation, no skips": 6, "neither": 8},
    interval=25,
    rates=RATES,
    warm_up=50,
)
QUICK = Size(
    layers=3,
    width=16,
    heads=2,
    sentence=16,
    sentences=4,
    updates=10,
    times=dict.fromkeys(SETTINGS, 1),
    interval=5,
    rates=RATES,
    warm_up=2,
)
ABOUT = Description(
    name="shortcuts",
    title="Language models without shortcuts",
    claim="After Deep Transformers without Shortcuts (arXiv 2302.10322), WikiText-103 and C4: without normalisation, "
    "skips kept, such networks train at the speed of standard ones; with neither, they need about 5 times as many "
    "iterations. A network that has only lost its skips does not train.",
    rows="setting",
    settings=(
        f"English of Multi30k in one stream, blocks of {SIZE.sentence} tokens, {SIZE.sentence * SIZE.sentences:,} "
        f"tokens an update. {SIZE.layers} layers of width {SIZE.width}, feed-forward {4 * SIZE.width}, {SIZE.heads} "
        "heads, no dropout, rotary positions, tailored activation (Pre-LN: ReLU).",
        f"Learning rates, held after {SIZE.warm_up} updates of linear warm-up: "
        + ", ".join(f"{setting}: {rate:g}" for setting, rate in RATES.items())
        + ". Gradients are clipped to a norm of 1.",
        "These rates are the best of those tried before for 200 to 700 updates, with E-SPA but for Pre-LN, by the "
        "training loss: 1e-3 and 3e-3 for Pre-LN and with skips, 1e-4, 2e-4, 3e-4 and 1e-3 without; without "
        "skips 1e-3 stays at the unigram distribution's loss and 3e-3 diverges.",
        "Skips have weight 0.98, branches the root of 1 - 0.98^2.",
    ),
    smaller=(
        f"Multi30k's 29,000 captions for WikiText-103; width {SIZE.width}; {SIZE.updates} updates of Pre-LN, and at "
        f"most {max(SIZE.times.values())} times as many of the others.",
    ),
    full_size="""\
fairseq-train DATA_BIN --task language_modeling --arch vanilla_lm --decoder-layers 36 --decoder-embed-dim 512 \\
    --decoder-ffn-embed-dim 2048 --decoder-attention-heads 8 --share-decoder-input-output-embed \\
    --tokens-per-sample 512 --batch-size 64 --amp --max-update 100000 \\
    --criterion label_smoothed_linear_cross_entropy --label-smoothing 0.0 \\
    --optimizer torch_adam --adam-betas '(0.9,0.98)' --lr 5e-4 --lr-scheduler inverse_sqrt --warmup-updates 4000
# and with --shaping uspa or value_skipinit, --skip-alpha 0.98, --branch-norm, and --arch preln_lm""",
)


def runs(quick: bool) -> Sequence[Run]:
    """Return Pre-LN, the paper's settings with each shaping, and a network that has only lost its skips."""
    size = QUICK if quick else SIZE
    standard = "preln_lm --positions rotary"
    found = [_run(size, REFERENCE, "no shaping", standard, "preln", size.updates, size.rates[REFERENCE])]
    naive = "vanilla_lm --shaping none --activation-fn relu"
    most = size.updates * size.times["neither"]
    found.append(_run(size, "neither", "no shaping", naive, "naive", most, size.rates["neither"]))
    for setting, options in SETTINGS.items():
        for shaping, flag in SHAPINGS.items():
            architecture = f"vanilla_lm --shaping {flag} {options}"
            name = f"{flag}-{setting.replace(',', '').replace(' ', '-')}"
            updates = size.updates * size.times[setting]
            found.append(_run(size, setting, shaping, architecture, name, updates, size.rates[setting]))
    return found


def _run(size: Size, row: str, column: str, architecture: str, name: str, updates: int, rate: float) -> Run:
    interval = size.interval if updates <= 2 * size.updates else 2 * size.interval
    arguments = (
        f"{COMMON} --arch {architecture} --decoder-layers {size.layers} --decoder-embed-dim {size.width} "
        f"--decoder-ffn-embed-dim {4 * size.width} --decoder-attention-heads {size.heads} "
        f"--tokens-per-sample {size.sentence} --batch-size {size.sentences} --batch-size-valid {4 * size.sentences} "
        f"--save-interval-updates {interval} "
        f"--lr {rate:g} --lr-scheduler piecewise --warmup-updates {size.warm_up} --after hold"
    )
    return Run(name, row, column, size.layers, updates, tuple(arguments.split()))


def findings(outcomes: Sequence[Outcome], unigram: float) -> Sequence[str]:
    """Return by how many times as many updates each network reached Pre-LN's losses."""
    reference = next(outcome for outcome in outcomes if outcome.run.row == REFERENCE)
    goals = [reference.validation[len(reference.validation) * part // 4 - 1] for part in (1, 2, 4)]
    said = ", ".join(f"{loss:.2f} bits after {updates:,}" for updates, loss in goals)
    sentences = [f"Pre-LN has {said} updates. By how many times as many updates each reaches these losses:"]
    for outcome in outcomes:
        if outcome is reference:
            continue
        ratios = [_ratio(outcome, updates, loss) for updates, loss in goals]
        end = f"{outcome.last_loss:.2f} bits after {outcome.updates:,}"
        sentences.append(f"{outcome.run.row}, {outcome.run.column}: {', '.join(ratios)} ({end}).")
    return sentences


def _ratio(outcome: Outcome, updates: int, goal: float) -> str:
    reached = next((at for at, loss in outcome.validation if loss <= goal), None)
    return "never" if reached is None else f"{reached / updates:.1f}"


if __name__ == "__main__":
    main(str(__doc__), ABOUT, runs, findings, ONE_LANGUAGE)
