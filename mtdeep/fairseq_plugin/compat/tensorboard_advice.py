"""Every command of fairseq begins with the advice to install tensorboardX, which one task for speech would use.

All tasks are imported at each start, and that one logs the advice while it is. What logs to TensorBoard
(`--tensorboard-logdir`) says by itself what it lacks.
"""

from __future__ import annotations

import logging
from importlib.util import find_spec

from mtdeep.fairseq_plugin.compat.patch import Patch

MODULE = "fairseq.tasks.text_to_speech"
ADVICE = "Please install tensorboardX"


def is_wanted(record: logging.LogRecord) -> bool:
    """Return whether a log record is another than the advice."""
    return not record.getMessage().startswith(ADVICE)


def needed() -> bool:
    """Return whether tensorboardX is missing, of which the advice speaks."""
    return find_spec("tensorboardX") is None


def apply() -> None:
    """Leave the advice out of the log."""
    logging.getLogger(MODULE).addFilter(is_wanted)


def active() -> bool:
    """Return whether the advice is left out."""
    return is_wanted in logging.getLogger(MODULE).filters


PATCH = Patch(
    name="tensorboard_advice",
    mends="advice at every start to install tensorboardX, for a task of speech",
    ticket="facebookresearch/fairseq/blob/v0.12.2/fairseq/tasks/text_to_speech.py (no thread found)",
    moment="before",
    module=MODULE,
    needed=needed,
    apply=apply,
    active=active,
)
