"""docs/detection-backtest.tsv: what came out for each artefact of the back-test.

Results stay on the machine that made them; what they came to is kept in the repository, and counts
there as long as the checks of the case are as they were.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.detection.backtest import Asked, Verdict
from tests.detection.tables import read_rows, write_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from tests.detection.backtest import BackTestCase

__all__ = ["read_verdicts", "write_verdicts"]

COLUMNS = [
    *("case", "artefact", "bad", "kernels", "profile", "checks", "runs", "hits", "told"),
    "machine",
]


def read_verdicts(path: Path) -> dict[Asked, Verdict]:
    """Return what the file tells; nothing when there is none. ValueError for other columns."""
    kept = {}
    for row in read_rows(path, COLUMNS, ", ".join(COLUMNS)):
        kernels = tuple(row["kernels"].split())
        asked = Asked(row["case"], row["artefact"], kernels, row["profile"], row["checks"])
        kept[asked] = Verdict(
            artefact=asked.artefact,
            bad=row["bad"] == "yes",
            profile=asked.profile,
            checks=asked.checks,
            runs=int(row["runs"]),
            hits=dict(zip(kernels, map(int, row["hits"].split()), strict=True)),
            told=row["told"],
            machine=row["machine"],
        )
    return kept


def write_verdicts(path: Path, cases: Iterable[tuple[BackTestCase, Iterable[Verdict]]]) -> None:
    """Write what is not missing, in the order of the cases."""
    rows = (_row(case, each) for case, verdicts in cases for each in verdicts if not each.missing)
    write_rows(path, COLUMNS, rows)


def _row(case: BackTestCase, verdict: Verdict) -> Mapping[str, str | int]:
    return {
        "case": case.id,
        "artefact": verdict.artefact,
        "bad": "yes" if verdict.bad else "no",
        "kernels": " ".join(verdict.hits),
        "profile": verdict.profile,
        "checks": verdict.checks,
        "runs": verdict.runs,
        "hits": " ".join(map(str, verdict.hits.values())),
        "told": verdict.told.partition(":")[0],
        "machine": verdict.machine,
    }
