"""Planted leaks are found, in bare text and in a store's pieces alike, and nothing else is."""

from __future__ import annotations

import gzip
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import data_prep.leak_check.check as check_module
from data_prep.engine.pool import Pool
from data_prep.leak_check.check import LeakCheck
from data_prep.leak_check.report import Report
from data_prep.leak_check.sources import Corpus, corpora_of, scored_splits
from mtdeep.corpus.store import Store
from mtdeep.corpus.store_writer import StoreWriter
from mtdeep.errors import UserError
from mtdeep.progress import ProgressReport

FOUND = {
    "en": {"sentences": 6, "exact": 2, "short": 1, "near": 2, "news": {"exact": 2, "near": 2}},
    "de": {"sentences": 5, "exact": 1, "short": 0, "near": 0, "news": {"exact": 1, "near": 0},
           "web": {"exact": 1, "near": 0}},
    "fr": {"sentences": 5, "exact": 0, "short": 0, "near": 0},
}  # fmt: skip


def checker(work: Path, **options: Any) -> LeakCheck:
    progress = ProgressReport()
    return LeakCheck(Pool(work, lambda: ThreadPoolExecutor(1), progress), progress, **options)


def written(files: Path, name: str, *languages: str) -> Corpus:
    inside = ", ".join(f"{language}: {files / name}.{language}" for language in languages)
    return corpora_of("--test", [f"{{name: {name}, files: {{{inside}}}}}"], [])[0]


def training(files: Path) -> list[Corpus]:
    return [written(files, "news", "en", "de"), written(files, "web", "de", "fr")]


def counts(report: Report, test: str) -> dict[str, dict[str, Any]]:
    return {
        language: {name: getattr(one, name) for name in ("sentences", "exact", "short", "near")} | {**one.training}
        for language, one in report.tests[test].items()
    }


@pytest.fixture(scope="module")
def of_text(files: Path, tmp_path_factory: pytest.TempPathFactory) -> Report:
    tests = [written(files, "test", "en", "de", "fr"), written(files, "clean", "en", "de")]
    return checker(tmp_path_factory.mktemp("work")).of_corpora(training(files), tests)


@pytest.fixture(scope="module")
def of_store(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Report:
    return checker(tmp_path_factory.mktemp("work")).of_store(store, scored_splits(store))


def test_bare_text(of_text: Report) -> None:
    assert counts(of_text, "test") == FOUND
    assert of_text.leaks == 5
    assert all(one.exact + one.near == 0 for one in of_text.tests["clean"].values())


def test_the_rows_that_were_found_are_named(of_text: Report, of_store: Report) -> None:
    """What a test set may be scored without."""
    for report, test in ((of_text, "test"), (of_store, "flores/test")):
        rows = {language: one.rows for language, one in report.tests[test].items()}
        assert rows == {"en": [0, 1, 2, 5], "de": [3], "fr": []}


def test_a_store_gives_the_same_from_its_pieces(of_store: Report) -> None:
    assert counts(of_store, "flores/test") == FOUND
    assert of_store.leaks == 5
    assert all(one.exact + one.near == one.unchecked == 0 for one in of_store.tests["clean/valid"].values())


def test_given_test_sets_replace_the_stores_own(store: Store, files: Path, tmp_path: Path) -> None:
    report = checker(tmp_path).of_store(store, [written(files, "test", "en", "de", "fr")])
    assert counts(report, "test") == FOUND and [*report.tests] == ["test"]


def test_samples_show_both_sides_and_where(of_text: Report, of_store: Report, planted) -> None:  # type: ignore[no-untyped-def]
    for report, test in ((of_text, "test"), (of_store, "flores/test")):
        samples = report.tests[test]["en"].samples
        assert [(sample.kind, sample.row, sample.test) for sample in samples] == [
            ("exact", 3, planted.test["en"][0]),
            ("exact", 9, "Short."),
            ("near", 7, planted.test["en"][1]),
            ("near", 8, planted.test["en"][2]),
        ]
        assert [sample.similarity for sample in samples[:3]] == [1, 1, 1] and 0.8 <= samples[3].similarity < 1
        assert {sample.corpus for sample in samples} == {"news"}
    assert of_text.tests["test"]["en"].samples[3].training == planted.news["en"][8]
    assert of_store.tests["flores/test"]["en"].samples[3].training == planted.news["en"][8]


def test_the_training_text_is_counted(of_text: Report, of_store: Report) -> None:
    for report in (of_text, of_store):
        assert report.training.counts["news"]["en"] == {"sentences": 40, "unchecked": 0, "exact": 2, "near": 2}
        assert report.training.counts["web"] == {
            "de": {"sentences": 40, "unchecked": 0, "exact": 1, "near": 0},
            "fr": {"sentences": 40, "unchecked": 0, "exact": 0, "near": 0},
        }


def test_exact_alone(files: Path, tmp_path: Path) -> None:
    report = checker(tmp_path, near=False, samples=1).of_corpora(training(files), [written(files, "test", "en")])
    found = report.tests["test"]["en"]
    assert (found.exact, found.short, found.near, len(found.samples)) == (2, 1, 0, 1)
    assert report.document()["near"] is None


def test_smaller_chunks_give_the_same(
    store: Store, of_store: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check_module, "ROWS", 7)
    assert checker(tmp_path).of_store(store, scored_splits(store)).document() == of_store.document()


def test_a_sentence_in_two_sets_counts_in_both(files: Path, tmp_path: Path) -> None:
    twice = [written(files, "test", "en"), corpora_of("--test", [f"{{name: again, en: {files}/test.en}}"], [])[0]]
    report = checker(tmp_path).of_corpora(training(files), twice)
    assert counts(report, "test") == counts(report, "again") == {"en": FOUND["en"]}


def test_unknown_tokens_are_said(planted, train_subwords, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """A long sentence with letters that the vocabulary lacks is found as near; a short one cannot be searched for."""
    lines = planted.news["en"]
    subwords, model = train_subwords(lines, ("en",), 40)
    rows = [*lines, lines[0] + " \u0416", "\u0416."]
    with StoreWriter(tmp_path / "store", subwords.vocabulary, model) as writer:
        writer.add_corpus("news", "train", {"en": [subwords.encode_block(rows)]}, text=None, provenance={})
        writer.finish({})
    (tmp_path / "a.en").write_text(f"{rows[-2]}\n\u0411.\n")
    tests = corpora_of("--test", [f"{{name: a, en: {tmp_path}/a.en}}"], [])
    report = checker(tmp_path / "work").of_store(Store(tmp_path / "store"), tests)
    found = report.tests["a"]["en"]
    assert (found.sentences, found.unchecked, found.exact, found.near) == (2, 1, 0, 1)
    assert report.training.counts["news"]["en"] == {"sentences": 42, "unchecked": 1, "exact": 0, "near": 2}


def test_languages_that_training_lacks_are_said(files: Path, tmp_path: Path) -> None:
    report = checker(tmp_path).of_corpora(training(files)[1:], [written(files, "test", "en", "de")])
    assert [report.tests["test"][language].searched for language in ("en", "de")] == [0, 40]
    with pytest.raises(UserError, match="share no language"):
        checker(tmp_path).of_corpora(training(files)[1:], [written(files, "test", "en")])


def test_the_report_as_json(of_text: Report, tmp_path: Path) -> None:
    of_text.write(tmp_path / "report.json")
    document = json.loads((tmp_path / "report.json").read_text())
    assert document["leaks"] == 5 and document["near"]["similarity"] == 0.8
    english = document["tests"]["test"]["languages"]["en"]
    assert (english["sentences"], english["exact"], english["near"]) == (6, 2, 2)
    assert english["training"] == {"news": {"exact": 2, "near": 2}}
    assert set(english["samples"][0]) == {"kind", "similarity", "corpus", "language", "row", "training", "test"}
    with pytest.raises(UserError, match="cannot be written"):
        of_text.write(tmp_path / "no" / "report.json")


def test_rows_that_cannot_be_read_are_counted(files: Path, tmp_path: Path) -> None:
    for name, content in (("bad.en", b"fine\n\xff\n"), ("bad.de", b"gut\nauch\n")):
        (tmp_path / name).write_bytes(content)
    report = checker(tmp_path / "work").of_corpora(
        [written(tmp_path, "bad", "en", "de")], [written(files, "test", "en", "de")]
    )
    assert report.training.rejected == {"bad": {"invalid UTF-8": 1}}
    assert report.document()["training"]["bad"]["rejected"] == {"invalid UTF-8": 1}
    assert report.training.counts["bad"]["en"]["sentences"] == 1


def test_so_are_texts_of_one_language_of_three(files: Path, tmp_path: Path) -> None:
    for name, content in (("bad.en", b"fine\n\xff\n"), ("bad.de", b"gut\nauch\n"), ("bad.fr", b"bien\naussi\n")):
        (tmp_path / name).write_bytes(content)
    bad = written(tmp_path, "bad", "en", "de", "fr")
    report = checker(tmp_path / "work").of_corpora([bad], [written(files, "test", "en", "de")])
    assert report.training.rejected == {"bad": {"invalid UTF-8 (en)": 1}}


@pytest.mark.parametrize(
    ("english", "says"),
    [
        (b"one\ntwo\n", "bad.de:2: no counterpart for this line|bad.en:2: no counterpart for this line"),
        (b"", "bad.en:1: the file is empty"),
        (gzip.compress(b"one\n", mtime=0)[:-4], "bad.en:1: not a whole gzip file"),
        ("one\n".encode("utf-16"), "UTF-16"),
    ],
)
def test_damaged_input_is_a_sentence(files: Path, tmp_path: Path, english: bytes, says: str) -> None:
    (tmp_path / "bad.en").write_bytes(english)
    (tmp_path / "bad.de").write_text("eins\n")
    bad = [written(tmp_path, "bad", "en", "de")]
    for train, tests in ((bad, [written(files, "test", "en")]), (training(files), bad)):
        with pytest.raises(UserError, match=says):
            checker(tmp_path / "work").of_corpora(train, tests)


def test_a_file_in_which_nothing_is_is_a_sentence(files: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.en").write_bytes(b"")
    bad = [written(tmp_path, "bad", "en")]
    for train, tests in ((bad, [written(files, "test", "en")]), (training(files), bad)):
        with pytest.raises(UserError, match=r"bad\.en: the file is empty; give a file with one sentence a line"):
            checker(tmp_path / "work").of_corpora(train, tests)


def test_training_text_of_which_no_row_can_be_read(files: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.en").write_bytes(b"\xff\n")
    report = checker(tmp_path / "work").of_corpora([written(tmp_path, "bad", "en")], [written(files, "test", "en")])
    assert report.training.rejected == {"bad": {"invalid UTF-8": 1}}


def test_regions_are_searched_together(files: Path, planted: Any, write_store: Any, tmp_path: Path) -> None:
    """A memory in en-US and de-AT, bare or in a store, hides nothing of a test set in en and de."""
    columns = {"en-US": planted.news["en"], "de-AT": planted.news["de"]}
    given = f"{{name: memory, files: {{en-US: {files}/news.en, de-AT: {files}/news.de}}}}"
    tests = [written(files, "test", "en", "de", "fr")]
    bare = checker(tmp_path / "bare").of_corpora(corpora_of("--train", [given], []), tests)
    made = write_store(tmp_path / "store", tuple(columns), {("memory", "train"): columns}, 60)
    for report in (bare, checker(tmp_path / "stored").of_store(made, tests)):
        found = report.tests["test"]
        assert {code: (one.exact, one.near, one.searched) for code, one in found.items()} == {
            "en": (2, 2, 40), "de": (1, 0, 40), "fr": (0, 0, 0),
        }  # fmt: skip
        assert [(tuple(one.codes), one.training) for one in found.values()][:2] == [
            (("en-US",), {"memory": {"exact": 2, "near": 2}}),
            (("de-AT",), {"memory": {"exact": 1, "near": 0}}),
        ]
        assert {sample.language for sample in found["en"].samples} == {"en-US"}


def test_a_test_set_in_two_codes_of_one_language(files: Path, tmp_path: Path) -> None:
    """Each has its own count, of what training text has under any code."""
    (tmp_path / "b.en-GB").write_text("\n\n" + (files / "clean.en").read_text())
    given = f"{{name: both, files: {{en: {files}/test.en, en-GB: {tmp_path}/b.en-GB}}}}"
    report = checker(tmp_path).of_corpora(training(files), corpora_of("--test", [given], []))
    assert {code: (one.sentences, one.exact + one.near) for code, one in report.tests["both"].items()} == {
        "en": (6, 4), "en-GB": (4, 0),
    }  # fmt: skip


UZBEK = [f"{word} одамлар эркин ва ҳуқуқларда тенг бўлиб туғиладилар" for word in (
    "барча", "янги", "эски", "катта", "кичик", "ёш", "қари", "яхши", "гўзал", "оддий",
)]  # fmt: skip


def test_what_is_in_another_script_of_a_code_without_one(write_store: Any, tmp_path: Path) -> None:
    """Ten sentences of a set in uz-Cyrl stand in training text in uz, which may be in all Uzbek scripts."""
    english = [f"row {number}" for number in range(10)]
    (tmp_path / "t.en").write_text("".join(f"other {line}\n" for line in english))
    (tmp_path / "t.uz-Cyrl").write_text("".join(f"{line}\n" for line in UZBEK))
    corpora = {("web", "train"): {"en": english, "uz": UZBEK}}
    store = write_store(tmp_path / "store", ("en", "uz"), corpora, 54)
    report = checker(tmp_path / "work").of_store(store, [written(tmp_path, "t", "en", "uz-Cyrl")])
    found = report.tests["t"]["uz-Cyrl"]
    assert (found.exact, found.codes, found.training) == (10, ("uz",), {"web": {"exact": 10, "near": 0}})


def test_a_store_has_the_codes_of_its_time(write_store: Any, tmp_path: Path) -> None:
    """`no_NO` was no-NO when it was made, and is nb-NO today."""
    lines = {"en": ["one", "two"], "no-NO": ["en hund og en katt", "to hunder"]}
    store = write_store(tmp_path / "store", tuple(lines), {("a", "train"): lines, ("a", "test"): lines}, 20)
    (tmp_path / "t.nb").write_text("to hunder\n")
    for tests in (
        corpora_of("--test", [f"{{name: t, files: {{no-NO: {tmp_path}/t.nb}}}}"], ["no-NO"]),
        scored_splits(store, ["no_NO"]),
        scored_splits(store, ["nb-NO"]),
    ):
        report = checker(tmp_path / "work").of_store(store, tests)
        ((language, found),) = next(iter(report.tests.values())).items()
        assert (language in {"nb-NO", "no-NO"}, found.exact, found.codes) == (True, found.sentences, ("no-NO",))
