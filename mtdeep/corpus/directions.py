"""Translation directions: what to train or to score, as the user writes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mtdeep import languages as codes
from mtdeep.corpus.store import Store
from mtdeep.errors import UserError


@dataclass(frozen=True, order=True)
class Direction:
    """From one language into another, canonical codes; prints as fairseq writes a pair: `zh_Hans-en`."""

    source: str
    target: str

    def __str__(self) -> str:
        return f"{codes.fairseq_code(self.source)}-{codes.fairseq_code(self.target)}"

    @classmethod
    def parse(cls, pair: str) -> Direction:
        """From `en-de` or `zh_Hans-en`; raises `UserError` that names the pair."""
        parts = pair.strip().split("-")
        if len(parts) != 2 or not all(parts):
            raise UserError(
                f"direction {pair.strip()!r} is not of the form source-target; "
                "write codes with underscores inside, such as en-de or zh_Hans-en"
            )
        source, target = (codes.resolve(part) for part in parts)
        if source == target:
            raise UserError(f"direction {pair.strip()!r} goes from a language into itself; remove it")
        return cls(source, target)

    def reverse(self) -> Direction:
        """The other way."""
        return Direction(self.target, self.source)


def parse_directions(spec: str, store_or_languages: Store | Sequence[str]) -> tuple[Direction, ...]:
    """Directions of a specification, in its order, each once.

    `all`; `centric:en` (into and out of one language); a comma list `en-de,de-en`; or a file, as `@FILE` or an
    existing path: one direction a line, `#` starts a comment. Raises `UserError`, for a file with file and line, when
    a code is unknown, a language is not among those of the store, or nothing is named.
    """
    known = store_or_languages.languages if isinstance(store_or_languages, Store) else tuple(store_or_languages)
    if spec == "all":
        found = [Direction(source, target) for source in known for target in known if source != target]
    elif spec.startswith("centric:"):
        centre = _known(codes.resolve(spec.removeprefix("centric:")), known)
        others = [language for language in known if language != centre]
        found = [Direction(centre, o) for o in others] + [Direction(o, centre) for o in others]
    elif spec.startswith("@") or Path(spec).is_file():
        found = _read_file(Path(spec.removeprefix("@")), known)
    else:
        found = [_checked(part, known) for part in spec.split(",") if part.strip()]
    if not found:
        raise UserError(f"directions {spec!r} name no direction; give all, centric:CODE, a list en-de,de-en or @FILE")
    return tuple(dict.fromkeys(found))


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


def _read_file(path: Path, known: Sequence[str]) -> list[Direction]:
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); give a file with one direction a line") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8 at byte {error.start}; save it as UTF-8") from None
    found = []
    for number, line in enumerate(lines, start=1):
        text = line.split("#", 1)[0].strip()
        if text:
            try:
                found.append(_checked(text, known))
            except UserError as error:
                raise UserError(f"{path}:{number}: {error}") from None
    return found


def _checked(pair: str, known: Sequence[str]) -> Direction:
    direction = Direction.parse(pair)
    _known(direction.source, known)
    _known(direction.target, known)
    return direction


def _known(language: str, known: Sequence[str]) -> str:
    if language not in known:
        raise UserError(f"language {language!r} is not among those of the store: {', '.join(known)}")
    return language
