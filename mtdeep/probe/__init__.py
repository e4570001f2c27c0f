"""Before an hour is spent: whether a configuration will train, from its first updates."""

from mtdeep.probe.age import Age
from mtdeep.probe.batches import ProbeBatch, made_up_batches
from mtdeep.probe.candidates import Candidate, from_checkpoint, from_checkpoints, from_yaml, swept
from mtdeep.probe.data import Data
from mtdeep.probe.measure import Measurement, Settings, measure
from mtdeep.probe.store_batches import store_batches, text_batches
from mtdeep.probe.sweep import Report, probe
from mtdeep.probe.verdict import Check, Verdict, judge

__all__ = [
    "Age",
    "Candidate",
    "Check",
    "Data",
    "Measurement",
    "ProbeBatch",
    "Report",
    "Settings",
    "Verdict",
    "from_checkpoint",
    "from_checkpoints",
    "from_yaml",
    "judge",
    "made_up_batches",
    "measure",
    "probe",
    "store_batches",
    "swept",
    "text_batches",
]
