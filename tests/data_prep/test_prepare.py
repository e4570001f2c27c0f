from __future__ import annotations

import gzip
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from data_prep import prepare as preparation
from data_prep.destination import place_for
from data_prep.prepare import Prepared
from data_prep.stages.clean import CLEANED, EMPTY, NOTHING_LEFT, ONE
from data_prep.stages.select import LEFT_BY_LEAKS, REPEAT, SCORED
from data_prep.summary import directions_of
from mtdeep.corpus.store import Store
from mtdeep.corpus.vocabulary import UNK
from mtdeep.errors import UserError

GENERATED = """\
store: {store}
seed: 5
vocabulary: {{size: 320, character_coverage: 1.0, normalization: identity}}
corpora:
  - name: phrases
    reader: cldr
    languages: [en, de, zh_CN]
    lines: {{train: {lines}, valid: 10, test: 10}}
    entities: 10
"""


def prepare(config: Path, *, overwrite: bool = False) -> Prepared:
    """Prepare in this process."""
    return preparation.prepare(config, None, overwrite=overwrite)


def generated(folder: Path, store: str = "store", lines: int = 150) -> Path:
    path = folder / f"{store}.yaml"
    path.write_text(GENERATED.format(store=store, lines=lines))
    return path


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.fixture(scope="module")
def prepared_before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a configuration and its store, to be copied."""
    folder = tmp_path_factory.mktemp("prepared")
    prepare(generated(folder))
    return folder


@pytest.fixture
def prepared_folder(prepared_before: Path, tmp_path: Path) -> Path:
    """A copy of it that a test may damage."""
    shutil.copytree(prepared_before, tmp_path, dirs_exist_ok=True)
    return tmp_path


def test_the_same_configuration_gives_the_same_bytes(tmp_path: Path) -> None:
    prepare(generated(tmp_path, "one"))
    prepare(generated(tmp_path, "two"))
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    assert not [name for name, content in contents(tmp_path / "one").items() if str(tmp_path).encode() in content]


def test_the_store_holds_what_was_generated(prepared_before: Path) -> None:
    store = Store(prepared_before / "store")
    store.verify()
    assert store.languages == ("en", "de", "zh-Hans")
    assert store.splits == ("train", "valid", "test")
    (test,) = store.corpora("test")
    assert directions_of(test) == 6
    subwords = store.subwords()
    known = 0
    for language in store.languages:
        for row in range(test.rows):
            ids = test.sentence(language, row)
            assert len(ids) > 0
            if UNK not in ids:
                known += 1
                assert subwords.decode(ids) == test.text(language, row)
    assert known > 20  # of 30; a held-out line may have a character that so small a training set lacks
    with pytest.raises(KeyError):
        store.corpora("train")[0].text("en", 0)


def test_prepared_already_and_overwriting(prepared_folder: Path) -> None:
    tmp_path, config = prepared_folder, prepared_folder / "store.yaml"
    before = contents(tmp_path)
    assert prepare(config).already
    assert contents(tmp_path) == before
    generated(tmp_path, lines=160)
    with pytest.raises(UserError, match=r"settings: `lines.train` of corpus 'phrases' was 150 and is 160; give --over"):
        prepare(config)
    assert not prepare(config, overwrite=True).already
    assert sorted(p.name for p in tmp_path.iterdir()) == ["store", "store.yaml"]
    assert prepare(config).store.corpora("train")[0].rows == 160


def test_a_place_that_is_no_store_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "thesis.txt").write_text("years of work")
    with pytest.raises(UserError, match="exists and is no store"):
        prepare(generated(tmp_path), overwrite=True)
    assert (tmp_path / "store" / "thesis.txt").read_text() == "years of work"


def test_a_manifest_of_something_else_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "manifest.json").write_text('{"name": "a browser extension", "format": 3}')
    with pytest.raises(UserError, match="exists and is no store"):
        prepare(generated(tmp_path), overwrite=True)


def truncate_shard(store: Path) -> None:
    os.truncate(store / "shards" / "000000.bin", 100)


def truncate_manifest(store: Path) -> None:
    os.truncate(store / "manifest.json", 300)


def other_version(store: Path) -> None:
    manifest = store / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"version": 1', '"version": 7', 1))


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (
            truncate_shard,
            r"store/shards/000000.bin: truncated, expected \d+ bytes and found 100; prepare the store again",
        ),
        (truncate_manifest, r"store/manifest.json: damaged, not JSON"),
        (
            other_version,
            r"store/manifest.json: store format version 7, this mtdeep reads version \d; prepare the store",
        ),
    ],
)
def test_a_store_that_cannot_be_read_is_named_for_what_it_is(
    prepared_folder: Path, damage: Callable[[Path], None], says: str
) -> None:
    config = prepared_folder / "store.yaml"
    damage(prepared_folder / "store")
    with pytest.raises(UserError, match=rf"{says}.* \(--overwrite prepares it again\)$"):
        prepare(config)
    prepare(config, overwrite=True).store.verify()


PLAIN = """\
store: store
vocabulary: {size: 32}
corpora:
  - name: talks
    reader: plain_text
    clean: false
    languages: [en, de, fr]
    splits: {train: "train.{language}.gz"}
    holdout: {valid: 5, test: 10}
  - name: manuals
    reader: plain_text
    clean: false
    splits:
      train: {en: manual.en, de: manual.de}
"""


def plain(folder: Path) -> Path:
    for language in ("en", "de", "fr"):
        lines = [f"{language} sentence number {i} of talk {i % 7}" if i % 10 else "" for i in range(200)]
        text = "".join(line + "\n" for line in lines).encode()
        (folder / f"train.{language}.gz").write_bytes(gzip.compress(text, mtime=0))
    (folder / "manual.en").write_text("press the red button\n\nlift the lid\n")
    (folder / "manual.de").write_text("roten Knopf drücken\nallein\nDeckel heben\n", encoding="utf-8")
    path = folder / "config.yaml"
    path.write_text(PLAIN)
    return path


def test_plain_text_accounts_for_every_row(tmp_path: Path) -> None:
    store = prepare(plain(tmp_path)).store
    assert store.splits == ("train", "valid", "test")
    rows = {(r.name, r.split): r.provenance["account"]["rows"] for r in store.manifest.corpora}
    assert rows["talks", "train"] == {
        "read": 200,
        "kept": 165,
        "rejected": {EMPTY: 20, "held out for valid": 5, "held out for test": 10},
    }
    assert store.corpora("train")[0].rows == 165
    assert rows["talks", "test"] == {"read": 10, "kept": 10, "rejected": {}}
    assert rows["manuals", "train"]["rejected"] == {ONE: 1}
    (test,) = store.corpora("test")
    assert test.rows == 10
    number = test.text("en", 0).split()[3]
    assert test.text("fr", 0).split()[3] == number
    inputs = store.manifest.provenance["inputs"]
    assert inputs["talks/train/0"]["file"] == "train.en.gz"
    assert inputs["manuals/train/1"]["bytes"] == (tmp_path / "manual.de").stat().st_size


def test_every_row_and_sentence_is_accounted_for(tmp_path: Path) -> None:
    config = plain(tmp_path)
    config.write_text(config.read_text().replace("train.{language}.gz", "{language}.txt"))
    for language in ("en", "de", "fr"):
        text = gzip.decompress((tmp_path / f"train.{language}.gz").read_bytes()).decode().splitlines()
        text[3] = "\u200b"  # of which nmt_nfkc leaves nothing
        text[5 if language == "en" else 15] = "\ufeff\u200e"
        text[17] = text[18]  # once more
        (tmp_path / f"{language}.txt").write_text("\n".join(text) + "\n", encoding="utf-8")
    store = prepare(config).store
    train = next(r for r in store.manifest.corpora if (r.name, r.split) == ("talks", "train"))
    rejected = train.provenance["account"]["rows"]["rejected"]
    assert rejected[NOTHING_LEFT] == 2 and rejected[REPEAT] == 1
    for record in store.manifest.corpora:
        account = record.provenance["account"]
        assert account["rows"]["kept"] == record.rows
        assert account["rows"]["read"] == record.rows + sum(account["rows"]["rejected"].values())
        for column in record.columns:
            if column.kind == "text":
                continue
            tally = account["languages"][column.language]
            assert tally["kept"] == column.sentences
            assert tally["read"] == column.sentences + sum(tally["rejected"].values())
    assert train.provenance["account"]["languages"]["en"]["rejected"][NOTHING_LEFT] == 2


OF_PAIRS = """\
store: store
vocabulary: {size: 25}
cleaning: {default: {script: false, language: false}, corpora: {opus: {words: {max: 4}}}}
corpora:
  - name: opus
    reader: plain_text
    pairs: all
    splits: {train: "opus/{source}-{target}/train.{language}", test: "opus/{source}-{target}/test.{language}"}
    holdout: {dev: 1}
"""


def test_many_pairs_in_one_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is a corpus with its account and files, also one of which nothing is left or was; listing has no order."""
    for pair in ("de-en", "en-zh-Hans", "cs-en"):
        folder = tmp_path / "opus" / pair
        folder.mkdir(parents=True)
        for language in pair.split("-", 1):
            lines = [f"{language} {pair} talk {word}" for word in ("alpha", "beta", "gamma", "delta")]
            long = [line + " longer" for line in lines]
            train = long if pair == "cs-en" else [*lines, *long[:2]]
            (folder / f"train.{language}").write_text("\n".join(train) + "\n")
            if pair == "de-en":
                (folder / f"test.{language}").write_text(f"{language} never seen\n")
    for language in ("cs", "de"):
        (tmp_path / "opus" / "cs-de").mkdir(exist_ok=True)
        (tmp_path / "opus" / "cs-de" / f"train.{language}").write_bytes(b"\xff\n")
    config = tmp_path / "config.yaml"
    config.write_text(OF_PAIRS)
    store = prepare(config).store
    store.verify()
    assert store.languages == ("cs", "de", "en", "zh-Hans"), "as the pairs have them, whatever is left of each"
    accounts = {(r.name, r.split): r.provenance["account"]["rows"] for r in store.manifest.corpora}
    assert accounts == {
        ("opus/cs-de", "train"): {"read": 1, "kept": 0, "rejected": {"invalid UTF-8": 1}},
        ("opus/cs-de", "dev"): {"read": 0, "kept": 0, "rejected": {}},
        ("opus/cs-en", "train"): {"read": 4, "kept": 0, "rejected": {CLEANED: 4}},
        ("opus/cs-en", "dev"): {"read": 0, "kept": 0, "rejected": {}},
        ("opus/de-en", "train"): {"read": 6, "kept": 3, "rejected": {CLEANED: 2, "held out for dev": 1}},
        ("opus/de-en", "dev"): {"read": 1, "kept": 1, "rejected": {}},
        ("opus/de-en", "test"): {"read": 1, "kept": 1, "rejected": {}},
        ("opus/en-zh_Hans", "train"): {"read": 6, "kept": 3, "rejected": {CLEANED: 2, "held out for dev": 1}},
        ("opus/en-zh_Hans", "dev"): {"read": 1, "kept": 1, "rejected": {}},
    }
    inputs = store.manifest.provenance["inputs"]
    assert inputs["opus/en-zh_Hans/train/1"]["file"] == "train.zh-Hans"
    listed = Path.iterdir
    monkeypatch.setattr(Path, "iterdir", lambda path: reversed([*listed(path)]))
    assert prepare(config).already


SCORED_TOO = "      test: {en: test.en, de: test.de}\n      dev: {en: dev.en, de: dev.de}\n"


def with_test_sets(folder: Path) -> Path:
    config = plain(folder)
    config.write_text(PLAIN + SCORED_TOO)
    (folder / "manual.en").write_text("press the red button\n\nlift the lid\nclose it\nshut it\n")
    (folder / "manual.de").write_text("roten Knopf\nallein\nDeckel heben\nzu\nzumachen\n", encoding="utf-8")
    (folder / "test.en").write_text("Press  the RED button\npress the red button\nnever seen\n\n")
    (folder / "test.de").write_text("neu\nDeckel heben\nfremd\nallein\n")  # allein: its row was rejected
    (folder / "dev.en").write_text("something else\n")
    (folder / "dev.de").write_text("etwas anderes\n")
    return config


def test_what_is_scored_leaves_training(tmp_path: Path) -> None:
    store = prepare(with_test_sets(tmp_path)).store
    leaked = {"manuals, test": {"en": {"exact": 1}, "de": {"exact": 1}}}
    assert store.manifest.provenance["in_training_text"] == leaked
    record = next(r for r in store.manifest.corpora if (r.name, r.split) == ("manuals", "train"))
    assert record.provenance["account"]["rows"]["rejected"] == {ONE: 1, LEFT_BY_LEAKS: 2}
    assert record.provenance["account"]["languages"]["en"] == {
        "read": 4, "kept": 2, "rejected": {SCORED: 1, LEFT_BY_LEAKS: 1}
    }  # fmt: skip


UZBEK = """\
store: store
vocabulary: {size: 40, character_coverage: 1.0}
corpora:
  - {name: web, reader: plain_text, clean: false, splits: {train: {en: web.en, uz: web.uz}}}
"""
UZBEK_TEST = "  - {name: t, reader: plain_text, splits: {valid: {en: t.en, uz-Cyrl: t.uz}}}\n"


def uzbek(folder: Path, *, tested: bool) -> Path:
    """Write a configuration; ten of its test sentences, in uz-Cyrl, stand in training text in uz."""
    for name, first in (("web", 0), ("t", 20)):
        rows = [f"{name} sentence {number}" for number in range(first, first + 30)]
        (folder / f"{name}.en").write_text("".join(f"{line}\n" for line in rows))
        lines = [f"барча одамлар эркин бўлиб туғиладилар {number}" for number in range(first, first + 30)]
        (folder / f"{name}.uz").write_text("".join(f"{line}\n" for line in lines))
    (folder / "config.yaml").write_text(UZBEK + (UZBEK_TEST if tested else ""))
    return folder / "config.yaml"


def test_what_is_scored_in_one_script_leaves_training_text_in_any(tmp_path: Path) -> None:
    store = prepare(uzbek(tmp_path, tested=True)).store
    assert store.manifest.provenance["in_training_text"] == {"t, valid": {"uz": {"exact": 10}}}
    assert [corpus.rows for corpus in store.corpora("train")] == [20]


def test_nor_may_it_stand_in_a_store_that_it_joins(tmp_path: Path) -> None:
    prepare(uzbek(tmp_path, tested=False))
    with pytest.raises(UserError, match=r"stand in the training text that the store has .*\(10 of uz"):
        preparation.prepare(uzbek(tmp_path, tested=True), None, append=True)


def test_or_is_merely_reported(tmp_path: Path) -> None:
    config = with_test_sets(tmp_path)
    config.write_text(config.read_text() + "leakage: report\n")
    store = prepare(config).store
    assert store.manifest.provenance["in_training_text"]["manuals, test"] == {"en": {"exact": 1}, "de": {"exact": 1}}
    record = next(r for r in store.manifest.corpora if (r.name, r.split) == ("manuals", "train"))
    assert record.rows == 4


def test_near_repeats_leave_where_they_are_to(tmp_path: Path) -> None:
    config = plain(tmp_path)
    config.write_text(config.read_text().replace("size: 32", "size: 45"))
    english = "the committee said on tuesday that it would not change the rules of the competition this year"
    german = "der ausschuss sagte am dienstag er werde die regeln des wettbewerbs in diesem jahr nicht mehr aendern"
    (tmp_path / "manual.en").write_text(f"{english}\n{english} again\nlift the lid\n")
    (tmp_path / "manual.de").write_text(f"{german}\n{german} doch\nDeckel heben\n")
    assert prepare(config).store.corpora("train")[1].rows == 3
    config.write_text(config.read_text().replace("name: manuals", "name: manuals\n    deduplicate: near"))
    store = prepare(config, overwrite=True).store
    record = next(r for r in store.manifest.corpora if r.name == "manuals")
    assert record.provenance["account"]["rows"] == {"read": 3, "kept": 2, "rejected": {REPEAT: 1}}


def test_the_rules_clean_what_is_trained_on_alone(tmp_path: Path) -> None:
    config = with_test_sets(tmp_path)
    settings = "cleaning: {default: {language: {enabled: false}, words: {max: 3}}}\n"
    manuals = "  - name: manuals\n    reader: plain_text\n"
    config.write_text(settings + config.read_text().replace(f"{manuals}    clean: false", manuals.rstrip()))
    (tmp_path / "manual.en").write_text("close it now\nopen it once again\n")
    (tmp_path / "manual.de").write_text("mach es zu\nmach es auf\n")
    (tmp_path / "dev.en").write_text("something else of five words\n")
    store = prepare(config).store
    rows = {(r.name, r.split): r.provenance["account"]["rows"] for r in store.manifest.corpora}
    assert rows["manuals", "train"] == {"read": 2, "kept": 1, "rejected": {CLEANED: 1}}
    assert rows["manuals", "dev"]["kept"] == 1


def test_changed_input_is_noticed(tmp_path: Path) -> None:
    config = plain(tmp_path)
    prepare(config)
    assert prepare(config).already
    (tmp_path / "manual.en").write_text("press the blue button\n\nlift the lid\n")
    with pytest.raises(UserError, match=r"other inputs or settings: manuals/train/0 \(manual.en\) has other bytes"):
        prepare(config)


def test_problems_of_the_data_name_the_place_in_the_configuration(tmp_path: Path) -> None:
    config = plain(tmp_path)
    config.write_text(PLAIN.replace("size: 32", "size: 90000"))
    with pytest.raises(UserError, match=r"config.yaml:2: vocabulary.size 90000 is too large .* at most \d+"):
        prepare(config)
    config.write_text(PLAIN.replace("valid: 5", "valid: 500"))
    with pytest.raises(UserError, match=r"config.yaml:9: corpus 'talks': `holdout` asks for 500"):
        prepare(config)
    config = generated(tmp_path, lines=10**6)
    with pytest.raises(UserError, match=r"store.yaml:8: corpus 'phrases': only \d+ distinct phrases"):
        config.write_text(config.read_text().replace("test: 10}", "test: 9000}").replace("ies: 10", "ies: 5"))
        prepare(config)
    assert not (tmp_path / "store").exists()
    assert not list(tmp_path.glob("*partial*"))


def test_an_error_leaves_the_old_store_alone(prepared_folder: Path) -> None:
    before = contents(prepared_folder)

    def fail() -> None:
        with place_for(prepared_folder / "store", overwrite=True) as place:
            place.mkdir()
            raise RuntimeError("disk on fire")

    with pytest.raises(RuntimeError):
        fail()
    assert contents(prepared_folder) == before
    assert Store(prepared_folder / "store").languages


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_killed_runs_leave_no_store(tmp_path: Path, number: signal.Signals) -> None:
    config = generated(tmp_path, lines=3000)
    program = (
        "import sys, pathlib, signal; sys.path.insert(0, 'tests/data_prep'); import telling_stages; "
        "from data_prep.prepare import prepare; "
        # A shell's background jobs, and so these tests among them, are born deaf to it.
        "signal.signal(signal.SIGINT, signal.default_int_handler); prepare(pathlib.Path(sys.argv[1]), None)"
    )
    run = subprocess.Popen(
        [sys.executable, "-c", program, str(config)], cwd=Path(__file__).parents[2], stderr=subprocess.PIPE, text=True
    )
    assert run.stderr is not None
    while "learn the vocabulary" not in run.stderr.readline():
        assert run.poll() is None
    time.sleep(0.05)
    run.send_signal(number)
    told = f"half-done work lies in {tmp_path / '.store.mtdeep-work'}: the next run for this store goes on with it"
    assert (told in run.stderr.read()) == (number is not signal.SIGKILL)
    assert run.wait(timeout=60) != 0
    assert not (tmp_path / "store").exists()
    if number is signal.SIGTERM:
        assert sorted(p.name for p in tmp_path.iterdir()) == [".store.mtdeep-work", "store.yaml"]
    generated(tmp_path, lines=100)
    assert prepare(config).store.corpora("train")[0].rows == 100
    assert sorted(p.name for p in tmp_path.iterdir()) == ["store", "store.yaml"]
