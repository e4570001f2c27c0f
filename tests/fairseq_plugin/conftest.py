"""A store of small made-up sentences in four languages, big enough to be learnt from, and a training on it."""

from __future__ import annotations

import math
import random
import re
import time
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
import torch
from fairseq import options, tasks
from fairseq.data import Dictionary
from fairseq.dataclass.utils import convert_namespace_to_omegaconf, omegaconf_no_object_check
from omegaconf import DictConfig, OmegaConf

from mtdeep.checkpoint import load_plain, read_checkpoint
from mtdeep.corpus import Store
from mtdeep.decoding import SearchOptions, Translator
from mtdeep.fairseq_plugin.trainer import Trainer
from mtdeep.languages import fairseq_code

LANGUAGES = ("en", "de", "fr", "zh-Hans")
# Word n of every language means the same; the fourth writes without spaces.
WORDS = {
    "en": "one two three four five six seven eight nine ten".split(),
    "de": "eins zwei drei vier fünf sechs sieben acht neun zehn".split(),
    "fr": "un deux trois quatre cinq six sept huit neuf dix".split(),
    "zh-Hans": list("一二三四五六七八九十"),
}
ROWS = {"train": 400, "valid": 20, "test": 20}


def sentences(language: str, numbers: list[list[int]]) -> list[str]:
    joint = "" if language == "zh-Hans" else " "
    return [joint.join(WORDS[language][n] for n in row) for row in numbers]


@pytest.fixture(scope="session")
def toy_store(write_store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rows of three to nine number words in LANGUAGES, n-way; splits train, valid, test."""
    path = tmp_path_factory.mktemp("toy") / "store"
    random.seed(7)
    rows = {
        split: [[random.randrange(10) for _ in range(random.randint(3, 9))] for _ in range(n)]
        for split, n in ROWS.items()
    }
    corpora = {
        ("toy", split): {code: sentences(code, numbers) for code in LANGUAGES} for split, numbers in rows.items()
    }
    return write_store(path, LANGUAGES, corpora, 90).path


@pytest.fixture
def dictionary() -> Dictionary:
    """Thirty words, beside fairseq's special symbols."""
    dictionary = Dictionary()
    for i in range(30):
        dictionary.add_symbol(f"w{i}")
    return dictionary


@pytest.fixture(scope="session")
def configured() -> Callable[..., DictConfig]:
    """Return fairseq's configuration of a command line: (command, *arguments, changes={place: value}).

    Parsing takes long; what was parsed is copied.
    """
    parsers = {
        "train": options.get_training_parser,
        "validate": options.get_validation_parser,
        "eval_lm": options.get_eval_lm_parser,
        "generate": options.get_generation_parser,
        "interactive": options.get_interactive_generation_parser,
    }

    @cache
    def parse(command: str, *arguments: str) -> DictConfig:
        return convert_namespace_to_omegaconf(options.parse_args_and_arch(parsers[command](), list(arguments)))

    def configure(command: str, *arguments: object, changes: Mapping[str, object] = MappingProxyType({})) -> DictConfig:
        with omegaconf_no_object_check():  # which takes the Namespace of a model, too
            cfg = deepcopy(parse(command, *map(str, arguments)))
        OmegaConf.set_struct(cfg, False)
        for place, value in changes.items():
            OmegaConf.update(cfg, place, value, merge=False)
        return cfg

    return configure


@pytest.fixture(scope="session")
def wait_until() -> Callable[[Callable[[], bool], float], None]:
    """Return what waits until something happens, for so many seconds at most."""

    def wait(happens: Callable[[], bool], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not happens():
            assert time.monotonic() < deadline
            time.sleep(0.2)

    return wait


@pytest.fixture
def training_with(configured, tmp_path: Path) -> Callable[[Sequence[str]], Callable[..., DictConfig]]:
    """Return, from the options of a training, what makes its configuration with some values changed: {place: value}."""

    def make(options: Sequence[str]) -> Callable[..., DictConfig]:
        def configure(changes: Mapping[str, object] = MappingProxyType({})) -> DictConfig:
            folder = {"checkpoint.save_dir": str(tmp_path / "run")}
            cfg: DictConfig = configured("train", *options, changes={**folder, **changes})
            return cfg

        return configure

    return make


@pytest.fixture(scope="session")
def tiny() -> list[str]:
    """Flags of a tiny model and its training on the toy store."""
    return (
        "--task many_to_many_translation --arch deepnet_mt --encoder-layers 2 --decoder-layers 3 "
        "--encoder-embed-dim 32 --encoder-ffn-embed-dim 48 --encoder-attention-heads 2 --share-all-embeddings "
        "--criterion label_smoothed_linear_cross_entropy --label-smoothing 0.1 --optimizer torch_adam --lr 5e-3 "
        "--lr-scheduler inverse_sqrt --warmup-updates 20 --max-tokens 400 --batch-pool 500 "
        "--log-format simple --log-interval 10 --cpu"
    ).split()


@pytest.fixture
def trainer(toy_store: Path, tiny: list[str], tmp_path: Path, configured) -> Callable[..., Trainer]:
    """Return fairseq's trainer as its command makes it: (*arguments, SECTION__OPTION=value)."""

    def make(*arguments: object, **changes: object) -> Trainer:
        options = {place.replace("__", "."): value for place, value in changes.items()}
        folder = {"checkpoint.save_dir": str(tmp_path)}
        cfg = configured("train", toy_store, *tiny, *arguments, changes={**folder, **options})
        task = tasks.setup_task(cfg.task)
        model, criterion = task.build_model(cfg.model), task.build_criterion(cfg.criterion)
        task.load_dataset("valid")
        return Trainer(cfg, task, model, criterion)

    return make


@pytest.fixture
def train(trainer: Callable[..., Trainer]) -> Callable[..., Trainer]:
    """Make a trainer that goes on from a checkpoint, if one is given, and update it on batches."""

    def run(
        batches: Sequence[dict[str, Any]],
        *arguments: str,
        path: Path | None = None,
        seed: int = 5,
        **changes: object,
    ) -> Trainer:
        torch.manual_seed(seed)
        made = trainer(*arguments, **changes)
        if path is not None:
            made.load_checkpoint(str(path))
        for batch in batches:
            made.train_step([batch])
        return made

    return run


@pytest.fixture(scope="session")
def save_training() -> Callable[[Trainer, Path], dict[str, Any]]:
    """Save a training at the start of its first epoch; returns what the file holds."""

    def save(trainer: Trainer, path: Path) -> dict[str, Any]:
        trainer.consolidate_optimizer()
        trainer.save_checkpoint(str(path), {"train_iterator": {"epoch": 1, "version": 2, "iterations_in_epoch": 0}})
        return load_plain(path)

    return save


@pytest.fixture
def samples(trainer: Callable[..., Trainer]) -> list[dict[str, Any]]:
    """Five batches, as the trainer takes them: those of validation, which no thread makes."""
    batches = trainer().get_valid_iterator("valid").next_epoch_itr(shuffle=False)
    return [next(batches) for _ in range(5)]


@pytest.fixture(scope="session")
def long_run(tiny: list[str]) -> list[str]:
    """Flags of the training that `checkpoints` has come from."""
    return [*tiny, "--max-update", "120", "--updates-per-epoch", "25"]


@pytest.fixture(scope="session")
def checkpoints(toy_store: Path, long_run: list[str], tmp_path_factory: pytest.TempPathFactory, run_command) -> Path:
    """A run of 120 updates in epochs of 25, kept at every 30."""
    folder = tmp_path_factory.mktemp("run")
    result = run_command(
        "fairseq-train", toy_store, *long_run, "--save-interval-updates", 30, "--save-dir", folder
    )
    assert result.returncode == 0, result.stderr
    return folder


@pytest.fixture(scope="session")
def hypotheses() -> Callable[[str], dict[int, tuple[str, list[float]]]]:
    """Read fairseq-generate's lines: {sample id: (pieces, log2 probabilities of the tokens)}."""

    def read(output: str) -> dict[int, tuple[str, list[float]]]:
        pieces = {int(i): text for i, text in re.findall(r"^H-(\d+)\t[^\t]*\t(.*)$", output, re.M)}
        scores = {int(i): text for i, text in re.findall(r"^P-(\d+)\t(.*)$", output, re.M)}
        return {i: (pieces[i], [float(x) for x in scores[i].split()]) for i in pieces}

    return read


@pytest.fixture(scope="session")
def compare_searches(toy_store: Path, run_command, hypotheses) -> Callable[..., None]:
    """Translate the toy store's English with fairseq-generate, in a fresh process, and with ours, without fairseq.

    (checkpoint, target language, beam, longest translation): asserts the same tokens, and scores within 1e-4 (float32).
    """

    def compare(checkpoint: Path, target: str, *, beam: int, max_length: int) -> None:
        result = run_command(
            "fairseq-generate", toy_store, "--task", "many_to_many_translation", "-s", "en", "-t", fairseq_code(target),
            "--path", checkpoint, "--beam", beam, "--max-len-b", max_length, "--cpu", "--batch-size", 7,
        )  # fmt: skip
        assert result.returncode == 0, result.stderr
        theirs = hypotheses(result.stdout)

        store = Store(toy_store)
        translator = Translator(read_checkpoint(checkpoint).model(), store.vocabulary, store.subwords())
        (corpus,) = store.corpora("test")
        sentences = [corpus.sentence("en", row) for row in range(corpus.rows)]
        options = SearchOptions(beam=beam, max_length_b=max_length)
        batches = translator.translate_ids(sentences, "en", {target: range(len(sentences))}, options)
        ours = {item.index: item.hypotheses[0] for batch in batches for item in batch}
        assert ours.keys() == theirs.keys()
        symbols = store.vocabulary.symbols()
        for i, hypothesis in ours.items():
            tokens = hypothesis.tokens.tolist()
            assert tokens[0] == store.vocabulary.tag(target)
            assert " ".join(symbols[t] for t in tokens[:-1] if not store.vocabulary.is_tag(t)) == theirs[i][0]
            natural = torch.tensor(theirs[i][1]) * math.log(2)
            torch.testing.assert_close(hypothesis.positional_scores.float(), natural, rtol=0, atol=1e-4)

    return compare
