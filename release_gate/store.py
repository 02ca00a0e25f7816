"""Content-addressed folders: made aside, published by one rename, used only while they are whole.

Every entry carries a manifest with the SHA-256 of each of its files. An entry that was cut short,
changed or lost a file is made again; two processes that want the same one make it once.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING

from release_gate.errors import InfrastructureError, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

__all__ = ["Store", "digest_of", "storage_errors"]

_MANIFEST = "manifest.json"

#: Python may add to these folders when a module of the entry is imported.
_BYTECODE = "__pycache__"


def digest_of(*parts: object) -> str:
    """Return a key for the JSON values `parts`: equal parts, equal key."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


@contextmanager
def storage_errors(where: Path) -> Iterator[None]:
    """Turn an OSError into an InfrastructureError that names `where`, with the next step."""
    try:
        yield
    except OSError as error:
        full = error.errno in {errno.ENOSPC, errno.EDQUOT}
        raise InfrastructureError(
            Problem(
                what="the disk is full" if full else f"cannot write: {error.strerror or error}",
                where=str(where),
                hint="free some space or choose another folder with --cache; "
                "nothing half-written was kept",
            )
        ) from error


class Store:
    """The entries under one folder, by kind and key."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, kind: str, key: str) -> Path:
        """Return where the entry is, or would be."""
        return self.root / kind / key

    def find(self, kind: str, key: str) -> Path | None:
        """Return the folder of an entry if it is there and whole."""
        path = self.path(kind, key)
        return path if _is_whole(path) else None

    def obtain(
        self, kind: str, key: str, make: Callable[[Path], None], *, fresh: bool = False
    ) -> Path:
        """Return the folder of an entry; `make` fills a new one if need be, or if `fresh`.

        Raises InfrastructureError when it cannot be written; what `make` raises goes through.
        In both cases nothing of the attempt stays behind.
        """
        path = self.path(kind, key)
        if not fresh and _is_whole(path):
            return path
        with storage_errors(path), self.lock(kind, key):
            if not fresh and _is_whole(path):
                return path  # another process made it while this one waited
            self._publish(path, make)
        return path

    @contextmanager
    def lock(self, kind: str, key: str) -> Iterator[None]:
        """Keep other processes out of one entry. The system frees the lock of a killed holder."""
        from filelock import FileLock  # noqa: PLC0415  (not for `--help`)

        folder = self.root / kind
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / f".{key}.lock"):
            yield

    def _publish(self, path: Path, make: Callable[[Path], None]) -> None:
        for remains in path.parent.glob(f".{path.name}.new-*"):
            remove(remains)  # of an attempt that was killed; the lock says that nobody is at it
        work = path.parent / tempfile.mkdtemp(prefix=f".{path.name}.new-", dir=path.parent)
        try:
            work.chmod(0o755)
            make(work)
            manifest = {name: _sha256(work / name) for name in _files(work)}
            with (work / _MANIFEST).open("w", encoding="utf-8") as stream:
                json.dump(manifest, stream, indent=0, sort_keys=True)
                stream.flush()
                os.fsync(stream.fileno())
            if path.exists():
                old = path.parent / tempfile.mkdtemp(prefix=f".{path.name}.new-", dir=path.parent)
                path.rename(old / "old")
                work.rename(path)
                remove(old)
            else:
                work.rename(path)
        finally:
            remove(work)


def remove(path: Path) -> None:
    """Remove a folder with all that is in it; it may be gone already."""
    shutil.rmtree(path, ignore_errors=True)


def _is_whole(path: Path) -> bool:
    try:
        manifest = json.loads((path / _MANIFEST).read_bytes())
    except (OSError, ValueError):
        return False
    if not isinstance(manifest, dict):
        return False
    extra = set(_files(path)) - set(manifest)
    if any(f"{_BYTECODE}{os.sep}" not in name for name in extra):
        return False
    try:
        return all(_sha256(path / name) == digest for name, digest in manifest.items())
    except OSError:
        return False


def _files(root: Path) -> list[str]:
    """Return the names of all files under `root` but the manifest, relative and with slashes."""
    found = []
    for folder, _, names in os.walk(root):
        relative = os.path.relpath(folder, root)
        found += [os.path.normpath(os.path.join(relative, name)) for name in names]  # noqa: PTH118  (thousands of names: strings are ten times faster than paths)
    return [name for name in found if name != _MANIFEST]


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
