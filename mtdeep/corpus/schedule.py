"""Which examples of each direction come next, given how often each direction is drawn."""

from __future__ import annotations

import numpy as np

from mtdeep.corpus.permutation import key, permute

# Parts of a key that keep the streams of one seed apart.
_PHASE, _ORDER = 1, 2


class Schedule:
    """The endless sequence of drawn examples, cut into pools; a pure function of (seed, pool).

    Before pool k, direction d was drawn floor(k P p_d + phase_d) times, with P the pool size and phase_d in [0, 1) from
    the seed: draws never stray from their share by more than one, and a direction too rare for every pool still gets
    its turn. Draw j of a direction of n examples is element j mod n of its shuffle number j div n, so that every
    example is seen before any is seen again.
    """

    def __init__(self, counts: np.ndarray, probabilities: np.ndarray, pool_size: int, seed: int) -> None:
        self.counts = np.asarray(counts, dtype=np.int64)
        self.probabilities = np.asarray(probabilities, dtype=np.float64)
        self.pool_size = pool_size
        self.seed = seed
        if self.counts.shape != self.probabilities.shape or self.counts.ndim != 1:
            raise ValueError(f"{self.counts.shape} counts and {self.probabilities.shape} probabilities")
        if pool_size < 1:
            raise ValueError(f"pool size is {pool_size}, it must be at least 1")
        if np.any((self.counts == 0) & (self.probabilities > 0)):
            raise ValueError("a direction without examples has a probability above 0")
        directions = np.arange(len(self.counts))
        # 53 bits: as many as a float64 below 1 holds.
        self._phase = (key(seed, _PHASE, directions) >> np.uint64(11)).astype(np.float64) * 2.0**-53

    def draws_before(self, pool: int) -> np.ndarray:
        """How often each direction was drawn before a pool, (directions,) int64."""
        return np.floor(pool * self.pool_size * self.probabilities + self._phase).astype(np.int64)

    def examples(self, pool: int) -> tuple[np.ndarray, np.ndarray]:
        """What a pool draws: direction index and example of that direction, both (draws,) int64."""
        before, after = self.draws_before(pool), self.draws_before(pool + 1)
        draws = after - before
        direction = np.repeat(np.arange(len(draws)), draws)
        starts = np.cumsum(draws) - draws
        draw = np.arange(len(direction)) - starts[direction] + before[direction]
        n = self.counts[direction]
        shuffle, position = np.divmod(draw, n)
        return direction, permute(position, n, key(self.seed, _ORDER, direction, shuffle))

    def expected_epochs(self, examples: float) -> np.ndarray:
        """Times that each direction's examples are seen when so many are drawn in all; NaN without examples."""
        with np.errstate(invalid="ignore"):
            epochs: np.ndarray = examples * self.probabilities / np.where(self.counts > 0, self.counts, np.nan)
        return epochs
