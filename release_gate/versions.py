"""OpenBLAS versions in their own order, which is not that of PEP 440.

Four ways to write a version meet here:

- a tag, ``0.3.28`` or ``v0.3.28``;
- what a library built from the development branch says, ``0.3.28.dev``. It comes *after* 0.3.28
  and before 0.3.29 (PEP 440 would sort it before 0.3.28);
- a package of scipy-openblas, ``0.3.33.112.0``: tag 0.3.33, 112 commits later, build 0;
- the same as its library says it, ``0.3.33`` or ``0.3.33.112.0``: missing numbers are zero, so
  ``0.3.33 == 0.3.33.0.0``.

Where ``.dev`` stands among the snapshots of its tag cannot be known, since it carries no count of
commits. It is placed after all of them (``0.3.28 < 0.3.28.500.9 < 0.3.28.dev < 0.3.29``): such a
library was built by hand from the tip of the branch, which is at or beyond any snapshot packaged
so far.
"""

from __future__ import annotations

import operator
import re
from typing import TYPE_CHECKING, Final

from attrs import field, frozen

from release_gate.errors import ConfigurationError, Problem

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["OpenBLASVersion", "VersionRange"]

_VERSION: Final = re.compile(
    r"v?(\d+)\.(\d+)\.(\d+)(?:(\.dev)|\.(\d+)(?:\.(\d+))?)?", re.ASCII | re.IGNORECASE
)
_IN_CONFIG: Final = re.compile(r"\bOpenBLAS\s+(\S+)")
_CLAUSE: Final = re.compile(r"\s*(>=|<=|==|!=|>|<)\s*(\S+?)\s*")
_COMPARE: Final[dict[str, Callable[[OpenBLASVersion, OpenBLASVersion], bool]]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
}


@frozen(order=True)
class OpenBLASVersion:
    """One OpenBLAS version; the order of the fields is the order of versions."""

    major: int
    minor: int
    patch: int
    dev: bool = field(default=False, kw_only=True)
    commits: int = field(default=0, kw_only=True)
    build: int = field(default=0, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if min(self.major, self.minor, self.patch, self.commits, self.build) < 0:
            raise ValueError("the numbers of a version are not negative")
        if self.dev and (self.commits or self.build):
            raise ValueError("a .dev version has no count of commits")

    @classmethod
    def parse(cls, text: str) -> OpenBLASVersion:
        """Return the version that `text` names; raise ConfigurationError when it names none."""
        match = _VERSION.fullmatch(text.strip())
        if match is None:
            raise ConfigurationError(
                Problem(
                    what=f"{text!r} is not an OpenBLAS version",
                    hint="write it like 0.3.28, v0.3.28, 0.3.28.dev or 0.3.33.112.0",
                )
            )
        major, minor, patch, dev, commits, build = match.groups()
        return cls(
            int(major),
            int(minor),
            int(patch),
            dev=dev is not None,
            commits=int(commits or 0),
            build=int(build or 0),
        )

    @classmethod
    def from_config(cls, config: str) -> OpenBLASVersion:
        """Return the version in what ``openblas_get_config()`` answered.

        Such as "OpenBLAS 0.3.34.237.2  USE64BITINT DYNAMIC_ARCH NO_AFFINITY Haswell
        MAX_THREADS=64". Raises ConfigurationError when there is none.
        """
        match = _IN_CONFIG.search(config)
        if match is None:
            raise ConfigurationError(
                Problem(what=f"no OpenBLAS version in the configuration string {config!r}")
            )
        return cls.parse(match[1])

    @property
    def tag(self) -> str:
        """Return the tag that the version is built on, such as ``v0.3.33``."""
        return f"v{self.major}.{self.minor}.{self.patch}"

    def __str__(self) -> str:
        """Return the shortest way to write it that `parse` reads as the same version."""
        release = f"{self.major}.{self.minor}.{self.patch}"
        if self.dev:
            return f"{release}.dev"
        if self.commits or self.build:
            return f"{release}.{self.commits}.{self.build}"
        return release


@frozen
class VersionRange:
    """Versions for which all of some comparisons hold, such as ``>=0.3.34,<0.3.34.481``."""

    clauses: tuple[tuple[str, OpenBLASVersion], ...]

    @classmethod
    def parse(cls, text: str) -> VersionRange:
        """Return the range that `text` describes.

        Raises ConfigurationError for whatever is no comparison, all of them at once, and for a
        range that no version can be in, which is a mistake wherever it is written.
        """
        problems: list[Problem] = []
        clauses: list[tuple[str, OpenBLASVersion]] = []
        for part in text.split(","):
            match = _CLAUSE.fullmatch(part)
            if match is None:
                problems.append(
                    Problem(
                        what=f"{part.strip()!r} is not a comparison with a version",
                        hint="write a range like '>=0.3.34,<0.3.34.481'",
                    )
                )
                continue
            try:
                clauses.append((match[1], OpenBLASVersion.parse(match[2])))
            except ConfigurationError as error:
                problems += error.problems
        found = cls(tuple(clauses))
        if not problems and found.is_empty:
            problems.append(
                Problem(
                    what=f"no version is in the range {text!r}",
                    hint="X.dev comes after X: for a library on the way to 0.3.28 write 0.3.27.dev",
                )
            )
        if problems:
            raise ConfigurationError(problems)
        return found

    def __contains__(self, version: OpenBLASVersion) -> bool:
        return all(_COMPARE[sign](version, bound) for sign, bound in self.clauses)

    @property
    def is_empty(self) -> bool:
        """Whether the bounds exclude each other."""
        lows = [(bound, sign == ">") for sign, bound in self.clauses if sign in {">", ">=", "=="}]
        highs = [(bound, sign == "<") for sign, bound in self.clauses if sign in {"<", "<=", "=="}]
        holes = {bound for sign, bound in self.clauses if sign == "!="}
        if not lows or not highs:
            return False
        low, low_open = max(lows)
        high, high_open = min(highs, key=lambda bound: (bound[0], not bound[1]))
        return low > high or (low == high and (low_open or high_open or low in holes))

    @property
    def is_bounded(self) -> bool:
        """Whether there are versions on both sides that are not in the range."""
        signs = "".join(sign for sign, _ in self.clauses)
        return "==" in signs or (">" in signs and "<" in signs)

    def is_above(self, version: OpenBLASVersion) -> bool:
        """Whether `version` comes before all that are in the range."""
        return any(
            version < bound or (sign == ">" and version == bound)
            for sign, bound in self.clauses
            if sign in {">", ">=", "=="}
        )

    def __str__(self) -> str:
        return ",".join(f"{sign}{bound}" for sign, bound in self.clauses)
