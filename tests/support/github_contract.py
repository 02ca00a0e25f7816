"""GitHub's own description of its API, fetched by npm once for all runs."""

from __future__ import annotations

import json
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from openapi_core import Config, OpenAPI

__all__ = ["load_contract"]

PACKAGE = "@octokit/openapi@23.0.2"
DESCRIPTION = "package/generated/api.github.com.json"


def load_contract(cache: Path) -> OpenAPI | None:
    """Return the description, kept in `cache`; None where it cannot be fetched."""
    kept = cache / "github" / PACKAGE.replace("/", "-") / "api.github.com.json"
    if not kept.is_file():
        try:
            _fetch(kept)
        except (OSError, subprocess.SubprocessError, tarfile.TarError, KeyError):
            return None
    description = json.loads(kept.read_bytes())
    _allow_null(description)
    # The description itself is taken as right: to check it takes minutes.
    config = Config(spec_validator_cls=None)  # type: ignore[arg-type]  # its code takes it
    return OpenAPI.from_dict(description, config)


def _allow_null(schema: Any) -> None:
    """Add null to enumerations that are called nullable: GitHub answers it, as OpenAPI 3.0 may."""
    children = schema.values() if isinstance(schema, dict) else schema
    for child in children if isinstance(schema, dict | list) else ():
        _allow_null(child)
    if isinstance(schema, dict) and schema.get("nullable") is True and "enum" in schema:
        schema["enum"] = [*schema["enum"], None]


def _fetch(kept: Path) -> None:
    """Put the description at `kept`; npm compares the package with the registry's digest."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=kept.parent) as work:
        packed = subprocess.run(
            [shutil.which("npm") or "npm", "pack", PACKAGE, "--silent", "--fetch-retries=1"],
            cwd=work,
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        with tarfile.open(Path(work) / packed.stdout.split()[-1]) as package:
            content = package.extractfile(DESCRIPTION)
            assert content is not None
            whole = Path(work) / kept.name
            whole.write_bytes(content.read())
        whole.replace(kept)  # at once: several processes may be at it
