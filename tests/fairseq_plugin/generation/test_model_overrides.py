"""--model-overrides: what is taken has an effect, as fairseq loads it; what would have none is refused everywhere."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import fairseq_cli.generate
import pytest
import torch
from fairseq import checkpoint_utils, options
from fairseq.dataclass.utils import convert_namespace_to_omegaconf

from mtdeep.checkpoint.read import load_plain
from mtdeep.errors import UserError
from mtdeep.fairseq_plugin.model_overrides import check_overrides
from mtdeep.fairseq_plugin.start import check


@pytest.fixture(scope="module")
def from_file(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkpoint as a training from a configuration file records it, of a default that it does not name."""
    state = load_plain(checkpoint)
    model = dict(vars(state["cfg"]["model"]))
    model.pop("attention_dropout", None)
    state["cfg"]["model"] = model
    path = tmp_path_factory.mktemp("file") / "from_file.pt"
    torch.save(state, path)
    return path


@pytest.fixture(scope="module")
def old(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkpoint as fairseq before 0.10 wrote it."""
    state = load_plain(checkpoint)
    cfg = state.pop("cfg")
    state["args"] = Namespace(**vars(cfg["model"]))
    path = tmp_path_factory.mktemp("old") / "old.pt"
    torch.save(state, path)
    return path


def dropouts(path: Path, overrides: dict[str, object]) -> tuple[float, float]:
    (model,), _, _ = checkpoint_utils.load_model_ensemble_and_task([str(path)], overrides)
    return model.config.dropout, model.config.attention_dropout


@pytest.mark.parametrize(
    ("record", "overrides", "expected"),
    [
        ("checkpoint", {"dropout": 0.7}, (0.7, 0.0)),
        ("checkpoint", {"attention_dropout": 0.7}, (0.3, 0.7)),
        ("checkpoint", {"model": {"dropout": 0.7}}, "has no group 'model'; name its options by themselves"),
        ("checkpoint", {"dropuot": 0.7}, "has no option 'dropuot'; correct the name, or leave it out"),
        ("checkpoint", {"common": {"dropuot": 0.7}}, "has no option 'dropuot'; correct the name, or leave it out"),
        ("checkpoint", {"embed_dim": 8}, "has no option 'embed_dim'; correct the name, or leave it out"),
        ("from_file", {"dropout": 0.7}, (0.7, 0.0)),
        ("from_file", {"model": {"attention_dropout": 0.7}}, (0.3, 0.7)),
        (
            "from_file",
            {"attention_dropout": 0.7},
            "says nothing of 'attention_dropout'; write {'model': {'attention_dropout': 0.7}}",
        ),
        ("from_file", {"model": {"dropuot": 0.7}}, "has no option 'dropuot'; correct the name, or leave it out"),
        ("old", {"attention_dropout": 0.7}, (0.3, 0.7)),
        ("old", {"dropuot": 0.7}, "has no option 'dropuot'; correct the name, or leave it out"),
    ],
)
def test_a_name_has_an_effect_or_is_refused(
    record: str, overrides: dict[str, object], expected: object, request: pytest.FixtureRequest
) -> None:
    """Where it is refused, fairseq would have loaded the model that was trained."""
    path = request.getfixturevalue(record)
    if isinstance(expected, tuple):
        check_overrides(str(path), overrides)
    else:
        with pytest.raises(UserError) as problem:
            check_overrides(str(path), overrides)
        assert str(problem.value) == f"--model-overrides: the training of {path} {expected}."
        expected = (0.3, 0.0)
    assert dropouts(path, overrides) == expected


def configuration(command: str, *arguments: object):
    parsers = {
        "validate": options.get_validation_parser,
        "eval_lm": options.get_eval_lm_parser,
        "generate": options.get_generation_parser,
    }
    args = options.parse_args_and_arch(parsers[command](), list(map(str, arguments)))
    return convert_namespace_to_omegaconf(args)


SAYS = [("{'dropuot': 0.7}", r"has no option 'dropuot'"), ("dropout=0.7", r"'dropout=0\.7' is no dictionary")]


@pytest.mark.parametrize(("text", "says"), SAYS)
def test_every_command_refuses_it_before_it_begins(
    text: str, says: str, unknown_store: Path, checkpoint: Path, generate
) -> None:
    given = ("--path", checkpoint, "--max-tokens", "100", "--cpu", "--model-overrides", text)
    with pytest.raises(UserError, match=says):
        check("validate", configuration("validate", unknown_store, "--task", "many_to_many_translation", *given))
    with pytest.raises(UserError, match=says):
        check("eval_lm", configuration("eval_lm", unknown_store, *given))
    with pytest.raises(UserError, match=says):
        generate("--model-overrides", text)
    # A task of fairseq's own, whose data need not be looked at.
    with pytest.raises(UserError, match=says):
        fairseq_cli.generate.main(configuration("generate", unknown_store, "--task", "translation", *given))


def test_of_a_model_in_parts_the_first_is_looked_at(checkpoint: Path) -> None:
    cfg = configuration("eval_lm", "data", "--path", checkpoint, "--model-overrides", "{'dropuot': 0.7}")
    cfg.checkpoint.checkpoint_shard_count = 2
    with pytest.raises(UserError, match=r"checkpoint_part0\.pt: cannot be read"):
        check("eval_lm", cfg)
