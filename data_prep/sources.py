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


class LanguagesNeeded(ValueError):
    """Raised for options that a list of languages would complete."""


def make_source(reader: str, given: Options, languages: Sequence[str], at: Callable[[str], Path]) -> Source:
    """Return the source that *given* describes, for canonical codes of the corpus's *languages*, perhaps none.

    *given* are the options of the reader's dataclass, or shorter: a path where it reads one file; a path with
    `{language}` in it, or a mapping from languages to paths, where it reads one for each, of which one language needs
    neither. A text with `{language}` in it may stand for any mapping from languages (columns, keys, members). Two
    languages are the source and the target of a reader that asks for these. *at* makes paths of what was written.
    Raises ValueError, in one sentence, for what the reader cannot be made of.
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
        by_languages = {"languages", *_OF_LANGUAGE}.issuperset(missing)
        raise (LanguagesNeeded if by_languages else ValueError)(f"reader {reader} needs {', '.join(missing)}")
    try:
        source: Source = _adapter(kind).validate_python(options)
    except ValidationError as error:
        problem = error.errors()[0]
        raise ValueError(f"{'.'.join(map(str, problem['loc']))}: {objection(problem)}") from error
    return _canonical(source, at)


def reads_by_language(reader: str) -> bool:
    """Tell whether a reader reads a file for each language."""
    return any(field.name == "files" for field in fields(READERS[reader]))  # type: ignore[arg-type]


def takes_languages(reader: str) -> bool:
    """Tell whether a corpus's `languages` mean something to a reader whose options have no pattern."""
    known = {field.name for field in fields(READERS[reader])}  # type: ignore[arg-type]
    return "languages" in known or known.issuperset(_OF_LANGUAGE)


def _in_full(given: Options, known: Mapping[str, Any], languages: Sequence[str], reader: str) -> dict[str, Any]:
    if isinstance(given, str):
        if "path" not in known and "files" not in known:
            raise ValueError(f"reader {reader} reads no file; give its options in place of {given!r}")
        given = {"path" if "path" in known else "files": given}
    elif "files" in known and given and not set(given) & set(known):
        given = {"files": given}
    sides = [side for side in _OF_LANGUAGE if side in known]
    if len(sides) == 2 and languages:
        given = _with_sides(given, sides, languages)
    if "files" in known:  # the source there is what the file's own names are written in, and has no file
        own = given.get("source", known["source"].default) if "source" in known else None
        if isinstance(own, str):
            languages = [code for code in languages if canonical(code) != canonical(own)]
    return {name: _of_each(value, languages, name) if name in _BY_LANGUAGE else value for name, value in given.items()}


def _with_sides(given: Mapping[str, Any], sides: Sequence[str], languages: Sequence[str]) -> Mapping[str, Any]:
    """Return options with the source and the target, which two languages say where the options do not."""
    said = {canonical(given[side]) for side in sides if isinstance(given.get(side), str)}
    if said and not said.issuperset(map(canonical, languages)):
        raise ValueError(f"`languages` are not its {' and '.join(sides)}; give one of both")
    if set(sides) & set(given) or len(languages) != 2:
        return given
    return {**given, **dict(zip(sides, languages, strict=True))}


def _of_each(value: Any, languages: Sequence[str], option: str) -> Any:
    """Return the mapping from languages that a pattern stands for, or the path of a file of one language."""
    if not isinstance(value, str):
        return value
    if PATTERN in value:
        if not languages:
            raise LanguagesNeeded(f"the pattern {value!r} needs `languages`, a list of codes")
        return {code: value.replace(PATTERN, code) for code in languages}
    if option == "files":
        if len(languages) == 1:
            return {languages[0]: value}
        raise ValueError(f"{value!r} needs {PATTERN} where the code stands, or a path for each language")
    return value


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
