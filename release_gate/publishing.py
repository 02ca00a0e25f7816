"""The sub-command publish: a report as a comment on an issue, and as a check at a commit.

It decides nothing. What could not be written is told with the reason, and takes nothing from the
rest: the verdict is in the report, whatever GitHub says.
"""

from __future__ import annotations

import hashlib
import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from attrs import field, frozen

from release_gate import wire
from release_gate.errors import ConfigurationError, ExitCode, Problem
from release_gate.github.client import Access, Client
from release_gate.github.comment import Draft, OneComment
from release_gate.github.commit_mark import SUMMARY, Mark, OneCheckRun, OneStatus
from release_gate.github.identity import Viewer, ask_viewer
from release_gate.github.refusals import NoAnswerError
from release_gate.github.settling import settle
from release_gate.report.document import read_report, report_file, verdict_words
from release_gate.report.history import Run
from release_gate.report.job_summary import render_job_summary
from release_gate.report.markdown import marker_key, plain, render_markdown

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from release_gate.github.settling import Work
    from release_gate.github.target import Target
    from release_gate.progress import Progress
    from release_gate.report.document import Report

__all__ = ["PUBLISH_SCHEMA", "Published", "publish"]

PUBLISH_SCHEMA: Final = "release-gate/publish/1"


@frozen(kw_only=True)
class Written:
    """Something that is as it should be now, whether or not that took a change."""

    what: str
    url: str


@frozen(kw_only=True)
class NotDone:
    """Something that could not be read or written: why, and what to do next."""

    what: str
    why: str
    hint: str


@frozen(kw_only=True)
class Request:
    """What would be sent; `only_if` says under what condition."""

    method: str
    path: str
    body: dict[str, Any] | None
    only_if: str = ""


@frozen(kw_only=True)
class Published:
    """What came of it. `requests` and `not_read` are those of a dry run."""

    verdict: str
    key: str
    dry_run: bool
    written: tuple[Written, ...] = ()
    not_written: tuple[NotDone, ...] = ()
    not_read: tuple[NotDone, ...] = ()
    requests: tuple[Request, ...] = ()
    notes: tuple[str, ...] = ()


def publish(
    folder: Path | None, target: Target, *, dry_run: bool, as_data: bool, progress: Progress
) -> tuple[str, ExitCode]:
    """Publish the report in `folder`; return what came of it, and the exit code.

    That is GO when everything is written, else INFRASTRUCTURE: never that of the verdict. A dry run
    is always GO. Raises ConfigurationError for what is no report, no address or no token.
    """
    path = report_file(folder)
    report = read_report(path)
    times = _times(report, path)
    client = Client(Access.from_environment(), say=progress.say, per_page=100)
    job = _Job(report=report, target=target, client=client, times=times, name=_run_id(target, path))
    found = job.foresee() if dry_run else job.carry_out()
    code = ExitCode.INFRASTRUCTURE if found.not_written else ExitCode.GO
    if as_data:
        return wire.document(PUBLISH_SCHEMA, found), code
    return _told(found), code


def _times(report: Report, path: Path) -> tuple[datetime, datetime]:
    """Return when the run started and finished, in UTC and whole seconds."""
    times: list[datetime] = []
    problems: list[Problem] = []
    for name, text in (("started", report.started), ("finished", report.finished)):
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None:
            what = f"{text!r} is no time with a zone"
            problems.append(Problem(what=what, where=f"{path}: {name}"))
        else:
            times.append(moment.astimezone(UTC).replace(microsecond=0))
    if problems:
        raise ConfigurationError(problems)
    started, finished = times
    return started, finished


def _run_id(target: Target, path: Path) -> str:
    """Return what tells the run from others: its number on GitHub, else the report's digest."""
    number = re.search(r"/actions/runs/(\d+)", target.run_url)
    return number[1] if number else hashlib.sha256(path.read_bytes()).hexdigest()[:16]


@frozen(kw_only=True)
class _Job:
    """A report on its way to a target."""

    report: Report
    target: Target
    client: Client
    times: tuple[datetime, datetime]
    name: str
    _notes: list[str] = field(factory=list, init=False)

    def carry_out(self) -> Published:
        """Write the comment, then the check run or the status."""
        written: list[Written] = []
        failed: list[NotDone] = []
        try:
            viewer = ask_viewer(self.client)
        except NoAnswerError as error:
            failed += [_not_done(work.what, error) for work in self._works(None)]
            return self._published(not_written=tuple(failed))
        for work in self._works(viewer):
            refusal = self._settled(work, written)
            if refusal is None:
                continue
            # Not a limit: only apps may write check runs, and Actions may forbid them to its own.
            if isinstance(work, OneCheckRun) and refusal.status == 403 and not refusal.lasting:
                instead = OneStatus(self.client, viewer, self._mark())
                second = self._settled(instead, written)
                if second is None:
                    self._notes.append(f"{refusal.why}; a commit status is there instead")
                    continue
                failed.append(_not_done(instead.what, second))
            failed.append(_not_done(work.what, refusal))
        return self._published(written=tuple(written), not_written=tuple(failed))

    def foresee(self) -> Published:
        """Return what would be sent, reading what can be read."""
        not_read: list[NotDone] = []
        requests: list[Request] = []
        viewer = None
        try:
            viewer = ask_viewer(self.client)
        except NoAnswerError as error:
            not_read.append(_not_done("whose token it is, and so what it has written", error))
        for work in self._works(viewer):
            requests += self._foreseen(work, viewer, not_read)
            if isinstance(work, OneCheckRun):
                instead = OneStatus(self.client, viewer, self._mark())
                only_if = "the check run is refused (HTTP status 403)"
                requests += self._foreseen(instead, viewer, not_read, only_if)
        return self._published(requests=tuple(requests), not_read=tuple(not_read))

    def _works(self, viewer: Viewer | None) -> Sequence[Work]:
        client, target = self.client, self.target
        works: list[Work] = []
        if target.number is not None:
            place = (target.repository, target.number)
            works.append(OneComment(client, *place, viewer, self._draft()))
        if target.sha is not None:
            works.append(OneCheckRun(client, viewer, self._mark()))
        return works

    def _settled(self, work: Work, written: list[Written]) -> NoAnswerError | None:
        try:
            settle(work, self.client)
        except NoAnswerError as error:
            return error
        finally:
            self._notes.extend(work.notes)
        written.append(Written(what=work.what, url=work.url or ""))
        return None

    def _foreseen(
        self, work: Work, viewer: Viewer | None, not_read: list[NotDone], only_if: str = ""
    ) -> list[Request]:
        if viewer is not None:
            try:
                work.look()
            except NoAnswerError as error:
                not_read.append(_not_done(f"the {work.what}", error))
        changes = work.todo()
        self._notes.extend(work.notes)
        return [
            Request(method=each.method, path=each.path, body=each.body, only_if=only_if)
            for each in changes
        ]

    def _draft(self) -> Draft:
        target = self.target
        finished = self.times[1].isoformat()
        return Draft(
            key=target.key,
            run=Run(self.name, self.report.verdict, finished, target.run_url),
            server=target.server,
            write=lambda runs: _sendable(render_markdown(self.report, key=target.key, runs=runs)),
        )

    def _mark(self) -> Mark:
        target, report = self.target, self.report
        suffix = "" if target.key == marker_key("") else f": {target.key}"
        return Mark(
            repository=target.of_commit,
            sha=target.sha or "",
            name=f"release-gate{suffix}",
            verdict=report.verdict,
            title=_sendable(plain(f"{verdict_words(report)}: {report.headline}")),
            summary=_sendable(render_job_summary(report, SUMMARY + 1)),
            started=self.times[0],
            finished=self.times[1],
            url=target.run_url,
        )

    def _published(self, **found: Any) -> Published:  # noqa: ANN401  (fields of Published)
        return Published(
            verdict=verdict_words(self.report),
            key=self.target.key,
            dry_run="requests" in found,
            notes=tuple(dict.fromkeys(self._notes)),
            **found,
        )


def _sendable(text: str) -> str:
    """Return `text` without the halves of characters that library output may hold."""
    return text.encode("utf-8", "replace").decode()


def _not_done(what: str, error: NoAnswerError) -> NotDone:
    return NotDone(what=what, why=error.why, hint=error.problems[0].hint)


def _told(found: Published) -> str:
    lines = [f"{each.what}: {each.url}" for each in found.written]
    for each in found.requests:
        lines += [f"only if {each.only_if}:"] if each.only_if else []
        body = [] if each.body is None else [json.dumps(each.body, indent=1)]
        lines += [f"{each.method} {each.path}", *body, ""]
    for verb, those in (("read", found.not_read), ("written", found.not_written)):
        for missing in those:
            hint = f"\n  hint: {missing.hint}" if missing.hint else ""
            named = missing.what in missing.why
            why = missing.why if named else f"{missing.what}: {missing.why}"
            lines.append(f"not {verb}: {why}{hint}")
    lines += [f"note: {note}" for note in found.notes]
    if found.dry_run:
        guessed = "; what could not be read is taken as not there" if found.not_read else ""
        lines.append(f"nothing has been sent{guessed}")
    elif found.not_written:
        lines.append(f"the verdict is {found.verdict} all the same")
    return "\n".join(lines)
