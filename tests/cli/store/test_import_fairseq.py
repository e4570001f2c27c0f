"""`mtdeep store import-fairseq`, and every verb as a user runs them one after the other."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from mtdeep.corpus import Store
from mtdeep.corpus.mmididx import write_column
from mtdeep.errors import UserError


@pytest.fixture
def databin(tmp_path: Path) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    for code, rows in (("en", [[4, 2], [5, 2]]), ("deu", [[6, 2], [2]])):
        write_column(folder / f"train.en-deu.{code}", map(np.array, rows), 8)
        (folder / f"dict.{code}.txt").write_text("a 3\nb 2\nc 1\nmadeupword0000 0\n")
    (folder / "train.align.en-deu.idx").touch()
    return folder


def test_what_is_printed(databin: Path, tmp_path: Path, run) -> None:
    lines = run("import-fairseq", databin, tmp_path / "store").stdout.splitlines()
    assert lines == [
        "languages: en is English (en), deu is German (de)",
        "left out: train.align.en-deu (its name is not of the form SPLIT.SRC-TGT.LANG)",
        "rows with an empty side, which no direction has: 1",
        "without --sentencepiece-model the store cannot turn text into ids or back",
        f"imported: {tmp_path / 'store'} (sentence pairs: 1 in train)",
    ]
    Store(tmp_path / "store").verify()


def test_a_store_that_is_there_stays_unless_told(databin: Path, tmp_path: Path, run) -> None:
    run("import-fairseq", databin, tmp_path / "store")
    with pytest.raises(UserError, match="give --overwrite to replace it"):
        run("import-fairseq", databin, tmp_path / "store")
    write_column(databin / "train.en-deu.deu", map(np.array, [[6, 2], [5, 2]]), 8)
    assert "2 in train" in run("import-fairseq", databin, tmp_path / "store", "--overwrite").stdout
    (databin / "dict.deu.txt").unlink()
    with pytest.raises(UserError, match=r"dict\.deu\.txt: missing"):
        run("import-fairseq", databin, tmp_path / "store", "--overwrite")
    assert len(Store(tmp_path / "store").corpora("train")) == 1
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["bin", "store"]


@pytest.mark.slow
def test_from_fairseq_preprocess_and_back(tmp_path: Path, run_command) -> None:
    """The installed commands: fairseq-preprocess, import, info, verify, export; equal columns; then a damage."""
    words = random.Random(1)
    for code in ("en", "de"):
        for split, rows in (("train", 200), ("valid", 20)):
            lines = (" ".join(words.choice("abcdefghij") for _ in range(words.randint(1, 9))) for _ in range(rows))
            (tmp_path / f"{split}.{code}").write_text("".join(f"{line}\n" for line in lines))
    files = ("--trainpref", "train", "--validpref", "valid", "--destdir", "bin", "--workers", "2")
    done = run_command("fairseq-preprocess", "-s", "en", "-t", "de", "--joined-dictionary", *files, cwd=tmp_path)
    assert done.returncode == 0, done.stderr

    def mtdeep(verb: str, *arguments: str) -> str:
        done = run_command("mtdeep", "store", verb, *arguments, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        return str(done.stdout)

    assert "200 in train, 20 in valid" in mtdeep("import-fairseq", "bin", "store")
    assert "without a SentencePiece model" in mtdeep("info", "store")
    assert mtdeep("verify", "store").startswith("store: OK")
    mtdeep("export-fairseq", "store", "again", "--directions", "en-de", "--splits", "train,valid")
    columns = sorted(path.name for path in (tmp_path / "bin").iterdir() if path.suffix in (".bin", ".idx"))
    assert len(columns) == 8
    assert all((tmp_path / "bin" / name).read_bytes() == (tmp_path / "again" / name).read_bytes() for name in columns)

    shard = tmp_path / "store" / "shards" / "000000.bin"
    shard.write_bytes(shard.read_bytes()[:-1])
    done = run_command("mtdeep", "store", "verify", "store", cwd=tmp_path)
    assert (done.returncode, done.stdout.count("\n")) == (1, 1)
    assert done.stdout.startswith("wrong: store/shards/000000.bin: truncated")
    done = run_command("mtdeep", "store", "info", "store", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    (tmp_path / "bin" / "dict.de.txt").write_text("other 1\n")
    done = run_command("mtdeep", "store", "import-fairseq", "bin", "new", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("error: bin/dict.de.txt: another dictionary") and done.stderr.count("\n") == 1
    assert not (tmp_path / "new").exists()
