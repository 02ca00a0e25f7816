"""The package index: lists of files and the files themselves, each kept in the cache.

A listing is asked for once per run and remembered on disk, so that a later run without a network
still works on what an earlier one has seen. A file is kept under its SHA-256 and is only ever
published there once its bytes have that digest.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit, urlunsplit

from attrs import asdict, frozen

from release_gate.errors import ConfigurationError, InfrastructureError, Problem
from release_gate.wire import write_json

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pypi_simple import DistributionPackage, PyPISimple

T = TypeVar("T")

__all__ = ["Index", "IndexFile", "file_sha256"]

#: Seconds to connect, and between two pieces of an answer.
TIMEOUT = (10.0, 30.0)

#: Attempts at one request, and the pause before the second one in seconds (doubled each time).
ATTEMPTS = 3
PAUSE = 0.5

_PIECE = 2**20


@frozen(kw_only=True)
class IndexFile:
    """One file of a project, as the index lists it."""

    filename: str
    version: str
    url: str
    sha256: str
    yanked: bool = False


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file in lower-case hex digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


class Index:
    """A package index seen through the cache.

    `url` is the address of a "simple" index; None takes UV_DEFAULT_INDEX, then PIP_INDEX_URL, then
    the default of `pypi_simple`. `say` is told what a reader should know (a stale listing is used).
    """

    def __init__(
        self, cache: Path, url: str | None = None, *, say: Callable[[str], None] | None = None
    ) -> None:
        self._cache = cache
        self._url = (
            url or os.environ.get("UV_DEFAULT_INDEX") or os.environ.get("PIP_INDEX_URL") or None
        )
        self._say = say or (lambda _text: None)
        self._client: PyPISimple | None = None
        self._seen: dict[str, tuple[IndexFile, ...]] = {}

    @property
    def url(self) -> str | None:
        """The address that was asked for, or None for the default one."""
        return self._url

    def files(self, project: str) -> tuple[IndexFile, ...]:
        """Return all files of `project`, in the order of the index.

        When the index does not answer, what it said the last time is returned, and told.
        Raises ConfigurationError when there is no such project, InfrastructureError when the index
        does not answer and nothing is cached.
        """
        if project not in self._seen:
            self._seen[project] = self._ask(project)
        return self._seen[project]

    def fetch(self, file: IndexFile, *, pinned: str | None = None) -> Path:
        """Return the path of `file` in the cache, downloaded first if it is not there.

        `pinned` is the digest that matrices/ demand. Raises ConfigurationError when the index
        offers other bytes than that, InfrastructureError when the bytes are not what the index
        says they are, or do not come.
        """
        if pinned is not None and pinned != file.sha256:
            raise ConfigurationError(
                Problem(
                    what=f"digest mismatch: pinned sha256 {pinned}, on the index {file.sha256}",
                    where=file.filename,
                    hint="correct the pin in matrices/, or do not trust this index",
                )
            )
        if (path := self.cached(file.filename, file.sha256)) is not None:
            return path
        return self._download(file)

    def fetch_pinned(self, project: str, filename: str, sha256: str) -> Path:
        """Return the path of a pinned file; the index is asked only when it is not cached."""
        if (path := self.cached(filename, sha256)) is not None:
            return path
        for file in self.files(project):
            if file.filename == filename:
                return self.fetch(file, pinned=sha256)
        raise ConfigurationError(
            Problem(
                what=f"the index has no such file of {project}",
                where=filename,
                hint="was it deleted, or is another index meant (--index-url)?",
            )
        )

    def cached(self, filename: str, sha256: str) -> Path | None:
        """Return the path of a file with that digest if the cache holds it whole."""
        path = self._place(filename, sha256)
        if not path.is_file():
            return None
        if file_sha256(path) == sha256:
            return path
        path.unlink(missing_ok=True)  # damaged since it was published
        return None

    def _place(self, filename: str, sha256: str) -> Path:
        return self._cache / "downloads" / sha256 / os.path.basename(filename)  # noqa: PTH119  (a name from the index must not lead elsewhere)

    def _listing(self, project: str) -> Path:
        where = hashlib.sha256((self._url or "default").encode()).hexdigest()[:16]
        return self._cache / "index" / where / f"{project}.json"

    def _connect(self) -> PyPISimple:
        if self._client is None:
            from pypi_simple import PyPISimple  # noqa: PLC0415  (0.2 s; not for `--help`)

            self._client = PyPISimple(self._url) if self._url else PyPISimple()
        return self._client

    def packages(self, project: str) -> tuple[DistributionPackage, ...]:
        """Return all that the index says of the files of `project`; nothing is cached.

        Raises ConfigurationError when there is no such project, InfrastructureError when the index
        does not answer.
        """
        import requests  # noqa: PLC0415  (as above)
        from pypi_simple import NoSuchProjectError  # noqa: PLC0415

        def request() -> tuple[DistributionPackage, ...]:
            return tuple(self._connect().get_project_page(project, timeout=TIMEOUT).packages)

        try:
            return self._patiently(request)
        except NoSuchProjectError as error:
            raise ConfigurationError(
                Problem(what="the index has no such project", where=project)
            ) from error
        except (requests.RequestException, ValueError) as error:
            raise self._no_answer(project, error) from error

    def _ask(self, project: str) -> tuple[IndexFile, ...]:
        try:
            found = [_index_file(package) for package in self.packages(project)]
        except InfrastructureError as error:
            return self._remembered(project, error)
        files = tuple(file for file in found if file is not None)
        write_json(self._listing(project), [asdict(file) for file in files])
        return files

    def _remembered(self, project: str, error: InfrastructureError) -> tuple[IndexFile, ...]:
        listing = self._listing(project)
        try:
            files = tuple(IndexFile(**entry) for entry in json.loads(listing.read_bytes()))
        except (OSError, ValueError, TypeError):
            raise error from None
        age = max(0.0, time.time() - listing.stat().st_mtime) / 86400
        self._say(f"{error.problems[0].what}; using its list of {project} from {age:.1f} days ago")
        return files

    def _download(self, file: IndexFile) -> Path:
        import requests  # noqa: PLC0415

        path = self._place(file.filename, file.sha256)
        partial = path.with_name(f".{path.name}.{os.getpid()}.part")

        def request() -> str:
            digest = hashlib.sha256()
            with (
                self._connect().s.get(file.url, stream=True, timeout=TIMEOUT) as answer,
                partial.open("wb") as stream,
            ):
                answer.raise_for_status()
                for piece in answer.iter_content(_PIECE):
                    digest.update(piece)
                    stream.write(piece)
                stream.flush()
                os.fsync(stream.fileno())
            return digest.hexdigest()

        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            received = self._patiently(request)
            if received == file.sha256:
                partial.replace(path)
        except requests.RequestException as error:
            raise self._no_answer(file.filename, error) from error
        except OSError as error:
            raise InfrastructureError(
                Problem(
                    what=f"cannot keep the download: {error.strerror or error}",
                    where=str(path),
                    hint="free some space or choose another folder with --cache",
                )
            ) from error
        finally:
            partial.unlink(missing_ok=True)
        if received != file.sha256:
            raise InfrastructureError(
                Problem(
                    what=f"digest mismatch: expected sha256 {file.sha256}, received {received}",
                    where=file.filename,
                    hint="the transfer was damaged or changed on its way; nothing was kept",
                )
            )
        return path

    def _patiently(self, request: Callable[[], T]) -> T:
        """Return what `request` returns, tried again after a while when the fault may pass."""
        import requests  # noqa: PLC0415

        for attempt in range(ATTEMPTS - 1):
            try:
                return request()
            except requests.RequestException as error:
                status = None if error.response is None else error.response.status_code
                if status is not None and status < 500 and status != 429:
                    raise
                time.sleep(PAUSE * 2**attempt)
        return request()

    def _no_answer(self, what: str, error: Exception) -> InfrastructureError:
        return InfrastructureError(
            Problem(
                what=f"the package index does not give {what}: {_reason(error)}",
                where=_without_secrets(self._url) if self._url else "package index",
                hint="try again when it is reachable, or choose another with --index-url; "
                "what is cached works without it",
            )
        )


def _index_file(package: DistributionPackage) -> IndexFile | None:
    sha256 = package.digests.get("sha256")
    if sha256 is None or package.version is None:
        return None  # nothing that could be verified
    return IndexFile(
        filename=package.filename,
        version=package.version,
        url=package.url,
        sha256=sha256.lower(),
        yanked=bool(package.is_yanked),
    )


def _reason(error: Exception) -> str:
    """Return the kind of fault; requests' own texts repeat the address, with its password."""
    response = getattr(error, "response", None)
    return type(error).__name__ if response is None else f"HTTP status {response.status_code}"


def _without_secrets(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query=""))
