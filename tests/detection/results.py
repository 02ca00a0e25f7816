"""Results as JSON lines, written as soon as they are known: a killed session goes on there."""

from __future__ import annotations

import hashlib
import json
import os
from threading import Lock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

__all__ = ["Results", "digest_of"]


def digest_of(*parts: object) -> str:
    """Return a short digest of what a result depends on (JSON data)."""
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class Results:
    """The lines of one file, each under its `key`; the last one of a key counts.

    A line that was cut short by the end of its writer is passed over.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = Lock()
        self._lines: dict[str, dict[str, Any]] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            return
        text = path.read_text(encoding="utf-8")
        for line in text.splitlines():
            try:
                data = json.loads(line)
                self._lines[data["key"]] = data
            except (ValueError, KeyError, TypeError):
                continue
        if text and not text.endswith("\n"):
            with path.open("a", encoding="utf-8") as stream:
                stream.write("\n")

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self._lines.values())

    def __contains__(self, key: str) -> bool:
        return key in self._lines

    def get(self, key: str) -> dict[str, Any] | None:
        """Return the line of `key`, if there is one."""
        return self._lines.get(key)

    def of(self, keys: Iterable[str]) -> list[dict[str, Any]]:
        """Return the lines of those of `keys` that there are, in the order of `keys`."""
        return [self._lines[key] for key in keys if key in self._lines]

    def put(self, key: str, **data: Any) -> dict[str, Any]:
        """Write a line, whole or not at all, and return it."""
        line = {"key": key, **data}
        with self._lock, self.path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(line, sort_keys=True) + "\n")
            stream.flush()
            os.fsync(stream.fileno())
            self._lines[key] = line
        return line
