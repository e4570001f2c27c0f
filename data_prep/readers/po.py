"""gettext catalogues, PO and MO, as one corpus over any number of languages; a row is a message.

`/usr/share/locale/*/LC_MESSAGES/DOMAIN.mo` is a corpus on every Linux machine.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from data_prep.batch import Batch
from data_prep.readers.catalogue import Catalogue, Key, read_catalogue
from data_prep.readers.files import FileForEachLanguage
from data_prep.readers.rows import LONGEST, Aside, Item, Row, batches_of, gap_reason
from data_prep.readers.source import EmptySource
from mtdeep.errors import UserError

_MOST_BYTES = 1 << 30  # of all catalogues together, which are in memory at once
# Numbers that tell the plural forms of all languages of CLDR apart, simple ones first.
_NUMBERS = (1, 2, 5, 0, 3, 4, 6, 7, 8, 9, 10, *range(11, 203), 1000, 1_000_000)


@dataclass(frozen=True)
class Gettext(FileForEachLanguage):
    """Catalogues of one program or domain; a row's id is `context|msgid`, or msgid alone.

    files: language -> its catalogue. A message that a language lacks or has not translated is a gap.
    source: the language of the msgids; None where they are mere keys, and no text.
    fuzzy, obsolete: take messages that are marked so; otherwise they are counted and left aside.
    A message with plural forms gives one row a number, as many as are needed to show every form of every language,
    the number in brackets behind the id.
    """

    libraries: ClassVar[tuple[str, ...]] = ("polib",)
    files: Mapping[str, Path]
    source: str | None = "en"
    fuzzy: bool = False
    obsolete: bool = False
    longest: int = LONGEST

    @property
    def languages(self) -> Sequence[str]:
        """Return the msgids' language and those of the catalogues."""
        return (*([self.source] if self.source else []), *self.files)

    @property
    def clash(self) -> str:
        """Return what is wrong where the msgids' language has a catalogue too, else nothing."""
        if self.source is None or self.source not in self.files:
            return ""
        return (
            f"{self.source!r} is the language of the messages themselves (`source: {self.source}`), which needs no "
            "catalogue; leave it out of the languages, or say that the messages are no text (`source: null`)"
        )

    def batches(self, rows: int) -> Iterator[Batch]:
        """Yield batches.

        The catalogues are in memory at once. Raises UserError for more than 1 GiB of them, as `read_catalogue` does,
        and when there is no message.
        """
        if self.clash:
            raise UserError(f"{self.inputs[0]}: {self.clash}")
        nothing = EmptySource(str(next(iter(self.inputs))), "no message in the catalogues; leave them out")
        return batches_of(self._items(), self.languages, rows, nothing, ids=True, longest=self.longest)

    def _items(self) -> Iterator[Item]:
        size = sum(path.stat().st_size for path in self.inputs if path.is_file())
        if size > _MOST_BYTES:
            raise UserError(f"{self.inputs[0]}: {size:,} bytes of catalogues, more than 1 GiB; read fewer at a time")
        catalogues = [read_catalogue(path, fuzzy=self.fuzzy, obsolete=self.obsolete) for path in self.inputs]
        for language, catalogue in zip(self.files, catalogues, strict=True):
            yield from (Aside(gap_reason(reason, language), n) for reason, n in catalogue.aside.items())
        numbers = _telling_numbers(catalogues)
        for key in dict.fromkeys(key for catalogue in catalogues for key in catalogue.messages):
            yield from self._rows(key, catalogues, numbers)

    def _rows(self, key: Key, catalogues: Sequence[Catalogue], numbers: Sequence[int]) -> Iterator[Row]:
        context, msgid = key
        name = f"{context}|{msgid}" if context else msgid
        found = [catalogue.messages.get(key) for catalogue in catalogues]
        plural = next((message.plural for message in found if message and message.plural), None)
        if plural is None:
            texts = [message.forms[0] if message else "" for message in found]
            yield Row([*([msgid] if self.source else []), *texts], name[:80], name)
            return
        shown: set[tuple[int, int]] = set()
        for number in numbers:
            forms = {i: catalogue.form(number) for i, catalogue in enumerate(catalogues)}
            forms = {i: form for i, form in forms.items() if (message := found[i]) and 0 <= form < len(message.forms)}
            if number != 1 and forms.items() <= shown:
                continue
            shown |= forms.items()
            texts = [message.forms[forms[i]] if message and i in forms else "" for i, message in enumerate(found)]
            original = [msgid if number == 1 else plural] if self.source else []
            yield Row([*original, *texts], name[:80], f"{name}[{number}]")


def _telling_numbers(catalogues: Sequence[Catalogue]) -> list[int]:
    """Return the numbers that show every form of every catalogue: 1, then each that shows one not shown before."""
    shown: set[tuple[int, int]] = set()
    numbers = []
    for number in _NUMBERS:
        forms = {(i, catalogue.form(number)) for i, catalogue in enumerate(catalogues)}
        if not forms <= shown:
            numbers.append(number)
            shown |= forms
    return numbers
