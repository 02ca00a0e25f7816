"""The one command to type after a verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

from release_gate.model import Verdict

if TYPE_CHECKING:
    from release_gate.report.document import Report

__all__ = ["next_command"]


def next_command(report: Report, folder: str = "", *, elsewhere: bool = False) -> str:
    """Return the one command that helps on from this verdict, here or on other machines."""
    match report.verdict:
        case Verdict.GO:
            return f"release-gate report {folder}".rstrip()
        case Verdict.INCONCLUSIVE:
            return report.command
        case Verdict.NO_GO:
            scripts = [
                each.reproducer
                for each in report.findings
                if each.blocking and each.reproducer is not None
            ]
            if not scripts:
                return f"release-gate report {folder}".rstrip()
            # The first that showed its fault; max keeps the order of equals.
            script = max(scripts, key=lambda each: each.hits / max(each.tries, 1))
            return script.elsewhere if elsewhere else script.command
