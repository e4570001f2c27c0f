"""A checkpoint for a store that has got languages since: rows for their tags, and all else as it was.

A tag's row begins as that of a language that is named, or as the mean of all languages' rows. States and the scores of
the old symbols stay what they were; their probabilities lose what the new tags get.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mtdeep.checkpoint.build import check_tensors
from mtdeep.checkpoint.provenance import Provenance
from mtdeep.checkpoint.read import is_dropped, load_plain, model_config
from mtdeep.checkpoint.recorded_arguments import model_arguments
from mtdeep.corpus import Vocabulary
from mtdeep.errors import UserError, in_file, shortened

TABLES = ("encoder.embed_tokens.weight", "decoder.embed_tokens.weight", "decoder.output_projection.weight")
SCORES = ("best", "val_loss", "validation_history")
ADAM = {"step", "exp_avg", "exp_avg_sq", "max_exp_avg_sq"}


@dataclass(frozen=True)
class Grown:
    """What came of a checkpoint."""

    state: dict[str, Any]
    """All that its file is to hold."""
    tags: tuple[str, ...]
    """Those that it has got: of languages, or of origins (`<bt>`)."""
    keeps_optimizer: bool
    """Whether the state of its optimizer, if it had one, is there still."""


def grow(path: Path, vocabulary: Vocabulary, like: Mapping[str, str]) -> Grown:
    """Return the checkpoint at *path* with rows for the tags that *vocabulary* has more than its own.

    like: for some of the new languages, the old one whose tag's row theirs begins as.
    Raises UserError for a checkpoint that is no translation model of ours, that has another vocabulary than the first
    part of this one, or all of it, and for languages in *like* that are not new, or not old.
    """
    state: dict[str, Any] = load_plain(path)
    with in_file(path):
        provenance = Provenance.of(state)
        arguments = model_arguments(state)
        recorded = arguments.get("mtdeep_config")
        if provenance.vocabulary is None or not isinstance(recorded, MutableMapping):
            raise UserError("no model of ours that --task many_to_many_translation has trained; such a one can grow.")
        config = model_config(state)
        before = _vocabulary_of(provenance, config.source_vocabulary_size, vocabulary)
        check_tensors(config, {name: tensor for name, tensor in state["model"].items() if not is_dropped(name)})
        new = vocabulary.tags[len(before.tags) :]
        _check(like, new, before)
    rows = _Rows(before, new, like)
    tables = [name for name in TABLES if name in state["model"]]
    optimizer = _grown_optimizer(state, tables, rows)
    model = rows.added(state["model"], tables)
    extra = dict(state.get("extra_state") or {})
    for average in ("ema", "ema_fp32_params"):
        if extra.get(average):
            extra[average] = rows.added(extra[average], tables)
    for score in SCORES:  # of validations without the new languages
        extra.pop(score, None)
    recorded.update(source_vocabulary_size=len(vocabulary), target_vocabulary_size=len(vocabulary))
    task = {**state["task_state"], "vocabulary": vocabulary.digest, "languages": list(vocabulary.languages)}
    grown = {**state, "model": model, "extra_state": extra, "task_state": task}
    if "last_optimizer_state" in state:
        grown["last_optimizer_state"] = optimizer
    return Grown(grown, new, optimizer is not None or not state.get("last_optimizer_state"))


def _vocabulary_of(provenance: Provenance, size: int, vocabulary: Vocabulary) -> Vocabulary:
    """Return the vocabulary of a checkpoint, the first part of the store's; raises UserError when it is not that."""
    if provenance.vocabulary == vocabulary.digest:
        raise UserError("it has all languages of the store; there is nothing to add.")
    if vocabulary.first_tag < size < len(vocabulary):
        before = vocabulary.first(size)
        if before.digest == provenance.vocabulary:
            return before
    raise UserError(
        f"its vocabulary ({size:,} symbols, languages {shortened(list(provenance.languages))}) is not what the store's "
        "began as; give the store that it was trained on, grown by mtdeep prepare --append."
    )


def _check(like: Mapping[str, str], new: tuple[str, ...], before: Vocabulary) -> None:
    for language, other in like.items():
        if language not in new:
            raise UserError(f"--like {language}={other}: {language} is not new; new are {', '.join(new)}.")
        if other not in before.languages:
            raise UserError(f"--like {language}={other}: {other} is none of its languages.")


class _Rows:
    """The rows that tables of tokens get."""

    def __init__(self, before: Vocabulary, new: tuple[str, ...], like: Mapping[str, str]) -> None:
        self._languages = [before.tag(language) for language in before.languages]
        self._like = [before.tag(like[language]) if language in like else None for language in new]

    def of(self, table: Tensor) -> Tensor:
        """Return a table (V, D) with the new rows behind its own."""
        mean = table[self._languages].double().mean(0).to(table.dtype)
        return torch.cat([table, torch.stack([mean if number is None else table[number] for number in self._like])])

    def empty(self, moment: Tensor) -> Tensor:
        """Return an optimizer's moment of a table (V, D) with rows of zeros behind its own."""
        return torch.cat([moment, moment.new_zeros(len(self._like), moment.size(1))])

    def added(self, tensors: Mapping[str, Tensor], tables: list[str]) -> dict[str, Tensor]:
        """Return tensors, whose *tables* have the new rows; one that has several names stays one."""
        grown: dict[int, Tensor] = {}
        for name in tables:
            grown.setdefault(tensors[name].data_ptr(), self.of(tensors[name]))
        return {**tensors, **{name: grown[tensors[name].data_ptr()] for name in tables}}


def _grown_optimizer(state: Mapping[str, Any], tables: list[str], rows: _Rows) -> dict[str, Any] | None:
    """Return the optimizer's state with moments of zero for the new rows; None where it is of a form not known here."""
    optimizer = state.get("last_optimizer_state")
    if not optimizer or any(not ADAM.issuperset(moments) for moments in optimizer["state"].values()):
        return None
    parameters = dict(_parameters(state["model"]))
    names = [name for group in optimizer["param_groups"] for name in group.get("param_names", ())] or list(parameters)
    numbers = [number for group in optimizer["param_groups"] for number in group["params"]]
    if len(numbers) == 1 < len(names):
        moments = _grown_flat(optimizer["state"].get(numbers[0], {}), parameters, tables, rows)
        return None if moments is None else {**optimizer, "state": {numbers[0]: moments}}
    if len(numbers) < len(names) or not set(tables) & set(names):
        return None
    place = dict(zip(names, numbers, strict=False))  # behind the model's parameters stand the criterion's
    grown = dict(optimizer["state"])
    for name in set(tables) & set(names):
        if place[name] not in grown:
            continue  # it has had no update
        grown[place[name]] = {
            what: rows.empty(value) if isinstance(value, Tensor) and value.shape == parameters[name].shape else value
            for what, value in grown[place[name]].items()
        }
    return {**optimizer, "state": grown}


def _grown_flat(
    moments: Mapping[str, Any], parameters: Mapping[str, Tensor], tables: list[str], rows: _Rows
) -> dict[str, Any] | None:
    """Do so for moments of all parameters in one piece, as ``--bf16`` and ``--fp16`` keep them."""
    sizes = [parameter.numel() for parameter in parameters.values()]
    grown = {}
    for what, value in moments.items():
        if not isinstance(value, Tensor) or value.dim() == 0:
            grown[what] = value
            continue
        if value.numel() != sum(sizes):
            return None
        parts = dict(zip(parameters, value.split(sizes), strict=True))
        for name in set(tables) & set(parameters):
            parts[name] = rows.empty(parts[name].view_as(parameters[name])).flatten()
        grown[what] = torch.cat(list(parts.values()))
    return grown


def _parameters(model: Mapping[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
    """Yield the parameters of a model, each once, in its own order."""
    seen: set[int] = set()
    for name, tensor in model.items():
        if tensor.data_ptr() not in seen:
            seen.add(tensor.data_ptr())
            yield name, tensor
