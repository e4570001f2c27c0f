"""The tables that ship with the code and decide text, by one rule, so that none is forgotten when it is added.

They are every `.tsv` of the two packages, and the constants of their modules on languages and on cleaning that are
mappings, sets or sequences. A comment or another layout changes nothing: what counts are rows and tokens.
"""

from __future__ import annotations

import ast
import tokenize
from collections.abc import Iterator, Mapping
from importlib.resources import files
from io import StringIO
from pathlib import Path

import xxhash

PACKAGES: Mapping[str, Path] = {name: Path(str(files(name))) for name in ("mtdeep", "data_prep")}
"""Name -> folder."""
CODED = ("mtdeep/language*.py", "data_prep/cleaning/*.py")
"""Patterns of the modules whose constants count."""
ONLY_SHOWN = frozenset({"mtdeep/languages.py:_NAMES"})
"""Constants among them that decide no text."""
_LAYOUT = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
_COLLECTIONS = {"dict", "frozenset", "set", "tuple", "list"}


def digest(packages: Mapping[str, Path] | None = None) -> str:
    """Return the xxh3-64 of all tables in *packages*, name -> folder; by default of the installed ones."""
    hashed = xxhash.xxh3_64()
    for name, content in tables(packages or PACKAGES):
        hashed.update(f"{name}\0{content}\0".encode())
    return hashed.hexdigest()


def tables(packages: Mapping[str, Path]) -> Iterator[tuple[str, str]]:
    """Yield name and content of every table, in a fixed order: `PACKAGE/FILE`, of a constant with `:NAME` behind."""
    for package, folder in sorted(packages.items()):
        for file in sorted(folder.rglob("*.tsv")):
            lines = file.read_text(encoding="utf-8").splitlines()
            yield _named(package, folder, file), "\n".join(line for line in lines if not line.startswith("#"))
    for pattern in CODED:
        package, _, inside = pattern.partition("/")
        for file in sorted(packages[package].glob(inside)):
            name = _named(package, packages[package], file)
            for constant, content in _constants(file.read_text(encoding="utf-8")):
                if (full := f"{name}:{constant}") not in ONLY_SHOWN:
                    yield full, content


def _named(package: str, folder: Path, file: Path) -> str:
    return f"{package}/{file.relative_to(folder).as_posix()}"


def _constants(code: str) -> Iterator[tuple[str, str]]:
    """Yield name and tokens of the collections that a module gives names in capitals."""
    for node in ast.parse(code).body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                pass
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                pass
            case _:
                continue
        if name.isupper() and _is_collection(value):
            # In brackets, since what stands in several lines is no whole expression to the tokenizer.
            text = StringIO(f"({ast.get_source_segment(code, value)})")
            found = (token for token in tokenize.generate_tokens(text.readline) if token.type not in _LAYOUT)
            yield name, " ".join(token.string for token in found)


def _is_collection(value: ast.expr) -> bool:
    match value:
        case ast.Dict() | ast.Set() | ast.Tuple() | ast.List():
            return True
        case ast.BinOp(left=left, right=right):
            return _is_collection(left) or _is_collection(right)
        case ast.Call(func=ast.Name(id=name)):
            return name in _COLLECTIONS
        case ast.Call(func=ast.Attribute(value=ast.Name(id=name))):
            return name in _COLLECTIONS
    return False
