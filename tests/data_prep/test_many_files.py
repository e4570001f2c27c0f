"""Patterns in a configuration: what is read, what is told with its line, and what a store makes of files that come."""

from __future__ import annotations

from pathlib import Path

import pytest

from data_prep.config_file import ConfigFile, load_config
from data_prep.prepare import prepare
from data_prep.summary import print_summary
from mtdeep.errors import UserError

PATTERNS = """\
store: store
vocabulary: {size: 20}
cleaning: {default: {language: false}}
corpora:
  - name: talks
    reader: plain_text
    languages: [en, de]
    splits:
      train: "part-*.{language}"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in (2, 1):
        for language in ("en", "de"):
            lines = [f"{language} {number} talk {word}" for word in ("alpha", "beta", "gamma", "delta")]
            (tmp_path / f"part-{number}.{language}").write_text("\n".join(lines) + "\n")
    return tmp_path


def config(folder: Path, text: str) -> Path:
    path = folder / "config.yaml"
    path.write_text(text)
    return path


def inputs(loaded: ConfigFile) -> list[tuple[str, str]]:
    return [(name, path.name) for _, name, path in loaded.files()]


def test_files_are_read_in_the_order_of_their_names(folder: Path) -> None:
    """What comes later is another input, and said to be; `--overwrite` reads it."""
    path = config(folder, PATTERNS)
    store = prepare(path, None).store
    assert store.corpora("train")[0].rows == 8
    read = [file["file"] for file in store.manifest.provenance["inputs"].values()]
    assert read == ["part-1.en", "part-1.de", "part-2.en", "part-2.de"]
    assert prepare(path, None).already
    for language in ("en", "de"):
        (folder / f"part-1b.{language}").write_text(f"{language} 1 talk omega\n")
    with pytest.raises(UserError, match=r"split 'train' of corpus 'talks' has got part-1b.en \(other .* --overwrite"):
        prepare(path, None, append=True)
    assert prepare(path, None, overwrite=True).store.corpora("train")[0].rows == 9


def test_all_languages_that_there_are_files_of(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "part-1.README").write_text("x\n")
    path = config(folder, PATTERNS.replace("[en, de]", "all").replace("part-*", "part-1"))
    made = prepare(path, None)
    assert made.store.languages == ("de", "en")
    print_summary(made)
    assert "part-1.README (README is no language's code)" in capsys.readouterr().out
    assert prepare(path, None).already
    (folder / "part-1.fr").write_text("fr talk alpha\n" * 4)
    with pytest.raises(UserError, match=r"split 'train' of corpus 'talks' has got part-1.fr"):
        prepare(path, None)


def test_patterns_of_pairs(folder: Path) -> None:
    """A code ends where its wildcard begins, never in the middle of its letters."""
    for name in ("eng-deu.v1.tsv", "eng-deu.v2.tsv", "cs-en.v1.tsv"):
        (folder / name).write_text("a\tb\n")
    pairs = """\
store: store
vocabulary: {size: 30}
corpora:
  - name: opus
    reader: tsv
    pairs: all
    splits: {train: {path: "{source}-{target}*.tsv", columns: {"{source}": 1, "{target}": 2}}}
"""
    assert inputs(load_config(config(folder, pairs))) == [
        ("opus/cs-en/train/0", "cs-en.v1.tsv"),
        ("opus/en-de/train/0", "eng-deu.v1.tsv"),
        ("opus/en-de/train/1", "eng-deu.v2.tsv"),
    ]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("part-*", "none-*", "config.yaml:9: no file matches FOLDER/none-*.en; correct the pattern"),
        (
            'train: "part-*.{language}"',
            'train: "part-*.{language}"\n      test: "part-1.{language}"',
            "config.yaml:9: FOLDER/part-1.en is read for split 'train' of 'talks' and for 'test' of 'talks'; narrow",
        ),
        (
            'train: "part-*.{language}"',
            'train: ["part-*.{language}", "part-2.{language}"]',
            "config.yaml:9: FOLDER/part-2.en is read twice for split 'train'; leave it out, or narrow the pattern",
        ),
        ("[en, de]", "[en, de, fr]", "config.yaml:9: no file matches FOLDER/part-*.fr; correct the pattern"),
        (
            '[en, de]\n    splits:\n      train: "',
            'all\n    pairs: all\n    splits:\n      train: "{source}-{target}/',
            "config.yaml:5: corpora.0: `pairs` have all languages that there are",
        ),
        (
            '[en, de]\n    splits:\n      train: "part-*.{language}"',
            "all\n    splits:\n      train: {en: part-1.en, de: part-1.de}",
            "config.yaml:8: corpora.0.splits: split 'train': `languages: all` needs a file for each language,",
        ),
        (
            'reader: plain_text\n    languages: [en, de]',
            "reader: tmx\n    languages: all",
            "config.yaml:8: corpora.0.splits: split 'train': `languages: all` needs a file for each language",
        ),
        ("languages: [en, de]", "languages: every", "config.yaml:7: corpora.0.languages: input should be a valid list"),
    ],
)
def test_what_is_wrong_is_a_sentence_with_its_line(folder: Path, old: str, new: str, says: str) -> None:
    with pytest.raises(UserError) as raised:
        load_config(config(folder, PATTERNS.replace(old, new)))
    assert str(raised.value).replace(f"{folder}/config", "config").replace(str(folder), "FOLDER").startswith(says)


def test_files_that_are_named_may_be_read_for_both(folder: Path) -> None:
    text = PATTERNS.replace('"part-*.{language}"', '"part-1.{language}"\n      test: "part-1.{language}"')
    assert len(inputs(load_config(config(folder, text)))) == 4
