"""How each value of the domain looks: one table for all renderings, with an ASCII fallback."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from attrs import frozen

from release_gate.judgement.audit import IssueState
from release_gate.model import (
    ComparisonKind,
    Outcome,
    Satisfaction,
    Tier,
    Verdict,
    WaiverState,
)
from release_gate.report.difference import Change

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ARRIVES", "LOOKS", "MISSING", "Look", "Tone", "look"]


class Tone(StrEnum):
    """What a colour says. Each rendering has its own colours for these."""

    GOOD = "good"
    BAD = "bad"
    WARN = "warn"
    QUIET = "quiet"
    NOTE = "note"


@frozen
class Look:
    """A glyph that differs without colour, its ASCII form, a label, a tone, a place in lists."""

    glyph: str
    ascii: str
    label: str
    tone: Tone
    rank: int


#: For a cell or a check that has no result at all.
MISSING = Look("□", "-", "missing", Tone.WARN, 90)

#: Of a known issue that holds the candidate and not the baseline.
ARRIVES = "new with the candidate"

LOOKS: Mapping[StrEnum, Look] = {
    Verdict.GO: Look("✓", "+", "GO", Tone.GOOD, 2),
    Verdict.NO_GO: Look("✗", "x", "NO-GO", Tone.BAD, 0),
    Verdict.INCONCLUSIVE: Look("?", "?", "INCONCLUSIVE", Tone.WARN, 1),
    Satisfaction.VIOLATED: Look("✗", "x", "violated", Tone.BAD, 0),
    Satisfaction.UNANSWERED: Look("?", "?", "no answer", Tone.WARN, 1),
    Satisfaction.SATISFIED: Look("✓", "+", "satisfied", Tone.GOOD, 2),
    Tier.BLOCKING: Look("■", "#", "blocking", Tone.NOTE, 0),
    Tier.INFORMING: Look("□", "o", "informing", Tone.QUIET, 1),
    Outcome.CRASHED: Look("☠", "C", "crashed", Tone.BAD, 0),
    Outcome.HUNG: Look("∞", "H", "hung", Tone.BAD, 1),
    Outcome.FAILED: Look("✗", "x", "failed", Tone.BAD, 2),
    Outcome.ERROR: Look("!", "!", "error", Tone.WARN, 3),
    Outcome.NOT_EXERCISED: Look("○", "o", "not exercised", Tone.WARN, 4),
    Outcome.UNSUPPORTED: Look("⊘", "u", "unsupported", Tone.QUIET, 5),
    Outcome.PASSED: Look("✓", ".", "passed", Tone.GOOD, 6),
    ComparisonKind.REGRESSED: Look("▼", "R", "regressed", Tone.BAD, 0),
    ComparisonKind.NEW: Look("✗", "N", "new failure", Tone.BAD, 1),
    ComparisonKind.FLAKY: Look("≈", "~", "flaky", Tone.BAD, 2),
    ComparisonKind.LOST: Look("○", "L", "answer lost", Tone.WARN, 3),
    ComparisonKind.STILL_FAILING: Look("=", "=", "still failing", Tone.WARN, 4),
    ComparisonKind.UNKNOWN: Look("?", "?", "no answer", Tone.WARN, 5),
    ComparisonKind.FIXED: Look("▲", "F", "fixed", Tone.NOTE, 6),
    ComparisonKind.CHANGED: Look("Δ", "d", "passes, does otherwise", Tone.NOTE, 7),
    ComparisonKind.STILL_PASSING: Look("✓", ".", "passes", Tone.GOOD, 8),
    WaiverState.APPLIED: Look("◆", "w", "waived", Tone.NOTE, 0),
    WaiverState.EXPIRED: Look("!", "!", "EXPIRED, does nothing", Tone.BAD, 1),
    WaiverState.UNMATCHED: Look("○", "o", "matches nothing, can go", Tone.WARN, 2),
    Change.WORSE: Look("▼", "x", "worse", Tone.BAD, 0),
    Change.BETTER: Look("▲", "+", "better", Tone.GOOD, 1),
    Change.OTHER: Look("Δ", "d", "otherwise", Tone.NOTE, 2),
    IssueState.REPRODUCED: Look("✗", "x", "reproduced", Tone.BAD, 0),
    IssueState.NOT_EXERCISED: Look("○", "o", "not exercised", Tone.WARN, 1),
    IssueState.ELSEWHERE: Look("→", ">", "needs another machine", Tone.WARN, 2),
    IssueState.NOT_SEEN: Look("✓", "+", "exercised, not seen", Tone.GOOD, 3),
    IssueState.IMPOSSIBLE: Look("⊘", "u", "cannot be exercised", Tone.QUIET, 4),
}


def look(value: StrEnum | None) -> Look:
    """Return how `value` looks; None is something that is missing."""
    return MISSING if value is None else LOOKS[value]
