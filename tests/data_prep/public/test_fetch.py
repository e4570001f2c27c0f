"""From ids to rows: what is found, downloaded once, read by our readers, and verified when it is used again."""

from __future__ import annotations

import bz2
import gzip
import io
import os
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from data_prep.public import fetch as module
from data_prep.public.fetch import check_digests, fetch
from data_prep.public.identifier import columns_of
from data_prep.public.index import Entry
from data_prep.public.reading import sources_of
from data_prep.public.record import place_of, record_of, record_path
from mtdeep.corpus.store import file_digest
from mtdeep.durable import one_writer
from mtdeep.errors import UserError
from mtdeep.progress import ProgressReport

ROWS = [("Haus", "house"), ("Baum", "tree")]
GERMAN, ENGLISH = (b"".join(f"{row[side]}\n".encode() for row in ROWS) for side in (0, 1))
TSV = b"".join(f"0.9\t{german}\t{english}\n".encode() for german, english in ROWS)
TMX = b"<tmx><body>%s</body></tmx>" % b"".join(
    f'<tu><tuv xml:lang="en"><seg>{e}</seg></tuv><tuv xml:lang="de"><seg>{d}</seg></tuv></tu>'.encode() for d, e in ROWS
)
WMT = b'<dataset><doc id="1"><src lang="de"><p>%s</p></src><ref lang="en"><p>%s</p></ref></doc></dataset>' % tuple(
    b"".join(f'<seg id="{i}">{row[side]}</seg>'.encode() for i, row in enumerate(ROWS)) for side in (0, 1)
)
SGM = {
    language: b'<srcset setid="x"><doc docid="1">%s</doc></srcset>'
    % b"".join(f'<seg id="{i}">{row[side]}</seg>'.encode() for i, row in enumerate(ROWS))
    for side, language in enumerate(("de", "en"))
}
IDS = {"X-a-1-deu-eng": "corpora.yaml:7"}


def zipped(files: Mapping[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return made.getvalue()


def tarred(files: Mapping[str, bytes]) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return made.getvalue()


def rows_of(identifier: str) -> list[tuple[str, ...]]:
    """All rows of an id, German first."""
    found = []
    for source in sources_of(record_of(identifier), columns_of(identifier, None)):
        for batch in source.batches(10):
            assert not batch.rejected
            found += list(zip(batch.columns["de"], batch.columns["en"], strict=True))
    return found


def entry(url: str, **others: object) -> Entry:
    said = {
        "id": "X-a-1-deu-eng", "urls": (url,), "name": "a", "kind": "tsv", "archive": False, "members": (),
        "columns": (1, 2), "citations": (), "version": "0.5.1",
    }  # fmt: skip
    return Entry(**{**said, **others})  # type: ignore[arg-type]


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch):
    """Put an entry in the place of all that mtdata knows."""

    def know(one: Entry) -> None:
        monkeypatch.setattr(module, "look_up", lambda ids: [one for _ in ids])

    return know


@pytest.fixture
def fetched(site, known, downloads: Path) -> Path:
    """A corpus that was fetched; returns its file."""
    known(entry(site.add("/a.tsv", TSV)))
    fetch(IDS, ProgressReport())
    (path,) = record_of("X-a-1-deu-eng").paths
    return path


def test_every_format_that_mtdata_has_and_we_read(site, entries, downloads: Path) -> None:
    """From mtdata's entries as its own index makes them, over a server, to rows."""
    texts = {"s/a.de": GERMAN, "s/a.en": ENGLISH, "s/README": b"read me"}
    pages = {
        "/a.tsv.gz": gzip.compress(TSV),
        "/b.tsv.bz2": bz2.compress(TSV),
        "/a.zip": zipped(texts),
        "/t": tarred(texts),
        "/t.de": GERMAN,
        "/t.en": ENGLISH,
        "/b.zip": zipped({"1.tmx": TMX, "2.tmx": TMX}),
        "/w.tgz": tarred({"dev/x.xml": WMT}),
        "/dev.tgz": tarred({"dev/x-src.de.sgm": SGM["de"], "dev/x-ref.en.sgm": SGM["en"]}),
    }
    at = {path: site.add(path, content) for path, content in pages.items()}
    entries(
        {"did": "X-tsv-1-de-en", "url": at["/a.tsv.gz"], "cols": (1, 2)},
        {"did": "X-bz-1-de-en", "url": at["/b.tsv.bz2"], "ext": "tsv.bz2", "in_ext": "tsv", "cols": (1, 2)},
        {"did": "X-zip-1-de-en", "url": at["/a.zip"], "in_paths": ["*.de", "*.en"], "in_ext": "txt"},
        {"did": "X-swap-1-en-de", "url": at["/a.zip"], "in_paths": ["*.en", "*.de"], "in_ext": "txt"},
        {"did": "X-tgz-1-de-en", "url": at["/t"], "ext": "tar.gz", "in_paths": ["*/a.de", "s/a.en"], "in_ext": "txt"},
        {"did": "X-two-1-de-en", "url": (at["/t.de"], at["/t.en"]), "ext": "txt"},
        {"did": "X-tmx-1-de-en", "url": at["/b.zip"], "in_paths": ["1.tmx", "2.tmx"], "in_ext": "tmx"},
        {"did": "X-sgm-1-de-en", "url": at["/dev.tgz"], "in_ext": "sgm",
         "in_paths": ["dev/x-src.de.sgm", "dev/x-ref.en.sgm"]},
        {"did": "X-wmt-1-de-en", "url": at["/w.tgz"], "in_paths": ["dev/x.xml"], "in_ext": "wmt21xml"},
    )
    kinds = ("tsv", "bz", "zip", "tgz", "two", "tmx", "sgm", "wmt")
    ids = [*(f"X-{kind}-1-deu-eng" for kind in kinds), "X-swap-1-eng-deu"]
    fetch({identifier: f"corpora.yaml:{line}" for line, identifier in enumerate(ids)}, ProgressReport())
    assert {identifier: rows_of(identifier) for identifier in ids} == {
        identifier: ROWS * (2 if "tmx" in identifier else 1) for identifier in ids
    }
    assert len(site.requests) == 9  # the zip of two ids came once
    assert not [path for path in downloads.rglob(".*")]


def test_what_is_not_known_or_not_read_is_told_before_anything_comes(site, entries, downloads: Path) -> None:
    pair = {"url": site.add("/a.zip", b""), "in_ext": "txt"}
    entries(
        {**pair, "did": "X-flores-1-deu-eng", "in_paths": ["a.de", "a.de"]},
        {**pair, "did": "X-xces-1-deu-eng", "in_paths": ["a.de", "a.en"], "in_ext": "opus_xces"},
        {**pair, "did": "X-three-1-deu-eng", "in_paths": ["a.de", "a.en", "a.fr"]},
        {"did": "X-tsvs-1-deu-eng", "url": (site.url, site.url), "ext": "txt", "in_ext": "tsv", "cols": (1,)},
        {**pair, "did": "X-good-1-deu-eng", "in_paths": ["a.de", "a.en"]},
    )
    names = ("flores", "xces", "three", "tsvs", "good", "goods")
    ids = [f"X-{name}-1-deu-eng" for name in names]
    with pytest.raises(UserError) as caught:
        fetch({identifier: f"c.yaml:{line}" for line, identifier in enumerate(ids)}, ProgressReport())
    assert str(caught.value).splitlines() == [
        "c.yaml:0: X-flores-1-deu-eng has one file for both languages in mtdata's index; leave it out",
        "c.yaml:1: X-xces-1-deu-eng is XCES, which is not read; convert its files, or leave it out",
        "c.yaml:2: X-three-1-deu-eng is 3 files of 'txt', which is not read; leave it out",
        "c.yaml:3: X-tsvs-1-deu-eng is 2 files of 'tsv', which is not read; leave it out",
        "c.yaml:5: mtdata knows no corpus 'X-goods-1-deu-eng'; did you mean X-good-1-deu-eng, X-flores-1-deu-eng, "
        "X-xces-1-deu-eng?",
    ]
    assert not site.requests and not downloads.exists()


def test_with_its_record_neither_mtdata_nor_a_network_is_needed(
    fetched: Path, site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(module, "look_up")
    monkeypatch.delattr(module, "download")
    fetch(IDS, ProgressReport())
    check_digests(IDS, {fetched: file_digest(fetched)})
    assert rows_of("X-a-1-deu-eng") == ROWS
    assert len(site.requests) == 1


def test_a_changed_file_is_never_taken(fetched: Path) -> None:
    fetched.write_bytes(TSV[::-1])
    with pytest.raises(UserError, match=rf"{fetched}: not the file that was downloaded; remove it"):
        check_digests(IDS, {fetched: file_digest(fetched)})
    os.truncate(fetched, 10)
    with pytest.raises(UserError, match=rf"corpora.yaml:7: {fetched}: not the file that was downloaded; remove it"):
        fetch(IDS, ProgressReport())


def test_a_file_that_was_removed_comes_again_if_the_server_still_has_it(fetched: Path, site) -> None:
    fetched.unlink()
    fetch(IDS, ProgressReport())
    assert fetched.read_bytes() == TSV
    fetched.unlink()
    site.add("/a.tsv", TSV + TSV)
    record = record_path("X-a-1-deu-eng")
    with pytest.raises(UserError, match=rf"the server has another file than on the first download; remove {record} to"):
        fetch(IDS, ProgressReport())
    record.unlink()
    fetch(IDS, ProgressReport())
    assert rows_of("X-a-1-deu-eng") == ROWS + ROWS


def test_a_failure_names_the_configuration_and_leaves_no_record(site, known, downloads: Path) -> None:
    known(entry(site.url + "/gone.tsv"))
    with pytest.raises(UserError, match=r"^corpora.yaml:7: http://.*/gone.tsv: the server answers 404"):
        fetch(IDS, ProgressReport())
    known(entry(site.add("/a.zip", b"no zip"), archive=True, kind="txt", members=("*.de", "*.en")))
    with pytest.raises(UserError, match=r"^corpora.yaml:7: .*a.zip: no whole archive that can be read"):
        fetch(IDS, ProgressReport())
    assert not record_path("X-a-1-deu-eng").exists()


def test_files_stand_below_their_host_whatever_their_url(downloads: Path) -> None:
    names = ("a.tsv.gz", "a.csv?download=1", "", "..", ".")
    found = [place_of(f"http://a.example/x/{name}", "../n.zip").relative_to(downloads / "files") for name in names]
    assert [path.name for path in found] == ["a.tsv.gz", "a.csv", "n.zip", "n.zip", "n.zip"]
    assert {(len(path.parts), path.parts[0]) for path in found} == {(3, "a.example")}
    assert len({path.parts[1] for path in found}) == 5


def test_one_process_at_a_time_fetches_a_file(site, known, downloads: Path) -> None:
    known(entry(site.add("/a.tsv", TSV)))
    folder = place_of(site.url + "/a.tsv", "a").parent
    folder.parent.mkdir(parents=True)
    with one_writer(folder), pytest.raises(UserError, match=f"{folder}: another process is writing it; wait"):
        fetch(IDS, ProgressReport())


def test_what_cannot_come_does_not_keep_the_rest_away(site, downloads: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    urls = {"X-gone-1-deu-eng": site.url + "/gone", "X-a-1-deu-eng": site.add("/a", TSV)}
    urls["X-down-1-deu-eng"] = site.add("/down", TSV, statuses=[503] * 4)
    urls["X-b-1-deu-eng"] = site.add("/b", TSV)
    monkeypatch.setattr(module, "look_up", lambda ids: [entry(urls[identifier]) for identifier in ids])
    with pytest.raises(UserError) as caught:
        fetch({identifier: f"c.yaml:{line}" for line, identifier in enumerate(urls)}, ProgressReport())
    gone, down = str(caught.value).splitlines()
    assert gone.startswith(f"c.yaml:0: {site.url}/gone: the server answers 404")
    assert down.startswith(f"c.yaml:2: {site.url}/down: the server answers 503")
    assert [record_path(identifier).exists() for identifier in urls] == [False, True, False, False]


def test_a_damaged_record_is_a_sentence(fetched: Path) -> None:
    record = record_path("X-a-1-deu-eng")
    for content in ("", "{}", record.read_text().replace('"version": 1\n}', '"version": 2\n}')):
        record.write_text(content)
        with pytest.raises(UserError, match=rf"{record}: damaged, or of another version; remove it"):
            fetch(IDS, ProgressReport())


def test_a_folder_that_cannot_be_made(site, known, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known(entry(site.add("/a.tsv", TSV)))
    (tmp_path / "file").touch()
    monkeypatch.setenv("MTDEEP_DOWNLOADS", str(tmp_path / "file" / "below"))
    with pytest.raises(UserError, match=r"below: cannot be made \(.*\); name another folder in MTDEEP_DOWNLOADS"):
        fetch(IDS, ProgressReport())
