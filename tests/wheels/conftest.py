"""Fixtures of the tests of wheels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from made_wheels import MadeIndex, serve

from release_gate.openblas import index as index_module

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def made_index(monkeypatch: pytest.MonkeyPatch) -> Iterator[MadeIndex]:
    """Serve a package index; requests are repeated without waiting."""
    monkeypatch.setattr(index_module, "PAUSE", 0.0)
    with serve() as index:
        yield index
