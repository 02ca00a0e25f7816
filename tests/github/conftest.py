"""Fixtures: a GitHub on this machine, and GitHub's own description of its API."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from github_contract import load_contract
from made_github import MadeGitHub, serve

from release_gate.github import client as client_module
from release_gate.github import settling
from release_gate.github.client import Access, Client

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from openapi_core import OpenAPI

TOKEN = "t0ken"  # noqa: S105  (of a GitHub that is none)


@pytest.fixture(scope="session")
def contract(index_cache: Path) -> OpenAPI | None:
    """Return GitHub's description of its API, fetched by npm once for all runs; None without."""
    return load_contract(index_cache)


@pytest.fixture
def github(contract: OpenAPI | None) -> Iterator[MadeGitHub]:
    """Serve a GitHub; what was asked of it and answered must be as GitHub describes it."""
    with serve(contract) as made:
        yield made
    assert made.violations == []


@pytest.fixture
def pauses() -> list[float]:
    """Return the seconds that `client` would have waited."""
    return []


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take out the pauses between requests."""
    monkeypatch.setattr(client_module, "PAUSE", 0.0)
    monkeypatch.setattr(client_module, "WRITE_PAUSE", 0.0)
    monkeypatch.setattr(settling, "SETTLE", 0.0)


@pytest.fixture
def client(github: MadeGitHub, pauses: list[float]) -> Client:
    return Client(Access(url=github.url, token=TOKEN), sleep=pauses.append)
