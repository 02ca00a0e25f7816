"""What NumPy's and SciPy's own tests are run with: the table suites.toml."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["SciPyRelease", "SuiteTable", "suite_problems"]


@frozen(kw_only=True)
class SciPyRelease:
    """A SciPy; `requires_python` and `numpy` are the versions that it takes."""

    version: str
    requires_python: str
    numpy: str

    def takes(self, numpy: str, python: str) -> bool:
        """Whether it runs with these versions (a development version of NumPy counts as one)."""
        return SpecifierSet(self.numpy).contains(numpy, prereleases=True) and SpecifierSet(
            self.requires_python
        ).contains(python, prereleases=True)


@frozen(kw_only=True)
class SuiteTable:
    """`tools` are requirements, each at one version; `scipy` the releases to choose from."""

    tools: tuple[str, ...]
    scipy: tuple[SciPyRelease, ...]

    def newest_scipy(self, numpy: str, python: str) -> SciPyRelease | None:
        """Return the newest SciPy for these versions, or None."""
        fitting = [release for release in self.scipy if release.takes(numpy, python)]
        return max(fitting, key=lambda release: Version(release.version), default=None)


def suite_problems(table: SuiteTable) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with the table, as (key, what)."""
    for index, text in enumerate(table.tools):
        key = f"tools[{index}]"
        try:
            pins = list(Requirement(text).specifier)
        except InvalidRequirement as error:
            yield key, str(error).partition("\n")[0]
        else:
            if [pin.operator for pin in pins] != ["=="]:
                yield key, f"{text!r} is not pinned to one version (==)"
    for index, release in enumerate(table.scipy):
        try:
            Version(release.version)
            SpecifierSet(release.requires_python)
            SpecifierSet(release.numpy)
        except (InvalidVersion, InvalidSpecifier) as error:
            yield f"scipy[{index}]", str(error)
