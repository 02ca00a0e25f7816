"""docs/detection-backtest.tsv: what came out for each artefact of the back-test.

Results stay on the machine that made them; what they came to is kept in the repository, and counts
there as long as the checks of the case are as they were.
"""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from tests.detection.backtest import Asked, Verdict

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
    if not path.exists():
        return {}
    kept = {}
    with path.open(encoding="utf-8", newline="") as stream:
        reader = csv.DictReader(stream, dialect="excel-tab")
        if reader.fieldnames != COLUMNS:
            raise ValueError(f"{path}: columns are not {', '.join(COLUMNS)}")
        for row in reader:
            kernels = tuple(row["kernels"].split())
            asked = Asked(row["case"], row["artefact"], kernels, row["profile"], row["checks"])
            hits = dict(zip(kernels, map(int, row["hits"].split()), strict=True))
            kept[asked] = Verdict(
                artefact=asked.artefact,
                bad=row["bad"] == "yes",
                profile=asked.profile,
                checks=asked.checks,
                runs=int(row["runs"]),
                hits=hits,
                told=row["told"],
                machine=row["machine"],
            )
    return kept


def write_verdicts(path: Path, cases: Iterable[tuple[BackTestCase, Iterable[Verdict]]]) -> None:
    """Write what is not missing, in the order of the cases."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS, dialect="excel-tab", lineterminator="\n")
        writer.writeheader()
        for case, verdicts in cases:
            writer.writerows(_row(case, each) for each in verdicts if not each.missing)


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
