"""The examples of docs/readers.md: loaded as a configuration beside files that are as they say, and read."""

from __future__ import annotations

import gzip
import re
import zipfile
from dataclasses import fields
from pathlib import Path

import polib
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_prep.config_file import ConfigFile, load_config
from data_prep.corpus_settings import EVERY_READER
from data_prep.readers.source import Source
from data_prep.readers.store import StoreRows

DOCUMENT = (Path(__file__).parents[3] / "docs/readers.md").read_text(encoding="utf-8")
LOCALES = "/usr/share/locale"


def unit(name: str, english: str, german: str) -> str:
    sides = (("en", english), ("de", german))
    return f'<tu tuid="{name}">' + "".join(f'<tuv xml:lang="{c}"><seg>{t}</seg></tuv>' for c, t in sides) + "</tu>"


def sgm(kind: str, text: str) -> str:
    return f'<{kind} setid="t"><doc docid="d"><seg id="1">{text}</seg></doc></{kind}>'


TMX = f"<tmx version='1.4'><header/><body>{unit('1', 'one', 'eins')}</body></tmx>"
FILES = {
    "mined.en.gz": "one\ntwo\n",  # gzip below
    "mined.de.gz": "eins\nzwei\n",
    "mined.scores": "0.9\n0.8\n",
    "crawl.tsv": 'en\tde\tscore\n"one"\teins\t0.9\n',
    "sheet.tsv": "key\tGerman\tEnglish\n7\teins\tone\n",
    "ids.txt": "7\n",
    "objects.jsonl": '{"id": 7, "quality": 0.9, "translation": {"en": "one", "de": "eins"}}\n',
    "memory.tmx": TMX,
    "other.tmx": TMX,
    "newstest2022.en-de.xml": '<dataset id="t"><doc id="d"><src lang="en"><p><seg id="1">one</seg></p></src>'
    '<ref lang="de" translator="A"><p><seg id="1">A</seg></p></ref>'
    '<ref lang="de" translator="B"><p><seg id="1">eins</seg></p></ref></doc></dataset>',
    "newstest2019-ende-src.en.sgm": sgm("srcset", "one"),
    "newstest2019-ende-ref.de.sgm": sgm("refset", "eins"),
    "manual.xlf": '<xliff version="1.2"><file source-language="en" target-language="de"><body>'
    '<trans-unit id="1" approved="yes"><source>one</source><target>eins</target></trans-unit></body></file></xliff>',
    "stores/older/manifest.json": "{}",
}
ROWS = {
    "mined": [("one", "eins"), ("two", "zwei")],
    "crawl": [('"one"', "eins")],
    "memory": [("one", "eins")] * 2,
    "messages": [("Music", "music in de", "music in pt_BR", "music in sr@latin")],
}


@pytest.fixture
def loaded(tmp_path: Path) -> ConfigFile:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    with zipfile.ZipFile(tmp_path / "de-en.txt.zip", "w") as archive:
        for name, text in {"Books.de-en.en": "one", "Books.de-en.de": "eins", "Books.de-en.scores": "0.9"}.items():
            archive.writestr(name, text)
    pq.write_table(pa.table({"translation": [{"en": "one", "de": "eins"}]}), tmp_path / "published.parquet")
    for locale in ("de", "pt_BR", "sr@latin"):
        catalogue = polib.POFile()
        catalogue.metadata = {"Content-Type": "text/plain; charset=UTF-8"}
        catalogue.append(polib.POEntry(msgid="Music", msgstr=f"music in {locale}"))
        (tmp_path / locale / "LC_MESSAGES").mkdir(parents=True)
        catalogue.save_as_mofile(str(tmp_path / locale / "LC_MESSAGES/xdg-user-dirs.mo"))
    examples = "".join(re.findall(r"^```yaml\n(.*?)^```", DOCUMENT, flags=re.M | re.S)).replace(LOCALES, str(tmp_path))
    path = tmp_path / "corpora.yaml"
    path.write_text(f"store: s\nvocabulary: {{size: 100}}\ncorpora:\n{examples}", encoding="utf-8")
    return load_config(path)


def rows(source: Source) -> list[tuple[str, ...]]:
    return [row for batch in source.batches(10) for row in zip(*batch.columns.values(), strict=True)]


def test_the_examples_are_read(loaded: ConfigFile) -> None:
    found: dict[str, list[tuple[str, ...]]] = {}
    for _, corpus, _, source in loaded.sources():
        if not isinstance(source, StoreRows):  # of a store that there would have to be: its own tests
            found.setdefault(corpus.name, []).extend(rows(source))
    assert found == {name: ROWS.get(name, [("one", "eins")]) for name in found}
    assert {corpus.reader for _, corpus in loaded.corpora} == set(EVERY_READER) - {"cldr", "mtdata"}  # in corpora.md


def test_every_reader_has_a_line_with_all_its_keys(loaded: ConfigFile) -> None:
    for _, corpus, _, source in loaded.sources():
        (line,) = re.findall(rf"^\| `{corpus.reader}` .*", DOCUMENT, flags=re.M)
        for key in {field.name for field in fields(source)} - {"longest"}:  # type: ignore[arg-type]
            assert f"`{key}`" in line
