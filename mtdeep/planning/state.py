"""What a device holds whatever the batch."""

from __future__ import annotations

from mtdeep.nn import Config
from mtdeep.nn.shaped_attention import KEPT_OF_A_STACK
from mtdeep.planning.training import Training
from mtdeep.precision import PRECISIONS


def beside_a_step(config: Config, training: Training, parameters: int) -> dict[str, int]:
    """Return the bytes that one step on its own does not show, by what they are; `parameters` is their number."""
    precision = PRECISIONS[training.precision]
    rows = {
        "gradients in DDP's buckets": _buckets(training, parameters * precision.weights.itemsize),
        "matrices of shaped attention": _remembered(config, training.sentence_length)
        * precision.products(training.device).itemsize,
        "reserve": training.reserved,
    }
    return {what: size for what, size in rows.items() if size}


def _buckets(training: Training, gradients: int) -> int:
    """fairseq wraps a model in torch's DistributedDataParallel for two devices or more.

    Its buckets are another copy of the gradients, unless the gradients are views into them.
    """
    return gradients if training.devices > 1 and not training.bucket_view else 0


def _remembered(config: Config, longest: int) -> int:
    """Return the numbers that a skipless encoder's layers remember, of all lengths up to the longest.

    The two longest are not counted here: a padded batch of the step itself makes them.
    """
    if config.scheme != "vanilla" or config.shaping not in ("espa", "uspa") or not config.encoder_layers:
        return 0
    of_all_lengths = sum(length**2 for length in range(1, longest - 1))
    return config.encoder_layers * min(of_all_lengths, KEPT_OF_A_STACK // config.encoder_layers)
