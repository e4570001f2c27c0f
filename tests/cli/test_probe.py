"""`mtdeep probe`, run as a user runs it."""

from __future__ import annotations

import json
import math
import os
import shutil
import sys
from pathlib import Path

import pytest
import yaml

from mtdeep.cli.main import run
from mtdeep.corpus import Vocabulary
from mtdeep.nn import build_model


def test_a_sweep(run_command, tmp_path: Path) -> None:
    given = "--schemes deepnorm,postln --depths 2,36 --width 32 --steps 10 --batch-tokens 256 --seed 3".split()
    done = run_command("mtdeep", "probe", *given, "--output", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    names = ("deepnorm 1-1", "deepnorm 18-18", "postln 1-1", "postln 18-18")
    found = json.loads((tmp_path / "out" / "probe.json").read_text())
    assert found["settings"]["seed"] == 3
    for name, record in zip(names, found["configurations"], strict=True):
        assert record["name"] == name
        assert f"{name} (width 32): {record['verdict']['outcome']}. {record['verdict']['sentence']}\n" in done.stdout
    assert [record["verdict"]["outcome"] for record in found["configurations"][:3]] == ["trains"] * 3
    assert found["configurations"][3]["verdict"]["outcome"] != "trains"
    for name in ("index.html", "probe.json", "gradient_norm.png", "model_update.png", "loss.png"):
        assert str(tmp_path / "out" / name) in done.stdout
        assert (tmp_path / "out" / name).stat().st_size > 0

    again = run_command("mtdeep", "probe", *given, "--output", tmp_path / "out")
    assert again.stdout == done.stdout


def test_a_file_and_a_checkpoint_on_a_store(run_command, store, checkpoint, tiny_config, tmp_path: Path) -> None:
    config = tmp_path / "mine.yaml"
    config.write_text(yaml.safe_dump(tiny_config(len(Vocabulary.load(store / "dict.txt")), scheme="subln").to_dict()))
    given = ["--store", store, "--split", "valid", "--steps", 2, "--batch-tokens", 200, "--precision", "bf16"]
    done = run_command(
        "mtdeep", "probe", "--config", config, "--checkpoint", checkpoint, *given, "--output", tmp_path / "out"
    )
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "out" / "probe.json").read_text())
    assert [record["name"] for record in found["configurations"]] == ["mine", "checkpoint_best"]
    assert found["data"]["split"] == "valid" and found["settings"]["precision"] == "bf16"
    checks = [check["name"] for check in found["configurations"][1]["verdict"]["checks"]]
    assert "source" in checks and "loss" not in checks


@pytest.mark.slow
def test_a_language_model_and_a_masked_one_on_a_store(
    run_command, store, tiny_config, save_model, tmp_path: Path
) -> None:
    """The masked one's dictionary has one symbol more, the mask, as fairseq's masked_lm makes it."""
    size = len(Vocabulary.load(store / "dict.txt"))
    options: list[str | Path] = []
    for name, config in (
        ("lm", tiny_config(size, encoder_layers=0)),
        ("mlm", tiny_config(size + 1, decoder_layers=0, share_all_embeddings=True)),
    ):
        options += ["--checkpoint", save_model(tmp_path / f"{name}.pt", build_model(config))]
    options += ["--store", store, "--split", "valid", "--steps", "2", "--batch-tokens", "200", "--precision", "amp"]
    output = ("--output", tmp_path / "out")
    done = run_command("mtdeep", "probe", *options, *output)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "lm: reads one language; give --language, one of de, en, fr, zh-Hans." in done.stderr
    done = run_command("mtdeep", "probe", *options, "--language", "zh_Hans", *output)
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "out" / "probe.json").read_text())
    assert found["data"]["language"] == "zh-Hans"
    for record, stack in zip(found["configurations"], ("decoder", "encoder"), strict=True):
        assert [*record["start"]["states"]] == [stack] and record["start"]["source"] is None
        assert record["start"]["nll"] == pytest.approx(math.log(size), rel=0.2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--schemes deepnom", "'deepnom' is none of"),
        ("--schemes preln --depths 12,x", "--depths '12,x': not a comma list of whole numbers"),
        ("--schemes preln --depths 13", "depth 13 has no two halves"),
        ("--schemes preln --precision half", "--precision half is none of fp32, amp, bf16, fp16; give one of them"),
        ("--schemes preln --depth-rates late", "--depth-rates 'late' is none of the rules none, adam, completep: give"),
        ("--schemes preln --depth-rates adam", "preln 6-6: --depth-rates: no rule 'adam' was found for scheme preln"),
        ("--schemes preln --lr 0", "--lr 0.0 is no learning rate; give one above 0"),
        ("--arch deepnet_mt_36 --depths 12", "every name has a depth of its own"),
        ("--arch deepnet_mt_200_wide", "'deepnet_mt_200_wide' has a width of its own"),
        ("", "Nothing to probe; give --schemes"),
        ("--config {folder}/missing.yaml", "missing.yaml: cannot be read"),
        ("--config {folder}/bad.yaml", "bad.yaml:2: not valid YAML"),
        ("--config {folder}/unknown.yaml", "(did you mean 'encoder_layers'?); missing key 'scheme'"),
        ("--checkpoint {folder}/missing.pt", "missing.pt: cannot be read"),
        ("--checkpoint {folder}/half.pt", "half.pt: not a checkpoint, or cut short"),
        ("--schemes preln --store {folder}/nowhere", "nowhere: not a store"),
        ("--schemes preln --store {store} --split none", "no split 'none'"),
        ("--schemes preln --language en", "--language en: it is one of a store's; give --store too"),
        ("--schemes preln --store {store} --split valid --language en", "every model here reads pairs of languages"),
        ("--config {folder}/masked.yaml --store {store} --split valid --language en", "symbols and the mask of"),
        ("--config {folder}/alone.yaml --store {store} --split valid --language ja", "--language ja: not in split"),
        ("--config {folder}/alone.yaml --store {store} --split valid --language en.", "'en.'"),
        ("--config {folder}/small.yaml --store {store} --split valid", "small: has another vocabulary than the"),
    ],
)
def test_bad_input(
    store, checkpoint, tiny_config, tmp_path: Path, monkeypatch, capsys, options: str, message: str
) -> None:
    (tmp_path / "bad.yaml").write_text("scheme: [\n")
    (tmp_path / "unknown.yaml").write_text("layers: 3\nsource_vocabulary_size: 9\ntarget_vocabulary_size: 9\n")
    size = len(Vocabulary.load(store / "dict.txt"))
    for name, config in {
        "small": tiny_config(20),
        "alone": tiny_config(size, encoder_layers=0),
        "masked": tiny_config(size, decoder_layers=0),
    }.items():
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(config.to_dict()))
    shutil.copy(checkpoint, tmp_path / "half.pt")
    os.truncate(tmp_path / "half.pt", checkpoint.stat().st_size // 2)
    arguments = options.format(folder=tmp_path, store=store).split()
    # In this process: a new one would import torch for each of them.
    monkeypatch.setattr(sys, "argv", ["mtdeep", "probe", *arguments, "--output", str(tmp_path / "out")])
    with pytest.raises(SystemExit) as done:
        run()
    assert done.value.code == 2
    told = capsys.readouterr().err
    assert told.startswith("error: ") and message in told
    assert told.count("\n") == 1
    assert not (tmp_path / "out").exists()
