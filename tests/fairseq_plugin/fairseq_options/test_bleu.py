"""BLEU while training, which the task `many_to_many_translation` does not compute."""

from __future__ import annotations

import pytest

from mtdeep.errors import UserError

TRAINING = "store --task many_to_many_translation --arch deepnet_mt --max-tokens 100 --cpu".split()


@pytest.mark.parametrize("flags", [["--eval-bleu"], ["--eval-bleu-args", '{"beam": 5}', "--eval-bleu"]])
def test_it_is_refused_in_a_sentence(flags: list[str], configured) -> None:
    with pytest.raises(UserError, match=f"^{flags[0]} is not supported .* `mtdeep evaluate`"):
        configured("train", *TRAINING, *flags)
