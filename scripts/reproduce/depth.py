"""Which schemes train at which depth: Post-LN, Pre-LN, DeepNet, Magneto and ResiDual from 6-6 to 100-100 layers.

Usage: python scripts/reproduce/depth.py DATA [--folder FOLDER] [--jobs N]
       python scripts/reproduce/depth.py --quick

DATA holds train.en.gz, val.en, test_2016_flickr.en and the same for de and fr (github.com/multi30k/dataset, task 1).
A second run continues where the first one stopped. The report goes to docs/reproductions/depth.md.
"""

from __future__ import annotations

from collections.abc import Sequence

from report import Description
from reproduction import ARCHITECTURES, COMPARED, QUICK, Size, main, make_run, runs_by_depth
from sweep import Run

LEARNING_RATE, LOWER_RATE, WARM_UP = 1.5e-3, 5e-4, 100
SIZE = Size(max_tokens=1250, width=64, ffn=128, heads=4, updates=450, interval=90)
DEPTHS = {6: COMPARED, 18: COMPARED, 50: COMPARED}
DEEPEST = {100: ("Post-LN", "Pre-LN", "DeepNet")}
LOWER_DEPTHS = (50, 100)
QUICK_DEPTHS = {1: COMPARED, 3: ("DeepNet",)}
ABOUT = Description(
    name="depth",
    title="Depth: which schemes train",
    claim="After Table 1 of DeepNet (arXiv 2203.00555), WMT-17 English-German: Post-LN trains at 6-6 layers and "
    "diverges at 18-18 and beyond; Pre-LN trains at all depths and loses BLEU from 18-18 (28.1) to 100-100 (27.4); "
    "DeepNet trains at all depths and gains (28.8 at 18-18, 29.0 at 50-50, 28.9 at 100-100). Magneto (2210.06423) and "
    "ResiDual (2304.14802) are not in that table.",
    rows="scheme",
    settings=(
        f"Multi30k, English-German, about 1,100 target tokens an update, {SIZE.updates} updates. Width {SIZE.width}, "
        f"feed-forward {SIZE.ffn}, {SIZE.heads} heads, no dropout: no sentence is seen twice.",
        f"One schedule for all: the table's learning rate, {LEARNING_RATE:g}, after {WARM_UP} updates of linear "
        "warm-up, then inverse square root. The warm-up is short, since the paper's 4,000 updates "
        "are nine times as long as all of it.",
        f"At that rate the deepest DeepNets lose their encoder (docs/training.md): they were trained at {LOWER_RATE:g} "
        "too, a rate that was chosen before it was tried.",
    ),
    smaller=(
        "Multi30k (29,000 pairs) for WMT-17; width 64 for 512; batches of about 1,100 target tokens for "
        f"128 x 4,096; {SIZE.updates} updates for 100,000; validation loss for BLEU. Differences between schemes that "
        "show late in a training cannot be seen here.",
    ),
    full_size="""\
fairseq-train STORE --task many_to_many_translation --directions en-de --share-all-embeddings --amp \\
    --arch deepnet_mt_200 \\
    --criterion label_smoothed_linear_cross_entropy --label-smoothing 0.1 --dropout 0.4 --weight-decay 1e-4 \\
    --optimizer torch_adam --adam-betas '(0.9,0.98)' --adam-eps 1e-8 \\
    --lr 1.5e-3 --lr-scheduler inverse_sqrt --warmup-updates 4000 --warmup-init-lr 1e-7 \\
    --max-tokens 4096 --update-freq 16 --distributed-world-size 8 --max-update 100000
# and the same with --arch postln_mt, preln_mt, deepnet_mt, magneto_mt, residual_mt and
# --encoder-layers N --decoder-layers N for N = 6, 18, 50, 100""",
    bleu=True,
)


def runs(quick: bool) -> Sequence[Run]:
    """Return a training for each scheme and depth."""
    size, depths = (QUICK, QUICK_DEPTHS) if quick else (SIZE, DEPTHS | DEEPEST)
    schedule = f"--lr-scheduler inverse_sqrt --warmup-updates {WARM_UP}"
    found = runs_by_depth(depths, size, f"--lr {LEARNING_RATE} {schedule}")
    for depth in LOWER_DEPTHS[:0] if quick else LOWER_DEPTHS:
        found.append(
            make_run(
                f"DeepNet at {LOWER_RATE:g}",
                f"{depth}-{depth}",
                suffix=f"{depth}-{LOWER_RATE:g}",
                architecture=ARCHITECTURES["DeepNet"],
                depth=depth,
                size=size,
                options=f"--lr {LOWER_RATE} {schedule}",
            )
        )
    return found


if __name__ == "__main__":
    main(str(__doc__), ABOUT, runs)
