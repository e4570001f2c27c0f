"""What a training without warm-up becomes: Post-LN, Pre-LN and ResiDual, with and without, at two learning rates.

Usage: python scripts/reproduce/warm_up.py DATA [--folder FOLDER] [--jobs N]
       python scripts/reproduce/warm_up.py --quick

DATA holds train.en.gz, val.en, test_2016_flickr.en and the same for de and fr (github.com/multi30k/dataset, task 1).
A second run continues where the first one stopped. The report goes to docs/reproductions/warm_up.md.
"""

from __future__ import annotations

from collections.abc import Sequence

from report import Description
from reproduction import ARCHITECTURES, QUICK, Size, main, make_run
from sweep import Run

SCHEMES = ("Post-LN", "Pre-LN", "ResiDual")
RATES = (2e-3, 4e-3)
WARM_UP = 150
SIZE = Size(max_tokens=1250, width=128, ffn=256, heads=4, updates=600, interval=100)
ABOUT = Description(
    name="warm_up",
    title="Training without warm-up",
    claim="After sections 3 and 4 of On Layer Normalization in the Transformer Architecture (arXiv 2002.04745), "
    "IWSLT-14 German-English, 6-6 layers: Post-LN with Adam has 8.45 BLEU without warm-up and about 34 with 4,000 "
    "updates of it, and 500 are too few at the higher rate (31.16 at 5e-4, 2.77 at 1e-3); Pre-LN reaches about 34 "
    "without. ResiDual (2304.14802) claims to need none.",
    rows="scheme",
    settings=(
        f"Multi30k, English-German, about 1,100 target tokens an update, {SIZE.updates} updates, 6-6 layers of width "
        f"{SIZE.width}, feed-forward {SIZE.ffn}, {SIZE.heads} heads, no dropout.",
        f"The schedules with and without warm-up differ in the first {WARM_UP} updates alone: the rate rises from 0, "
        "or it is there in full. Then it falls as the inverse square root of the updates.",
        "The learning rates are the paper's 5e-4 and 1e-3 times 4: what a step of Adam does to a layer's output grows "
        "with the width, and the width is a quarter of the paper's.",
    ),
    smaller=(
        "Multi30k (29,000 pairs) for IWSLT-14 (153,000); width 128 and feed-forward 256 for 512 and 1,024; batches of "
        f"about 1,100 target tokens for 4,096; {SIZE.updates} updates, {WARM_UP} of them warm-up, for 4,000 of warm-up "
        "alone; validation loss for BLEU.",
    ),
    full_size="""\
fairseq-train STORE --task many_to_many_translation --directions de-en --share-all-embeddings \\
    --arch postln_mt --encoder-embed-dim 512 --encoder-ffn-embed-dim 1024 --encoder-attention-heads 4 --dropout 0.1 \\
    --criterion label_smoothed_linear_cross_entropy --label-smoothing 0.1 \\
    --optimizer torch_adam --adam-betas '(0.9,0.98)' --max-tokens 4096 --updates-per-epoch E --max-epoch 15 \\
    --lr 5e-4 --lr-scheduler inverse_sqrt --warmup-updates 4000
# Pre-LN as in the paper: --arch preln_mt, and in place of the last line
#   --lr 5e-4 --lr-scheduler piecewise --after drop --turn-at 7E
# E: updates that see IWSLT-14 once; 7E: seven times as many""",
)


def runs(quick: bool) -> Sequence[Run]:
    """Return a training for each scheme, with and without warm-up, and rate."""
    size, depth, rates = (QUICK, 1, RATES[:1]) if quick else (SIZE, 6, RATES)
    return [
        make_run(
            f"{scheme}, {'warm-up' if warm_up else 'no warm-up'}",
            f"learning rate {rate:g}",
            suffix=f"{'with' if warm_up else 'without'}-{rate:g}",
            architecture=ARCHITECTURES[scheme],
            depth=depth,
            size=size,
            options=f"--lr {rate} --lr-scheduler piecewise --warmup-updates {warm_up} --after inverse_sqrt "
            f"--turn-at {WARM_UP}",
        )
        for rate in rates
        for scheme in SCHEMES
        for warm_up in (WARM_UP, 0)
    ]


if __name__ == "__main__":
    main(str(__doc__), ABOUT, runs)
