"""`mtdeep plan`, run as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

SMALL = "--encoder-layers 3 --decoder-layers 2 --embed-dim 16 --ffn-dim 32 --heads 2 --memory 50MB".split()
MODEL = ["--scheme", "subln", "--vocabulary", "120", *SMALL]


def test_a_table_for_people(run_command) -> None:
    done = run_command("mtdeep", "plan", *MODEL, "--devices", 2, "--precision", "bf16", "--tflops", 3)
    assert done.returncode == 0, done.stderr
    for wanted in (
        "subln, 3 + 2 layers of width 16, bf16, 2 x 50 MB (cuda)",
        "float32 copy of the weights",
        "gradients in DDP's buckets",
        "largest --max-tokens",
        "tokens a second, all devices",
        "Checked on CPUs only",
    ):
        assert wanted in done.stdout, wanted
    assert "rehearsing training steps" in done.stderr


def test_json_of_a_yaml_file_with_one_field_changed(run_command, tmp_path: Path) -> None:
    (tmp_path / "model.yaml").write_text(
        "scheme: deepnorm\nsource_vocabulary_size: 120\ntarget_vocabulary_size: 120\nembed_dim: 16\n"
        "encoder_heads: 2\ndecoder_heads: 2\nencoder_layers: 1\ndecoder_layers: 1\n"
    )
    options = ["--ffn-dim", 32, "--memory", "20MB", "--device", "cpu", "--json"]
    done = run_command("mtdeep", "plan", "model.yaml", *options, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    plan = json.loads(done.stdout)
    assert plan["config"]["encoder_ffn_dim"] == 32 and plan["config"]["scheme"] == "deepnorm"
    # Embeddings of both sides and the output; a layer's biases, gains and matrices.
    attention, feed_forward, norm = 4 * (16 * 16 + 16), 2 * 16 * 32 + 32 + 16, 2 * 16
    assert plan["parameters"] == {
        "embeddings": 3 * 120 * 16,
        "encoder": attention + feed_forward + 2 * norm,
        "decoder": 2 * attention + feed_forward + 3 * norm,
    }
    assert plan["memory_bytes"] == 20_000_000
    for batch in plan["batches"]:
        assert 0 < batch["peak_bytes"] <= 20_000_000
        assert batch["tokens_per_update"] == batch["max_tokens"] > 0
        assert batch["tokens_per_second"] is None


def test_a_checkpoint_has_its_own_configuration(run_command, checkpoint: Path) -> None:
    done = run_command("mtdeep", "plan", "--checkpoint", checkpoint, "--memory", "20MB", "--device", "cpu", "--json")
    assert done.returncode == 0, done.stderr
    config = json.loads(done.stdout)["config"]
    assert (config["scheme"], config["encoder_layers"], config["embed_dim"]) == ("deepnorm", 1, 16)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--memory", "1GB"], "which model? Give a YAML file, --checkpoint, or at least --scheme and --vocabulary"),
        ([*MODEL, "--memory", "80 gigs"], "'80 gigs' is no amount of memory; write a number and one of B, KB"),
        ([*MODEL, "--memory", "90KB"], "90 KB do not hold one sentence of 30 tokens, whose update takes"),
        ([*MODEL, "--precision", "fp8"], "precision 'fp8' is none of fp32, amp, bf16, fp16"),
        ([*MODEL, "--heads", "3"], "Config: embed_dim 16 is not a multiple of encoder_heads 3; embed_dim 16 is not"),
        ([*MODEL, "--scheme", "deepnom"], "Config: scheme 'deepnom' is none of deepnorm, "),
        (["missing.yaml", *SMALL], "missing.yaml: cannot be read"),
        (["wrong.yaml", *SMALL], "wrong.yaml: Config: unknown key 'shceme' (did you mean 'scheme'?); missing key"),
        (["list.yaml", *SMALL], "list.yaml:1: holds no fields of a model"),
        (["wrong.yaml", "--checkpoint", "a.pt", *SMALL], "wrong.yaml and a.pt are two models; give one of them"),
    ],
)
def test_mistakes_are_one_sentence(run_command, tmp_path: Path, options: list[str], message: str) -> None:
    (tmp_path / "wrong.yaml").write_text("shceme: deepnorm\n")
    (tmp_path / "list.yaml").write_text("- scheme\n")
    done = run_command("mtdeep", "plan", *options, cwd=tmp_path)
    assert done.returncode == 2
    error = done.stderr.splitlines()[-1]
    assert error.startswith(f"error: {message}")
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
