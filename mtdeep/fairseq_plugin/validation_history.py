"""What fairseq's loop remembers of past validations, which it keeps as attributes of its functions.

A checkpoint of fairseq's holds the best score, and nothing of `--patience`: a training that is stopped and goes on
waits anew. Here checkpoints hold both, with the metric that they are of. And one training starts without what another
one in the same process has left there.
"""

from __future__ import annotations

import logging
from typing import Any

from fairseq import checkpoint_utils

from mtdeep.fairseq_plugin.early_stopping import early_stopping

logger = logging.getLogger(__name__)
KEY = "validation_history"


def validation_history(cfg: Any) -> dict[str, Any]:
    """Return what a checkpoint has to hold; *cfg* are fairseq's options of checkpoints."""
    waiting = {name: vars(function).get(name) for function in early_stopping() for name in ("best", "num_runs")}
    return {**_metric(cfg), **waiting}


def restore(cfg: Any, extra_state: dict[str, Any] | None, *, anew: bool) -> None:
    """Remember what a checkpoint holds, or nothing where there is none, or when its meters are to start *anew*.

    A best score of another metric is taken out of *extra_state*, before fairseq compares with it.
    """
    _forget()
    if extra_state is None or anew or KEY not in extra_state:
        return
    history = extra_state[KEY]
    now = _metric(cfg)
    before = {name: history[name] for name in now}
    if before != now:
        logger.info(
            f"the best checkpoint is looked for anew: by {now['metric']}, and not by {before['metric']} as before"
        )
        extra_state.pop("best", None)
        return
    for function in early_stopping():
        if history.get("best") is not None:
            function.best, function.num_runs = history["best"], history["num_runs"]  # type: ignore[attr-defined]


def is_of(cfg: Any, extra_state: dict[str, Any]) -> bool:
    """Whether a checkpoint's validation was by the metric that is asked for now."""
    history = extra_state.get(KEY, {})
    return _metric(cfg).items() <= history.items()


def _metric(cfg: Any) -> dict[str, Any]:
    return {"metric": cfg.best_checkpoint_metric, "maximize": cfg.maximize_best_checkpoint_metric}


def _forget() -> None:
    for function in (checkpoint_utils.save_checkpoint, *early_stopping()):
        for name in ("best", "num_runs"):
            vars(function).pop(name, None)
