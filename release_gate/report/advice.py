"""What is known of an OpenBLAS or of one issue, as text for a terminal."""

from __future__ import annotations

import textwrap
from collections import Counter
from typing import TYPE_CHECKING

from release_gate.judgement.audit import IssueState
from release_gate.report.page import Page, Style
from release_gate.report.presentation import ARRIVES, look

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from release_gate.judgement.audit import KnownIssueStatus
    from release_gate.judgement.catalogue import KnownIssue

__all__ = ["render_advice", "render_issue"]

WIDTH = 96


def render_advice(
    pin: str, rows: Sequence[KnownIssueStatus], source: str, style: Style | None = None
) -> str:
    """Return the known issues of `pin`, by state, worst first; `source`: where states are from."""
    page = Page(style or Style())
    page.line(f"{pin}: {len(rows)} known issues have it in their versions; {source}")
    for state in IssueState:
        group = [row for row in rows if row.state is state]
        if not group:
            continue
        severities = Counter(str(row.severity) for row in group)
        counts = ", ".join(f"{number} {name}" for name, number in severities.items())
        page.heading(f"{look(state).label[:1].upper()}{look(state).label[1:]} ({counts})")
        for row in group:
            new = f", {ARRIVES}" if row.arrives else ""
            title = f"{row.severity}{new}: {row.title} ({row.id}, confidence {row.confidence})"
            page.entry(page.toned(state, ""), title)
            fixed = f"fixed in {row.fixed_in}" if row.fixed_in else "not fixed"
            page.entry("  ", f"{row.why}; {row.affected}, {fixed}", indent=2)
    return page.text()


def render_issue(issue: KnownIssue, reproduce: str, waive: str) -> str:
    """Return all that the catalogue has of an issue, and the commands that show and waive it."""
    facts = {
        "symptoms": ", ".join(issue.symptoms),
        "severity": str(issue.severity),
        "affects": str(issue.versions or "no version of OpenBLAS"),
        "fixed in": issue.fixed_in or "not fixed",
        "routines": _any(issue.routines),
        "kernels": _any(issue.kernels),
        "machines": _any((*issue.architectures, *issue.systems, *issue.cpus)),
        "threads": f"{issue.min_threads} or more",
        "build": ", ".join(issue.build) or "as the wheels are",
        "hurt": ", ".join(issue.downstream) or "nobody that is known",
        "confidence": f"{issue.confidence}: {issue.source}",
    }
    lines = [f"{issue.id}: {issue.title}", issue.url, ""]
    lines += [f"  {name:<10} {value}" for name, value in facts.items()]
    seen = ", ".join(issue.checks) if issue.checks else f"by none: {issue.unseen}"
    for name, text in (
        ("facts", " ".join(issue.facts.split())),
        ("checks that can see it", seen),
        ("to see it again", reproduce),
        ("to waive it", waive),
    ):
        lines += ["", f"{name}:", *wrapped(text)]
    return "\n".join(lines)


def wrapped(text: str) -> list[str]:
    """Return `text` in indented lines; commands are not broken."""
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent="  ",
        subsequent_indent="  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _any(names: Iterable[str]) -> str:
    return ", ".join(names) or "any"
