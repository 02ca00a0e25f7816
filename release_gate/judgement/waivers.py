"""Waivers: dated, narrow permissions to ship in spite of a finding, from matrices/waivers.toml.

A waiver names one check, versions with both ends, an issue, a reason, who answers for it, and a
day not far ahead on which it ends. It takes away that what it covers blocks; the finding stays.
"""

from __future__ import annotations

import tomllib
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

import attrs
from attrs import frozen

from release_gate.errors import ConfigurationError, Problem, did_you_mean
from release_gate.judgement.issues import version_of
from release_gate.model import Waiver, WaiverState, WaiverUse
from release_gate.versions import VersionRange
from release_gate.wire import from_data

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from pathlib import Path

    from release_gate.model import Comparison, Finding

__all__ = ["MOST_DAYS", "Waivers", "load_waivers"]

#: How far ahead a waiver may end: past one bugfix release and the next look at it.
MOST_DAYS: Final = 120


@frozen(kw_only=True)
class _File:
    waiver: tuple[Waiver, ...] = ()


@frozen(kw_only=True)
class Waivers:
    """The waivers of a run, as they stand on the day `today`; `entries` in the file's order."""

    entries: tuple[Waiver, ...] = ()
    today: date = date.min

    def in_force(self) -> tuple[Waiver, ...]:
        """Return the waivers that have not ended; the day that one names is its last."""
        return tuple(each for each in self.entries if not self._has_ended(each))

    def excuse(self, comparison: Comparison) -> bool:
        """Whether a waiver in force covers `comparison`."""
        return any(_covers(each, comparison) for each in self.in_force())

    def uses(
        self, findings: Sequence[Finding], excused: Collection[tuple[str, str]]
    ) -> tuple[WaiverUse, ...]:
        """Return what became of each waiver.

        excused: check and candidate cell id of comparisons that would have blocked.
        """
        return tuple(self._use(each, findings, excused) for each in self.entries)

    def _use(
        self, waiver: Waiver, findings: Sequence[Finding], excused: Collection[tuple[str, str]]
    ) -> WaiverUse:
        covered = [
            finding.id
            for finding in findings
            if any(
                _covers(waiver, each)
                and (self._has_ended(waiver) or (each.check, each.candidate.id) in excused)
                for each in finding.comparisons
            )
        ]
        state = WaiverState.APPLIED if covered else WaiverState.UNMATCHED
        if self._has_ended(waiver):
            state = WaiverState.EXPIRED
        return WaiverUse(waiver=waiver, state=state, findings=tuple(covered))

    def _has_ended(self, waiver: Waiver) -> bool:
        return date.fromisoformat(waiver.expires) < self.today


def _covers(waiver: Waiver, comparison: Comparison) -> bool:
    cell = comparison.candidate
    version = version_of(cell.pin)
    kernels = {each.casefold() for each in waiver.kernels}
    return (
        comparison.check == waiver.check
        and (not kernels or (cell.kernel or "").casefold() in kernels)
        and (not waiver.architectures or cell.platform.split("-")[1] in waiver.architectures)
        and version is not None
        and version in VersionRange.parse(waiver.pins)
    )


@frozen(kw_only=True)
class _Known:
    """What entries may name, and the day on which they are read."""

    checks: Collection[str]
    kernels: Collection[str]
    today: date


def load_waivers(
    path: Path, *, checks: Collection[str], kernels: Collection[str], today: date
) -> Waivers:
    """Return the waivers in the TOML file `path`; none when there is no such file.

    Raises ConfigurationError with all problems: syntax, unknown or missing keys, a check or kernel
    that there is not, versions without an end on both sides, a missing reason, name or issue, a
    last day that is none or more than MOST_DAYS after `today`. One that has ended is no mistake:
    it is told, and does nothing.
    """
    if not path.exists():
        return Waivers(today=today)
    try:
        data = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(Problem(what=f"cannot read: {error}", where=str(path))) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(Problem(what=f"TOML syntax: {error}", where=str(path))) from error
    rows = data.get("waiver")
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, dict) and isinstance(row.get("expires"), date):
            row["expires"] = row["expires"].isoformat()  # TOML has dates, JSON has none
    entries = from_data(data, _File, str(path)).waiver
    known = _Known(checks=checks, kernels=kernels, today=today)
    problems = [
        problem
        for index, entry in enumerate(entries)
        for problem in _problems(entry, f"{path}: waiver[{index}]", known)
    ]
    if problems:
        raise ConfigurationError(problems)
    return Waivers(entries=entries, today=today)


def _problems(entry: Waiver, where: str, known: _Known) -> Iterator[Problem]:
    if entry.check not in known.checks:
        hint = did_you_mean(entry.check, sorted(known.checks))
        hint = hint or "a waiver is for one check, by its id"
        yield Problem(what=f"no check is called {entry.check!r}", where=f"{where}.check", hint=hint)
    yield from _unknown(entry.kernels, known.kernels, f"{where}.kernels")
    for key in ("reason", "who"):
        if not getattr(entry, key).strip():
            yield Problem(what="must not be empty", where=f"{where}.{key}")
    if not entry.issue.startswith("https://"):
        what = f"{entry.issue!r} is no https address of an issue"
        yield Problem(what=what, where=f"{where}.issue")
    yield from _unbounded(entry.pins, f"{where}.pins")
    yield from _too_late(entry.expires, f"{where}.expires", known.today)


def _unbounded(pins: str, where: str) -> Iterator[Problem]:
    try:
        versions = VersionRange.parse(pins)
    except ConfigurationError as error:
        yield from (attrs.evolve(each, where=where) for each in error.problems)
        return
    if not versions.is_bounded:
        what = f"{pins!r} has no end: a waiver is for versions that are known"
        hint = "write a range like '>=0.3.34,<0.3.35', or '==0.3.34.106.0'"
        yield Problem(what=what, where=where, hint=hint)


def _too_late(expires: str, where: str, today: date) -> Iterator[Problem]:
    try:
        last = date.fromisoformat(expires)
    except ValueError:
        hint = "write it like 2026-12-31"
        yield Problem(what=f"{expires!r} is no date", where=where, hint=hint)
        return
    latest = today + timedelta(days=MOST_DAYS)
    if last > latest:
        what = f"{last} is more than {MOST_DAYS} days ahead"
        yield Problem(what=what, where=where, hint=f"at most {latest}")


def _unknown(names: Iterable[str], known: Collection[str], where: str) -> Iterator[Problem]:
    for name in names:
        if name.casefold() not in {each.casefold() for each in known}:
            hint = did_you_mean(name, sorted(known))
            yield Problem(what=f"unknown kernel {name!r}", where=where, hint=hint)
