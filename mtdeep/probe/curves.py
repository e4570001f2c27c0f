"""The numbers of every layer that the report draws, each with a line that says what a healthy network looks like."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mtdeep.probe.records import Record
from mtdeep.probe.thresholds import EQUAL_STATES
from mtdeep.probe.verdict import LOST_GRADIENT

Values = Callable[[Record, str, str], list[float | None]]
"""(record, moment, stack) -> a number of the layers 0, 1, ...; None where there is none."""


@dataclass(frozen=True)
class Curve:
    """A number of every layer: file name, title, what to look for, where it is in a record, and its axis.

    rows: of panels, one above the other, each with its name. line: a threshold of the verdict, drawn dotted.
    """

    file: str
    title: str
    healthy: str
    label: str
    rows: Mapping[str, Values]
    logarithmic: bool = False
    line: float | None = None


def _of_states(name: str) -> Mapping[str, Values]:
    def values(record: Record, moment: str, stack: str) -> list[float | None]:
        return [layer[name] for layer in record[moment]["states"][stack]["layers"]]

    return {"": values}


def _of_kernels(name: str) -> Mapping[str, Values]:
    def of(signal: str) -> Values:
        def values(record: Record, moment: str, stack: str) -> list[float | None]:
            kernels = [layer[signal] for layer in record[moment]["states"][stack]["layers"]]
            return [None if kernel is None else kernel[name] for kernel in kernels]

        return values

    return {
        "states": of("kernel"),
        "self-attention's output": of("self_attention"),
        "cross-attention's output": of("cross_attention"),
    }


def _relative_gradients(record: Record, moment: str, stack: str) -> list[float | None]:
    norms = record[moment]["gradients"][stack]["layers"]
    largest = max((norm for norm in norms if norm is not None), default=0)
    return [None, *(None if norm is None or not largest else norm / largest for norm in norms)]


def _parameter_gradients(record: Record, moment: str, stack: str) -> list[float | None]:
    return [None, *record[moment]["gradients"][stack]["layers"]]


def _stream_gradients(record: Record, moment: str, stack: str) -> list[float | None]:
    return [*record[moment]["gradients"][stack]["stream"]]


def _relative_spread(record: Record, moment: str, stack: str) -> list[float | None]:
    layers = record[moment]["states"][stack]["layers"]
    return [x["spread"] / x["rms"] if x["rms"] and x["spread"] is not None else None for x in layers]


CURVES = (
    Curve(
        "gradient_reach.png",
        "Gradient of each layer, relative to the stack's largest",
        "Healthy: level, or falling a little towards the left; Pre-LN is level, and Post-LN decays as (2/3)^((L-l)/2)"
        " going down (arXiv 2002.04745). The deep networks that were tried and did not train fall below the"
        " dotted line going left.",
        "gradient / largest",
        {"": _relative_gradients},
        logarithmic=True,
        line=LOST_GRADIENT,
    ),
    Curve(
        "gradient_norm.png",
        "Gradient norm, by the parameters of each layer and by the stream behind it",
        "Healthy: neither vanishing nor exploding, and of like size at every depth (arXiv 2002.04745, Figure 3). The"
        " stream's gradient is what has come down through the normalisations: each of Post-LN's takes a part of it,"
        " and larger inputs take more (arXiv 2203.00555, section 3).",
        "gradient norm",
        {"by the parameters": _parameter_gradients, "by the stream": _stream_gradients},
        logarithmic=True,
    ),
    Curve(
        "activation_scale.png",
        "Size of the states (root mean square)",
        "Healthy: 1 behind a LayerNorm; grows as a square root of depth in Pre-LN, whose deep layers then add little"
        " (arXiv 2002.04745, Lemma 2). In float16 it must stay far below 65,504.",
        "root mean square",
        _of_states("rms"),
        logarithmic=True,
    ),
    Curve(
        "norm_input.png",
        "Size of what the LayerNorms are given",
        "Healthy: about the same before and after the first updates. Where exploding updates push it up, the gradients"
        " through the LayerNorms vanish (arXiv 2203.00555, section 3, Figures 3 and 4).",
        "root mean square",
        _of_states("norm_input"),
        logarithmic=True,
    ),
    Curve(
        "neighbour_cosine.png",
        "Cosine of a layer's states with those of the layer below",
        "Healthy: below 1, where a layer changes nothing: representation collapse, which Pre-LN tends to at depth"
        " (arXiv 2304.14802). DeepNorm starts close to 1 by design, the closer the deeper.",
        "cosine",
        _of_states("neighbour_cosine"),
    ),
    Curve(
        "kernel_cosine.png",
        "Kernel of the tokens: mean cosine between two tokens of a sentence",
        "Healthy: the states' clearly below 1. At 1 all tokens of a sentence have one state, and nothing tells them"
        " apart (arXiv 2302.10322). A DeepNorm network may come close in its first updates and return. What attention"
        " adds is more alike than the states it reads: it averages, and only skips or a planned attention undo that.",
        "mean off-diagonal cosine",
        _of_kernels("cosine"),
    ),
    Curve(
        "effective_rank.png",
        "Effective rank of the kernel, relative to the sentence's length",
        "Healthy: the states' well above the floor of 1 / length, at which the signal has one direction left"
        " (arXiv 2302.10322). Attention's output is closer to it.",
        "effective rank / length",
        _of_kernels("effective_rank"),
        logarithmic=True,
    ),
    Curve(
        "spread.png",
        "Spread of the states over tokens, relative to their size",
        "Healthy: well above the dotted line, below which every token has the same state. A model that had lost its"
        " encoder showed it here hundreds of updates before the loss did.",
        "standard deviation / root mean square",
        {"": _relative_spread},
        logarithmic=True,
        line=EQUAL_STATES,
    ),
)
