"""YAML with the line of every key, so that a problem in a configuration can be shown where it stands."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import yaml

from mtdeep.errors import UserError

Location = tuple[str | int, ...]


def load(path: Path) -> tuple[object, dict[Location, int]]:
    """Return the document and the line (from 1) of each key and list item, by its path from the top.

    Raises UserError when the file cannot be read, is no YAML, or says a key twice (YAML would keep the last silently).
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); give a YAML configuration") from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise UserError(f"{path}:{line}: invalid UTF-8 at byte {error.start}; save the file as UTF-8") from error
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = error.problem_mark if isinstance(error, yaml.MarkedYAMLError) else None
        problem = error.problem if isinstance(error, yaml.MarkedYAMLError) else str(error)
        raise UserError(f"{path}:{mark.line + 1 if mark else 1}: not valid YAML, {problem}; mend it there") from error
    lines: dict[Location, int] = {(): 1}
    if node is not None:
        _walk(node, (), lines, path)
    return document, lines


def line_of(location: Location, lines: Mapping[Location, int]) -> int:
    """Return the line of *location*, or of the nearest place above it that the file has."""
    while location not in lines:
        location = location[:-1]
    return lines[location]


def _walk(node: yaml.Node, here: Location, lines: dict[Location, int], path: Path) -> None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            place = (*here, key.value)
            line = key.start_mark.line + 1
            if place in lines:
                raise UserError(f"{path}:{line}: key {key.value!r} stands twice (first in line {lines[place]})")
            lines[place] = line
            _walk(value, place, lines, path)
    elif isinstance(node, yaml.SequenceNode):
        for i, value in enumerate(node.value):
            lines[*here, i] = value.start_mark.line + 1
            _walk(value, (*here, i), lines, path)
