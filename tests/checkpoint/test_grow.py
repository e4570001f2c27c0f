"""A checkpoint gets rows for new tags: what it was stays to the bit, in its model, its average and its optimizer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from mtdeep.checkpoint.grow import TABLES, grow
from mtdeep.checkpoint.read import load_plain, read_checkpoint
from mtdeep.corpus import Vocabulary
from mtdeep.errors import UserError
from mtdeep.nn import EncoderDecoder

BEFORE = Vocabulary(("a", "b", "c"), ("en", "de", "fr"))
AFTER = BEFORE.extended(["nds", "fy"])
OLD, NEW = len(BEFORE), len(AFTER)
Make = Callable[..., Path]


def trained(model: EncoderDecoder, *, flat: bool = False) -> dict[str, Any]:
    """Adam's state after an update, with or without the parameters in one piece."""
    parameters = list(model.parameters())
    if flat:
        parameters = [torch.nn.Parameter(torch.cat([p.detach().flatten() for p in parameters]))]
    adam = torch.optim.AdamW(parameters)
    for p in parameters:
        p.grad = torch.randn_like(p)
    adam.step()
    return adam.state_dict()


@pytest.fixture
def make(tiny_config, save_model, tmp_path: Path) -> Make:
    """Write a checkpoint of BEFORE: (config's changes, **entries of the file)."""

    def write(changes: dict[str, object], **entries: object) -> Path:
        torch.manual_seed(1)
        model = EncoderDecoder(tiny_config(OLD, **changes))
        path = save_model(tmp_path / "before.pt", model)
        state = torch.load(path, weights_only=False)
        task = {"vocabulary": BEFORE.digest, "languages": list(BEFORE.languages), "encoder_tag": "src", "more": 1}
        made = {name: value(model) if callable(value) else value for name, value in entries.items()}
        torch.save({**state, "task_state": task, **made}, path)
        return path

    return write


def reread(state: dict[str, Any], path: Path) -> Path:
    torch.save(state, path)
    return path


@pytest.mark.parametrize(
    "changes",
    [
        {"share_all_embeddings": True},
        {"share_all_embeddings": False, "share_decoder_input_output_embed": True},
        {"share_all_embeddings": False, "share_decoder_input_output_embed": False},
    ],
    ids=["one table", "two", "three"],
)
def test_the_old_part_of_the_model_is_as_it_was(changes: dict[str, object], make: Make, tmp_path: Path) -> None:
    path = make(changes)
    grown = grow(path, AFTER, {"nds": "de"})
    assert grown.tags == ("nds", "fy")
    before, after = (read_checkpoint(each) for each in (path, reread(grown.state, tmp_path / "after.pt")))
    assert after.config.source_vocabulary_size == after.config.target_vocabulary_size == NEW
    assert after.provenance.vocabulary == AFTER.digest
    assert after.provenance.languages == ("en", "de", "fr", "nds", "fy")
    assert grown.state["task_state"]["more"] == 1
    for name, tensor in after.tensors.items():
        old = before.tensors[name]
        assert torch.equal(tensor[:OLD] if name in TABLES else tensor, old)
        if name in TABLES:
            languages = old[BEFORE.tag("en") : BEFORE.tag("fr") + 1]
            assert torch.equal(tensor[AFTER.tag("nds")], old[BEFORE.tag("de")])
            torch.testing.assert_close(tensor[AFTER.tag("fy")], languages.mean(0))
    pointers = {grown.state["model"][name].data_ptr() for name in TABLES}
    assert len(pointers) == {"one table": 1}.get("", len({before.tensors[name].data_ptr() for name in TABLES}))


def test_old_directions_have_the_same_states_and_scores(make: Make, tmp_path: Path) -> None:
    path = make({"share_all_embeddings": True})
    models = [
        read_checkpoint(each).model() for each in (path, reread(grow(path, AFTER, {}).state, tmp_path / "after.pt"))
    ]
    source, target = torch.tensor([[8, 4, 5, 6, 2], [8, 6, 2, 1, 1]]), torch.tensor([[2, 9, 4, 5], [2, 9, 6, 1]])
    with torch.no_grad():
        encoded = [model.encoder(source) for model in models]
        features = [model.decoder(target, states) for model, states in zip(models, encoded, strict=True)]
        logits = [model.decoder.output_projection(x) for model, x in zip(models, features, strict=True)]
    assert torch.equal(encoded[0].states, encoded[1].states)
    assert torch.equal(*features)
    torch.testing.assert_close(logits[1][..., :OLD], logits[0], rtol=0, atol=1e-6)


@pytest.mark.parametrize("flat", [False, True])
@pytest.mark.parametrize("shared", [True, False])
def test_adams_moments_stay_and_begin_at_zero(flat: bool, shared: bool, make: Make, tiny_config) -> None:
    changes = {"share_all_embeddings": shared}
    path = make(changes, last_optimizer_state=lambda model: trained(model, flat=flat))
    grown = grow(path, AFTER, {})
    assert grown.keeps_optimizer
    old, new = load_plain(path)["last_optimizer_state"], grown.state["last_optimizer_state"]
    model = EncoderDecoder(tiny_config(NEW, **changes))
    parameters = dict(model.named_parameters())
    in_one = torch.nn.Parameter(torch.cat([p.flatten() for p in parameters.values()]))
    torch.optim.AdamW([in_one] if flat else parameters.values()).load_state_dict(new)
    sizes = {name: p.numel() for name, p in parameters.items()}
    before = {name: p.numel() for name, p in EncoderDecoder(tiny_config(OLD, **changes)).named_parameters()}
    for what in ("exp_avg", "exp_avg_sq"):
        if flat:
            parts = zip(old["state"][0][what].split([*before.values()]), new["state"][0][what].split([*sizes.values()]))
        else:
            parts = ((old["state"][n][what].flatten(), new["state"][n][what].flatten()) for n in range(len(sizes)))
        for name, (was, now) in zip(sizes, parts, strict=True):
            assert torch.equal(now[: len(was)], was)
            assert len(now) == sizes[name] and not now[len(was) :].any()


def test_names_decide_where_an_optimizer_has_them(make: Make) -> None:
    """As under --depth-rates, whose groups have another order than the model."""

    def grouped(model: EncoderDecoder) -> dict[str, Any]:
        named = sorted(model.named_parameters(), key=lambda each: -len(each[0]))
        adam = torch.optim.AdamW([{"params": named[:9]}, {"params": named[9:]}])
        for _, p in named:
            p.grad = torch.randn_like(p)
        adam.step()
        return adam.state_dict()

    path = make({"share_all_embeddings": True}, last_optimizer_state=grouped)
    state = grow(path, AFTER, {}).state
    new, old = state["last_optimizer_state"], load_plain(path)["last_optimizer_state"]
    names = [name for group in new["param_groups"] for name in group["param_names"]]
    for number, name in enumerate(names):
        rows = (NEW, 16) if name in TABLES else old["state"][number]["exp_avg"].shape
        assert new["state"][number]["exp_avg"].shape == rows


def test_another_optimizers_state_is_left_out_with_a_word(make: Make) -> None:
    other = {"state": {0: {"exp_avg_sq_row": torch.ones(3)}}, "param_groups": [{"params": [0]}]}
    grown = grow(make({}, last_optimizer_state=other), AFTER, {})
    assert not grown.keeps_optimizer
    assert grown.state["last_optimizer_state"] is None
    assert grow(make({}), AFTER, {}).keeps_optimizer, "there is none to keep"


def test_an_optimizer_without_moments_stays(make: Make) -> None:
    """SGD's, or Adam's before its first update."""
    for in_one in (True, False):

        def empty(model: EncoderDecoder, in_one: bool = in_one) -> dict[str, Any]:
            return {"state": {}, "param_groups": [{"params": [0] if in_one else [*range(len([*model.parameters()]))]}]}

        grown = grow(make({}, last_optimizer_state=empty), AFTER, {})
        assert grown.keeps_optimizer
        assert not any(grown.state["last_optimizer_state"]["state"].values())


def test_scores_of_validations_without_the_new_languages_are_forgotten(make: Make) -> None:
    """Else no checkpoint would be the best one for long, and --patience would count on."""
    extra = {"best": 2.0, "val_loss": 2.0, "validation_history": {"metric": "loss"}, "epoch": 3}
    assert grow(make({}, extra_state=extra), AFTER, {}).state["extra_state"] == {"epoch": 3}


def test_a_file_that_has_not_the_whole_model_is_refused(make: Make) -> None:
    path = make({}, model=lambda model: {"flat_param_0": torch.ones(3)})
    with pytest.raises(UserError, match="missing"):
        grow(path, AFTER, {})


def test_a_moving_average_grows_too(make: Make) -> None:
    path = make({}, extra_state=lambda model: {"ema": model.state_dict(), "epoch": 2})
    extra = grow(path, AFTER, {}).state["extra_state"]
    assert extra["epoch"] == 2
    assert all(extra["ema"][name].shape == (NEW, 16) for name in TABLES)


@pytest.mark.parametrize(
    ("vocabulary", "like", "sentence"),
    [
        (BEFORE, {}, "it has all languages of the store; there is nothing to add"),
        (Vocabulary(("a", "b", "x"), AFTER.tags), {}, r"its vocabulary \(10 symbols, languages en, de, fr\) is not"),
        (Vocabulary(("a", "b", "c"), ("en", "fr", "de", "nds")), {}, "is not what the store's began as"),
        (Vocabulary(("a",), ("en",)), {}, "is not what the store's began as"),
        (AFTER, {"fr": "de"}, "--like fr=de: fr is not new; new are nds, fy"),
        (AFTER, {"nds": "fy"}, "--like nds=fy: fy is none of its languages"),
    ],
)
def test_what_cannot_grow(vocabulary: Vocabulary, like: dict[str, str], sentence: str, make: Make) -> None:
    path = make({})
    with pytest.raises(UserError, match=f"^{path}: .*{sentence}"):
        grow(path, vocabulary, like)


def test_others_models_do_not_grow(tiny_config, save_model, tmp_path: Path) -> None:
    path = save_model(tmp_path / "other.pt", EncoderDecoder(tiny_config(OLD)))
    with pytest.raises(UserError, match="no model of ours that --task many_to_many_translation has trained"):
        grow(path, AFTER, {})
