"""The form of a row of the table: an option of fairseq's, and what becomes of it where."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Flag, auto
from types import MappingProxyType
from typing import NamedTuple

from mtdeep.fairseq_plugin.options import flag


class Use(Flag):
    """What a command is used for; that of fairseq-generate and fairseq-interactive is on a store."""

    TRAIN = auto()
    TRAIN_MODEL = auto()  # one of mtdeep's
    TRAIN_STORE = auto()
    VALIDATE = auto()
    EVAL_LM = auto()
    GENERATE = auto()
    INTERACTIVE = auto()

    EVALUATE = VALIDATE | EVAL_LM
    TRANSLATE = GENERATE | INTERACTIVE
    READ = EVALUATE | TRANSLATE
    ANY = TRAIN | READ


class Option(NamedTuple):
    """An option of fairseq's; where it is neither heeded nor refused, no result depends on it.

    place: its place in fairseq's configuration, `dataset.curriculum` for `--curriculum`.
    heeded: where it does what fairseq says it does, in a training that of fairseq's own models and tasks.
    refused: why it is refused where, and what to do instead.
    unread: why fairseq itself never reads it, which a command line with it is told.
    """

    place: str
    heeded: Use = Use(0)
    refused: Mapping[Use, str] = MappingProxyType({})
    unread: str = ""

    def refusal(self, use: Use) -> str | None:
        """Return the phrase that refuses the option in a use, or in one of several; None where none does."""
        why = next((why for uses, why in self.refused.items() if uses & use), None)
        return why and f"{flag(leaf(self.place))}: {why}"


def heeded(use: Use, group: str, names: str) -> Iterator[Option]:
    """Return the options of a group of fairseq's configuration that are heeded in the same uses, and not refused."""
    return (Option(f"{group}.{name}", use) for name in names.split())


def leaf(place: str) -> str:
    """Return the option's own name, `curriculum` of `dataset.curriculum`."""
    return place.rpartition(".")[2]
