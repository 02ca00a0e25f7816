"""A run as a command asks for it: every value exact or a known word, fit to be handed on.

What the workflow is given comes from here, never from the text of the comment.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from attrs import field, frozen
from attrs.validators import deep_iterable, matches_re

from release_gate.errors import ConfigurationError, Problem
from release_gate.github.refs import resolve_ref
from release_gate.matrix.settings import make_settings
from release_gate.matrix.tables import ALL, NEWEST, NONE, SHIPPED
from release_gate.model import Provider
from release_gate.openblas.pins import nearest_versions
from release_gate.versions import OpenBLASVersion
from release_gate.wheels.source import resolve_numpy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from release_gate.github.client import Client
    from release_gate.github.event import CommentEvent
    from release_gate.matrix.tables import Matrices
    from release_gate.model import CheckSpec
    from release_gate.openblas.index import Index

__all__ = ["REQUEST_SCHEMA", "NumPyAsked", "RunRequest", "Tables", "make_request"]

REQUEST_SCHEMA: Final = "release-gate/request/1"

_RELEASE: Final = re.compile(r"\d+\.\d+\.\d+(?:(?:a|b|rc)\d+)?", re.ASCII)
_PROVIDER: Final = Provider.SCIPY_OPENBLAS64

_VERSION = matches_re(r"[0-9A-Za-z.]{1,150}")
_WORD = matches_re(r"[a-z0-9_-]{1,60}")


@frozen(kw_only=True)
class NumPyAsked:
    """A release (`version`), or a commit of numpy/numpy (`sha`) and what it was found as."""

    version: str = field(default="", validator=matches_re(r"|[0-9A-Za-z.]{1,150}"))
    sha: str = field(default="", validator=matches_re(r"|[0-9a-f]{40}"))
    found_as: str = field(default="", validator=matches_re(r"[A-Za-z0-9 ._+/,-]{0,200}"))


@frozen(kw_only=True)
class RunRequest:
    """A run that the author of a comment asks for, who may write to the repository.

    `issue` is OWNER/REPO#N; `author` a login; `baseline` a version or "none"; `candidate` a
    version; both of scipy-openblas64.
    """

    issue: str = field(validator=matches_re(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+#[0-9]{1,10}"))
    comment: int
    author: str = field(validator=matches_re(r"[A-Za-z0-9_-]{1,100}"))
    numpy: NumPyAsked
    baseline: str = field(validator=_VERSION)
    candidate: str = field(validator=_VERSION)
    profile: str = field(validator=_WORD)
    platforms: tuple[str, ...] = field(validator=deep_iterable(_WORD))

    @property
    def outputs(self) -> dict[str, str]:
        """Return the values for the inputs of gate.yml."""
        return {
            "numpy": self.numpy.version,
            "numpy_sha": self.numpy.sha,
            "baseline": self.baseline,
            "candidate": self.candidate,
            "profile": self.profile,
            "platforms": ",".join(self.platforms),
            "issue": self.issue,
        }


@frozen(kw_only=True)
class Tables:
    """What values are held against."""

    matrices: Matrices
    specs: tuple[CheckSpec, ...]
    index: Index


def make_request(
    event: CommentEvent, author: str, values: Mapping[str, str], tables: Tables, client: Client
) -> RunRequest:
    """Return what `values`, sound as texts, ask for; what is not given is the default.

    Raises ConfigurationError with all that there is none of, NoAnswerError when GitHub cannot tell
    what a name of NumPy means, InfrastructureError when the index cannot tell its versions.
    """
    asking = _Asking(values, tables, client)
    numpy = asking.numpy()
    baseline = asking.openblas("baseline", (SHIPPED, NONE))
    candidate = asking.openblas("candidate", (NEWEST,))
    profile, platforms = asking.selection()
    if asking.problems:
        raise ConfigurationError(asking.problems)
    return RunRequest(
        issue=event.place,
        comment=event.comment,
        author=author,
        numpy=numpy,
        baseline=baseline,
        candidate=candidate,
        profile=profile,
        platforms=platforms,
    )


class _Asking:
    """Settles one value after another and keeps what was wrong with them."""

    def __init__(self, values: Mapping[str, str], tables: Tables, client: Client) -> None:
        self.problems: list[Problem] = []
        self._values = values
        self._matrices = tables.matrices
        self._tables = tables
        self._client = client

    def numpy(self) -> NumPyAsked:
        text = self._values.get("numpy", NEWEST)
        newest = self._matrices.newest_numpy().version
        try:
            if _RELEASE.fullmatch(text):
                known = {row.version: (row.sdist, row.sha256) for row in self._matrices.numpy}
                source = resolve_numpy(text, sdists=known, index=self._tables.index)
                return NumPyAsked(version=source.version, found_as=f"release {source.version}")
            if text != NEWEST:
                commit = resolve_ref(self._client, text)
                return NumPyAsked(sha=commit.sha, found_as=commit.found_as)
        except ConfigurationError as error:
            self._keep("numpy", error)
        return NumPyAsked(version=newest, found_as=f"release {newest}")

    def openblas(self, key: str, words: tuple[str, ...]) -> str:
        """Return the version that `key` names; the first of `words` is what it is by default."""
        text = self._values.get(key, words[0])
        if text not in words:
            try:
                return self._version(text)
            except ConfigurationError as error:
                self._keep(key, error, f"or {' or '.join(words)}")
        if text == NONE:
            return NONE
        shipped = self._matrices.newest_numpy().ships if words[0] == SHIPPED else ""
        return shipped.partition("==")[2] or self._matrices.newest_pin().version

    def _version(self, text: str) -> str:
        """Return the version of the package that `text` names, as the package writes it."""
        wanted = OpenBLASVersion.parse(text)
        pinned = [row.version for row in self._matrices.pins if row.provider is _PROVIDER]
        if (found := _same(wanted, pinned)) is not None:
            return found
        listed = {file.version for file in self._tables.index.files(_PROVIDER) if not file.yanked}
        if (found := _same(wanted, listed)) is not None:
            return found
        near = nearest_versions(str(wanted), {*pinned, *listed})
        what = f"the index has no {_PROVIDER} {text}"
        raise ConfigurationError(Problem(what=what, hint=f"nearest are {', '.join(near)}"))

    def selection(self) -> tuple[str, tuple[str, ...]]:
        """Return profile and platforms."""
        given = {
            "profile": self._values.get("profile"),
            "platforms": tuple(self._values.get("platforms", ALL).split(",")),
        }
        try:
            settings = make_settings(self._matrices, self._tables.specs, **given)
        except ConfigurationError as error:
            self._keep("", error)
            return "", ()
        return settings.profile, settings.platforms

    def _keep(self, key: str, error: ConfigurationError, more: str = "") -> None:
        """Keep what is wrong, told in the terms of a comment instead of those of options."""
        for each in error.problems:
            hint = ", ".join(filter(None, (each.hint, more)))
            where = key or each.where.removeprefix("--")
            self.problems.append(Problem(what=each.what, where=where, hint=hint))


def _same(wanted: OpenBLASVersion, versions: list[str] | set[str]) -> str | None:
    for version in versions:
        try:
            if OpenBLASVersion.parse(version) == wanted:
                return version
        except ConfigurationError:
            continue  # an index may hold what is none of ours
    return None
