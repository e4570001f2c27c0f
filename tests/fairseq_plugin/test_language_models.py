"""Decoders alone and encoders alone with fairseq's own tasks, run as a user runs them."""

from __future__ import annotations

import itertools
import math
import re
from pathlib import Path

import pytest
import torch
from fairseq.models import MODEL_REGISTRY

from mtdeep.checkpoint import read_checkpoint
from mtdeep.corpus import Store
from mtdeep.nn import LanguageModel, MaskedLanguageModel

COMMON = (
    "--optimizer torch_adam --lr 5e-3 --max-update 20 --tokens-per-sample 32 --batch-size 16 --sample-break-mode eos "
    "--cpu --log-format simple --log-interval 10"
).split()
DECODER = (
    "--task language_modeling --decoder-layers 2 --decoder-embed-dim 32 --decoder-ffn-embed-dim 48 "
    "--decoder-attention-heads 2 --share-decoder-input-output-embed "
    "--criterion label_smoothed_linear_cross_entropy --label-smoothing 0.0"
).split()
ENCODER = (
    "--task masked_lm --criterion masked_lm --encoder-layers 2 --encoder-embed-dim 32 --encoder-ffn-embed-dim 48 "
    "--encoder-attention-heads 2"
).split()


def ours(kind: str) -> list[object]:
    """Return our architectures of a kind: one for the quick tests, as each takes several commands, the others slow."""
    names = sorted(
        name for name, model in MODEL_REGISTRY.items() if name.endswith(kind) and model.__module__.startswith("mtdeep.")
    )
    return [name if name.startswith("deepnet") else pytest.param(name, marks=pytest.mark.slow) for name in names]


def numbered(text: Path) -> dict[str, int]:
    """Return the dictionary's words with their numbers, which follow those of fairseq's special symbols."""
    words = (text / "dict.txt").read_text(encoding="utf-8").split()[::2]
    return {word: 4 + number for number, word in enumerate(words)}


@pytest.fixture(scope="module")
def text(toy_store: Path, tmp_path_factory: pytest.TempPathFactory, run_command) -> Path:
    """English number words, as fairseq-preprocess writes one language."""
    folder = tmp_path_factory.mktemp("text")
    corpora = Store(toy_store).corpora("test") + Store(toy_store).corpora("valid")
    for split, corpus in zip(("train", "valid"), corpora, strict=True):
        lines = "".join(f"{corpus.text('en', row)}\n" for row in range(corpus.rows))
        (folder / split).write_text(lines, encoding="utf-8")
    result = run_command(
        "fairseq-preprocess", "--only-source", "--trainpref", folder / "train", "--validpref", folder / "valid",
        "--destdir", folder / "data-bin",
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    return folder / "data-bin"


@pytest.mark.parametrize("architecture", ours("_lm"))
def test_language_model(text: Path, tmp_path: Path, architecture: str, run_command) -> None:
    """Train; score in a fresh process, as the model says that is read without fairseq; go on with a text."""
    result = run_command("fairseq-train", text, "--arch", architecture, *DECODER, *COMMON, "--save-dir", tmp_path)
    assert result.returncode == 0, result.stderr
    checkpoint = tmp_path / "checkpoint_last.pt"
    model = read_checkpoint(checkpoint).model()
    assert isinstance(model, LanguageModel)

    result = run_command(
        "fairseq-eval-lm", text, "--path", checkpoint, "--gen-subset", "valid", "--cpu", "--batch-size", 5,
        "--sample-break-mode", "eos", "--output-word-probs",
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    indices = numbered(text)
    scored = re.findall(r"\d+ ((?:\S+ \[-?[\d.]+\] ?)+)", result.stdout + result.stderr)
    assert len(scored) == 20
    for line in scored:
        pairs = [(word, float(value)) for word, value in re.findall(r"(\S+) \[(-?[\d.]+)\]", line)]
        tokens = [indices[word] for word, _ in pairs]
        with torch.no_grad():
            features = model(torch.tensor([[2, *tokens]]))  # fairseq begins with </s>
            logits = model.decoder.output_projection(features)[0].log_softmax(-1)
        expected = [logits[position, token].item() for position, token in enumerate(tokens)]
        assert [value for _, value in pairs] == pytest.approx(expected, abs=6e-3 * math.log(2) + 6e-3)  # two decimals

    result = run_command(
        "fairseq-interactive", text, "--task", "language_modeling", "--path", checkpoint, "--beam", 2, "--cpu",
        "--max-len-b", 12, input="one two\nthree\n",
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    continued = re.findall(r"^H-\d+\t\S+\t(.*)$", result.stdout, re.M)
    assert continued[0].startswith("one two") and continued[1].startswith("three")


@pytest.fixture(scope="module", params=["preln_lm --positions learned", "vanilla_lm"])
def trained(request: pytest.FixtureRequest, text: Path, tmp_path_factory: pytest.TempPathFactory, run_command) -> Path:
    """A checkpoint after 20 updates: of a model with learned positions, and of one with shaped attention."""
    folder = tmp_path_factory.mktemp("trained")
    architecture = request.param.split()
    result = run_command("fairseq-train", text, "--arch", *architecture, *DECODER, *COMMON, "--save-dir", folder)
    assert result.returncode == 0, result.stderr
    return folder / "checkpoint_last.pt"


@pytest.mark.slow
@pytest.mark.parametrize("context", [0, 8])
def test_the_loss_that_is_reported(text: Path, trained: Path, context: int, run_command) -> None:
    """Over sentences, and over blocks across sentences whose first words are seen after the 8 words before them."""
    result = run_command(
        "fairseq-eval-lm", text, "--path", trained, "--gen-subset", "valid", "--cpu", "--batch-size", 5,
        "--tokens-per-sample", 32,
        *(("--context-window", context) if context else ("--sample-break-mode", "eos")),
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    model, eos = read_checkpoint(trained).model(), 2
    stream: list[int] = []
    for line in (text.parent / "valid").read_text(encoding="utf-8").splitlines():
        stream += [*(numbered(text)[word] for word in line.split()), eos]
    ends = [0] + [place + 1 for place, token in enumerate(stream) if token == eos]
    if context:
        ends = [*range(0, len(stream), 32 - context), len(stream)]
    nll = []
    for start, end in itertools.pairwise(ends):
        if start == end:
            continue
        seen = [eos, *stream][max(0, start - context) : end]
        with torch.no_grad():
            logits = model.decoder.output_projection(model(torch.tensor([seen])))[0, start - end :]
        nll += torch.nn.functional.cross_entropy(logits, torch.tensor(stream[start:end]), reduction="none").tolist()
    found = float(re.findall(r"Loss \(base 2\): ([\d.]+)", result.stdout + result.stderr)[0])
    assert found == pytest.approx(sum(nll) / len(nll) / math.log(2), abs=1e-4)


def generate(run_command, text: Path, checkpoint: Path, *options: object) -> str:
    result = run_command(
        "fairseq-generate", text, "--task", "language_modeling", "--gen-subset", "valid", "--path", checkpoint,
        "--sample-break-mode", "eos", "--max-len-b", 16, "--cpu", *options,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.mark.slow
def test_a_batch_says_what_each_text_says_alone(text: Path, trained: Path, run_command, hypotheses) -> None:
    """Its hypotheses end at different lengths, and its beams are told apart from the third word on."""
    options = ("--beam", 5, "--prefix-size", 2, "--batch-size")
    alone, together = (hypotheses(generate(run_command, text, trained, *options, size)) for size in (1, 20))
    assert len(alone) == 20 and alone.keys() == together.keys()
    for number, (words, scores) in alone.items():
        assert together[number][0] == words
        assert together[number][1] == pytest.approx(scores, abs=2e-4)


@pytest.mark.slow
def test_greedy_search_goes_on_with_texts_of_several_lengths(
    text: Path, trained: Path, run_command, hypotheses
) -> None:
    """Each word that a batch adds is the most probable one of a forward pass over all before it."""
    output = generate(run_command, text, trained, "--beam", 1, "--batch-size", 20)
    beginnings = {int(number): words.split() for number, words in re.findall(r"^S-(\d+)\t(.*)$", output, re.M)}
    assert len({len(words) for words in beginnings.values()}) > 3
    model, indices, added = read_checkpoint(trained).model(), numbered(text), 0
    for number, (words, scores) in hypotheses(output).items():
        begun = len(beginnings[number])
        assert words.split()[:begun] == beginnings[number]
        tokens = [*(indices[word] for word in words.split()), 2]
        with torch.no_grad():
            logits = model.decoder.output_projection(model(torch.tensor([[2, *tokens[:-1]]])))[0].log_softmax(-1)
        chosen = logits.gather(1, torch.tensor(tokens)[:, None])[:, 0]
        torch.testing.assert_close(chosen / math.log(2), torch.tensor(scores), rtol=0, atol=2e-4)
        free = slice(begun, min(len(tokens), 16))  # the end is forced after 16 words
        assert (logits.max(-1).values - chosen)[free].abs().max() < 1e-4  # near-ties may go either way
        added += len(tokens) - 1 - begun
    assert added > 10


@pytest.mark.parametrize("architecture", ours("_mlm"))
def test_masked_language_model(text: Path, tmp_path: Path, architecture: str, run_command) -> None:
    """Train; validate in a fresh process: the same loss as at the end of the training."""
    result = run_command("fairseq-train", text, "--arch", architecture, *ENCODER, *COMMON, "--save-dir", tmp_path)
    assert result.returncode == 0, result.stderr
    checkpoint = tmp_path / "checkpoint_last.pt"
    assert isinstance(read_checkpoint(checkpoint).model(), MaskedLanguageModel)
    trained = re.findall(r"\| valid on 'valid' subset \|.* loss ([\d.]+)", result.stdout + result.stderr)[-1]
    result = run_command(
        "fairseq-validate", text, "--path", checkpoint, "--task", "masked_lm", "--valid-subset", "valid", "--cpu",
        "--batch-size", 16,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    validated = re.findall(r"valid on 'valid' subset .*loss ([\d.]+)", result.stdout + result.stderr)[-1]
    assert float(validated) == pytest.approx(float(trained), abs=2e-3)


@pytest.mark.parametrize(("kind", "options"), [("lm", DECODER), ("mlm", ENCODER)])
def test_a_training_goes_on_as_the_same_model_only(
    text: Path, tmp_path: Path, kind: str, options: list[str], run_command
) -> None:
    """Post-LN has DeepNorm's tensors, and is another function of them."""
    command = ["fairseq-train", text, *options, *COMMON, "--save-dir", tmp_path]
    result = run_command(*command, "--arch", f"deepnet_{kind}", "--max-update", 1)
    assert result.returncode == 0, result.stderr
    result = run_command(*command, "--arch", f"postln_{kind}", "--max-update", 2)
    assert result.returncode == 2
    assert "scheme was 'deepnorm' and is 'postln'" in result.stderr.splitlines()[-1]


def test_a_model_of_translation_is_no_language_model(text: Path, tmp_path: Path, run_command) -> None:
    result = run_command("fairseq-train", text, "--arch", "deepnet_mt", "--task", "language_modeling", *COMMON)
    assert result.returncode == 2
    assert result.stderr.splitlines()[-1].endswith("for this task give --arch deepnet_lm or deepnet_mlm.")
