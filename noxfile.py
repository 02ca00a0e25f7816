# /// script
# dependencies = ["nox>=2025.2.9"]
# ///
"""Sessions, each a few lines over the command line: ``nox -s gate -- --help`` for its options."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.sessions = ["lint", "tests"]

PYPROJECT = nox.project.load_toml("pyproject.toml")


def _install(session: nox.Session, *groups: str) -> None:
    """Install the project and its groups, unless this environment has just that already.

    A second gate with nothing changed takes seconds; resolving its requirements again would double
    that. The project itself is installed as a link to the sources. Without environments (``nox
    --no-venv``) what nox itself runs in has to hold all that.
    """
    if session.virtualenv.venv_backend == "none":
        return
    packages = ["-e", ".", *nox.project.dependency_groups(PYPROJECT, *groups)]
    stamp = Path(session.virtualenv.location) / "installed"
    state = repr((packages, PYPROJECT["project"], sys.version))
    if not stamp.is_file() or stamp.read_text("utf-8") != state:
        session.install(*packages)
        stamp.write_text(state, "utf-8")


def _release_gate(session: nox.Session, command: str) -> None:
    """Run a sub-command with the session's options and hand its exit code on.

    nox would turn each of them into 1.
    """
    _install(session)
    folders = session.bin_paths
    program = Path(folders[0]) / "release-gate" if folders else "release-gate"
    before = signal.getsignal(signal.SIGINT)
    with subprocess.Popen([program, command, *session.posargs]) as gate:
        # Ctrl-C reaches both; the gate needs its time to stop its children and to say how to go on.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            code = gate.wait()
        finally:
            signal.signal(signal.SIGINT, before)
    if code:
        raise SystemExit(code)


@nox.session(reuse_venv=True)
def gate(session: nox.Session) -> None:
    """May this NumPy ship with this OpenBLAS? (= release-gate run)"""
    _release_gate(session, "run")


@nox.session(reuse_venv=True)
def plan(session: nox.Session) -> None:
    """What would run where, as jobs of a workflow (= release-gate plan)."""
    _release_gate(session, "plan")


@nox.session(reuse_venv=True)
def wheels(session: nox.Session) -> None:
    """The wheels of one job of a plan (= release-gate build)."""
    _release_gate(session, "build")


@nox.session(reuse_venv=True)
def cells(session: nox.Session) -> None:
    """Check the cells of one shard of a plan (= release-gate cells)."""
    _release_gate(session, "cells")


@nox.session(reuse_venv=True)
def judge(session: nox.Session) -> None:
    """Fan in: the verdict from what all shards brought (= release-gate judge)."""
    _release_gate(session, "judge")


@nox.session(reuse_venv=True)
def report(session: nox.Session) -> None:
    """Show a report, also as a job's summary (= release-gate report)."""
    _release_gate(session, "report")


@nox.session(reuse_venv=True)
def publish(session: nox.Session) -> None:
    """One comment on an issue, a check at a commit (= release-gate publish)."""
    _release_gate(session, "publish")


@nox.session(reuse_venv=True)
def command(session: nox.Session) -> None:
    """Answer a command in a comment on GitHub (= release-gate command)."""
    _release_gate(session, "command")


@nox.session(reuse_venv=True)
def newest(session: nox.Session) -> None:
    """Is there a newer OpenBLAS on the index than the pins (= release-gate newest)."""
    _release_gate(session, "newest")


@nox.session(reuse_venv=True)
def tests(session: nox.Session) -> None:
    """The project's own tests, without the slow ones."""
    _install(session, "test")
    # By file: what a file plants or builds is made once.
    spread = ("-n", "auto", "--maxprocesses=4", "--dist", "loadfile")
    session.run("pytest", "-m", "not slow", *spread, *session.posargs)


@nox.session(reuse_venv=True)
def equivalence(session: nox.Session) -> None:
    """Slow: the wheel linked in the shared tree equals one built from scratch, file by file."""
    _install(session, "test")
    session.run("pytest", "-m", "slow", "--timeout=3000", *session.posargs)


@nox.session(reuse_venv=True)
def lint(session: nox.Session) -> None:
    """Ruff (rules and format), mypy strict, and the linters of workflows."""
    _install(session, "lint", "test")
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("mypy")
    session.run("pytest", "-q", "tests/workflows/test_linters.py")


@nox.session(reuse_venv=True)
def bench(session: nox.Session) -> None:
    """Measure the figures of docs/performance.md on this machine (half an hour)."""
    _install(session, "test")
    environment = {"PYTHONPATH": "tests/support"}
    session.run("python", "tests/benchmarks/measure.py", *session.posargs, env=environment)


@nox.session(reuse_venv=True)
def backtest(session: nox.Session) -> None:
    """Measure what the checks detect: planted faults, real bugs, silence (docs/detection.md)."""
    _install(session, "test")
    environment = {"PYTHONPATH": "tests/support"}
    session.run("python", "-m", "tests.detection", *session.posargs, env=environment)


if __name__ == "__main__":
    nox.main()
