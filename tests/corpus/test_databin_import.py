"""A data-bin into a store and back: equal bytes, and what is refused."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtdeep.corpus import Direction, Store, Vocabulary, available, blocks_of
from mtdeep.corpus.databin import write_databin
from mtdeep.corpus.databin_import import import_databin, read_dictionary
from mtdeep.corpus.mmididx import write_column
from mtdeep.corpus.store_writer import StoreWriter
from mtdeep.errors import UserError

DICTIONARY = "".join(f"p{i} {100 - i}\n" for i in range(60)) + "madeupword0000 0\n"
FIRST, LAST = 4, 63
Files = Mapping[str, Sequence[Sequence[int]]]


def databin(folder: Path, files: Files, dictionary: str = DICTIONARY) -> Path:
    """What fairseq-preprocess writes: {SPLIT.SRC-TGT.LANG: sentences without their ends}."""
    folder.mkdir(exist_ok=True)
    for name, sentences in files.items():
        write_column(folder / name, (np.array([*sentence, 2]) for sentence in sentences), 65)
        (folder / f"dict.{name.rpartition('.')[2]}.txt").write_text(dictionary, encoding="utf-8")
    return folder


def column_files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.suffix in (".bin", ".idx")}


PAIR = {"train.en-de.en": [[4, 5], [6]], "train.en-de.de": [[7], [8, 3]]}

sentence = st.lists(st.integers(FIRST - 1, LAST), min_size=1, max_size=9)


@settings(max_examples=8, deadline=None)
@given(st.data())
def test_round_trip(data: st.DataObject) -> None:
    """Export, import, export: the same .bin and .idx, and the same dictionary."""
    languages = ("en", "zh-Hans", "gsw-x-bern")
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        vocabulary = Vocabulary(tuple(f"p{i}" for i in range(60)), languages)
        with StoreWriter(folder / "store", vocabulary, None) as writer:
            for name, split in (("a", "train"), ("b", "train"), ("a", "valid")):
                rows = data.draw(st.integers(1, 6))
                gaps = sentence | st.just([])
                table = {code: [data.draw(sentence), *(data.draw(gaps) for _ in range(rows))] for code in languages}
                columns = {code: blocks_of(map(np.array, rows)) for code, rows in table.items()}
                writer.add_corpus(name, split, columns, provenance={})
            writer.finish({})
        store = Store(folder / "store")
        directions = list(available(store, "train"))
        write_databin(store, folder / "one", directions, ["train", "valid"])
        import_databin(folder / "one", folder / "again")
        again = Store(folder / "again")
        again.verify()
        assert again.vocabulary == store.vocabulary
        assert available(again, "train") == available(store, "train")
        write_databin(again, folder / "two", directions, ["train", "valid"])
        assert column_files(folder / "one") == column_files(folder / "two")
        assert (folder / "one" / "dict.en.txt").read_bytes() == (folder / "two" / "dict.en.txt").read_bytes()


def test_what_fairseq_preprocess_wrote(tmp_path: Path) -> None:
    """Symbols keep their ids, languages get tags behind them, and the same columns come out."""
    folder = databin(tmp_path / "bin", {**PAIR, "valid.en-de.en": [[9]], "valid.en-de.de": [[10]]})
    imported = import_databin(folder, tmp_path / "store")
    assert (imported.pairs, imported.gaps, imported.left_out) == ({"train": 2, "valid": 1}, 0, {})
    store = Store(tmp_path / "store")
    symbols = store.vocabulary.symbols()
    assert symbols[4:65] == [*(f"p{i}" for i in range(60)), "madeupword0000"]
    assert symbols[65:] == ["__en__", "__de__"]
    assert not store.has_subwords
    with pytest.raises(UserError, match="no SentencePiece model"):
        store.subwords()
    write_databin(store, tmp_path / "again", [Direction("en", "de")], ["train", "valid"])
    assert column_files(tmp_path / "again") == column_files(folder)


def test_names_of_languages_splits_and_corpora(tmp_path: Path) -> None:
    """Any usual spelling; `train1` is more of `train`, as fairseq's tasks take it; text of one language."""
    files = {
        **PAIR,
        **{"train1.en-de.en": [[9]], "train1.en-de.de": [[9]]},
        **{"valid1.eng_Latn-zh_CN.eng_Latn": [[5]], "valid1.eng_Latn-zh_CN.zh_CN": [[6]]},
        **{"train.en-None.en": [[11], [12, 13]]},
    }
    imported = import_databin(databin(tmp_path / "bin", files), tmp_path / "store")
    store = Store(tmp_path / "store")
    found = {(c.split, c.name): c.languages for split in store.splits for c in store.corpora(split)}
    assert found == {
        ("train", "en-None"): ("en",),
        ("train", "en-de"): ("en", "de"),
        ("train", "en-de.1"): ("en", "de"),
        ("valid1", "eng_Latn-zh_CN"): ("en", "zh-Hans"),
    }
    assert imported.pairs == {"train": 5, "valid1": 1}
    assert available(store, "train")[Direction("en", "de")] == 3


def test_empty_lines_are_gaps_and_are_counted(tmp_path: Path) -> None:
    """fairseq-preprocess writes end-of-sentence alone for an empty line."""
    files = {"train.en-de.en": [[4], [], [5], []], "train.en-de.de": [[6], [7], [], []]}
    imported = import_databin(databin(tmp_path / "bin", files), tmp_path / "store")
    assert (imported.pairs, imported.gaps) == ({"train": 1}, 3)
    (corpus,) = Store(tmp_path / "store").corpora("train")
    assert (corpus.rows, corpus.sentences("en"), corpus.count("en", "de")) == (4, 2, 1)


def test_what_stands_there_twice_and_what_is_no_column(tmp_path: Path) -> None:
    """A pair that was preprocessed in both orders counts once, alignments are told."""
    mirrored = {"train.de-en.en": PAIR["train.en-de.en"], "train.de-en.de": PAIR["train.en-de.de"]}
    folder = databin(tmp_path / "bin", {**PAIR, **mirrored})
    (folder / "train.align.en-de.idx").touch()
    imported = import_databin(folder, tmp_path / "store")
    assert imported.pairs == {"train": 2}
    assert imported.left_out["train.en-de"] == "the same sentences as train.de-en"
    assert "not of the form" in imported.left_out["train.align.en-de"]
    databin(folder, {"train.de-en.en": [[4, 5], [4]]})
    assert import_databin(folder, tmp_path / "other").pairs == {"train": 4}


def test_with_the_model(make_store: Callable[..., Store], spm_model: bytes, tmp_path: Path) -> None:
    """A dictionary in another order than the model's, as fairseq-preprocess counts it, with pieces left out."""
    (tmp_path / "spm.model").write_bytes(spm_model)
    original = make_store({("train", "a"): {"en": [[4]], "de": [[5]]}}, "original")
    text = "Two young men are outside near many bushes."
    ids = original.subwords().encode([text])[0]
    symbols = original.vocabulary.symbols()
    used = sorted({symbols[i] for i in ids}, reverse=True)
    dictionary = "".join(f"{piece} 7\n" for piece in used) + "madeupword0000 0\n"
    row = [4 + used.index(symbols[i]) for i in ids]
    folder = databin(tmp_path / "bin", {"train.en-de.en": [row], "train.en-de.de": [row]}, dictionary)
    imported = import_databin(folder, tmp_path / "store", sentencepiece_model=tmp_path / "spm.model")
    assert imported.unknown_pieces == len(original.vocabulary.pieces) - len(used)
    store = Store(tmp_path / "store")
    subwords = store.subwords()
    assert subwords.encode([text])[0].tolist() == row
    assert subwords.decode(store.corpora("train")[0].sentence("en", 0)) == text
    assert subwords.encode(["Büsche"])[0].tolist().count(store.vocabulary.unk) > 0


def without_language(folder: Path) -> None:
    (folder / "train.en-de.de.idx").unlink()
    (folder / "train.en-de.de.bin").unlink()


def other_dictionary(folder: Path) -> None:
    (folder / "dict.de.txt").write_text(DICTIONARY.replace("p7 93", "q7 93"), encoding="utf-8")


def longer_dictionary(folder: Path) -> None:
    (folder / "dict.de.txt").write_text(DICTIONARY + "more 1\n", encoding="utf-8")


def shorter_dictionary(folder: Path) -> None:
    databin(folder, {}, "")
    for code in ("en", "de"):
        (folder / f"dict.{code}.txt").write_text("p0 1\np1 1\np2 1\n", encoding="utf-8")


def rename(folder: Path) -> None:
    for path in list(folder.iterdir()):
        path.rename(path.with_name(path.name.replace("en", "source").replace("de", "target")))


def rewrite(name: str, sentences: Sequence[Sequence[int]]) -> Callable[[Path], None]:
    return lambda folder: write_column(folder / name, map(np.array, sentences), 65)


def append_to_dictionaries(line: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        for code in ("en", "de"):
            with (folder / f"dict.{code}.txt").open("a", encoding="utf-8") as file:
                file.write(line)

    return change


def same_language(folder: Path) -> None:
    for path in list(folder.iterdir()):
        path.rename(path.with_name(path.name.replace("en", "zh_CN").replace("de", "zh_Hans")))


@pytest.mark.parametrize(
    ("damage", "file", "message"),
    [
        (shutil.rmtree, "", "no such directory; give the folder"),
        (lambda f: [p.unlink() for p in f.iterdir()], "", "holds no SPLIT"),
        (without_language, "train.en-de.de.idx", "missing beside the pair's other language"),
        (lambda f: (f / "train.en-de.de.bin").unlink(), "train.en-de.de.bin", "cannot be read"),
        (lambda f: (f / "dict.de.txt").unlink(), "dict.de.txt", "missing; put the dictionary there"),
        (other_dictionary, "dict.de.txt", "another dictionary than dict.en.txt .they differ at id 11."),
        (longer_dictionary, "dict.de.txt", "another dictionary than dict.en.txt .they differ at id 65."),
        (shorter_dictionary, "train.en-de.de.bin", "sentence 0 has id 7, and its dictionary 7 symbols"),
        (append_to_dictionaries("p1 5\n"), "dict.en.txt", "symbol 'p1' stands twice"),
        (append_to_dictionaries("p1 5 #fairseq:overwrite\n"), "dict.en.txt:62", "expected `symbol count`"),
        (append_to_dictionaries("two words 5\n"), "dict.en.txt", "holds a space"),
        (append_to_dictionaries("__de__ 5\n"), "", "a piece '__de__', which is to be a tag"),
        (lambda f: (f / "dict.en.txt").write_bytes(b"p\xff 1\n"), "dict.en.txt", "not UTF-8 at byte 1"),
        (rename, "", "name a language 'source': unknown language code"),
        (same_language, "train.zh_CN-zh_Hans.zh_CN.idx", "goes from a language into itself"),
        (rewrite("train.en-de.de", [[7, 2]]), "train.en-de.en.idx", "has 2 sentences and train.en-de.de.idx 1"),
        (rewrite("train.en-de.de", [[7, 2], [8]]), "train.en-de.de.bin", "sentence 1 does not end in </s>"),
        (rewrite("train.en-de.de", [[7, 2], []]), "train.en-de.de.bin", "sentence 1 does not end in </s>"),
        (rewrite("train.en-de.de", [[7, 2], [8, 2, 9, 2]]), "train.en-de.de.bin", "sentence 1 has </s> within"),
        (rewrite("train.en-de.en", [[7, 2], [8, 1, 2]]), "train.en-de.en.bin", "sentence 1 has <pad> within"),
        (rewrite("train.en-de.en", [[7, 65, 2], [2]]), "train.en-de.en.bin", "sentence 0 has id 65, and"),
    ],
)
def test_refused(tmp_path: Path, damage: Callable[[Path], object], file: str, message: str) -> None:
    """One sentence with the file; nothing is written."""
    folder = databin(tmp_path / "bin", PAIR)
    damage(folder)
    with pytest.raises(UserError, match=message) as raised:
        import_databin(folder, tmp_path / "store")
    assert str(raised.value).startswith(str(folder / file)) and "\n" not in str(raised.value)
    assert {path.name for path in tmp_path.iterdir()} <= {"bin"}


def test_tags_in_the_text_are_refused(tmp_path: Path) -> None:
    folder = databin(tmp_path / "bin", {**PAIR, "train.en-de.en": [[65, 4], [5]]}, DICTIONARY + "__de__ 0\n")
    with pytest.raises(UserError, match="sentence 0 has the tag __de__, and a store adds tags"):
        import_databin(folder, tmp_path / "store")


def test_a_model_that_is_not_the_dictionarys(tmp_path: Path, spm_model: bytes) -> None:
    (tmp_path / "spm.model").write_bytes(spm_model)
    folder = databin(tmp_path / "bin", PAIR)
    with pytest.raises(UserError, match="not those of the dictionary, which has 'p0' and 59 more; use the model"):
        import_databin(folder, tmp_path / "store", sentencepiece_model=tmp_path / "spm.model")
    assert not (tmp_path / "store").exists()


def test_dictionary_of_a_store_is_that_of_the_store(vocabulary: Vocabulary, tmp_path: Path) -> None:
    """Tags at its end are tags again, and a piece that looks like one stays a piece."""
    vocabulary = Vocabulary((*vocabulary.pieces, "__init__"), vocabulary.languages)
    vocabulary.save(tmp_path / "dict.txt")
    assert read_dictionary(tmp_path / "dict.txt") == vocabulary
