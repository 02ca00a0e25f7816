"""The last runs of a gate, kept in the comment that shows the newest of them.

A hidden line holds them as JSON, the line after it shows them as glyphs with links. Who may edit
the comment can write anything there, so that it is read strictly: all of it is sound, or all of it
is dropped.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from attrs import astuple, frozen

from release_gate.model import Verdict
from release_gate.report.presentation import look

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = [
    "HistoryError",
    "Run",
    "history_lines",
    "is_run_url",
    "merge",
    "read_history",
    "with_history",
]

#: Runs that are kept.
MOST: Final = 10

#: How far a clock of another machine may be ahead.
AHEAD: Final = timedelta(hours=1)

_START: Final = "<!-- release-gate:history:v1 "
_END: Final = " -->"

#: Far more than the runs that are kept can take, in characters.
_LONGEST: Final = 8_000

#: Lines of a comment among which its history is.
_TOP: Final = 10

_ID: Final = re.compile(r"[0-9A-Za-z-]{1,64}")
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", re.ASCII)
_PATH: Final = re.compile(
    r"/[\w.-]{1,100}/[\w.-]{1,100}/actions/runs/\d{1,20}(/attempts/\d{1,6})?", re.ASCII
)


class HistoryError(Exception):
    """The history in a comment is not what this program writes; says in what."""


@frozen
class Run:
    """One run: `id` of letters, digits and dashes, `finished` in UTC, `url` of it or empty."""

    id: str
    verdict: Verdict
    finished: str  # ISO 8601 with seconds and +00:00: the order of texts is that of times
    url: str


def is_run_url(url: str, server: str) -> bool:
    """Say whether `url` is that of a workflow run on `server`, such as https://github.com."""
    return url.startswith(server) and _PATH.fullmatch(url.removeprefix(server)) is not None


def merge(*histories: Iterable[Run]) -> tuple[Run, ...]:
    """Return the last runs of all, oldest first, each id once: the run of it that finished last.

    Of two that finished at the same time it is the one with the worse verdict: the order of the
    histories must not matter, for each of several jobs has its own.
    """
    by_id: dict[str, Run] = {}
    for run in (run for history in histories for run in history):
        by_id[run.id] = max(by_id.get(run.id, run), run, key=_lateness)
    return tuple(sorted(by_id.values(), key=lambda run: (run.finished, run.id))[-MOST:])


def history_lines(runs: Sequence[Run]) -> list[str]:
    """Return the hidden line and the line that is seen; nothing for no runs."""
    if not runs:
        return []
    # Sound values hold no ">", which alone could end the hidden line.
    data = json.dumps([astuple(run) for run in runs], separators=(",", ":"))
    return [f"{_START}{data}{_END}", f"Runs, the newest last: {' '.join(map(_shown, runs))}"]


def read_history(comment: str, server: str, now: datetime) -> tuple[Run, ...]:
    """Return the runs in a comment, oldest first; none when it holds no history.

    server: where their links must lead. Raises HistoryError for anything that was not written by
    `history_lines`.
    """
    lines = comment.split("\n")
    place = _place(lines)
    if place is None:
        return ()
    line = lines[place]
    if len(line) > _LONGEST or not line.endswith(_END):
        raise HistoryError("its line is cut short, or too long")
    try:
        data = json.loads(line.removeprefix(_START).removesuffix(_END))
    except (ValueError, RecursionError) as error:
        raise HistoryError("it is no JSON") from error
    if not isinstance(data, list) or not 0 < len(data) <= MOST:
        raise HistoryError(f"it is no list of 1 to {MOST} runs")
    runs = tuple(_run(entry, server, now) for entry in data)
    if merge(runs) != runs:
        raise HistoryError("its runs are out of order, or there twice")
    return runs


def with_history(comment: str, runs: Sequence[Run], limit: int) -> str:
    """Return a comment that has a history with `runs` in place of it, in `limit` characters.

    Where the comment has no room for more, the oldest runs are left out.
    """
    lines = comment.split("\n")
    place = _place(lines)
    if place is None:
        return comment
    before, after = lines[:place], lines[place + 2 :]
    for first in range(len(runs)):
        text = "\n".join([*before, *history_lines(runs[first:]), *after])
        if len(text) <= limit:
            return text
    return comment


def _lateness(run: Run) -> tuple[str, int, str]:
    return run.finished, -look(run.verdict).rank, run.url


def _place(lines: Sequence[str]) -> int | None:
    """Return which line is the history: one near the top.

    There, whatever comes from outside is escaped and holds no "<". Code, which may, comes below.
    """
    top = enumerate(lines[:_TOP])
    return next((number for number, line in top if line.startswith(_START)), None)


def _run(entry: object, server: str, now: datetime) -> Run:
    if not isinstance(entry, list) or len(entry) != 4:
        raise HistoryError("a run has other than four fields")
    name, verdict, finished, url = entry
    if not all(isinstance(value, str) for value in entry):
        raise HistoryError("a run has a field that is no text")
    if not _ID.fullmatch(name) or verdict not in list(Verdict):
        raise HistoryError("a run has an id or a verdict that is none")
    if url and not is_run_url(url, server):
        raise HistoryError(f"a link leads to no workflow run on {server}")
    try:
        moment = datetime.fromisoformat(finished) if _TIME.fullmatch(finished) else None
    except ValueError:
        moment = None
    if moment is None or moment.astimezone(UTC) > now + AHEAD:
        raise HistoryError("a run has a time that is none, or that is yet to come")
    return Run(name, Verdict(verdict), finished, url)


def _shown(run: Run) -> str:
    glyph = look(run.verdict).glyph
    told = f"{run.verdict}, {run.finished[:16].replace('T', ' ')} UTC"
    return f'[{glyph}]({run.url} "{told}")' if run.url else glyph
