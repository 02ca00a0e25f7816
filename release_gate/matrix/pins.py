"""Write the entry of matrices/openblas.toml for a version that the index has.

``release-gate pins 0.3.34.481.3 >> matrices/openblas.toml`` adds a pin: the digests come from the
index, and are looked at by whoever reviews the change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import toml

from release_gate.errors import ConfigurationError, Problem, did_you_mean
from release_gate.versions import OpenBLASVersion

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from release_gate.model import Provider

__all__ = ["ListedFile", "pin_entry", "pin_toml"]


class ListedFile(Protocol):
    """What is read of a file on the index (a `pypi_simple.DistributionPackage` has it)."""

    @property
    def filename(self) -> str: ...
    @property
    def version(self) -> str | None: ...
    @property
    def digests(self) -> Mapping[str, str]: ...
    @property
    def upload_time(self) -> datetime | None: ...


def pin_entry(files: Iterable[ListedFile], version: str, provider: Provider) -> str:
    """Return the TOML of one ``[[pins]]`` row with all wheels of `version` among `files`.

    Raises ConfigurationError when there are none, or when the index tells no digest or date.
    """
    listed = list(files)
    wheels = [file for file in listed if file.version == version and _is_wheel(file)]
    where = f"{provider}=={version}"
    if not wheels:
        known = sorted({file.version or "" for file in listed if _is_wheel(file)})
        hint = did_you_mean(version, known) or f"the newest is {known[-1] if known else 'none'}"
        raise ConfigurationError(
            Problem(what="no such version on the index", where=where, hint=hint)
        )
    problems = [
        Problem(what="the index tells no SHA-256", where=file.filename)
        for file in wheels
        if "sha256" not in file.digests
    ]
    dates = [file.upload_time for file in wheels if file.upload_time is not None]
    if not dates:
        problems.append(Problem(what="the index tells no date of upload", where=where))
    if problems:
        raise ConfigurationError(problems)
    digests = {file.filename: file.digests["sha256"] for file in wheels}
    return pin_toml(provider, version, f"{min(dates):%Y-%m-%d}", digests)


def pin_toml(provider: Provider, version: str, released: str, files: Mapping[str, str]) -> str:
    """Return the TOML of one ``[[pins]]`` row."""
    OpenBLASVersion.parse(version)
    row = {
        "provider": str(provider.value),
        "version": version,
        "released": released,
        "files": dict(sorted(files.items())),
    }
    return toml.dumps({"pins": [row]})


def _is_wheel(file: ListedFile) -> bool:
    return file.filename.endswith(".whl")
