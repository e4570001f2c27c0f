"""One locale's own CLDR entries, rendered as text; an entry that the locale lacks is None, never another language's.

Babel merges a locale with what it inherits, and the end of that chain, CLDR's root, holds codes and English-like
defaults ("M01", "{0} km"). An entry counts as the locale's own when root lacks it or has something else.
"""

from __future__ import annotations

import copy
import datetime
import re
import unicodedata
from collections.abc import Callable
from functools import cache
from typing import Any, Literal

from babel import Locale, UnknownLocaleError, dates, localedata, numbers
from babel.core import get_global

from mtdeep.errors import UserError

_SPACES = re.compile(r"\s+")
# Direction marks steer display only; they would split identical words into different pieces.
_INVISIBLE = dict.fromkeys(map(ord, "\u200e\u200f\u061c\u200b\ufeff"))
PRICE_CURRENCIES = ("USD", "EUR", "JPY")


def tidy(text: str) -> str:
    """Return *text* in NFC with plain single spaces and no direction marks."""
    return _SPACES.sub(" ", unicodedata.normalize("NFC", text).translate(_INVISIBLE)).strip()


def babel_locale(language: str) -> Locale:
    """Return Babel's locale for a canonical code. Raises UserError where CLDR has no data of the language's own."""
    try:
        locale = Locale.parse(language, sep="-")
    except (UnknownLocaleError, ValueError) as error:
        raise UserError(f"the cldr reader has no locale data for language {language!r}; leave it out") from error
    parent = get_global("parent_exceptions").get(str(locale), "")
    # Norwegian Bokmål is the one language whose data stand under another code.
    inherits = parent and parent.split("_")[0] not in (locale.language, "root") and str(locale) != "nb"
    if inherits or "US" not in locale._data["territories"]:
        raise UserError(f"the cldr reader has no locale data of its own for language {language!r}; leave it out")
    return locale


@cache
def _root() -> localedata.LocaleDataDict:
    # A copy: reading through LocaleDataDict writes resolved aliases back, and every locale merges with root.
    return localedata.LocaleDataDict(copy.deepcopy(localedata.load("root")))


class LocaleText:
    """Renders the parts of phrases in one language.

    Every method takes an entity (a CLDR code, or "" where the part has none) and numbers, and returns text, or None
    where the locale has no entry of its own.
    """

    def __init__(self, language: str) -> None:
        """Load the locale of a canonical language code. Raises UserError where CLDR has none."""
        self.language = language
        self.locale = babel_locale(language)
        self._data = self.locale._data
        self._root = _root()
        self.parts: dict[str, Callable[[str, tuple[int, ...]], str | None]] = {
            "territory": lambda code, _: self.own("territories", code),
            "language": lambda code, _: self.own("languages", code),
            "script": lambda code, _: self.own("scripts", code),
            "currency": lambda code, _: self.own("currency_names", code),
            "zone": self.zone,
            "weekday": self.weekday,
            "quantity": self.quantity,
            "amount": self.amount,
            "money": self.money,
            "price": self.price,
            "relative": self.relative,
            "percent": lambda _, n: numbers.format_percent(n[0] / 100, locale=self.locale),
            "decimal": lambda _, n: numbers.format_decimal(n[0] / 10, locale=self.locale),
            "compact": self.compact,
            "date_long": lambda _, n: self.date("long", n),
            "date_medium": lambda _, n: self.date("medium", n),
            "date_full": lambda weekday, n: self.date("full", (int(weekday), *n)),
            "date_time": self.date_time,
            "month_year": lambda _, n: self.skeleton("yMMMM", n),
            "day_month": lambda _, n: self.skeleton("MMMMd", n),
            "quarter": lambda _, n: self.skeleton("yQQQQ", n),
            "days": self.days,
            "time": lambda _, n: self.time(n[0]),
            "hours": self.hours,
        }

    def own(self, *path: str) -> Any:
        """Return the entry at *path* when the locale itself has it, else None."""
        here, root = self._data, self._root
        for key in path:
            if here is None or key not in here:
                return None
            here = here[key]
            root = root[key] if root is not None and key in root else None
        # English is written down in root here and there ("AM", "or"); in English that is no fallback.
        return here if root is None or here != root or self.locale.language == "en" else None

    def plural(self, forms: Any, number: int) -> Any:
        """Return the form of *number*'s plural category, or the general one."""
        if forms is None:
            return None
        return forms.get(self.locale.plural_form(number), forms.get("other"))

    def number(self, value: int) -> str:
        """Return an integer with the locale's digit grouping and Latin digits."""
        return numbers.format_decimal(value, locale=self.locale)

    def items(self, style: str, texts: list[str]) -> str | None:
        """Join *texts* as an "and" ("standard") or "or" list: start, middle, end or the pattern for two."""
        patterns = self._data["list_patterns"].get(style)
        if patterns is None or (self.own("list_patterns", style, "end") is None and _has_words(patterns["end"])):
            return None  # root's "or" is English; its "and" is a comma, which some languages want
        if len(texts) == 2:
            return str(patterns["2"]).format(*texts)
        joined = str(patterns["start"]).format(texts[0], texts[1])
        for text in texts[2:-1]:
            joined = str(patterns["middle"]).format(joined, text)
        return str(patterns["end"]).format(joined, texts[-1])

    def zone(self, code: str, _: tuple[int, ...] = ()) -> str | None:
        """Return the long standard name of a CLDR meta zone."""
        return self.own("meta_zones", code, "long", "standard")

    def weekday(self, code: str, _: tuple[int, ...] = ()) -> str | None:
        """Return the wide stand-alone name of a day, 0 = Monday."""
        name = self._data["days"]["stand-alone"]["wide"][int(code)]
        return name if self._has_day_names() else None

    def unit(self, unit: str, form: int | str) -> str | None:
        """Return a unit's pattern: for a number its plural form, or "per". CLDR's long form falls back to the short."""
        for length in ("long", "short"):
            forms = self.own("unit_patterns", unit, length)
            pattern = forms and (self.plural(forms, form) if isinstance(form, int) else forms.get(form))
            if pattern:
                return pattern
        return None

    def quantity(self, unit: str, number: tuple[int, ...]) -> str | None:
        """Return a number with a unit."""
        pattern = self.unit(unit, number[0])
        return None if pattern is None else pattern.format(self.number(number[0]))

    def amount(self, code: str, number: tuple[int, ...]) -> str | None:
        """Return a number with a currency's name in the right plural form."""
        name = self.own("currency_names", code)
        forms = self.own("currency_names_plural", code)
        name = self.plural(forms, number[0]) or name
        pattern = self.plural(self._data["currency_unit_patterns"], number[0])
        if name is None or pattern is None:
            return None
        return pattern.format(self.number(number[0]), name)

    def money(self, code: str, number: tuple[int, ...]) -> str | None:
        """Return an amount with the currency's symbol; number in hundredths."""
        return numbers.format_currency(number[0] / 100, code, locale=self.locale)

    def price(self, unit: str, number: tuple[int, ...]) -> str | None:
        """Return a price per unit ("3 euros per kilogram"); number: index of the currency, amount."""
        pattern, amount = self.unit(unit, "per"), self.amount(PRICE_CURRENCIES[number[0]], number[1:])
        return None if pattern is None or amount is None else pattern.format(amount)

    def relative(self, field: str, number: tuple[int, ...]) -> str | None:
        """Return a relative time ("in 3 days", "3 days ago"); negative numbers are the past."""
        forms = self.own("date_fields", field, "future" if number[0] > 0 else "past")
        pattern = self.plural(forms, abs(number[0]))
        return None if pattern is None else pattern.format(self.number(abs(number[0])))

    def compact(self, _: str, number: tuple[int, ...]) -> str | None:
        """Return a round number of thousands with its magnitude in words ("3 million"), or short where CLDR says so."""
        lengths: tuple[Literal["long", "short"], ...] = ("long", "short")
        for length in lengths:
            if self.own("compact_decimal_formats", length, "other") is not None:
                return numbers.format_compact_decimal(number[0] * 1000, format_type=length, locale=self.locale)
        return None

    def date(self, width: str, number: tuple[int, ...]) -> str | None:
        """Return a date of width full (weekday, year, month, day), long or medium (year, month, day)."""
        if not self._has_month_names():
            return None
        if width == "full":
            return dates.format_date(day_on(*number), "full", self.locale) if self._has_day_names() else None
        return dates.format_date(datetime.date(*number), width, self.locale)

    def date_time(self, weekday: str, number: tuple[int, ...]) -> str | None:
        """Return a full date and a time of day, joined as the locale does; number: year, month, day, minutes."""
        date, time = self.date("full", (int(weekday), *number[:3])), self.time(number[3])
        if date is None or time is None:
            return None
        return str(dates.get_datetime_format("full", locale=self.locale)).replace("'", "").format(time, date)

    def skeleton(self, skeleton: str, number: tuple[int, ...]) -> str | None:
        """Return a date (year, month, day) in one of CLDR's skeletons."""
        names = self._has_quarter_names() if "Q" in skeleton else self._has_month_names()
        if not names or skeleton not in self.locale.datetime_skeletons:
            return None
        return dates.format_skeleton(skeleton, datetime.date(*number), locale=self.locale)

    def days(self, _: str, number: tuple[int, ...]) -> str | None:
        """Return an interval of days within one month; number: year, month, first day, last day."""
        if not self._has_month_names() or "yMMMd" not in self.locale.interval_formats:
            return None
        year, month, first, last = number
        start, end = datetime.date(year, month, first), datetime.date(year, month, last)
        return dates.format_interval(start, end, "yMMMd", fuzzy=False, locale=self.locale)

    def time(self, minutes: int) -> str | None:
        """Return a time of day on the 24-hour clock, which needs no words for morning and afternoon."""
        if "Hm" not in self.locale.datetime_skeletons:
            return None
        return dates.format_skeleton("Hm", datetime.time(*divmod(minutes, 60)), locale=self.locale)

    def hours(self, _: str, number: tuple[int, ...]) -> str | None:
        """Return an interval of times of one day; number: first and last minute."""
        if "Hm" not in self.locale.interval_formats:
            return None
        start, end = (datetime.datetime(2024, 1, 1, *divmod(n, 60)) for n in number)
        return dates.format_interval(start, end, "Hm", fuzzy=False, locale=self.locale)

    def _has_month_names(self) -> bool:
        return self.own("months", "format", "wide") is not None

    def _has_day_names(self) -> bool:
        return self.own("days", "format", "wide") is not None

    def _has_quarter_names(self) -> bool:
        return self.own("quarters", "format", "wide") is not None


def _has_words(pattern: str) -> bool:
    return any(character.isalpha() for character in pattern)


def day_on(weekday: int, year: int, month: int, day: int) -> datetime.date:
    """Return the first date on or after year-month-day (day <= 21) that falls on *weekday*, 0 = Monday."""
    start = datetime.date(year, month, day)
    return start + datetime.timedelta(days=(weekday - start.weekday()) % 7)
