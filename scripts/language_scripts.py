"""Print mtdeep/language_scripts.tsv: the scripts that languages are written in, the likeliest first.

Usage: python scripts/language_scripts.py CLDR LANGTAGS REGISTRY ISO CORPORA... > mtdeep/language_scripts.tsv

The table that ships was made from these; licences that ask for it stand in mtdeep/language_scripts.LICENSE.txt.
- CLDR: the unpacked npm package cldr-core 48.2.0, Unicode-3.0
- LANGTAGS: source/langtags.csv of github.com/silnrsi/langtags, commit 99b856bb, MIT
- REGISTRY: IANA's, as data/json/registry.json of the npm package language-subtag-registry 0.4.2 has it, CC0-1.0
- ISO: iso6393.js of the npm package iso-639-3 3.0.1, MIT
- CORPORA: codes with scripts, tests/language_codes/flores_200.txt and ntrex_128.txt

1. A language that IANA's registry says nearly always to be in one script (Suppress-Script) is in that one.
2. A language of which CORPORA have a column for each script is in the likeliest: the other columns' codes say theirs.
3. Of a language that CLDR has a locale of, or a corpus a column, the scripts are CLDR's and that column's. Latin
   letters that CLDR gives second place are a romanisation there (Hindi), and what fills such columns by mistake.
4. Any other language is in all scripts that CLDR or SIL attests and SIL does not call obsolete, and a dead one in
   Latin letters too: its editions are often transliterations (Ottoman Turkish).
"""

from __future__ import annotations

import csv
import json
import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import typer

from data_prep.cleaning.characters import letters_of
from mtdeep.languages import find

_DEAD = {"historical", "extinct", "ancient"}
_HEADER = (
    "# scripts, languages in them; from Unicode CLDR 48.2 (c) Unicode, Inc., licence Unicode-3.0, and langtags "
    "(c) 2019-2025 SIL International, licence MIT"
)
app = typer.Typer(add_completion=False)


@app.command(help=__doc__)
def main(cldr: Path, langtags: Path, registry: Path, iso: Path, corpora: list[Path]) -> None:
    """Print a line a list of scripts."""
    likely, primary, secondary = _cldr(cldr / "supplemental")
    defaults, attested = _langtags(langtags)
    alone = {entry["Subtag"]: entry["Suppress-Script"] for entry in _json(registry) if "Suppress-Script" in entry}
    columns = _columns(corpora)
    edited, dead = _locales(cldr) | {*columns}, _dead(iso)
    scripts: dict[str, tuple[str, ...]] = {}
    for language in {*likely, *primary, *secondary, *defaults}:
        first = alone.get(language) or likely.get(language) or defaults.get(language)
        if language in alone or len(columns[language]) > 1:
            found = [first]
        elif language in edited:
            romanised = {"Latn"} - {first, *primary[language], *columns[language]}
            found = [first, *primary[language], *columns[language], *sorted({*secondary[language]} - romanised)]
        else:
            found = [first, *primary[language], *secondary[language], *attested[language]]
        if kept := [script for script in found if script and _is_of_unicode(script)]:
            kept += ["Latn"] if language in dead and language not in alone else []
            scripts[language] = (kept[0], *sorted({*kept} - {kept[0]}))
    _print(scripts)


def _print(scripts: dict[str, tuple[str, ...]]) -> None:
    languages = defaultdict(list)
    for language, found in scripts.items():
        languages[found].append(language)
    print(_HEADER)
    for found, members in sorted(languages.items()):
        print(f"{' '.join(found)}\t{' '.join(sorted(members))}")


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _cldr(folder: Path) -> tuple[dict[str, str], dict[str, list[str]], dict[str, list[str]]]:
    """Return language -> likely script, scripts in primary use, scripts in secondary use."""
    subtags = _json(folder / "likelySubtags.json")["supplemental"]["likelySubtags"]
    likely = {tag: full.split("-")[1] for tag, full in subtags.items() if "-" not in tag and tag != "und"}
    primary: dict[str, list[str]] = defaultdict(list)
    secondary: dict[str, list[str]] = defaultdict(list)
    for key, uses in _json(folder / "languageData.json")["supplemental"]["languageData"].items():
        language, _, second = key.partition("-alt-")
        (secondary if second else primary)[language] += uses.get("_scripts", [])
    return likely, primary, secondary


def _locales(cldr: Path) -> set[str]:
    """Return the languages of which CLDR has a locale's data, at its basic level at least."""
    return {tag.split("-")[0] for tag in _json(cldr / "coverageLevels.json")["effectiveCoverageLevels"]}


def _langtags(path: Path) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Return language -> script of the tag that says none, and all scripts that are not obsolete."""
    defaults: dict[str, str] = {}
    attested: dict[str, list[str]] = defaultdict(list)
    with path.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            parts, language = row["likely_subtag"].split("-"), row["Lang_Id"].split("-")[0]
            if len(parts) > 1 and re.fullmatch("[A-Z][a-z]{3}", parts[1]):
                if row["Lang_Id"] == language:
                    defaults[language] = parts[1]
                if not row["obsolete"] and not row["deprecated"]:
                    attested[language].append(parts[1])
    return defaults, attested


def _columns(corpora: Iterable[Path]) -> dict[str, set[str]]:
    """Return language -> scripts that corpora's codes say of it."""
    columns: dict[str, set[str]] = defaultdict(set)
    for code in " ".join(path.read_text(encoding="utf-8") for path in corpora).split():
        language, _, script = code.replace("_", "-").partition("-")
        if re.fullmatch("[A-Z][a-z]{3}", script):
            columns[_short(language)].add(script)
    return columns


def _dead(path: Path) -> set[str]:
    """Return the languages of ISO 639-3 that nobody speaks any more."""
    entries = re.findall(r"type: '(\w+)',.*?iso6393: '(\w+)'", path.read_text(encoding="utf-8"), re.DOTALL)
    return {_short(code) for kind, code in entries if kind in _DEAD}


def _short(code: str) -> str:
    return (find(code) or code).split("-")[0]


def _is_of_unicode(script: str) -> bool:
    """Whether the rule `script` could look for its letters: not those of Braille, of private scripts and of Zyyy."""
    try:
        letters_of(frozenset({script}))
    except ValueError:
        return False
    return script != "Zyyy"


if __name__ == "__main__":
    app()
