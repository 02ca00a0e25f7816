"""The catalogue of known issues: matrices/known_issues.toml, read with all its mistakes at once."""

from __future__ import annotations

import re
import tomllib
from enum import StrEnum
from typing import TYPE_CHECKING

import attrs
from attrs import frozen

from release_gate.errors import ConfigurationError, Problem
from release_gate.versions import VersionRange
from release_gate.wire import from_data

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["KnownIssue", "Symptom", "load_known_issues"]


class Symptom(StrEnum):
    """How an issue shows itself."""

    WRONG = "wrong"
    CRASH = "crash"
    HANG = "hang"


@frozen(kw_only=True)
class KnownIssue:
    """An OpenBLAS or NumPy issue, as far as it can be told from the outside.

    Empty `routines`, `kernels` and `cpus` stand for all of them. `checks` are shell patterns of
    the checks that can see it; `cpus` are parts of the CPU's name; `min_threads` are the BLAS
    threads below which it cannot show.
    """

    id: str
    url: str
    title: str
    symptoms: tuple[Symptom, ...]
    checks: tuple[str, ...]
    affected: VersionRange
    fixed_in: str
    routines: tuple[str, ...] = ()
    kernels: tuple[str, ...] = ()
    cpus: tuple[str, ...] = ()
    min_threads: int = 1
    facts: str = ""


@frozen(kw_only=True)
class _Row:
    """An entry of the file: `KnownIssue` with its range still as text."""

    id: str
    url: str
    title: str
    symptoms: tuple[Symptom, ...]
    checks: tuple[str, ...]
    affected: str
    fixed_in: str
    routines: tuple[str, ...] = ()
    kernels: tuple[str, ...] = ()
    cpus: tuple[str, ...] = ()
    min_threads: int = 1
    facts: str = ""


@frozen(kw_only=True)
class _File:
    issue: tuple[_Row, ...]


def load_known_issues(path: Path) -> tuple[KnownIssue, ...]:
    """Return the catalogue in the TOML file `path`.

    Raises ConfigurationError with all problems: syntax, unknown or missing keys, an id that is
    there twice, a range that is none, a URL that is no https address, an empty list.
    """
    try:
        data = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(Problem(what=f"cannot read: {error}", where=str(path))) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(Problem(what=f"TOML syntax: {error}", where=str(path))) from error
    rows = from_data(data, _File, str(path)).issue
    problems: list[Problem] = []
    issues = []
    ids: set[str] = set()
    for index, row in enumerate(rows):
        where = f"{path}: issue[{index}] {row.id}"
        if row.id in ids:
            problems.append(Problem(what="this id is there twice", where=where))
        ids.add(row.id)
        if not re.fullmatch(r"[\w.-]+#[0-9]+", row.id):
            problems.append(
                Problem(what="is no issue", where=f"{where}.id", hint="write it like OpenBLAS#6013")
            )
        if not row.url.startswith("https://"):
            problems.append(Problem(what=f"{row.url!r} is no https address", where=f"{where}.url"))
        problems += [
            Problem(what="must name at least one", where=f"{where}.{key}")
            for key in ("symptoms", "checks")
            if not getattr(row, key)
        ]
        try:
            affected = VersionRange.parse(row.affected)
        except ConfigurationError as error:
            problems += [
                attrs.evolve(problem, where=f"{where}.affected") for problem in error.problems
            ]
        else:
            fields = attrs.asdict(row, recurse=False)
            issues.append(KnownIssue(**(fields | {"affected": affected})))
    if problems:
        raise ConfigurationError(problems)
    return tuple(issues)
