"""--model-overrides: what is taken has an effect, as fairseq loads it; what would have none is refused everywhere."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fairseq_cli.generate
import pytest
import torch
from fairseq import checkpoint_utils, options
from fairseq.dataclass.utils import convert_namespace_to_omegaconf
from omegaconf.errors import ConfigKeyError

from mtdeep.checkpoint.read import load_plain
from mtdeep.errors import UserError
from mtdeep.fairseq_plugin.model_overrides import check_overrides
from mtdeep.fairseq_plugin.start import check

STOCK = (
    "--task many_to_many_translation --arch transformer --encoder-layers 2 --decoder-layers 3 --encoder-embed-dim 16 "
    "--encoder-ffn-embed-dim 24 --encoder-attention-heads 2 --dropout 0.3"
).split()
# The stacks of STOCK, as a configuration file names their options.
STACK = {"embed_dim": 16, "ffn_embed_dim": 24, "attention_heads": 2, "layerdrop": 0.0}
NESTED = {
    "_name": "transformer",
    "encoder": {**STACK, "layers": 2},
    "decoder": {**STACK, "layers": 3, "input_dim": 16, "output_dim": 16},
    "dropout": 0.3,
}
# As fairseq's document of LayerDrop has it. fairseq prunes both stacks or loses the other one's tensors.
PRUNED = {"encoder_layers_to_keep": "1", "decoder_layers_to_keep": "0,2"}


@pytest.fixture(scope="module")
def with_record(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Write a checkpoint again, its state changed: (checkpoint, name, change of the state); returns the path."""
    folder = tmp_path_factory.mktemp("records")

    def write(checkpoint: Path, name: str, change: Callable[[dict[str, Any]], None]) -> Path:
        state = load_plain(checkpoint)
        change(state)
        torch.save(state, folder / name)
        return folder / name

    return write


def to_args(state: dict[str, Any]) -> None:
    """As fairseq before 0.10 wrote it."""
    state["args"] = Namespace(**vars(state.pop("cfg")["model"]))


@pytest.fixture(scope="module")
def from_file(checkpoint: Path, with_record) -> Path:
    """The checkpoint as a training from a configuration file records it, of a default that it does not name."""

    def change(state: dict[str, Any]) -> None:
        model = dict(vars(state["cfg"]["model"]))
        model.pop("attention_dropout", None)
        state["cfg"]["model"] = model

    return with_record(checkpoint, "from_file.pt", change)


@pytest.fixture(scope="module")
def old(checkpoint: Path, with_record) -> Path:
    return with_record(checkpoint, "old.pt", to_args)


@pytest.fixture(scope="module")
def stock(unknown_store: Path, save_random, with_record, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """fairseq's transformer, trained before there was LayerDrop."""

    def change(state: dict[str, Any]) -> None:
        for name in ("encoder_layers_to_keep", "decoder_layers_to_keep", "encoder_layerdrop", "decoder_layerdrop"):
            vars(state["cfg"]["model"]).pop(name, None)

    saved = save_random(tmp_path_factory.mktemp("random") / "stock.pt", unknown_store, *STOCK)
    return with_record(saved, "stock.pt", change)


@pytest.fixture(scope="module")
def stock_old(stock: Path, with_record) -> Path:
    return with_record(stock, "stock_old.pt", to_args)


@pytest.fixture(scope="module")
def stock_from_file(stock: Path, with_record) -> Path:
    """fairseq's transformer of a configuration file that names the options of each stack."""
    return with_record(stock, "stock_from_file.pt", lambda state: state["cfg"].update(model=NESTED))


def loaded(path: Path, overrides: dict[str, Any]) -> tuple[object, ...]:
    """Return what fairseq builds: the options of the model and the task, and how deep the stacks are."""
    (model,), _, task = checkpoint_utils.load_model_ensemble_and_task([str(path)], overrides)
    if hasattr(model, "config"):
        return model.config, task.cfg
    read = (model.cfg.dropout, model.encoder.encoder_layerdrop, model.decoder.decoder_layerdrop)
    return len(model.encoder.layers), len(model.decoder.layers), *read, task.cfg


UNKNOWN = "has no option {!r}; correct the name, or leave it out".format
UNREAD = (
    "has an option {!r}, which neither its model nor its task reads; leave it out, or give the command its own".format
)
FLAGS = "has no group 'model'; name its options by themselves"


@pytest.mark.parametrize(
    ("record", "overrides"),
    [
        ("checkpoint", {"dropout": 0.7}),
        ("checkpoint", {"max_source_positions": 50}),
        ("checkpoint", {"task": {"max_source_positions": 50}}),
        ("from_file", {"dropout": 0.7}),
        ("from_file", {"model": {"attention_dropout": 0.7}}),
        ("from_file", {"model": {"max_source_positions": 50}}),
        ("old", {"attention_dropout": 0.7}),
        ("stock", {"dropout": 0.7}),
        ("stock", PRUNED),
        ("stock", {"encoder_layerdrop": 0.3}),
        ("stock_old", {"dropout": 0.7}),
        ("stock_old", PRUNED),
        ("stock_from_file", {"dropout": 0.7}),
        ("stock_from_file", {"layerdrop": 0.3}),
        ("stock_from_file", {"model": {"encoder": {"layerdrop": 0.3}}}),
    ],
)
def test_what_has_an_effect_is_taken(record: str, overrides: dict[str, Any], request: pytest.FixtureRequest) -> None:
    path = request.getfixturevalue(record)
    check_overrides(str(path), overrides)
    assert loaded(path, overrides) != loaded(path, {})


@pytest.mark.parametrize(
    ("record", "overrides", "problem"),
    [
        ("checkpoint", {"model": {"dropout": 0.7}}, FLAGS),
        ("checkpoint", {"dropuot": 0.7}, UNKNOWN("dropuot")),
        ("checkpoint", {"common": {"dropuot": 0.7}}, UNKNOWN("common.dropuot")),
        ("checkpoint", {"common": {"seed": 3}}, UNREAD("common.seed")),
        ("checkpoint", {"common": 3}, UNKNOWN("common")),
        ("checkpoint", {"common": {}}, UNKNOWN("common")),
        ("checkpoint", {"max_tokens": 3}, UNREAD("max_tokens")),
        ("checkpoint", {"embed_dim": 8}, UNKNOWN("embed_dim")),
        (
            "from_file",
            {"attention_dropout": 0.7},
            "says nothing of 'attention_dropout'; write {'model': {'attention_dropout': 0.7}}",
        ),
        ("from_file", {"model": {"dropuot": 0.7}}, UNKNOWN("model.dropuot")),
        ("from_file", {"model": "x"}, "has 'model' as a group of options; write {'model': {'NAME': 'x'}}"),
        ("old", {"dropuot": 0.7}, UNKNOWN("dropuot")),
        ("old", {"model": {"dropout": 0.7}}, FLAGS),
        ("stock", {"model": {"dropout": 0.7}}, FLAGS),
        ("stock", {"model": "x"}, UNKNOWN("model")),
        ("stock", {"common": 3}, UNKNOWN("common")),
        ("stock_old", {"common": 3}, UNKNOWN("common")),
        ("stock_from_file", {"common": 3}, UNKNOWN("common")),
        ("stock_from_file", {"model": "x"}, "has 'model' as a group of options; write {'model': {'NAME': 'x'}}"),
        ("stock_from_file", {"model": {"encoder": {"layerdorp": 0.3}}}, UNKNOWN("model.encoder.layerdorp")),
        ("stock_from_file", {"max_tokens": 3}, UNREAD("max_tokens")),
        (
            "stock_from_file",
            {"activation_dropout": 0.7},
            "says nothing of 'activation_dropout'; correct the name, or write {'model': {'activation_dropout': 0.7}} "
            "if its model looks for it",
        ),
    ],
)
def test_what_has_no_effect_is_refused(
    record: str, overrides: dict[str, Any], problem: str, request: pytest.FixtureRequest
) -> None:
    """fairseq would have loaded the model that was trained."""
    path = request.getfixturevalue(record)
    with pytest.raises(UserError) as refused:
        check_overrides(str(path), overrides)
    assert str(refused.value) == f"--model-overrides: the training of {path} {problem}."
    assert loaded(path, overrides) == loaded(path, {})


@pytest.mark.parametrize("overrides", [{"model": {"stack": {"layers": 3}}}, {"model": {"dropout": {"rate": 0.3}}}])
def test_what_fairseq_cannot_set_is_refused(stock_from_file: Path, overrides: dict[str, Any]) -> None:
    with pytest.raises((AttributeError, ConfigKeyError)):
        loaded(stock_from_file, overrides)
    with pytest.raises(UserError, match=r"has no option 'model\.(stack\.layers|dropout\.rate)'"):
        check_overrides(str(stock_from_file), overrides)


@pytest.mark.parametrize(
    ("record", "overrides"),
    [
        ("stock", {"decoder_layers_to_keep": "0,2", "dropuot": 0.7}),
        ("stock_old", {"decoder_layers_to_keep": "0,2", "dropuot": 0.7}),
        ("stock_from_file", {"model": {"decoder_layers_to_keep": "0,2", "dropuot": 0.7}}),
    ],
)
def test_one_line_of_the_log_names_what_nobody_knows_of(
    record: str, overrides: dict[str, Any], request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture
) -> None:
    """A typo, and an option that an old training did not have: fairseq sets both, and the model looks for one."""
    path = request.getfixturevalue(record)
    check_overrides(str(path), overrides)
    assert caplog.messages == [
        f"--model-overrides: the training of {path} did not record 'decoder_layers_to_keep', 'dropuot'; if its "
        "model transformer does not look for that either, it has no effect: check the name."
    ]


def configuration(command: str, *arguments: object):
    parsers = {
        "validate": options.get_validation_parser,
        "eval_lm": options.get_eval_lm_parser,
        "generate": options.get_generation_parser,
    }
    args = options.parse_args_and_arch(parsers[command](), list(map(str, arguments)))
    return convert_namespace_to_omegaconf(args)


SAYS = [
    ("{'dropuot': 0.7}", r"has no option 'dropuot'"),
    ("dropout=0.7", r"'dropout=0\.7' is no dictionary of names"),
    ("{3: 0.7}", r"'{3: 0\.7}' is no dictionary of names"),
]


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
