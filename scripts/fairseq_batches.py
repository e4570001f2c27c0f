"""A task of fairseq and its training batches, without a model: what the benchmarks of loading share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fairseq import options, tasks
from fairseq.dataclass.utils import convert_namespace_to_omegaconf

MAX_TOKENS = 4096


def configured(task: str, data: Path | str, *arguments: str) -> Any:
    """Return the configuration that fairseq-train would make of these arguments."""
    given = [str(data), "--task", task, "--arch", "transformer", "--max-tokens", str(MAX_TOKENS), *arguments]
    return convert_namespace_to_omegaconf(options.parse_args_and_arch(options.get_training_parser(), given))


def training_batches(cfg: Any, *, num_workers: int = 0, num_shards: int = 1, shard_id: int = 0) -> tuple[Any, Any]:
    """Return the training data of a task, and the iterator over its epochs that the trainer would ask it for."""
    task = tasks.setup_task(cfg.task)
    task.load_dataset("train", combine=True, epoch=1)
    dataset = task.dataset("train")
    epochs = task.get_batch_iterator(
        dataset,
        max_tokens=cfg.dataset.max_tokens,
        max_sentences=None,
        max_positions=(1024, 1024),
        ignore_invalid_inputs=True,
        required_batch_size_multiple=8,
        seed=1,
        num_shards=num_shards,
        shard_id=shard_id,
        num_workers=num_workers,
        epoch=1,
    )
    return dataset, epochs
