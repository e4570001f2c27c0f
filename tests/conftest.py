"""What tests of every package share: the installed commands, run as a user runs them; stores and checkpoints, made."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import sentencepiece
import torch

from mtdeep.corpus import Store, StoreWriter, Vocabulary, text_blocks
from mtdeep.corpus.subwords import Subwords, pieces
from mtdeep.nn import Config, EncoderDecoder

SCRIPTS = Path(sys.executable).parent
Run = Callable[..., "subprocess.CompletedProcess[str]"]
TrainSubwords = Callable[[Iterable[str], Sequence[str], int], tuple[Subwords, bytes]]
Columns = Mapping[str, Sequence[str]]
WriteStore = Callable[[Path, Sequence[str], Mapping[tuple[str, str], Columns], int], Store]
SaveModel = Callable[[Path, EncoderDecoder], Path]


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> Iterator[None]:
    """The tensors here are tiny, and threads waiting for one another would take most of the time.

    For the session, so that what session fixtures measure is the same to the bit as what a test measures again.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def is_alive() -> Callable[[int], bool]:
    """Tell whether a process runs; one that has ended may wait for its exit code to be read."""

    def alive(number: int) -> bool:
        try:
            return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        except (FileNotFoundError, ProcessLookupError):
            return False

    return alive


@pytest.fixture(scope="session")
def run_command() -> Run:
    """Run a console script of this environment, or python itself; keywords: cwd, env (added to ours), input."""

    def run(
        name: str, *arguments: str | Path, cwd: Path | None = None, env: dict[str, str] | None = None, input: str = ""
    ) -> subprocess.CompletedProcess[str]:
        program = sys.executable if name == "python" else SCRIPTS / name
        return subprocess.run(
            [str(program), *map(str, arguments)],
            cwd=cwd,
            env={**os.environ, "OMP_NUM_THREADS": "1", **(env or {})},
            input=input,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def train_subwords() -> TrainSubwords:
    """Train SentencePiece on lines: (lines, languages, size) -> (subwords, the model's bytes)."""

    def train(lines: Iterable[str], languages: Sequence[str], size: int) -> tuple[Subwords, bytes]:
        model = io.BytesIO()
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(lines), model_writer=model, vocab_size=size, character_coverage=1.0, minloglevel=2
        )
        return Subwords(model.getvalue(), Vocabulary(pieces(model.getvalue()), tuple(languages))), model.getvalue()

    return train


@pytest.fixture(scope="session")
def write_store(train_subwords: TrainSubwords) -> WriteStore:
    """Write and open a store: (path, languages, {(corpus, split): {language: lines}}, vocabulary size).

    An empty line is a gap. The raw text is kept, but for the split train.
    """

    def write(
        path: Path, languages: Sequence[str], corpora: Mapping[tuple[str, str], Columns], size: int
    ) -> Store:
        lines = [line for columns in corpora.values() for column in columns.values() for line in column if line]
        subwords, model = train_subwords(lines, languages, size)
        with StoreWriter(path, subwords.vocabulary, model) as writer:
            for (name, split), columns in corpora.items():
                ids = {code: [subwords.encode_block(column)] for code, column in columns.items()}
                text = {code: text_blocks(column) for code, column in columns.items()}
                writer.add_corpus(name, split, ids, text=None if split == "train" else text, provenance={})
            writer.finish({})
        return Store(path)

    return write


@pytest.fixture(scope="session")
def tiny_config() -> Callable[..., Config]:
    """Return a maker of configurations: two layers a side of width 16 for a vocabulary's size, some fields changed."""

    def make(size: int, **changes: object) -> Config:
        tiny = Config(
            scheme="deepnorm",
            source_vocabulary_size=size,
            target_vocabulary_size=size,
            encoder_layers=2,
            decoder_layers=2,
            embed_dim=16,
            encoder_ffn_dim=32,
            decoder_ffn_dim=32,
            encoder_heads=2,
            decoder_heads=2,
        )
        return replace(tiny, **changes)  # type: ignore[arg-type]

    return make


@pytest.fixture(scope="session")
def save_model() -> SaveModel:
    """Write a model as fairseq would after 7 updates of the task many_to_many_translation; returns the path."""

    def save(path: Path, model: EncoderDecoder) -> Path:
        state = {
            "cfg": {
                "model": Namespace(arch="deepnet_mt", mtdeep_config=model.config.to_dict()),
                "task": {"_name": "many_to_many_translation", "encoder_tag": "src"},
            },
            "model": model.state_dict(),
            "optimizer_history": [{"num_updates": 7}],
        }
        torch.save(state, path)
        return path

    return save
