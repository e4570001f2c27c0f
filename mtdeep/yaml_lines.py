"""YAML with the line of every key, so that a problem in a configuration can be shown where it stands."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from yaml.constructor import ConstructorError
from yaml.reader import ReaderError

from mtdeep.errors import UserError

Location = tuple[str | int, ...]
_MOST = 100_000  # keys, items and values of a document, aliases written out: a few lines of them may say billions
_NO_TEXT = re.compile("[\0\ud800-\udfff]")


class _Loader(yaml.SafeLoader):
    """A loader that says where a number or date stands that Python has none for."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except ValueError as error:
            raise ConstructorError(problem=str(error), problem_mark=node.start_mark) from error


def load(path: Path) -> tuple[object, dict[Location, int]]:
    """Return the document and the line (from 1) of each key and list item, by its path from the top.

    Raises UserError when the file cannot be read, is no YAML, says a key twice (YAML would keep the last silently),
    holds characters that no text has (NUL, halves of surrogate pairs), more than 100,000 values, or itself.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); give a YAML configuration") from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise UserError(f"{path}:{line}: invalid UTF-8 at byte {error.start}; save the file as UTF-8") from error
    lines: dict[Location, int] = {(): 1}
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None:
            return None, lines
        _walk(node, (), lines, path)
        return loader.construct_document(node), lines
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise UserError(f"{path}:{line}: holds the character U+{error.character:04X}; remove it") from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise UserError(f"{path}:{line}: not valid YAML, {error.problem}; mend it there") from error
    except RecursionError:
        raise UserError(f"{path}:1: nested too deeply, or an alias stands inside its anchor; mend that") from None


def line_of(location: Location, lines: Mapping[Location, int]) -> int:
    """Return the line of *location*, or of the nearest place above it that the file has."""
    while location not in lines:
        location = location[:-1]
    return lines[location]


def _walk(node: yaml.Node, here: Location, lines: dict[Location, int], path: Path) -> None:
    line = node.start_mark.line + 1
    if len(lines) > _MOST:
        raise UserError(f"{path}:{line}: more than {_MOST:,} values, aliases written out; say less with aliases")
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                raise UserError(f"{path}:{line}: a list or mapping stands where a key should; write a word")
            _check_text(key, path)
            place = (*here, key.value)
            if place in lines:
                first = lines[place]
                raise UserError(f"{path}:{line}: key {key.value!r} stands twice (first in line {first}); remove one")
            lines[place] = line
            _walk(value, place, lines, path)
    elif isinstance(node, yaml.SequenceNode):
        for i, value in enumerate(node.value):
            lines[*here, i] = value.start_mark.line + 1
            _walk(value, (*here, i), lines, path)
    elif isinstance(node, yaml.ScalarNode):
        _check_text(node, path)


def _check_text(scalar: yaml.ScalarNode, path: Path) -> None:
    if found := _NO_TEXT.search(scalar.value):
        line = scalar.start_mark.line + 1
        raise UserError(f"{path}:{line}: holds the character U+{ord(found[0]):04X}; remove it")
