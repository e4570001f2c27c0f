"""Print mtdeep/language_families.tsv: groups of languages, and what each holds, from Unicode's CLDR.

Usage: python scripts/language_families.py languageGroups.json > mtdeep/language_families.tsv

The table that ships was made from supplemental/languageGroups.json of the npm package cldr-core 47.0.0, whose licence,
Unicode-3.0, stands in mtdeep/language_families.LICENSE.txt. The groups are Wikidata's, as CLDR took them over.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path


def main(path: str) -> None:
    """Print a line a group."""
    groups = json.loads(Path(path).read_text(encoding="utf-8"))["supplemental"]["languageGroups"]
    print("# group, languages and groups in it; Unicode CLDR 47, (c) 2004-2025 Unicode, Inc., licence Unicode-3.0")
    for group, members in groups.items():
        print(f"{group}\t{members}")


if __name__ == "__main__":
    main(sys.argv[1])
