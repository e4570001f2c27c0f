"""What is written of checkpoints: all numbers, the page, and where a killed run goes on."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.image import imread

from mtdeep.nn import build_model
from mtdeep.probe import Data, from_checkpoint
from mtdeep.probe.use import BATCHES, examine, probe_use, report
from mtdeep.probe.use.pictures import PLOTS
from mtdeep.probe.use.table import COLUMNS, rows, sentences

TOKENS = 60


@pytest.fixture(scope="module")
def candidates(tiny_config, save_model, tmp_path_factory: pytest.TempPathFactory):  # type: ignore[no-untyped-def]
    folder = tmp_path_factory.mktemp("checkpoints")
    checkpoints = []
    for name, changes in {"both": {}, "lm": {"scheme": "residual", "encoder_layers": 0}}.items():
        torch.manual_seed(1)
        model = build_model(tiny_config(64, **changes))
        checkpoints.append(from_checkpoint(save_model(folder / f"{name}.pt", model)))
    return checkpoints


@pytest.fixture
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Most of the time, where they are not looked at."""
    monkeypatch.setattr(report.pictures, "draw_all", lambda records, folder: [])


@pytest.fixture(scope="module")
def folder(candidates, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("use")
    probe_use(candidates, Data(), path, batch_tokens=TOKENS, seed=1)
    return path


def test_everything_is_in_the_json(candidates, folder: Path) -> None:
    written = json.loads((folder / "use.json").read_text(), parse_constant=lambda name: pytest.fail(name))
    assert written["settings"] == {"batches": BATCHES, "batch_tokens": TOKENS, "seed": 1, "most": 64}
    both, alone = written["checkpoints"]
    assert [both["name"], alone["name"]] == ["both", "lm"]
    assert both["updates"] == 7 and both["config"] == candidates[0].config.to_dict()
    assert [*both["stacks"]] == ["encoder", "decoder"] and [*alone["stacks"]] == ["decoder"]
    assert alone["source"] is None and both["source"]["layers"] == [1, 2] and len(both["source"]["costs"]) == 2
    for stack, kinds in (("encoder", 2), ("decoder", 3)):
        of_stack = both["stacks"][stack]
        assert of_stack["depth"] == 2 and of_stack["branch_layers"] == of_stack["layers"] == [1, 2]
        assert len(of_stack["states"]) == len(of_stack["skips"]) == 2 * kinds and len(of_stack["swaps"]) == kinds
        assert [reading["depth"] for reading in of_stack["readings"]] == [0, 1, 2]
        assert of_stack["readings"][2]["nll"] == pytest.approx(both["loss"])
        assert len(of_stack["pruning"]["losses"]) == 3 and of_stack["pruning"]["losses"][0] == both["loss"]


def test_the_page_needs_nothing_else(folder: Path) -> None:
    page = (folder / "use.html").read_text(encoding="utf-8")
    assert not re.search(r"https?://|@import|url\(|<script|<link", page)
    inside = re.findall(r'src="data:image/png;base64,([^"]+)"', page)
    names = {plot.file for plot in PLOTS} | {"use_sources.png"}
    assert {path.name for path in folder.glob("*.png")} == names
    assert sorted(base64.b64decode(data) for data in inside) == sorted(p.read_bytes() for p in folder.glob("*.png"))
    for name in names:
        pixels = imread(folder / name)[:, :, :3]
        coloured = (pixels.max(axis=2) - pixels.min(axis=2) > 0.2).mean()
        assert coloured > 0.0003 and np.all(np.array(pixels.shape[:2]) > 200), name
    for column in COLUMNS:
        assert f">{column}</th>" in page
    assert "Is depth used?" in page and "cross-attention" in page and "after 7 updates" in page


def test_a_stack_alone_has_no_picture_of_sources(candidates, tmp_path: Path) -> None:
    use = probe_use(candidates[1:], Data(), tmp_path, batch_tokens=TOKENS, seed=1)
    assert {path.name for path in use.files} == {plot.file for plot in PLOTS} | {"use.html", "use.json"}
    assert not any("source" in sentence for sentence in sentences(use.records[0]))
    assert [row[2] for row in rows(use.records[0])] == ["self-attention", "feed-forward"]


def test_a_killed_run_goes_on(
    candidates, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_pictures: None
) -> None:
    """Killed while the second stack is pruned: what was done is not done again, and the report is the same."""
    calls = []

    def counted(name: str, killed: bool = False):  # type: ignore[no-untyped-def]
        measure = getattr(examine, name)

        def call(text, stack, *rest):  # type: ignore[no-untyped-def]
            if killed and stack == "decoder":
                raise KeyboardInterrupt
            calls.append((name, stack))
            return measure(text, stack, *rest)

        return call

    with monkeypatch.context() as patched:
        patched.setattr(examine, "skips", counted("skips"))
        patched.setattr(examine, "prune", counted("prune", killed=True))
        with pytest.raises(KeyboardInterrupt):
            probe_use(candidates[:1], Data(), tmp_path, batch_tokens=TOKENS, seed=1)
    assert not (tmp_path / "use.json").exists()
    monkeypatch.setattr(examine, "skips", counted("skips"))
    monkeypatch.setattr(examine, "prune", counted("prune"))
    probe_use(candidates, Data(), tmp_path, batch_tokens=TOKENS, seed=1)
    assert calls[:3] == [("skips", "encoder"), ("prune", "encoder"), ("skips", "decoder")]
    assert calls[3:] == [("prune", "decoder"), ("skips", "decoder"), ("prune", "decoder")]  # then the second checkpoint
    assert (tmp_path / "use.json").read_bytes() == (folder / "use.json").read_bytes()


def test_another_seed_is_another_text(candidates, folder: Path, tmp_path: Path, no_pictures: None) -> None:
    (record,) = probe_use(candidates[:1], Data(), tmp_path, batch_tokens=TOKENS, seed=2).records
    assert record["loss"] != json.loads((folder / "use.json").read_text())["checkpoints"][0]["loss"]


def test_of_many_branches_an_even_sample_is_measured_and_it_is_told(
    tiny_config, save_model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_pictures: None
) -> None:
    monkeypatch.setattr(examine, "MOST", 6)
    model = build_model(tiny_config(64, encoder_layers=7, decoder_layers=5))
    deep = from_checkpoint(save_model(tmp_path / "deep.pt", model))
    (record,) = probe_use([deep], Data(), tmp_path / "out", batch_tokens=TOKENS, seed=1).records
    encoder, decoder = record["stacks"]["encoder"], record["stacks"]["decoder"]
    assert encoder["branch_layers"] == [1, 4, 7] and encoder["layers"] == [1, 2, 3, 5, 6, 7]
    assert decoder["branch_layers"] == [1, 5] and decoder["layers"] == [1, 2, 3, 4, 5]
    assert {swap["layer"] for swap in decoder["swaps"]} == {1}
    page = (tmp_path / "out" / "use.html").read_text(encoding="utf-8")
    assert "Of the 7 layers of the encoder an even sample was measured: 3 branch by branch, 6 as a whole." in page
    assert "Of the 5 layers of the decoder an even sample was measured: 2 branch by branch, 5 as a whole." in page
    assert "3 of 7" in page


def test_a_loss_that_is_not_finite(tiny_config, save_model, tmp_path: Path) -> None:
    model = build_model(tiny_config(64))
    torch.nn.init.constant_(model.get_submodule("decoder.layers.0.fc1").weight, float("nan"))
    broken = from_checkpoint(save_model(tmp_path / "broken.pt", model))
    (record,) = probe_use([broken], Data(), tmp_path / "out", batch_tokens=TOKENS, seed=1).records
    assert sentences(record) == ["The loss is not finite: nothing else here says anything."]
    assert record["loss"] is None and (tmp_path / "out" / "use.html").exists()


def test_what_the_numbers_come_to() -> None:
    """Sentences and cells of a made-up record, computed by hand."""
    branches = [{"layer": layer, "kind": "feed-forward", "distance": 0.1 * layer, "share": 1.0} for layer in (1, 2, 3)]
    skips = [{"layer": n, "kind": "feed-forward", "cost": cost, "effect": e} for n, cost, e in
             ((1, 0.2, 0.5), (2, 0.009, 0.7), (3, -0.1, None))]  # fmt: skip
    stack = {
        "depth": 3, "branch_layers": [1, 2, 3], "layers": [1, 2, 3], "states": branches, "skips": skips,
        "swaps": [{"layer": n, "kind": "feed-forward", "cost": cost} for n, cost in ((1, 0.01), (2, 0.03))],
        "readings": [{"depth": depth, "nll": nll} for depth, nll in enumerate((5.0, 4.0, 3.05, 3.0))],
        "pruning": {"losses": [3.0, 2.9, 3.05, 9.0]},
    }  # fmt: skip
    source = {"sentences": 9, "layers": [1, 2, 3], "costs": [0.1, 0.3, 0.2], "together": 1.5}
    record = {"name": "a", "loss": 3.0, "updates": 1200, "tokens": 1000, "sentences": 9, "source": source,
              "stacks": {"encoder": stack, "decoder": stack}}  # fmt: skip
    cells = ["3 of 3", "0.200", "1.00", "0.0090", "0.200 (1)", "2 of 3", "0.600", "0.0200", "0.030 (2)"]
    assert rows(record) == [["a", name, "feed-forward", *cells] for name in ("encoder", "decoder")]
    assert sentences(record) == [
        "3.000 nats per token after 1,200 updates, on 1,000 tokens of 9 sentences.",
        *(
            sentence
            for name in ("encoder", "decoder")
            for sentence in (
                f"Read off at the {name}'s embeddings the loss is 5.000, behind its highest layer 3.000; 90% of the "
                "difference is made by layer 2 of 3.",
                f"Without 2 of 3 layers of the {name}, the cheapest first, the loss rises by no more than 0.1; without "
                "all of them it is 9.000.",
            )
        ),
        "Another source costs 1.500 nats per token where all layers of the decoder read it, and 0.300 at most where "
        "one does (layer 2), over 9 sentences.",
    ]
