"""The text of a new issue for a finding: all that a maintainer asks first, ready to be pasted.

A draft is a file; nothing is sent. Its text is escaped as the comment is, so that filing it
notifies nobody and links to no other issue.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlencode

from attrs import frozen

from release_gate.errors import ConfigurationError
from release_gate.model import MatchStanding, Role
from release_gate.report.markdown import LIMIT, Section, block, code, escape, fitting, plain, table
from release_gate.report.places import name_places
from release_gate.report.presentation import look
from release_gate.versions import OpenBLASVersion
from release_gate.wire import write_atomically

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from release_gate.report.document import (
        CellReport,
        ComparisonReport,
        FailureReport,
        FindingReport,
        Report,
    )

__all__ = [
    "FOLDER",
    "LONGEST_LINK",
    "LONGEST_TITLE",
    "NewIssue",
    "draft_issue",
    "draft_path",
    "is_unknown",
    "write_draft",
    "write_drafts",
]

#: Beside report.json; a draft is called like its finding.
FOLDER: Final = "new-issues"

#: Characters that GitHub takes of a title; of the body it takes as many as of a comment.
LONGEST_TITLE: Final = 256

#: Bytes of an address that GitHub's servers read, rounded down.
LONGEST_LINK: Final = 8_000

#: Cells of the table, failing ones first, and characters of a stack: less where room is short.
CELLS: Final = (48, 12, 4)
STACKS: Final = (12_000, 2_000)

#: What title and link take of the characters of a draft's file, which can be pasted whole.
_HEAD: Final = LONGEST_LINK + 2 * LONGEST_TITLE + 256

_NEW: Final = "https://github.com/OpenMathLib/OpenBLAS/issues/new"
_CUT: Final = "The rest did not fit: paste the whole text of {} over this one."


@frozen(kw_only=True)
class NewIssue:
    """A draft: `title` and `body` within GitHub's limits, `link` opens GitHub's form with both.

    The body in the link is shorter where the link would be too long, and says so.
    """

    title: str
    body: str
    link: str

    @property
    def text(self) -> str:
        """Return the draft as a file has it: title and link in a comment, which GitHub hides."""
        title = self.title.replace("--", "-\u200b-").replace(">", "\u203a")
        return (
            "<!-- release-gate: a draft, nothing has been sent.\n"
            f"Title: {title}\nForm with both: {self.link}\n-->\n\n{self.body}\n"
        )


def is_unknown(finding: FindingReport) -> bool:
    """Whether it is a failure that no known issue explains whose range holds the candidate.

    An answer that was lost, or behaviour that changed, is nobody's bug; what may follow from
    another finding is told with that one.
    """
    explained = any(each.standing is MatchStanding.IN_RANGE for each in finding.issues)
    return finding.first is not None and not explained and not finding.follows


def draft_issue(report: Report, finding: FindingReport, script: str | None) -> NewIssue:
    """Return the draft for `finding`; `script` is its reproducer's text, None if it has none."""
    title = plain(_title(report, finding))[:LONGEST_TITLE]
    body = _body(report, finding, script, LIMIT - _HEAD)
    return NewIssue(title=title, body=body, link=_link(report, finding, script, title, body))


def draft_path(finding: FindingReport, folder: Path) -> Path:
    """Return where the draft for `finding` of the report in `folder` is written."""
    return folder / FOLDER / f"{finding.id}.md"


def write_drafts(report: Report, folder: Path) -> tuple[Path, ...]:
    """Write a draft for each finding without a match, return their paths.

    Drafts of an earlier report are removed: no finding of this one is theirs. Raises
    InfrastructureError when a draft cannot be written.
    """
    paths = {draft_path(each, folder): each for each in report.findings if is_unknown(each)}
    for old in (folder / FOLDER).glob("*.md"):
        if old not in paths:
            old.unlink()
    for finding in paths.values():
        write_draft(report, finding, folder)
    return tuple(paths)


def write_draft(report: Report, finding: FindingReport, folder: Path) -> tuple[Path, NewIssue]:
    """Write the draft for `finding` beside the report in `folder`; return its path and itself."""
    draft = draft_issue(report, finding, _script_of(finding, folder))
    path = draft_path(finding, folder)
    write_atomically(path, draft.text.encode("utf-8", "replace"))
    return path, draft


def _script_of(finding: FindingReport, folder: Path) -> str | None:
    """Return the reproducer that lies beside the report in `folder`, None if there is none."""
    try:
        return (folder / "reproducers" / f"{finding.id}.py").read_text("utf-8", "replace")
    except (OSError, ValueError):  # ValueError: an id that no file can be called
        return None


def _title(report: Report, finding: FindingReport) -> str:
    """Say what fails where, as an issue is found by: "dsyrk: wrong result on Haswell ..."."""
    what = ", ".join(finding.routines[:3]) or finding.check
    more = f" and {len(finding.routines) - 3} more" if len(finding.routines) > 3 else ""
    places = name_places(((each.place, each.threads) for each in finding.failures), 3)
    where = f"{places} threads" if any(each.kernel for each in finding.failures) else places
    return (
        f"{what}{more}: {finding.symptom} on {where} ({finding.candidate}, {report.host.platform})"
    )


def _link(report: Report, finding: FindingReport, script: str | None, title: str, body: str) -> str:
    """Return the address of the form, its body cut until the address is short enough."""
    note = _CUT.format(code(f"{FOLDER}/{finding.id}.md", LONGEST_TITLE))

    def address(text: str) -> str:
        fields = {"title": title, "body": text}
        return f"{_NEW}?{urlencode(fields, quote_via=quote, errors='replace')}"

    if len(address(body)) <= LONGEST_LINK:
        return address(body)
    # Percent signs make a text up to twelve times longer: the limit is found by trying.
    for limit in range(LONGEST_LINK, 0, -250):
        shorter = f"{_body(report, finding, script, limit)}\n\n{note}"
        if len(address(shorter)) <= LONGEST_LINK:
            return address(shorter)
    return address(note)


def _body(report: Report, finding: FindingReport, script: str | None, limit: int) -> str:
    head = escape(finding.summary, 1_200)
    tail = (
        f"\n\nFound by release-gate {escape(report.tool_version, 60)}, check "
        f"{code(finding.check, 100)}, finding {code(finding.id, 120)}."
    )
    note = "\n\nLeft out or shortened: {} parts."
    room = limit - len(head) - len(tail) - len(note) - 8
    sections = list(_sections(report, finding, script))
    body, left_out = fitting(sections, room)
    return head + body + (note.format(left_out) if left_out else "") + tail


def _sections(report: Report, finding: FindingReport, script: str | None) -> Iterator[Section]:
    shown = None if finding.first is None else finding.failures[finding.first]
    yield Section(0, _environment(report, finding, shown))
    cells = [_cells(report, finding, most) for most in CELLS]
    yield Section(2, cells[0], tuple(cells[1:]))
    if script is not None:
        yield Section(1, _reproducer(finding, script))
    if finding.toggles:
        yield Section(3, _toggles(finding))
    if shown is not None and shown.evidence.cases:
        cases = [f"- {escape(case.message)}" for case in shown.evidence.cases]
        yield Section(4, "\n".join(["### Failing inputs, smallest first", "", *cases]))
    if shown is not None and shown.evidence.stack:
        yield _folded(5, "Stack", shown.evidence.stack)
    if finding.issues:
        yield Section(6, _alike(finding))
    if shown is not None and shown.evidence.log:
        yield _folded(7, "End of the log", shown.evidence.log[-4_000:])


def _environment(report: Report, finding: FindingReport, shown: FailureReport | None) -> str:
    cells = {cell.id: cell for cell in report.cells}
    cell = cells.get(shown.cell) if shown else None
    wheel = next((each for each in report.wheels if each.pin == finding.candidate), None)
    bad, good = _bounds(report, finding)
    config = (cell and cell.openblas_config) or (wheel and wheel.config) or "not known"
    library = (cell and cell.openblas_sha256) or (wheel and wheel.library_sha256) or "not known"
    host = report.host
    rows = [
        ("OpenBLAS", code(finding.candidate, 200)),
        ("Configuration", code(config, 400)),
        ("Library (SHA-256)", code(library)),
        ("CPU", escape((cell and cell.host_cpu) or host.cpu, 200)),
        ("System", escape(f"{host.system} {host.machine}, {host.libc or 'libc not known'}", 200)),
        ("NumPy", escape(f"{report.numpy.version} ({report.numpy.kind})", 100)),
        ("Python", escape((cell and cell.python) or report.interpreter.version, 100)),
        ("First bad of this run", code(bad or "not known", 200)),
        ("Last good of this run", code(good or "not known", 200)),
    ]
    if cell and cell.kernel:
        rows[2:2] = [
            ("Kernel", f"asked for {code(cell.kernel)}, ran {code(cell.kernel_observed or '?')}"),
            ("BLAS threads", f"asked for {cell.threads}, had {cell.threads_observed}"),
        ]
    if cell and cell.emulator:
        rows.append(("Emulator", escape(cell.emulator, 100)))
    return table("Environment", ["", ""], rows)


def _bounds(report: Report, finding: FindingReport) -> tuple[str | None, str | None]:
    """Return the oldest pin of this run that fails where the finding does, and the newest before.

    A pin is good if it passed in each of those places; an answer that is missing is none.
    """
    places = {(e.kernel, e.threads) for e in finding.failures if e.outcome and e.outcome.is_failure}
    good: dict[str, bool] = {}
    bad: set[str] = set()
    for cell in report.cells:
        if (cell.kernel, cell.threads) not in places:
            continue
        outcome = cell.outcomes.get(finding.check)
        failed = outcome is not None and outcome.is_failure
        if failed:
            bad.add(cell.pin)
        passed = outcome is not None and outcome.is_answer and not failed
        good[cell.pin] = good.get(cell.pin, True) and passed
    by_version = sorted((v, pin) for pin in bad if (v := _version(pin)) is not None)
    if not by_version:
        return None, None
    first, name = by_version[0]
    before = ((v, pin) for pin, ok in good.items() if ok and (v := _version(pin)) is not None)
    return name, max((each for each in before if each[0] < first), default=(first, None))[1]


def _version(pin: str) -> OpenBLASVersion | None:
    try:
        return OpenBLASVersion.parse(pin.rpartition("==")[2].removeprefix("bundled "))
    except ConfigurationError:
        return None


def _cells(report: Report, finding: FindingReport, most: int) -> str:
    """Return the cells in which the check was asked of this candidate, failing ones first."""
    cells = {cell.id: cell for cell in report.cells}
    asked = [
        each
        for each in report.comparisons
        if each.check in {finding.check, *_checks(report, finding)}
        and each.cell in cells
        and cells[each.cell].pin == finding.candidate
        and cells[each.cell].role is Role.CANDIDATE
    ]
    asked.sort(key=lambda each: (each.cell not in finding.cells, look(each.kind).rank))
    rows = [_cell_row(each, cells[each.cell]) for each in asked[:most]]
    more = f" (the first {most} of {len(asked)})" if len(asked) > most else ""
    columns = [
        "kernel",
        "threads",
        f"with {code(report.baseline or 'no baseline', 100)}",
        "now",
        "",
    ]
    return table(f"Where it shows{more}", columns, rows)


def _checks(report: Report, finding: FindingReport) -> set[str]:
    """Return the checks of a finding that is of no single one: NumPy could not be imported."""
    if any(each.check == finding.check for each in report.comparisons):
        return set()
    return {each.check for each in report.comparisons if each.cell in finding.cells}


def _cell_row(comparison: ComparisonReport, cell: CellReport) -> Sequence[str]:
    ran = cell.kernel_observed
    other = f" (ran {code(ran, 60)})" if ran and cell.kernel and ran != cell.kernel else ""
    return (
        code(cell.kernel or "wheel", 60) + other,
        str(cell.threads),
        look(comparison.baseline).label if comparison.baseline_cell else "",
        look(comparison.candidate).label + (", flaky" if comparison.flaky else ""),
        escape(comparison.reason, 160),
    )


def _reproducer(finding: FindingReport, script: str) -> str:
    known = finding.reproducer
    told = "Exit status 1: the fault is there."
    if known and known.tries:
        told += f" It showed in {known.hits} of {known.tries} runs."
    if known and known.note:
        told += f" {escape(known.note)}"
    return "\n".join(["### Reproducer", "", told, "", block(script, 24_000, "python")])


def _toggles(finding: FindingReport) -> str:
    rows = (
        (
            code(each.kernel or "own choice", 60),
            code(each.core or "not told", 60),
            str(each.threads),
            f"{each.hits} of {each.tries}",
        )
        for each in finding.toggles
    )
    return table("By kernel and threads", ["OPENBLAS_CORETYPE", "ran", "threads", "shown"], rows)


def _alike(finding: FindingReport) -> str:
    # As code, which GitHub does not turn into a reference.
    lines = [
        f"- {code(f'{each.id}: {each.title}', 200)}: {escape(each.why_matched)}"
        for each in finding.issues[:3]
    ]
    return "\n".join(["### Known issues that look alike", "", *lines])


def _folded(rank: int, title: str, text: str) -> Section:
    forms = [
        f"<details><summary>{title}</summary>\n\n{block(text, most)}\n\n</details>"
        for most in STACKS
    ]
    return Section(rank, forms[0], tuple(forms[1:]))
