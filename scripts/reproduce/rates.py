"""Which rate a DeepNorm encoder bears under Adam, and why: controls of one factor.

Usage: python scripts/reproduce/rates.py DATA [--folder FOLDER] [--jobs N] [--groups NAME,NAME,...] [--missing]
       python scripts/reproduce/rates.py --quick

DATA holds train.en.gz, val.en, test_2016_flickr.en and the same for de and fr (github.com/multi30k/dataset, task 1).
A second run continues where the first one stopped; with --groups it trains those alone, with --missing what has no
result yet. Results are kept in docs/reproductions/rates.json, and the page beside it is made of all that are there.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from control import Control
from controlled import SEEDS, Group, Page, line, main

from mtdeep.nn.depth import deepnorm_adam_rate, deepnorm_decoder

RATES = (1e-3, 2e-3, 4e-3, 8e-3)
ENCODER_RATES = (1.25e-4, 2.5e-4, 5e-4, 1e-3, 2e-3)


def decoder_factor(layers: int) -> float:
    """Return beta_d / alpha_d."""
    alpha, beta = deepnorm_decoder(layers, layers)
    return beta / alpha


def ratio(layers: int, updates: int) -> Group:
    """Return the grid of the encoder's layers' rate by everything else's."""
    return Group(
        f"The rate of the encoder's layers by everything else's, {layers}-{layers} layers, {updates} updates: is it "
        "the encoder's own rate that must be small, or its share of the others'?",
        [
            line(f"{rate:g}, encoder {encoder:g}", Control(layers=layers, rate=rate, encoder=encoder / rate), updates)
            for rate in RATES
            for encoder in ENCODER_RATES
        ],
    )


FACTOR = deepnorm_adam_rate(18, 18)
PLAIN = Control()
SLOWER = Control(encoder=FACTOR)


def changed(**fields: Any) -> Control:
    """Return the control at 18-18 with the factor and something else."""
    return replace(SLOWER, **fields)


CAUSE = Group(
    "The cause, without any factor (18-18 layers, 2e-3): is what pushes the encoder common to all tokens, and is it "
    "the frequencies of words, which a decoder learns first?",
    [
        line("nothing", PLAIN, seeds=SEEDS),
        line("the factor", SLOWER, seeds=SEEDS),
        line("an output bias, which starts at the log frequencies", replace(PLAIN, frequency_bias=True), seeds=SEEDS),
        line("the gradient's mean over tokens taken out", replace(PLAIN, centred_gradient=True), seeds=SEEDS),
    ],
)
TIME = Group(
    "Time: how long the factor is needed (18-18 layers, 2e-3).",
    [
        *[
            line(f"the factor for {until} updates, then 1", changed(until=until), seeds=SEEDS)
            for until in (50, 100, 200)
        ],
        line("the factor, rising to 1 from update 50 to 200", changed(rise=200), seeds=SEEDS),
        line("no factor, the encoder's warm-up 284 updates", replace(PLAIN, encoder_warm_up=284), seeds=SEEDS),
        line("no factor, the encoder's warm-up 450 updates", replace(PLAIN, encoder_warm_up=450), seeds=SEEDS),
        line("no factor, a warm-up of 284 updates for all", replace(PLAIN, warm_up=284), seeds=SEEDS),
    ],
)
DEEP = Control(layers=100, rate=1.5e-3, warm_up=100)
DEEPEST = Control(layers=500, width=32, rate=1e-3, warm_up=100, tokens=640)
PARTS = Group(
    "Which parameters of the encoder's layers (18-18 layers, 2e-3; 100-100, 1.5e-3; 500-500 of width 32, 1e-3).",
    [
        *[
            line(f"18-18, {parts}", changed(parts=parts), seeds=SEEDS)
            for parts in ("matrices", "matrices and biases", "norms", "all")
        ],
        *[
            line(f"{deep.layers}-{deep.layers}, {what}", replace(deep, **fields), 100)
            for deep in (DEEP, DEEPEST)
            for what, fields in (
                ("none", {}),
                *[
                    (parts, {"encoder": deepnorm_adam_rate(deep.layers, deep.layers), "parts": parts})
                    for parts in ("matrices", "norms", "all")
                ],
            )
        ],
    ],
)
OTHERS = Group(
    "The same factor on other schemes' encoders, and on the decoder (18-18 layers).",
    [
        *[
            line(f"{name}, {rate:g}, {what}", Control(scheme=scheme, rate=rate, encoder=encoder), seeds=seeds)
            for scheme, name in (("preln", "Pre-LN"), ("subln", "Magneto"), ("residual", "ResiDual"))
            for rate, seeds in ((4e-3, SEEDS), (2e-3, (1,)))
            for what, encoder in (("no factor", 1.0), ("the factor", FACTOR))
        ],
        line("DeepNet, 4e-3, no factor", replace(PLAIN, rate=4e-3), seeds=SEEDS),
        line("DeepNet, 4e-3, the factor", changed(rate=4e-3), seeds=SEEDS),
        line(
            "DeepNet, 4e-3, the factor, beta_d/alpha_d on the decoder", changed(rate=4e-3, decoder=decoder_factor(18))
        ),
        line("DeepNet, 4e-3, the encoder's factor on both", changed(rate=4e-3, decoder=FACTOR)),
        line(
            "DeepNet, 4e-3, beta_d/alpha_d on the decoder alone", replace(PLAIN, rate=4e-3, decoder=decoder_factor(18))
        ),
    ],
)
ADAM = Group(
    "Adam's epsilon, weight decay, and four times the batch (18-18 layers, 2e-3).",
    [
        line(f"{what}, {how}", replace(control, **fields))
        for how, control in (("no factor", PLAIN), ("the factor", SLOWER))
        for what, fields in (
            ("epsilon 1e-12", {"epsilon": 1e-12}),
            ("weight decay 0.01", {"weight_decay": 0.01}),
            ("four batches an update", {"batches": 4}),
        )
    ],
)
WIDTH = Group(
    "Widths (18-18 layers, 300 updates).",
    [
        line(f"{width}, {rate:g}, {how}", Control(width=width, rate=rate, encoder=encoder))
        for width, rates in ((64, (2e-3,)), (128, (1e-3, 2e-3)), (256, (5e-4, 2e-3)))
        for rate in rates
        for how, encoder in (("no factor", 1.0), ("the factor", FACTOR))
    ],
)


def late(layers: int, updates: int, rate: float, directions: str) -> Group:
    """Return the long trainings, with dropout and a warm-up as users have it."""
    control = Control(layers=layers, rate=rate, warm_up=1000, decay=True, dropout=0.1, directions=directions)
    slower = replace(control, encoder=deepnorm_adam_rate(layers, layers))
    return Group(
        f"Late: {layers}-{layers} layers, {updates:,} updates at {rate:g}, warm-up 1,000, then inverse square root, "
        f"dropout 0.1, directions {directions}.",
        [
            line("no factor", control, updates),
            line("the factor", slower, updates),
            line("the factor, rising to 1 from update 1,000 to 2,000", replace(slower, rise=2000), updates),
            line("no factor, a warm-up of 1,400", replace(control, warm_up=1400), updates),
        ],
    )


PAGE = Page(
    "rates",
    "Rates by depth: the controls",
    "Width 64, feed-forward 128, 4 heads, Multi30k English-German, about 1,100 target tokens an update, a warm-up of "
    "50 updates and a constant rate after it, no dropout, Adam's betas 0.9 and 0.98, where a table says nothing else. "
    "The factor is beta_e / alpha_e of DeepNorm's encoder (`mtdeep/nn/depth.py`), on all parameters of the encoder's "
    "layers.",
    groups={
        "cause": CAUSE,
        "ratio-18": ratio(18, 300),
        "time": TIME,
        "others": OTHERS,
        "ratio-6": ratio(6, 300),
        "adam": ADAM,
        "parts": PARTS,
        "late-18": late(18, 5000, 2e-3, "en-de,de-en,en-fr,fr-en,de-fr,fr-de"),
        "ratio-50": ratio(50, 200),
        "width": WIDTH,
        "late-50": late(50, 3000, 1.5e-3, "en-de"),
    },
    quick={
        "cause": Group(
            "The factor.",
            [
                line("nothing", Control(layers=2, width=16, tokens=200), 20, seeds=(1, 2)),
                line("the factor", Control(layers=2, width=16, tokens=200, encoder=0.5), 20, seeds=(1, 2)),
            ],
        )
    },
)

if __name__ == "__main__":
    main(str(__doc__), PAGE)
