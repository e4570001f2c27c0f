"""The files that a page's commands name: small, under the names that are printed.

A page's folder begins as README's is left, with the store and the checkpoints made by README's own commands, or as
another page's (`BASES`).
"""

from __future__ import annotations

import gzip
import lzma
import os
import shutil
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from xml.sax.saxutils import escape

import zstandard
from markdown import ROOT, code_of
from replaced import smaller

from data_prep.public.index import Entry
from data_prep.public.record import VARIABLE, place_of, write_record
from data_prep.readers.cldr.source import CldrPhrases
from mtdeep.corpus import Store, StoreAppender

README = "README.md"
#: Where a page's folder begins, if not as README's is left.
BASES = {"docs/probe.md": "docs/architectures.md"}
LANGUAGES = ("en", "de", "fr", "cs", "zh-Hans", "yo")
SPLITS = {"train": 900, "valid": 20, "test": 12}
MODEL = "scheme: preln\nembed_dim: 16\nencoder_heads: 2\ndecoder_heads: 2\nencoder_layers: 1\ndecoder_layers: 1\n"


@cache
def phrases(split: str) -> dict[str, list[str]]:
    """Return rows of the built-in corpus, by language; an empty text is a gap."""
    (batch,) = CldrPhrases(LANGUAGES, SPLITS, split).batches(SPLITS["train"])
    return {language: list(column) for language, column in batch.columns.items()}


def write(path: Path, lines: Iterable[str], compress: Callable[[bytes], bytes] = bytes) -> None:
    """Write lines as UTF-8, compressed or not, and the folders above."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(compress("".join(f"{line}\n" for line in lines).encode()))


def block(page: str, kind: str, starts: str) -> str:
    """Return the text of the one block of a page of this kind that starts so."""
    (found,) = (code.text for code in code_of(page) if code.kind == kind and code.text.startswith(starts))
    return found


def prepare(page: str, folder: Path, base: Path | None) -> dict[str, str]:
    """Make a page's folder, and return the environment variables that its commands need."""
    if base is None:
        folder.mkdir(parents=True)
    else:
        shutil.copytree(base, folder, copy_function=os.link)
    make = PLACES.get(page)
    return make(folder) or {} if make else {}


def _readme(folder: Path) -> None:
    write(folder / "mine.yaml", smaller(block(README, "yaml", "store: store")).splitlines())
    for split in SPLITS:
        for language in ("en", "de", "fr"):
            compress, ending = (gzip.compress, ".gz") if split == "train" else (bytes, "")
            write(folder / "data" / f"{split}.{language}{ending}", phrases(split)[language], compress)


def _leakage(folder: Path) -> None:
    write(folder / "flores" / "eng_Latn.devtest", phrases("test")["en"])
    write(folder / "flores" / "deu_Latn.devtest", phrases("test")["de"])
    write(folder / "memory.xlf", [_xliff(phrases("test"))])
    multi30k = folder.parent / "shared" / "data" / "multi30k"
    for language in ("en", "de", "fr", "cs"):
        write(multi30k / f"train.{language}.gz", phrases("train")[language], gzip.compress)
        write(multi30k / f"val.{language}", phrases("valid")[language])
        write(multi30k / f"test_2016_flickr.{language}", phrases("test")[language])
    (folder / "scripts").symlink_to(ROOT / "scripts")


def _readers(folder: Path) -> None:
    write(folder / "memory.tmx.gz", [_tmx(phrases("test"), slice(None))], gzip.compress)


def _probe(folder: Path) -> None:
    size = len(Store(folder / "store").vocabulary)
    (folder / "model.yaml").write_text(f"source_vocabulary_size: {size}\ntarget_vocabulary_size: {size}\n{MODEL}")


def _training(folder: Path) -> None:
    write(folder / "hydra" / "mt.yaml", smaller(block("docs/training.md", "yaml", "# @package")).splitlines())
    printed = block("docs/training.md", "text", "de-en 2.0").splitlines()
    others = [f"{direction} 1.0" for direction in ("de-fr", "en-fr", "fr-de", "fr-en")]
    write(folder / "weights.txt", [*printed, *others])


def _corpus_store(folder: Path) -> None:
    shutil.copyfile(folder / "checkpoints" / "checkpoint_best.pt", folder / "trained.pt")
    shutil.copytree(folder / "store", folder / "grown")
    with StoreAppender(folder / "grown", ["nds"]) as appender:
        appender.finish({})


def _from_fairseq(folder: Path) -> None:
    write(folder / "text.en", ["How are you?"])


def _corpora(folder: Path) -> dict[str, str]:
    write(folder / "corpora.yaml", smaller(block("docs/corpora.md", "yaml", "store: stores/web")).splitlines())
    text, scored = phrases("train"), phrases("test")
    for language in ("en", "de", "zh-Hans", "yo"):
        write(folder / "talks" / f"{language}.txt.zst", text[language][:400], zstandard.compress)
    write(folder / "memories" / "old.tmx.gz", [_tmx(text, slice(400, 450))], gzip.compress)
    write(folder / "memories" / "new.tmx", [_tmx(text, slice(450, 500))])
    rows = [f"{english}\t{yoruba}\t0.5" for english, yoruba in zip(text["en"][500:], text["yo"][500:]) if yoruba]
    write(folder / "crawl.tsv.xz", rows, lzma.compress)
    for pair, sides in {"de-en": ("de", "en"), "en-zh": ("en", "zh")}.items():
        for code in sides:
            language = "zh-Hans" if code == "zh" else code
            write(folder / "opus-100" / pair / f"opus.{pair}-train.{code}", text[language][500:700])
            write(folder / "opus-100" / pair / f"opus.{pair}-dev.{code}", phrases("valid")[language])
    for code, language in {"eng_Latn": "en", "deu_Latn": "de", "zho_Hans": "zh-Hans", "yor_Latn": "yo"}.items():
        write(folder / "flores200" / "devtest" / f"{code}.devtest", scored[language])
    downloads = folder / "downloads"
    _download(downloads, "Statmt-news_commentary-16-deu-eng", zip(text["de"][700:800], text["en"][700:800]))
    return {VARIABLE: str(downloads)}


def _xliff(text: dict[str, list[str]]) -> str:
    """Return a file that says itself which of its languages is the source."""
    pairs = [(escape(german), escape(english)) for german, english in zip(text["de"], text["en"])]
    units = "".join(
        f'<trans-unit id="{number}"><source>{german}</source><target>{english}</target></trans-unit>'
        for number, (german, english) in enumerate(pairs)
    )
    sides = 'source-language="de" target-language="en"'
    return f'<xliff version="1.2"><file original="a" {sides}><body>{units}</body></file></xliff>'


def _tmx(text: dict[str, list[str]], rows: slice) -> str:
    def variant(language: str, line: str) -> str:
        return f'<tuv xml:lang="{language}"><seg>{escape(line)}</seg></tuv>'

    pairs = zip(text["en"][rows], text["de"][rows])
    units = "".join(f"<tu>{variant('en', english)}{variant('de', german)}</tu>" for english, german in pairs)
    return f'<tmx version="1.4"><header/><body>{units}</body></tmx>'


def _xliff(text: dict[str, list[str]]) -> str:
    units = "".join(
        f'<trans-unit id="{i}"><source>{escape(english)}</source><target>{escape(german)}</target></trans-unit>'
        for i, (english, german) in enumerate(zip(text["en"], text["de"]))
    )
    file = f'<file source-language="en" target-language="de"><body>{units}</body></file>'
    return f'<xliff version="1.2">{file}</xliff>'


def _download(folder: Path, identifier: str, rows: Iterable[tuple[str, str]]) -> None:
    """Put a public corpus into the folder of downloads, as if it had been downloaded."""
    os.environ[VARIABLE] = str(folder)
    try:
        url = f"https://example.org/{identifier}.tsv.gz"
        path = place_of(url, identifier)
        write(path, ("\t".join(row) for row in rows), gzip.compress)
        entry = Entry(identifier, (url,), path.name, "tsv.gz", False, (), (0, 1), (), "0.5.1")
        write_record(identifier, entry, [path], ())
    finally:
        del os.environ[VARIABLE]


PLACES: dict[str, Callable[[Path], dict[str, str] | None]] = {
    README: _readme,
    "docs/corpora.md": _corpora,
    "docs/corpus-store.md": _corpus_store,
    "docs/from-fairseq.md": _from_fairseq,
    "docs/leakage.md": _leakage,
    "docs/probe.md": _probe,
    "docs/readers.md": _readers,
    "docs/training.md": _training,
}
