"""A controlled training: its rates in closed form, and that it goes on to the bit where it was cut short."""

from __future__ import annotations

import json
from pathlib import Path

import controlled_training
import pytest
import torch
from control import Control
from controlled_training import LOG, STATE, Training, main

from mtdeep.corpus import Store

TINY = {"layers": 1, "width": 16, "tokens": 40, "dropout": 0.1, "encoder": 0.25, "warm_up": 2}


@pytest.fixture
def store(write_store, tmp_path: Path) -> Store:
    words = [[f"w{n} w{n * 7 % 40} w{n % 9}" for n in range(60)], [f"v{n} v{n * 7 % 40} v{n % 9}" for n in range(60)]]
    splits = {"train": slice(0, 48), "valid": slice(48, 60)}
    corpora = {
        ("toy", split): {code: lines[part] for code, lines in zip(("en", "de"), words, strict=True)}
        for split, part in splits.items()
    }
    made: Store = write_store(tmp_path / "store", ["en", "de"], corpora, 18)
    return made


def test_rates_in_closed_form() -> None:
    plain = Control(rate=0.8, warm_up=4, encoder=0.25, decoder=0.5)
    assert [plain.rate_of(None, update) for update in (1, 2, 4, 9)] == pytest.approx([0.2, 0.4, 0.8, 0.8])
    assert [plain.rate_of(stack, 9) for stack in ("encoder", "decoder")] == pytest.approx([0.2, 0.4])
    decaying = Control(rate=0.8, warm_up=4, decay=True)
    assert decaying.rate_of(None, 16) == pytest.approx(0.4)
    passing = Control(rate=0.8, warm_up=4, encoder=0.25, until=6)
    assert [passing.rate_of("encoder", update) for update in (6, 7)] == pytest.approx([0.2, 0.8])
    rising = Control(rate=0.8, warm_up=4, encoder=0.25, rise=10)
    assert [rising.rate_of("encoder", update) for update in (4, 7, 10, 50)] == pytest.approx([0.2, 0.5, 0.8, 0.8])
    later = Control(rate=0.8, warm_up=4, encoder_warm_up=8)
    assert [later.rate_of("encoder", update) for update in (2, 4, 8)] == pytest.approx([0.2, 0.4, 0.8])
    assert later.rate_of(None, 2) == pytest.approx(0.4)


def test_a_factor_leaves_the_decay_of_a_step_alone(store: Store) -> None:
    training = Training(Control(**TINY, weight_decay=0.1), store, 2)  # type: ignore[arg-type]
    training.step()
    decays = {group["stack"]: group["lr"] * group["weight_decay"] for group in training.adam.param_groups}
    assert set(decays) == {None, "encoder", "decoder"}
    assert list(decays.values()) == pytest.approx([1e-3 * 0.1] * 3)


def test_completep_scales_branches_and_epsilon(store: Store) -> None:
    """1/m, three layers for which one was tuned."""
    control = Control(scheme="preln", layers=3, width=16, tokens=40, tuned_depth=1, epsilon=3e-8)
    training = Training(control, store, 1)
    assert training.model.config.tuned_depth == 1
    epsilons = {group["stack"]: group["eps"] for group in training.adam.param_groups}
    assert epsilons == {None: 3e-8, "encoder": pytest.approx(1e-8), "decoder": pytest.approx(1e-8)}


def test_it_goes_on_to_the_bit(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed between a save and the next: what the log has beyond the save is written again."""
    monkeypatch.setattr(controlled_training, "SECONDS_BETWEEN_SAVES", -1.0)
    control = json.dumps(TINY)
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    for folder in (whole, cut):
        folder.mkdir()
    main(store.path, whole, control, 40)
    assert not (whole / STATE).exists()
    first = Training(Control(**TINY), store, 40)  # type: ignore[arg-type]
    for _ in range(20):
        first.step()
    torch.save(first.state(), cut / STATE)
    lines = (whole / LOG).read_text().splitlines(keepends=True)
    kept = [line for line in lines if int([*json.loads(line).values()][1]) <= 30]  # ten more updates than were saved
    (cut / LOG).write_text("".join(kept))
    main(store.path, cut, control, 40)
    assert (cut / LOG).read_text() == (whole / LOG).read_text()
