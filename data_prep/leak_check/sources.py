"""What a user writes for a corpus on the command line, as sources."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from data_prep.environment import expand, is_utf8
from data_prep.file_patterns import matches
from data_prep.input_files import objection_to
from data_prep.many_files import expanded, is_pattern
from data_prep.readers.compression import SUFFIXES as COMPRESSED_SUFFIXES
from data_prep.readers.source import Source
from data_prep.readers.spellings import Spellings
from data_prep.readers.store import StoreRows
from data_prep.readers.xliff_languages import xliff_languages
from data_prep.sources import PATTERN, READERS, LanguagesNeeded, make_source
from mtdeep.corpus.manifest import MANIFEST
from mtdeep.corpus.store import Store
from mtdeep.errors import UserError, shortened
from mtdeep.languages import resolve

TRAIN = "train"
_READER_OF = {
    ".tmx": "tmx",
    ".xml": "wmt_xml",
    ".sgm": "wmt_sgm",
    ".xlf": "xliff",
    ".xliff": "xliff",
    ".sdlxliff": "xliff",
    ".mqxliff": "xliff",
    ".mxliff": "xliff",
    ".zip": "moses_zip",
    ".tsv": "tsv",
    ".jsonl": "jsonl",
    ".parquet": "parquet",
    ".po": "gettext",
    ".mo": "gettext",
}


@dataclass(frozen=True)
class Corpus:
    """Text under the name that the report gives it."""

    name: str
    source: Source


def corpora_of(option: str, given: Sequence[str], languages: Sequence[str]) -> list[Corpus]:
    """Return what is *given*, each a path, a path with `{language}` in it, a store, or options in braces as YAML.

    The reader is known by the path's ending, plain text for all others. Braces hold what the configuration of `mtdeep
    prepare` has for a corpus: `{reader: tsv, path: a.tsv, columns: {en: 1, de: 2}}`; without `reader` they are plain
    text files by language. `name` names the corpus in the report, which otherwise has it as it is written. A pattern
    (`*.xlf`) means each of its files. *languages*
    are asked of a reader that reads any. Of a store the scored splits are meant. Raises UserError, with *option*.
    """
    found = [corpus for written in given for corpus in _meant(option, written, languages)]
    names = [corpus.name for corpus in found]
    if again := [name for name in names if names.count(name) > 1]:
        raise UserError(f"{option}: {again[0]!r} is given twice; leave one out, or give it a name ({{name: ...}})")
    return found


def scored_splits(store: Store, languages: Sequence[str] = ()) -> list[Corpus]:
    """Return the corpora of all splits of a store but the training split, of *languages* alone if any are given.

    Raises UserError when there are none, and for a language that none of them has.
    """
    scored = [(split, corpus) for split in store.splits if split != TRAIN for corpus in store.corpora(split)]
    if not scored:
        raise UserError(f"{store.path}: the store has no split but {TRAIN!r}; give test sets with --test")
    held = [code for code in store.languages if any(code in corpus.languages for _, corpus in scored)]
    wanted = [resolve(language, held) for language in languages] or held
    if lacking := [code for code in wanted if code not in held]:
        raise UserError(
            f"--languages: the scored splits of {store.path} have no {shortened(lacking)}, only {shortened(held, 20)}; "
            "leave it out, or give test sets with --test"
        )
    found = [
        (f"{one.name}/{split}", one.name, tuple(code for code in one.languages if code in wanted), split)
        for split, one in scored
    ]
    return [Corpus(name, StoreRows(store.path, one, codes, split)) for name, one, codes, split in found if codes]


def _meant(option: str, written: str, languages: Sequence[str]) -> list[Corpus]:
    if not is_utf8(written):
        raise UserError(f"{option} {written!r}: its name is not UTF-8; rename it")
    if not _is_mapping(written):
        if (Path(written) / MANIFEST).is_file():
            return scored_splits(Store(written))
        if is_pattern(_at(written), _at("")) and PATTERN not in written:
            return [corpus for path in _matching(option, written) for corpus in _meant(option, path, languages)]
        return _corpora(written, _sources(option, written, _reader_of(written), written, languages))
    try:
        options = yaml.safe_load(written)
    except yaml.YAMLError as error:
        problem = error.problem if isinstance(error, yaml.MarkedYAMLError) else error
        raise UserError(f"{option} {written!r}: not valid YAML, {problem}; mend it there") from error
    if not isinstance(options, dict):
        raise UserError(f"{option} {written!r}: no options; write {{reader: NAME, path: FILE}}")
    options = {str(key): value for key, value in options.items()}
    name, reader = str(options.pop("name", written)), str(options.pop("reader", "plain_text"))
    if reader == "mtdata" or "pairs" in options:
        raise UserError(f"{option} {written!r}: ids of mtdata and `pairs` are for mtdeep prepare; give the files")
    if reader not in READERS:
        raise UserError(f"{option} {written!r}: no reader {reader!r}; there are {', '.join(READERS)}")
    return _corpora(name, _sources(option, written, reader, options, languages))


def _matching(option: str, pattern: str) -> list[str]:
    try:
        found = [str(path) for path, _ in matches(_at(pattern), _at("")) if path.is_file()]
    except ValueError as error:
        raise UserError(f"{option} {pattern!r}: {error}") from error
    if not found:
        raise UserError(f"{option} {pattern!r}: no file matches it; correct the pattern")
    return found


def _corpora(name: str, sources: Sequence[Source]) -> list[Corpus]:
    """Return one corpus, or one for each of the files that a pattern means, named after these."""
    return [Corpus(name if len(sources) == 1 else str(source.inputs[0]), source) for source in sources]


def _sides(path: Path, languages: Sequence[str]) -> list[str]:
    """Return the source and the target of an XLIFF file, those of *languages* that it says it is in.

    What it does not say is the other of two languages; where none are asked for, the file's own are meant. Raises
    ValueError where that leaves a side open.
    """
    own = xliff_languages(path)
    if own is None:
        raise ValueError("it has no unit to compare; leave it out")
    codes = [resolve(code) for code in languages or filter(None, own)]
    places = [None if spelt is None else Spellings(codes).column(spelt) for spelt in own]
    if len(codes) == 2 and None in own and places.count(None) == 1:
        places = [1 - sum(filter(None, places)) if place is None else place for place in places]
    found = [codes[place] for place in places if place is not None]
    if len(set(found)) != 2:
        said = " and ".join(spelt or "a language that it does not name" for spelt in own)
        raise ValueError(
            f"it is in {said}, which are not two of the languages {shortened(codes, 10) or 'asked for'}; give "
            "--languages, or {reader: xliff, path: FILE, source: CODE, target: CODE}"
        )
    return found


def _at(path: str) -> Path:
    return Path(expand(path))


def _is_mapping(written: str) -> bool:
    """Tell options in braces from a path that begins with the place of the language."""
    return written.startswith("{") and not written.startswith(PATTERN)


def _reader_of(path: str) -> str:
    suffixes = [suffix.lower() for suffix in Path(path).suffixes]
    while suffixes and suffixes[-1] in COMPRESSED_SUFFIXES:
        suffixes.pop()
    return _READER_OF.get(suffixes[-1], "plain_text") if suffixes else "plain_text"


def _sources(option: str, written: str, reader: str, given: object, languages: Sequence[str]) -> list[Source]:
    try:
        if reader == "xliff" and isinstance(given, str) and _at(given).is_file():
            languages = _sides(_at(given), languages)
        sources = expanded(make_source(reader, given, languages, _at), _at(""))  # type: ignore[arg-type]
    except LanguagesNeeded as error:
        raise UserError(f"{option} {written!r}: {error}; give --languages") from error
    except ValueError as error:
        raise UserError(f"{option} {written!r}: {error}") from error
    objections = (objection_to(path) for source in sources for path in source.inputs)
    if objection := next(filter(None, objections), None):
        raise UserError(f"{option} {written!r}: {objection}{', or --languages' if PATTERN in written else ''}")
    return sources
