"""fairseq's architectures of the family: the names of `mtdeep.nn.presets` -> models.

Each scheme is one of translation (`_mt`), a language model (`_lm`) and a masked language model (`_mlm`). A preset fills
in what the command line leaves open, and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping

from fairseq.models import ARCH_MODEL_REGISTRY, register_model, register_model_architecture

from mtdeep.errors import UserError
from mtdeep.fairseq_plugin.arguments import ModelArguments, as_dict
from mtdeep.fairseq_plugin.deep_model import FairseqDeepModel
from mtdeep.fairseq_plugin.models import (
    FairseqDeepEncoderDecoder,
    FairseqDeepLanguageModel,
    FairseqDeepMaskedLanguageModel,
)
from mtdeep.nn.config import SchemeName
from mtdeep.nn.presets import NAMES, PRESETS
from mtdeep.nn.scheme import SCHEMES

KINDS: Mapping[str, type[FairseqDeepModel]] = {
    "mt": FairseqDeepEncoderDecoder,
    "lm": FairseqDeepLanguageModel,
    "mlm": FairseqDeepMaskedLanguageModel,
}
"""The model of each kind of `mtdeep.nn.presets.KINDS`."""


def register_all() -> None:
    """Let fairseq know the model of each kind and scheme, and its sizes."""
    for kind, model in KINDS.items():
        for paper, scheme in NAMES.items():
            register(f"{paper}_{kind}", model, scheme)


def register(name: str, model: type[FairseqDeepModel], scheme: SchemeName) -> None:
    """Let fairseq know a scheme's *model* by a name, and the presets that are named after it."""
    members = {"scheme": scheme, "__doc__": SCHEMES[scheme].__doc__, "__module__": __name__}
    of_scheme = register_model(name)(type(name, (model,), members))
    # An attribute of this module, where pickle looks for it.
    globals()[name] = of_scheme
    for preset, fields in PRESETS.items():
        if preset == name or preset.startswith(f"{name}_"):
            register_model_architecture(name, preset)(of_scheme.architecture(fields))


def check_known(args: ModelArguments) -> None:
    """Raise UserError for an architecture that is not registered, as a checkpoint may name one of its user's own."""
    given = as_dict(args)
    name = given.get("_name") or given.get("arch")
    if name is not None and name not in ARCH_MODEL_REGISTRY:
        raise UserError(
            f"the architecture {name!r} is not known here; give the --user-dir of the training that it was made for."
        )


register_all()
