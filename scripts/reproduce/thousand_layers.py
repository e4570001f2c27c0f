"""A thousand layers: DeepNet of 500-500 layers beside Post-LN of the same size.

Usage: python scripts/reproduce/thousand_layers.py DATA [--folder FOLDER] [--jobs N]
       python scripts/reproduce/thousand_layers.py --quick

DATA holds train.en.gz, val.en, test_2016_flickr.en and the same for de and fr (github.com/multi30k/dataset, task 1).
A second run continues where the first one stopped. The report goes to docs/reproductions/thousand_layers.md.
"""

from __future__ import annotations

from collections.abc import Sequence

from report import Description
from reproduction import QUICK, Size, main, runs_by_depth
from sweep import Run

SCHEMES = ("DeepNet", "Post-LN")
LEARNING_RATE, WARM_UP = 1e-3, 100
SIZE = Size(max_tokens=640, width=32, ffn=64, heads=2, updates=500, interval=50)
ABOUT = Description(
    name="thousand_layers",
    title="A thousand layers",
    claim="After DeepNet (arXiv 2203.00555, Table 2), which trained 500-500 layers of width 512 on OPUS-100 to an "
    "average BLEU of 32.1 (31.1 with 100-100). The question here is only whether such a depth trains, and whether "
    "Post-LN of the same size does.",
    rows="scheme",
    settings=(
        f"Multi30k, English-German, about 500 target tokens an update, {SIZE.updates} updates. Width {SIZE.width}, "
        f"feed-forward {SIZE.ffn}, {SIZE.heads} heads, no dropout: no sentence is seen twice.",
        f"Learning rate, for both: {LEARNING_RATE:g} after {WARM_UP} updates of linear warm-up, then inverse "
        "square root.",
    ),
    smaller=(
        "Multi30k, one direction, for OPUS-100; width 32 for 512; batches of about 500 target tokens for 128 x 4,096; "
        f"{SIZE.updates} updates for four epochs; validation loss for BLEU.",
    ),
    full_size="""\
fairseq-train STORE --task many_to_many_translation --directions centric:en --share-all-embeddings --amp \\
    --arch deepnet_mt_1000 --checkpoint-activations \\
    --criterion label_smoothed_linear_cross_entropy --label-smoothing 0.1 --dropout 0.1 \\
    --optimizer torch_adam --adam-betas '(0.9,0.98)' --adam-eps 1e-8 \\
    --lr 5e-4 --lr-scheduler inverse_sqrt --warmup-updates 4000 --warmup-init-lr 1e-7 \\
    --max-tokens 4096 --update-freq 16 --distributed-world-size 8 --max-update N
# N: updates in four epochs of OPUS-100""",
)


def runs(quick: bool) -> Sequence[Run]:
    """Return the two trainings."""
    size, depth = (QUICK, 4) if quick else (SIZE, 500)
    options = f"--lr {LEARNING_RATE} --lr-scheduler inverse_sqrt --warmup-updates {WARM_UP}"
    return runs_by_depth({depth: SCHEMES}, size, options)


if __name__ == "__main__":
    main(str(__doc__), ABOUT, runs)
