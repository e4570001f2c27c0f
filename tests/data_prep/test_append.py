"""`mtdeep prepare --append`: what a configuration has beside all that made a store joins it; nothing there changes."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from growing import MANUALS, MORE, NEWS, SETTINGS, TALKS, config, files, record, report, row, said, write

from data_prep.engine import libraries
from data_prep.engine.libraries import version
from data_prep.prepare import prepare
from data_prep.stages.leaks import TRAINED_ON
from data_prep.stages.select import LEFT_BY_LEAKS, REPEAT, SCORED
from mtdeep.corpus.blocks import blocks_of
from mtdeep.corpus.directions import Direction, available
from mtdeep.corpus.store import Store
from mtdeep.corpus.store_appender import StoreAppender
from mtdeep.errors import UserError

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
TELLING_STAGES = Path(__file__).with_name("telling_stages.py")


WIDER = TALKS.replace("[en, de]", "[en, fr, de]")


def test_a_corpus_with_a_new_language(folder: Path) -> None:
    """Old shards, model and ids stay; repeats and leaks leave the new corpus alone; manifest and report have both."""
    before, old, old_report = files(folder / "store"), Store(folder / "store"), report(Store(folder / "store"))
    grown = config(folder, TALKS, MANUALS, NEWS)
    with pytest.raises(UserError, match=r"it lacks split 'train' of corpus 'news'; give --append to add that"):
        prepare(grown, None)
    assert files(folder / "store") == before
    prepared = prepare(grown, None, append=True)
    store, after = prepared.store, files(folder / "store")
    store.verify()
    kept = {name for name in before if not name.startswith("report/")} - {"dict.txt", "manifest.json"}
    assert len(kept) == 2 and all(after[name] == before[name] for name in kept)
    assert after.keys() - kept == {
        "dict.txt", "manifest.json", "shards/000001.bin",
        *(f"report/1/{name}" for name in ("index.html", "report.json", "languages.png", "card.md")),
    }  # fmt: skip
    assert store.vocabulary.symbols() == [*old.vocabulary.symbols(), "__uk__"]
    assert store.manifest.corpora[: len(old.manifest.corpora)] == old.manifest.corpora
    # 5, 6 and 2001 are no repeats, as the store has them with German; the English of 1003 is scored; 3000 comes twice.
    account = record(store, "news", "train").provenance["account"]
    assert account["rows"] == {"read": 45, "kept": 43, "rejected": {LEFT_BY_LEAKS: 1, REPEAT: 1}}
    (step,) = store.manifest.provenance["appended"]
    assert list(step["inputs"]) == ["news/train/0", "news/train/1"]
    assert step["in_training_text"] == {"talks, dev": {"en": {"exact": 1}}}
    assert prepared.added is not None and prepared.added["uk"].unknown == 2 * 43  # the letters that no piece is for
    found = report(store)
    assert found["splits"][: len(old_report["splits"])] == old_report["splits"]
    assert found["totals"]["rows"] == sum(one.rows for one in store.manifest.corpora)
    assert found["vocabulary"]["languages"]["uk"]["unknown"] == 86
    assert {file["input"] for file in found["card"]["files"]} > {"talks/train/0", "news/train/1"}
    assert prepare(grown, None).already and prepare(grown, None, append=True).already
    assert files(folder / "store") == after
    assert [path.name for path in folder.glob(".*")] == []
    with pytest.raises(UserError, match="corpus 'news' is there no more; give --overwrite"):
        prepare(config(folder, TALKS, MANUALS), None, append=True)
    grown = config(folder, TALKS, MANUALS, NEWS)
    at_once = prepare(grown, None, overwrite=True).store  # of the same content, but with a vocabulary of all text
    assert "Ж" in "".join(at_once.vocabulary.pieces) and "appended" not in at_once.manifest.provenance


def test_repeats_of_what_the_store_has(folder: Path) -> None:
    """Whatever the direction and wherever the corpus is named; a row of three languages is no repeat of a pair."""
    for code in ("de", "en"):
        write(folder, "more", code, [row(i) for i in (5, 2001, 2002, 4000)])
    added = MORE.replace(", fr: more.fr", "")
    store = prepare(config(folder, added, TALKS, MANUALS), None, append=True).store
    assert record(store, "more", "train").provenance["account"]["rows"]["rejected"] == {REPEAT: 3}
    assert record(store, "talks", "train").rows + record(store, "manuals", "train").rows == sum(
        one.rows for one in Store(folder / "store").corpora("train")) - 1  # fmt: skip


def test_a_language_joins_an_n_way_corpus(folder: Path) -> None:
    """Every row that was there gets its sentence, in training, in what was held out of it, and in what is scored."""
    before, old = files(folder / "store"), Store(folder / "store")
    wide = config(folder, WIDER, MANUALS)
    with pytest.raises(UserError, match=r"it lacks further languages of split 'dev' of corpus 'talks', further lang"):
        prepare(wide, None)
    store = prepare(wide, None, append=True).store
    store.verify()
    assert {name: files(store.path)[name] for name in before if "shards" in name} == {
        name: digest for name, digest in before.items() if "shards" in name
    }
    assert store.languages == ("en", "de", "fr") and "__fr__" in store.vocabulary.symbols()
    for split in ("dev", "test"):
        (corpus,), (was,) = store.corpora(split), old.corpora(split)
        assert corpus.languages == ("en", "de", "fr")
        for number in range(corpus.rows):
            texts = {code: corpus.text(code, number) for code in corpus.languages}
            (english,) = {said_back(code, text) for code, text in texts.items() if text}
            assert texts["fr"] == (said("fr", english) if has("fr", english) else "")
            assert (texts["en"], texts["de"]) == (was.text("en", number), was.text("de", number))
    subwords = store.subwords()
    talks = store.corpora("train")[0]
    there = 0
    for number in range(talks.rows):
        ids = [talks.sentence(code, number) for code in ("en", "fr")]
        if all(map(len, ids)):
            there += 1
            english, french = (subwords.decode(sentence).split()[-1] for sentence in ids)
            assert english == french
    assert there == talks.count("en", "fr") > 150
    assert available(store, "train")[Direction("fr", "de")] == talks.count("fr", "de")
    assert prepare(wide, None).already


def said_back(language: str, text: str) -> str:
    return {"en": text, "de": text[::-1], "fr": text.replace("é", "E").swapcase()}[language]


def has(language: str, english: str) -> bool:
    """Tell whether the file of a language has a row: all of dev is there."""
    number = int(english.split()[-1])
    return number >= 1000 or (number + ord(language[0])) % 11 > 0


def test_what_became_of_the_sentences_of_a_new_language(folder: Path) -> None:
    """Read = kept + rejected, in the manifest and in the report; what is scored in it leaves training."""
    french = (folder / "talks.fr").read_text(encoding="utf-8").splitlines()
    french[3] = said("fr", row(1001))  # which dev has in French
    french[4] = ""
    french[7] = french[8]  # twice, in rows that differ
    french[9] = "\0"
    (folder / "talks.fr").write_text("".join(f"{line}\n" for line in french), encoding="utf-8")
    store = prepare(config(folder, WIDER, MANUALS), None, append=True).store
    train = record(store, "talks", "train")
    (step,) = train.provenance["appended"]
    tally = step["account"]["languages"]["fr"]
    column = next(column for column in train.columns if column.language == "fr")
    assert tally["read"] == sum(map(bool, french)) == tally["kept"] + sum(tally["rejected"].values())
    assert tally["kept"] == column.sentences and tally["rejected"][SCORED] == tally["rejected"]["NUL character"] == 1
    test = record(store, "talks", "test")
    (held,) = (one.sentences for one in test.columns if one.language == "fr" and one.kind == "tokens")
    assert tally["rejected"]["held out for test"] == held
    section = next(one for one in report(store)["splits"] if (one["corpus"], one["split"]) == ("talks", "train"))
    assert {key: section["languages"]["fr"][key] for key in tally} == tally
    assert section["languages"]["fr"]["tokens"] == column.units
    assert section["directions"] == 6
    assert list(section["languages"]) == ["en", "de", "fr"]
    assert section["steps"]["NUL character"] == "reading"
    assert [source["rejected_texts"] for source in section["sources"]] == [{"fr": {"NUL character": 1}}]
    (sample,) = section["samples"][SCORED]["fr"]
    assert (sample["row"], sample["beside"]) == (3, {"talks, dev": said("fr", row(1001))})


def test_rows_that_are_others_with_a_new_language(folder: Path) -> None:
    """Of a pair a damaged line costs the row, of three languages a sentence: the rows are others."""
    for code in ("en", "de"):
        path = folder / f"talks.{code}"
        path.write_bytes(b"\xff\n" + path.read_bytes() if code == "en" else b"allein\n" + path.read_bytes())
    (folder / "talks.fr").write_bytes(b"\n" + (folder / "talks.fr").read_bytes())
    prepare(config(folder, TALKS, MANUALS), None, overwrite=True)
    before = files(folder / "store")
    with pytest.raises(UserError, match=r"config.yaml:5: corpus 'talks' cannot get languages: row 1 has another sent"):
        prepare(config(folder, WIDER, MANUALS), None, append=True)
    assert files(folder / "store") == before


def test_what_is_to_be_scored_must_not_stand_in_the_store(folder: Path) -> None:
    before = files(folder / "store")
    scored = NEWS + "      valid: {en: more.en, de: more.de}\n"  # whose first row is one of the manuals
    says = r"config.yaml:15: sentences of split 'valid' of corpus 'news' stand in the training text that the store has "
    with pytest.raises(UserError, match=says + r"\(1 of en, 1 of de\); take them out of it, or give --overwrite"):
        prepare(config(folder, TALKS, MANUALS, scored), None, append=True)
    assert files(folder / "store") == before
    assert (folder / ".store.mtdeep-work").is_dir()  # for the next run
    for code in ("en", "de"):
        write(folder, "more", code, [row(i) for i in range(4000, 4010)])
    write(folder, "news", "en", [row(i) for i in (4003, *range(3000, 3044))])
    store = prepare(config(folder, TALKS, MANUALS, scored), None, append=True).store
    store.verify()
    assert record(store, "news", "valid").rows == 10
    assert record(store, "news", "train").provenance["account"]["rows"]["rejected"][LEFT_BY_LEAKS] == 1


def test_or_is_merely_counted(folder: Path) -> None:
    settings = SETTINGS.replace("corpora:", "leakage: report\ncorpora:")
    prepare(config(folder, TALKS, MANUALS, settings=settings), None, overwrite=True)
    scored = NEWS + "      valid: {en: more.en, de: more.de}\n"
    store = prepare(config(folder, TALKS, MANUALS, scored, settings=settings), None, append=True).store
    found = store.manifest.provenance["appended"][0]["in_training_text"]
    assert found["news, valid"] == {"de": {"exact": 1}, "en": {"exact": 2}}  # of the manuals, and of the news
    assert report(store)["leakage"]["in_training_text"] == found


STEPS = ((TALKS, MANUALS), (TALKS, MANUALS, NEWS), (WIDER, MANUALS, NEWS, MORE))


def test_step_by_step(folder: Path) -> None:
    """The same bytes wherever the work of earlier steps is: in its folder, or to be done again."""
    kept = folder / "kept"
    shutil.copytree(folder, kept, ignore=shutil.ignore_patterns("store", "kept"))
    with_work = SETTINGS.replace("store: store", "store: store\nwork: work")
    for number, corpora in enumerate(STEPS):
        prepare(config(kept, *corpora, settings=with_work), None, append=True)
        if number:
            prepare(config(folder, *corpora), None, append=True).store.verify()
    assert files(kept / "store") == files(folder / "store")
    store = Store(folder / "store")
    assert len(store.manifest.provenance["appended"]) == 2
    # The pairs of more that the manuals have stay, with French beside them; and now a pair of French and English that
    # the talks have got is a repeat.
    assert record(store, "more", "train").rows == 21
    pair = MORE.replace("more", "pair").replace("de: pair.de, ", "")
    for code in ("en", "fr"):
        write(folder, "pair", code, [row(i) for i in (5, 7000)])
    store = prepare(config(folder, *STEPS[-1], pair), None, append=True).store
    assert record(store, "pair", "train").provenance["account"]["rows"]["rejected"] == {REPEAT: 1}


OPUS = """\
  - name: opus
    reader: plain_text
    pairs: all
    splits: {train: "opus/{source}-{target}.{language}"}
    holdout: {valid: 5}
"""


def test_pairs_of_which_files_come_later(folder: Path) -> None:
    """What the store knows of `pairs: all` are the pairs that it has, though the files of others lie beside."""
    def pair(source: str, target: str, rows: range) -> None:
        (folder / "opus").mkdir(exist_ok=True)
        for language in (source, target):
            write(folder, f"opus/{source}-{target}", language, [row(i) for i in rows])

    pair("de", "en", range(5000, 5030))
    prepare(config(folder, TALKS, OPUS), None, overwrite=True)
    pair("en", "uk", range(3000, 3040))  # which the news have too
    store = prepare(config(folder, TALKS, NEWS, OPUS), None, append=True).store
    store.verify()
    assert record(store, "opus/en-uk", "valid").rows == 5
    accounts = [record(store, name, "train").provenance["account"]["rows"] for name in ("opus/de-en", "opus/en-uk")]
    assert [one["kept"] for one in accounts] == [25, 0] and accounts[1]["rejected"][REPEAT] == 35
    listed = OPUS.replace("all", "[de-en, en-uk]")
    more_memory = SETTINGS.replace("corpora:", "deduplication: {memory: 1GB}\ncorpora:")
    assert prepare(config(folder, TALKS, NEWS, listed, settings=more_memory), None).already
    pair("de", "fr", range(6000, 6030))
    grown = config(folder, TALKS, NEWS, OPUS)
    store = prepare(grown, None, append=True).store
    assert [list(step["inputs"]) for step in store.manifest.provenance["appended"]] == [
        ["news/train/0", "news/train/1", "opus/en-uk/train/0", "opus/en-uk/train/1"],
        ["opus/de-fr/train/0", "opus/de-fr/train/1"],
    ]
    assert prepare(grown, None).already
    for path in folder.glob("opus/de-fr.*"):
        path.unlink()
    with pytest.raises(UserError, match=r"opus/de-fr/train/0 \(de-fr.de\) is there no more; give --overwrite"):
        prepare(grown, None)


def command(config: Path, *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(TELLING_STAGES), "prepare", str(config), *options],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, start_new_session=True,
    )  # fmt: skip


def test_the_command_by_any_number_of_workers_killed_or_not(folder: Path) -> None:
    one = folder / "one"
    shutil.copytree(folder, one, ignore=shutil.ignore_patterns("one"))
    before = Store(folder / "store").digest
    prepare(config(one, WIDER, MANUALS, NEWS), None, append=True)
    grown = config(folder, WIDER, MANUALS, NEWS)
    refused = command(grown)
    assert "give --append to add that" in refused.communicate(timeout=60)[1] and refused.returncode == 2
    for stage in ("join new languages", "append to the store", "write the report"):
        run = command(grown, "--append", "--workers", "2")
        assert run.stderr is not None
        while f"] {stage}" not in (line := run.stderr.readline()):
            assert line, "ended before it was killed"
        os.killpg(run.pid, signal.SIGKILL)
        run.communicate()
        assert Store(folder / "store").digest == before
        Store(folder / "store").verify()
    last = command(grown, "--append", "--workers", "4")
    printed, said = last.communicate(timeout=120)
    assert last.returncode == 0, said
    assert f"appended to: {folder}/store (4 languages" in printed
    assert "added, uk: 43 sentences, " in printed and f"report: {folder}/store/report/1/index.html" in printed
    assert files(folder / "store") == files(one / "store")


def test_what_is_scored_alone(folder: Path) -> None:
    """A split more of a corpus that is there, and a corpus that is only scored; training text stays as it was."""
    for language in ("en", "de", "fr"):
        write(folder, "extra", language, [row(i) for i in range(6000, 6010)])
    talks = TALKS.replace("      dev:", '      dev2: "extra.{language}"\n      dev:')
    scored = "  - {name: extra, reader: plain_text, splits: {valid: {de: extra.de, fr: extra.fr}}}\n"
    before = Store(folder / "store").manifest.corpora
    store = prepare(config(folder, talks, MANUALS, scored), None, append=True).store
    store.verify()
    assert store.manifest.corpora[: len(before)] == before
    added = [(one.name, one.split, one.rows) for one in store.manifest.corpora[len(before) :]]
    assert added == [("talks", "dev2", 10), ("extra", "valid", 10)]
    assert store.corpora("valid")[0].text("fr", 1) == said("fr", row(6001))


def test_stores_that_cannot_grow(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    grown = config(folder, TALKS, MANUALS, NEWS)
    with monkeypatch.context() as other:
        other.setattr(libraries, "version", lambda library: "9.9" if library == "rensa" else version(library))
        with pytest.raises(UserError, match=r"settings: rensa was [\d.]+ and is 9.9; give --overwrite"):
            prepare(grown, None, append=True)
    write(folder, "manual", "de", ["another"] * 50)
    with pytest.raises(UserError, match=r"settings: manuals/train/1 \(manual.de\) has other bytes; give --overwrite"):
        prepare(grown, None, append=True)
    write(folder, "manual", "de", [row(i) for i in range(2000, 2050)])
    with StoreAppender(folder / "store") as appender:
        appender.add_corpus("strange", "train", {"en": blocks_of([np.array([5, 6])])}, provenance={})
        appender.finish({})
    with pytest.raises(UserError, match="settings: something else than `mtdeep prepare` has appended to it; give --ov"):
        prepare(grown, None, append=True)
    assert prepare(config(folder, TALKS, MANUALS), None).already


def test_a_work_folder_is_not_needed_nor_is_it_left(folder: Path) -> None:
    prepare(config(folder, TALKS, MANUALS, NEWS), None, append=True)
    assert sorted(path.name for path in folder.iterdir() if path.name.startswith((".", "store"))) == ["store"]


def test_overwriting_and_appending_exclude_one_another(folder: Path) -> None:
    with pytest.raises(UserError, match="exclude one another"):
        prepare(config(folder, TALKS, MANUALS), None, overwrite=True, append=True)


def test_without_a_store_one_is_made(tmp_path: Path, made: Path) -> None:
    shutil.copytree(made, tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("store"))
    prepared = prepare(config(tmp_path, TALKS, MANUALS), None, append=True)
    assert files(prepared.store.path) == files(made / "store") and prepared.added is None


def test_held_out_rows_that_the_store_trains_on(folder: Path) -> None:
    """They are not scored, nor trained on: which rows are held out is chosen by their hashes."""
    rows = [*range(2000, 2030), *range(3000, 3030)]  # the first half are the manuals'
    for language in ("en", "uk"):
        write(folder, "news", language, [row(i) for i in rows])
    store = prepare(config(folder, TALKS, MANUALS, NEWS + "    holdout: {valid: 20}\n"), None, append=True).store
    store.verify()
    valid, train = record(store, "news", "valid"), record(store, "news", "train")
    rows_of_valid = valid.provenance["account"]["rows"]
    lost = rows_of_valid["rejected"][TRAINED_ON]
    assert rows_of_valid == {"read": 20, "kept": 20 - lost, "rejected": {TRAINED_ON: lost}} and 0 < lost < 20
    (corpus,) = store.corpora("valid")
    numbers = {int(corpus.text("en", number).split()[-1]) for number in range(corpus.rows)}
    assert len(numbers) == 20 - lost and numbers <= set(range(3000, 3030))
    assert train.rows == 40
    section = next(one for one in report(store)["splits"] if (one["corpus"], one["split"]) == ("news", "valid"))
    assert section["steps"] == {TRAINED_ON: "leakage"}
    assert section["languages"]["uk"]["rejected"] == {TRAINED_ON: lost}
