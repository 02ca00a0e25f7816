# /// script
# dependencies = ["nox>=2025.2.9"]
# ///
"""Sessions, each a few lines over the command line: ``nox -s gate -- --help`` for its options."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.sessions = ["lint", "tests"]

PYPROJECT = nox.project.load_toml("pyproject.toml")


def _install(session: nox.Session, *groups: str) -> None:
    session.install("-e", ".", *nox.project.dependency_groups(PYPROJECT, *groups))


def _release_gate(session: nox.Session, *arguments: str) -> None:
    """Run release-gate and hand its exit code on: nox would turn each of them into 1."""
    program = Path(session.bin) / "release-gate"
    before = signal.getsignal(signal.SIGINT)
    with subprocess.Popen([program, *arguments]) as gate:
        # Ctrl-C reaches both; the gate needs its time to stop its children and to say how to go on.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            code = gate.wait()
        finally:
            signal.signal(signal.SIGINT, before)
    if code:
        raise SystemExit(code)


@nox.session
def gate(session: nox.Session) -> None:
    """May this NumPy ship with this OpenBLAS? (= release-gate run)"""
    _install(session)
    _release_gate(session, "run", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """The project's own tests, without the slow ones."""
    _install(session, "test")
    session.run("pytest", "-m", "not slow", *session.posargs)


@nox.session
def equivalence(session: nox.Session) -> None:
    """Slow: the wheel linked in the shared tree equals one built from scratch, file by file."""
    _install(session, "test")
    session.run("pytest", "-m", "slow", "--timeout=3000", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Ruff (rules and format) and mypy strict."""
    _install(session, "lint", "test")
    session.install("nox")
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("mypy")


@nox.session
def bench(session: nox.Session) -> None:
    """Measure the figures of docs/performance.md on this machine (half an hour)."""
    _install(session, "test")
    session.run("python", "tests/benchmarks/measure.py", *session.posargs)


if __name__ == "__main__":
    nox.main()
