"""What a child writes to stderr: kept in a file that nobody has to read for the child to go on."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["Log"]

#: A child that writes more has its file emptied: a disk must not fill with one check's warnings.
MOST_BYTES = 2**25
#: Bytes that are read back at most.
END_BYTES = 2**16


class Log:
    """A temporary file, open for the child to append (`writer`) and for the gate to read."""

    def __init__(self) -> None:
        handle, name = tempfile.mkstemp(prefix="release-gate-", suffix=".stderr")
        os.close(handle)
        self._path = Path(name)
        self.writer = self._path.open("ab", buffering=0)
        self._reader = self._path.open("rb", buffering=0)
        self._begin = 0
        if os.name == "posix":  # so that nothing stays behind, also after kill -9
            self._path.unlink()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.writer.close()
        self._reader.close()
        with suppress(OSError):  # Windows: a process that could not be killed still has it open
            self._path.unlink(missing_ok=True)

    def mark(self, position: int) -> None:
        """Make `text` begin at `position` (of the child, which alone knows what came before)."""
        self._begin = position

    def text(self) -> str:
        """Return the end of what was written since `mark`."""
        size = self._size()
        begin = max(self._begin, size - END_BYTES)
        self._reader.seek(begin)
        return self._reader.read(max(0, size - begin)).decode(errors="replace")

    def bound(self) -> None:
        """Empty the file if it has become too large."""
        if self._size() > MOST_BYTES:
            os.truncate(self.writer.fileno(), 0)
            self._begin = 0

    def _size(self) -> int:
        return os.fstat(self.writer.fileno()).st_size
