"""docs/detection-silence.tsv: silent runs of all days, summed up by what was asked.

Results stay on the machine that made them; what they came to is kept in the repository, so that
runs of other days and of earlier checks go on counting.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import attrs
import cattrs
from attrs import frozen

from tests.detection.tables import read_rows, write_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

__all__ = ["SilentRuns", "merged", "read_history", "summed_up", "write_history"]


@frozen(kw_only=True)
class SilentRuns:
    """Runs of one library on one day; `checks`: digest of the suite, `busy`: processes beside.

    machine: its CPU.
    """

    date: str
    machine: str
    checks: str
    library: str
    busy: int
    runs: int
    cells: int
    answers: int
    true: int
    false: int
    unanswered: int

    @property
    def asked(self) -> tuple[str, str, str, str, int]:
        """Return what tells these runs from others."""
        return self.date, self.machine, self.checks, self.library, self.busy


COLUMNS = [each.name for each in attrs.fields(SilentRuns)]


def summed_up(
    lines: Iterable[Mapping[str, Any]],
    explained: Callable[[Mapping[str, Any], str], str],
    machine: str,
) -> list[SilentRuns]:
    """Return the runs of `tests.detection.silence` by day, checks, library and load.

    explained: the known issue of a finding in a library, or nothing; machine: that of the results.
    """
    groups: dict[tuple[str, str, str, int], list[Mapping[str, Any]]] = defaultdict(list)
    for line in lines:
        groups[line["date"], line["checks"], line["library"], line["busy"]].append(line)
    return [
        SilentRuns(
            date=date,
            machine=machine,
            checks=checks,
            library=library,
            busy=busy,
            runs=len(runs),
            cells=sum(run["cells"] for run in runs),
            answers=sum(run["answers"] for run in runs),
            true=sum(bool(explained(each, library)) for run in runs for each in run["findings"]),
            false=sum(not explained(each, library) for run in runs for each in run["findings"]),
            unanswered=sum(len(run["unanswered"]) for run in runs),
        )
        for (date, checks, library, busy), runs in groups.items()
    ]


def merged(before: Iterable[SilentRuns], now: Iterable[SilentRuns]) -> list[SilentRuns]:
    """Return both, `now` in the place of what is said of the same runs before."""
    rows = {row.asked: row for row in (*before, *now)}
    return [rows[key] for key in sorted(rows)]


def read_history(path: Path) -> list[SilentRuns]:
    """Return the rows of the file; none when there is no file. ValueError for other columns."""
    rows = read_rows(path, COLUMNS, f"those of {SilentRuns.__name__}")
    return cattrs.structure(rows, list[SilentRuns])


def write_history(path: Path, rows: Sequence[SilentRuns]) -> None:
    """Write the rows, one per line, under the names of their columns."""
    write_rows(path, COLUMNS, map(attrs.asdict, rows))
