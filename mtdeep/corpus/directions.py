"""Translation directions: what to train or to score, as the user writes it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from mtdeep import languages as codes
from mtdeep.corpus.language_groups import KINDS, groups_by, read_groups
from mtdeep.corpus.line_files import read_entries
from mtdeep.corpus.store import Store
from mtdeep.errors import UserError

_FORMS = "all, centric:CODE, group:family, group:FILE, bridge:family, bridge:FILE, a list en-de,de-en or @FILE"
_GROUPED = ("group", "bridge")


@dataclass(frozen=True, order=True, slots=True)
class Direction:
    """From one language into another, canonical codes; prints as fairseq writes a pair: `zh_Hans-en`."""

    source: str
    target: str

    def __str__(self) -> str:
        return f"{codes.fairseq_code(self.source)}-{codes.fairseq_code(self.target)}"

    @classmethod
    def parse(cls, pair: str, known: Collection[str] = ()) -> Direction:
        """From `en-de` or `zh_Hans-en`, the codes perhaps of *known*; raises `UserError` that names the pair."""
        parts = pair.strip().split("-")
        if len(parts) != 2 or not all(parts):
            raise UserError(
                f"direction {pair.strip()!r} is not of the form source-target; "
                "write codes with underscores inside, such as en-de or zh_Hans-en"
            )
        source, target = (codes.resolve(part, known) for part in parts)
        if source == target:
            raise UserError(f"direction {pair.strip()!r} goes from a language into itself; remove it")
        return cls(source, target)

    def reverse(self) -> Direction:
        """The other way."""
        return Direction(self.target, self.source)


def parse_directions(spec: str, store_or_languages: Store | Sequence[str]) -> tuple[Direction, ...]:
    """Directions of a specification, in its order, each once.

        SPEC   = TERM {"," TERM}
        TERM   = "all"                   every language into every other
               | "centric:" CODE         into and out of one language
               | "group:" GROUPS         every language into every other of its group
               | "bridge:" GROUPS        these, and every bridge language into every other one
               | CODE "-" CODE           one direction, codes with underscores inside
               | "@" FILE | FILE         one direction a line, `#` starts a comment
        GROUPS = "script" | "family" | "branch" | FILE    `language_groups` has its form

    Raises `UserError`, for a file with file and line, when a code is unknown, a language is not among those of the
    store, a group is not as it should be, or nothing is named.
    """
    known = store_or_languages.languages if isinstance(store_or_languages, Store) else tuple(store_or_languages)
    directions: list[Direction] = []
    for term in _terms(spec):
        kind, colon, value = term.partition(":")
        if term == "all":
            directions += _among(known)
        elif colon and kind == "centric":
            centre = _known(codes.resolve(value, known), known)
            others = [language for language in known if language != centre]
            directions += [Direction(centre, o) for o in others] + [Direction(o, centre) for o in others]
        elif colon and kind in _GROUPED:
            directions += _grouped(kind, value, store_or_languages, known)
        elif term.startswith("@") or Path(term).is_file():
            path = Path(term.removeprefix("@"))
            directions += read_entries(path, "one direction a line", lambda pair: _checked(pair, known))
        elif colon:
            raise UserError(f"there is no set of directions {term!r}; give {_FORMS}")
        else:
            directions.append(_checked(term, known))
    if not directions:
        raise UserError(f"directions {spec!r} name no direction; give {_FORMS}")
    return tuple(dict.fromkeys(directions))


def named_directions(spec: str, store_or_languages: Store | Sequence[str]) -> tuple[Direction, ...]:
    """Those of a specification that it names one by one, itself or in a file: not as part of a set."""
    named = [t for t in _terms(spec) if t != "all" and t.partition(":")[0] not in ("centric", *_GROUPED)]
    return parse_directions(",".join(named), store_or_languages) if named else ()


def _terms(spec: str) -> list[str]:
    return [part.strip() for part in spec.split(",") if part.strip()]


def _among(languages: Sequence[str]) -> list[Direction]:
    return [Direction(source, target) for source in languages for target in languages if source != target]


def _grouped(
    kind: str, value: str, store_or_languages: Store | Sequence[str], known: Sequence[str]
) -> list[Direction]:
    """Directions inside groups, and between bridge languages if kind is "bridge", in the order of the tags."""
    if value in KINDS:
        groups = groups_by(value, _sentences(store_or_languages, known))
    else:
        groups = read_groups(Path(value.removeprefix("@")), known, bridged=kind == "bridge")
    bridges = groups.bridges if kind == "bridge" else ()
    return [
        direction
        for direction in _among(known)
        if groups.of[direction.source] == groups.of[direction.target]
        or (direction.source in bridges and direction.target in bridges)
    ]


def _sentences(store_or_languages: Store | Sequence[str], known: Sequence[str]) -> dict[str, int]:
    """Sentences of each language over all of a store; 0 where there is none to count in."""
    counts = dict.fromkeys(known, 0)
    if isinstance(store_or_languages, Store):
        for split in store_or_languages.splits:
            for corpus in store_or_languages.corpora(split):
                for language in corpus.languages:
                    counts[language] += corpus.sentences(language)
    return counts


def available(store: Store, split: str) -> dict[Direction, int]:
    """Directions for which a split has sentences, with their number, in the order of the languages' tags."""
    counts: dict[Direction, int] = {}
    for corpus in store.corpora(split):
        for i, source in enumerate(corpus.languages):
            for target in corpus.languages[i + 1 :]:
                count = corpus.count(source, target)
                if count:
                    for direction in (Direction(source, target), Direction(target, source)):
                        counts[direction] = counts.get(direction, 0) + count
    rank = {language: i for i, language in enumerate(store.languages)}
    return dict(sorted(counts.items(), key=lambda item: (rank[item[0].source], rank[item[0].target])))


def _checked(pair: str, known: Sequence[str]) -> Direction:
    direction = Direction.parse(pair, known)
    _known(direction.source, known)
    _known(direction.target, known)
    return direction


def _known(language: str, known: Sequence[str]) -> str:
    if language not in known:
        raise UserError(f"language {language!r} is not among those of the store: {', '.join(known)}")
    return language
