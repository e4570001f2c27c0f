"""A source whose paths are patterns, as the sources that it means: one for each set of files that go together."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from data_prep.file_patterns import LANGUAGE, Filling, has_wildcard, matches, wildcards
from data_prep.pairs import is_standard
from data_prep.readers.compression import SUFFIXES as COMPRESSED_SUFFIXES
from data_prep.readers.po import Gettext
from data_prep.readers.source import Source
from data_prep.sources import Options, make_source
from mtdeep.languages import find

At = Callable[[str], Path]
_Place = tuple[str, str | None]
"""A field of a source with a path, and of a mapping the language."""
EXAMPLES = ["en", "de"]
"""Languages with which options are tried before their files are looked for."""
_CODESET = re.compile(r"\.[^@]*")
_ENDINGS = frozenset(
    "asc bak bck bib bin bkp bmp bup cfg cls com csv dbf dif doc err inc jar key lib lex log lst mdb npy odt old pem "
    "png ppt pth pyc rar raw rej sav sha sig sum swp tab tar tex tgz tmp txt xls xml yml".split()
)
"""Endings of files that hold no text of a language, though ISO 639-3 has most of them for one."""


def expanded(source: Source, root: Path) -> list[Source]:
    """Return one source for each way to fill the wildcards of a source's paths, in the order of these paths.

    The wildcards of all its paths stand for the same: `{language}/*.txt` are the files that have one name in every
    language. A path that is there as it is written is no pattern. *root* is what relative paths are below. Raises
    ValueError, in one sentence, for a pattern that nothing matches and a file without its counterparts.
    """
    patterns = [place for place, path in _paths(source).items() if is_pattern(path, root)]
    if not patterns:
        return [source]
    found = [_by_filling(_paths(source)[place], root) for place in patterns]
    common = set(found[0]).intersection(*found[1:])
    rows = sorted({tuple(files[filling] for files in found) for filling in common})
    for i, files in enumerate(found):
        used = Counter(row[i] for row in rows)
        if alone := sorted(set(files.values()) - used.keys()):
            others = ", ".join(str(_paths(source)[place]) for place in patterns if place != patterns[i])
            raise ValueError(f"{alone[0]} has no counterpart among {others}; add it, or correct the patterns")
        if twice := [path for path, rows_of_it in used.items() if rows_of_it > 1]:
            raise ValueError(f"{twice[0]} goes with several files by these patterns; name the files one by one")
    return [_with(source, dict(zip(patterns, row, strict=True))) for row in rows]


@dataclass(frozen=True)
class EveryLanguage:
    """The sources of all languages that there are files of; *left_out*: files that are none of them, and why."""

    sources: Sequence[Source]
    left_out: Mapping[Path, str] = field(default_factory=dict)


def every_language(reader: str, given: Options, at: At) -> EveryLanguage:
    """Return the sources that `languages: all` means: a source for each way to fill the wildcards, of its languages.

    Raises ValueError as `make_source` does, and where there is no file of a language.
    """
    options: Mapping[str, Any] = {"files": given} if isinstance(given, str) else given
    pattern = options["files"]
    example = make_source(reader, options, EXAMPLES, at)
    own = example.source if isinstance(example, Gettext) else None
    groups: dict[tuple[str, ...], dict[str, Path]] = {}
    left_out: dict[Path, str] = {}
    for path, fillings in matches(at(pattern), at(""), locales=True):
        if not path.is_file():
            continue
        filling = _reading(fillings)
        code = _language(filling)
        files = groups.setdefault(wildcards(filling), {})
        if code is None:
            left_out[path] = f"{filling[LANGUAGE]} is no language's code"
        elif _is_ending(path, spelt := _CODESET.sub("", filling[LANGUAGE])):
            left_out[path] = f"{spelt} is most likely no language here; if it is, list `languages`"
        elif code == own:
            left_out[path] = f"{code} is what the messages themselves are written in"
        elif code in files:
            left_out[path] = f"it is {code}, as {files[code]} is"
        else:
            files[code] = path
    known = {str(path): path for files in groups.values() for path in files.values()}
    sources = [
        make_source(
            reader,
            {**options, "files": {code: str(path) for code, path in files.items()}},
            (),
            lambda path: known.get(path) or at(path),
        )
        for _, files in sorted(groups.items())
        if files
    ]
    if not sources:
        raise ValueError(f"no file of a language matches {pattern!r}; correct the pattern")
    if open_ones := [path for path in _paths(sources[0]).values() if is_pattern(path, at(""))]:
        raise ValueError(f"{open_ones[0]} is a pattern, which goes with a list of `languages`, not with all")
    return EveryLanguage(sources, left_out)


def _reading(fillings: Sequence[Filling]) -> Filling:
    """Return the way to read a name by which its code is most likely one."""
    known = [filling for filling in fillings if _language(filling)]
    standard = [filling for filling in known if is_standard(filling[LANGUAGE])]
    return max(standard or known or fillings, key=lambda filling: len(filling[LANGUAGE]))


def _language(filling: Filling) -> str | None:
    """Return the canonical code of a language or of a POSIX locale's name (`pt_BR.UTF-8`, `sr@latin`)."""
    return find(_CODESET.sub("", filling[LANGUAGE]))


def resolved(source: Source) -> Source:
    """Return a source with every path as that of the file itself, without links."""
    return _with(source, {place: Path(os.path.realpath(path)) for place, path in _every_path(source)})


def _is_ending(path: Path, code: str) -> bool:
    """Tell whether what stands for a code ends the file's name, but for its compression, as other files' kinds do."""
    name = path.with_suffix("") if path.suffix.lower() in COMPRESSED_SUFFIXES else path
    return code.lower() in _ENDINGS and name.suffix == f".{code}"


def _paths(source: Source) -> dict[_Place, Path]:
    """Return the input files of a source, by the fields that name them."""
    return {place: path for place, path in _every_path(source) if path in source.inputs}


def _every_path(source: Source) -> Iterator[tuple[_Place, Path]]:
    for one in fields(source):  # type: ignore[arg-type]  # every source is a dataclass
        value = getattr(source, one.name)
        if isinstance(value, Path):
            yield (one.name, None), value
        elif isinstance(value, Mapping):
            yield from (((one.name, key), path) for key, path in value.items() if isinstance(path, Path))


def is_pattern(path: Path, root: Path) -> bool:
    """Tell whether a path has wildcards behind *root*, and is no file's own name."""
    below = path.relative_to(root) if path.is_relative_to(root) else path
    return has_wildcard(str(below)) and not _exists(path)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a name that is too long
        return False


def _by_filling(pattern: Path, root: Path) -> dict[tuple[str, ...], Path]:
    found = {
        wildcards(filling): path for path, fillings in matches(pattern, root) if path.is_file() for filling in fillings
    }
    if not found:
        raise ValueError(f"no file matches {pattern}; correct the pattern")
    return found


def _with(source: Source, paths: Mapping[_Place, Path]) -> Source:
    changed: dict[str, Any] = {}
    for (name, key), path in paths.items():
        if key is None:
            changed[name] = path
        else:
            changed[name] = {**changed.get(name, getattr(source, name)), key: path}
    made: Source = replace(source, **changed)  # type: ignore[type-var]
    return made
