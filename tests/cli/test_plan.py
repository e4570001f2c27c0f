"""`mtdeep plan`, run as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mtdeep.cli.main import app
from mtdeep.cli.plan import chosen_config
from mtdeep.errors import UserError

SIZES = "--encoder-layers 1 --decoder-layers 1 --embed-dim 16 --ffn-dim 32 --heads 2".split()
SMALL = [*SIZES, "--memory", "50MB", "--reserve", "1MB"]
MODEL = ["--scheme", "subln", "--vocabulary", "120", *SMALL]


def test_a_table_for_people(run_command) -> None:
    options = "--devices 2 --precision bf16 --tflops 900 --utilisation 0.3 --updates 50 --corpus-tokens 9000".split()
    done = run_command("mtdeep", "plan", *MODEL, *options, "--max-tokens", 3000)
    assert done.returncode == 0, done.stderr
    for wanted in (
        "subln, 1 encoder + 1 decoder layers of width 16, bf16, 2 x 50 MB (cuda)",
        "float32 copy of the weights",
        "gradients in DDP's buckets",
        "reserve",
        "all 2",
        "largest --max-tokens",
        "--max-tokens 3,000",
        "tokens in an update, divided over 2 devices",
        "6,000",
        "tokens a second, all devices",
        "33.3",  # 50 updates of 6,000 tokens over 9,000
        "hours",
        "Computed for CUDA, not measured there",
        "DDP: every device has its own copy of the state",
    ):
        assert wanted in done.stdout, wanted


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
    assert (plan["training"]["memory"], plan["training"]["reserve"]) == (20_000_000, 0)
    for batch in plan["batches"]:
        assert 0 < batch["peak_bytes"] <= 20_000_000
        assert batch["tokens_per_update"] == batch["max_tokens"] > 0
        assert batch["fits"]
        assert (batch["tokens_per_second"], batch["updates"], batch["hours"]) == (None, None, None)


def test_a_checkpoint_has_its_own_configuration(run_command, checkpoint: Path) -> None:
    done = run_command("mtdeep", "plan", "--checkpoint", checkpoint, "--memory", "20MB", "--device", "cpu", "--json")
    assert done.returncode == 0, done.stderr
    config = json.loads(done.stdout)["config"]
    assert (config["scheme"], config["encoder_layers"], config["embed_dim"]) == ("deepnorm", 1, 16)


def test_an_architecture_by_its_name(run_command) -> None:
    """With fairseq's names of the sizes; a language model's only stack."""
    sizes = "--vocabulary 120 --decoder-layers 1 --decoder-embed-dim 16 --ffn-dim 32 --heads 2 --memory 20MB".split()
    done = run_command("mtdeep", "plan", "--arch", "vanilla_lm", *sizes, "--device", "cpu", "--json")
    assert done.returncode == 0, done.stderr
    plan = json.loads(done.stdout)
    assert plan["parameters"].keys() == {"embeddings", "decoder"}
    config = plan["config"]
    assert (config["scheme"], config["shaping"], config["activation"]) == ("vanilla", "espa", "tailored")
    assert (config["decoder_positions"], config["dropout"], config["embed_dim"]) == ("rotary", 0.0, 16)


def test_a_scheme_brings_what_its_architectures_set(tmp_path: Path) -> None:
    (tmp_path / "model.yaml").write_text(
        "scheme: deepnorm\nsource_vocabulary_size: 9\ntarget_vocabulary_size: 9\nactivation: gelu\n"
    )
    sizes = {"source_vocabulary_size": 9, "target_vocabulary_size": 9}
    by_name = chosen_config(None, None, "vanilla_mt", None, sizes)
    assert chosen_config(None, None, None, "vanilla", sizes) == by_name
    assert chosen_config(tmp_path / "model.yaml", None, None, "vanilla", {}) == by_name
    assert chosen_config(tmp_path / "model.yaml", None, None, "preln", {}).activation == "gelu"
    wide = chosen_config(None, None, "deepnet_mt_200_wide", None, {**sizes, "encoder_layers": 3})
    assert (wide.encoder_layers, wide.decoder_layers, wide.decoder_ffn_dim) == (3, 100, 4096)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--memory", "1GB"], "no model is named; give a YAML file, --checkpoint, or --arch or --scheme with"),
        (["--memory", "1GB", "--arch", "deepnet_mt_200"], "--vocabulary is missing; give it"),
        (["--arch", "preln_lm", "--vocabulary", "9", *SMALL, "--encoder-layers", "2"], "--arch preln_lm has no enc"),
        (["--arch", "deepnet_mt_20", "--vocabulary", "9", *SMALL], "--arch deepnet_mt_20 is none of ours; give"),
        (["--arch", "preln_mt", *MODEL], "--arch preln_mt and --scheme subln both name a scheme; give one of them"),
        ([*MODEL, "--reserve", "1GB"], "a reserve of 1 GB leaves nothing of 50 MB; give more --memory or"),
        ([*MODEL, "--updates", "9", "--epochs", "2"], "--updates and --epochs both say how long to train"),
        ([*MODEL, "--memory", "80 gigs"], "'80 gigs' is no amount of memory; write a number and one of B, KB"),
        ([*MODEL, "--memory", "90KB", "--reserve", "0B"], "90 KB do not hold one sentence of 30 tokens, whose"),
        ([*MODEL, "--precision", "fp8"], "precision 'fp8' is none of fp32, amp, bf16, fp16"),
        ([*MODEL, "--heads", "3"], "Config: embed_dim 16 is not a multiple of encoder_heads 3; embed_dim 16 is not"),
        ([*MODEL, "--scheme", "deepnom"], "Config: scheme 'deepnom' is none of deepnorm, "),
        (["missing.yaml", *SMALL], "missing.yaml: cannot be read"),
        (["wrong.yaml", *SMALL], "wrong.yaml: Config: unknown key 'shceme' (did you mean 'scheme'?); missing key"),
        (["list.yaml", *SMALL], "list.yaml:1: holds no fields of a model"),
        (["wrong.yaml", "--checkpoint", "a.pt", *SMALL], "wrong.yaml and a.pt are 2 models; give one of them"),
    ],
)
def test_mistakes_are_one_sentence(
    tmp_path: Path, options: list[str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "wrong.yaml").write_text("shceme: deepnorm\n")
    (tmp_path / "list.yaml").write_text("- scheme\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError) as caught:
        app(["plan", *options], standalone_mode=False)
    assert str(caught.value).startswith(message)


def test_a_mistake_ends_with_exit_code_2(run_command) -> None:
    done = run_command("mtdeep", "plan", *MODEL, "--precision", "fp8")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[-1].startswith("error: precision 'fp8' is none of fp32, amp, bf16, fp16; choose")
