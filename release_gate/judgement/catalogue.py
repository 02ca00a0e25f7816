"""The catalogue of known issues: matrices/known_issues/*.toml, read with all its mistakes at once.

One file per category. What an entry does not name, it does not ask for: no `kernels` stands for
all of them.
"""

from __future__ import annotations

import re
import tomllib
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

import attrs
from attrs import frozen

from release_gate.errors import ConfigurationError, Problem, did_you_mean
from release_gate.versions import VersionRange
from release_gate.wire import from_data

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from pathlib import Path

__all__ = [
    "Confidence",
    "Entry",
    "IssueFile",
    "KnownIssue",
    "Severity",
    "Symptom",
    "load_known_issues",
]

#: NumPy#27036, scipy PR#26098; "changelog-..." where only a changelog tells of it; "found/..." for
#: what is no issue yet and has a page of its own.
_ID: Final = re.compile(r"[\w./-]+(?: PR)?#[0-9]+|(?:changelog-|found/)[\w.-]+")
_PAGE: Final = re.compile(r"https://\S+|docs/found/[\w-]+\.md")
MOST_TITLE: Final = 100

SYSTEMS: Final = ("linux", "darwin", "windows")


class Symptom(StrEnum):
    """What a user of a faulty library sees."""

    WRONG = "wrong-result"
    NAN = "nan"  # NaN or infinity where none belongs, or NaN that is lost
    CRASH = "crash"
    HANG = "hang"
    OVER_READ = "over-read"  # memory outside of operands read or written
    MEMORY = "memory"  # leaks, and too much of memory or stack
    SLOW = "slow"
    BUILD = "build"  # cannot be built, installed, imported or linked


class Severity(StrEnum):
    """How much an issue hurts who does not know of it, worst first."""

    SILENT = "silent"  # wrong numbers, and nobody is told
    FATAL = "fatal"  # the process ends, or never does
    HARMFUL = "harmful"
    ANNOYING = "annoying"


_SEVERITY: Final = {
    Symptom.WRONG: Severity.SILENT,
    Symptom.NAN: Severity.SILENT,
    Symptom.CRASH: Severity.FATAL,
    Symptom.HANG: Severity.FATAL,
    Symptom.OVER_READ: Severity.HARMFUL,
    Symptom.MEMORY: Severity.HARMFUL,
    Symptom.SLOW: Severity.ANNOYING,
    Symptom.BUILD: Severity.ANNOYING,
}


class Confidence(StrEnum):
    """How sure facts and range are; high: measured, or stated by maintainers or a changelog."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


@frozen(kw_only=True)
class Entry:
    """An entry as the file has it.

    symptoms: likeliest first; checks: shell patterns of the checks that can see it, or else
    `unseen` says why none can; cpus: parts of the CPU's name; min_threads: BLAS threads below which
    it cannot show; build: build options without which it cannot show, where the wheels of
    scipy-openblas are built otherwise; affected: versions that show it, empty for what is no fault
    of OpenBLAS; source: where the facts come from.
    """

    id: str
    url: str
    title: str
    symptoms: tuple[Symptom, ...]
    fixed_in: str
    confidence: Confidence
    facts: str
    source: str
    affected: str = ""
    checks: tuple[str, ...] = ()
    unseen: str = ""
    routines: tuple[str, ...] = ()
    kernels: tuple[str, ...] = ()
    architectures: tuple[str, ...] = ()
    systems: tuple[str, ...] = ()
    cpus: tuple[str, ...] = ()
    min_threads: int = 1
    build: tuple[str, ...] = ()
    downstream: tuple[str, ...] = ()


@frozen(kw_only=True)
class KnownIssue(Entry):
    """An OpenBLAS or NumPy issue; `versions` is `affected`, parsed, or None if that is empty."""

    category: str
    versions: VersionRange | None

    @property
    def severity(self) -> Severity:
        """The worst of what its symptoms are."""
        return min((_SEVERITY[each] for each in self.symptoms), key=list(Severity).index)

    def is_seen_by(self, check: str) -> bool:
        """Whether the check with that id can see it."""
        return any(fnmatchcase(check, pattern) for pattern in self.checks)

    def is_of_kernel(self, kernel: str | None) -> bool:
        """Whether `kernel` is one that it names, or it names none."""
        return not self.kernels or (kernel or "").casefold() in {
            each.casefold() for each in self.kernels
        }

    def is_of_cpu(self, cpu: str) -> bool:
        """Whether a CPU of that name is one that it names, or it names none."""
        return not self.cpus or any(part.casefold() in cpu.casefold() for part in self.cpus)


@frozen(kw_only=True)
class IssueFile:
    """A file of matrices/known_issues/; its name is the category."""

    issue: tuple[Entry, ...]


def load_known_issues(
    folder: Path, *, checks: Collection[str], kernels: Collection[str]
) -> tuple[KnownIssue, ...]:
    """Return the catalogue in `folder`, by file and then as each file has it.

    checks: ids of all checks; kernels: names of all kernels. Raises ConfigurationError with all
    problems of all files: syntax, unknown or missing keys, an id that is there twice, a range that
    is none, a URL that is no https address, a check or kernel that there is not, an empty text.
    """
    problems: list[Problem] = []
    issues: list[KnownIssue] = []
    first: dict[str, str] = {}
    paths = sorted(folder.glob("*.toml"))
    if not paths:
        problems.append(Problem(what="no known issues: no *.toml", where=str(folder)))
    for path in paths:
        try:
            rows = _read(path)
        except ConfigurationError as error:
            problems += error.problems
            continue
        for index, row in enumerate(rows):
            where = f"{path}: issue[{index}] {row.id}"
            if row.id in first:
                what = f"this id is already at {first[row.id]}"
                problems.append(Problem(what=what, where=where))
            first.setdefault(row.id, where)
            found = list(_problems(row, where, checks, kernels))
            try:
                versions = VersionRange.parse(row.affected) if row.affected else None
            except ConfigurationError as error:
                found += [attrs.evolve(each, where=f"{where}.affected") for each in error.problems]
            else:
                fields = attrs.asdict(row, recurse=False)
                issues.append(KnownIssue(category=path.stem, versions=versions, **fields))
            problems += found
    if problems:
        raise ConfigurationError(problems)
    return tuple(issues)


def _read(path: Path) -> tuple[Entry, ...]:
    try:
        data = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(Problem(what=f"cannot read: {error}", where=str(path))) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(Problem(what=f"TOML syntax: {error}", where=str(path))) from error
    return from_data(data, IssueFile, str(path)).issue


def _problems(
    row: Entry, where: str, checks: Collection[str], kernels: Collection[str]
) -> Iterator[Problem]:
    """Yield what is wrong with an entry, but its range."""
    if not _ID.fullmatch(row.id):
        hint = "write it like OpenBLAS#6013, OpenBLAS PR#5877 or changelog-0.3.9-dscal"
        yield Problem(what="is no issue", where=f"{where}.id", hint=hint)
    if not _PAGE.fullmatch(row.url):
        yield Problem(
            what=f"{row.url!r} is no https address and no page of docs/found", where=f"{where}.url"
        )
    if len(row.title) > MOST_TITLE or row.title.endswith("."):
        what = f"must have at most {MOST_TITLE} characters and no full stop"
        yield Problem(what=what, where=f"{where}.title")
    for key in ("title", "symptoms", "facts", "source"):
        if not getattr(row, key):
            yield Problem(what="must not be empty", where=f"{where}.{key}")
    if bool(row.checks) == bool(row.unseen):
        what = "needs `checks` that can see it, or `unseen` that says why none can, not both"
        yield Problem(what=what, where=where)
    if row.min_threads < 1:
        yield Problem(what=f"is {row.min_threads}, at least 1", where=f"{where}.min_threads")
    yield from _unknown(row.kernels, kernels, "kernel", f"{where}.kernels")
    yield from _unknown(row.systems, SYSTEMS, "system", f"{where}.systems")
    for pattern in row.checks:
        if not any(fnmatchcase(check, pattern) for check in checks):
            yield Problem(
                what=f"no check matches {pattern!r}",
                where=f"{where}.checks",
                hint=did_you_mean(pattern, sorted(checks)),
            )


def _unknown(
    names: Iterable[str], known: Collection[str], kind: str, where: str
) -> Iterator[Problem]:
    for name in names:
        if name not in known:
            yield Problem(
                what=f"unknown {kind} {name!r}", where=where, hint=did_you_mean(name, sorted(known))
            )
