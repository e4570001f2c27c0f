"""Which rules clean a corpus, and within which bounds: levels of settings, of which the nearest wins.

A rule's class says its own defaults. `default` changes them for everything; then come the settings for the language's
script, for the language, for the pair (in corpora of two languages) and for the corpus. Each level says only what it
changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field, ValidationError

from data_prep.cleaning.characters import letters_of
from data_prep.cleaning.copies import Copies
from data_prep.cleaning.digits import Digits
from data_prep.cleaning.empty import Empty
from data_prep.cleaning.encoding_damage import EncodingDamage
from data_prep.cleaning.language import Language
from data_prep.cleaning.length import Length
from data_prep.cleaning.length_ratio import LengthRatio
from data_prep.cleaning.long_word import LongWord
from data_prep.cleaning.markup import Markup
from data_prep.cleaning.numbers import Numbers
from data_prep.cleaning.punctuation import Punctuation
from data_prep.cleaning.repeated_characters import RepeatedCharacters
from data_prep.cleaning.repeated_ngrams import RepeatedNgrams
from data_prep.cleaning.rule import Rule
from data_prep.cleaning.script import Script
from data_prep.cleaning.transforms import LIBRARIES_OF, Transform
from data_prep.cleaning.urls import Urls
from data_prep.cleaning.words import Words
from data_prep.engine.libraries import LANGUAGES
from data_prep.engine.task import digest_of
from data_prep.strict import Strict, by_name, canonical
from mtdeep import languages
from mtdeep.errors import UserError


class Level(Strict):
    """Transforms and rules, in the order in which they are applied; a text is rejected by the first that objects."""

    transforms: tuple[Transform, ...] = ("c1", "nfc", "blanks")
    empty: Empty = Empty()
    encoding_damage: EncodingDamage = EncodingDamage()
    length: Length = Length()
    words: Words = Words()
    long_word: LongWord = LongWord()
    script: Script = Script()
    punctuation: Punctuation = Punctuation()
    digits: Digits = Digits()
    urls: Urls = Urls()
    markup: Markup = Markup()
    repeated_characters: RepeatedCharacters = RepeatedCharacters()
    repeated_ngrams: RepeatedNgrams = RepeatedNgrams()
    language: Language = Language()
    length_ratio: LengthRatio = LengthRatio()
    numbers: Numbers = Numbers()
    copies: Copies = Copies()

    def said(self) -> dict[tuple[str, str], Any]:
        """Return (rule, key) -> value of what this level says itself; the key of the transforms is empty."""
        found: dict[tuple[str, str], Any] = {}
        for name in self.model_fields_set:
            value = getattr(self, name)
            if isinstance(value, Rule):
                found |= {(name, key): getattr(value, key) for key in value.model_fields_set}
            else:
                found[name, ""] = value
        return found


RULES: Mapping[str, type[Rule]] = {
    name: type(field.default) for name, field in Level.model_fields.items() if isinstance(field.default, Rule)
}
"""Name -> class of every rule, in order."""
BUILT_IN = "built in"
"""The level of what nobody has changed."""
LIBRARIES = ("regex", *LANGUAGES)
"""Those that say of which class and script a character is, and all of a language that rules ask for."""
Row = tuple[str, str, str, str]
"""Key, value, which level says so, languages for which."""
BUILT_IN_VALUES = {("transforms", ""): Level().transforms} | {
    (name, key): getattr(rule(), key) for name, rule in RULES.items() for key in rule.model_fields
}
"""(rule, key) -> value where nobody says another; the key of the transforms is empty."""


def _script(code: str) -> str:
    letters_of(frozenset({code}))
    return code


def _pair(codes: str) -> str:
    parts = codes.split("-")
    if len(parts) != 2:
        raise ValueError(f"a pair is written as directions are, such as en-de or en-zh_Hans, not {codes!r}")
    return _pair_name(map(canonical, parts))


def _pair_name(pair: Iterable[str]) -> str:
    """Return the key of a pair, which says the same when it is read again."""
    return "-".join(map(languages.fairseq_code, sorted(pair)))


def _keyed(name: Callable[[str], str]) -> AfterValidator:
    """Return what makes a mapping's keys canonical and refuses two spellings of one."""
    return AfterValidator(lambda levels: by_name(levels.items(), name))


class CleaningSettings(Strict):
    """What `cleaning:` may hold. Scripts are ISO 15924 codes, pairs are written as directions are, in either order."""

    default: Level = Level()
    scripts: Annotated[dict[str, Level], _keyed(_script)] = Field(default_factory=dict)
    languages: Annotated[dict[str, Level], _keyed(canonical)] = Field(default_factory=dict)
    pairs: Annotated[dict[str, Level], _keyed(_pair)] = Field(default_factory=dict)
    corpora: dict[str, Level] = Field(default_factory=dict)

    def levels(self, language: str, corpus: str, others: Sequence[str]) -> Iterable[tuple[str, Level]]:
        """Yield the levels that hold for a language in a corpus with *others*, the farthest first, each with a name."""
        yield "default", self.default
        script = languages.script(language)
        yield f"script {script}", self.scripts.get(script, Level())
        yield f"language {language}", self.languages.get(language, Level())
        if len(others) == 1:
            name = _pair_name((language, *others))
            yield f"pair {name}", self.pairs.get(name, Level())
        yield f"corpus {corpus}", self.corpora.get(corpus, Level())

    def files(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yield the files that rules name, each with the place of its key here."""
        named = {"scripts": self.scripts, "languages": self.languages, "pairs": self.pairs, "corpora": self.corpora}
        levels = {("default",): self.default} | {
            (kind, name): level for kind, of_kind in named.items() for name, level in of_kind.items()
        }
        for place, level in levels.items():
            if level.language.model:
                yield (*place, "language", "model"), level.language.model

    def with_files(self, place: Callable[[str], Path]) -> CleaningSettings:
        """Return settings that say the same, but name files by the paths to which *place* leads."""

        def placed(level: Level) -> Level:
            if not level.language.model:
                return level
            language = level.language.model_copy(update={"model": str(place(level.language.model))})
            return level.model_copy(update={"language": language})

        fields: dict[str, Any] = {}
        for name in self.model_fields_set:
            levels = getattr(self, name)
            fields[name] = placed(levels) if isinstance(levels, Level) else {key: placed(levels[key]) for key in levels}
        return self.model_copy(update=fields)


@dataclass(frozen=True)
class Resolved:
    """What holds for one language of a corpus, and which level says so.

    rules: name -> rule, in order, those switched off included. origins: (rule, key) -> name of the level.
    """

    language: str
    transforms: tuple[Transform, ...]
    rules: Mapping[str, Rule]
    origins: Mapping[tuple[str, str], str]

    def decided(self) -> dict[str, Any]:
        """Return as plain data all that decides what becomes of a text, but for versions and the content of files."""
        return {"transforms": self.transforms, "rules": {name: _digest(rule) for name, rule in self.rules.items()}}

    @property
    def _enabled(self) -> list[Rule]:
        return [rule for rule in self.rules.values() if rule.enabled]

    @property
    def libraries(self) -> tuple[str, ...]:
        """Return the libraries of which another version may give another result."""
        of_transforms = (library for transform in self.transforms for library in LIBRARIES_OF[transform])
        of_rules = (library for rule in self._enabled for library in rule.used_libraries)
        return *LIBRARIES, *of_transforms, *of_rules

    @property
    def files(self) -> list[str]:
        """Return the paths of files whose content decides too."""
        return [rule.used_file for rule in self._enabled if rule.used_file]


def resolve(settings: CleaningSettings, language: str, corpus: str, others: Sequence[str] = ()) -> Resolved:
    """Return the settings of a language (canonical codes) in a corpus that has the languages *others* beside it.

    Raises UserError where values of different levels do not go together.
    """
    values, origins = dict(BUILT_IN_VALUES), dict.fromkeys(BUILT_IN_VALUES, BUILT_IN)
    for name, level in settings.levels(language, corpus, others):
        said = level.said()
        values |= said
        origins |= dict.fromkeys(said, name)
    rules = {}
    for name, rule in RULES.items():
        try:
            rules[name] = _rule(rule, tuple((key, values[name, key]) for key in rule.model_fields))
        except ValidationError as error:
            raise UserError(
                f"cleaning: {name} of language {language} in corpus {corpus!r}: {error.errors()[0]['msg']}"
            ) from error
    return Resolved(language, values["transforms", ""], rules, origins)


# Thousands of pairs have the same rules, and to make one and to look at it whole takes 0.1 ms.
@lru_cache(maxsize=1024)
def _rule(kind: type[Rule], values: tuple[tuple[str, Any], ...]) -> Rule:
    return kind.model_validate(dict(values))


@lru_cache(maxsize=1024)
def _digest(rule: Rule) -> str:
    return digest_of(rule.decided())


def table(resolved: Sequence[Resolved]) -> list[Row]:
    """Return (key, value, which level says so, languages for which) of all that holds, in the order of the rules.

    Languages are in one line where the same level says the same to them; `all` stands for every one.
    """
    groups: dict[tuple[str, str, str], list[str]] = {}
    for key in BUILT_IN_VALUES:
        for one in resolved:
            value = getattr(one.rules[key[0]], key[1]) if key[1] else ", ".join(one.transforms)
            groups.setdefault((".".join(filter(None, key)), _shown(value), one.origins[key]), []).append(one.language)
    return [
        (key, value, origin, "all" if len(found) == len(resolved) else ", ".join(found))
        for (key, value, origin), found in groups.items()
    ]


def _shown(value: object) -> str:
    match value:
        case None | ():
            return "-"
        case bool():
            return "on" if value else "off"
        case float():
            return f"{value:g}"
        case tuple():
            return ", ".join(map(str, value))
    return str(value)
