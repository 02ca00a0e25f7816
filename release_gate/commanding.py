"""The sub-command command: what somebody asks of the gate in a comment, answered there.

It starts nothing by itself but a repetition of failed jobs: for a run it writes the request, and
the workflow goes on with that.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from attrs import frozen

from release_gate import wire
from release_gate.errors import ConfigurationError, Problem
from release_gate.github.command import Verb, find_command
from release_gate.github.identity import ask_viewer
from release_gate.github.own_comment import own_comments
from release_gate.github.permission import may_write
from release_gate.github.reply import ACCEPTED, REFUSED, OneReply, react, run_announced
from release_gate.github.request import REQUEST_SCHEMA, make_request
from release_gate.github.rerun import OneRerun
from release_gate.github.settling import settle
from release_gate.github.target import SERVER
from release_gate.report.history import HistoryError, read_history
from release_gate.report.markdown import marked
from release_gate.report.replies import (
    render_accepted,
    render_help,
    render_refusal,
    render_rerun,
    render_status,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from release_gate.github.client import Client
    from release_gate.github.command import Command
    from release_gate.github.event import Author, CommentEvent
    from release_gate.github.identity import Viewer
    from release_gate.github.own_comment import Written
    from release_gate.github.request import RunRequest, Tables
    from release_gate.report.history import Run

__all__ = ["Outcome", "obey", "request_data"]

_RUN_OF: Final = re.compile(r"/actions/runs/(\d{1,20})")


@frozen(kw_only=True)
class Outcome:
    """What came of a comment: in words, and the run that is asked for, if one is."""

    told: str
    request: RunRequest | None = None


def obey(
    event: CommentEvent, tables: Tables, client: Client, environment: Mapping[str, str]
) -> Outcome:
    """Do what a comment asks for, and answer there; once more changes nothing.

    Heeded are new comments of people who may write to the repository. `environment` names the
    workflow run that this happens in. Raises InfrastructureError when GitHub or the index does not
    answer.
    """
    author = event.author
    if event.action != "created":
        return _ignored(f"the comment was {event.action}")
    if author is None or not author.is_person:
        return _ignored("no person wrote it, or their account is gone")
    command = find_command(event.body)
    if command is None:
        return _ignored("it holds no command")
    viewer = ask_viewer(client)
    if author.id == viewer.id:  # the token may be a person's
        return _ignored("this gate wrote it")
    if not may_write(client, event.repository, author):
        # An answer would let anybody make the gate talk.
        react(client, event, REFUSED)
        return _ignored("its author may not write to the repository")
    obeying = _Obeying(
        event=event,
        author=author,
        viewer=viewer,
        tables=tables,
        client=client,
        environment=environment,
    )
    return obeying.carry_out(command)


def request_data(request: RunRequest) -> dict[str, object]:
    """Return the request as JSON data."""
    return {"schema": REQUEST_SCHEMA, **wire.to_data(request)}


def _ignored(why: str) -> Outcome:
    return Outcome(told=f"ignored: {why}")


@frozen(kw_only=True)
class _Obeying:
    """Carries a command out that may be given."""

    event: CommentEvent
    author: Author
    viewer: Viewer
    tables: Tables
    client: Client
    environment: Mapping[str, str]

    @property
    def server(self) -> str:
        return (self.environment.get("GITHUB_SERVER_URL") or SERVER).rstrip("/")

    @property
    def run(self) -> int | None:
        """Return the id of the workflow run that this is."""
        run = self.environment.get("GITHUB_RUN_ID", "")
        return int(run) if re.fullmatch(r"\d{1,20}", run, re.ASCII) else None

    def carry_out(self, command: Command) -> Outcome:
        try:
            self._check(command)
            match command.verb:
                case Verb.RUN:
                    return self._accept(self._request(command))
                case Verb.RERUN_FAILED:
                    return self._rerun()
                case Verb.STATUS:
                    told = render_status(self._gates(self._comments()))
                case Verb.HELP:
                    told = render_help(self.tables.matrices)
        except ConfigurationError as error:
            self._answer(REFUSED, render_refusal(error.problems, self.tables.matrices))
            return Outcome(told=f"refused:\n{error}")
        self._answer(ACCEPTED, told)
        return Outcome(told=f"answered: {command.verb}")

    def _check(self, command: Command) -> None:
        """Raise all mistakes of the grammar, with those of the values that are sound as texts."""
        problems = list(command.problems)
        if problems and command.verb is Verb.RUN:
            try:
                self._request(command)
            except ConfigurationError as error:
                problems += error.problems
        if problems:
            raise ConfigurationError(problems)

    def _request(self, command: Command) -> RunRequest:
        return make_request(self.event, self.author.login, command.values, self.tables, self.client)

    def _accept(self, request: RunRequest) -> Outcome:
        url = self._run_url(self.run) if self.run is not None else None
        self._answer(ACCEPTED, render_accepted(request, url), run=self.run)
        return Outcome(told=f"accepted: a run for {request.issue}", request=request)

    def _rerun(self) -> Outcome:
        run = self._last_run(self._comments())
        if run is None:
            what = "no run has been started or reported here"
            raise ConfigurationError(Problem(what=what, hint="/gate run starts one"))
        work = OneRerun(self.client, self.event.repository, run)
        settle(work, self.client)
        self._answer(ACCEPTED, render_rerun(self._run_url(run)))
        return Outcome(told=f"run again: the failed jobs of run {run}")

    def _answer(self, reaction: str, text: str, run: int | None = None) -> None:
        react(self.client, self.event, ACCEPTED if reaction == ACCEPTED else REFUSED)
        reply = OneReply(self.client, self.event, self.viewer, text, run)
        settle(reply, self.client)

    def _comments(self) -> tuple[Written, ...]:
        event = self.event
        return own_comments(self.client, event.repository, event.number, self.viewer)

    def _gates(self, comments: tuple[Written, ...]) -> list[tuple[str, str, Run | None]]:
        """Return key, address and last run of each report here."""
        found = []
        for each in comments:
            if (key := marked(each.body)) is not None:
                runs = self._history(each)
                found.append((key, each.url, runs[-1] if runs else None))
        return found

    def _history(self, comment: Written) -> tuple[Run, ...]:
        try:
            return read_history(comment.body, self.server, datetime.now(UTC))
        except HistoryError:
            return ()  # somebody edited it: what it says of runs is not to be trusted

    def _last_run(self, comments: tuple[Written, ...]) -> int | None:
        """Return the workflow run that was announced or reported here last; ids only grow."""
        ours = self._run_url(None)
        links = [run.url for _, _, run in self._gates(comments) if run is not None]
        runs = [
            int(match[1])
            for url in links
            if url.startswith(ours) and (match := _RUN_OF.search(url)) is not None
        ]
        announced = (run_announced(each.body) for each in comments)
        return max([*runs, *(run for run in announced if run is not None)], default=None)

    def _run_url(self, run: int | None) -> str:
        begin = f"{self.server}/{self.event.repository}/actions/runs/"
        return begin if run is None else f"{begin}{run}"
