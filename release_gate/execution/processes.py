"""Trees of processes: who belongs to one, whether it does anything, and how to end all of it."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

import psutil
from attrs import frozen

from release_gate.execution.environment import TOKEN

__all__ = ["Activity", "activity", "kill_all", "tree"]

_PROC = Path("/proc") if sys.platform == "linux" else None
_TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100

#: How long to wait for what was killed: it is there until it was given a CPU to die on.
DEATH_SECONDS = 1.0


@frozen
class Activity:
    """What a tree has used and what it does at this moment.

    `cpu`: seconds per process, with those of its dead and reaped children; `runnable`: threads that
    run, wait for a core, or wait for a disk. Neither tells of a process that starved (it used no
    CPU, but is runnable) that it is stuck.
    """

    cpu: dict[int, float]
    runnable: frozenset[int]

    def used_since(self, earlier: Activity) -> float:
        """Return the CPU seconds that living processes have used since `earlier`."""
        return sum(max(0.0, cpu - earlier.cpu.get(pid, 0.0)) for pid, cpu in self.cpu.items())


def tree(root: int) -> list[int]:
    """Return `root` and its descendants, as far as they can be seen; empty when it is gone."""
    if _PROC is not None:
        return _tree_of_proc(root)
    try:
        process = psutil.Process(root)
        return [root, *(child.pid for child in process.children(recursive=True))]
    except psutil.Error:
        return []


def _tree_of_proc(root: int) -> list[int]:
    """Follow /proc/PID/task/TID/children: far cheaper than looking at all processes there are."""
    found: list[int] = []
    waiting = [root]
    while waiting:
        pid = waiting.pop()
        tasks = _tasks(pid)
        if not tasks:
            continue
        found.append(pid)
        for task in tasks:
            with suppress(OSError):
                waiting += map(int, (task / "children").read_text().split())
    return found


def _tasks(pid: int) -> list[Path]:
    with suppress(OSError):
        return list(Path(f"/proc/{pid}/task").iterdir())
    return []


def activity(pids: list[int]) -> Activity:
    """Return what `pids` have used and do; those that are gone are left out."""
    cpu: dict[int, float] = {}
    runnable: set[int] = set()
    for pid in pids:
        if _PROC is not None:
            with suppress(OSError, ValueError, IndexError):
                cpu[pid] = sum(map(int, _stat(Path(f"/proc/{pid}/stat"))[11:15])) / _TICKS
                runnable |= _runnable_of_proc(pid)
        else:
            with suppress(psutil.Error):
                process = psutil.Process(pid)
                times = process.cpu_times()
                cpu[pid] = times.user + times.system
                if process.status() == psutil.STATUS_DISK_SLEEP:
                    runnable.add(pid)
    return Activity(cpu, frozenset(runnable))


def _runnable_of_proc(pid: int) -> set[int]:
    found = set()
    for task in _tasks(pid):
        with suppress(OSError, IndexError):
            if _stat(task / "stat")[0] in {"R", "D"}:
                found.add(int(task.name))
    return found


def _stat(path: Path) -> list[str]:
    """Return the fields of a stat file from `state` on (the name before may hold spaces)."""
    return path.read_text(errors="replace").rpartition(")")[2].split()


def kill_all(root: int, token: str, seen: frozenset[int] = frozenset()) -> None:
    """Kill the session of `root`, `seen` members of its tree, and all that carry `token`.

    A process can leave the session (setsid) and the tree (its parent died), but not its
    environment. What cannot be looked at belongs to somebody else.
    """
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(root, signal.SIGKILL)
    killed = []
    for pid in seen | _marked(token):
        if pid in {os.getpid(), root}:  # `root` is the caller's to reap, with its exit status
            continue
        with suppress(psutil.Error, OSError):
            process = psutil.Process(pid)
            if process.environ().get(TOKEN) == token:  # the number may be another's by now
                process.kill()
                killed.append(process)
    psutil.wait_procs(killed, timeout=DEATH_SECONDS)


def _marked(token: str) -> frozenset[int]:
    wanted = f"{TOKEN}={token}".encode()
    if _PROC is None:
        return frozenset()
    found = set()
    for folder in _PROC.iterdir():
        if folder.name.isdecimal():
            with suppress(OSError):
                if wanted in (folder / "environ").read_bytes().split(b"\0"):
                    found.add(int(folder.name))
    return frozenset(found)
