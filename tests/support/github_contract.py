"""GitHub's own description of its API, fetched by npm once for all runs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from npm import NotFetchedError, packed_file
from openapi_core import Config, OpenAPI

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["load_contract"]

PACKAGE = "@octokit/openapi@23.0.2"
DESCRIPTION = "package/generated/api.github.com.json"


def load_contract(cache: Path) -> OpenAPI | None:
    """Return the description, kept in `cache`; None where it cannot be fetched."""
    kept = cache / "github" / PACKAGE.replace("/", "-") / "api.github.com.json"
    try:
        packed_file(PACKAGE, DESCRIPTION, kept)
    except NotFetchedError:
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
