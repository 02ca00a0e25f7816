"""What can go wrong, told as what, where and what to do next, with its exit code."""

from __future__ import annotations

import difflib
from enum import IntEnum
from typing import TYPE_CHECKING

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = [
    "ConfigurationError",
    "ExitCode",
    "GateError",
    "InfrastructureError",
    "Interrupted",
    "Problem",
    "did_you_mean",
]


class ExitCode(IntEnum):
    """Exit codes of every sub-command (documented in README.md and ``--help``)."""

    GO = 0
    NO_GO = 1
    CONFIGURATION = 2
    INCONCLUSIVE = 3
    INFRASTRUCTURE = 4
    INTERRUPTED = 130


@frozen(kw_only=True)
class Problem:
    """One thing that is wrong: `where` names the file and key, `hint` the next step."""

    what: str
    where: str = ""
    hint: str = ""

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        hint = f"\n  hint: {self.hint}" if self.hint else ""
        return f"{place}{self.what}{hint}"


class GateError(Exception):
    """Base of all expected errors; holds *every* problem that was found, not only the first."""

    exit_code = ExitCode.INFRASTRUCTURE

    def __init__(self, problems: Problem | Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = (
            (problems,) if isinstance(problems, Problem) else tuple(problems)
        )
        super().__init__("\n".join(str(problem) for problem in self.problems))


class ConfigurationError(GateError):
    """The user's input (options, matrices, wheels, result files) cannot be used."""

    exit_code = ExitCode.CONFIGURATION


class InfrastructureError(GateError):
    """The machine, the package index or a tool failed; the input may well be right."""

    exit_code = ExitCode.INFRASTRUCTURE


class Interrupted(GateError):  # noqa: N818  (a state that the user asked for, not an error)
    """Ctrl-C; `hint` says how to go on."""

    exit_code = ExitCode.INTERRUPTED


def did_you_mean(word: str, known: Sequence[str]) -> str:
    """Return "did you mean 'X'?" for the nearest of `known` (case ignored), or an empty string."""
    by_folded = {name.casefold(): name for name in known}
    close = difflib.get_close_matches(word.casefold(), list(by_folded), n=1, cutoff=0.6)
    return f"did you mean {by_folded[close[0]]!r}?" if close else ""
