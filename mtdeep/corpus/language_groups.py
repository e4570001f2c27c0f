"""Groups of languages, by script, family or branch or as a file has them, and the bridges between groups.

A file has one group a line, `NAME: code code* code`; `*` marks the bridge languages, through which M2M-100 connects the
groups (Fan et al. 2021, arXiv 2010.11125, section 3: usually the one to three of a group that have most data).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from mtdeep import languages as codes
from mtdeep.corpus.line_files import read_entries
from mtdeep.errors import UserError
from mtdeep.families import branch, family

KINDS: Mapping[str, Callable[[str], str]] = {"script": codes.script, "family": family, "branch": branch}
_FORM = "`NAME: code code* code`"


@dataclass(frozen=True)
class Groups:
    """The group of each language, and which languages are bridges, by code."""

    of: Mapping[str, str]
    bridges: Collection[str]


def groups_by(kind: str, sentences: Mapping[str, int]) -> Groups:
    """Languages, given with their sentences, by a kind of `KINDS`; a group's bridge is its language with the most.

    Of several with as many it is the first.
    """
    of = {language: KINDS[kind](language) for language in sentences}
    bridges: dict[str, str] = {}
    for language, group in of.items():
        if group not in bridges or sentences[language] > sentences[bridges[group]]:
            bridges[group] = language
    return Groups(of, frozenset(bridges.values()))


def read_groups(path: Path, languages: Collection[str], *, bridged: bool) -> Groups:
    """Groups of a file; languages of it that are not among *languages* are passed over.

    Raises `UserError`, with file and line where there is one: another form, an unknown code, a language or a name that
    stands twice, one of *languages* in no group, and, if *bridged*, a group of theirs without a bridge among them.
    """
    of: dict[str, str] = {}
    bridges: set[str] = set()
    names: set[str] = set()

    def take(line: str) -> None:
        name, colon, members = (part.strip() for part in line.partition(":"))
        if not (name and colon and members):
            raise UserError(f"{line!r} is not of the form {_FORM}; write a name, a colon and the group's languages")
        if name in names:
            raise UserError(f"a group {name!r} stands above; give each its own name")
        names.add(name)
        for member in members.split():
            language = codes.resolve(member.removesuffix("*"), languages)
            if language in of:
                raise UserError(f"{language} is in the group {of[language]!r} already; leave it in one")
            of[language] = name
            if member.endswith("*"):
                bridges.add(language)

    read_entries(path, f"lines {_FORM}, or one of {', '.join(KINDS)}", take)
    alone = [language for language in languages if language not in of]
    if alone:
        raise UserError(f"{path}: {', '.join(alone)} in no group; add them, alone in a group of their own if need be")
    here = {language: of[language] for language in languages}
    connected = {here[language] for language in bridges & here.keys()}
    apart = [name for name in dict.fromkeys(here.values()) if name not in connected]
    if bridged and apart:
        raise UserError(
            f"{path}: no bridge language of {', '.join(apart)} is in the store; mark one there is with *, as in `de*`"
        )
    return Groups(here, frozenset(bridges & here.keys()))
