"""`mtdeep store export-text`: what stands in the files, and every refusal in a sentence."""

from __future__ import annotations

import gzip
import json
import lzma
from pathlib import Path

import numpy as np
import pytest
import zstandard

from data_prep.prepare import prepare
from mtdeep.corpus import Store, StoreWriter, Vocabulary, blocks_of, text_blocks
from mtdeep.errors import UserError

TALKS = {
    ("talks", "test"): {
        "en": ["one dog", "two cats", ""], "de": ["ein Hund", "", "drei Kühe"], "zh-Hans": ["", "两只猫", "三头牛"],
    },
    ("talks", "train"): {
        "en": ["four dogs", "five cats"], "de": ["vier Hunde", "fünf Katzen"], "zh-Hans": ["四只狗", ""],
    },
    ("pairs", "train"): {"en": ["six cows"], "de": ["sechs Kühe"]},
}  # fmt: skip


@pytest.fixture(scope="module")
def talks(train_subwords, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An n-way corpus with gaps, and mined pairs; Ukrainian has a tag alone."""
    path = tmp_path_factory.mktemp("s") / "store"
    lines = [line for columns in TALKS.values() for column in columns.values() for line in column if line]
    subwords, model = train_subwords(lines, ("en", "de", "zh-Hans", "uk"), 42)
    with StoreWriter(path, subwords.vocabulary, model) as writer:
        for (name, split), columns in TALKS.items():
            ids = {code: [subwords.encode_block(column)] for code, column in columns.items()}
            text = {code: text_blocks(column) for code, column in columns.items()} if split == "test" else None
            writer.add_corpus(name, split, ids, text=text, provenance={"origin": "mined"} if name == "pairs" else {})
        writer.finish({})
    return path


def written(folder: Path) -> dict[str, list[str]]:
    """The lines of all files but the record."""
    paths = sorted(path for path in folder.iterdir() if path.name != "export.json")
    return {path.name: path.read_text().split("\n")[:-1] for path in paths}


def test_a_file_a_language_of_each_split(talks: Path, tmp_path: Path, run) -> None:
    done = run("export-text", talks, tmp_path / "out")
    assert written(tmp_path / "out") == {
        "test.en": ["one dog", "two cats", ""],
        "test.de": ["ein Hund", "", "drei Kühe"],
        "test.zh_Hans": ["", "两只猫", "三头牛"],
        "train.en": ["four dogs", "five cats", "six cows"],
        "train.de": ["vier Hunde", "fünf Katzen", "sechs Kühe"],
        "train.zh_Hans": ["四只狗", "", ""],
    }
    assert "test: 3 files, 3 rows, 6 sentences" in done.stdout
    assert "decoded from the pieces, as the vocabulary's normalisation left the text: train\n" in done.stdout


def test_what_is_chosen(talks: Path, tmp_path: Path, run) -> None:
    run("export-text", talks, tmp_path / "a", "--splits", "train", "--languages", "deu,zho_Hans", "--no-gaps")
    assert written(tmp_path / "a") == {"train.de": ["vier Hunde"], "train.zh_Hans": ["四只狗"]}
    run("export-text", talks, tmp_path / "b", "--splits", "train", "--corpora", "pairs", "--origins", "mined")
    assert written(tmp_path / "b") == {"train.en": ["six cows"], "train.de": ["sechs Kühe"]}
    done = run("export-text", talks, tmp_path / "c", "--directions", "zh_Hans-de,de-zh_Hans,en-uk")
    assert written(tmp_path / "c") == {
        "test.zh_Hans-de.zh_Hans": ["三头牛"],
        "test.zh_Hans-de.de": ["drei Kühe"],
        "train.zh_Hans-de.zh_Hans": ["四只狗"],
        "train.zh_Hans-de.de": ["vier Hunde"],
    }
    assert "without sentences, and left out: test.en-uk, train.en-uk\n" in done.stdout
    done = run("export-text", talks, tmp_path / "d", "--languages", "en,uk", "--splits", "test")
    assert written(tmp_path / "d") == {"test.en": ["one dog", "two cats"]}
    assert "languages without a sentence: test (uk)\n" in done.stdout


def test_the_codes_of_an_old_store(write_store, tmp_path: Path, run) -> None:
    """`no_NO` was no-NO, and is nb-NO today: both mean its column."""
    lines = {"en": ["a dog"], "no-NO": ["en hund"]}
    store = write_store(tmp_path / "store", tuple(lines), {("old", "train"): lines}, 12)
    for spelling in ("no-NO", "no_NO", "nb-NO"):
        run("export-text", store.path, tmp_path / spelling, "--languages", spelling)
        assert written(tmp_path / spelling) == {"train.no_NO": ["en hund"]}


def test_other_forms(talks: Path, tmp_path: Path, run) -> None:
    run("export-text", talks, tmp_path / "a", "--splits", "test", "--format", "tsv")
    assert written(tmp_path / "a") == {
        "test.tsv": ["en\tde\tzh_Hans", "one dog\tein Hund\t", "two cats\t\t两只猫", "\tdrei Kühe\t三头牛"]
    }
    run("export-text", talks, tmp_path / "b", "--format", "jsonl", "--directions", "de-en")
    lines = written(tmp_path / "b")["train.de-en.jsonl"]
    assert json.loads(lines[2]) == {
        "corpus": "pairs", "origin": "mined", "translation": {"de": "sechs Kühe", "en": "six cows"},
    }  # fmt: skip
    for suffix, opened in (("gz", gzip.decompress), ("xz", lzma.decompress), ("zst", _unzstd)):
        run("export-text", talks, tmp_path / suffix, "--compress", suffix)
        content = (tmp_path / suffix / f"test.de.{suffix}").read_bytes()
        assert opened(content).decode() == "ein Hund\n\ndrei Kühe\n"
        again = tmp_path / f"{suffix}2"
        run("export-text", talks, again, "--compress", suffix)
        assert (again / f"test.de.{suffix}").read_bytes() == content  # no time of writing in it


def _unzstd(content: bytes) -> bytes:
    return zstandard.ZstdDecompressor().decompressobj().decompress(content)


def test_pieces_of_a_store_without_a_model(talks: Path, tmp_path: Path, run) -> None:
    run("export-text", talks, tmp_path / "a", "--pieces", "--splits", "train")
    joined = [line.replace(" ", "").replace("▁", " ").strip() for line in written(tmp_path / "a")["train.en"]]
    assert joined == ["four dogs", "five cats", "six cows"]
    with StoreWriter(tmp_path / "s", Vocabulary(("▁a", "b"), ("en",)), None) as writer:
        writer.add_corpus("c", "train", {"en": blocks_of([np.array([4, 5, 3])])}, provenance={})
        writer.finish({})
    with pytest.raises(UserError, match=r"no SentencePiece model to decode its text with.* or give --pieces"):
        run("export-text", tmp_path / "s", tmp_path / "b")
    run("export-text", tmp_path / "s", tmp_path / "b", "--pieces")
    assert written(tmp_path / "b") == {"train.en": ["▁a b <unk>"]}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--splits", "dev"], "--splits: there is no 'dev', only test, train; correct it"),
        (["--languages", "fr"], "--languages: there is no 'fr', only en, de, zh-Hans, uk"),
        (["--languages", "english"], "unknown language code 'english'"),
        (["--corpora", "talk"], "--corpora: there is no 'talk', only talks, pairs"),
        (["--origins", "machine"], "--origins: there is no 'machine', only human, mined, back_translated"),
        (["--format", "csv"], "--format csv: there is no such format; give text, tsv, jsonl"),
        (["--compress", "zip"], "--compress zip: there is no such compression; give gz, xz, zst"),
        (["--directions", "en-de", "--languages", "en"], "--directions names the languages itself"),
        (["--languages", "uk"], "no sentence in what is chosen; choose other splits, languages or corpora"),
        (["--directions", "en-uk"], "no sentence in what is chosen"),
    ],
)
def test_refusals(talks: Path, tmp_path: Path, run, options: list[str], says: str) -> None:
    with pytest.raises(UserError) as raised:
        run("export-text", talks, tmp_path / "out", *options)
    assert says in str(raised.value) and "\n" not in str(raised.value)
    assert not (tmp_path / "out").exists()


def test_nothing_else_is_overwritten(talks: Path, tmp_path: Path, run) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "train.en").write_text("mine\n")
    for options in ([], ["--overwrite"]):
        with pytest.raises(UserError, match=r"out: has train\.en, which no export wrote; give another folder"):
            run("export-text", talks, out, *options)
    assert (out / "train.en").read_text() == "mine\n"
    with pytest.raises(UserError, match="is a file; give another folder"):
        run("export-text", talks, out / "train.en")


def test_places_where_no_folder_can_be(talks: Path, tmp_path: Path, run) -> None:
    (tmp_path / "link").symlink_to(talks)
    for out in (talks / "text", tmp_path / "link" / "a" / "b", talks):
        with pytest.raises(UserError, match=r"lies in the store .*; give another folder for the text"):
            run("export-text", talks, out)
    assert sorted(path.name for path in talks.parent.iterdir()) == ["store"] and not (talks / "text").exists()
    for out in ("/proc/x", "/proc/x/y"):
        with pytest.raises(UserError, match=r"^/proc/\S+: cannot be written \(.*\); mend that, or give another place$"):
            run("export-text", talks, out)


def test_another_export_is_overwritten_where_that_is_asked_for(talks: Path, tmp_path: Path, run) -> None:
    out = tmp_path / "out"
    run("export-text", talks, out)
    run("export-text", talks, out)  # there is nothing to do
    with pytest.raises(UserError, match=r"holds the text of the same store, chosen otherwise; give .* --overwrite"):
        run("export-text", talks, out, "--format", "jsonl")
    run("export-text", talks, out, "--format", "jsonl", "--overwrite")
    assert sorted(path.name for path in out.iterdir()) == ["export.json", "test.jsonl", "train.jsonl"]
    record = json.loads((out / "export.json").read_text())
    assert record["store"] == Store(talks).digest and record["chosen"]["form"] == "jsonl"
    record["tables"]["train"]["files"] = {"../victim": 1}
    (out / "export.json").write_text(json.dumps(record))
    (tmp_path / "victim").write_text("x")
    with pytest.raises(UserError, match=r"export.json: no record of an export \(it names '../victim'\)"):
        run("export-text", talks, out, "--overwrite")
    assert (tmp_path / "victim").exists()


CONFIG = """\
store: {name}
vocabulary: {{size: 40}}
cleaning: {{default: {{language: {{enabled: false}}}}}}
corpora:
  - name: talks
    reader: plain_text
    languages: [en, de, zh_Hans]
    splits: {{train: "{train}.{{language}}{end}", test: "{test}.{{language}}{end}"}}
"""


def test_what_is_prepared_again_from_the_text_is_the_same(tmp_path: Path, run) -> None:
    """Text that normalisation leaves as it is: also training text, of which a store has tokens alone."""
    lines = {
        "train.en": ["one dog here", "two cats here", "three cows", "four hens"],
        "train.de": ["ein Hund hier", "", "drei Rinder", "vier Hennen"],
        "train.zh_Hans": ["这里有一只狗", "这里有两只猫", "", "四只母鸡"],
        "test.en": ["Nº 1 (c) ½ ﬁn…", "", "five"],  # a scored split keeps its text to the letter
        "test.de": ["„Nein“ …", "sechs", "fünf"],
        "test.zh_Hans": ["", "六", "五"],
    }
    for name, column in lines.items():
        (tmp_path / name).write_text("".join(f"{line}\n" for line in column))
    (tmp_path / "a.yaml").write_text(CONFIG.format(name="a", train="train", test="test", end=""))
    first = prepare(tmp_path / "a.yaml", None).store
    run("export-text", first.path, tmp_path / "out", "--compress", "zst")
    again = CONFIG.format(name="b", train="out/train", test="out/test", end=".zst")
    (tmp_path / "b.yaml").write_text(again)
    second = prepare(tmp_path / "b.yaml", None).store
    run("export-text", second.path, tmp_path / "text")
    assert written(tmp_path / "text") == dict(sorted(lines.items()))
    assert [c.rows for c in second.corpora("train")] == [c.rows for c in first.corpora("train")] == [4]
    assert second.vocabulary.digest == first.vocabulary.digest
