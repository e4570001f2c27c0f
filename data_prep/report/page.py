"""The report as one HTML page that needs no other file and no script."""

from __future__ import annotations

import base64
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice, pairwise
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from data_prep.report.card import POLICIES, settings_yaml
from data_prep.report.notes import lost_sentences, sentences, unread_rows
from data_prep.report.numbers import counted, percent, plain
from data_prep.report.split import STEPS
from data_prep.report.visible import SHOWN, cut, visible
from data_prep.stages.read import unread_of
from mtdeep.languages import name

Report = Mapping[str, Any]
OPEN_UP_TO = 12
"""Rows of a table that is not folded."""
DETAILED = 100
"""Splits of which the page tells more than a line, those with the most rows; the JSON has all of them."""
EXAMPLES = 10
"""Samples of a reason that the page shows; all of them are in the JSON."""

SECTIONS = {
    "notes": "Worth a look",
    "rows": "Where everything went",
    "pairs": "Sentence pairs",
    "lengths": "Lengths",
    "vocabulary": "Vocabulary",
    "leakage": "Leakage",
    "sampling": "Sampling",
    "card": "Data card",
}
SINGULAR = {"languages": "language", "corpora": "corpus"}


def page(report: Report, pairs: bytes, lengths: bytes) -> str:
    """Return the page of a report (`gathered`) with its two pictures, PNGs."""
    # Whatever an expression gives goes through `visible`, and then through the escaping: nothing of a corpus acts.
    environment = Environment(
        loader=PackageLoader("data_prep.report", "."), autoescape=True, undefined=StrictUndefined, finalize=_shown,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    splits = [{**split, **_sums(split), "place": ""} for split in report["splits"]]
    largest = sorted(splits, key=lambda split: -int(split["rows"]["read"]))[:DETAILED]
    for number, split in enumerate(largest):
        split["place"] = f"split-{number}"
    environment.filters |= {
        "counted": counted, "cut": cut, "is_web": _is_web, "number": plain, "percent": percent
    }  # fmt: skip
    return environment.get_template("page.html").render(
        report=report,
        totals=report["totals"],
        sections=list(_contents(report)),
        notes=list(map(_folded, report["notes"])),
        singular=SINGULAR,
        splits=splits,
        detailed=[_detailed(split, report["rules"]) for split in sorted(largest, key=lambda one: -one["share_lost"])],
        steps=STEPS,
        names={code: name(code) for code in report["pairs"]["languages"]},
        vocabulary=_by_characters(report["vocabulary"]["languages"]),
        leakage=list(_leakage(report["leakage"]["in_training_text"])),
        policy=POLICIES[report["leakage"]["policy"]],
        settings=settings_yaml(report).splitlines(),
        pairs=_data_uri(pairs),
        lengths=_data_uri(lengths),
        open_up_to=OPEN_UP_TO,
    )


def _shown(value: object) -> object:
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _sums(split: Report) -> dict[str, Any]:
    """Return what the line of a split says beside its rows, and what of it is lost."""
    parts = (
        (sum(unread_rows(split).values()), int(split["rows"]["read"]), "row", "not read"),
        (sum(lost_sentences(split).values()), sentences(split), "sentence", "lost"),
    )
    return {
        "losses": [f"{part:,} of {counted(whole, noun)} {how} ({percent(part / whole)})"
                   for part, whole, noun, how in parts if part],
        "share_lost": max(part / max(1, whole) for part, whole, _, _ in parts),
        "lost": {step: sum(_of_step(split, split["rows"], step).values()) for step in STEPS},
        "sentences": sum(tally["kept"] for tally in split["languages"].values()),
        "tokens": sum(tally["tokens"] for tally in split["languages"].values()),
    }


def _detailed(split: Report, edges: Mapping[str, Sequence[float]]) -> dict[str, Any]:
    """Return what the page shows of a split beside what the JSON says of it."""
    tallies = split["languages"].values()
    return {
        **split,
        "reasons": [reason for reason in split["steps"] if any(reason in tally["rejected"] for tally in tallies)],
        "unread": list(_unread(split["sources"])),
        "aside": _sum(source["aside"] for source in split["sources"]),
        "examples": list(_examples(split)),
        "scores": list(_scores(split, edges)),
        "unchecked": _sum(record["unchecked"] for record in split["cleaning"]["languages"].values()),
    }


def _of_step(split: Report, tally: Report, step: str) -> dict[str, int]:
    return {reason: count for reason, count in tally["rejected"].items() if split["steps"][reason] == step}


def _sum(counts: Iterator[Mapping[str, int]]) -> dict[str, int]:
    found: Counter[str] = Counter()
    for one in counts:
        found.update(one)
    return dict(found.most_common())


def _unread(sources: Sequence[Report]) -> Iterator[dict[str, Any]]:
    """Yield each reason why rows, and texts of rows that stay, could not be read, how many they are, and samples."""
    for reason, number in _sum(map(unread_of, sources)).items():
        samples = ({"source": source["source"], **sample} for source in sources
                   for sample in source["samples"].get(reason, ()))  # fmt: skip
        yield {"reason": reason, "number": number, "samples": list(samples)[:EXAMPLES]}


def _examples(split: Report) -> Iterator[dict[str, Any]]:
    """Yield each reason that has samples, how many sentences it took, and samples of as many languages as there are.

    What is scored takes none where leaks are merely counted.
    """
    of_cleaning = {language: record["samples"] for language, record in split["cleaning"]["languages"].items()}
    taken = _sum(tally["rejected"] for tally in split["languages"].values())
    for reason in {**taken, **split["samples"]}:
        by_language = split["samples"].get(reason) or {
            language: samples.get(reason, ()) for language, samples in of_cleaning.items()
        }
        if samples := list(islice(_in_turn(by_language), EXAMPLES)):
            yield {"reason": reason, "sentences": taken.get(reason, 0), "samples": samples}


def _in_turn(by_language: Mapping[str, Sequence[Report]]) -> Iterator[dict[str, Any]]:
    """Yield the samples of the languages in turn, of each the first whose row was not shown yet, if it has one."""
    left = {language: list(samples) for language, samples in by_language.items()}
    shown: set[int] = set()
    while any(left.values()):
        for language, samples in left.items():
            if samples:
                sample = next((one for one in samples if one["row"] not in shown), samples[0])
                samples.remove(sample)
                shown.add(sample["row"])
                yield {"language": language, **sample}


def _scores(split: Report, edges: Mapping[str, Sequence[float]]) -> Iterator[dict[str, Any]]:
    """Yield the histogram of each rule that looked, over all languages; heights in per cent, logarithmic."""
    records = split["cleaning"]["languages"].values()
    for rule, bounds in edges.items():
        columns = [record["histograms"][rule] for record in records if rule in record["histograms"]]
        counts = [sum(bins) for bins in zip(*columns, strict=True)]
        if not any(counts):
            continue
        most = math.log1p(max(counts))
        names = [f"below {bounds[0]:g}", *(f"{a:g} to {b:g}" for a, b in pairwise(bounds)),
                 f"{bounds[-1]:g} and more"]  # fmt: skip
        bars = [
            {"name": name, "count": count, "height": math.ceil(100 * math.log1p(count) / most)}
            for name, count in zip(names, counts, strict=True)
        ]
        yield {"rule": rule, "bars": bars, "total": sum(counts)}


def _by_characters(languages: Mapping[str, Report]) -> list[tuple[str, Report]]:
    """Return the languages with text, those of which a token holds the least first."""
    there = [(code, numbers) for code, numbers in languages.items() if numbers["tokens"]]
    return sorted(there, key=lambda item: float(item[1]["characters_per_token"]))


def _leakage(found: Mapping[str, Mapping[str, Mapping[str, int]]]) -> Iterator[dict[str, Any]]:
    """Yield each scored split whose sentences were found, and by language how many, the most first."""
    for scored, languages in found.items():
        rows = [(code, kinds.get("exact", 0), kinds.get("near", 0)) for code, kinds in languages.items()]
        rows.sort(key=lambda row: -row[1] - row[2])
        _, exact, near = zip(*rows, strict=True)
        yield {"scored": scored, "exact": sum(exact), "near": sum(near), "rows": rows}


def _contents(report: Report) -> Iterator[tuple[str, str]]:
    """Yield the places and titles of the sections that the page has."""
    there = {"notes": bool(report["notes"]), "sampling": bool(report["totals"]["directions"])}
    yield from ((place, title) for place, title in SECTIONS.items() if there.get(place, True))


def _folded(note: str) -> tuple[str, str]:
    """Return a note's beginning, up to a comma where it is long, and the rest."""
    if len(note) <= SHOWN:
        return note, ""
    end = note.rfind(", ", 0, SHOWN) + 1 or SHOWN
    return note[:end], note[end:]


def _is_web(url: str | None) -> bool:
    """Tell whether a text may be a link: nothing else that a browser would follow acts in this page."""
    return url is not None and re.fullmatch(r"https?://\S+", url, re.IGNORECASE) is not None


def _data_uri(png: bytes) -> Markup:
    return Markup("data:image/png;base64," + base64.b64encode(png).decode("ascii"))  # letters that need no escaping
