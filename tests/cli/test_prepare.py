"""`mtdeep prepare` as a user runs it: results on standard output, one sentence and exit code 2 for bad input."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mtdeep.corpus.directions import available
from mtdeep.corpus.store import Store

ROOT = Path(__file__).parents[2]
CONFIG = """\
store: out/store
vocabulary: {size: 36, character_coverage: 1.0}
corpora:
  - name: news
    reader: plain_text
    languages: [en, de]
    splits:
      train: train.{language}
      test: test.{language}
"""


def run(config: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mtdeep.cli.main", "prepare", str(config), *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture
def config(tmp_path: Path) -> Path:
    english = [f"the {a} sees the {b}" for a in ("dog", "cat", "cow", "hen") for b in ("man", "boy", "girl", "owl")]
    german = [f"{a} sieht {b}" for a in ("Hund", "Katze", "Kuh", "Huhn") for b in ("Mann", "Bub", "Magd", "Uhu")]
    for split, rows in (("train", slice(0, 12)), ("test", slice(12, 16))):
        (tmp_path / f"{split}.en").write_text("\n".join(english[rows]) + "\n")
        (tmp_path / f"{split}.de").write_text("\n".join(german[rows]) + "\n")
    path = tmp_path / "news.yaml"
    path.write_text(CONFIG)
    return path


def test_prepare_then_again_then_overwrite(config: Path) -> None:
    first = run(config)
    assert first.returncode == 0, first.stderr
    assert "Rows: read = kept + rejected" in first.stdout
    assert f"prepared: {config.parent}/out/store (2 languages" in first.stdout
    page = config.parent / "out" / "store" / "report" / "index.html"
    assert f"report: {page}\n" in first.stdout and page.is_file()
    assert len(first.stderr.splitlines()) < 10  # progress, kept apart from results
    again = run(config)
    assert (again.returncode, "already prepared, nothing to do" in again.stdout) == (0, True)
    config.write_text(CONFIG.replace("size: 36", "size: 35"))
    refused = run(config)
    assert refused.returncode == 2
    assert "give --overwrite to replace it" in refused.stderr
    assert run(config, "--overwrite").returncode == 0


def test_what_deserves_a_look_is_printed_when_there_is_any(config: Path) -> None:
    assert "unknown" not in (printed := run(config).stdout)
    assert "warning" not in printed
    assert "normalisation" not in printed
    with (config.parent / "train.en").open("a", encoding="utf-8") as english:
        english.write("\u200b\nthe dog\n")
    with (config.parent / "train.de").open("a", encoding="utf-8") as german:
        german.write("nichts\nHund\n")
    with (config.parent / "test.en").open("a", encoding="utf-8") as english:
        english.write("the  dog\nthe Ж the Ж\n")
    with (config.parent / "test.de").open("a", encoding="utf-8") as german:
        german.write("Uhu\nЖ\n")
    result = run(config, "--overwrite")
    assert result.returncode == 0, result.stderr
    assert "1 nothing left after normalisation" in result.stdout
    scored = next(line for line in result.stdout.splitlines() if line.startswith("unknown tokens in the scored text: "))
    assert "2 of en (" in scored and "1 of de (" in scored
    assert "removed from training, sentences of news, test: 1 of en" in result.stdout
    assert "1 alone after what is scored has left" in result.stdout
    again = run(config).stdout
    assert "removed from training, sentences of news, test" in again
    config.write_text(config.read_text() + "leakage: report\n")
    assert "warning: in the training text, sentences of news, test: 1 of en" in run(config, "--overwrite").stdout


def test_sentences_that_are_lost_are_printed_by_reason(config: Path) -> None:
    config.write_text(CONFIG.replace("[en, de]", "[en, de, fr]").replace("size: 36", "size: 46"))
    for split, lines in (("train", 12), ("test", 4)):
        french = [f"phrase {i}" for i in range(lines - 1)] + ["\ufeff\u200b"]
        (config.parent / f"{split}.fr").write_text("\n".join(french) + "\n", encoding="utf-8")
    result = run(config)
    lost = [line for line in result.stdout.splitlines() if line.startswith("sentences lost, news, ")]
    assert len(lost) == 2, result.stderr
    assert all("1 nothing left after normalisation" in line for line in lost)


def test_a_sample_shows_what_the_rules_remove(config: Path) -> None:
    with (config.parent / "train.en").open("a", encoding="utf-8") as english:
        english.write("the <b><i></i></b><br/><br/><br/><br/>\n")
    with (config.parent / "train.de").open("a", encoding="utf-8") as german:
        german.write("das\n")
    result = run(config, "--sample", "100")
    assert result.returncode == 0, result.stderr
    assert "news: 13 rows read, 12 kept" in result.stdout
    assert "en, punctuation: too much: 1 of 13 sentences (7.69%)\n" in result.stdout
    assert not (config.parent / "out").exists()


def test_the_debug_recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MTDEEP_DEBUG", str(tmp_path))
    result = run(ROOT / "configs" / "debug.yaml")
    assert result.returncode == 0, result.stderr
    assert f"prepared: {tmp_path}/store (4 languages" in result.stdout
    store = Store(tmp_path / "store")
    store.verify()
    assert store.splits == ("train", "valid", "test")
    assert store.languages == ("en", "de", "ru", "ja")
    (train,), (test,) = store.corpora("train"), store.corpora("test")
    assert (train.rows, test.rows) == (600, 20)
    assert len(available(store, "test")) == 12
    subwords = store.subwords()
    texts = [test.text("en", row) for row in range(test.rows)]
    decoded = subwords.decode_batch(test.sentence("en", row) for row in range(test.rows))
    assert sum(a == b for a, b in zip(texts, decoded, strict=True)) > 10
    assert "already prepared" in run(ROOT / "configs" / "debug.yaml").stdout


def break_line_counts(folder: Path) -> None:
    with (folder / "train.de").open("a") as file:
        file.write("noch eine Zeile\n")


def misspelt_key(folder: Path) -> None:
    edit(folder, "size: 36", "sise: 36, size: 36")


def edit(folder: Path, old: str, new: str) -> None:
    assert old in CONFIG
    (folder / "news.yaml").write_text(CONFIG.replace(old, new))


@pytest.mark.parametrize(
    ("damage", "place", "says"),
    [
        (break_line_counts, "train.de:13", "has 12 lines; aligned files must"),
        (misspelt_key, "news.yaml:2", "unknown key 'sise' in vocabulary; did you mean 'size'?"),
    ],
)
def test_bad_input_is_one_sentence_with_file_and_line(config: Path, damage: object, place: str, says: str) -> None:
    """From a process of its own, and its workers; tests/data_prep/damaged has all that can be damaged."""
    folder = config.parent
    assert callable(damage)
    damage(folder)
    result = run(config)
    assert result.returncode == 2
    errors = [line for line in result.stderr.splitlines() if not line.startswith("[")]  # the rest is progress
    assert errors[0].startswith(f"error: {folder}/{place}: ")
    assert says in errors[0]
    out = folder / "out"
    assert not out.exists() or [path.name for path in out.iterdir()] == [".store.mtdeep-work"]
    half_done = [f"half-done work lies in {out / '.store.mtdeep-work'}: "] if out.exists() else []
    assert [line[: len(half_done[0])] for line in errors[1:]] == half_done
