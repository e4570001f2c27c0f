"""Options that every training has, whatever its task and its model: they stand in fairseq's group ``optimization``.

There they are flags of `fairseq-train`, `optimization.NAME` of `fairseq-hydra-train`, and part of what a checkpoint
records. fairseq has no way to add to its groups, and hands the classes around by name, so the class itself is extended.

fairseq looks at the annotations themselves and knows only the forms of Python 3.6: no postponed annotations here, and
``Optional`` and ``List`` from ``typing``.
"""

# ruff: noqa: UP045

from dataclasses import dataclass, field, fields
from typing import Optional

from fairseq.dataclass import ChoiceEnum, FairseqDataclass, initialize
from fairseq.dataclass.configs import OptimizationConfig

from mtdeep.nn.factors import RULES


@dataclass
class TrainingOptions(FairseqDataclass):
    """Options of ours beside fairseq's ``--stop-min-lr`` and ``--stop-time-hours``."""

    depth_rates: Optional[ChoiceEnum(RULES)] = field(  # type: ignore[valid-type]
        default=None,
        metadata={
            "help": "what the learning rate is multiplied with by depth: 'none', the papers' recipe; 'adam', for "
            "DeepNorm under Adam: the encoder's layers learn at beta/alpha of the rate; 'completep', for Pre-LN with "
            "--tuned-depth (default: none, or what the training that goes on had)"
        },
    )
    guard: bool = field(
        default=False,
        metadata={
            "help": "skip an update whose gradient is not finite or far larger than before, and keep its batch; after "
            "three in a row go back to the newest checkpoint, and on behind these batches; where that does not help, "
            "end with the name of the layer"
        },
    )
    stop_without_source: bool = field(
        default=False,
        metadata={
            "help": "end the training, with a checkpoint and exit code 2, when at two validations in a row the model "
            "does not hear its source, as the encoder says the same of every token or another source costs nothing"
        },
    )


def extend(group: type[FairseqDataclass], options: type[FairseqDataclass]) -> None:
    """Add the fields of *options*, which have plain defaults, to a group of fairseq's configuration, once."""
    known = group.__dataclass_fields__
    for option in fields(options):
        if option.name not in known:
            known[option.name] = option
            group.__annotations__[option.name] = option.type
            setattr(group, option.name, option.default)  # instances that are there already have it from the class


extend(OptimizationConfig, TrainingOptions)
initialize.hydra_init()  # hydra was handed the groups when fairseq was imported
