"""Scripts of findings as the gate writes them, for a check's failing case."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING, Any

from gate_values import CANDIDATE, artifact

from release_gate.execution.environment import child_environment
from release_gate.model import Case
from release_gate.resources import checks_dir
from release_gate.scripts.sources import Source, source_for
from release_gate.scripts.templates import find_template, template_example, template_script
from release_gate.scripts.text import Trial

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = [
    "TEMPLATES",
    "assert_shows_only",
    "code_lines",
    "example",
    "run_text",
    "source_of_case",
]

TEMPLATES = checks_dir() / "reproducers"


def source_of_case(check: str, case: Mapping[str, Any], kernel: str | None, threads: int) -> Source:
    """Return what the script of that case is made of; `case` as `planted.ask_checks` answers."""
    made = Case(
        routine=case["routine"], message=case["message"], parameters=dict(case["parameters"])
    )
    wheel = artifact(CANDIDATE, site="site")
    found = source_for(
        check, made, kernel=kernel, threads=threads, artifact=wheel, templates=TEMPLATES
    )
    assert found is not None
    return found


def example(check: str) -> str:
    """Return the script of a template with its own input."""
    template = find_template(check, TEMPLATES)
    assert template is not None
    given = template_example(template)
    kernel, threads = given.pop("kernel"), given.pop("threads")
    assert isinstance(kernel, str)
    assert isinstance(threads, int)
    return template_script(template, Trial(parameters=given, kernel=kernel, threads=threads))


def code_lines(script: str) -> int:
    """Return how many lines are neither empty nor a comment that begins one."""
    return sum(bool(line.strip()) and line[0] != "#" for line in script.splitlines())


def run_text(
    script: str, site: Path, fault: str, *, kernel: str | None = None, threads: int = 1
) -> int:
    """Run a script with the NumPy in `site` and that planted fault; return its status.

    AssertionError with what it said when it ended in a traceback.
    """
    environment = child_environment(kernel, threads)
    environment |= {"PYTHONPATH": str(site), "PLANTED_FAULT": fault}
    with tempfile.NamedTemporaryFile("w", suffix=".py") as file:
        file.write(script)
        file.flush()
        done = subprocess.run(
            [sys.executable, "-S", file.name],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode


def assert_shows_only(
    script: str, site: Path, asked: tuple[str, str, int], *, kernel: str | None
) -> None:
    """Assert that the script of `asked` (fault, check, threads) is short and shows only that fault.

    That of a check of bounds shows it by its death.
    """
    fault, check, threads = asked
    shown = -signal.SIGSEGV if check.startswith("bounds.") else 1
    assert code_lines(script) <= 60
    assert run_text(script, site, fault, kernel=kernel, threads=threads) == shown
    assert run_text(script, site, "", kernel=kernel, threads=threads) == 0
