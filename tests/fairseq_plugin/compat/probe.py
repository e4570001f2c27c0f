"""Does what each patch mends; prints {patch: "ok" or the error} as JSON.

Run as `python probe.py`, with every patch, or `python probe.py bare`, with the one alone without which fairseq cannot
be imported.
"""

from __future__ import annotations

import argparse
import importlib
import json
import logging
import multiprocessing.process
import os
import subprocess
import sys
import tempfile
import warnings
from functools import partial
from pathlib import Path
from types import SimpleNamespace

from mtdeep.fairseq_plugin import compat

if sys.argv[1:] == ["bare"]:
    compat.PATCHES = tuple(patch for patch in compat.PATCHES if patch.name == "dataclass_defaults")
    os.environ.pop("PYTHONWARNINGS", None)  # what a patch of a process above has put there

import numpy as np
import torch
from fairseq import checkpoint_utils, options, tasks
from fairseq.data import data_utils, indexed_dataset
from fairseq.data.token_block_dataset import TokenBlockDataset
from fairseq.dataclass.configs import CheckpointConfig, DistributedTrainingConfig
from fairseq.dataclass.utils import convert_namespace_to_omegaconf
from fairseq.distributed import utils as distributed_utils
from fairseq.file_io import PathManager
from fairseq.models import distributed_fairseq_model
from fairseq.models.distributed_fairseq_model import DistributedFairseqModel
from fairseq.models.transformer import TransformerConfig
from fairseq.modules.dynamic_crf_layer import DynamicCRF
from fairseq.modules.multihead_attention import MultiheadAttention
from fairseq.modules.transformer_layer import TransformerEncoderLayerBase
from fairseq.optim.amp_optimizer import AMPOptimizer
from fairseq.optim.lr_scheduler.reduce_lr_on_plateau import ReduceLROnPlateauLRSchedule
from fairseq.optim.sgd import SGD
from fairseq.tasks import FairseqTask

FOLDER = Path(tempfile.mkdtemp())
os.environ.update(MASTER_ADDR="localhost", MASTER_PORT="0", WORLD_SIZE="1", RANK="0")


def dataclass_defaults() -> None:
    assert TransformerConfig().encoder.embed_dim == 512


def hydra_warnings() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        convert_namespace_to_omegaconf(argparse.Namespace())


def hydra_train_warnings() -> None:
    """fairseq's program alone is declared without a warning."""
    import hydra

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        importlib.import_module("fairseq_cli.hydra_train")
        fairseqs = list(caught)
        hydra.main(config_path=None)(probe_of_another_program)
    assert len(caught) == 1 + len(fairseqs)
    assert not fairseqs, fairseqs[0].message


def probe_of_another_program() -> None:
    pass


def tensorboard_advice() -> None:
    messages = []
    logger = logging.getLogger("fairseq.tasks.text_to_speech")
    handler = logging.Handler()
    handler.emit = lambda record: messages.append(record.getMessage())
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    sys.modules.pop("fairseq.tasks.text_to_speech")
    tasks.TASK_REGISTRY.pop("text_to_speech")
    tasks.TASK_CLASS_NAMES.remove("TextToSpeechTask")
    importlib.import_module("fairseq.tasks.text_to_speech")
    logger.info("something else")
    assert messages == ["something else"], messages[0]


def pinned_memory() -> None:
    from fairseq.data import ListDataset
    from fairseq.data.iterators import EpochBatchIterator

    rows = ListDataset([torch.tensor([4]), torch.tensor([5])], [1, 1])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        batches = EpochBatchIterator(rows, torch.stack, [[0], [1]]).next_epoch_itr(shuffle=False)
        assert [batch.tolist() for batch in batches] == [[[4]], [[5]]]


def data_workers() -> None:
    """A data worker that starts after the process that wanted it has gone."""
    from fairseq.data import iterators

    begun: list[int] = []
    options = {"num_workers": 1, "pin_memory": False, "worker_init_fn": begun.append}
    worker = iterators.torch.utils.data.DataLoader([1], **options).worker_init_fn
    if (child := os.fork()) == 0:
        multiprocessing.process._parent_process = SimpleNamespace(pid=-1)
        worker(0)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1, "still waits for work"
    worker(3)  # here nobody has gone
    assert begun == [3]


def background_consumer() -> None:
    """A process that ends while its thread is in the middle of torch."""
    names = [patch.name for patch in compat.PATCHES]
    lines = (
        "from mtdeep.fairseq_plugin import compat",
        f"compat.PATCHES = tuple(patch for patch in compat.PATCHES if patch.name in {names})",
        "import itertools, queue, torch",
        "from fairseq.data.iterators import BackgroundConsumer",
        "batches = (torch.randn(200, 200) @ torch.randn(200, 200) for _ in itertools.count())",
        "buffer = queue.Queue(1_000_000)",
        "consumer = BackgroundConsumer(buffer, batches, None, None)",
        "consumer.daemon = True  # as fairseq starts it",
        "consumer.start()",
        "buffer.get()",
    )
    done = subprocess.run([sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def tracker_warning() -> None:
    """A process that ends without removing its semaphore."""
    leak = "import multiprocessing, os; s = multiprocessing.get_context('spawn').Semaphore(); os._exit(0)"
    done = subprocess.run([sys.executable, "-c", leak], capture_output=True, text=True, check=True)
    assert not done.stderr, done.stderr


def attention_masks() -> None:
    """Over a row with padding, as torch has it from the two masks."""
    torch.manual_seed(1)
    attention = MultiheadAttention(4, 2, self_attention=True)
    x, future = torch.randn(3, 2, 4), torch.full((3, 3), -torch.inf).triu(1)
    padding = torch.tensor([[False] * 3, [False, False, True]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        together, _ = attention(x, x, x, key_padding_mask=padding, attn_mask=future)
    alone, _ = attention(x[:2], x[:2], x[:2], attn_mask=future[:2, :2])
    assert torch.allclose(together[:2], alone)


def torch_load() -> None:
    state = {
        "cfg": {"model": argparse.Namespace(arch="transformer")},
        "loss": np.float64(1.5),
        "steps": np.int64(3),
        "small": np.float32(0.5),
    }
    torch.save(state, FOLDER / "plain.pt")
    read = torch.load(FOLDER / "plain.pt")
    assert read["cfg"]["model"].arch == "transformer"
    assert (read["loss"], read["steps"], read["small"]) == (1.5, 3, 0.5)


def plain_checkpoints() -> None:
    checkpoint_utils.torch_persistent_save({"counts": np.arange(3)}, str(FOLDER / "counts.pt"))
    kind = type(torch.load(FOLDER / "counts.pt", weights_only=False)["counts"])
    assert kind is list, f"counts are a {kind.__name__}"


def checkpoint_errors() -> None:
    (FOLDER / "text.pt").write_text("hello world")
    try:
        checkpoint_utils.load_checkpoint_to_cpu(str(FOLDER / "text.pt"))
    except Exception as problem:
        assert type(problem).__name__ == "UserError", type(problem).__name__


def checkpoint_copies() -> None:
    """A reader that has the old file open must not see it change."""
    old, new = FOLDER / "checkpoint_last.pt", FOLDER / "checkpoint1.pt"
    old.write_text("old")
    new.write_text("new")
    with open(old) as reader:
        assert PathManager.copy(str(new), str(old), overwrite=True)
        assert reader.read() == "old", "the old file was written over"
    assert old.read_text() == new.read_text() == "new"
    assert PathManager.copy(str(new), str(old), overwrite=True)
    assert sorted(path.name for path in FOLDER.glob("checkpoint*")) == ["checkpoint1.pt", "checkpoint_last.pt"]


def update_checkpoints() -> None:
    """Three epochs of five updates, a checkpoint at every five; the training is a stand-in."""
    folder = FOLDER / "updates"
    cfg = CheckpointConfig(save_dir=str(folder), save_interval_updates=5, keep_interval_updates=2)
    for epoch in (1, 2, 3):
        trainer = SimpleNamespace(
            data_parallel_rank=0,
            consolidate_optimizer=lambda: None,
            should_save_checkpoint_on_current_rank=True,
            get_num_updates=partial(int, 5 * epoch),
            checkpoint_suffix="",
            save_checkpoint=lambda filename, extra_state: Path(filename).write_text("state"),
        )
        position = SimpleNamespace(epoch=epoch, end_of_epoch=lambda: True, state_dict=dict)
        checkpoint_utils.save_checkpoint(cfg, trainer, position, 2.0)
    names = sorted(path.name for path in folder.iterdir())
    updates = ["checkpoint_2_10.pt", "checkpoint_3_15.pt"]
    expected = [f"checkpoint{epoch}.pt" for epoch in (1, 2, 3)] + [*updates, "checkpoint_best.pt", "checkpoint_last.pt"]
    assert names == expected, names


def plateau_patience() -> None:
    weight = torch.nn.Parameter(torch.ones(1))
    schedule = ReduceLROnPlateauLRSchedule(
        SimpleNamespace(
            lr=[1.0], lr_patience=2, lr_shrink=0.1, lr_threshold=0.0, warmup_updates=0, warmup_init_lr=-1.0,
            maximize_best_checkpoint_metric=False,
        ),
        SGD(SimpleNamespace(lr=[1.0], momentum=0.0, weight_decay=0.0), [weight]),
    )  # fmt: skip
    for score in (1.0, 2.0, 2.0):
        schedule.step(1, score)
    state = schedule.state_dict()
    schedule.lr_scheduler.num_bad_epochs = 0  # as in another process
    schedule.load_state_dict(state)
    schedule.step(1, 2.0)
    assert schedule.optimizer.get_lr() == 0.1, f"the rate is still {schedule.optimizer.get_lr()}"


def encoder_fast_path() -> None:
    layer = TransformerEncoderLayerBase(TransformerConfig())
    names = {name.split(".")[0] for name, _ in layer.named_parameters()}
    fresh = TransformerEncoderLayerBase(TransformerConfig())
    fresh.load_state_dict(layer.state_dict())
    x = torch.randn(5, 2, 512)
    padding = torch.tensor([[False] * 5, [False] * 3 + [True] * 2])
    with torch.no_grad():
        expected, found = layer.eval()(x, None), fresh.eval()(x, None)
        fresh(x, padding)
    assert torch.equal(expected, found)
    assert names == {"self_attn", "self_attn_layer_norm", "fc1", "fc2", "final_layer_norm"}


def numpy_aliases_data_utils() -> None:
    assert len(data_utils.get_buckets(np.arange(1, 100), 4)) == 4
    mask = data_utils.compute_mask_indices((2, 50), None, 0.5, 5, no_overlap=True)
    assert mask.any()


def numpy_aliases_language_pair_dataset() -> None:
    from fairseq.data import Dictionary, LanguagePairDataset, ListDataset

    lengths = [2, 3, 5]
    rows = ListDataset([torch.tensor([4] * length) for length in lengths], lengths)
    words = Dictionary()
    words.add_symbol("a")
    pairs = LanguagePairDataset(rows, np.array(lengths), words, rows, np.array(lengths), words, num_buckets=2)
    assert len(pairs.buckets) == 2


def numpy_aliases_token_block_dataset() -> None:
    rows = [torch.tensor([5, 6, 2]), torch.tensor([7, 2])]
    TokenBlockDataset(rows, np.array([3, 2]), None, pad=1, eos=2, break_mode="eos")


def numpy_aliases_dynamic_crf_layer() -> None:
    layer = DynamicCRF(10, 2, 4)
    layer._compute_normalizer(
        torch.randn(2, 3, 10), torch.ones(2, 3, dtype=torch.long), torch.ones(2, 3, dtype=torch.bool), beam=4
    )


def indexed_places() -> None:
    """As the merged counts of two workers: a sentence of 2 GiB, and the one behind it."""
    builder = indexed_dataset.MMapIndexedDatasetBuilder(str(FOLDER / "places.bin"), dtype=np.uint16)
    builder._sizes = list(np.array([1 << 30, 3], dtype=np.int32))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        builder.finalize(str(FOLDER / "places.idx"))
    place = int(np.fromfile(FOLDER / "places.idx", dtype="<i8", offset=26 + 2 * 4)[1])
    assert place == 2 << 30, f"at {place}"


def bf16_means_tpu() -> None:
    parser = options.get_training_parser()
    args = options.parse_args_and_arch(parser, ["data", "--arch", "transformer", "--bf16"])
    assert args.bf16 and not args.tpu, "tpu was set"
    args = options.parse_args_and_arch(options.get_training_parser(), ["data", "--arch", "transformer", "--tpu"])
    assert args.tpu


def torchrun_local_rank() -> None:
    os.environ["LOCAL_RANK"] = "3"
    training = DistributedTrainingConfig(tpu=False)
    distributed_utils.infer_init_method(training)
    assert training.device_id == 3, f"device {training.device_id}"


def workers() -> None:
    training = DistributedTrainingConfig()
    training.distributed_world_size = torch.cuda.device_count() + 2
    distributed_utils._infer_single_node_init(training)


def in_one_process_group() -> None:
    if not torch.distributed.is_initialized():
        torch.distributed.init_process_group("gloo", init_method=f"file://{FOLDER}/store", rank=0, world_size=1)


def cpu_ddp() -> None:
    in_one_process_group()
    training = DistributedTrainingConfig(tpu=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        group = torch.distributed.group.WORLD
        model = DistributedFairseqModel(training, torch.nn.Linear(2, 2), group, torch.device("cpu"))
    model(torch.zeros(1, 2)).sum().backward()


def ddp_buffers() -> None:
    in_one_process_group()
    for broadcast in (False, True):
        with warnings.catch_warnings():
            warnings.simplefilter("error", category=FutureWarning)
            model = distributed_fairseq_model.DistributedDataParallel(
                torch.nn.Linear(2, 2), device_ids=None, output_device=None, broadcast_buffers=broadcast
            )
        assert model.forward_sync_buffers is broadcast


def cpu_all_gather() -> None:
    in_one_process_group()
    assert distributed_utils.all_gather_list({"loss": 1.5}) == [{"loss": 1.5}]
    assert distributed_utils.all_gather_list(["x" * 20000], max_size=1 << 16) == [["x" * 20000]]
    assert distributed_utils.all_gather_list(3) == [3]


def cpu_amp() -> None:
    class Model(torch.nn.Linear):
        def set_num_updates(self, updates: int) -> None:
            pass

    types = []

    def criterion(model: Model, sample: torch.Tensor) -> tuple[torch.Tensor, int, dict[str, float]]:
        output = model(sample)
        types.append(output.dtype)
        return output.float().sum(), 1, {}

    optimizer = AMPOptimizer.__new__(AMPOptimizer)
    optimizer.backward = torch.Tensor.backward
    with warnings.catch_warnings():
        warnings.simplefilter("error", append=True)  # behind the filters that stand
        FairseqTask(argparse.Namespace()).train_step(torch.ones(1, 2), Model(2, 2), criterion, optimizer, 0)
    assert types == [torch.bfloat16]


def ngram_repeats() -> None:
    from fairseq.ngram_repeat_block import NGramRepeatBlock

    tokens = torch.tensor([[2, 5, 6, 7, 5, 6, 1, 1], [2, 5, 6, 5, 7, 6, 1, 1]])
    for size, banned in ((1, [{5, 6, 7}, {5, 6, 7}]), (2, [{7}, {5}]), (3, [{7}, set()]), (6, [set(), set()])):
        scores = NGramRepeatBlock(size, use_extension=False)(tokens, torch.zeros(2, 9), 1, 2, 5)
        assert [set(row.isinf().nonzero()[:, 0].tolist()) for row in scores] == banned, size


def score_command() -> None:
    from fairseq_cli import score

    (FOLDER / "text").write_text("a b c d\n\n")
    for option in ("--sacrebleu", "--sentence-bleu"):
        sys.argv = ["fairseq-score", "-s", str(FOLDER / "text"), "-r", str(FOLDER / "text"), option]
        score.cli_main()


def validate_processes() -> None:
    """The command's last batch in a process that has one less."""
    load = checkpoint_utils.load_model_ensemble_and_task
    task = SimpleNamespace(valid_step=lambda sample, *_: sample["net_input"])
    checkpoint_utils.load_model_ensemble_and_task = lambda *_: ([], None, task)
    try:
        from fairseq_cli import validate

        loaded = validate.checkpoint_utils.load_model_ensemble_and_task([])[2]
    finally:
        checkpoint_utils.load_model_ensemble_and_task = load
    assert loaded.valid_step({}, None, None) == (0.0, 0, {})
    assert loaded.valid_step({"net_input": 1}, None, None) == 1


PROBES = [
    dataclass_defaults,
    hydra_warnings,
    hydra_train_warnings,
    tensorboard_advice,
    torch_load,
    plain_checkpoints,
    checkpoint_errors,
    checkpoint_copies,
    update_checkpoints,
    plateau_patience,
    encoder_fast_path,
    attention_masks,
    numpy_aliases_data_utils,
    numpy_aliases_language_pair_dataset,
    numpy_aliases_token_block_dataset,
    numpy_aliases_dynamic_crf_layer,
    indexed_places,
    ngram_repeats,
    score_command,
    validate_processes,
    pinned_memory,
    data_workers,
    background_consumer,
    tracker_warning,
    bf16_means_tpu,
    torchrun_local_rank,
    workers,
    cpu_ddp,
    ddp_buffers,
    cpu_all_gather,
    cpu_amp,
]


def outcome(probe) -> str:
    try:
        probe()
    except Exception as problem:
        return f"{type(problem).__name__}: {problem}"
    return "ok"


print(json.dumps({probe.__name__: outcome(probe) for probe in PROBES}))
