"""The largest learning rate that each scheme bears: 18-18 layers over a grid of rates.

Usage: python scripts/reproduce/learning_rates.py DATA [--folder FOLDER] [--jobs N]
       python scripts/reproduce/learning_rates.py --quick

DATA holds train.en.gz, val.en, test_2016_flickr.en and the same for de and fr (github.com/multi30k/dataset, task 1).
A second run continues where the first one stopped. The report goes to docs/reproductions/learning_rates.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import dropwhile, takewhile

from outcome import Outcome
from report import Description
from reproduction import ARCHITECTURES, QUICK, Size, main, make_run
from sweep import Run

RATES = (1e-3, 2e-3, 4e-3, 8e-3, 1.6e-2, 3.2e-2)
LOWER_RATES = {"Post-LN": (2.5e-4, 5e-4), "DeepNet": (2.5e-4, 5e-4)}
"""Of the schemes that bear none of the others."""
WARM_UP = 50
SIZE = Size(max_tokens=1250, width=64, ffn=128, heads=4, updates=300, interval=100)
ABOUT = Description(
    name="learning_rates",
    title="The largest learning rate that a scheme bears",
    claim="Not an experiment of one paper: DeepNet (arXiv 2203.00555, Fig. 7) compares rates of 5e-4, 1e-3 and 1.5e-3, "
    "Magneto (2210.06423) claims that Sub-LN takes larger rates than Pre-LN, and On Layer Normalization in the "
    "Transformer Architecture (2002.04745) ties the rate that Post-LN bears to its warm-up.",
    rows="scheme",
    settings=(
        f"Multi30k, English-German, about 1,100 target tokens an update, {SIZE.updates} updates, 18-18 layers of width "
        f"{SIZE.width}, feed-forward {SIZE.ffn}, {SIZE.heads} heads, no dropout: no sentence is seen twice.",
        f"The rate rises over {WARM_UP} updates and stays.",
    ),
    smaller=(
        "Multi30k for WMT-17; width 64 for 512; batches of about 1,100 target tokens for 128 x 4,096; "
        f"{SIZE.updates} updates for 100,000.",
    ),
    full_size="""\
fairseq-train STORE --task many_to_many_translation --directions en-de --share-all-embeddings --amp \\
    --arch deepnet_mt_36 \\
    --criterion label_smoothed_linear_cross_entropy --label-smoothing 0.1 --dropout 0.4 --clip-norm 1.0 \\
    --optimizer torch_adam --adam-betas '(0.9,0.98)' --adam-eps 1e-6 \\
    --lr 1.5e-3 --lr-scheduler inverse_sqrt --warmup-updates 4000 \\
    --max-tokens 4096 --update-freq 16 --distributed-world-size 8 --max-update 30000
# and the same with --arch postln_mt, preln_mt, magneto_mt, residual_mt, --encoder-layers 18 --decoder-layers 18, and
# other rates""",
)


def runs(quick: bool) -> Sequence[Run]:
    """Return a training for each rate and scheme."""
    size, depth = (QUICK, 1) if quick else (SIZE, 18)
    rates = {RATES[-1]: tuple(ARCHITECTURES)} if quick else _rates()
    return [
        make_run(
            scheme,
            f"{rate:g}",
            suffix=f"{rate:g}",
            architecture=ARCHITECTURES[scheme],
            depth=depth,
            size=size,
            options=f"--lr {rate} --lr-scheduler piecewise --warmup-updates {WARM_UP}",
        )
        for rate, schemes in rates.items()
        for scheme in schemes
    ]


def _rates() -> dict[float, Sequence[str]]:
    """Return rate -> schemes, ascending."""
    lower = sorted({rate for rates in LOWER_RATES.values() for rate in rates})
    asked = {rate: [scheme for scheme, rates in LOWER_RATES.items() if rate in rates] for rate in lower}
    return {**asked, **dict.fromkeys(RATES, tuple(ARCHITECTURES))}


def largest_borne(outcomes: Sequence[Outcome], unigram: float) -> Sequence[str]:
    """Say for each scheme the largest rate from the first that makes progress on up to which no training failed."""
    sentences = [
        "A rate is borne when no training at it, or at a lower one of the grid that is large enough for progress in "
        "this time, diverged or went deaf."
    ]
    for scheme in dict.fromkeys(outcome.run.row for outcome in outcomes):
        rising = [outcome for outcome in outcomes if outcome.run.row == scheme]
        enough = list(dropwhile(lambda outcome: outcome.divergence(unigram) == "no progress", rising))
        borne = list(takewhile(lambda outcome: not outcome.deaf and outcome.divergence(unigram) is None, enough))
        what = f"bears {borne[-1].run.column}" if borne else "bears none of these rates"
        beyond = " (the largest that was tried)" if borne and borne[-1] is rising[-1] else ""
        sentences.append(f"{scheme} {what}{beyond}.")
    return sentences


if __name__ == "__main__":
    main(str(__doc__), ABOUT, runs, largest_borne)
