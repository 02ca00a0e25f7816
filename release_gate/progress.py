"""How the stages tell what they are doing, without knowing who shows it.

The stages call a `Progress`; `release_gate.report.progress` holds the renderers (live on a
terminal, plain lines with times elsewhere, groups on GitHub). `Silent` shows nothing. `Shared` lets
several threads tell of their parts of one stage.
"""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol, runtime_checkable

from attrs import define, field, frozen

__all__ = ["Progress", "Shared", "Silent", "Stage"]


@runtime_checkable
class Stage(Protocol):
    """One stage under way, such as the compilation of a wheel or the checks of all cells."""

    def total(self, steps: int) -> None:
        """Say how many steps there are, once it is known (ninja tells after it has started)."""

    def step(self, done: int, doing: str) -> None:
        """Say how many steps are done and what runs now."""

    def note(self, text: str) -> None:
        """Say one line that stays (a finished cell, a failed check)."""


@runtime_checkable
class Progress(Protocol):
    """Shows stages; all of it goes to stderr."""

    def stage(
        self, name: str, *, steps: int | None = None, seconds: float | None = None
    ) -> AbstractContextManager[Stage]:
        """Open a stage of so many `steps`, expected to take so many `seconds`."""

    def say(self, text: str) -> None:
        """Say one line outside of any stage."""


class Silent:
    """Shows nothing: for tests and ``--quiet``."""

    def stage(
        self, name: str, *, steps: int | None = None, seconds: float | None = None
    ) -> AbstractContextManager[Stage]:
        del name, steps, seconds
        return nullcontext(self)

    def say(self, text: str) -> None:
        del text

    def total(self, steps: int) -> None:
        del steps

    def step(self, done: int, doing: str) -> None:
        del done, doing

    def note(self, text: str) -> None:
        del text


@define
class Shared:
    """A stage of which several threads do parts; it shows the steps of all of them together."""

    stage: Stage
    _done: dict[str, int] = field(factory=dict)
    _lock: threading.Lock = field(factory=threading.Lock)

    def part(self, name: str) -> Stage:
        """Return the stage that the part `name` tells of its own steps, from 0."""
        return _Part(self, name)

    def step(self, part: str, done: int, doing: str) -> None:
        with self._lock:
            self._done[part] = done
            self.stage.step(sum(self._done.values()), doing)

    def note(self, text: str) -> None:
        with self._lock:
            self.stage.note(text)


@frozen
class _Part:
    shared: Shared
    name: str

    def total(self, steps: int) -> None:
        """Do nothing: the total of all parts was known before any of them began."""

    def step(self, done: int, doing: str) -> None:
        self.shared.step(self.name, done, doing)

    def note(self, text: str) -> None:
        self.shared.note(text)
