"""What a user writes for a NumPy (a version, a folder, a wheel), and its files in a folder."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from release_gate.errors import ConfigurationError, InfrastructureError, Problem
from release_gate.model import NumPySource
from release_gate.openblas.index import file_sha256
from release_gate.openblas.pins import nearest_versions
from release_gate.wheels.site import wheel_metadata

if TYPE_CHECKING or sys.version_info >= (3, 12):
    import tarfile
else:
    from backports import tarfile  # Python 3.11.0 to 3.11.3 unpacks without a filter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from release_gate.openblas.index import Index

__all__ = ["resolve_numpy", "unpack_source"]

#: Of a checkout's files these must be there; without them its submodules were not fetched.
_SUBMODULE = "vendored-meson/meson/meson.py"


def resolve_numpy(text: str, *, sdists: Mapping[str, tuple[str, str]], index: Index) -> NumPySource:
    """Return the NumPy that `text` means: a version, a local checkout, or a .whl file.

    `sdists` maps a pinned version to the file name and the sha256 of its sdist; another version is
    looked up on the index. Raises ConfigurationError when there is no such NumPy.
    """
    path = Path(text).expanduser()
    if text.endswith(".whl"):
        _, version = wheel_metadata(path)
        return NumPySource(
            kind="wheel", version=version, location=str(path.resolve()), sha256=file_sha256(path)
        )
    if "/" in text or path.is_dir():
        return _checkout(path.resolve())
    version = text.removeprefix("numpy==").strip()
    if version in sdists:
        filename, sha256 = sdists[version]
        return NumPySource(kind="sdist", version=version, location=filename, sha256=sha256)
    files = [file for file in index.files("numpy") if file.filename.endswith(".tar.gz")]
    for file in files:
        if file.version == version:
            return NumPySource(
                kind="sdist", version=version, location=file.filename, sha256=file.sha256
            )
    near = nearest_versions(version, {file.version for file in files} | set(sdists))
    raise ConfigurationError(
        Problem(
            what=f"no source of numpy {version!r} in matrices/ or on the index",
            where=f"--numpy {text}",
            hint=f"nearest are {', '.join(near)}; a folder is written with a slash",
        )
    )


def unpack_source(source: NumPySource, folder: Path, index: Index) -> int:
    """Put the files of `source` into the new `folder`; return the time of the newest, in seconds.

    The time is what the wheel's own files are dated with, so that equal input gives equal wheels.
    """
    if source.kind == "checkout":
        return _copy_checkout(Path(source.location), folder, source.sha256)
    archive = index.fetch_pinned("numpy", source.location, source.sha256)
    parent = folder.parent / f"{folder.name}.unpacked"
    shutil.rmtree(parent, ignore_errors=True)
    try:
        with tarfile.open(archive) as tar:
            newest = max(int(member.mtime) for member in tar)
            tar.extractall(parent, filter="data")
        (top,) = parent.iterdir()
        top.rename(folder)
    except (tarfile.TarError, EOFError, ValueError) as error:
        raise ConfigurationError(
            Problem(what=f"not an sdist: {error}", where=str(archive))
        ) from error
    finally:
        shutil.rmtree(parent, ignore_errors=True)
    return newest


def _checkout(path: Path) -> NumPySource:
    project = path / "pyproject.toml"
    try:
        data = tomllib.loads(project.read_text(encoding="utf-8"))
        name, version = data["project"]["name"], data["project"]["version"]
    except (OSError, tomllib.TOMLDecodeError, KeyError) as error:
        raise ConfigurationError(
            Problem(
                what="not a NumPy checkout: no name and version in its pyproject.toml",
                where=str(project),
                hint="give the top folder of a checkout of NumPy 2 or later, or a version",
            )
        ) from error
    if name != "numpy":
        raise ConfigurationError(Problem(what=f"a checkout of {name!r}", where=str(path)))
    if not (path / _SUBMODULE).is_file():
        raise ConfigurationError(
            Problem(
                what="its submodules are missing",
                where=str(path / _SUBMODULE),
                hint="run `git submodule update --init` in the checkout",
            )
        )
    return NumPySource(
        kind="checkout", version=version, location=str(path), sha256=_content_digest(path)
    )


def _tracked(path: Path) -> list[str]:
    """Return the names of the files that git tracks, submodules included; of all without git."""
    try:
        listing = subprocess.run(
            ["git", "ls-files", "-z", "--recurse-submodules"],
            cwd=path,
            capture_output=True,
            timeout=120,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return sorted(str(f.relative_to(path)) for f in path.rglob("*") if f.is_file())
    names = listing.stdout.decode(errors="surrogateescape").split("\0")
    return sorted(name for name in names if name and (path / name).is_file())


def _content_digest(path: Path) -> str:
    digest = hashlib.sha256()
    for name in _tracked(path):
        file = path / name
        executable = os.access(file, os.X_OK)
        digest.update(f"{name}\0{executable:d}\0{file_sha256(file)}\n".encode())
    return digest.hexdigest()


def _copy_checkout(path: Path, folder: Path, sha256: str) -> int:
    if _content_digest(path) != sha256:
        raise InfrastructureError(
            Problem(
                what="the checkout changed since the plan was made",
                where=str(path),
                hint="start again when nobody writes to it",
            )
        )
    newest = 0
    for name in _tracked(path):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path / name, target)
        newest = max(newest, int(target.stat().st_mtime))
    return newest
