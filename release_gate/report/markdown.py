"""report.md: the report as GitHub shows it in a comment, an issue or a job summary.

The limits are GitHub's: a comment holds 65,536 characters and is refused whole beyond that.
Everything that comes from outside (library output, file names, messages) is escaped, so that it
can neither notify anybody nor break out of a table or a code block.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from attrs import frozen

from release_gate.model import Tier
from release_gate.report.page import duration
from release_gate.report.presentation import look
from release_gate.report.terminal import next_command, where

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from release_gate.report.document import FindingReport, Report

__all__ = [
    "LIMIT",
    "MARKER",
    "Section",
    "block",
    "code",
    "escape",
    "fitting",
    "plain",
    "render_markdown",
    "table",
]

#: Characters that GitHub takes in a comment.
LIMIT = 65_536

#: Starts the first line, by which a later run finds its own comment.
MARKER = "<!-- release-gate:v1"

#: What a text inside a cell or a list may be long at most; the whole is in report.json.
TEXT = 600
STACK = 4_000

#: Findings told one by one, if there is room; the table before them says how many there are.
TOLD = 100

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")

#: What means something to Markdown or HTML. Entities need no context, and split no table.
_SPECIAL = re.compile(
    r"[\\`*\[\]<>|~$&]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|^[-+=]|^\d+(?=[.)](?:\s|$))"
)

#: GitHub looks for mentions, references and addresses after Markdown, in the text that is shown:
#: only something between their parts keeps them apart.
_REFERENCE = re.compile(r"@|#(?=\d)|(?i:\bGH-)(?=\d)|(?i:\bwww)(?=\.)|:(?=//)")
_INVISIBLE = "\u200b"


def escape(text: str, limit: int = TEXT) -> str:
    """Return `text` on one line that GitHub shows as it is, with no mention, reference or link."""
    line = _CONTROL.sub(" ", _shorten(text, limit)).strip()
    line = _REFERENCE.sub(lambda match: match[0] + _INVISIBLE, line)
    return _SPECIAL.sub(lambda match: "".join(f"&#{ord(char)};" for char in match[0]), line)


def code(text: str, limit: int = TEXT) -> str:
    """Return `text` as code on one line, with a fence longer than any run of backticks in it."""
    line = _CONTROL.sub(" ", _shorten(text, limit)).strip()
    if not line:
        return ""
    # In a table a pipe splits cells even inside code; the broken bar looks alike.
    line = line.replace("|", "\u00a6")
    fence = "`" * (max((len(run) for run in re.findall(r"`+", line)), default=0) + 1)
    return f"{fence} {line} {fence}" if "`" in line else f"{fence}{line}{fence}"


def plain(text: str) -> str:
    """Return `text` on one line for where Markdown means nothing (a title), with no mention."""
    line = _CONTROL.sub(" ", text).strip()
    return _REFERENCE.sub(lambda match: match[0] + _INVISIBLE, line)


def block(text: str, limit: int = STACK, language: str = "text") -> str:
    """Return `text` as a code block whose fence nothing inside can close."""
    lines = [_CONTROL.sub(" ", line) for line in _shorten(text, limit).splitlines()]
    longest = max((len(run) for run in re.findall(r"`+", "\n".join(lines))), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n".join([f"{fence}{language}", *lines, fence])


def _shorten(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 2] + " …"


def _link(text: str, url: str) -> str:
    if not re.fullmatch(r"https://github\.com/[\w./#?=&%+-]+", url):
        return escape(text)
    return f"[{escape(text)}]({url})"


@frozen
class Section:
    """A part that is either whole or left out; the least `rank` stays longest."""

    rank: int
    text: str


def render_markdown(report: Report, *, key: str = "", limit: int = LIMIT) -> str:
    """Return the report in at most `limit` characters, the least important parts left out first.

    `key` is written into the marker on the first line, so that several gates of one repository can
    tell their comments apart. What is left out is said in the last line.
    """
    head = "\n".join([_marker(report, key), *_head(report)])
    tail = f"\n\nNext: {code(next_command(report))}\n"
    sections = list(_sections(report))
    note = "\n\nLeft out for length: {} parts; all is in report.json and report.html."
    body, left_out = fitting(sections, limit - len(head) - len(tail) - len(note) - 8)
    return head + body + (note.format(left_out) if left_out else "") + tail


def fitting(sections: Sequence[Section], room: int) -> tuple[str, int]:
    """Return those sections that fit into `room` characters, and the number of the others."""
    kept: set[int] = set()
    for index in sorted(range(len(sections)), key=lambda each: (sections[each].rank, each)):
        size = len(sections[index].text) + 2
        if size <= room:
            room -= size
            kept.add(index)
    body = "".join(f"\n\n{sections[index].text}" for index in sorted(kept))
    return body, len(sections) - len(kept)


def _marker(report: Report, key: str) -> str:
    def word(text: str) -> str:
        return re.sub(r"[^\w.=,+]", "_", text)[:200]

    return f"{MARKER} key={word(key) or 'default'} verdict={word(report.verdict)} -->"


def _head(report: Report) -> Iterable[str]:
    verdict = look(report.verdict)
    yield f"## {verdict.glyph} {verdict.label}: NumPy {escape(report.numpy.version, 60)}"
    yield ""
    yield escape(report.headline)
    yield ""
    yield "| | |"
    yield "|--|--|"
    yield f"| Baseline | {code(report.baseline or 'none', 200)} |"
    for candidate in report.candidates[:10]:
        yield f"| Candidate | {code(candidate, 200)} |"
    yield f"| Host | {escape(report.host.cpu, 200)} ({escape(report.host.platform, 60)}) |"
    kernels = dict.fromkeys(cell.kernel_observed or "" for cell in report.cells)
    yield f"| Kernels observed | {escape(', '.join(filter(None, kernels)) or 'none', 400)} |"
    spent = sum(stage.seconds for stage in report.timings)
    yield f"| Took | {duration(spent)} |"


def _sections(report: Report) -> Iterable[Section]:
    yield Section(0, _requirements(report))
    told = report.findings[:TOLD]
    blocking = [each for each in told if each.blocking]
    others = [each for each in told if not each.blocking]
    if report.findings:
        yield Section(1, _finding_table(report.findings))
    for number, finding in enumerate(blocking):
        yield Section(2 + min(number, 5), _finding(finding))
    absent = [cell.id for cell in report.cells if not cell.present]
    if absent:
        yield Section(8, _listed("Cells without a result", absent))
    if report.not_covered:
        entries = [f"{entry.what}: {entry.why}" for entry in report.not_covered]
        yield Section(9, _listed("Not covered", entries))
    if report.known_issues:
        yield Section(10, _known(report))
    for finding in others:
        yield Section(11, _finding(finding))
    yield Section(12, _reproduce(report))
    yield Section(13, _digests(report))


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"### {title}", "", f"| {' | '.join(columns)} |", "|" + "--|" * len(columns)]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join(lines)


def _requirements(report: Report) -> str:
    rows = sorted(
        report.requirements, key=lambda each: (look(each.tier).rank, look(each.satisfaction).rank)
    )
    return table(
        "Requirements",
        ["", "requirement", "why"],
        (
            (
                f"{look(each.satisfaction).glyph} {look(each.satisfaction).label}",
                escape(each.title) + ("" if each.tier is Tier.BLOCKING else " (informing)"),
                escape(each.why),
            )
            for each in rows
        ),
    )


def _finding_table(findings: Sequence[FindingReport]) -> str:
    shown = findings[:40]
    more = f" (the first {len(shown)} of {len(findings)})" if len(shown) < len(findings) else ""
    return table(
        f"Findings{more}",
        ["", "finding", "symptom", "where", "known as"],
        (
            (
                f"{look(each.comparison).glyph} {look(each.comparison).label}"
                + (", **blocking**" if each.blocking else ""),
                code(each.id, 120),
                escape(each.symptom, 120),
                escape(where(each), 300),
                "<br>".join(_link(issue.id, issue.url) for issue in each.issues[:2]),
            )
            for each in shown
        ),
    )


def _finding(finding: FindingReport) -> str:
    lines = [f"#### {code(finding.id, 120)}", "", escape(finding.summary, 1_200)]
    lines += [
        f"- looks like {_link(f'{issue.id}: {issue.title}', issue.url)}: "
        + escape(issue.why_matched)
        for issue in finding.issues[:3]
    ]
    if finding.issues:
        lines.insert(-len(finding.issues[:3]), "")
    script = finding.reproducer
    if script is not None:
        tried = f" ({script.hits} of {script.tries} runs showed it)" if script.tries else ""
        lines += ["", f"See it again{tried}:", "", block(script.command, 1_000)]
    if finding.first is not None:
        evidence = finding.failures[finding.first].evidence
        if evidence.stack:
            lines += ["", "<details><summary>Stack</summary>", "", block(evidence.stack), ""]
            lines += ["</details>"]
    return "\n".join(lines)


def _listed(title: str, entries: Sequence[str]) -> str:
    shown = entries[:60]
    lines = [f"- {escape(entry)}" for entry in shown]
    if len(shown) < len(entries):
        lines.append(f"- and {len(entries) - len(shown)} more")
    return "\n".join([f"### {title} ({len(entries)})", "", *lines])


def _known(report: Report) -> str:
    return table(
        "Known issues whose versions hold the candidate",
        ["", "severity", "issue", "why"],
        (
            (
                f"{look(each.state).glyph} {look(each.state).label}",
                escape(each.severity),
                _link(f"{each.id}: {each.title}", each.url),
                escape(each.why),
            )
            for each in report.known_issues[:60]
        ),
    )


def _reproduce(report: Report) -> str:
    changed = [each for each in report.configuration if each.changed]
    lines = ["### How it was run", "", block(report.command, 2_000), ""]
    lines += [f"- {code(each.key, 80)} = {code(str(each.value), 300)}" for each in changed[:40]]
    lines.append(
        f"- release-gate {escape(report.tool_version, 60)}, "
        f"Python {escape(report.interpreter.version, 60)}, {escape(report.profile, 60)} profile, "
        f"{escape(report.started, 60)} to {escape(report.finished, 60)}"
    )
    return "\n".join(lines)


def _digests(report: Report) -> str:
    return table(
        "Digests (SHA-256)",
        ["file", "digest"],
        ((escape(each.what, 200), code(each.sha256, 80)) for each in report.digests[:60]),
    )
