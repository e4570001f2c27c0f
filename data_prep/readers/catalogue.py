"""One gettext catalogue, PO or MO, read by polib, which is given no chance to lose anything."""

from __future__ import annotations

import gettext
import re
import struct
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polib

from data_prep.readers.lines import check_line_ends
from data_prep.readers.opening import read_whole
from data_prep.readers.rows import on_one_line
from mtdeep.errors import UserError

MOST_BYTES = 64 << 20  # of one catalogue, which is read as a whole
_MO = {b"\xde\x12\x04\x95": "<", b"\x95\x04\x12\xde": ">"}  # first bytes -> byte order
_RULE = re.compile(r"plural\s*=\s*([^;\n]+)")
_LINE = re.compile(r"line (\d+)")

Key = tuple[str, str]
"""Context and msgid: what a message is known by in every catalogue."""


@dataclass(frozen=True)
class Message:
    """A message's translations: one, or with *plural*, the msgid of the plural, as many as the language has forms."""

    forms: tuple[str, ...]
    plural: str | None = None


@dataclass
class Catalogue:
    """The messages of one file; *form* says which of a message's forms goes with a number; *aside* counts the rest."""

    messages: dict[Key, Message] = field(default_factory=dict)
    form: Callable[[int], int] = lambda number: int(number != 1)
    aside: Counter[str] = field(default_factory=Counter)


class _Lines(str):
    """A PO file's text. polib takes splitlines(), which also splits where a string has U+2028 or a form feed."""

    def splitlines(self, keepends: bool = False) -> list[str]:
        return self.split("\n")


def read_catalogue(path: Path, *, fuzzy: bool, obsolete: bool) -> Catalogue:
    """Return the catalogue in *path*, with or without fuzzy and obsolete messages; those left aside are counted.

    Raises UserError for a file that is damaged, above `MOST_BYTES`, or in an encoding other than it says.
    """
    content = read_whole(path, MOST_BYTES)
    order = _MO.get(content[:4])
    encoding = polib.detect_encoding(content)
    try:
        if order:
            _check_mo(path, content, order)
            read = polib.mofile(content)
        else:
            if b"\n" not in content:
                check_line_ends(content, path)
            text = content.decode(encoding).removeprefix("\ufeff")
            _check_strings(path, text)
            read = polib.pofile(_Lines(text + "\n"))  # with a line's end it is never taken for a file's name
    except (UnicodeDecodeError, LookupError) as error:
        raise UserError(
            f"{path}: not the encoding {encoding!r} that it is in by its header ({error}); correct one of them"
        ) from error
    except (OSError, ValueError, struct.error) as error:
        what = on_one_line(str(error))
        line = _LINE.search(what)
        raise UserError(
            f"{path}:{line[1] if line else 1}: no PO or MO file that can be read ({what}); correct it or fetch it again"
        ) from error
    found = Catalogue()
    for entry in read:
        _add(found, entry, fuzzy=fuzzy, obsolete=obsolete)
    # A template's rule is a mere place for one ("plural=EXPRESSION"), and nothing is chosen by it.
    if any(message.plural and any(message.forms) for message in found.messages.values()):
        found.form = _rule(path, read.metadata)
    return found


def _add(catalogue: Catalogue, entry: polib.POEntry | polib.MOEntry, *, fuzzy: bool, obsolete: bool) -> None:
    key = (entry.msgctxt or "", entry.msgid)
    forms = tuple(entry.msgstr_plural[i] for i in sorted(entry.msgstr_plural)) or (entry.msgstr,)
    if entry.obsolete and not obsolete:
        catalogue.aside["obsolete message"] += 1
    elif "fuzzy" in entry.flags and not fuzzy:
        catalogue.aside["fuzzy message"] += 1
        catalogue.messages.setdefault(key, Message(("",) * len(forms), entry.msgid_plural or None))
    elif key in catalogue.messages:
        catalogue.aside["message again in one catalogue"] += 1
    else:
        catalogue.messages[key] = Message(forms, entry.msgid_plural or None)


def _rule(path: Path, metadata: Mapping[str, str]) -> Callable[[int], int]:
    """Return the plural rule of the header, English's where there is none."""
    rule = _RULE.search(metadata.get("Plural-Forms", ""))
    if rule is None:
        return lambda number: int(number != 1)
    try:
        form: Callable[[int], int] = gettext.c2py(rule[1].strip())
        form(0), form(1), form(2)
    except (ValueError, ArithmeticError) as error:
        raise UserError(f"{path}: the plural rule {rule[1][:80]!r} cannot be read; correct it") from error
    return form


def _check_strings(path: Path, text: str) -> None:
    """Raise UserError for a string without its end, of which polib would drop the last letter."""
    for number, line in enumerate(text.split("\n"), start=1):
        plain = line.strip()
        if plain and not plain.startswith("#") and not (plain.endswith('"') and plain.count('"') > 1):
            shown = on_one_line(plain)
            raise UserError(f"{path}:{number}: no string in quotes ({shown}); correct the file or fetch it again")


def _check_mo(path: Path, content: bytes, order: str) -> None:
    """Raise UserError when a string lies beyond the file's end, where polib would read less, and for a bomb."""
    count, *starts = struct.unpack_from(f"{order}3I", content, 8)
    for start in starts:
        table = np.frombuffer(content, dtype=f"{order}u4", count=2 * count, offset=start).reshape(count, 2)
        lengths, offsets = table.astype(np.int64).T
        if count and int((lengths + offsets).max()) > len(content):
            raise UserError(f"{path}: breaks off, it has strings beyond its end; fetch it again")
        if int(lengths.sum()) > 4 * len(content):
            raise UserError(f"{path}: its strings are longer than the file, as no program writes them; leave it out")
