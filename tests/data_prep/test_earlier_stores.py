"""`mtdeep prepare --append` to stores that an earlier version made, or one with other defaults."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from growing import MANUALS, NEWS, SETTINGS, TALKS, config, files

from data_prep.cleaning.length import Length
from data_prep.cleaning.settings import BUILT_IN_VALUES
from data_prep.engine import libraries
from data_prep.engine.libraries import TABLES, version
from data_prep.prepare import prepare
from mtdeep.corpus.store import Store
from mtdeep.errors import UserError

pytestmark = pytest.mark.slow


def made_before(store: Path) -> None:
    """Make the manifest one of a time when it did not say which defaults, revisions and libraries decided."""
    path = store / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    step = manifest["provenance"]
    del step["defaults"], step["revisions"]
    step["versions"] = {name: version(name) for name in ("babel", "sentencepiece", "py3langid", "rensa")}
    step["content_digest"] = "0" * 32
    path.write_text(json.dumps(manifest), encoding="utf-8")


def test_a_store_of_an_earlier_version(folder: Path) -> None:
    """Its normalisation goes on though another is the default now; what its steps gave is what they give now."""
    settings = SETTINGS.replace("{size: 46,", "{size: 46, normalization: nmt_nfkc,")
    prepare(config(folder, TALKS, MANUALS, settings=settings), None, overwrite=True)
    path = folder / "store" / "manifest.json"
    path.write_text(path.read_text().replace('"normalization": "nmt_nfkc"', '"size": 46'))
    made_before(folder / "store")
    Store(folder / "store").verify()
    grown = config(folder, TALKS, MANUALS, NEWS)
    with pytest.raises(UserError, match=r"settings: the code of its steps has other revisions \(`") as told:
        prepare(grown, None)
    changed = re.findall(r"`(\w+)` (\d+), was (\d+)[;)]", str(told.value))
    assert {"read", "clean", "index", "encode"} <= {step for step, *_ in changed} and all(a != b for _, a, b in changed)
    assert "the default of `cleaning.language.min` was 0.05 and is 0.02; give --append to add split " in str(told.value)
    with pytest.raises(UserError, match="give --append to use it as it is, --overwrite to"):
        prepare(config(folder, TALKS, MANUALS), None)
    assert prepare(folder / "config.yaml", None, append=True).already
    grown = config(folder, TALKS, MANUALS, NEWS)
    before = files(folder / "store")
    store = prepare(grown, None, append=True).store
    store.verify()
    kept = {name: digest for name, digest in before.items() if name.startswith(("shards", "subwords"))}
    assert kept.items() <= files(store.path).items() and len(store.corpora("train")) == 3
    assert store.manifest.provenance["appended"][0]["settings"]["vocabulary"]["normalization"] == "nmt_nfkc"
    assert prepare(grown, None, append=True).already


def test_a_store_of_an_earlier_version_that_would_be_another(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made_before(folder / "store")
    grown = config(folder, TALKS, MANUALS, NEWS, settings=SETTINGS.replace("{size", "{normalization: nmt_nfkc, size"))
    before = files(folder / "store")
    monkeypatch.setitem(BUILT_IN_VALUES, ("length", "min"), 30.0)  # type: ignore[arg-type]
    with pytest.raises(UserError, match=r"5 and is 0.02, and [\d,]+ rows are [\d,]+ of corpus 'talks', split 'tr"):
        prepare(grown, None, append=True)
    assert files(folder / "store") == before


def other_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libraries, "version", lambda library: "0" * 16 if library == TABLES else version(library))


def test_tables_on_languages_that_have_changed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The store is no longer taken for prepared; it grows, since they give the same text."""
    other_tables(monkeypatch)
    said = r"settings: the language tables \(.*\) were [0-9a-f]{16} and are 0{16}; give --append to use it as it is"
    with pytest.raises(UserError, match=said):
        prepare(config(folder, TALKS, MANUALS), None)
    store = prepare(config(folder, TALKS, MANUALS, NEWS), None, append=True).store
    store.verify()
    assert store.manifest.provenance["appended"][0]["versions"][TABLES] == "0" * 16


def test_tables_on_languages_that_give_other_text(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other_tables(monkeypatch)
    monkeypatch.setattr(Length, "scores", lambda self, language, texts: texts.lengths * (texts.lengths >= 30.0))
    with pytest.raises(UserError, match=r"language tables \(.*\) were \w+ and are 0+, and .* would be another; give"):
        prepare(config(folder, TALKS, MANUALS, NEWS), None, append=True)


def test_a_default_that_has_changed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BUILT_IN_VALUES, ("length", "min"), 2.0)  # type: ignore[arg-type]
    with pytest.raises(UserError, match=r"settings: the default of `cleaning.length.min` was 1 and is 2.0; giv"):
        prepare(config(folder, TALKS, MANUALS, NEWS), None, append=True)
