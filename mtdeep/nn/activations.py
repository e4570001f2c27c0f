"""The non-linearities of the feed-forward branches."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from torch import Tensor
from torch.nn import functional as F

from mtdeep.nn import depth
from mtdeep.nn.config import Config

Activation = Callable[[Tensor], Tensor]

_FIXED: Mapping[str, Activation] = {"relu": F.relu, "gelu": F.gelu}


class TailoredReLU:
    """sqrt(2 / (1 + s^2)) times a leaky ReLU of negative slope s: the mean square of a normal input stays.

    Source: Zhang et al. 2022, "Tailored Activation Transformations", arXiv 2203.08120.
    """

    def __init__(self, slope: float) -> None:
        self.slope = slope
        self.scale = math.sqrt(2 / (1 + slope**2))

    def __call__(self, x: Tensor) -> Tensor:
        """Map x, of any shape."""
        return self.scale * F.leaky_relu(x, self.slope)


def activation_of(config: Config) -> Activation:
    """Return the non-linearity of every layer.

    A tailored one counts the non-linearities of the longest way through the model, N + M: a source token's through the
    whole encoder, the first cross-attention and the whole decoder (of one stack alone, its layers). Target tokens meet
    only M, and stay further apart. The paper has one stack and no such choice to make.
    """
    if config.activation == "tailored":
        return TailoredReLU(depth.tailored_slope(config.encoder_layers + config.decoder_layers, config.skip_alpha))
    return _FIXED[config.activation]
