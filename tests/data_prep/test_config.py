from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from data_prep.config_file import load_config
from data_prep.environment import expand
from data_prep.readers.moses_zip import MosesZip
from data_prep.readers.parquet import Parquet
from data_prep.readers.plain_text import PlainText
from data_prep.readers.source import Source
from data_prep.readers.tmx import Tmx
from data_prep.readers.tsv import Tsv
from mtdeep.errors import UserError

GOOD = """\
store: out
vocabulary:
  size: 100
corpora:
  - name: phrases
    reader: cldr
    languages: [en, de]
    lines: {train: 10}
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "config.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def problems(folder: Path, text: str) -> list[str]:
    """The lines of the message, without the path of the file: `LINE: sentence`."""
    path = write(folder, text)
    with pytest.raises(UserError) as caught:
        load_config(path)
    lines = str(caught.value).splitlines()
    assert all(line.startswith(f"{path}:") for line in lines)
    return [line.removeprefix(f"{path}:") for line in lines]


def test_good_configuration_has_defaults(tmp_path: Path) -> None:
    loaded = load_config(write(tmp_path, GOOD))
    assert loaded.config.seed == 1
    assert loaded.config.vocabulary.model_type == "unigram"
    assert loaded.resolved(loaded.config.store) == tmp_path / "out"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("store: out\n", "", "1: key 'store' is missing; add it"),
        ("  size: 100", "  model_type: bpe", "2: vocabulary: key 'size' is missing in vocabulary; add it, or"),
        ("  size: 100", "  size: 100\n  sise: 3", "4: unknown key 'sise' in vocabulary; did you mean 'size'?"),
        ("store:", "sead: 3\nstore:", "1: unknown key 'sead'; did you mean 'seed'?"),
        ("    lines:", "    entites: 9\n    lines:", "8: unknown key 'entites' in corpora.0; did you mean 'entities'?"),
        ("    lines: {train: 10}\n", "", "5: key 'lines' is missing in corpora.0; add it"),
        ("reader: cldr", "reader: csv", "5: unknown reader 'csv' in corpora.0; choose one of plain_text, tsv, jsonl"),
        ("    reader: cldr\n", "", "5: key 'reader' is missing in corpora.0; add it (plain_text, tsv, jsonl"),
        ("size: 100", "size: many", "3: vocabulary.size: input should be a valid integer"),
        ("[en, de]", "[en, xx-YY-!]", "7: corpora.0.languages.1: unknown language code 'xx-YY-!'"),
        ("[en, de]", "[en, eng_Latn]", "7: corpora.0.languages: 'eng_Latn' is the same as 'en'; name it once"),
        ("[en, de]", "[en, de, de]", "7: corpora.0.languages: 'de' stands twice; name it once"),
        ("[en, de]", "[en, nso]", "7: corpora.0.languages: the cldr reader has no locale data of its own for"),
        ("train: 10", "valid: 10", "1: the configuration: no corpus has a split 'train'"),
        (
            "train: 10",
            "trian: 10",
            "8: corpora.0.lines.trian: no corpus has a split 'train', which the vocabulary is learned from; "
            "did you mean it by 'trian'?",
        ),
        ("train: 10", "'a b': 10, train: 3", "8: corpora.0.lines.a b"),
        ("store: out", "store: ${MTDEEP_NOT_SET}", "1: store: environment variable MTDEEP_NOT_SET is not set"),
        ("store: out", "store: out\nstore: there", "2: key 'store' stands twice (first in line 1)"),
        ("store: out", "store: [out", "2: not valid YAML"),
    ],
)
def test_each_problem_names_file_and_line(tmp_path: Path, old: str, new: str, expected: str) -> None:
    assert old in GOOD
    found = problems(tmp_path, GOOD.replace(old, new, 1))
    assert len(found) == 1
    assert found[0].startswith(expected)


def test_all_problems_come_in_one_message(tmp_path: Path) -> None:
    text = GOOD.replace("store: out", "stor: out").replace("size: 100", "size: -1").replace("train: 10", "train: x")
    assert [line.split(":")[0] for line in problems(tmp_path, text)] == ["1", "1", "3", "8"]


def test_empty_and_unreadable_files(tmp_path: Path) -> None:
    assert problems(tmp_path, "") == ["1: the configuration must be a mapping of keys (store, vocabulary, corpora)"]
    with pytest.raises(UserError, match="cannot be read"):
        load_config(tmp_path / "nowhere.yaml")
    path = tmp_path / "latin1.yaml"
    path.write_bytes(b"store: out\nseed: \xe9\n")
    with pytest.raises(UserError, match=r"latin1.yaml:2: invalid UTF-8 at byte 17"):
        load_config(path)


PLAIN = """\
store: out
vocabulary: {size: 100}
corpora:
  - name: news
    reader: plain_text
    languages: [eng_Latn, de]
    splits:
      train: ${DATA}/train.{language}
"""


def test_patterns_keep_the_given_spelling_and_expand_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATA", str(tmp_path / "data"))
    (tmp_path / "data").mkdir()
    for code in ("eng_Latn", "de"):
        (tmp_path / "data" / f"train.{code}").write_text("x\n")
    loaded = load_config(write(tmp_path, PLAIN))
    (corpus,) = loaded.config.corpora
    (source,) = corpus.sources("train", loaded.resolved, seed=1)
    assert isinstance(source, PlainText)
    assert source.files == {"en": tmp_path / "data" / "train.eng_Latn", "de": tmp_path / "data" / "train.de"}


def test_variables_have_defaults_as_in_a_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATA", "data")
    monkeypatch.setenv("EMPTY", "")
    assert expand("${DATA:-x}/a ${EMPTY:-../y}/b ${MTDEEP_NOT_SET:-}/c") == "data/a ../y/b /c"
    with pytest.raises(ValueError, match="MTDEEP_NOT_SET is not set"):
        expand("${MTDEEP_NOT_SET}/a")


def test_missing_input_files_are_all_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATA", "data")
    found = problems(tmp_path, PLAIN)
    assert [line.split(":")[0] for line in found] == ["8", "8"]
    assert found[0].endswith("data/train.eng_Latn; correct the path")
    assert found[1].endswith("data/train.de; correct the path")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("train.{language}", "train", "7: corpora.0.splits: split 'train': '${DATA}/train' needs {language} where the"),
        ("    languages: [eng_Latn, de]\n", "", "6: corpora.0.splits: split 'train': the pattern '${DATA}/train.{lang"),
        ("${DATA}/train.{language}", "[]", "8: corpora.0.splits.train: give a path, the options of the reader, or a"),
        ("${DATA}/train.{language}", "3", "8: corpora.0.splits.train: give a path, the options of the reader, or a"),
        ("${DATA}/train.{language}", "{en: a, de: b}", "4: corpora.0: `languages` goes with a pattern"),
        ("${DATA}/train.{language}", "{en: a, q9: b}", "7: corpora.0.splits: split 'train': unknown language"),
        ("    splits:", "    holdout: {dev: 0.6, test: 0.5}\n    splits:", "4: corpora.0: `holdout` takes 1.1 of"),
        ("    splits:", "    holdout: {dev: 0}\n    splits:", "7: corpora.0.holdout.dev: give a number of rows"),
        ("    splits:", "    orgin: mined\n    splits:", "7: unknown key 'orgin' in corpora.0; did you mean 'origin'?"),
        ("vocabulary:", "cleaning: {default: {length: {moost: 9}}}\nvocabulary:", "2: unknown key 'moost' in cleaning"),
        ("vocabulary:", "cleaning: {corpora: {olds: {}}}\nvocabulary:", "2: cleaning.corpora.olds: no corpus has that"),
        ("size: 100", "size: 100, model: m", "2: vocabulary: `model` is taken as it is, which leaves nothing for size"),
        ("    splits:", "    holdout: {train: 5}\n    splits:", "4: corpora.0: split 'train' is both held out and"),
        ("train: ${DATA}", "valid: ${DATA}", "1: the configuration: no corpus has a split 'train'"),
    ],
)
def test_problems_of_plain_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str, expected: str
) -> None:
    monkeypatch.setenv("DATA", "data")
    found = problems(tmp_path, PLAIN.replace(old, new, 1))
    assert found[0].startswith(expected), found


PAIRS = """\
store: out
vocabulary: {size: 100}
cleaning: {corpora: {opus: {length: {max: 9}}}}
corpora:
  - name: opus
    reader: plain_text
    pairs: all
    splits:
      train: "opus/{source}-{target}/train.{language}"
      test: "opus/{source}-{target}/test.{language}"
    holdout: {dev: 5}
"""


def opus(folder: Path, *files: str) -> Path:
    for name in files:
        path = folder / "opus" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x\n")
    return folder


def named(folder: Path, text: str) -> dict[str, dict[str, list[dict[str, str]]]]:
    """Corpus -> split -> the files of each of its sources, by language."""
    loaded = load_config(write(folder, text))
    assert {number for number, _ in loaded.corpora} == {0}
    return {
        corpus.name: {
            split: [
                {code: str(path.relative_to(folder / "opus")) for code, path in source.files.items()}
                for source in corpus.sources(split, loaded.resolved, 1)
                if isinstance(source, PlainText)
            ]
            for split in corpus.split_names
            if split not in corpus.holdout
        }
        for _, corpus in loaded.corpora
    }


BOTH = ("de-en/train.de", "de-en/train.en", "en-zh-Hans/train.zh-Hans", "en-zh-Hans/train.en")


def test_pairs_on_disk_are_corpora_of_their_own(tmp_path: Path) -> None:
    """A pair is in the splits that have files of it, whatever lies beside; one without training text holds none out."""
    opus(tmp_path, *BOTH, "de-en/test.en", "de-en/test.de", "cs-de/test.cs", "cs-de/test.de", "de-en/train.ids")
    found = named(tmp_path, PAIRS)
    assert list(found) == ["opus/cs-de", "opus/de-en", "opus/en-zh_Hans"]
    assert found["opus/cs-de"] == {"test": [{"cs": "cs-de/test.cs", "de": "cs-de/test.de"}]}
    assert found["opus/de-en"]["train"] == [{"de": "de-en/train.de", "en": "de-en/train.en"}]
    assert found["opus/en-zh_Hans"] == {"train": [{"en": "en-zh-Hans/train.en", "zh-Hans": "en-zh-Hans/train.zh-Hans"}]}
    corpora = {corpus.name: corpus for _, corpus in load_config(tmp_path / "config.yaml").corpora}
    assert {name: list(corpus.holdout) for name, corpus in corpora.items()} == {
        "opus/cs-de": [], "opus/de-en": ["dev"], "opus/en-zh_Hans": ["dev"]
    }  # fmt: skip
    assert {corpus.entry for corpus in corpora.values()} == {"opus"}


def test_languages_choose_among_all_pairs_and_a_list_names_them(tmp_path: Path) -> None:
    opus(tmp_path, *BOTH)
    train = re.sub("      test:.*\n", "", PAIRS)
    assert list(named(tmp_path, train.replace("    pairs", "    languages: [de, eng]\n    pairs"))) == ["opus/de-en"]
    assert list(named(tmp_path, train.replace("all", "[en-zh-Hans]"))) == ["opus/en-zh_Hans"]
    assert list(named(tmp_path, train.replace("all", "[[de, en], en-zh-Hans]"))) == ["opus/de-en", "opus/en-zh_Hans"]


@pytest.mark.parametrize(
    ("reader", "files", "train", "expected"),
    [
        ("plain_text", ["de-en/t.src", "de-en/t.trg"],
         '{"{source}": "opus/{source}-{target}/t.src", "{target}": "opus/{source}-{target}/t.trg"}',
         PlainText({"de": Path("opus/de-en/t.src"), "en": Path("opus/de-en/t.trg")})),
        ("tsv", ["de-en.tsv.gz"], '{path: "opus/{source}-{target}.tsv.gz", columns: {"{source}": 1, "{target}": 2}}',
         Tsv(Path("opus/de-en.tsv.gz"), {"de": 1, "en": 2})),
        ("moses_zip", ["de-en.txt.zip"], '"opus/{source}-{target}.txt.zip"',
         MosesZip(Path("opus/de-en.txt.zip"), ("de", "en"))),
        ("tmx", ["de-en.tmx"], '"opus/{source}-{target}.tmx"', Tmx(Path("opus/de-en.tmx"), ("de", "en"))),
        ("parquet", ["de-en.parquet"], '{path: "opus/{source}-{target}.parquet", columns: "translation.{language}"}',
         Parquet(Path("opus/de-en.parquet"), {"de": "translation.de", "en": "translation.en"})),
    ],
)  # fmt: skip
def test_pairs_for_readers_of_any_kind(
    tmp_path: Path, reader: str, files: list[str], train: str, expected: Source
) -> None:
    opus(tmp_path, *files)
    text = re.sub("      t.*\n", "", PAIRS).replace("splits:", f"splits:\n      train: {train}")
    loaded = load_config(write(tmp_path, text.replace("plain_text", reader)))
    ((_, corpus),) = loaded.corpora
    assert corpus.sources("train", Path, 1) == [expected]


def test_pairs_that_there_were_before_files_came(tmp_path: Path) -> None:
    """What a store knows of a step is read again, and no more; a pair that had no training text held none out."""
    opus(tmp_path, *BOTH, "de-en/test.en", "de-en/test.de", "cs-de/test.cs", "cs-de/test.de")
    loaded = load_config(write(tmp_path, PAIRS))
    step = replace(loaded, lines={}, known=frozenset({("opus/de-en", "test"), ("opus/en-zh_Hans", "train")}))
    assert {corpus.name: corpus.split_names for _, corpus in step.corpora} == {
        "opus/de-en": ["test"], "opus/en-zh_Hans": ["train", "dev"]
    }  # fmt: skip
    assert step.where("corpora", 0) == f"{tmp_path}/config.yaml, as the store has it"


def test_a_pair_and_a_corpus_of_one_name(tmp_path: Path) -> None:
    opus(tmp_path, *BOTH)
    other = '  - {name: opus/de-en, reader: plain_text, splits: {train: {de: opus/x.de, en: opus/x.en}}}\n'
    text = re.sub("      test:.*\n", "", PAIRS)
    assert problems(tmp_path, text + other) == [
        "11: two corpora named 'opus/de-en' have a split 'train'; rename one"
    ]


def test_a_pair_may_have_several_sources(tmp_path: Path) -> None:
    opus(tmp_path, *BOTH, "more.de-en.de", "more.de-en.en")
    text = re.sub('train: (.*)', r'train: [\1, "opus/more.{source}-{target}.{language}"]', PAIRS)
    found = named(tmp_path, re.sub("      test:.*\n", "", text))
    assert [len(splits["train"]) for splits in found.values()] == [2, 1]


@pytest.mark.parametrize(
    ("files", "old", "new", "expected"),
    [
        ((), "", "", ["9: the pattern 'opus/{source}-{target}/train.{language}' matches no file; correct it"]),
        (("de-foo/train.de",), "", "", ["9: TMP/opus/de-foo/train.de: not the codes of two languages (read as ["]),
        (("de-en/train.de",), "", "", ["9: no file TMP/opus/de-en/train.en; correct the path"]),
        (("en-de/train.de", "en-de/train.en", "de-en/train.de", "de-en/train.en"), "", "",
         ["9: TMP/opus/de-en/train.de and TMP/opus/en-de/train.de are of the same languages; list one of"]),
        (BOTH, "pairs: all", "languages: [fr]\n    pairs: all",
         ["10: none of the 2 pairs that there are files of is of `languages`; correct them"]),
        (BOTH, "all", "[de-en, de-fr]", ["9: no file TMP/opus/de-fr/train.de", "9: no file TMP/opus/de-fr/train.fr"]),
        (BOTH, "all", "[de-en, en-de]", ["7: corpora.0.pairs: de-en and en-de are of the same languages; list one of"]),
        (BOTH, "{opus: {l", "{opus/de-en: {l",
         ["3: cleaning.corpora.opus/de-en: one of the pairs of 'opus'; name 'opus', which is all of them, or"]),
        (BOTH, "all", "[]", ["7: corpora.0.pairs: give all, those that there are files of, or a list as ["]),
        (BOTH, "all", "every", ["7: corpora.0.pairs: give all, those that there are files of, or a list as [de-en"]),
        (BOTH, "    pairs: all\n", "", ["7: corpora.0.splits: split 'train': a pattern with {source} or {target} in"]),
        (BOTH, "{source}-", "", ["8: corpora.0.splits: split 'train': `pairs` needs {source} and {target} in every"]),
        (BOTH, "all", "[de-en]\n    languages: [de]", ["5: corpora.0: `languages` chooses among `pairs: all`; a list"]),
    ],
)  # fmt: skip
def test_problems_of_pairs(tmp_path: Path, files: tuple[str, ...], old: str, new: str, expected: list[str]) -> None:
    opus(tmp_path, "lone/README", *files)
    text = re.sub("      test:.*\n", "", PAIRS)
    found = problems(tmp_path, text.replace(old, new) if old else text)
    assert len(found) == len(expected)
    for line, start in zip(found, expected, strict=True):
        assert line.startswith(start.replace("TMP", str(tmp_path))), line


@pytest.mark.parametrize("name", ["demo", "debug", "multi30k"])
def test_configurations_of_the_repository_load(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MULTI30K", str(tmp_path))
    for split in ("train.{}.gz", "val.{}", "test_2016_flickr.{}"):
        for language in ("en", "de", "fr"):
            (tmp_path / split.format(language)).touch()
    load_config(Path(__file__).parents[2] / "configs" / f"{name}.yaml")
