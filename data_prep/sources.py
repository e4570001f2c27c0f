"""What a configuration says of a corpus's files, as sources: a reader's name and the options of its dataclass."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, fields, replace
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from data_prep.readers.cldr.source import CldrPhrases
from data_prep.readers.jsonl import Jsonl
from data_prep.readers.moses_zip import MosesZip
from data_prep.readers.parquet import Parquet
from data_prep.readers.plain_text import PlainText
from data_prep.readers.po import Gettext
from data_prep.readers.source import Source
from data_prep.readers.store import StoreRows
from data_prep.readers.tmx import Tmx
from data_prep.readers.tsv import Tsv
from data_prep.readers.wmt_sgm import WmtSgm
from data_prep.readers.wmt_xml import WmtXml
from data_prep.readers.xliff import Xliff
from data_prep.strict import by_name, canonical, objection

READERS: Mapping[str, type[Source]] = {
    "plain_text": PlainText,
    "tsv": Tsv,
    "jsonl": Jsonl,
    "tmx": Tmx,
    "wmt_xml": WmtXml,
    "wmt_sgm": WmtSgm,
    "xliff": Xliff,
    "moses_zip": MosesZip,
    "gettext": Gettext,
    "parquet": Parquet,
    "store": StoreRows,
    "cldr": CldrPhrases,
}
PATTERN = "{language}"
_BY_LANGUAGE = ("files", "columns", "keys", "members")
"""Options that are mappings from a language."""
_OF_LANGUAGE = ("source", "target")
"""Options that are a language."""
Options = str | Mapping[str, Any]


def make_source(reader: str, given: Options, languages: Sequence[str], at: Callable[[str], Path]) -> Source:
    """Return the source that *given* describes, for canonical codes of the corpus's *languages*, perhaps none.

    *given* are the options of the reader's dataclass, or shorter: a path where it reads one file; a path with
    `{language}` in it, or a mapping from languages to paths, where it reads one for each. A text with `{language}` in
    it may stand for any mapping from languages (columns, keys, members). *at* makes paths of what was written. Raises
    ValueError, in one sentence, for what the reader cannot be made of.
    """
    kind = READERS[reader]
    known = {field.name: field for field in fields(kind)}  # type: ignore[arg-type]  # every source is a dataclass
    options = _in_full(given, known, languages, reader)
    if "languages" in known and "languages" not in options and languages:
        options["languages"] = list(languages)
    for name in options:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
            hint = f"did you mean {close[0]!r}?" if close else f"its options are {', '.join(known)}"
            raise ValueError(f"reader {reader} has no option {name!r}; {hint}")
    required = [name for name, f in known.items() if f.default is MISSING and f.default_factory is MISSING]
    if missing := [name for name in required if not options.get(name)]:
        raise ValueError(f"reader {reader} needs {', '.join(missing)}")
    try:
        source: Source = _adapter(kind).validate_python(options)
    except ValidationError as error:
        problem = error.errors()[0]
        raise ValueError(f"{'.'.join(map(str, problem['loc']))}: {objection(problem)}") from error
    return _canonical(source, at)


def _in_full(given: Options, known: Mapping[str, Any], languages: Sequence[str], reader: str) -> dict[str, Any]:
    if isinstance(given, str):
        if "path" in known:
            return {"path": given}
        if "files" not in known:
            raise ValueError(f"reader {reader} reads no file; give its options in place of {given!r}")
        if PATTERN not in given:
            raise ValueError(f"{given!r} needs {PATTERN} where the code stands, or a path for each language")
        given = {"files": given}
    elif "files" in known and given and not set(given) & set(known):
        given = {"files": given}
    return {name: _of_each(value, languages) if name in _BY_LANGUAGE else value for name, value in given.items()}


def _of_each(value: Any, languages: Sequence[str]) -> Any:
    """Return the mapping from languages that a pattern stands for."""
    if not isinstance(value, str) or PATTERN not in value:
        return value
    if not languages:
        raise ValueError(f"the pattern {value!r} needs `languages`, a list of codes")
    return {code: value.replace(PATTERN, code) for code in languages}


def _canonical(source: Source, at: Callable[[str], Path]) -> Source:
    """Return the source with canonical codes and whole paths."""
    changed: dict[str, Any] = {}
    for field in fields(source):  # type: ignore[arg-type]
        value = getattr(source, field.name)
        if field.name in _BY_LANGUAGE:
            value = by_name(value.items())
        elif field.name == "languages":
            value = tuple(by_name((code, None) for code in value))
        elif field.name in _OF_LANGUAGE and value is not None:
            value = canonical(value)
            if value in changed.values():
                raise ValueError(f"{field.name} {value!r} is the same language as the source; correct one")
        changed[field.name] = _placed(value, at)
    made: Source = replace(source, **changed)  # type: ignore[type-var]
    if isinstance(made, Gettext) and made.clash:
        raise ValueError(made.clash)
    return made


def _placed(value: Any, at: Callable[[str], Path]) -> Any:
    if isinstance(value, Path):
        return at(str(value))
    if isinstance(value, Mapping):
        return {key: _placed(item, at) for key, item in value.items()}
    return value


@cache
def _adapter(kind: type[Source]) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
