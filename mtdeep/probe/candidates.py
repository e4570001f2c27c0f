"""What is probed: models from names and depths, from a YAML file of `nn.Config`'s fields, or from a checkpoint."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, get_args

import torch

from mtdeep.checkpoint import Checkpoint, Provenance, read_checkpoint, read_config
from mtdeep.corpus.store import file_digest
from mtdeep.errors import UserError
from mtdeep.nn import Config, Model, build_model
from mtdeep.nn.config import SchemeName
from mtdeep.nn.presets import PRESETS, Fields, scheme_fields
from mtdeep.probe.age import Age

SCHEMES: tuple[SchemeName, ...] = get_args(SchemeName)
LAYERS: tuple[str, ...] = ("encoder_layers", "decoder_layers")
HEAD_WIDTH = 16
"""Width of an attention head in a swept model, whose own width is small."""


@dataclass(frozen=True)
class Candidate:
    """A model to be probed, and the name that it has in the report.

    A checkpoint brings the weights, and the digest of its file stands for them; otherwise they are drawn from the seed.
    """

    name: str
    config: Config
    checkpoint: Checkpoint | None = None
    digest: str | None = None

    @property
    def provenance(self) -> Provenance:
        """Where the weights come from; of those that are drawn nothing is recorded."""
        return Provenance() if self.checkpoint is None else self.checkpoint.provenance

    @property
    def age(self) -> Age | None:
        """How far the training had come that the weights are of; None where they are drawn."""
        return None if self.checkpoint is None else Age.of(self.checkpoint.provenance)

    @property
    def stands_alone(self) -> bool:
        """Whether it has one stack, and reads text instead of pairs."""
        return not (self.config.encoder_layers and self.config.decoder_layers)

    def build(self, seed: int) -> Model:
        """Return the model in float32; raises UserError when the checkpoint's tensors do not fit."""
        if self.checkpoint is not None:
            return self.checkpoint.model()
        torch.manual_seed(seed)
        return build_model(self.config)

    def identity(self) -> dict[str, Any]:
        """Return what makes this model another one, as plain data."""
        return {"name": self.name, "config": asdict(self.config), "checkpoint": self.digest}


def swept(
    names: Sequence[str], depths: Sequence[int] | None, *, width: int, vocabulary_size: int
) -> list[Candidate]:
    """Return a candidate for each scheme, or architecture of fairseq-train, and total depth; without dropout.

    A depth, 12 if none is given, is half encoder, half decoder, or all of a language model's one stack; architectures
    with a depth in their name have that one alone. Heads are 16 wide, feed-forward branches four times the width, and
    one table serves all embeddings, with a row for the mask in an encoder alone. Raises UserError for a name that is
    not there or has a width of its own, an odd depth, depths that no name takes, or a width that is no multiple of 16.
    """
    known: dict[str, Fields] = {**PRESETS, **{scheme: scheme_fields(scheme) for scheme in SCHEMES}}
    problems = [f"{name!r} is none of {', '.join((*SCHEMES, *PRESETS))}" for name in names if name not in known]
    problems += [f"{name!r} has a width of its own" for name in names if "embed_dim" in known.get(name, {})]
    if depths is not None and names and all(set(LAYERS) <= set(known.get(name, {})) for name in names):
        problems.append("every name has a depth of its own")
    depths = (12,) if depths is None else depths
    halved = any(not set(LAYERS) & set(known[name]) for name in names if name in known)
    problems += [f"depth {depth} has no two halves" for depth in depths if halved and (depth < 2 or depth % 2)]
    problems += [f"depth {depth} is no depth" for depth in depths if not halved and depth < 1]
    if width < HEAD_WIDTH or width % HEAD_WIDTH:
        problems.append(f"width {width} is no multiple of {HEAD_WIDTH}")
    if problems:
        raise UserError(f"--schemes, --depths, --width: {'; '.join(problems)}.")
    dims = {
        "embed_dim": width,
        "encoder_ffn_dim": 4 * width,
        "decoder_ffn_dim": 4 * width,
        "encoder_heads": width // HEAD_WIDTH,
        "decoder_heads": width // HEAD_WIDTH,
        "dropout": 0.0,
    }
    found = {}
    for name in names:
        for layers in _layers(known[name], depths):
            mask = 0 if layers["decoder_layers"] else 1
            rows = dict.fromkeys(("source_vocabulary_size", "target_vocabulary_size"), vocabulary_size + mask)
            config = Config(**{**known[name], **dims, **rows, **layers, **_sharing(layers)})
            found[f"{name} {'-'.join(str(count) for count in layers.values() if count)}"] = config
    return [Candidate(name, config) for name, config in found.items()]


def _layers(fields: Fields, depths: Sequence[int]) -> list[dict[str, int]]:
    """Return the layer counts of encoder and decoder for each depth."""
    own = {name: fields[name] for name in LAYERS if name in fields}
    if len(own) == len(LAYERS):
        return [own]
    parts = len(LAYERS) - len(own)  # that share a depth
    return [{**dict.fromkeys(LAYERS, depth // parts), **own} for depth in depths]


def _sharing(layers: Mapping[str, int]) -> dict[str, bool]:
    """Return which flags make one table of all embeddings."""
    if layers["encoder_layers"]:
        return {"share_all_embeddings": True}
    return {"share_decoder_input_output_embed": True}


def from_yaml(path: Path) -> Candidate:
    """Read a YAML file whose keys are the fields of `nn.Config`; named after the file.

    Raises UserError that names the file and everything wrong in it.
    """
    return Candidate(path.stem, read_config(path, {}))


def from_checkpoints(paths: Sequence[Path]) -> list[Candidate]:
    """Read checkpoints; those whose files have one name have that of their folder before it. Raises as the reading."""
    candidates = [from_checkpoint(path) for path in paths]
    twice = {*_twice(candidate.name for candidate in candidates)}
    for number, (path, candidate) in enumerate(zip(paths, candidates, strict=True)):
        if candidate.name in twice:
            candidates[number] = replace(candidate, name=f"{path.absolute().parent.name}/{candidate.name}")
    return candidates


def from_checkpoint(path: Path) -> Candidate:
    """Read a checkpoint; raises UserError as `read_checkpoint` does, and when its tensors do not fit.

    These are mapped, and take memory only when the model is built.
    """
    checkpoint = read_checkpoint(path)
    checkpoint.check()  # now, not when its turn comes
    return Candidate(path.stem, checkpoint.config, checkpoint, file_digest(path))


def check_names(candidates: Sequence[Candidate]) -> None:
    """Raise UserError when there is no candidate, or when two have one name: one would hide the other."""
    if not candidates:
        raise UserError("Nothing to probe; give --schemes and --depths, --config FILE, or --checkpoint FILE.")
    twice = [*_twice(candidate.name for candidate in candidates)]
    if twice:
        raise UserError(f"Two configurations have the name {twice[0]!r}; rename one of the files.")


def _twice(names: Iterator[str]) -> Iterator[str]:
    return (name for name, count in Counter(names).items() if count > 1)
