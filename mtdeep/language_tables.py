"""Tables of languages that ship beside langcodes' own.

`language_scripts.tsv` was made by `scripts/language_scripts.py`, whose sources' licences are beside it, and
`new_languages.tsv` by `scripts/new_languages.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import NamedTuple


class NewLanguage(NamedTuple):
    """A language that joined IANA's registry after langcodes took it over: its macrolanguage, if any, and its name."""

    macrolanguage: str | None
    name: str


@cache
def attested_scripts() -> Mapping[str, tuple[str, ...]]:
    """Return language -> ISO 15924 codes of the scripts that it is written in, the likeliest first."""
    return {language: tuple(scripts.split()) for scripts, languages in _rows("language_scripts.tsv")
            for language in languages.split()}  # fmt: skip


@cache
def new_languages() -> Mapping[str, NewLanguage]:
    """Return code -> what the registry says of a language that langcodes does not know yet."""
    return {
        code: NewLanguage(None if macrolanguage == "-" else macrolanguage, name)
        for code, macrolanguage, name in _rows("new_languages.tsv")
    }


def _rows(table: str) -> Iterator[list[str]]:
    for line in files("mtdeep").joinpath(table).read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            yield line.split("\t")
