"""A store whose test split has words that the vocabulary lacks, models with random weights, fairseq's commands.

All in this process: a start of a command would take longer than everything else.
"""

from __future__ import annotations

import copy
import random
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from pathlib import Path

import fairseq_cli.generate
import fairseq_cli.interactive
import pytest
import torch
from fairseq import options, tasks
from fairseq.dataclass.utils import convert_namespace_to_omegaconf
from omegaconf import DictConfig, OmegaConf, open_dict

from mtdeep.corpus import Store, StoreWriter, text_blocks

LANGUAGES = ("en", "de", "zh-Hans")
TASK = ("--task", "many_to_many_translation")
PAIR = (*TASK, "-s", "en", "-t", "de", "--cpu", "--max-len-b", "12", "--beam", "2")
SIZES = (
    "--arch deepnet_mt --encoder-layers 2 --decoder-layers 3 --encoder-embed-dim 16 --encoder-ffn-embed-dim 24 "
    "--encoder-attention-heads 2 --share-all-embeddings --dropout 0.3"
).split()
# No known letter, and one for each side.
UNKNOWN = {"en": "Ω", "de": "Ж", "zh-Hans": "Ж"}

Save = Callable[..., Path]
Command = Callable[..., str]


@pytest.fixture(scope="session")
def unknown_store(train_subwords, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Splits train, test, and bare, which keeps no raw text; every third row of the latter two has an unknown word."""
    draw = random.Random(5)
    words = {code: [f"{code[:1]}{a}{b}" for a in "aeiou" for b in "bdg"] for code in LANGUAGES}

    def lines(code: str, rows: int, unknown: bool) -> list[str]:
        numbers = [[draw.randrange(15) for _ in range(draw.randint(2, 5))] for _ in range(rows)]
        sentences = [[words[code][n] for n in row] for row in numbers]
        for row in sentences[::3] if unknown else []:
            row.insert(1, UNKNOWN[code])
        return [" ".join(row) + " ." for row in sentences]

    train = {code: lines(code, 60, unknown=False) for code in LANGUAGES}
    held_out = {code: lines(code, 9, unknown=True) for code in LANGUAGES}
    subwords, model = train_subwords([line for column in train.values() for line in column], LANGUAGES, 28)
    path = tmp_path_factory.mktemp("unknown") / "store"
    with StoreWriter(path, subwords.vocabulary, model) as writer:
        for split, columns in (("train", train), ("test", held_out), ("bare", held_out)):
            ids = {code: [subwords.encode_block(column)] for code, column in columns.items()}
            text = {code: text_blocks(column) for code, column in columns.items()} if split == "test" else None
            writer.add_corpus("toy", split, ids, text=text, provenance={})
        writer.finish({})
    return path


@pytest.fixture(scope="session")
def save_random() -> Save:
    """Write a checkpoint as fairseq would, of random weights: (path, data, options, seed); returns the path."""

    def save(path: Path, data: Path, *flags: str, seed: int = 1) -> Path:
        parser = options.get_training_parser()
        args = options.parse_args_and_arch(parser, [str(data), *(flags or (*TASK, *SIZES)), "--max-tokens", "100"])
        cfg = convert_namespace_to_omegaconf(args)
        torch.manual_seed(seed)
        task = tasks.setup_task(cfg.task)
        model = task.build_model(cfg.model)
        with torch.no_grad():  # weights with which translations differ in tokens and length
            for name, parameter in model.named_parameters():
                if parameter.dim() > 1 and "embed_positions" not in name:
                    parameter.normal_(std=0.6)
        with open_dict(cfg):
            plain = OmegaConf.to_container(cfg)
        state = {"cfg": plain, "args": None, "model": model.state_dict(), "task_state": task.state_dict()}
        history = {"criterion_name": "", "optimizer_name": "", "lr_scheduler_state": {}, "num_updates": 7}
        torch.save({**state, "optimizer_history": [history], "extra_state": {}}, path)
        return path

    return save


@pytest.fixture(scope="session")
def checkpoint(unknown_store: Path, save_random: Save, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_random(tmp_path_factory.mktemp("random") / "checkpoint.pt", unknown_store)


@pytest.fixture(scope="session")
def store(unknown_store: Path) -> Store:
    return Store(unknown_store)


@pytest.fixture(scope="session")
def configure() -> Callable[..., DictConfig]:
    """Return the configuration of a command's arguments, as fairseq makes it of them, but in a tenth of its time."""
    made: dict[str, DictConfig] = {}

    def configured(parser: ArgumentParser, arguments: Sequence[str | Path]) -> DictConfig:
        args = options.parse_args_and_arch(parser, list(map(str, arguments)))
        key = f"{args.scoring} {args.bpe} {args.tokenizer}"
        if key not in made:  # fairseq calls hydra, which is slow
            made[key] = convert_namespace_to_omegaconf(args)
        cfg = copy.deepcopy(made[key])
        for group in (group for group in cfg.values() if isinstance(group, DictConfig)):
            for name in vars(args).keys() & group.keys():
                group[name] = getattr(args, name)
        return cfg

    return configured


@pytest.fixture
def generate(unknown_store: Path, checkpoint: Path, configure, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run fairseq-generate on the store; returns what it prints. Options given last count.

    `change` may change the configuration that is made of them.
    """

    def run(
        *arguments: str | Path,
        data: Path = unknown_store,
        pair: tuple[str, ...] = PAIR,
        change: Callable[[DictConfig], None] = lambda cfg: None,
    ) -> str:
        cfg = configure(options.get_generation_parser(), [data, "--path", checkpoint, *pair, *arguments])
        change(cfg)
        capsys.readouterr()
        fairseq_cli.generate.main(cfg)
        return capsys.readouterr().out

    return run


@pytest.fixture
def interact(
    unknown_store: Path, checkpoint: Path, configure, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Command:
    """Run fairseq-interactive on bytes or text; returns what it prints."""

    def run(text: str | bytes, *arguments: str | Path, pair: tuple[str, ...] = PAIR) -> str:
        path = tmp_path / "typed.txt"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        given = [unknown_store, "--path", checkpoint, *pair, "--input", path, *arguments]
        cfg = configure(options.get_interactive_generation_parser(), given)
        capsys.readouterr()
        fairseq_cli.interactive.main(cfg)
        return capsys.readouterr().out

    return run


def lines_of(output: str, letter: str) -> dict[int, list[list[str]]]:
    """Return the columns behind the number of each line of a letter, by number."""
    found: dict[int, list[list[str]]] = {}
    for line in output.splitlines():
        head, _, rest = line.partition("\t")
        if head.startswith(f"{letter}-"):
            found.setdefault(int(head[2:]), []).append(rest.split("\t"))
    return found


@pytest.fixture(scope="session")
def read() -> Callable[[str, str], dict[int, list[list[str]]]]:
    """Read the lines of a letter: (output, letter) -> {number: [columns]}."""
    return lines_of
