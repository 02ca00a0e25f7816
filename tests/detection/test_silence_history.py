"""What is kept of silent runs, and that it is added to and never lost."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from release_gate.pipeline import all_checks
from tests.detection.later import LATER
from tests.detection.silence import LIBRARIES, NOW, Silence
from tests.detection.silence_history import (
    SilentRuns,
    merged,
    read_history,
    summed_up,
    write_history,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from release_gate.model import CheckSpec

KEPT = Path(__file__).parents[2] / "docs" / "detection-silence.tsv"
RUNS = SilentRuns(
    date="2026-11-23",
    machine="a CPU",
    checks="a",
    library="x==1",
    busy=0,
    runs=2,
    cells=4,
    answers=9,
    true=1,
    false=2,
    unanswered=3,
)


def line(**changes: Any) -> dict[str, Any]:
    facts = {"date": "2026-11-23", "checks": "a", "library": "x==1", "busy": 0}
    return {**facts, "cells": 2, "answers": 5, "findings": [], "unanswered": [], **changes}


def explained(finding: Mapping[str, Any], library: str) -> str:
    return "an issue" if finding["check"] == "known" and library == "x==1" else ""


def test_runs_of_one_day_and_load_are_added() -> None:
    lines = [
        line(findings=[{"check": "known"}, {"check": "other"}], unanswered=[1]),
        line(findings=[{"check": "other"}], answers=4, unanswered=[1, 2]),
        line(busy=4),
    ]
    quiet, busy = summed_up(lines, explained, "a CPU")
    assert quiet == RUNS
    assert (busy.busy, busy.runs, busy.true, busy.false) == (4, 1, 0, 0)


def test_what_is_measured_again_replaces_what_was_and_the_rest_stays() -> None:
    more, other = attrs.evolve(RUNS, runs=3), attrs.evolve(RUNS, date="2026-11-22")
    assert merged([RUNS, other], [more]) == [other, more]


def test_rows_are_read_as_they_were_written(tmp_path: Path) -> None:
    rows = [RUNS, attrs.evolve(RUNS, checks="b")]
    write_history(tmp_path / "kept.tsv", rows)
    assert read_history(tmp_path / "kept.tsv") == rows
    assert read_history(tmp_path / "none.tsv") == []


def test_other_columns_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "kept.tsv"
    path.write_text("date\tchecks\n", "utf-8")
    with pytest.raises(ValueError, match=r"kept\.tsv: columns are not those of SilentRuns"):
        read_history(path)


def test_the_project_s_own_rows_are_of_its_good_libraries() -> None:
    rows = read_history(KEPT)
    assert rows
    assert {row.library for row in rows} <= set(LIBRARIES)
    assert merged(rows, []) == rows


def test_runs_from_before_checks_were_added_say_what_they_said_of_the_others(
    tmp_path: Path,
) -> None:
    specs = {spec.id: spec for spec in all_checks()}
    states = Silence(specs, tmp_path).states
    assert NOW in states.values()
    assert set(LATER) <= set(specs)

    def told(of: Mapping[str, CheckSpec]) -> str | None:
        (state,) = [state for state, what in Silence(of, tmp_path).states.items() if what == NOW]
        return states.get(state)

    assert told(specs) == NOW
    for count in range(len(LATER)):
        fewer = {check: spec for check, spec in specs.items() if check not in LATER[count:]}
        assert told(fewer) == f"{NOW} but for {', '.join(LATER[count:])}"
    *fewer_alone, alone = sorted((x for x in states.values() if x.endswith(" alone")), key=len)
    assert LATER[-1] in alone
    assert not any(LATER[-1] in each for each in fewer_alone)
    assert "concurrency.nested-threads" not in alone  # which smoke does not ask
    changed = attrs.evolve(specs["exact.gemm"], digest="another")
    assert told({**specs, changed.id: changed}) is None
