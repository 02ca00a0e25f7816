"""From the files of a wheel to the wheel that ships: licences, RECORD, and the library inside."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import os
import re
import sys
import zipfile
from typing import TYPE_CHECKING

from release_gate.errors import InfrastructureError, Problem
from release_gate.wheels.tools import run_tool

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["append_licences", "bundled_licences", "extend_licence", "pack_wheel", "repair_wheel"]

_REPAIR_TIMEOUT = 600.0

#: Where the text on bundled software starts in the licence file of an OpenBLAS wheel.
_BUNDLED = "This binary distribution of NumPy also bundles the following software:"

#: What NumPy's sources call such a text, per system.
_LICENCE_FILES = {
    "linux": "LICENSE_linux.txt",
    "darwin": "LICENSE_osx.txt",
    "windows": "LICENSE_win32.txt",
}

#: Its file patterns name the places inside that wheel; in NumPy's they are all in numpy.libs.
_FILES = re.compile(r"^Files: (?:\S*/)?(lib\S+)[ \t]*$", re.MULTILINE)


def append_licences(folder: Path, source: Path, library_licence: Path | None) -> None:
    """Add the licences of the bundled libraries to those of the unpacked wheel in `folder`."""
    provided = None if library_licence is None else library_licence.read_text(encoding="utf-8")
    text = bundled_licences(source, provided)
    if text is None:
        return
    places = ("*.dist-info/licenses/LICENSE.txt", "*.dist-info/LICENSE.txt")
    target = next((path for place in places for path in folder.glob(place)), None)
    if target is None:
        raise InfrastructureError(
            Problem(what="the wheel has no LICENSE.txt to add to", where=str(folder))
        )
    extend_licence(target, text)


def bundled_licences(
    source: Path, provided: str | None, *, system: str = "linux", folder: str = "numpy.libs"
) -> str | None:
    """Return the licences of what NumPy's wheels bundle, or None when there is no such text.

    NumPy's release scripts append such a text before they build. It is taken from `source` (older
    sdists carry it), else from `provided`, the OpenBLAS wheel's own text, which covers what is
    linked into it. `folder` is where the repaired wheel has its libraries.
    """
    own = source / "tools" / "wheels" / _LICENCE_FILES[system]
    if own.is_file():
        return own.read_text(encoding="utf-8")
    if provided is None:
        return None
    _, found, rest = provided.partition(_BUNDLED)
    return _FILES.sub(rf"Files: {folder}/\1", found + rest) if found else provided


def extend_licence(target: Path, text: str) -> None:
    """Append `text` to a licence file, as NumPy's release scripts do."""
    before = target.read_text(encoding="utf-8")
    target.unlink()  # may be a hard link
    target.write_text(f"{before}\n----\n\n{text}", encoding="utf-8")


def pack_wheel(folder: Path, name: str, target: Path) -> Path:
    """Write the files of `folder` as the wheel `target`/`name`, with a new RECORD, uncompressed."""
    (info,) = folder.glob("*.dist-info")
    record = info / "RECORD"
    rows = []
    for path in _files(folder):
        if path != record:
            content = path.read_bytes()
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=")
            rows.append([_relative(path, folder), f"sha256={digest.decode()}", str(len(content))])
    rows.append([_relative(record, folder), "", ""])
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    record.unlink(missing_ok=True)
    record.write_text(text.getvalue(), encoding="utf-8")
    wheel = target / name
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_STORED) as archive:
        for path in _files(folder):
            archive.write(path, _relative(path, folder))
    return wheel


def repair_wheel(wheel: Path, target: Path, epoch: int) -> Path:
    """Graft the libraries that `wheel` needs into it, as NumPy's release does, by auditwheel.

    `epoch` dates the files of the result, in seconds. Raises InfrastructureError with auditwheel's
    own words when it fails.
    """
    target.mkdir(parents=True, exist_ok=True)
    run_tool(
        [sys.executable, "-m", "auditwheel", "repair", "--wheel-dir", str(target), str(wheel)],
        timeout=_REPAIR_TIMEOUT,
        SOURCE_DATE_EPOCH=str(epoch),
    )
    wheels = sorted(target.glob("*.whl"))
    if len(wheels) != 1:
        raise InfrastructureError(
            Problem(what=f"auditwheel made {len(wheels)} wheels of one", where=str(wheel))
        )
    return wheels[0]


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


def _relative(path: Path, folder: Path) -> str:
    return os.path.relpath(path, folder).replace(os.sep, "/")
