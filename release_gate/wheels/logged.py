"""A build in a child: all its output in a log, its steps told, nothing left of it when stopped."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from release_gate.progress import Stage

__all__ = ["STEP", "NinjaCounter", "is_telling", "run_logged"]

#: A line of ninja: steps done, steps in all, what it does.
STEP = re.compile(r"\[(\d+)/(\d+)\] (.*)")

#: Warnings and notes of gcc and clang, where they are, and the source that they quote.
_CHATTER = re.compile(
    r"\s|\d+ \||In (file included|function|member function)|inlined from|\d+ warnings? generated"
    r"|.*: (note|warning): |\S+: (In |At )"
)

_SHOWN_LINES = 25


class NinjaCounter:
    """Tells a stage what ninja tells, as often as a reader can use it."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._total = 0

    def __call__(self, line: str) -> None:
        step = STEP.match(line)
        if step is None:
            return
        done, total = int(step[1]), int(step[2])
        if self._total == 0:
            self._stage.total(total)
            self._total = total
        if total == self._total:  # meson-python counts the wheel's files in the same way
            self._stage.step(done, step[3].rstrip())


def is_telling(line: str) -> bool:
    """Whether a line is more than a compiler's talk (gcc 12 warns half a million lines)."""
    return _CHATTER.match(line) is None


def run_logged(
    command: Sequence[str],
    log: Path,
    *,
    cwd: Path,
    environment: Mapping[str, str],
    see: Callable[[str], object],
    pass_fds: Sequence[int] = (),
    hide: Sequence[str] = (),
) -> tuple[int, str]:
    """Run `command`; return its exit status and the end of what it told.

    Its output goes to `log`, each line to `see`; texts of `hide` (passwords) to neither. Whatever
    ends this function early ends the whole process group of the command at once.
    """
    tail: list[str] = []
    with (
        log.open("w", encoding="utf-8") as stream,
        subprocess.Popen(
            command,
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
            pass_fds=pass_fds,
        ) as child,
    ):
        try:
            for raw in child.stdout or ():
                line = raw
                for secret in hide:
                    line = line.replace(secret, "***")
                stream.write(line)
                tail = [*tail[-_SHOWN_LINES:], line] if is_telling(line) else tail
                see(line)
            status = child.wait()
        except BaseException:
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            raise
    return status, "".join(tail).rstrip()
