"""What translators and their programs say of a translation: whether it is a draft, was rejected, or is done.

XLIFF 1.2 has `state` and `state-qualifier` of a target (OASIS, xliff-core 1.2, section 2.3), XLIFF 2 `state` of a
segment (xliff-core 2.1, section 4.3.1.27), and the programs' own dialects add theirs: Trados `conf` of a segment in
SDLXLIFF and a property in TMX, memoQ `status` and Phrase `confirmed` of a unit.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

UNCONFIRMED = "unconfirmed"
"""What Phrase writes as `confirmed="0"`."""
_SUGGESTIONS = ("fuzzy-match", "leveraged-mt", "mt-suggestion", "tm-suggestion")
DRAFT_STATES = (
    # XLIFF 1.2. Where non-textual information alone is to be adapted or reviewed, the text is done.
    *("new", "needs-translation", "needs-l10n", "needs-review-translation", "needs-review-l10n"),
    *("rejected-grammar", "rejected-inaccurate", "rejected-length", "rejected-spelling"),
    *_SUGGESTIONS,
    "initial",  # XLIFF 2
    *("Draft", "RejectedTranslation", "RejectedSignOff"),  # Trados
    # memoQ
    *("NotStarted", "Edited", "PartiallyEdited", "Pretranslated", "AssembledFromFragments", "MachineTranslated"),
    "Rejected",
    UNCONFIRMED,  # Phrase
)
"""States in which no one has said that a translation is one."""
_APPROVED = frozenset(
    {"final", "signed-off", "approvedtranslation", "approvedsignoff", "proofread", "reviewer1confirmed"}
)
_SETTLED = _APPROVED | {"translated"}  # who says so has taken or mended the suggestion


def refused_state(states: Iterable[str | None], refused: tuple[str, ...], *, is_approved: bool = False) -> str | None:
    """Return the first of a translation's *states* that is one of the *refused*, whatever its capitals; None for none.

    That it was once suggested does not count against one that is approved, or whose state is that of a translation.
    """
    given = [state for state in states if state]
    if not given:
        return None
    low = _folded(refused)
    if is_approved or any(state.casefold() in _SETTLED for state in given):
        low = low.difference(_SUGGESTIONS)
    return next((state for state in given if state.casefold() in low), None)


@cache
def _folded(states: tuple[str, ...]) -> frozenset[str]:
    return frozenset(state.casefold() for state in states)


def is_approved(states: Iterable[str | None]) -> bool:
    """Return whether one of a translation's *states* is that of a reviewed one."""
    return any(state and state.casefold() in _APPROVED for state in states)
