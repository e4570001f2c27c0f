"""Print mtdeep/new_languages.tsv: languages that IANA's registry has and langcodes, which is older, has not.

Usage: python scripts/new_languages.py registry.json > mtdeep/new_languages.tsv

The table that ships was made from data/json/registry.json of the npm package language-subtag-registry 0.4.2, which has
the registry of 2025-08-25 (CC0-1.0), beside langcodes 3.5.1, which has that of 2021-08-06.
"""

from __future__ import annotations

import json
from pathlib import Path

import typer
from langcodes.registry_parser import parse_registry

app = typer.Typer(add_completion=False)


@app.command(help=__doc__)
def main(registry: Path) -> None:
    """Print a line a language."""
    known = {entry["Subtag"] for entry in parse_registry() if entry["Type"] == "language"}
    print("# code, macrolanguage or -, English name; from IANA's language subtag registry of 2025-08-25")
    for entry in json.loads(registry.read_text(encoding="utf-8")):
        if entry.get("Type") == "language" and entry["Subtag"] not in known:
            print(entry["Subtag"], entry.get("Macrolanguage", "-"), entry["Description"][0], sep="\t")


if __name__ == "__main__":
    app()
