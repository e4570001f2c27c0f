"""Whether a rate that was chosen at few layers is right at many: DeepNet and Pre-LN, with a rule for depth and without.

Usage: python scripts/reproduce/transfer.py DATA [--folder FOLDER] [--jobs N] [--groups NAME,NAME,...] [--missing]
       python scripts/reproduce/transfer.py --quick

DATA holds train.en.gz, val.en, test_2016_flickr.en and the same for de and fr (github.com/multi30k/dataset, task 1).
A second run continues where the first one stopped; with --groups it trains those alone, with --missing what has no
result yet. Results are kept in docs/reproductions/transfer.json, and the page beside it is made of all that are there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from control import Control
from controlled import Group, Groups, Page, line, main
from controlled_report import table
from results import Results

from mtdeep.nn.depth import deepnorm_adam_rate

RATES = (5e-4, 1e-3, 2e-3, 4e-3, 8e-3)
TUNED = 6
"""Layers a stack at which the rate is chosen."""
UPDATES = {6: 300, 18: 300, 50: 200, 100: 200}
DEPTHS = (6, 18, 50)
TINY = Control(scheme="preln", layers=2, width=16, tokens=200, rate=1e-3)


@dataclass(frozen=True)
class Rule:
    """A scheme, with a rule for depth or without."""

    name: str
    control: Control

    def at(self, layers: int, rate: float) -> Control:
        """Return the training at a depth and a rate."""
        control = replace(self.control, layers=layers, rate=rate)
        return replace(control, encoder=deepnorm_adam_rate(layers, layers)) if "adam" in self.name else control


RULES = (
    Rule("DeepNet", Control()),
    Rule("DeepNet, adam", Control()),
    Rule("Pre-LN", Control(scheme="preln")),
    Rule("Pre-LN, completep", Control(scheme="preln", tuned_depth=TUNED)),
)


def grid(layers: int) -> Group:
    """Return five rates of every rule at a depth."""
    return Group(
        f"{layers}-{layers} layers, {UPDATES[layers]} updates.",
        [line(f"{rule.name}, {rate:g}", rule.at(layers, rate), UPDATES[layers]) for rule in RULES for rate in RATES],
    )


def best_rates(groups: Groups, results: Results) -> list[str]:
    """Return the table of the best rates by depth, and by how many steps of the grid they move."""
    lines = [
        "The rate whose loss is lowest, of those at which the source is heard (another source costs 0.05 bits or "
        "more); in brackets by how many steps of the grid it lies from that of the fewest layers.",
        "",
    ]
    rows = []
    for rule in RULES:
        best = [_best(group, rule, results) for group in groups.values()]
        rows.append([rule.name, *("" if rate is None else f"{rate:g} ({_steps(best[0], rate)})" for rate in best)])
    return [*lines, *table(["scheme, rule", *groups], rows), ""]


def _best(group: Group, rule: Rule, results: Results) -> float | None:
    losses = {}
    for each in group.lines:
        name, _, rate = each.name.rpartition(", ")
        for result in each.results(results) if name == rule.name else ():
            end = result.at_end(each.updates)
            if end is not None and end["gap"] >= 0.05:
                losses[float(rate)] = end["loss"]
    return min(losses, key=losses.__getitem__, default=None)


def _steps(first: float | None, rate: float) -> str:
    return "" if first is None else f"{RATES.index(rate) - RATES.index(first):+d}"


PAGE = Page(
    "transfer",
    "A rate that is chosen at few layers",
    "Width 64, feed-forward 128, 4 heads, Multi30k English-German, about 1,100 target tokens an update, a warm-up of "
    "50 updates and a constant rate after it, no dropout, one seed. `adam` and `completep` are the rules of "
    f"`--depth-rates`; CompleteP's depth is {TUNED} layers a stack.",
    groups={f"{depth}-{depth}": grid(depth) for depth in DEPTHS},
    quick={
        "2-2": Group(
            "A trial.",
            [
                line(f"Pre-LN{what}, 0.001", replace(TINY, tuned_depth=depth), 20)
                for what, depth in (("", 0), (", completep", 1))
            ],
        )
    },
    summary=best_rates,
)

if __name__ == "__main__":
    main(str(__doc__), PAGE)
