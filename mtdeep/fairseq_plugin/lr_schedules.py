"""A learning rate that may start in full: fairseq's ``inverse_sqrt`` divides by its warm-up, and 0 ends it.

Pre-LN needs no warm-up (Xiong et al., arXiv 2002.04745, Sec. 4); their two schedules without one are

    --lr-scheduler piecewise --after drop --turn-at U           # IWSLT-14: times 0.1 at epoch 8, U = 7 epochs
    --lr-scheduler piecewise --after inverse_sqrt --turn-at U   # WMT-14: in full to epoch 6, then inverse square root

fairseq looks at the annotations themselves and knows only the forms of Python 3.6: no postponed annotations here, and
``Optional`` and ``List`` from ``typing``.
"""

# ruff: noqa: RUF009, UP006, UP035, UP045

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import List, Optional

from fairseq.dataclass import ChoiceEnum, FairseqDataclass
from fairseq.optim import FairseqOptimizer
from fairseq.optim.lr_scheduler import FairseqLRScheduler, register_lr_scheduler
from omegaconf import II

from mtdeep.errors import UserError

DROP_FACTOR = 0.1  # Xiong et al.'s
LINEAR_WARM_UP_FROM = 0.0  # as fairseq's inverse_sqrt has it


@dataclass
class PiecewiseConfig(FairseqDataclass):
    """Options of ``--lr-scheduler piecewise``; checkpoints record them."""

    warmup_updates: int = field(
        default=0, metadata={"help": "updates over which the rate rises linearly to --lr; 0: it starts there"}
    )
    warmup_init_lr: Optional[float] = field(
        default=None, metadata={"help": f"rate that the warm-up starts from (default: {LINEAR_WARM_UP_FROM:g})"}
    )
    after: ChoiceEnum(["hold", "drop", "inverse_sqrt"]) = field(  # type: ignore[valid-type]
        default="hold",
        metadata={
            "help": "what the rate does after --turn-at updates: 'drop' multiplies it by --drop-factor, 'inverse_sqrt' "
            "makes it --lr * sqrt(turn / updates); 'hold' has no turn"
        },
    )
    turn_at: Optional[List[int]] = field(
        default=None,
        metadata={"help": "updates done when the rate turns; for 'drop' several may stand, as U1,U2,..."},
    )
    drop_factor: Optional[float] = field(
        default=None, metadata={"help": f"factor of each drop (default: {DROP_FACTOR:g})"}
    )
    lr: List[float] = II("optimization.lr")


@register_lr_scheduler("piecewise", dataclass=PiecewiseConfig)
class Piecewise(FairseqLRScheduler):
    """``--lr-scheduler piecewise``: an optional warm-up, then --lr, then what ``--after`` says.

    The rate is a function of the updates done and of the options alone, so a training that goes on needs no state.
    """

    def __init__(self, cfg: PiecewiseConfig, optimizer: FairseqOptimizer) -> None:
        problems = list(_problems(cfg))
        if problems:
            raise UserError("--lr-scheduler piecewise: " + "; ".join(problems) + ".")
        super().__init__(cfg, optimizer)
        self.step_update(0)

    def step_update(self, num_updates: int) -> float:
        """Set and return the rate of the update that follows *num_updates* done ones."""
        rate = self.rate(num_updates)
        self.optimizer.set_lr(rate)
        return rate

    def rate(self, updates: int) -> float:
        """Return the rate after *updates* done ones, in closed form."""
        cfg = self.cfg
        (peak,) = cfg.lr
        if updates < cfg.warmup_updates:
            start = LINEAR_WARM_UP_FROM if cfg.warmup_init_lr is None else cfg.warmup_init_lr
            return float(start + (peak - start) * updates / cfg.warmup_updates)
        passed = [turn for turn in cfg.turn_at or [] if turn <= updates]
        if not passed:
            return float(peak)
        if str(cfg.after) == "inverse_sqrt":
            return float(peak * math.sqrt(passed[0] / updates))
        factor = DROP_FACTOR if cfg.drop_factor is None else cfg.drop_factor
        return float(peak * factor ** len(passed))


def _problems(cfg: PiecewiseConfig) -> Iterator[str]:
    """What has no sense, or contradicts itself; one phrase each."""
    if len(cfg.lr) != 1:
        yield f"--lr has {len(cfg.lr)} values, but must be one"
    if cfg.warmup_updates < 0:
        yield f"--warmup-updates is {cfg.warmup_updates}, but must be at least 0"
    if cfg.warmup_init_lr is not None:
        if cfg.warmup_updates == 0:
            yield "--warmup-init-lr belongs to a warm-up; leave it out or give --warmup-updates"
        if cfg.warmup_init_lr < 0:
            yield f"--warmup-init-lr is {cfg.warmup_init_lr:g}, but must be at least 0"
    yield from _turn_problems(str(cfg.after), list(cfg.turn_at or []), cfg.warmup_updates)
    if cfg.drop_factor is not None:
        if str(cfg.after) != "drop":
            yield "--drop-factor belongs to --after drop; leave it out"
        if not 0 < cfg.drop_factor < 1:
            yield f"--drop-factor is {cfg.drop_factor:g}, but must lie between 0 and 1"


def _turn_problems(after: str, turns: List[int], warm_up: int) -> Iterator[str]:
    if after == "hold" and turns:
        yield "--turn-at belongs to --after drop or inverse_sqrt; leave it out or say which"
    if after != "hold" and not turns:
        yield f"--after {after} needs --turn-at"
    if after == "inverse_sqrt" and len(turns) > 1:
        yield f"--after inverse_sqrt has one turn, but --turn-at names {len(turns)}"
    if turns != sorted(set(turns)):
        yield "--turn-at must rise from each update to the next"
    if turns and min(turns) < max(1, warm_up):
        yield f"--turn-at is {min(turns)}, but must not come before update {max(1, warm_up)}, when the warm-up is over"
