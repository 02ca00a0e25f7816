"""When a child has to be ended: two clocks, fair on a machine that has other things to do."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from attrs import define, field, frozen

from release_gate.model import HangKind

if TYPE_CHECKING:
    from release_gate.execution.processes import Activity
    from release_gate.model import CheckSpec

__all__ = ["Clocks", "Limits"]

#: Budgets are for smoke and full. Stress does more of all, with all BLAS threads however few cores
#: there are: checks took more than their budget that were done right.
BUDGETS = {"stress": 20.0}

#: A tree that uses less than this share of one core all through `idle` seconds does nothing.
IDLE_SHARE = 0.01

#: The budget runs at least at this rate, however little of the machine the child gets.
SLOWEST = 0.1


def _cores() -> int:
    """Return how many cores this process, and so its children, may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@frozen(kw_only=True)
class Limits:
    """`budget`: seconds of wall time on a machine that does nothing else; `idle`: of no work."""

    budget: float
    idle: float

    @classmethod
    def of(cls, spec: CheckSpec, profile: str) -> Limits:
        """Return the limits of a check in a profile."""
        return cls(budget=spec.budget * BUDGETS.get(profile, 1.0), idle=spec.idle)


@define
class Clocks:
    """The clocks of one phase, in seconds, advanced at each look.

    `spent` is wall time, less what other processes took: while a child has threads that could run,
    it is the share of the wall time that the child's CPU time is of what it could have used. A
    loaded machine must not make a slow check a hung one.
    """

    limits: Limits
    cores: int = field(factory=_cores)
    spent: float = 0.0
    still: float = 0.0
    progress: Activity | None = None  # at the last look that showed work
    previous: Activity | None = None

    def advance(self, seconds: float, now: Activity) -> HangKind | None:
        """Take a look, `seconds` after the one before; return why to end the child, or None."""
        self.spent += seconds * self._share(seconds, now)
        self.still += seconds
        if self._works(now):
            self.progress, self.still = now, 0.0
        self.previous = now
        if self.still >= self.limits.idle:
            return HangKind.DEADLOCK
        if self.spent >= self.limits.budget:
            return HangKind.BUSY
        return None

    def _share(self, seconds: float, now: Activity) -> float:
        usable = min(self.cores, len(now.runnable)) * seconds
        if self.previous is None or not usable:
            return 1.0
        return min(1.0, max(SLOWEST, now.used_since(self.previous) / usable))

    def _works(self, now: Activity) -> bool:
        if self.progress is None or self.previous is None:
            return True
        # A thread that could run at two looks in a row waits for a core.
        waits = self.previous.runnable & now.runnable
        least = IDLE_SHARE * self.limits.idle
        return bool(waits) or now.used_since(self.progress) >= least
