"""The whole way in ten minutes: a corpus from Babel's locale data, a 36-layer DeepNet, 132 directions, a BLEU matrix.

Usage: python scripts/demo.py [FOLDER]   (default: demo). A second run continues where the first one stopped.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from steps import step

CONFIG = Path(__file__).parents[1] / "configs" / "demo.yaml"
UPDATES = 1500
# The learning rate is on its way down, but not at 0, when the ten minutes are over.
DECAY_UPDATES = 2050
TRAINING = (
    "--task many_to_many_translation --arch deepnet_mt_36 --encoder-embed-dim 64 --encoder-ffn-embed-dim 128 "
    "--encoder-attention-heads 4 --share-all-embeddings --dropout 0.0 "
    "--criterion label_smoothed_linear_cross_entropy --label-smoothing 0.1 "
    "--optimizer torch_adam --adam-betas (0.9,0.98) "
    "--lr 4e-3 --depth-rates adam --lr-scheduler polynomial_decay --warmup-updates 200 "
    f"--total-num-update {DECAY_UPDATES} --max-update {UPDATES} --max-tokens 1000 --seed 1 --updates-per-epoch 400 "
    "--no-epoch-checkpoints --log-format simple --log-interval 50 --cpu --distributed-world-size 2"
).split()


def main(folder: Path) -> None:
    """Prepare, train, evaluate; name the files to look at."""
    store, checkpoints, results = folder / "store", folder / "checkpoints", folder / "results"
    checkpoint = checkpoints / "checkpoint_last.pt"
    environment = {**os.environ, "MTDEEP_DEMO": str(folder.resolve())}
    seconds = step("1/3  a parallel corpus of 12 languages", ["mtdeep", "prepare", str(CONFIG)], environment)
    train = ["fairseq-train", str(store), *TRAINING, "--save-dir", str(checkpoints)]
    # With matrices as small as these, two processes of one thread each do more than one of two.
    seconds += step("2/3  18 + 18 layers learn 132 directions", train, {**environment, "OMP_NUM_THREADS": "1"})
    evaluate = ["mtdeep", "evaluate", str(store), "--checkpoint", str(checkpoint), "--output", str(results)]
    seconds += step("3/3  all 132 directions are translated and scored", evaluate)
    print(f"\nThat took {seconds / 60:.1f} minutes. Look at")
    print(f"  {results / 'bleu.png'}           the matrix as a picture")
    print(f"  {results / 'hypotheses.jsonl'}   every translation")
    print(f"  {checkpoints / 'checkpoint_last.pt'}   the model, to go on with: fairseq-generate, mtdeep evaluate")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("demo"))
