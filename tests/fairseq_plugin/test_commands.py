"""The fairseq commands as a user types them, on a store and on data exported from it."""

from __future__ import annotations

import math
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from mtdeep.checkpoint import build_model, read_checkpoint
from mtdeep.checkpoint.read import load_plain
from mtdeep.corpus import Direction, Store
from mtdeep.corpus.databin import write_databin
from mtdeep.decoding import SearchOptions, Translator

TINY = (
    "--task many_to_many_translation --arch deepnet_mt --encoder-layers 2 --decoder-layers 3 "
    "--encoder-embed-dim 32 --encoder-ffn-embed-dim 48 --encoder-attention-heads 2 --share-all-embeddings "
    "--criterion label_smoothed_linear_cross_entropy --label-smoothing 0.1 --optimizer torch_adam --lr 5e-3 "
    "--lr-scheduler inverse_sqrt --warmup-updates 20 --max-tokens 400 --batch-pool 500 --num-workers 0 "
    "--log-format simple --log-interval 10 --cpu"
).split()
UPDATES = 120
FAIRSEQ_TASK = ("--task", "many_to_many_translation")


@pytest.fixture(scope="module")
def checkpoints(toy_store: Path, tmp_path_factory: pytest.TempPathFactory, run_command) -> Path:
    """A run of UPDATES updates in epochs of 25, kept at every 30."""
    folder = tmp_path_factory.mktemp("run")
    result = run_command(
        "fairseq-train", toy_store, *TINY, "--max-update", UPDATES, "--updates-per-epoch", 25,
        "--save-interval-updates", 30, "--save-dir", folder,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    return folder


def tensors(path: Path) -> dict[str, torch.Tensor]:
    return read_checkpoint(path).tensors


def assert_same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> None:
    assert a.keys() == b.keys()
    for name in a:
        assert torch.equal(a[name], b[name]), name


def test_training_says_what_it_will_see_and_learns(toy_store: Path, tmp_path: Path, run_command) -> None:
    result = run_command("fairseq-train", toy_store, *TINY, "--max-update", 30, "--save-dir", tmp_path)
    assert result.returncode == 0, result.stderr
    log = result.stdout + result.stderr
    assert "12 directions, 4,800 sentence pairs, 0 too long and left out" in log
    assert "en-zh_Hans: 400 pairs, 8.33% of those drawn" in log
    losses = [float(x) for x in re.findall(r"train_inner.*? loss=([\d.]+)", log)]
    assert losses[-1] < losses[0] - 0.5


def test_resume_after_a_kill_gives_the_same_model(
    toy_store: Path, checkpoints: Path, tmp_path: Path, run_command
) -> None:
    shutil.copy(checkpoints / "checkpoint_2_30.pt", tmp_path / "checkpoint_last.pt")
    result = run_command(
        "fairseq-train", toy_store, *TINY, "--max-update", UPDATES, "--updates-per-epoch", 25, "--save-dir", tmp_path
    )
    assert result.returncode == 0, result.stderr
    assert_same(tensors(tmp_path / "checkpoint_last.pt"), tensors(checkpoints / "checkpoint_last.pt"))


def test_activation_checkpointing_changes_no_bit_of_the_training(
    toy_store: Path, checkpoints: Path, tmp_path: Path, run_command
) -> None:
    result = run_command(
        "fairseq-train", toy_store, *TINY, "--max-update", UPDATES, "--updates-per-epoch", 25,
        "--checkpoint-activations", "--save-dir", tmp_path,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert_same(tensors(tmp_path / "checkpoint_last.pt"), tensors(checkpoints / "checkpoint_last.pt"))


def test_resume_after_kill_minus_nine_gives_the_same_model(
    toy_store: Path, checkpoints: Path, tmp_path: Path, run_command
) -> None:
    options = [*TINY, "--max-update", str(UPDATES), "--updates-per-epoch", "25", "--save-interval-updates", "30"]
    command = [Path(sys.executable).parent / "fairseq-train", toy_store, *options, "--save-dir", tmp_path]
    # As many threads as run_command gives: sums in another order have other last bits.
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not (tmp_path / "checkpoint_2_30.pt").exists():
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    result = run_command("fairseq-train", toy_store, *options, "--save-dir", tmp_path)
    assert result.returncode == 0, result.stderr
    assert_same(tensors(tmp_path / "checkpoint_last.pt"), tensors(checkpoints / "checkpoint_last.pt"))


@pytest.mark.slow
def test_two_processes_train_the_model_that_one_trains_with_twice_the_batches(
    toy_store: Path, tmp_path: Path, run_command
) -> None:
    """--find-unused-parameters and an untied projection: the weight that the criterion reads belongs to the forward."""
    untied = [option for option in TINY if option != "--share-all-embeddings"]
    runs = {
        "one": ("--update-freq", "2"),
        "two": ("--distributed-world-size", "2", "--find-unused-parameters"),
    }
    for name, options in runs.items():
        result = run_command(
            "fairseq-train", toy_store, *untied, *options, "--max-update", 12, "--dropout", 0, "--disable-validation",
            "--save-dir", tmp_path / name,
        )  # fmt: skip
        assert result.returncode == 0, result.stderr
    one, two = (tensors(tmp_path / name / "checkpoint_last.pt") for name in runs)
    assert one.keys() == two.keys()
    for name, tensor in one.items():
        torch.testing.assert_close(tensor, two[name], rtol=1e-4, atol=1e-5)


def test_bf16_trains_and_generates(toy_store: Path, tmp_path: Path, run_command) -> None:
    result = run_command("fairseq-train", toy_store, *TINY, "--bf16", "--max-update", 30, "--save-dir", tmp_path)
    assert result.returncode == 0, result.stderr
    losses = [float(x) for x in re.findall(r"train_inner.*? loss=([\d.]+)", result.stdout + result.stderr)]
    assert losses[-1] < losses[0] - 0.5
    result = run_command(
        "fairseq-generate", toy_store, *FAIRSEQ_TASK, "-s", "en", "-t", "de", "--cpu", "--max-len-b", 20,
        "--path", tmp_path / "checkpoint_last.pt",
    )  # fmt: skip
    assert result.returncode == 0, result.stderr


def test_the_default_number_of_workers_validates_while_training_batches_are_made(
    toy_store: Path, tmp_path: Path, run_command
) -> None:
    workers = TINY.index("--num-workers")
    options = [*TINY[:workers], *TINY[workers + 2 :]]
    result = run_command(
        "fairseq-train", toy_store, *options, "--max-update", 6, "--updates-per-epoch", 2, "--save-dir", tmp_path
    )
    assert result.returncode == 0, result.stderr


def hypotheses(output: str) -> dict[int, tuple[str, list[float]]]:
    """{sample id: (pieces, log2 probabilities of the tokens)} from fairseq-generate's lines."""
    pieces = {int(i): text for i, text in re.findall(r"^H-(\d+)\t[^\t]*\t(.*)$", output, re.M)}
    scores = {int(i): text for i, text in re.findall(r"^P-(\d+)\t(.*)$", output, re.M)}
    return {i: (pieces[i], [float(x) for x in scores[i].split()]) for i in pieces}


@pytest.mark.parametrize("beam", [1, 5])
def test_fairseq_generate_equals_our_own_search(toy_store: Path, checkpoints: Path, beam: int, run_command) -> None:
    """A fresh process of fairseq's search, and ours without fairseq: same tokens, scores within 1e-4 (float32)."""
    checkpoint = checkpoints / "checkpoint_last.pt"
    result = run_command(
        "fairseq-generate", toy_store, *FAIRSEQ_TASK, "-s", "en", "-t", "zh_Hans", "--path", checkpoint,
        "--beam", beam, "--max-len-b", 30, "--cpu", "--batch-size", 7,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    theirs = hypotheses(result.stdout)

    store = Store(toy_store)
    translator = Translator(build_model(read_checkpoint(checkpoint)), store.vocabulary, store.subwords())
    (corpus,) = store.corpora("test")
    sentences = [corpus.sentence("en", row) for row in range(corpus.rows)]
    options = SearchOptions(beam=beam, max_length_b=30)
    symbols = store.vocabulary.symbols()
    ours = {
        item.index: item.hypotheses[0]
        for batch in translator.translate_ids(sentences, "en", {"zh-Hans": range(len(sentences))}, options)
        for item in batch
    }
    assert ours.keys() == theirs.keys()
    for i, hypothesis in ours.items():
        tokens = hypothesis.tokens.tolist()
        assert tokens[0] == store.vocabulary.tag("zh-Hans")
        assert " ".join(symbols[t] for t in tokens[:-1] if not store.vocabulary.is_tag(t)) == theirs[i][0]
        natural = [score * torch.log(torch.tensor(2.0)).item() for score in theirs[i][1]]
        torch.testing.assert_close(
            hypothesis.positional_scores.float(), torch.tensor(natural), rtol=0, atol=1e-4
        )


def test_greedy_search_equals_full_decoding(toy_store: Path, checkpoints: Path, run_command) -> None:
    """Each token of fairseq-generate at beam 1 is the most probable one of a forward pass over the whole prefix."""
    checkpoint = checkpoints / "checkpoint_last.pt"
    result = run_command(
        "fairseq-generate", toy_store, *FAIRSEQ_TASK, "-s", "fr", "-t", "en", "--path", checkpoint, "--beam", 1,
        "--max-len-b", 30, "--cpu",
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    store, model = Store(toy_store), build_model(read_checkpoint(checkpoint))
    vocabulary = store.vocabulary
    ids = {symbol: i for i, symbol in enumerate(vocabulary.symbols())}
    (corpus,) = store.corpora("test")
    near_ties = []
    for row, (pieces, log2_scores) in hypotheses(result.stdout).items():
        tokens = [vocabulary.tag("en"), *(ids[piece] for piece in pieces.split())]
        if len(tokens) != len(log2_scores) - 1:
            continue  # a tag in the middle, which fairseq does not print
        target = torch.tensor([*tokens, vocabulary.eos])
        source = [vocabulary.tag("fr"), *corpus.sentence("fr", row).tolist(), vocabulary.eos]
        with torch.no_grad():
            features = model(torch.tensor([source]), torch.tensor([[vocabulary.eos, *tokens]]))
            log_probabilities = model.decoder.output_projection(features)[0].log_softmax(-1)
        chosen = log_probabilities.gather(1, target[:, None])[:, 0]
        torch.testing.assert_close(chosen, torch.tensor(log2_scores) * math.log(2), rtol=0, atol=1e-4)
        best = log_probabilities.max(-1).values
        near_ties += (best - chosen)[1:][best[1:] > chosen[1:]].tolist()  # the tag is forced
    print("near-ties:", near_ties)
    assert all(difference < 1e-4 for difference in near_ties)


TRAIN_THEN_GENERATE = """
import sys, torch, fairseq_cli.train as train
from mtdeep.corpus import Direction
trainers = []
original = train.Trainer
train.Trainer = lambda *given: trainers.append(original(*given)) or trainers[-1]
train.cli_main()
(trainer,) = trainers
task, model = trainer.task, trainer.get_model()
model.eval()
task.cfg.source_lang, task.cfg.target_lang = "en", "de"
task.load_dataset("test")
generator = task.build_generator([model], trainer.cfg.generation)
itr = task.get_batch_iterator(task.dataset("test"), max_sentences=7).next_epoch_itr(shuffle=False)
for sample in itr:
    for i, best in zip(sample["id"].tolist(), task.inference_step(generator, [model], sample)):
        print("TRAINED", i, task.dictionary.string(best[0]["tokens"]), best[0]["score"].item(), sep="\t")
"""


def test_a_fresh_process_says_what_the_training_process_says(
    toy_store: Path, checkpoints: Path, tmp_path: Path, run_command
) -> None:
    """DeepNorm's alpha was lost in fairseq's own layers just there: right while training, wrong once reloaded."""
    trained = run_command(
        "python", "-c", TRAIN_THEN_GENERATE, toy_store, *TINY, "--max-update", 40, "--save-dir", tmp_path
    )
    assert trained.returncode == 0, trained.stderr
    there = dict(re.findall(r"^TRAINED\t(\d+)\t(.*)$", trained.stdout, re.M))
    fresh = run_command(
        "fairseq-generate", toy_store, *FAIRSEQ_TASK, "-s", "en", "-t", "de", "--cpu", "--batch-size", 7,
        "--path", tmp_path / "checkpoint_last.pt",
    )  # fmt: skip
    assert fresh.returncode == 0, fresh.stderr
    here = re.findall(r"^H-(\d+)\t([^\t]*)\t(.*)$", fresh.stdout, re.M)
    assert len(here) == len(there) == 20
    for i, score, pieces in here:
        trained_pieces, trained_score = there[i].split("\t")
        printed = [piece for piece in trained_pieces.split() if not piece.startswith("__")]
        assert " ".join(printed) == pieces
        assert float(score) * math.log(2) == pytest.approx(float(trained_score), abs=1e-5)


def test_output_does_not_depend_on_the_batch(toy_store: Path, checkpoints: Path, run_command) -> None:
    outputs = []
    for size in (1, 20):
        result = run_command(
            "fairseq-generate", toy_store, *FAIRSEQ_TASK, "-s", "de", "-t", "fr", "--cpu", "--max-len-b", 30,
            "--path", checkpoints / "checkpoint_last.pt", "--batch-size", size,
        )  # fmt: skip
        assert result.returncode == 0, result.stderr
        outputs.append(hypotheses(result.stdout))
    assert outputs[0].keys() == outputs[1].keys()
    for i, (pieces, scores) in outputs[0].items():
        assert pieces == outputs[1][i][0]
        assert scores == pytest.approx(outputs[1][i][1], abs=1e-3)


def test_interactive_translates_typed_text(toy_store: Path, checkpoints: Path, run_command) -> None:
    result = run_command(
        "fairseq-interactive", toy_store, *FAIRSEQ_TASK, "-s", "en", "-t", "de", "--cpu", "--max-len-b", 30,
        "--path", checkpoints / "checkpoint_last.pt", input="one two three\n",
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    (detokenised,) = re.findall(r"^D-0\t[^\t]*\t(.*)$", result.stdout, re.M)
    assert "▁" not in detokenised
    assert "__de__" not in detokenised


def test_interactive_without_languages_says_which_flags_are_missing(
    toy_store: Path, checkpoints: Path, run_command
) -> None:
    result = run_command(
        "fairseq-interactive", toy_store, *FAIRSEQ_TASK, "--cpu", "--path", checkpoints / "checkpoint_last.pt",
        input="one\n",
    )  # fmt: skip
    assert result.returncode == 2
    assert "--source-lang" in result.stderr.splitlines()[-1]


def test_validate_agrees_with_the_training_process(toy_store: Path, checkpoints: Path, run_command) -> None:
    """The loss of a fresh process is the one that the training process measured and wrote down."""
    result = run_command(
        "fairseq-validate", toy_store, *FAIRSEQ_TASK, "--cpu", "--max-tokens", 400,
        "--path", checkpoints / "checkpoint_last.pt",
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    found = float(re.findall(r"valid on 'valid' subset \| loss ([\d.]+)", result.stdout + result.stderr)[-1])
    state = load_plain(checkpoints / "checkpoint_last.pt")
    assert found == pytest.approx(state["extra_state"]["val_loss"], abs=2e-3)


def test_english_centric_directions(toy_store: Path, tmp_path: Path, run_command) -> None:
    result = run_command(
        "fairseq-train", toy_store, *TINY, "--max-update", 2, "--save-dir", tmp_path, "--directions", "centric:en",
        "--encoder-tag", "tgt",
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    log = result.stdout + result.stderr
    assert "6 directions" in log
    assert "de-fr" not in log


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--directions", "en-xx"], "xx"),
        (["--directions", "en-it"], "'it' is not among those of the store"),
        (["--max-tokens", "2"], "every example is longer"),
        (["--sampling-temperature", "0"], "--sampling-temperature is 0, but must be above 0"),
        (["--updates-per-epoch", "0"], "--updates-per-epoch is 0, but must be at least 1"),
        (["--valid-subset", "train,valid"], "--valid-subset names 'train'"),
        (["-s", "en", "-t", "en"], "goes from a language into itself"),
        (["--arch", "transformer"], "works with mtdeep's own architectures"),
    ],
)
def test_bad_options_end_in_one_sentence(
    toy_store: Path, tmp_path: Path, arguments: list[str], sentence: str, run_command
) -> None:
    result = run_command("fairseq-train", toy_store, *TINY, "--save-dir", tmp_path, *arguments, "--max-update", 1)
    assert result.returncode == 2, result.stderr
    assert result.stderr.splitlines()[-1].startswith("error: ")
    assert sentence in result.stderr.splitlines()[-1]
    assert not list(tmp_path.glob("checkpoint*.pt"))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--encoder-attention-heads", "4"], "encoder_heads was 2 and is 4"),
        (["--arch", "postln_mt"], "scheme was 'deepnorm' and is 'postln'"),
        (["--encoder-tag", "tgt"], "trained with --encoder-tag src"),
        (["--max-tokens", "300"], "--reset-dataloader"),
    ],
)
def test_going_on_with_other_options_is_refused(
    toy_store: Path, checkpoints: Path, tmp_path: Path, arguments: list[str], sentence: str, run_command
) -> None:
    shutil.copy(checkpoints / "checkpoint_2_30.pt", tmp_path / "checkpoint_last.pt")
    result = run_command(
        "fairseq-train", toy_store, *TINY, "--max-update", UPDATES, "--save-dir", tmp_path, *arguments
    )
    assert result.returncode == 2, result.stderr
    assert sentence in result.stderr.splitlines()[-1]


def test_generation_asks_for_the_encoder_tag_of_the_training(toy_store: Path, tmp_path: Path, run_command) -> None:
    options = (*TINY, "--encoder-tag", "tgt", "--max-update", 3, "--save-dir", tmp_path)
    assert run_command("fairseq-train", toy_store, *options).returncode == 0
    generate = ("fairseq-generate", toy_store, *FAIRSEQ_TASK, "-s", "en", "-t", "de", "--cpu", "--max-len-b", 5)
    checkpoint = ("--path", tmp_path / "checkpoint_last.pt")
    result = run_command(*generate, *checkpoint)
    assert result.returncode == 2
    assert "--encoder-tag tgt" in result.stderr.splitlines()[-1]
    result = run_command(*generate, *checkpoint, "--encoder-tag", "tgt")
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("flag", [[], ["--remove-bpe", "sentencepiece"]])
def test_text_comes_out_detokenised_once(
    toy_store: Path, checkpoints: Path, flag: list[str], run_command
) -> None:
    """With fairseq's own --remove-bpe, which everybody types, the store's subwords must not decode a second time."""
    result = run_command(
        "fairseq-generate", toy_store, *FAIRSEQ_TASK, "-s", "en", "-t", "de", "--cpu", *flag,
        "--path", checkpoints / "checkpoint_last.pt",
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    store = Store(toy_store)
    (corpus,) = store.corpora("test")
    references = dict(re.findall(r"^T-(\d+)\t(.*)$", result.stdout, re.M))
    assert references == {str(row): corpus.text("de", row) for row in range(corpus.rows)}


def test_constraints_are_refused(toy_store: Path, checkpoints: Path, run_command) -> None:
    result = run_command(
        "fairseq-interactive", toy_store, *FAIRSEQ_TASK, "-s", "en", "-t", "de", "--cpu", "--constraints",
        "--path", checkpoints / "checkpoint_last.pt", input="one\teins\n",
    )  # fmt: skip
    assert result.returncode == 2
    assert "--constraints" in result.stderr.splitlines()[-1]


@pytest.mark.parametrize("damage", ["no store", "other version", "truncated"])
def test_a_damaged_store_ends_in_one_sentence(toy_store: Path, tmp_path: Path, damage: str, run_command) -> None:
    store = tmp_path / "store"
    shutil.copytree(toy_store, store)
    if damage == "no store":
        (store / "manifest.json").unlink()
    elif damage == "other version":
        manifest = (store / "manifest.json").read_text()
        (store / "manifest.json").write_text(re.sub(r'"version": ?1\b', '"version": 99', manifest))
    else:
        (shard,) = (store / "shards").iterdir()
        shard.write_bytes(shard.read_bytes()[:-100])
    result = run_command("fairseq-train", store, *TINY, "--save-dir", tmp_path / "run", "--max-update", 1)
    assert result.returncode == 2, result.stderr
    assert result.stderr.splitlines()[-1].startswith(f"error: {store}")


def test_a_checkpoint_of_another_vocabulary_is_refused(
    toy_store: Path, checkpoints: Path, tmp_path: Path, run_command
) -> None:
    state = load_plain(checkpoints / "checkpoint_last.pt")
    state["task_state"]["vocabulary"] = "0" * 32
    torch.save(state, tmp_path / "other.pt")
    result = run_command(
        "fairseq-generate", toy_store, *FAIRSEQ_TASK, "-s", "en", "-t", "de", "--cpu", "--path", tmp_path / "other.pt"
    )
    assert result.returncode == 2, result.stderr
    assert "dictionary is not the one" in result.stderr.splitlines()[-1]


STOCK = (
    "--arch deepnet_mt --encoder-layers 2 --decoder-layers 2 --encoder-embed-dim 32 --encoder-ffn-embed-dim 48 "
    "--encoder-attention-heads 2 --share-decoder-input-output-embed --criterion label_smoothed_cross_entropy "
    "--optimizer adam --lr 2e-3 --max-tokens 400 --max-update 5 --cpu --num-workers 0"
).split()


@pytest.fixture(scope="module")
def databin(toy_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("databin") / "data-bin"
    directions = [Direction("en", "de"), Direction("de", "en"), Direction("en", "fr")]
    write_databin(Store(toy_store), folder, directions, ["train", "valid", "test"])
    return folder


def test_stock_translation_task_trains_and_generates(databin: Path, tmp_path: Path, run_command) -> None:
    pair = ("--task", "translation", "-s", "en", "-t", "de")
    result = run_command("fairseq-train", databin, *pair, *STOCK, "--save-dir", tmp_path)
    assert result.returncode == 0, result.stderr
    result = run_command(
        "fairseq-generate", databin, *pair, "--path", tmp_path / "checkpoint_last.pt", "--cpu", "--max-len-b", 20
    )
    assert result.returncode == 0, result.stderr
    assert len(hypotheses(result.stdout)) == 20


def test_two_dictionaries_and_fairseqs_own_preprocessing(toy_store: Path, tmp_path: Path, run_command) -> None:
    """fairseq-preprocess on plain text gives each side its own dictionary, of another size."""
    store = Store(toy_store)
    for split in ("valid", "test"):
        (corpus,) = store.corpora(split)
        for language in ("en", "zh-Hans"):
            text = "".join(f"{' '.join(corpus.text(language, row).split())}\n" for row in range(corpus.rows))
            (tmp_path / f"{split}.{language[:2]}").write_text(text, encoding="utf-8")
    data = tmp_path / "data-bin"
    result = run_command(
        "fairseq-preprocess", "-s", "en", "-t", "zh", "--trainpref", tmp_path / "valid", "--validpref",
        tmp_path / "test", "--testpref", tmp_path / "test", "--destdir", data,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    sizes = {len((data / f"dict.{language}.txt").read_text().splitlines()) for language in ("en", "zh")}
    assert len(sizes) == 2
    pair = ("--task", "translation", "-s", "en", "-t", "zh")
    result = run_command("fairseq-train", data, *pair, *STOCK, "--save-dir", tmp_path)
    assert result.returncode == 0, result.stderr
    result = run_command(
        "fairseq-generate", data, *pair, "--path", tmp_path / "checkpoint_last.pt", "--cpu", "--max-len-b", 20
    )
    assert result.returncode == 0, result.stderr
    assert len(hypotheses(result.stdout)) == 20


def test_stock_multilingual_task_trains_and_generates(databin: Path, tmp_path: Path, run_command) -> None:
    task = (
        "--task", "translation_multi_simple_epoch", "--langs", "en,de,fr", "--encoder-langtok", "src",
        "--decoder-langtok", "--lang-pairs", "en-de,de-en,en-fr",
    )  # fmt: skip
    result = run_command("fairseq-train", databin, *task, *STOCK, "--save-dir", tmp_path)
    assert result.returncode == 0, result.stderr
    result = run_command(
        "fairseq-generate", databin, *task, "-s", "en", "-t", "fr", "--path", tmp_path / "checkpoint_last.pt",
        "--cpu", "--max-len-b", 20,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert len(hypotheses(result.stdout)) == 20
