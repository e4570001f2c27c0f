"""The whole way in ten minutes: a corpus from Babel's locale data, a 36-layer DeepNet, 132 directions, a BLEU matrix.

Usage: python scripts/demo.py [FOLDER]   (default: demo). A second run continues where the first one stopped.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from steps import step

UPDATES = 1500
MODEL = (
    "--arch deepnet_mt_36 --encoder-embed-dim 96 --encoder-ffn-embed-dim 192 --encoder-attention-heads 4 "
    "--share-all-embeddings --dropout 0.0"
)
OPTIMISATION = (
    "--criterion label_smoothed_linear_cross_entropy --label-smoothing 0.1 --optimizer adam --adam-betas (0.9,0.98) "
    f"--lr 3e-3 --lr-scheduler polynomial_decay --warmup-updates 150 --total-num-update {UPDATES} "
    f"--max-update {UPDATES} --max-tokens 1500 --seed 1"
)
LOGGING = (
    "--log-format simple --log-interval 50 --updates-per-epoch 500 --no-epoch-checkpoints --num-workers 0 "
    "--disable-validation"
)


def main(folder: Path) -> None:
    """Prepare, train, evaluate; name the files to look at."""
    store, checkpoints, results = folder / "store", folder / "checkpoints", folder / "results"
    environment = {**os.environ, "MTDEEP_DEMO": str(folder.resolve())}
    step("1/3 a parallel corpus in 12 languages", ["mtdeep", "prepare", "configs/demo.yaml"], environment)
    training = f"--task many_to_many_translation {MODEL} {OPTIMISATION} {LOGGING} --save-dir {checkpoints}"
    step("2/3 training 18 + 18 layers on 132 directions", ["fairseq-train", str(store), *training.split()])
    checkpoint = checkpoints / "checkpoint_last.pt"
    step(
        "3/3 translating and scoring all 132 directions",
        ["mtdeep", "evaluate", str(store), "--checkpoint", str(checkpoint), "--output", str(results)],
    )
    print(f"\nLook at:\n  {results}/bleu.png\n  {results}/bleu.tsv\n  {checkpoint}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("demo"))
