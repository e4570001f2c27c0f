"""fairseq's trainer with what we add to the training loop; takes its place when fairseq is imported.

Patches mend what is broken (``compat``); new behaviour of the loop goes here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import fairseq.trainer
from fairseq import checkpoint_utils

from mtdeep.fairseq_plugin.facts import agree, checkpoint_facts, run_facts


class Trainer(fairseq.trainer.Trainer):
    """Looks into a checkpoint before it goes on with it.

    fairseq shows a checkpoint's record to the task when a model is loaded to generate, but not when a training goes
    on, nor under ``--reset-dataloader`` and ``--finetune-from-model``: tensors of the same shape would be read into
    another function, with the tokens of another dictionary.
    """

    def load_checkpoint(self, filename: str, *options: Any, **more: Any) -> dict[str, Any] | None:
        """Load *filename* if it exists; raises UserError when it belongs to another model or dictionary."""
        with self._checked():
            return super().load_checkpoint(filename, *options, **more)

    @contextmanager
    def _checked(self) -> Iterator[None]:
        """Compare the state that fairseq reads from a file on the way: a second reading would double the time."""
        read = checkpoint_utils.load_checkpoint_to_cpu

        def read_and_compare(*arguments: Any, **options: Any) -> dict[str, Any]:
            state: dict[str, Any] = read(*arguments, **options)
            here = run_facts(self.task, self._model)
            agree(checkpoint_facts(state, wanted=here.keys()), here)
            return state

        checkpoint_utils.load_checkpoint_to_cpu = read_and_compare
        try:
            yield
        finally:
            checkpoint_utils.load_checkpoint_to_cpu = read


fairseq.trainer.Trainer = Trainer
