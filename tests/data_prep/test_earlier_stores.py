"""`mtdeep prepare --append` to stores that an earlier version made, or one with other defaults."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from growing import MANUALS, NEWS, SETTINGS, TALKS, config, files

from data_prep.cleaning.settings import BUILT_IN_VALUES
from data_prep.engine.libraries import version
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
    with pytest.raises(UserError, match=r"settings: the code of its step `\w+` \(revision\) was \d+ and is \d+; "):
        prepare(grown, None)
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
    with pytest.raises(UserError, match=r"was \d+ and is \d+, and [\d,]+ rows are [\d,]+ of corpus 'talks', split 'tr"):
        prepare(grown, None, append=True)
    assert files(folder / "store") == before


def test_a_default_that_has_changed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BUILT_IN_VALUES, ("length", "min"), 2.0)  # type: ignore[arg-type]
    with pytest.raises(UserError, match=r"settings: the default of `cleaning.length.min` was 1 and is 2.0; giv"):
        prepare(config(folder, TALKS, MANUALS, NEWS), None, append=True)
