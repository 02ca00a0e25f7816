"""What GitHub said about a report, as text for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from release_gate.report.page import Page, Style

if TYPE_CHECKING:
    from release_gate.github.lookup import FindingCandidates, IssueNow, LookUp

__all__ = ["render_lookup"]


def render_lookup(found: LookUp, style: Style | None = None) -> str:
    """Return states of matched issues, candidates of what has no match, what was not told."""
    page = Page(style or Style())
    if found.issues:
        page.heading(f"Matched issues ({len(found.issues)})")
        for issue in found.issues:
            page.entry(Text(f"{issue.state or 'not asked':<9}", style="bold"), _issue(issue))
            page.entry("", f"{issue.url} ({', '.join(issue.findings)})", indent=4)
    for each in found.searched:
        _candidates(page, each)
    if found.not_asked:
        page.heading(f"Could not be asked ({len(found.not_asked)})")
        for why in dict.fromkeys(each.why for each in found.not_asked):
            what = [each.what for each in found.not_asked if each.why == why]
            page.entry("", f"{why}:")
            page.entry("", "; ".join(what), indent=6)
    page.line()
    page.line(_sum(found))
    return page.text()


def _issue(issue: IssueNow) -> str:
    closed = f"closed {issue.closed}" + (f" as {issue.reason}" if issue.reason else "")
    facts = [
        issue.standing,
        *([closed] if issue.closed else []),
        *([f"milestone {issue.milestone}"] if issue.milestone else []),
        *([f"last touched {issue.updated}"] if issue.updated else []),
    ]
    return f"{issue.id} {issue.title} ({'; '.join(facts)})"


def _candidates(page: Page, found: FindingCandidates) -> None:
    note = ": they look alike, nobody has compared them" if found.candidates else ""
    page.heading(f"Candidates for {found.finding}{note}")
    page.entry("", found.summary)
    for each in found.candidates:
        page.entry(Text(f"{each.score:4.1f}", style="bold"), f"{each.id} {each.title}")
        page.entry("", each.why, indent=8)
        page.entry("", each.url, indent=8)
    if not found.candidates:
        missing = "none was found" if found.complete else "none is known: not all could be asked"
        page.entry("", missing)


def _sum(found: LookUp) -> str:
    asked = sum(issue.state is not None for issue in found.issues)
    searches = sum(len(each.searches) for each in found.searched)
    missing = f", {len(found.not_asked)} not answered" if found.not_asked else ""
    return f"{found.where}, {found.asked}: {asked} issues, {searches} searches{missing}"
