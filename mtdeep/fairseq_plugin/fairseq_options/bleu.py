"""The options of BLEU while training, of fairseq's task `translation`: refused in a sentence by ours."""

from __future__ import annotations

from argparse import SUPPRESS, Action, ArgumentParser

from fairseq.tasks.translation import TranslationConfig

from mtdeep.errors import UserError
from mtdeep.fairseq_plugin.options import flag


class BleuFlag(Action):
    """A flag of the task `translation` that says what BLEU is computed while it trains."""

    def __call__(self, parser: object, namespace: object, values: object, option_string: str | None = None) -> None:
        """Refuse the flag."""
        raise UserError(
            f"{option_string} is not supported by the task many_to_many_translation: leave out all --eval-bleu options,"
            " and score checkpoints with `mtdeep evaluate`."
        )


def refuse_bleu(parser: ArgumentParser) -> None:
    """Let the flags of BLEU while training be known, so that they are refused in a sentence."""
    for name in TranslationConfig.__dataclass_fields__:
        if name.startswith("eval_"):
            parser.add_argument(flag(name), action=BleuFlag, nargs="?", default=SUPPRESS, help=SUPPRESS)
