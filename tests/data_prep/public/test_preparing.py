"""`reader: mtdata` in a configuration: from ids to a store and its data card."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

from data_prep.config_file import load_config
from data_prep.prepare import prepare
from data_prep.preview import print_preview
from data_prep.public.fetch import fetch
from mtdeep.corpus.store import Store
from mtdeep.errors import UserError
from mtdeep.progress import ProgressReport

CONFIG = """\
store: store
work: work
vocabulary: {size: 36, character_coverage: 1.0}
cleaning: {default: {language: false}}
corpora:
  - name: news
    reader: mtdata
    splits: {train: [Statmt-news-16-deu-eng, Statmt-more-1-eng-fra]}
    holdout: {test: 2}
"""
GERMAN = [f"{a} sieht {b}" for a in ("Hund", "Katze", "Kuh", "Huhn") for b in ("Mann", "Bub", "Magd", "Uhu")]
ENGLISH = [f"the {a} sees the {b}" for a in ("dog", "cat", "cow", "hen") for b in ("man", "boy", "girl", "owl")]
FRENCH = [f"{a} voit {b}" for a in ("chien", "chat", "vache", "poule") for b in ("homme", "garçon", "fille", "hibou")]


def tsv(rows: list[tuple[str, ...]]) -> bytes:
    return gzip.compress("".join("\t".join(row) + "\n" for row in rows).encode(), mtime=0)


@pytest.fixture
def config(site, entries, downloads: Path, tmp_path: Path) -> Path:
    """The configuration of two corpora that a server has, of two pairs; one row of the first is no row."""
    cite = ("kocmi-etal-2023-findings",)
    news = [*zip(GERMAN[:8], ENGLISH[:8], strict=True), ("a",)]
    more = list(zip(ENGLISH[8:], FRENCH[8:], strict=True))
    entries(
        {"did": "Statmt-news-16-deu-eng", "url": site.add("/n.tsv.gz", tsv(news)), "cite": cite},
        {"did": "Statmt-more-1-eng-fra", "url": site.add("/m.tsv.gz", tsv(more)), "cite": cite},
    )
    (tmp_path / "config.yaml").write_text(CONFIG)
    return tmp_path / "config.yaml"


def test_a_store_and_what_it_says_of_its_origin(site, config: Path) -> None:
    assert not prepare(config, None).already
    store = Store(config.parent / "store")
    store.verify()
    assert store.languages == ("de", "en", "fr")
    provenance = store.manifest.corpora[0].provenance
    assert provenance["ids"] == ["Statmt-news-16-deu-eng", "Statmt-more-1-eng-fra"]
    account = provenance["account"]["rows"]
    assert account["read"] == 17 and account["rejected"]["fewer columns than most lines"] == 1
    (test,) = store.corpora("test")
    rows = [tuple(test.text(language, row) for language in store.languages) for row in range(2)]
    assert {*rows} <= {*zip(GERMAN[:8], ENGLISH[:8], [""] * 8)} | {*zip([""] * 8, ENGLISH[8:], FRENCH[8:])}
    inputs = store.manifest.provenance["inputs"]
    assert [inputs[f"news/train/{number}"]["file"] for number in (0, 1)] == ["n.tsv.gz", "m.tsv.gz"]
    card = (store.path / "report" / "card.md").read_text()
    assert f"| {site.url}/n.tsv.gz {site.url}/m.tsv.gz | mtdata |" in card
    assert card.count("    @inproceedings{kocmi-etal-2023-findings,\n") == 1
    assert str(config.parent) not in card

    site.pages.clear()  # what was prepared is, without a server, and again from the same files
    assert prepare(config, None).already
    config.write_text(CONFIG.replace("store: store", "store: other"))
    prepare(config, None)
    assert (config.parent / "other" / "manifest.json").read_bytes() == (store.path / "manifest.json").read_bytes()


def test_a_changed_download_is_not_prepared_from(config: Path, downloads: Path) -> None:
    fetch(load_config(config).public_corpora(), ProgressReport())
    (path,) = downloads.rglob("n.tsv.gz")
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(UserError, match=f"{path}: not the file that was downloaded"):
        prepare(config, None)


def test_what_can_be_refused_at_once_is_before_anything_is_downloaded(site, config: Path) -> None:
    (config.parent / "store").mkdir()
    (config.parent / "store" / "thesis.txt").touch()
    with pytest.raises(UserError, match="exists and is no store"):
        prepare(config, None)
    config.write_text(CONFIG.replace("{language: false}", "{length: {min: 9, max: 3}}"))
    (config.parent / "store" / "thesis.txt").unlink()
    with pytest.raises(UserError, match=f"{config}:4: "):
        prepare(config, None)
    assert site.requests == []


@pytest.mark.slow
def test_a_store_grows_by_ids(config: Path, downloads: Path) -> None:
    """And where one left the configuration this is said, though nobody fetched it."""
    first = CONFIG.replace(", Statmt-more-1-eng-fra", "").replace("size: 36", "size: 32")
    config.write_text(first)
    prepare(config, None)
    (downloads / "ids" / "Statmt-news-16-deu-eng.json").unlink()
    config.write_text(first.replace("Statmt-news-16-deu-eng", "Statmt-more-1-eng-fra"))
    with pytest.raises(UserError, match=r"`splits\.train` of corpus 'news' reads something else"):
        prepare(config, None, append=True)
    config.write_text(first + "  - {name: more, reader: mtdata, splits: {train: Statmt-more-1-eng-fra}}\n")
    store = prepare(config, None, append=True).store
    store.verify()
    assert [(one.name, one.split) for one in store.manifest.corpora] == [
        ("news", "train"), ("news", "test"), ("more", "train")
    ]  # fmt: skip
    assert prepare(config, None).already


def test_a_preview_fetches_too(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    print_preview(config, 5)
    assert "news: 5 rows read, 5 kept" in capsys.readouterr().out


@pytest.mark.slow
def test_the_command(site, config: Path, run_command) -> None:
    done = run_command("mtdeep", "prepare", config)
    assert done.returncode == 0, done.stderr
    config.write_text(CONFIG.replace("news-16", "nws-16"))
    done = run_command("mtdeep", "prepare", config, "--overwrite")
    assert done.returncode == 2 and "Traceback" not in done.stderr
    says = f"error: {config}:8: mtdata knows no corpus 'Statmt-nws-16-deu-eng'; did you mean Statmt-news-16-deu-eng"
    assert says in done.stderr


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("[Statmt-news-16-deu-eng, Statmt-more-1-eng-fra]", "[]", "8: corpora.0.splits: split 'train' names no id"),
        ("[Statmt-news-16-deu-eng, ", "[news, ", "8: corpora.0.splits: split 'train': 'news' is no id of mtdata"),
        ("-16-deu-", "-16-de1-", "8: corpora.0.splits: split 'train': 'Statmt-news-16-de1-eng': unknown language code"),
        ("    splits", "    languages: [de, ru]\n    splits", "9: corpora.0.splits: split 'train': 'Statmt-news-16-"),
        ("    splits", "    languages: [de, en, fr, ru]\n    splits", "9: corpora.0.splits: no id has the language"),
        ("{test: 2}", "{train: 2}", "6: corpora.0: split 'train' is both held out and read from files; choose one"),
        ("splits: {train", "splits: {trian", "8: corpora.0.splits.trian: `holdout` takes rows from split"),
        ("splits: {train", "splits: {valid", "6: corpora.0: `holdout` takes rows from split 'train', which"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, old: str, new: str, says: str) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG.replace(old, new, 1))
    with pytest.raises(UserError, match=re.escape(f"{path}:{says}")):
        load_config(path)


def test_languages_of_one_s_own(config: Path) -> None:
    config.write_text(CONFIG.replace("    splits", "    languages: [en-GB, de, fr]\n    splits"))
    loaded = load_config(config)
    fetch(loaded.public_corpora(), ProgressReport())
    (corpus,) = loaded.config.corpora
    sources = corpus.sources("train", loaded.resolved, seed=1)
    assert [source.languages for source in sources] == [("de", "en-GB"), ("en-GB", "fr")]
