"""What changed between two reports, as text for a terminal: what got worse first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.text import Text

from release_gate.report.difference import Change
from release_gate.report.page import Page, Style, duration

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from release_gate.report.difference import Changed, Difference

__all__ = ["render_difference"]

#: Entries of a list before the rest is only counted; --json has all of them.
SHOWN: Final = 20

#: Characters of a value; CPU flags and digests are long, and differ early or late.
VALUE: Final = 160


def render_difference(difference: Difference, style: Style | None = None) -> str:
    """Return the changes by what they are about, the verdict and the sum of it last."""
    page = Page(style or Style())
    _changed(page, "Requirements", difference.requirements)
    _listed(
        page,
        "Findings",
        (
            (each.change, f"{each.id}: {_step(each.before, each.after)}. {each.summary}")
            for each in difference.findings
        ),
    )
    if difference.same_findings:
        count = len(difference.same_findings)
        if not difference.findings:
            page.heading("Findings")
        page.entry("", f"as before, {count}: {', '.join(difference.same_findings[:SHOWN])}")
    _changed(page, "Cells", difference.cells)
    _listed(
        page,
        "Outcomes",
        (
            (each.change, f"{each.check}, {each.cell}: {_step(each.before, each.after)}")
            for each in difference.outcomes
        ),
    )
    _changed(page, "What was compared, and where", difference.setup)
    _changed(page, "Configuration", difference.configuration)
    if difference.timings:
        page.heading("Took")
        for each in difference.timings:
            page.entry(f"{each.name:<9}", f"{_seconds(each.before)} -> {_seconds(each.after)}")
    page.line()
    verdict = difference.verdict
    page.line(page.toned(verdict.change, ""), _step(verdict.before, verdict.after))
    page.line(Text(_sum(difference), style="bold"))
    return page.text()


def _sum(difference: Difference) -> str:
    if difference.is_empty:
        return "nothing changed"
    return "something got worse" if difference.worse else "nothing got worse"


def _changed(page: Page, title: str, changes: Iterable[Changed]) -> None:
    lines = ((each.change, f"{each.what}: {_step(each.before, each.after)}") for each in changes)
    _listed(page, title, lines)


def _listed(page: Page, title: str, lines: Iterable[tuple[Change, str]]) -> None:
    ordered: Sequence[tuple[Change, str]] = sorted(
        lines, key=lambda each: list(Change).index(each[0])
    )
    if not ordered:
        return
    page.heading(f"{title} ({len(ordered)} changed)")
    for change, text in ordered[:SHOWN]:
        page.entry(page.toned(change, ""), text)
    if len(ordered) > SHOWN:
        page.entry("", f"... and {len(ordered) - SHOWN} more with --json")


def _step(before: str | None, after: str | None) -> str:
    if before == after:
        return f"{before}, as before"
    return f"{_short(before) or 'none'} -> {_short(after) or 'none'}"


def _short(text: str | None) -> str:
    text = text or ""
    return text if len(text) <= VALUE else f"{text[: VALUE - 2]} …"


def _seconds(seconds: float | None) -> str:
    return "none" if seconds is None else duration(seconds)
