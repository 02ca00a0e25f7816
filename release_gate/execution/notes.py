"""The input that a check is about to try, noted by the child where its death cannot take it along.

The child writes into a mapped file (`checks.__main__.Notes`): what was written there survives the
process. A crash then names its input, and its reproducer makes the same one.
"""

from __future__ import annotations

import ast
import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self

from release_gate.model import Case

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["Notes"]

#: Bytes of the file. Parameters are a few hundred; what does not fit is not noted.
SIZE = 2**14


class Notes:
    """A file that one child maps and writes to. `path` is what the child is told."""

    def __init__(self) -> None:
        handle, name = tempfile.mkstemp(prefix="release-gate-", suffix=".note")
        self.path = Path(name)
        self._stream = os.fdopen(handle, "r+b", buffering=0)
        self._stream.truncate(SIZE)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stream.close()
        with suppress(OSError):  # Windows: a process that could not be killed still has it open
            self.path.unlink(missing_ok=True)

    def mapped(self) -> None:
        """Hear that the child has the file: no name of it stays behind then, even by kill -9."""
        if os.name == "posix":
            self.path.unlink(missing_ok=True)

    def last(self, check: str | None) -> Case | None:
        """Return the input that `check` noted last, or None; what cannot be read is no note."""
        self._stream.seek(0)
        text, end, _ = self._stream.read().partition(b"\0")
        if not text or not end:
            return None
        try:
            noted, routine, parameters = ast.literal_eval(text.decode())
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            return None
        if noted != check or not isinstance(routine, str) or not isinstance(parameters, dict):
            return None
        return Case(
            routine=routine, message="it did not come back from this input", parameters=parameters
        )
