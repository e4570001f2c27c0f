"""After a training: whether its depth is used, branch by branch and layer by layer."""

from mtdeep.probe.use.report import BATCHES, Use, probe_use

__all__ = ["BATCHES", "Use", "probe_use"]
