"""A wrong command line of fairseq's commands ends in one sentence, without the usage."""

from __future__ import annotations

import importlib

import pytest
from fairseq import options
from fairseq.models import ARCH_MODEL_REGISTRY

from mtdeep.errors import UserError

TRAINING = ("store", "--task", "many_to_many_translation", "--arch", "deepnet_mt")


def parse(*arguments: str) -> None:
    options.parse_args_and_arch(options.get_training_parser(), list(arguments))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            [*TRAINING, "--max-token", "9"],
            "--max-token is not an option here (did you mean '--max-tokens', '--max-tokens-valid', '--max-update'?).",
        ),
        ([*TRAINING, "--lr=3", "--zzz=4", "5"], "--zzz is not an option here."),
        (
            [*TRAINING, "--langs", "en,de", "--qqq", "-3"],
            "--langs: the store has its languages, in a fixed order; leave it out; --qqq is not an option here.",
        ),
        (
            ["data", "--arch", "transformer", "--langs", "x"],
            "--langs is not an option here (did you mean '--task', '--target-lang', '--source-lang'?).",
        ),
        ([*TRAINING, "another"], "unrecognized arguments: another."),
        ([*TRAINING, "--max-tokens", "many"], "argument --max-tokens: invalid int value: 'many'."),
        ([*TRAINING, "--max-tokens"], "argument --max-tokens: expected one argument."),
        (
            ["store", "--arch", "deepnet"],
            "argument --arch/-a: 'deepnet' does not exist (did you mean 'deepnet_mt', 'deepnet_lm', 'deepnet_mlm'?).",
        ),
        (
            [*TRAINING, "--optimizer", "torch_adamm"],
            "argument --optimizer: 'torch_adamm' does not exist (did you mean 'torch_adam', 'cpu_adam'?).",
        ),
        (
            ["store", "--task", "many_to_many_translation"],
            "--arch is missing; name an architecture, such as deepnet_mt.",
        ),
    ],
)
def test_a_mistake_is_one_sentence(arguments: list[str], sentence: str) -> None:
    with pytest.raises(UserError) as problem:
        parse(*arguments)
    assert str(problem.value) == sentence


def test_where_no_name_is_near_all_are_listed() -> None:
    with pytest.raises(UserError, match=r"^argument --arch/-a: invalid choice: 'qqqqqq'") as problem:
        parse("store", "--arch", "qqqqqq")
    assert all(f"'{name}'" in str(problem.value) for name in ARCH_MODEL_REGISTRY)


def test_what_is_not_known_may_be_left_over() -> None:
    """As programs ask that have options of their own beside fairseq's."""
    args, rest = options.parse_args_and_arch(options.get_training_parser(), [*TRAINING, "--own", "1"], parse_known=True)
    assert (args.arch, rest) == ("deepnet_mt", ["--own", "1"])


def test_another_error_of_fairseqs_stays_what_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(parser: object) -> None:
        raise RuntimeError("a defect")

    monkeypatch.setattr(ARCH_MODEL_REGISTRY["deepnet_mt"], "add_args", fail)
    with pytest.raises(RuntimeError, match=r"^a defect$"):
        parse(*TRAINING)


@pytest.mark.parametrize(
    ("command", "arguments", "sentence"),
    [
        (
            "score",
            ["--sys", "a", "--ref", "b", "--sacreblue"],
            "--sacreblue is not an option here (did you mean '--sac",
        ),
        ("preprocess", ["--trainprefs", "a"], "--trainprefs is not an option here (did you mean '--trainpref', "),
        ("eval_lm", ["data", "--gen-subsets", "a"], "--gen-subsets is not an option here (did you mean '--gen-subset"),
    ],
)
def test_the_other_commands(command: str, arguments: list[str], sentence: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", [f"fairseq-{command}", *arguments])
    with pytest.raises(UserError) as problem:
        importlib.import_module(f"fairseq_cli.{command}").cli_main()
    assert str(problem.value).startswith(sentence)
