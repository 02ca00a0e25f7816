"""Shows what the stages do: live on a terminal, lines with times in logs, groups on GitHub."""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from attrs import define, field

from release_gate.report.page import Style, duration

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from typing import TextIO

    from rich.progress import Progress as Bars
    from rich.progress import TaskID

    from release_gate.progress import Progress, Stage

__all__ = ["LiveProgress", "PlainProgress", "make_progress"]

#: Seconds between the lines of one stage in a log: often enough to see that it lives.
PACE = 15.0


def make_progress(stream: TextIO) -> Progress:
    """Return the renderer that suits `stream` (stderr) and the environment."""
    in_ci = bool(os.environ.get("CI") or os.environ.get("GITHUB_ACTIONS"))
    dumb = os.environ.get("TERM") == "dumb"
    if stream.isatty() and not in_ci and not dumb:
        return LiveProgress(stream)
    return PlainProgress(stream, groups=os.environ.get("GITHUB_ACTIONS") == "true")


@define
class Remaining:
    """Estimates the seconds that a stage still takes.

    Before a step is done `expected` is all there is; then the pace seen so far takes over, in
    proportion to the steps done, since `expected` comes from other runs and other machines.
    """

    expected: float | None
    steps: int | None = None
    done: int = 0

    def after(self, spent: float) -> float | None:
        """Return the estimate `spent` seconds after the start; None where nothing is known."""
        expected = None if self.expected is None else max(self.expected - spent, 0.0)
        if not self.steps or self.done <= 0:
            return expected
        share = min(self.done / self.steps, 1.0)
        paced = spent / share - spent
        return paced if expected is None else share * paced + (1 - share) * expected


class PlainProgress:
    """One line per event, each with the time since the start; for logs and CI."""

    def __init__(
        self,
        stream: TextIO,
        *,
        groups: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stream = stream
        self._groups = groups
        self._clock = clock
        self._start = clock()

    def say(self, text: str) -> None:
        """Write one line (each line of `text` on its own)."""
        spent = int(self._clock() - self._start)
        for line in text.splitlines():
            # On GitHub a line that begins with :: is a command; the time before it prevents that.
            self._write(f"[{spent // 60:3d}:{spent % 60:02d}] {line}")

    def stage(
        self, name: str, *, steps: int | None = None, seconds: float | None = None
    ) -> AbstractContextManager[Stage]:
        """Open a stage; its lines are folded on GitHub."""
        return self._stage(name, steps, seconds)

    @contextmanager
    def _stage(self, name: str, steps: int | None, seconds: float | None) -> Iterator[Stage]:
        about = f" (about {duration(seconds)})" if seconds else ""
        if self._groups:
            self._write(f"::group::{name}{about}")
        else:
            self.say(f"{name}{about}")
        begun = self._clock()
        stage = _PlainStage(self.say, self._clock, Remaining(seconds, steps))
        ending = "failed"
        try:
            yield stage
            ending = "done"
        except KeyboardInterrupt:
            ending = "interrupted"
            raise
        finally:
            if self._groups:
                self._write("::endgroup::")
            self.say(f"{name}: {ending} in {duration(self._clock() - begun)}")

    def _write(self, line: str) -> None:
        text = f"{line}\n"
        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        self._stream.write(text.encode(encoding, "replace").decode(encoding))
        self._stream.flush()


@define
class _PlainStage:
    """Says at most one line of progress per PACE seconds; notes at once."""

    _say: Callable[[str], None]
    _clock: Callable[[], float]
    _remaining: Remaining
    _begun: float = field(init=False)
    _said: float = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._begun = self._said = self._clock()

    def total(self, steps: int) -> None:
        self._remaining.steps = steps

    def step(self, done: int, doing: str) -> None:
        self._remaining.done = done
        now = self._clock()
        if now - self._said < PACE:
            return
        self._said = now
        of = f"/{self._remaining.steps}" if self._remaining.steps else ""
        left = self._remaining.after(now - self._begun)
        rest = f", {duration(left)} left" if left is not None else ""
        self._say(f"  {done}{of}{rest}: {doing}")

    def note(self, text: str) -> None:
        self._say(f"  {text}")


class LiveProgress:
    """A bar per stage with what runs now and the time left; finished lines scroll above it."""

    def __init__(self, stream: TextIO, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._style = Style.of(stream)
        self._clock = clock
        self._bars: Bars | None = None

    def say(self, text: str) -> None:
        """Print one line above the bars."""
        if self._bars is not None:
            self._bars.console.print(text, markup=False, highlight=False)
        else:
            self._stream.write(f"{text}\n")
            self._stream.flush()

    def stage(
        self, name: str, *, steps: int | None = None, seconds: float | None = None
    ) -> AbstractContextManager[Stage]:
        """Open a stage; stages may be nested, each has its bar."""
        return self._stage(name, steps, seconds)

    @contextmanager
    def _stage(self, name: str, steps: int | None, seconds: float | None) -> Iterator[Stage]:
        outermost = self._bars is None
        bars = self._bars or self._new_bars()
        self._bars = bars
        if outermost:
            bars.start()
        task = bars.add_task(name, total=steps, doing="", left="")
        begun = self._clock()
        ending = "✗"
        try:
            yield _LiveStage(bars, task, self._clock, Remaining(seconds, steps), begun, self.say)
            ending = "✓"
        finally:
            bars.remove_task(task)
            if not self._style.unicode:
                ending = "ok" if ending == "✓" else "x"
            self.say(f"{ending} {name} ({duration(self._clock() - begun)})")
            if outermost:
                bars.stop()
                self._bars = None

    def _new_bars(self) -> Bars:
        from rich.console import Console  # noqa: PLC0415  (40 ms that logs need not pay)
        from rich.progress import (  # noqa: PLC0415
            BarColumn,
            MofNCompleteColumn,
            Progress,
            SpinnerColumn,
            TextColumn,
            TimeElapsedColumn,
        )

        console = Console(
            file=self._stream,
            no_color=not self._style.colour,
            force_terminal=True,
            legacy_windows=False,
        )
        return Progress(
            SpinnerColumn("dots" if self._style.unicode else "line"),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}", style="cyan", markup=False),
            TextColumn("{task.fields[doing]}", style="dim", markup=False),
            console=console,
            transient=True,
        )


@define
class _LiveStage:
    """Feeds one bar."""

    _bars: Bars
    _task: TaskID
    _clock: Callable[[], float]
    _remaining: Remaining
    _begun: float
    _say: Callable[[str], None]

    def total(self, steps: int) -> None:
        self._remaining.steps = steps
        self._bars.update(self._task, total=steps)

    def step(self, done: int, doing: str) -> None:
        self._remaining.done = done
        left = self._remaining.after(self._clock() - self._begun)
        self._bars.update(
            self._task,
            completed=done,
            doing=doing,
            left="" if left is None else f"{duration(left)} left",
        )

    def note(self, text: str) -> None:
        self._say(f"  {text}")
