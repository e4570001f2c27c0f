"""OpusFilter's filters for cleaning_rules.py, run by the Python of .venv-bench.

Usage: python scripts/bench/opusfilter_peer.py PAIRS.json FILTERS.json; then a filter's name a line on standard input

PAIRS: [[sentence, sentence], ...]; FILTERS: name -> [class of opusfilter.filters, keywords]. Each line is answered with
{"seconds": ..., "accepted": [...]} for one pass over the pairs, or {"failed": ...} where OpusFilter does not run.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from opusfilter import filters, lid


def main(pairs_file: str, filters_file: str) -> None:
    pairs = json.loads(Path(pairs_file).read_text(encoding="utf-8"))
    wanted = json.loads(Path(filters_file).read_text(encoding="utf-8"))
    made = {}
    for line in sys.stdin:
        name, keywords = wanted[line.strip()]
        try:
            if line not in made:
                made[line] = getattr(lid if hasattr(lid, name) else filters, name)(**keywords)
            start = time.process_time()
            accepted = [bool(made[line].accept(score)) for score in made[line].score(pairs)]
            answer = {"seconds": time.process_time() - start, "accepted": accepted}
        except Exception as error:  # whatever goes wrong there is the answer
            answer = {"failed": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
