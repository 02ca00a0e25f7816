"""The plan before a run and the summary after it, as text for a terminal or a log."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text

from release_gate.judgement.audit import IssueState
from release_gate.model import ComparisonKind, Outcome, Role, Tier
from release_gate.report.document import verdict_words
from release_gate.report.evidence import core_of, following
from release_gate.report.new_issue import draft_path, is_unknown
from release_gate.report.next_step import next_command
from release_gate.report.page import Page, Style, duration
from release_gate.report.places import name_cell, name_places, where
from release_gate.report.presentation import ARRIVES, look

if TYPE_CHECKING:
    from collections.abc import Sequence

    from release_gate.model import CellResult, NotCovered, Plan, RequirementResult
    from release_gate.report.document import FindingReport, Report

__all__ = [
    "render_cells",
    "render_plan",
    "render_summary",
]


#: Entries of a list before the rest is only counted; report.json has all of them.
SHOWN = 12

#: Kernels that an entry names before the rest is only counted.
NAMED = 6


def render_plan(plan: Plan, style: Style | None = None) -> str:
    """Return what will run, how long it should take, and what will not be covered and why."""
    page = Page(style or Style())
    cells = [entry for entry in plan.cells if entry.cell.kernel is not None]
    kernels = _kernels(plan)
    threads = sorted({entry.cell.threads for entry in cells})
    checks = {check for entry in plan.cells for check in entry.checks}
    estimate = plan.estimate
    takes = (
        f"about {duration(estimate.total)} (build {duration(estimate.build)}, "
        f"check {duration(estimate.check)}){_reused(plan)}"
    )
    facts = [
        ("NumPy", f"{plan.numpy.version} ({plan.numpy.kind})"),
        ("Python", f"{plan.interpreter.version}: {plan.why_interpreter}"),
        ("Host", f"{plan.host.cpu}, {plan.host.cores} cores, {plan.host.platform}"),
        ("Baseline", str(plan.baseline) if plan.baseline else "none: every failure is new"),
        *(("Candidate", str(pin)) for pin in plan.candidates),
        *(("Kernels", told) for told in kernels or ["none"]),
        ("Threads", ", ".join(map(str, threads)) or "none"),
        ("Checks", f"{len(checks)} ({plan.profile} profile) in {len(plan.cells)} cells"),
        ("Takes", takes),
        *(
            ("Changed", f"{key} = {plan.settings.get(key)}")
            for key in plan.changed
            if key in plan.settings
        ),
    ]
    page.heading("Plan")
    for name, value in facts:
        page.entry(Text(f"{name:<9}", style="bold"), value)
    _not_covered(page, plan.not_covered, "Will not be covered")
    return page.text()


def _kernels(plan: Plan) -> list[str]:
    """Return the kernels in one line per platform, named where there are several."""
    of: dict[str, list[str]] = defaultdict(list)
    for entry in plan.cells:
        if entry.cell.kernel is not None:
            of[entry.cell.platform].append(entry.cell.kernel)
    several = len(plan.platforms) > 1
    return [
        (f"{platform}: " if several else "") + ", ".join(dict.fromkeys(names))
        for platform, names in of.items()
    ]


def _reused(plan: Plan) -> str:
    wheels, answers = plan.estimate.cached_wheels, plan.estimate.cached_observations
    return f"; reuses {wheels} wheels and {answers} answers" if wheels or answers else ""


def _not_covered(
    page: Page, entries: Sequence[NotCovered], title: str, *, most: int | None = None
) -> None:
    """Add `entries`; only `most` of them where a report has the others."""
    if not entries:
        return
    page.heading(f"{title} ({len(entries)})")
    for entry in entries[:most]:
        page.entry(
            f"{page.style.glyph(look(Outcome.NOT_EXERCISED))} ", f"{entry.what}: {entry.why}"
        )
    if most is not None:
        _more(page, len(entries) - most)


def _more(page: Page, number: int) -> None:
    if number > 0:
        page.entry("", f"... and {number} more in report.json")


def render_summary(report: Report, folder: str = "", style: Style | None = None) -> str:
    """Return the summary of a run: requirements, findings, what was not covered, verdict last.

    `folder` is where the report's files are, for the command to type next.
    """
    page = Page(style or Style())
    _requirements(page, report)
    _findings(page, report.findings, folder)
    _waivers(page, report)
    _fixed(page, report)
    _known(page, report)
    _missing(page, report)
    _not_covered(page, report.not_covered, "Not covered", most=SHOWN)
    page.heading("Took")
    spent = ", ".join(f"{stage.name} {duration(stage.seconds)}" for stage in report.timings)
    page.entry("", spent or "no time that was recorded")
    page.line()
    verdict = page.toned(report.verdict, verdict_words(report))
    page.line(verdict, Text(f": {report.headline}", style="bold"))
    page.line("next: ", Text(next_command(report, folder), style="cyan"))
    return page.text()


def render_cells(
    results: Sequence[CellResult], not_covered: Sequence[NotCovered], style: Style | None = None
) -> str:
    """Return what was seen in each cell, for ``check``: everything that did not pass, in words."""
    page = Page(style or Style())
    for result in results:
        cell = result.cell
        name = name_cell(cell.kernel, cell.threads)
        counts = Counter(each.outcome for each in result.observations)
        worst = min(counts, key=lambda outcome: look(outcome).rank, default=None)
        parts = ", ".join(
            f"{counts[outcome]} {look(outcome).label}"
            for outcome in sorted(counts, key=lambda outcome: -look(outcome).rank)
        )
        page.heading(f"{name}: {parts} in {duration(result.seconds)}")
        if cell.kernel is not None and not _runs(result):
            seen = result.kernel.observed or "nothing that was read back"
            page.entry(page.toned(Outcome.ERROR), f"ran {seen}, not {cell.kernel}")
        if worst is not Outcome.PASSED:
            for each in result.observations:
                if each.outcome is not Outcome.PASSED:
                    flaky = " (passed when repeated)" if each.flaky else ""
                    page.entry(
                        page.toned(each.outcome, each.check), f"{each.reason}{flaky}", indent=2
                    )
    _not_covered(page, not_covered, "Not covered")
    return page.text()


def _runs(result: CellResult) -> bool:
    """Say whether the kernel that was asked for is the one that ran."""
    asked, got = result.kernel.requested or "", result.kernel.observed or ""
    return asked.casefold() == got.casefold()


def _requirements(page: Page, report: Report) -> None:
    page.heading("Requirements")
    for each in sorted(report.requirements, key=_requirement_order):
        note = "" if each.tier is Tier.BLOCKING else " (informing)"
        page.entry(page.toned(each.satisfaction, ""), f"{each.title}{note}: {each.why}")


def _requirement_order(result: RequirementResult) -> tuple[int, int]:
    return look(result.tier).rank, look(result.satisfaction).rank


def _findings(page: Page, findings: Sequence[FindingReport], folder: str) -> None:
    if not findings:
        return
    blocking = sum(each.blocking for each in findings)
    page.heading(f"Findings ({blocking} of {len(findings)} blocking)")
    table = page.new_table("", "finding", "symptom", "where")
    for each in findings[:SHOWN]:
        table.add_row(
            page.toned(each.comparison, f"{look(each.comparison).label}, waived")
            if each.waived
            else page.toned(each.comparison),
            Text(each.id, style="bold" if each.blocking else ""),
            Text(each.symptom),
            Text(where(each)),
        )
    page.table(table)
    for each in findings[:SHOWN]:
        page.line(Text(f"  {each.id}", style="bold"))
        page.entry("", each.summary, indent=4)
        for issue in each.issues[:2]:
            page.entry(Text("like", style="dim"), f"{issue.id} {issue.title}", indent=4)
            page.entry("    ", issue.url, indent=4)
            page.entry("    ", issue.why_matched.rpartition("; ")[2], indent=4)
        if each.follows:
            page.entry("", following(each), indent=4)
        if is_unknown(each):
            draft = draft_path(each, Path(folder))
            page.entry(Text("new  ", style="dim"), f"no known issue; draft: {draft}", indent=4)
        if each.reproducer is not None:
            shown = _reproduced(each)
            page.line(" " * 4, Text("see  ", style="dim"), f"{each.reproducer.command}{shown}")
        if each.toggles:
            page.entry(Text("on  ", style="dim"), _toggled(each), indent=4)
    _more(page, len(findings) - SHOWN)


def _reproduced(finding: FindingReport) -> str:
    script = finding.reproducer
    if script is None or not script.tries:
        return ""
    return f"  ({script.hits} of {script.tries} runs show it)"


def _toggled(finding: FindingReport) -> str:
    """Return where the script shows the fault and where it does not, by kernel and threads."""
    told = [
        (words, name_places((core_of(each), each.threads) for each in places))
        for words, places in (
            ("shown on", [each for each in finding.toggles if each.hits]),
            ("not on", [each for each in finding.toggles if not each.hits]),
        )
    ]
    return "; ".join(f"{words} {places}" for words, places in told if places)


def _waivers(page: Page, report: Report) -> None:
    """Say what is let pass, by whom and until when; loudly, what no longer is or never was."""
    if not report.waivers:
        return
    page.heading("Waivers")
    for use in report.waivers:
        entry = use.waiver
        page.entry(
            page.toned(use.state),
            f"{entry.check}, {entry.pins}: {entry.reason} ({entry.who}, until {entry.expires})",
        )
        covers = f"covers {', '.join(use.findings)}" if use.findings else "covers no finding"
        page.entry("    ", f"{covers}; {entry.issue}", indent=4)


def _fixed(page: Page, report: Report) -> None:
    """Say what the baseline does wrong and the candidate does right: a reason to upgrade."""
    places = {cell.id: (cell.place, cell.threads) for cell in report.cells}
    fixed: dict[tuple[str, Outcome | None], list[tuple[str, int]]] = defaultdict(list)
    for each in report.comparisons:
        if each.kind is ComparisonKind.FIXED:
            fixed[each.check, each.baseline].append(places[each.cell])
    if not fixed:
        return
    page.heading(f"Fixed: wrong with the baseline, right with the candidate ({len(fixed)})")
    for (check, baseline), of in [*fixed.items()][:SHOWN]:
        where_fixed = f"{baseline} on {name_places(of, NAMED)}"
        page.entry(page.toned(ComparisonKind.FIXED, check), where_fixed)
    _more(page, len(fixed) - SHOWN)


def _known(page: Page, report: Report) -> None:
    """Say what is known of the candidate and did not show; the rest is counted.

    What showed stands under the findings; what no machine can show hurts nobody with these wheels.
    """
    if not report.known_issues:
        return
    page.heading(f"Known issues whose versions hold the candidate ({len(report.known_issues)})")
    counts = Counter(each.state for each in report.known_issues)
    if reproduced := counts[IssueState.REPRODUCED]:
        page.entry(page.toned(IssueState.REPRODUCED, ""), f"{reproduced} reproduced: see Findings")
    told = [
        each
        for each in report.known_issues
        if each.state not in {IssueState.REPRODUCED, IssueState.IMPOSSIBLE}
    ]
    for each in told[:SHOWN]:
        severity = f"{each.severity}, {ARRIVES}" if each.arrives else each.severity
        state = each.why if each.state is IssueState.ELSEWHERE else f"{each.state}, {each.why}"
        page.entry(page.toned(each.state, ""), f"{each.id} ({severity}) {each.title}: {state}")
    _more(page, len(report.known_issues) - reproduced - min(len(told), SHOWN))


def _missing(page: Page, report: Report) -> None:
    missing = [cell for cell in report.cells if not cell.present]
    if not missing:
        return
    page.heading(f"Cells without a result ({len(missing)})")
    for cell in missing[:SHOWN]:
        side = "baseline" if cell.role is Role.BASELINE else f"candidate {cell.pin}"
        page.entry(page.toned(None, ""), f"{side}: {name_cell(cell.place, cell.threads)}")
    _more(page, len(missing) - SHOWN)
