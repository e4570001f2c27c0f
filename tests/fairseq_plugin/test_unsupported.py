"""Every option that fairseq's commands take with our task, models, criterion and optimizer is heeded or refused."""

from __future__ import annotations

import ast
from argparse import ArgumentParser
from importlib import import_module
from pathlib import Path

import fairseq
import pytest
from fairseq import options
from fairseq.dataclass.configs import FairseqConfig

from mtdeep.errors import UserError
from mtdeep.fairseq_plugin.architectures import Translation
from mtdeep.fairseq_plugin.options import ManyToManyTranslationConfig
from mtdeep.fairseq_plugin.start import check
from mtdeep.fairseq_plugin.unsupported import BY_COMMAND, BY_MODEL, BY_TASK, leaf, value

TRAINING = (
    "--task many_to_many_translation --arch deepnet_mt --criterion label_smoothed_linear_cross_entropy "
    "--optimizer torch_adam --lr-scheduler piecewise --max-tokens 100 --cpu"
).split()
OF_COMMAND = {
    "train": ["store", *TRAINING],
    "validate": ["store", "--task", "many_to_many_translation", "--max-tokens", "100", "--path", "x.pt"],
    "eval_lm": ["bin", "--path", "x.pt"],
}

# What fairseq's own loop reads from its configuration; the test below looks for where it does.
LOOP = """
no_progress_bar log_interval log_format log_file aim_repo aim_run_hash tensorboard_logdir wandb_project azureml_logging
seed cpu tpu bf16 memory_efficient_bf16 fp16 memory_efficient_fp16 fp16_no_flatten_grads fp16_init_scale
fp16_scale_window fp16_scale_tolerance on_cpu_convert_precision min_loss_scale threshold_loss_scale amp
amp_batch_retries amp_init_scale amp_scale_window user_dir empty_cache_freq all_gather_list_size profile
use_plasma_view plasma_path reset_logging suppress_crashes criterion optimizer lr_scheduler task arch
num_workers skip_invalid_size_inputs_valid_test max_tokens batch_size required_batch_size_multiple data_buffer_size
train_subset valid_subset ignore_unused_valid_subsets validate_interval validate_interval_updates
validate_after_updates fixed_validation_seed disable_validation max_tokens_valid batch_size_valid max_valid_steps
distributed_world_size distributed_rank distributed_backend distributed_init_method
distributed_port device_id distributed_no_spawn ddp_backend ddp_comm_hook bucket_cap_mb find_unused_parameters
gradient_as_bucket_view heartbeat_timeout broadcast_buffers slowmo_momentum slowmo_base_algorithm
localsgd_frequency nprocs_per_node zero_sharding no_reshard_after_forward fp32_reduce_scatter cpu_offload
use_sharded_state not_fsdp_flatten_parameters
max_epoch max_update stop_time_hours clip_norm sentence_avg update_freq lr stop_min_lr use_bmuf skip_remainder_batch
save_dir restore_file continue_once finetune_from_model reset_dataloader reset_lr_scheduler reset_meters
reset_optimizer optimizer_overrides save_interval save_interval_updates keep_interval_updates
keep_interval_updates_pattern keep_last_epochs keep_best_checkpoints no_save no_epoch_checkpoints no_last_checkpoints
no_save_optimizer_state best_checkpoint_metric maximize_best_checkpoint_metric patience checkpoint_suffix
checkpoint_shard_count load_checkpoint_on_all_dp_ranks
store_ema ema_decay ema_start_update ema_seed_model ema_update_freq ema_fp32
""".split()
# fairseq reads neither: it works the first out from the others, and calls the second deprecated.
WITHOUT_EFFECT = "distributed_num_procs fast_stat_sync".split()
# Heeded, or refused, by the classes that declare them, with tests of their own.
CRITERION = "label_smoothing report_accuracy ignore_prefix_size".split()
OPTIMIZER = "adam_betas adam_eps weight_decay use_old_adam fp16_adam_stats".split()
SCHEDULE = "warmup_updates warmup_init_lr after turn_at drop_factor force_anneal lr_shrink".split()
# How pipelines are cut up; without --pipeline-model-parallel, which is refused, they say nothing.
PIPELINE = """
pipeline_balance pipeline_devices pipeline_chunks pipeline_encoder_balance pipeline_encoder_devices
pipeline_decoder_balance pipeline_decoder_devices pipeline_checkpoint
""".split()
# Every command of fairseq takes them; they name what another command prints, reads or scores with.
ELSEWHERE = "tokenizer bpe scoring pad eos unk gen_subset".split()
# In fairseq-validate and fairseq-eval-lm: how a training goes, which fairseq's parsers have there all the same.
RHYTHM = """
train_subset validate_interval validate_interval_updates validate_after_updates fixed_validation_seed
disable_validation curriculum grouped_shuffling update_epoch_batch_itr update_ordered_indices_seed
fix_batches_to_gpus ignore_unused_valid_subsets dataset_impl required_seq_len_multiple pipeline_model_parallel
model_parallel_size quantization_config_path
""".split()
EVALUATION = "path quiet post_process model_overrides".split()
LANGUAGE_MODEL = """
gen_subset num_shards shard_id output_word_probs output_word_stats context_window softmax_batch
sample_break_mode tokens_per_sample output_dictionary_size self_target future_target past_target add_bos_token
max_target_positions shorten_method shorten_data_split_list pad_to_fixed_length pad_to_fixed_bsz valid_subset
""".split()


def fields(config: type) -> set[str]:
    return {name for name in config.__dataclass_fields__ if not name.startswith("_")}


def parsed(command: str) -> set[str]:
    """The options that a command's parser has for our parts."""
    names: set[str] = set()

    def note(parser: ArgumentParser) -> None:
        names.update(action.dest for action in parser._actions)

    parsers = {"train": options.get_training_parser, "validate": options.get_validation_parser}
    parser = parsers.get(command, options.get_eval_lm_parser)()
    options.parse_args_and_arch(parser, OF_COMMAND[command], modify_parser=note)
    return names - {"help"}


def refused(command: str) -> set[str]:
    tables = [BY_COMMAND[command]] + ([BY_MODEL, BY_TASK] if command == "train" else [])
    return {leaf(name) for table in tables for name in table}


def test_every_option_of_a_training_is_heeded_or_refused() -> None:
    ours = fields(ManyToManyTranslationConfig) | Translation.options()
    bleu = {name for name in parsed("train") if name.startswith("eval_")}
    assert bleu, "those of fairseq's translation are refused by argparse's actions"
    heeded = {*LOOP, *WITHOUT_EFFECT, *CRITERION, *OPTIMIZER, *SCHEDULE, *PIPELINE, *ELSEWHERE, *ours, *bleu}
    assert parsed("train") - heeded - refused("train") == set()
    assert heeded.isdisjoint(refused("train"))


def test_every_option_of_an_evaluation_is_heeded_or_refused() -> None:
    task = fields(ManyToManyTranslationConfig) | {name for name in parsed("validate") if name.startswith("eval_")}
    known = {*LOOP, *WITHOUT_EFFECT, *CRITERION, *SCHEDULE, *PIPELINE, *ELSEWHERE, *RHYTHM, *EVALUATION}
    assert parsed("validate") - known - task - refused("validate") == set()
    assert parsed("eval_lm") - known - {*LANGUAGE_MODEL, "data"} - refused("eval_lm") == set()


# What a configuration, or a part of it, is called in fairseq's code.
CONFIGURATIONS = {*FairseqConfig.__dataclass_fields__, "cfg", "args", "config"}


def last_name(node: ast.AST) -> str | None:
    """Return `c` for `a.b.c` as well as for `c`; None for what is no name."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else None


def read_from_configurations(source: str) -> set[str]:
    """Return each name that is read as `cfg.name`, `getattr(cfg, "name", ...)` or `cfg["name"]`."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Attribute(owner, name, ast.Load()) if last_name(owner) in CONFIGURATIONS:
                names.add(name)
            case ast.Call(ast.Name("getattr"), [owner, ast.Constant(name), *_]) if last_name(owner) in CONFIGURATIONS:
                names.add(name)
            case ast.Subscript(owner, ast.Constant(str(name)), ast.Load()) if last_name(owner) in CONFIGURATIONS:
                names.add(name)
    return names


def test_what_is_called_heeded_is_read_by_fairseqs_loop() -> None:
    root = Path(fairseq.__file__).parent
    cli = Path(import_module("fairseq_cli.train").__file__ or "").parent
    files = [*cli.glob("*.py"), *root.glob("*.py")]
    for part in ("distributed", "optim", "criterions", "models/ema", "dataclass"):
        files += (root / part).glob("*.py")
    files += [root / "models/distributed_fairseq_model.py", root / "data/data_utils.py", root / "tasks/__init__.py"]
    declared = {root / "dataclass/configs.py"}
    read = set().union(*(read_from_configurations(path.read_text()) for path in files if path not in declared))
    assert [name for name in LOOP if name not in read] == []
    assert [name for name in WITHOUT_EFFECT if name in read] == []


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("x = cfg.common.cpu", {"common", "cpu"}),
        ("x = getattr(self.args, 'lr', 1) + args['seed']", {"lr", "seed"}),
        ("tensor.cpu(); cfg.common.cpu = True; path = os.path; seed = 'cfg.seed'  # cfg.lr", {"common"}),
    ],
)
def test_no_word_of_another_sense_is_taken_for_an_option(line: str, names: set[str]) -> None:
    assert read_from_configurations(line) == names


def other(default: object) -> object:
    """Return a value that is not an option's default."""
    if isinstance(default, bool) or default is None:
        return True
    return default + 1 if isinstance(default, int) else "another"


@pytest.mark.parametrize("command", OF_COMMAND)
def test_each_is_refused_by_its_name(command: str, configured, tmp_path: Path) -> None:
    tables = [BY_COMMAND[command]] + ([BY_MODEL, BY_TASK] if command == "train" else [])
    names = [name for table in tables for name in table]
    changes = {name: other(value(FairseqConfig(), name)) for name in names}
    check(command, configured(command, *OF_COMMAND[command], changes={"checkpoint.save_dir": str(tmp_path)}))
    with pytest.raises(UserError) as problem:
        check(command, configured(command, *OF_COMMAND[command], changes=changes))
    told = [phrase.partition(": ")[0] for phrase in str(problem.value).split("; --")]
    assert {name.lstrip("-") for name in told} == {leaf(name).replace("_", "-") for name in names}


def test_a_machine_with_several_gpus_is_not_taken_for_an_option(configured, monkeypatch: pytest.MonkeyPatch) -> None:
    """The configuration's default is their number, and the command's own is 1."""
    monkeypatch.setattr(FairseqConfig.distributed_training, "distributed_world_size", 4)
    check("eval_lm", configured("eval_lm", *OF_COMMAND["eval_lm"]))


def test_the_task_takes_what_fairseqs_own_tasks_take(configured, tmp_path: Path) -> None:
    """The order of a data-bin's batches is fairseq's affair; no command's refusals reach it."""
    changes = {"task": {"_name": "translation"}, "dataset.curriculum": 2, "checkpoint.save_dir": str(tmp_path)}
    check("train", configured("train", *OF_COMMAND["train"], changes=changes))


@pytest.mark.parametrize("flags", [["--eval-bleu"], ["--eval-bleu-args", '{"beam": 5}', "--eval-bleu"]])
def test_bleu_while_training_is_refused_in_a_sentence(flags: list[str], configured) -> None:
    with pytest.raises(UserError, match=f"^{flags[0]} is not supported .* `mtdeep evaluate`"):
        configured("train", *OF_COMMAND["train"], *flags)
