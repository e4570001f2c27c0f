"""A reproduction on one page: a table of its trainings as the paper has them, every number behind it, the commands."""

from __future__ import annotations

import math
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from outcome import DEFINITION, Outcome

STORE, FOLDER = "STORE", Path("RUN")  # what stands in the printed commands for the paths of this machine


@dataclass(frozen=True)
class Description:
    """What a reproduction is, in words."""

    name: str
    """Of its script, its report and its folder."""
    title: str
    claim: str
    """What the paper found, and where it stands."""
    rows: str
    """What the rows of the table are."""
    settings: Sequence[str]
    """What all trainings share and why, one sentence or two each."""
    smaller: Sequence[str]
    """What was made smaller than in the paper."""
    full_size: str
    """The command of the paper's own size."""


def write_report(
    path: Path, about: Description, outcomes: Sequence[Outcome], *, unigram: float, findings: Sequence[str], jobs: int
) -> None:
    """Write *path* (markdown) and the picture beside it; *findings* are sentences made from the numbers."""
    picture = path.with_suffix(".png")
    path.parent.mkdir(parents=True, exist_ok=True)
    draw(outcomes, picture, unigram)
    minutes = sum(outcome.seconds for outcome in outcomes) / 60
    lines = [
        f"# {about.title}",
        "",
        f"`python scripts/reproduce/{about.name}.py DATA`. {about.claim}",
        "",
        "Last validation loss, bits a token:",
        "",
        *matrix(about.rows, outcomes, unigram),
        "",
        f"{DEFINITION} The unigram distribution has {unigram:.2f} bits.",
        "",
        *[f"- {finding}" for finding in findings],
        *([""] if findings else []),
        f"![curves]({picture.name})",
        "",
        "Lines: training loss, dashed where the training diverged. Dots: validation loss. Dotted: the unigram "
        "distribution's.",
        "",
        "| training | updates | training loss | validation loss | lowest | largest gradient norm | another source "
        "| encoder's spread | s an update | end |",
        "|---" * 10 + "|",
        *[details(outcome, unigram) for outcome in outcomes],
        "",
        "Gradient norms and training losses are averages over 10 updates; another source: by how much it raises the "
        "loss; spread: over tokens, by the size of the states; seconds are wall clock, with validation and saving.",
        "",
        *[f"- {sentence}" for sentence in (*about.settings, *(f"Smaller than the paper: {s}" for s in about.smaller))],
        f"- One seed a training (1). {len(outcomes)} trainings of one thread each, {jobs} at a time: {minutes:.0f} "
        "minutes of training in sum.",
        *[f"- Trained with {made}." for made in dict.fromkeys(made for o in outcomes for made in o.made_with)],
        "",
        "The paper's size, on the store of the paper's data:",
        "",
        "```",
        about.full_size,
        "```",
        "",
        "The trainings, each with `OMP_NUM_THREADS=1`:",
        "",
        "```",
        *[shlex.join(outcome.run.command(STORE, FOLDER / outcome.run.name)) for outcome in outcomes],
        "```",
        "",
    ]
    path.write_text("\n".join(lines), encoding="utf-8")


def matrix(rows: str, outcomes: Sequence[Outcome], unigram: float) -> list[str]:
    """Return the lines of a markdown table: the runs' rows and columns, in the order in which they come."""
    cells = {(outcome.run.row, outcome.run.column): cell(outcome, unigram) for outcome in outcomes}
    columns = list(dict.fromkeys(outcome.run.column for outcome in outcomes))
    lines = [f"| {rows} | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
    for row in dict.fromkeys(outcome.run.row for outcome in outcomes):
        lines.append(f"| {row} | {' | '.join(cells.get((row, column), '') for column in columns)} |")
    return lines


def cell(outcome: Outcome, unigram: float) -> str:
    """Return the last validation loss, or that the training diverged."""
    if outcome.divergence(unigram):
        return "div."
    heard = ", encoder lost" if outcome.lost else ", deaf" if outcome.deaf else ""
    return f"{outcome.last_loss:.2f}{heard}"


def details(outcome: Outcome, unigram: float) -> str:
    """Return a training's line of the second table."""
    last = outcome.training[-1].nll_loss if outcome.training else math.nan
    lowest = min((loss for _, loss in outcome.validation), default=math.nan)
    divergence = outcome.divergence(unigram)
    end = "encoder lost" if outcome.lost else "deaf" if outcome.deaf else "trained"
    if divergence:
        end = f"div.: {divergence}" + (f" ({outcome.stopped})" if outcome.stopped else "")
    values = [
        outcome.run.name,
        f"{outcome.updates:,}",
        *(f"{loss:.2f}" for loss in (last, outcome.last_loss, lowest)),
        f"{outcome.largest_gradient:.3g}",
        *(("", "") if outcome.source is None else (f"{outcome.source.gap:.2f}", f"{outcome.source.spread:.2g}")),
        f"{outcome.seconds / max(1, outcome.updates):.2f}",
        end,
    ]
    return f"| {' | '.join(values)} |"


def draw(outcomes: Sequence[Outcome], path: Path, unigram: float) -> None:
    """Draw a panel a column: training loss as lines, validation loss as dots, diverged trainings dashed."""
    columns = list(dict.fromkeys(outcome.run.column for outcome in outcomes))
    colours = {row: f"C{i}" for i, row in enumerate(dict.fromkeys(outcome.run.row for outcome in outcomes))}
    across = min(4, len(columns))
    down = math.ceil(len(columns) / across)
    figure = Figure(figsize=(1 + 3.6 * across, 0.6 + 3.2 * down), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(down, across, sharey=True, squeeze=False).flat
    losses = [loss for outcome in outcomes for loss in outcome.losses if math.isfinite(loss)]
    lowest = min(losses, default=unigram)
    for column, axes in zip(columns, panels):
        for outcome in outcomes:
            if outcome.run.column == column:
                _draw_run(axes, outcome, colours[outcome.run.row], bool(outcome.divergence(unigram)))
        axes.axhline(unigram, color="grey", linewidth=0.8, linestyle=":")
        axes.set(title=column, xlabel="updates", ylim=(lowest - 0.2, 1.5 * unigram))
        axes.grid(alpha=0.3)
        axes.legend(fontsize=7)
    for axes in figure.axes[len(columns) :]:
        axes.remove()
    figure.axes[0].set_ylabel("loss (bits a token)")
    figure.savefig(path, metadata={"Software": None})


def _draw_run(axes: Axes, outcome: Outcome, colour: str, diverged: bool) -> None:
    axes.plot(
        [point.updates for point in outcome.training],
        [point.nll_loss for point in outcome.training],
        color=colour,
        linewidth=1,
        linestyle="--" if diverged else "-",
        label=outcome.run.row + (", div." if diverged else ""),
    )
    axes.plot(
        [updates for updates, _ in outcome.validation], [loss for _, loss in outcome.validation], ".", color=colour
    )
