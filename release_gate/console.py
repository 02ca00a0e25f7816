"""What all sub-commands share: a workshop from options, progress on stderr, results on stdout."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from release_gate.pipeline import open_workshop
from release_gate.progress import Silent
from release_gate.report.page import Style
from release_gate.report.progress import make_progress

if TYPE_CHECKING:
    from argparse import Namespace

    from release_gate.pipeline import Workshop
    from release_gate.progress import Progress

__all__ = ["open_shop", "progress_of", "say", "stdout_style"]

#: Options of the command line that are settings of a run.
SETTINGS = (
    *("numpy", "python", "baseline", "kernels", "threads", "checks", "profile"),
    *("out", "cache", "index_url", "jobs", "fresh", "platforms"),
)


def open_shop(options: Namespace) -> Workshop:
    """Return the workshop that the options of a sub-command describe."""
    given: dict[str, Any] = {name: getattr(options, name, None) for name in SETTINGS}
    given["candidates"] = getattr(options, "candidate", None)
    return open_workshop(progress_of(options), options.matrices, **given)


def progress_of(options: Namespace) -> Progress:
    """Return how progress is shown on stderr; with ``--quiet`` not at all."""
    return Silent() if options.quiet else make_progress(sys.stderr)


def stdout_style() -> Style:
    """Return the style of what is printed on stdout."""
    return Style.of(sys.stdout)


def say(text: str) -> None:
    """Print a result."""
    print(text)  # noqa: T201  (stdout carries the result)
