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
from release_gate.report.document import verdict_words
from release_gate.report.evidence import following, toggle_grid
from release_gate.report.history import history_lines
from release_gate.report.next_step import next_command
from release_gate.report.page import duration
from release_gate.report.places import where
from release_gate.report.presentation import ARRIVES, look
from release_gate.report.tally import tally

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from release_gate.report.document import FindingReport, Report
    from release_gate.report.history import Run

__all__ = [
    "LIMIT",
    "MARKER",
    "Section",
    "block",
    "code",
    "escape",
    "fitting",
    "marked",
    "marker_key",
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

#: Characters of an address; what is longer is none of an issue.
ADDRESS = 200

#: Issues that are linked right below the verdict, whatever else is left out.
LINKED = 8

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


def _link(text: str, url: str, limit: int = TEXT) -> str:
    if len(url) > ADDRESS or not re.fullmatch(r"https://github\.com/[\w./#?=&%+-]+", url):
        return escape(text, limit)
    return f"[{escape(text, limit)}]({url})"


@frozen
class Section:
    """A part that is whole, or in one of its `shorter` forms, or left out.

    The least `rank` stays longest; the shorter forms get shorter.
    """

    rank: int
    text: str
    shorter: tuple[str, ...] = ()


def render_markdown(
    report: Report, *, key: str = "", runs: Sequence[Run] = (), limit: int = LIMIT
) -> str:
    """Return the report in at most `limit` characters, the least important parts left out first.

    `key` is written into the marker on the first line, so that several gates of one repository can
    tell their comments apart; `runs` is the history of this one, of which this report is the last.
    What is left out is said in the last line.
    """
    head = "\n".join([_marker(report, key), *_head(report, runs)])
    tail = f"\n\nNext: {code(next_command(report, elsewhere=True))}\n"
    sections = list(_sections(report))
    note = "\n\nLeft out or shortened: {} parts; all is in report.json and report.html."
    body, left_out = fitting(sections, limit - len(head) - len(tail) - len(note) - 8)
    return head + body + (note.format(left_out) if left_out else "") + tail


def fitting(sections: Sequence[Section], room: int) -> tuple[str, int]:
    """Return what fits of the sections into `room` characters, and how many of them are not whole.

    The least important gives way first, form by form until it is gone, then the next.
    """
    kept = {index: section.text for index, section in enumerate(sections)}
    size = sum(len(text) + 2 for text in kept.values())
    for index in sorted(kept, key=lambda each: (-sections[each].rank, -each)):
        for shorter in (*sections[index].shorter, None):
            if size <= room:
                break
            size -= len(kept.pop(index)) + 2
            if shorter is not None:
                kept[index] = shorter
                size += len(shorter) + 2
    whole = sum(sections[index].text == text for index, text in kept.items())
    body = "".join(f"\n\n{kept[index]}" for index in sorted(kept))
    return body, len(sections) - whole


def marked(comment: str) -> str | None:
    """Return the key in the marker that a comment starts with; None without one."""
    first = comment.partition("\n")[0].rstrip("\r")
    match = re.fullmatch(rf"{re.escape(MARKER)} key=(\S+) verdict=\S+ -->", first)
    return match and match[1]


def marker_key(key: str) -> str:
    """Return `key` as a marker holds it."""
    return _word(key) or "default"


def _marker(report: Report, key: str) -> str:
    return f"{MARKER} key={marker_key(key)} verdict={_word(report.verdict)} -->"


def _word(text: str) -> str:
    return re.sub(r"[^\w.=,+]", "_", text)[:200]


def _head(report: Report, runs: Sequence[Run]) -> Iterable[str]:
    words = escape(verdict_words(report))
    yield f"## {look(report.verdict).glyph} {words}: NumPy {escape(report.numpy.version, 60)}"
    yield ""
    yield escape(report.headline)
    yield ""
    yield " · ".join(
        f"**{each.number}**{str(each).removeprefix(str(each.number))}" for each in tally(report)
    )
    yield ""
    if runs:
        yield from history_lines(runs)
        yield ""
    issues = {issue.id: issue for finding in report.findings for issue in finding.issues[:1]}
    if issues:
        links = [_link(issue.id, issue.url, 80) for issue in [*issues.values()][:LINKED]]
        more = f" and {len(issues) - LINKED} more" if len(issues) > LINKED else ""
        yield f"Looks like {', '.join(links)}{more}."
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
    many = len(report.requirements)
    forms = ((many, TEXT), (many, 150), (20, 80))
    yield _shrinking(0, (_requirements(report, *form) for form in forms))
    if report.waivers:
        yield _shrinking(1, (_waivers(report, rows) for rows in (60, 20, 5)))
    told = report.findings[:TOLD]
    blocking = [each for each in told if each.blocking]
    others = [each for each in told if not each.blocking]
    if report.findings:
        yield _shrinking(1, (_finding_table(report.findings, rows) for rows in (40, 15, 5)))
    for number, finding in enumerate(blocking):
        yield _told(2 + min(number, 5), finding)
    absent = [cell.id for cell in report.cells if not cell.present]
    if absent:
        yield _listed(8, "Cells without a result", absent)
    if report.not_covered:
        entries = [f"{entry.what}: {entry.why}" for entry in report.not_covered]
        yield _listed(9, "Not covered", entries)
    if report.known_issues:
        yield _shrinking(10, (_known(report, rows) for rows in (60, 20, 5)))
    for finding in others:
        yield _told(11, finding)
    yield Section(12, _reproduce(report))
    yield Section(13, _digests(report))


def _shrinking(rank: int, forms: Iterable[str]) -> Section:
    """Return a section of `forms`, the longest first; equal ones count once."""
    text, *shorter = dict.fromkeys(forms)
    return Section(rank, text, tuple(shorter))


def _told(rank: int, finding: FindingReport) -> Section:
    return _shrinking(rank, (_finding(finding, stack) for stack in (STACK, STACK // 4, 0)))


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"### {title}", "", f"| {' | '.join(columns)} |", "|" + "--|" * len(columns)]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join(lines)


def _first(title: str, shown: int, total: int) -> str:
    return title if shown >= total else f"{title} (the first {shown} of {total})"


def _requirements(report: Report, most: int, limit: int) -> str:
    rows = sorted(
        report.requirements, key=lambda each: (look(each.tier).rank, look(each.satisfaction).rank)
    )
    return table(
        _first("Requirements", most, len(rows)),
        ["", "requirement", "why"],
        (
            (
                f"{look(each.satisfaction).glyph} {look(each.satisfaction).label}",
                escape(each.title, limit) + ("" if each.tier is Tier.BLOCKING else " (informing)"),
                escape(each.why, limit),
            )
            for each in rows[:most]
        ),
    )


def _waivers(report: Report, most: int) -> str:
    return table(
        _first("Waivers", most, len(report.waivers)),
        ["", "check", "versions", "until", "who", "reason", "issue"],
        (
            (
                f"{look(use.state).glyph} {look(use.state).label}",
                code(use.waiver.check, 80),
                code(use.waiver.pins, 80),
                escape(use.waiver.expires, 20),
                escape(use.waiver.who, 80),
                escape(use.waiver.reason, 300),
                _link(use.waiver.issue, use.waiver.issue, ADDRESS),
            )
            for use in report.waivers[:most]
        ),
    )


def _finding_table(findings: Sequence[FindingReport], most: int) -> str:
    return table(
        _first("Findings", most, len(findings)),
        ["", "finding", "symptom", "where", "known as"],
        (
            (
                f"{look(each.comparison).glyph} {look(each.comparison).label}"
                + (", **blocking**" if each.blocking else ", waived" if each.waived else ""),
                code(each.id, 120),
                escape(each.symptom, 120),
                escape(where(each), 300),
                "<br>".join(_link(issue.id, issue.url, 80) for issue in each.issues[:2]),
            )
            for each in findings[:most]
        ),
    )


def _finding(finding: FindingReport, stack: int) -> str:
    """Return what is known of a finding, with at most so many characters of its stack."""
    lines = [f"#### {code(finding.id, 120)}", "", escape(finding.summary, 1_200)]
    lines += [
        f"- looks like {_link(f'{issue.id}: {issue.title}', issue.url)} "
        f"({escape(issue.standing)}, score {issue.score:.1f}): {escape(issue.why_matched)}"
        for issue in finding.issues[:3]
    ]
    if finding.issues:
        lines.insert(-len(finding.issues[:3]), "")
    if finding.follows:
        lines += ["", f"It {escape(following(finding))}."]
    elif finding.first is not None and not finding.issues:
        lines += ["", "No known issue fits."]
    script = finding.reproducer
    if script is not None:
        tried = f" ({script.hits} of {script.tries} runs showed it)" if script.tries else ""
        lines += ["", f"See it again{tried}, with the wheel unpacked in site/:", ""]
        lines.append(block(script.elsewhere, 1_000))
    lines += _toggles(finding)
    if stack and finding.first is not None:
        text = finding.failures[finding.first].evidence.stack
        if text:
            lines += ["", "<details><summary>Stack</summary>", "", block(text, stack), ""]
            lines += ["</details>"]
    return "\n".join(lines)


def _toggles(finding: FindingReport) -> Iterable[str]:
    grid = toggle_grid(finding.toggles)
    if grid is None:
        return
    counts = grid.threads[:12]
    yield ""
    yield f"| kernel | {' | '.join(_threads(count) for count in counts)} |"
    yield "|--|" + "--|" * len(counts)
    for kernel, row in grid.rows[:40]:
        tried = (f"{each.hits} of {each.tries}" if each else "" for each in row[: len(counts)])
        yield f"| {escape(kernel, 60)} | {' | '.join(tried)} |"


def _threads(count: int) -> str:
    return "1 thread" if count == 1 else f"{count} threads"


def _listed(rank: int, title: str, entries: Sequence[str]) -> Section:
    return _shrinking(rank, (_list(title, entries, most) for most in (60, 20, 5)))


def _list(title: str, entries: Sequence[str], most: int) -> str:
    shown = entries[:most]
    lines = [f"- {escape(entry)}" for entry in shown]
    if len(shown) < len(entries):
        lines.append(f"- and {len(entries) - len(shown)} more")
    return "\n".join([f"### {title} ({len(entries)})", "", *lines])


def _known(report: Report, most: int) -> str:
    title = "Known issues whose versions hold the candidate"
    return table(
        _first(title, most, len(report.known_issues)),
        ["", "severity", "issue", "why"],
        (
            (
                f"{look(each.state).glyph} {look(each.state).label}",
                escape(each.severity),
                _link(f"{each.id}: {each.title}", each.url),
                escape(f"{each.why}; {ARRIVES}" if each.arrives else each.why),
            )
            for each in report.known_issues[:most]
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
