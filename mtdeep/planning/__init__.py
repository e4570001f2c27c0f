"""What a training will need, before it is started: memory, the batch that fits, arithmetic and hours."""

from mtdeep.planning.plan import TRACES, BatchPlan, Plan, make_plan
from mtdeep.planning.rehearsal import Batch, Setting, Trace, rehearse
from mtdeep.planning.scaling import at_full_depth
from mtdeep.planning.training import RESERVES, Course, Training
from mtdeep.planning.units import format_bytes, parse_bytes
from mtdeep.precision import PRECISIONS, Precision

__all__ = [
    "PRECISIONS",
    "RESERVES",
    "TRACES",
    "Batch",
    "BatchPlan",
    "Course",
    "Plan",
    "Precision",
    "Setting",
    "Trace",
    "Training",
    "at_full_depth",
    "format_bytes",
    "make_plan",
    "parse_bytes",
    "rehearse",
]
