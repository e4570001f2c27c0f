"""Checkpoint files <-> (Config, tensors, provenance), without fairseq."""

from mtdeep.checkpoint.average import average
from mtdeep.checkpoint.config_file import read_config
from mtdeep.checkpoint.fairseq_arguments import config_from_arguments
from mtdeep.checkpoint.provenance import Provenance
from mtdeep.checkpoint.read import Checkpoint, load_plain, read_checkpoint

__all__ = [
    "Checkpoint",
    "Provenance",
    "average",
    "config_from_arguments",
    "load_plain",
    "read_checkpoint",
    "read_config",
]
