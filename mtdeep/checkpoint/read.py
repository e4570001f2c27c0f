"""Read what fairseq wrote, without fairseq and without running anything that a file may carry.

A fairseq checkpoint is a `torch.save` dictionary: `cfg` (or `args`, before 0.10) with the arguments, `model` with the
tensors, `task_state`, `extra_state` and `optimizer_history` beside them. Our architectures record their `nn.Config` as
a plain dictionary under `cfg["model"].mtdeep_config`; for fairseq's own `transformer` it follows from the arguments.
"""

from __future__ import annotations

import pickle
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from mtdeep.checkpoint.allow_list import SafeGlobal, allow_list, qualified_name, without_placeholders
from mtdeep.checkpoint.branch_warm_up import check_updates
from mtdeep.checkpoint.build import check_tensors, model_of
from mtdeep.checkpoint.fairseq_arguments import config_from_arguments, transformer_scheme
from mtdeep.checkpoint.provenance import Provenance
from mtdeep.checkpoint.recorded_arguments import entries, model_arguments
from mtdeep.errors import DamagedFile, UserError, in_file
from mtdeep.nn.config import Config
from mtdeep.nn.models import Model

_ZIP_MAGIC = b"PK\x03\x04"
# torch names the culprit so: "... GLOBAL posix.system was not an allowed global by default".
_GLOBAL = re.compile(r"GLOBAL ([\w.]+)")
# As `numpy_numbers` words it.
_NO_NUMBERS = re.compile(r"numpy (\w+) instead of numbers")

# Tensors of fairseq's state dictionaries that hold nothing of the function.
_VERSION = re.compile(r"(encoder|decoder)\.version")
_POSITIONS = re.compile(r"(encoder|decoder)\.embed_positions\.(_float_tensor|weights)")  # sinusoids are computed
# fairseq 0.12's encoder layers keep a second, packed copy of their weights for torch's fused layer.
_FAST_PATH = re.compile(r"encoder\.layers\.\d+\.(in_proj|out_proj|fc1|fc2)_(weight|bias)")
DROPPED = (_VERSION, _POSITIONS, _FAST_PATH)


@dataclass(frozen=True)
class Checkpoint:
    """A model on disk: its file, its configuration, its tensors under fairseq's names, and how it came to be."""

    path: Path
    config: Config
    tensors: dict[str, Tensor]
    provenance: Provenance

    def model(self) -> Model:
        """Return the model in evaluation mode, float32, on the CPU, after its updates; its tensors are copies.

        Raises UserError as `check` does, and when its branches warm up and it does not record its updates.
        """
        with in_file(self.path):
            check_updates(self.config, self.provenance.updates)
            model = model_of(self.config, self.tensors)
        model.set_num_updates(self.provenance.updates or 0)
        return model

    def check(self) -> None:
        """Raise UserError that lists every tensor that is missing, left over, or of another shape."""
        with in_file(self.path):
            check_tensors(self.config, self.tensors)


def read_checkpoint(path: Path | str) -> Checkpoint:
    """Read a checkpoint of ours or of fairseq's ``transformer``; tensors are mapped from the file, not copied.

    Raises UserError when *path* is missing, is no checkpoint, is cut short, carries code (which does not run), or
    holds a model that cannot be expressed as an ``nn.Config``.
    """
    path = Path(path)
    state = load_plain(path)
    model = state.get("model")
    if not isinstance(model, Mapping) or not _are_tensors(model):
        raise UserError(f"{path}: no fairseq checkpoint, it has no model with tensors; give a checkpoint*.pt file.")
    if not model_arguments(state):
        raise UserError(f"{path}: no fairseq checkpoint, it does not record its arguments; give a checkpoint*.pt file.")
    tensors = {name: tensor for name, tensor in model.items() if not is_dropped(name)}
    with in_file(path):
        return Checkpoint(path, model_config(state), tensors, Provenance.of(state))


def load_plain(path: Path | str) -> dict[str, object]:
    """Return the dictionary in a `torch.save` file, if it is one that holds data only; raises UserError otherwise."""
    path = Path(path)
    try:
        with path.open("rb") as file:
            # Files in the format before torch 1.6, as many public fairseq models are, cannot be mapped.
            mapped = file.read(len(_ZIP_MAGIC)) == _ZIP_MAGIC
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); give a checkpoint*.pt file.") from None
    try:
        # torch warns of odd pickle protocols; whatever is odd about a file, the user hears of it once, in our error.
        with warnings.catch_warnings(action="ignore"), torch.serialization.safe_globals(_not_yet_allowed()):
            state = without_placeholders(torch.load(str(path), map_location="cpu", weights_only=True, mmap=mapped))
    except pickle.UnpicklingError as error:
        raise _refused(path, str(error)) from None
    except Exception:  # arbitrary bytes make the unpickler and the zip reader fail in arbitrary ways
        raise _no_checkpoint(path) from None
    if not isinstance(state, dict):
        raise UserError(f"{path}: no fairseq checkpoint but a {type(state).__name__}; give a checkpoint*.pt file.")
    return state


def model_config(state: Mapping[str, object]) -> Config:
    """Return the configuration of the model in a checkpoint, ours or fairseq's ``transformer``, read as plain data.

    Raises UserError when it is of another kind.
    """
    arguments, model = model_arguments(state), state.get("model")
    try:
        if (ours := arguments.get("mtdeep_config")) is not None:
            return Config.from_dict(entries(ours))
        return _transformer_config(arguments, model if isinstance(model, Mapping) else {})
    except (TypeError, ValueError, RuntimeError) as error:  # the last by tensors in the place of numbers
        raise UserError(f"its model configuration is not one of this version ({error}).") from None


def _transformer_config(arguments: Mapping[str, object], tensors: Mapping[str, Tensor]) -> Config:
    architecture = str(arguments.get("arch") or arguments.get("_name"))
    source, target = (tensors.get(f"{side}.embed_tokens.weight") for side in ("encoder", "decoder"))
    if not architecture.startswith("transformer") or source is None or target is None:
        raise UserError(
            f"holds a model of architecture {architecture!r}; only ours and fairseq's transformer are read."
        )
    return config_from_arguments(
        arguments,
        source_vocabulary_size=len(source),
        target_vocabulary_size=len(target),
        scheme=transformer_scheme(arguments),
    )


def _are_tensors(model: Mapping[object, object]) -> bool:
    return all(isinstance(name, str) and isinstance(tensor, Tensor) for name, tensor in model.items())


def is_dropped(name: str) -> bool:
    """Whether a tensor of fairseq's says nothing about the function, or says again what another one says."""
    return any(pattern.fullmatch(name) for pattern in DROPPED)


def _not_yet_allowed() -> list[SafeGlobal]:
    """Return what torch must allow in addition; what the context allows it also forbids when it ends."""
    allowed = {qualified_name(item) for item in torch.serialization.get_safe_globals()}
    return [item for item in allow_list() if qualified_name(item) not in allowed]


def _refused(path: Path, reason: str) -> UserError:
    if (name := _GLOBAL.search(reason)) is not None:
        return UserError(
            f"{path}: carries code or objects ({name[1]}), which were not loaded; "
            "use only a checkpoint that fairseq wrote, from a source that you trust."
        )
    if (kind := _NO_NUMBERS.search(reason)) is not None:
        return UserError(
            f"{path}: holds numpy {kind[1]}, and of numpy only numbers are read; "
            "write it again with Python's own values in their place."
        )
    return _no_checkpoint(path)


def _no_checkpoint(path: Path) -> DamagedFile:
    sentence = f"{path}: not a checkpoint, or cut short; give a checkpoint*.pt file that was written to its end."
    return DamagedFile(sentence)
