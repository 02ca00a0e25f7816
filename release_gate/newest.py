"""The sub-command newest: is there an OpenBLAS on the index that is newer than all pins?"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from attrs import frozen

from release_gate import wire
from release_gate.errors import ConfigurationError, Problem
from release_gate.github.client import Access, Client
from release_gate.github.identity import ask_viewer
from release_gate.github.one_issue import OneIssue, Subject
from release_gate.github.settling import settle
from release_gate.github.target import is_repository
from release_gate.matrix.pins import pin_entry
from release_gate.report.markdown import block, escape
from release_gate.versions import OpenBLASVersion

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pypi_simple import DistributionPackage

    from release_gate.matrix.tables import Matrices
    from release_gate.progress import Progress

__all__ = ["NEWEST_SCHEMA", "Newest", "as_data", "find_newest", "open_issue", "outputs_of", "tell"]

NEWEST_SCHEMA: Final = "release-gate/newest/1"


@frozen(kw_only=True)
class Newest:
    """The newest version of a provider, on the index and among the pins.

    `entry`: the row of openblas.toml that would pin it; empty when it is not newer.
    """

    provider: str
    version: str
    pinned: str
    entry: str

    @property
    def is_newer(self) -> bool:
        return bool(self.entry)


def find_newest(files: Iterable[DistributionPackage], matrices: Matrices) -> Newest:
    """Return the newest version among `files`, those of the provider that NumPy uses.

    What was withdrawn from the index does not count, nor what is no wheel. Raises
    ConfigurationError when the index tells no digest of it.
    """
    pin = matrices.newest_pin()
    listed = list(files)
    versions = {
        parsed: str(each.version)
        for each in listed
        if each.filename.endswith(".whl")
        and not each.is_yanked
        and (parsed := _parsed(each.version)) is not None
    }
    pinned = OpenBLASVersion.parse(pin.version)
    newest = max(versions, default=pinned)
    if newest <= pinned:
        return Newest(provider=pin.provider, version=pin.version, pinned=pin.version, entry="")
    version = versions[newest]
    entry = pin_entry(listed, version, pin.provider)
    return Newest(provider=pin.provider, version=version, pinned=pin.version, entry=entry)


def _parsed(text: str | None) -> OpenBLASVersion | None:
    try:
        return OpenBLASVersion.parse(text or "")
    except ConfigurationError:
        return None  # an index may hold what is none of ours


def open_issue(found: Newest, repository: str, progress: Progress) -> str | None:
    """Find or open the issue about a newer version; return OWNER/REPO#N, or None if none is newer.

    Raises ConfigurationError for what is no repository, InfrastructureError when GitHub refuses.
    """
    if not is_repository(repository):
        hint = "such as numpy/numpy-release"
        problem = Problem(what=f"{repository!r} is no repository", where="--issue", hint=hint)
        raise ConfigurationError(problem)
    if not found.is_newer:
        return None
    client = Client(Access.from_environment(), say=progress.say, per_page=100)
    work = OneIssue(client, repository, ask_viewer(client), _subject(found))
    settle(work, client)
    for note in work.notes:
        progress.say(note)
    return f"{repository}#{work.number}"


def _subject(found: Newest) -> Subject:
    name = f"{found.provider} {found.version}"
    text = [
        f"{escape(name)} is on the index; the newest pin is {escape(found.pinned)}.",
        "The gate compares the two, and its report is a comment here.",
        "",
        "To pin it, add this to matrices/openblas.toml:",
        "",
        block(found.entry.strip(), limit=20_000, language="toml"),
        "",
        "Close this issue when it is decided; the same version opens no other.",
    ]
    title = f"{name} is newer than the pins"
    return Subject(
        provider=found.provider, version=found.version, title=title, text="\n".join(text)
    )


def tell(found: Newest, issue: str | None) -> str:
    """Return what was found, for a terminal."""
    if not found.is_newer:
        return f"{found.provider} {found.pinned} is the newest on the index, and pinned"
    lines = [f"{found.provider} {found.version} is newer than the pins: they end at {found.pinned}"]
    lines += [f"issue: {issue}"] if issue else []
    return "\n".join([*lines, "", found.entry.strip()])


def as_data(found: Newest, issue: str | None) -> str:
    """Return what was found as JSON."""
    data = {"schema": NEWEST_SCHEMA, "newer": found.is_newer, **wire.to_data(found)}
    return json.dumps(data | {"issue": issue}, indent=1)


def outputs_of(found: Newest, issue: str | None) -> dict[str, str]:
    """Return the outputs of a step, for the inputs of gate.yml."""
    return {
        "newer": str(found.is_newer).lower(),
        "candidate": found.version,
        "baseline": found.pinned,
        "issue": issue or "",
    }
