"""Files of rows under the names of their columns, with tabs between: what the repository keeps."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

__all__ = ["read_rows", "write_rows"]


def read_rows(path: Path, columns: Sequence[str], known_as: str) -> list[dict[str, str]]:
    """Return the rows; none when there is no file.

    ValueError for other columns than these, which are `known_as` that.
    """
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as stream:
        reader = csv.DictReader(stream, dialect="excel-tab")
        if reader.fieldnames != list(columns):
            raise ValueError(f"{path}: columns are not {known_as}")
        return list(reader)


def write_rows(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> None:
    """Write the rows, one per line, under the names of their columns."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, columns, dialect="excel-tab", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
