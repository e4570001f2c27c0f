"""Exponents of gradients, streams and updates over depth, fitted and laid beside the theorems.

Usage: python scripts/reproduce/scaling_laws.py [FOLDER] [--quick]

Nothing is trained: models of several depths and seeds are looked at before their first update, on made-up sentences,
as `mtdeep probe` looks at them. Each is kept in FOLDER (default: runs/scaling_laws), from which a second run continues.
The report goes to docs/reproductions/, with --quick to FOLDER.
"""

from __future__ import annotations

import json
import math
import statistics
import sys
import textwrap
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import torch
from laws import DECAYS, LAWS, TOLERANCE, XIONG, Fit, Law
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

sys.path.insert(0, str(Path(__file__).parents[1]))
from made_with import made_with

from mtdeep.durable import write_atomically
from mtdeep.nn import Config, Model, build_model
from mtdeep.probe import ProbeBatch, made_up_batches

ROOT = Path(__file__).parents[2]
WIDTH, VOCABULARY, TOKENS = 64, 256, 512
DEPTHS, SEEDS = (6, 12, 24, 50, 100), (1, 2, 3)
QUICK_DEPTHS, QUICK_SEEDS = (2, 4, 6), (1,)
DECAY_LAYERS = 24


def main(folder: Path, quick: bool) -> None:
    """Measure what is not in *folder* yet, fit, write the report."""
    torch.set_num_threads(1)
    folder.mkdir(parents=True, exist_ok=True)
    depths, seeds = (QUICK_DEPTHS, QUICK_SEEDS) if quick else (DEPTHS, SEEDS)
    found: dict[str, dict[int, list[float]]] = {}
    for law in LAWS:
        for depth in depths:
            for seed in seeds:
                value = kept(folder / f"{law.name}-{depth}-{seed}.json", partial(measured, law, depth, seed))
                found.setdefault(law.name, {}).setdefault(depth, []).append(value)
                print(f"{law.name}, {depth} layers, seed {seed}: {value:.4g}", flush=True)
    layers = depths[-1] if quick else DECAY_LAYERS
    decays = [kept(folder / f"{law.name}-{layers}.json", partial(median_decay, law, layers, seeds)) for law in DECAYS]
    report(folder if quick else ROOT / "docs" / "reproductions", found, decays, layers, len(seeds))


def kept(path: Path, compute: Callable[[], float]) -> float:
    """Return what the file holds, or compute it and write the file."""
    if not path.exists():
        value = compute()
        write_atomically(path, lambda partial: partial.write_text(json.dumps(value)))
    number: float = json.loads(path.read_text())
    return number


def measured(law: Law, depth: int, seed: int) -> float:
    """Return the quantity for one model."""
    config = Config(
        scheme=law.scheme,  # type: ignore[arg-type]
        source_vocabulary_size=VOCABULARY,
        target_vocabulary_size=VOCABULARY,
        encoder_layers=depth,
        decoder_layers=depth if law.stacks == "both" else 0,
        embed_dim=WIDTH,
        encoder_ffn_dim=WIDTH,
        decoder_ffn_dim=WIDTH,
        encoder_heads=1,
        decoder_heads=1,
        dropout=0.0,
    )
    torch.manual_seed(seed)
    model = build_model(config)
    if law.uniform_attention:
        without_queries(model)
    return law.measure(model, batches_for(config, seed))


def without_queries(model: Model) -> None:
    """Make attention uniform, as the theory of arXiv 2002.04745 has it: W^Q = W^K = 0."""
    for name, parameter in model.named_parameters():
        if ".q_proj." in name or ".k_proj." in name:
            torch.nn.init.zeros_(parameter)


def batches_for(config: Config, seed: int) -> list[ProbeBatch]:
    """Return a batch to look at and one to step on."""
    batches = made_up_batches(config, 2, tokens=TOKENS, seed=seed)
    if config.decoder_layers:
        return batches
    return [batch.masked(config, seed + number) for number, batch in enumerate(batches)]


def median_decay(law: Law, layers: int, seeds: Sequence[int]) -> float:
    """Return the median over the seeds of `decay_by_layer`."""
    return statistics.median(measured(law, layers, seed) for seed in seeds)


def report(
    folder: Path, found: dict[str, dict[int, list[float]]], decays: Sequence[float], layers: int, seeds: int
) -> None:
    """Write table and picture."""
    folder.mkdir(parents=True, exist_ok=True)
    depths = [*next(iter(found.values()))]
    lines = [
        "# Scaling laws: exponents over depth",
        "",
        "`python scripts/reproduce/scaling_laws.py`; models before their first update, medians of "
        f"{seeds} seeds. An exponent p means quantity ~ L^p, least squares in the logarithms; beside it the lowest and "
        "the highest of the single seeds, and the same fit of the theorem's function. A theorem holds here when p is "
        f"not more than {TOLERANCE:g} beyond it.",
        "",
        f"| quantity | scheme | stacks | {' | '.join(f'L = {d}' for d in depths)} | p, fitted | seeds | theory "
        "| p of it | holds | source |",
        "|---" * (len(depths) + 9) + "|",
    ]
    for law in LAWS:
        values, theory = found[law.name], law.theory
        fit = Fit.over(values)
        cells = [
            law.quantity,
            law.scheme,
            "encoder alone" if law.stacks == "encoder" else "encoder and decoder, L each",
            *(f"{statistics.median(of_depth):.3g}" for of_depth in values.values()),
            f"{fit.p:.2f}",
            f"{fit.lowest:.2f} to {fit.highest:.2f}",
            f"{theory.bound} {theory.formula}",
            f"{theory.exponent(depths):.2f}",
            "yes" if theory.holds(fit.p, depths) else "no",
            theory.source,
        ]
        lines.append(f"| {' | '.join(cells)} |")
    lines += [
        "",
        f"From each layer to the one below it, Post-LN's gradients of that matrix are multiplied by {decays[0]:.3f} "
        f"under uniform attention, and by {decays[1]:.3f} with queries and keys as they are drawn (an encoder of "
        f"{layers} layers); {XIONG} estimates {math.sqrt(2 / 3):.3f}, the root of 2/3, from the normalisations alone.",
        "",
        "![quantities over depth](scaling_laws.png)",
        "",
        f"- Width {WIDTH} = feed-forward width, one head, vocabulary {VOCABULARY}, {TOKENS} tokens of made-up "
        f"sentences, float32; encoders alone fill in masked tokens. For what {XIONG} says, W^Q = W^K = 0, as in its "
        "theory.",
        "- The update is the mean norm of the change of the states before the vocabulary by their mean norm, after one "
        "step of gradient descent with the layers' matrices, divided by its rate (docs/probe.md).",
        "- All bounds are of gradient descent, and those on updates by the layers' matrices alone. Under Adam every "
        "matrix moves the output by alpha/beta more than they have it, and what the normalisations add, which they "
        "leave out, grows with depth: no update is level. The shift is the root mean square of what one update of a "
        "stack's layers adds to the states of all tokens alike, by that of the states, in float64 and divided by the "
        "rate. The decoder's grows too, at full rate; each of its layers is told anew, by cross-attention, what tells "
        "tokens apart. docs/reproductions/rates.md has trainings with and without a factor on it.",
        f"- Made with {made_with('torch', 'mtdeep')}.",
        "",
    ]
    (folder / "scaling_laws.md").write_text("\n".join(lines), encoding="utf-8")
    draw(folder / "scaling_laws.png", found)
    print("\n".join(lines))


def draw(path: Path, found: dict[str, dict[int, list[float]]]) -> None:
    """Draw every quantity over depth, in units of its value at the smallest depth, with theory's slope."""
    figure = Figure(figsize=(12, 3.2 * math.ceil(len(LAWS) / 4)), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(math.ceil(len(LAWS) / 4), 4, squeeze=False).flat
    for law, axes in zip(LAWS, panels, strict=False):
        depths = [*found[law.name]]
        unit = statistics.median(found[law.name][depths[0]])
        for depth, values in found[law.name].items():
            axes.plot([depth] * len(values), [value / unit for value in values], "o", color="C0", markersize=4)
        theory = [law.theory.growth(depth) / law.theory.growth(depths[0]) for depth in depths]
        axes.plot(depths, theory, "--", color="grey", label=f"{law.theory.formula} ({law.theory.bound})")
        quantity = textwrap.fill(law.quantity.replace("`", ""), 40)
        axes.set(xscale="log", yscale="log", title=f"{law.scheme}, {law.stacks}\n{quantity}", xlabel="layers L")
        axes.title.set_fontsize(8)
        axes.grid(alpha=0.3, which="both")
        axes.legend(fontsize=7)
    for axes in figure.axes[len(LAWS) :]:
        axes.remove()
    figure.savefig(path, metadata={"Software": None})


if __name__ == "__main__":
    arguments = [argument for argument in sys.argv[1:] if argument != "--quick"]
    if len(arguments) > 1:
        sys.exit(__doc__)
    main(Path(arguments[0]) if arguments else ROOT / "runs" / "scaling_laws", "--quick" in sys.argv)
