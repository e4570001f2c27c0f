"""`mtdeep probe`, run as a user runs it."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
import yaml

from mtdeep.corpus import Vocabulary


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
        assert f"{name}: 14 of 14" in done.stderr
    assert [record["verdict"]["outcome"] for record in found["configurations"][:3]] == ["trains"] * 3
    assert found["configurations"][3]["verdict"]["outcome"] != "trains"
    for name in ("index.html", "probe.json", "gradient_norm.png", "model_update.png", "loss.png"):
        assert str(tmp_path / "out" / name) in done.stdout
        assert (tmp_path / "out" / name).stat().st_size > 0

    again = run_command("mtdeep", "probe", *given, "--output", tmp_path / "out")
    assert again.stdout == done.stdout
    assert "deepnorm 18-18, measured before: 1 of 1" in again.stderr


def test_a_file_and_a_checkpoint_on_a_store(run_command, store, checkpoint, tiny_config, tmp_path: Path) -> None:
    config = tmp_path / "mine.yaml"
    config.write_text(yaml.safe_dump(tiny_config(len(Vocabulary.load(store / "dict.txt")), scheme="subln").to_dict()))
    given = ["--store", store, "--split", "valid", "--steps", 2, "--batch-tokens", 200, "--precision", "bfloat16"]
    done = run_command(
        "mtdeep", "probe", "--config", config, "--checkpoint", checkpoint, *given, "--output", tmp_path / "out"
    )
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "out" / "probe.json").read_text())
    assert [record["name"] for record in found["configurations"]] == ["mine", "checkpoint_best"]
    assert found["data"]["split"] == "valid" and found["settings"]["precision"] == "bfloat16"
    checks = [check["name"] for check in found["configurations"][1]["verdict"]["checks"]]
    assert "source" in checks and "loss" not in checks


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--schemes deepnom", "scheme 'deepnom' is none of"),
        ("--schemes preln --depths 12,x", "--depths '12,x': not a comma list of whole numbers"),
        ("--schemes preln --depths 13", "depth 13 has no two halves"),
        ("--schemes preln --precision fp16", "--precision fp16: none of float32, bfloat16, float16"),
        ("--schemes preln --lr 0", "--lr 0.0: must be above 0"),
        ("", "Nothing to probe; give --schemes"),
        ("--config {folder}/missing.yaml", "missing.yaml: cannot be read"),
        ("--config {folder}/bad.yaml", "bad.yaml:2: not valid YAML"),
        ("--config {folder}/unknown.yaml", "(did you mean 'encoder_layers'?); missing key 'scheme'"),
        ("--checkpoint {folder}/missing.pt", "missing.pt: cannot be read"),
        ("--checkpoint {folder}/half.pt", "half.pt: not a checkpoint, or cut short"),
        ("--schemes preln --store {folder}/nowhere", "nowhere: not a store"),
        ("--schemes preln --store {store} --split none", "no split 'none'"),
        ("--config {folder}/small.yaml --store {store} --split valid", "small: has another vocabulary than the"),
    ],
)
def test_bad_input(run_command, store, checkpoint, tiny_config, tmp_path: Path, options: str, message: str) -> None:
    (tmp_path / "bad.yaml").write_text("scheme: [\n")
    (tmp_path / "unknown.yaml").write_text("layers: 3\nsource_vocabulary_size: 9\ntarget_vocabulary_size: 9\n")
    (tmp_path / "small.yaml").write_text(yaml.safe_dump(tiny_config(20).to_dict()))
    shutil.copy(checkpoint, tmp_path / "half.pt")
    os.truncate(tmp_path / "half.pt", checkpoint.stat().st_size // 2)
    arguments = options.format(folder=tmp_path, store=store).split()
    done = run_command("mtdeep", "probe", *arguments, "--output", tmp_path / "out")
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("error: ") and message in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()
