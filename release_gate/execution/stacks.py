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
    from pathlib import Path

__all__ = ["capture", "debugger", "fault_report", "native_report", "shorten"]

#: Seconds that one tool may take for one process; pystack needs about half a second.
TOOL_SECONDS = 20.0
#: More processes or characters than this help nobody.
MOST_PROCESSES = 6
MOST_CHARACTERS = 24_000
MOST_FRAMES = 40
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


def debugger(log: Path) -> tuple[str, ...]:
    """Return what to put before a command to have its stacks in `log` if it crashes.

    Empty where there is no gdb. The command's own output goes where it went without gdb.
    """
    if not shutil.which("gdb"):
        return ()
    first = (
        "set auto-load off",
        "set debuginfod enabled off",
        f"set logging file {log}",
        "set logging redirect on",
        "set logging enabled on",
        "handle SIGUSR1 nostop noprint pass",
    )
    then = ("run", f"thread apply all bt {MOST_FRAMES}")
    options = [word for text in first for word in ("-iex", text)]
    options += [word for text in then for word in ("-ex", text)]
    return ("gdb", "-nx", "-q", "-batch", *options, "--args")


def native_report(log: str) -> str | None:
    """Return what gdb wrote of a crash, or None if there was none."""
    begin = log.find("received signal SIG")
    return shorten(log[log.rfind("\n", 0, begin) + 1 :], MOST_CHARACTERS) if begin >= 0 else None


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
        tools.append(
            (["gdb", *quiet, "-p", str(pid), "-ex", f"thread apply all bt {MOST_FRAMES}"], "#0 ")
        )
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
