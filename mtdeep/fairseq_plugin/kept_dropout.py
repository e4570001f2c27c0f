"""Dropout that goes on when a model generates, as fairseq's ``--retain-dropout`` asks (Gal and Ghahramani 2016)."""

from __future__ import annotations

from typing import Self

from torch import nn

from mtdeep.errors import UserError


class KeepsDropout(nn.Module):
    """A stack whose dropout can stay on in evaluation mode; each pass then draws anew from torch's generator.

    Training mode changes nothing else in the stacks of ``mtdeep.nn``, but for the recomputation of activations, which
    is idle without gradients.
    """

    dropout_stays = False

    def make_generation_fast_(
        self, *, retain_dropout: bool = False, retain_dropout_modules: object = None, **options: object
    ) -> None:
        """Do what fairseq's options ask for; raises UserError for a choice of modules."""
        if retain_dropout_modules is not None:
            raise UserError(
                "--retain-dropout-modules names modules of fairseq's own models, which mtdeep's do not have; leave it "
                "out, and --retain-dropout keeps all dropout."
            )
        self.dropout_stays = retain_dropout

    def train(self, mode: bool = True) -> Self:
        """Change the mode as any module does, but stay in training mode where dropout stays."""
        return super().train(mode or self.dropout_stays)
