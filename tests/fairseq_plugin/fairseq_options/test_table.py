"""Every option of fairseq's commands is in the table once, and the code of fairseq, or ours, bears out the table."""

from __future__ import annotations

import ast
from argparse import ArgumentParser
from collections.abc import Iterable
from functools import cache
from importlib import import_module
from pathlib import Path

import fairseq
import pytest
from fairseq import options
from fairseq.dataclass.configs import FairseqConfig
from fairseq.tasks.language_modeling import LanguageModelingConfig

import mtdeep.fairseq_plugin
from mtdeep.fairseq_plugin.fairseq_options.option import Use, leaf
from mtdeep.fairseq_plugin.fairseq_options.table import OPTIONS
from mtdeep.fairseq_plugin.models import FairseqDeepEncoderDecoder
from mtdeep.fairseq_plugin.options import ManyToManyTranslationConfig
from mtdeep.fairseq_plugin.training_options import TrainingOptions

ON_STORE = ["store", "--task", "many_to_many_translation", "--max-tokens", "100"]
TRAINING = (
    "--arch deepnet_mt --criterion label_smoothed_linear_cross_entropy --optimizer torch_adam --lr-scheduler piecewise"
).split()
COMMANDS = {
    Use.TRAIN: (options.get_training_parser, [*ON_STORE, *TRAINING]),
    Use.VALIDATE: (options.get_validation_parser, [*ON_STORE, "--path", "x.pt"]),
    Use.EVAL_LM: (options.get_eval_lm_parser, ["bin", "--path", "x.pt"]),
    Use.GENERATE: (options.get_generation_parser, [*ON_STORE, "--path", "x.pt"]),
    Use.INTERACTIVE: (options.get_interactive_generation_parser, [*ON_STORE, "--path", "x.pt"]),
}
PARTS = ("task", "arch", "criterion", "optimizer", "lr_scheduler", "tokenizer", "bpe", "scoring")

# Heeded, or refused, by the classes that declare them, with tests of their own.
CRITERION = "label_smoothing report_accuracy ignore_prefix_size".split()
OPTIMIZER = "adam_betas adam_eps weight_decay use_old_adam fp16_adam_stats".split()
SCHEDULE = "warmup_updates warmup_init_lr after turn_at drop_factor force_anneal lr_shrink".split()
BLEU_SCORER = "pad eos unk".split()


def fields(config: type) -> set[str]:
    return {name for name in config.__dataclass_fields__ if not name.startswith("_")}


@cache
def offered(use: Use) -> frozenset[str]:
    """The names of the options that a command's parser has for our parts."""
    names: set[str] = set()

    def note(parser: ArgumentParser) -> None:
        names.update(action.dest for action in parser._actions)

    make, arguments = COMMANDS[use]
    options.parse_args_and_arch(make(), arguments, modify_parser=note)
    return frozenset(names - {"help"})


@cache
def places() -> dict[str, str]:
    """Each option's place in fairseq's configuration, by its name: the group that is no copy of another."""
    groups = {name: getattr(FairseqConfig(), name) for name in FairseqConfig.__dataclass_fields__}
    placed = {part: part for part in PARTS}
    for group, config in groups.items():
        for name in fields(type(config)) if hasattr(config, "__dataclass_fields__") else ():
            placed.setdefault(name, f"{group}.{name}")
    return placed


def of_parts(use: Use) -> set[str]:
    """The options that the task, model, criterion, optimizer, schedule and scorer declare, and ours of any training."""
    own = {*CRITERION, *OPTIMIZER, *SCHEDULE, *BLEU_SCORER, "data", *fields(TrainingOptions)}
    if use is Use.EVAL_LM:
        return own | fields(LanguageModelingConfig)
    return own | fields(ManyToManyTranslationConfig) | FairseqDeepEncoderDecoder.options()


def test_an_option_stands_in_the_table_once() -> None:
    names = [option.place for option in OPTIONS]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("use", COMMANDS, ids=lambda use: use.name)
def test_every_option_of_a_command_is_in_the_table(use: Use) -> None:
    known = {option.place for option in OPTIONS}
    placed = {name: places().get(name) for name in offered(use)}
    assert {name for name, place in placed.items() if place not in known} - of_parts(use) == set()
    decided = {leaf(option.place) for option in OPTIONS if option.heeded & use or option.refusal(use)}
    assert decided <= offered(use), "only what a command offers is heeded or refused there"


def test_nothing_is_both_heeded_and_refused() -> None:
    for option in OPTIONS:
        decided = option.heeded
        for uses in option.refused:
            assert not uses & decided, option.place
            decided |= uses
        if decided & (Use.TRAIN_MODEL | Use.TRAIN_STORE):
            assert option.heeded & Use.TRAIN, f"{option.place}: what ours refuse is something to fairseq's own"


# What a configuration, or a part of it, is called in fairseq's code and in ours.
CONFIGURATIONS = {*FairseqConfig.__dataclass_fields__, "cfg", "args", "config", "override_args", "options", "training"}


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


FAIRSEQ = Path(fairseq.__file__).parent
CLI = Path(import_module("fairseq_cli.train").__file__ or "").parent
OURS = Path(mtdeep.fairseq_plugin.__file__).parent
DECLARED = FAIRSEQ / "dataclass/configs.py"
#: Where fairseq's commands read their options, as patterns in its folder; what other models and tasks read is not here.
TRAINING_CODE = (
    "*.py distributed/*.py optim/*.py criterions/*.py models/ema/*.py dataclass/*.py "
    "models/distributed_fairseq_model.py data/data_utils.py tasks/__init__.py tasks/translation.py "
    "model_parallel/models/pipeline_parallel_transformer/model.py"
).split()
EVALUATION_CODE = (
    "options.py utils.py distributed/utils.py tasks/__init__.py tasks/translation.py tasks/language_modeling.py".split()
)
TRANSLATION_CODE = "options.py utils.py tasks/__init__.py tasks/fairseq_task.py models/fairseq_model.py".split()


def read(*paths: Path) -> set[str]:
    return set().union(*(read_from_configurations(path.read_text()) for path in paths if path != DECLARED))


def files(folder: Path, patterns: Iterable[str]) -> list[Path]:
    return [path for pattern in patterns for path in folder.glob(pattern)]


def command(use: Use) -> Path:
    """Return fairseq's file of a command."""
    return CLI / f"{str(use.name).lower()}.py"


@cache
def read_by(use: Use) -> set[str]:
    """What the code of a command reads."""
    if use is Use.TRAIN:
        return read(*files(FAIRSEQ, TRAINING_CODE), *files(CLI, ["*.py"]))
    if use & Use.EVALUATE:
        patches = (OURS / f"compat/{name}.py" for name in ("cpu_processes", "gloo_backend", "gpus"))
        return read(*files(FAIRSEQ, EVALUATION_CODE), command(use), *patches)
    return read(*files(FAIRSEQ, TRANSLATION_CODE), *OURS.glob("generation/*.py"), OURS / "model_overrides.py")


@pytest.mark.parametrize("use", COMMANDS, ids=lambda use: use.name)
def test_what_is_called_heeded_is_read(use: Use) -> None:
    assert [option.place for option in OPTIONS if option.heeded & use and leaf(option.place) not in read_by(use)] == []


@pytest.mark.parametrize("use", [Use.VALIDATE, Use.EVAL_LM], ids=lambda use: use.name)
def test_what_an_evaluation_reads_is_not_called_without_effect(use: Use) -> None:
    without_effect = {leaf(option.place) for option in OPTIONS if not (option.heeded & use or option.refusal(use))}
    assert read(command(use)) & without_effect & offered(use) == set()


def test_what_no_code_of_fairseqs_reads_is_said_to_have_no_effect() -> None:
    code = [path for path in FAIRSEQ.rglob("*.py") if not path.is_relative_to(FAIRSEQ / "examples")]
    somewhere = read(*code, *files(CLI, ["*.py"]))
    unread = [option for option in OPTIONS if leaf(option.place) not in somewhere]
    assert unread == [option for option in OPTIONS if option.unread]
    assert {leaf(option.place) for option in unread} == {"distributed_num_procs", "fast_stat_sync", "no_early_stop"}
    assert not any(option.heeded or option.refused for option in unread)


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
