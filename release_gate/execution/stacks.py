"""Stacks of a child that hangs, before it is killed: native and Python where tools allow."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["capture", "fault_report", "shorten"]

#: Seconds that one tool may take for one process; pystack needs about half a second.
TOOL_SECONDS = 20.0
#: More processes or characters than this help nobody.
MOST_PROCESSES = 6
MOST_CHARACTERS = 24_000
#: Seconds that faulthandler's answer to SIGUSR1 is waited for.
ANSWER_SECONDS = 2.0


def capture(pids: Sequence[int], log: Callable[[], str]) -> str:
    """Return the stacks of the processes `pids`, the root first.

    `log` returns what the child has written to stderr so far. Tried in this order: pystack (Python,
    C and OpenBLAS's own threads), gdb (C only), and faulthandler (Python only), which `checks`
    registers for SIGUSR1. Never raises for a process that is gone or a tool that is missing.
    """
    reports = []
    for pid in pids[:MOST_PROCESSES]:
        report = _first_answer(pid) or _faulthandler(pid, log)
        reports.append(f"process {pid}\n{report or 'no stack could be taken'}")
    if len(pids) > MOST_PROCESSES:
        reports.append(f"and {len(pids) - MOST_PROCESSES} more processes")
    each = MOST_CHARACTERS // max(1, len(reports))
    return "\n\n".join(shorten(report, each) for report in reports)


def shorten(text: str, most: int) -> str:
    """Return `text` without its middle when it has more than `most` characters."""
    if len(text) <= most:
        return text
    half = most // 2
    return f"{text[:half]}\n... {len(text) - most} characters left out ...\n{text[-half:]}"


def fault_report(log: str) -> str | None:
    """Return what faulthandler wrote at a crash, from "Fatal Python error" on."""
    begin = max(log.rfind("Fatal Python error"), log.rfind("Windows fatal exception"))
    return shorten(log[begin:].strip(), MOST_CHARACTERS) if begin >= 0 else None


def _first_answer(pid: int) -> str | None:
    for command, mark in _tools(pid):
        with suppress(OSError, subprocess.TimeoutExpired):
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=TOOL_SECONDS,
                check=False,
            )
            text = done.stdout.decode(errors="replace").strip()
            if mark in text:
                return text
    return None


def _tools(pid: int) -> list[tuple[list[str], str]]:
    """Return commands in order of preference, each with a text that its answer must hold."""
    tools = []
    if sys.platform == "linux" and importlib.util.find_spec("pystack") is not None:
        command = [sys.executable, "-m", "pystack", "remote", "--no-color", "--native-all"]
        tools.append(([*command, str(pid)], "Traceback for thread"))
    if shutil.which("gdb"):
        quiet = ["-nx", "-batch", "-iex", "set debuginfod enabled off"]
        tools.append((["gdb", *quiet, "-p", str(pid), "-ex", "thread apply all bt 40"], "#0 "))
    return tools


def _faulthandler(pid: int, log: Callable[[], str]) -> str | None:
    if not hasattr(signal, "SIGUSR1"):
        return None
    before = len(log())
    with suppress(OSError):
        os.kill(pid, signal.SIGUSR1)
    end = time.monotonic() + ANSWER_SECONDS
    while time.monotonic() < end:
        time.sleep(0.05)
        answer = log()[before:]
        if "(most recent call first)" in answer and answer.endswith("\n"):
            return answer.strip()
    return None
