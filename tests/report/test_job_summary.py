from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import pytest
from big_report import big_report
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markdown_rules import REPORT, assert_quiet, hostile, poisoned

from release_gate.cli import main
from release_gate.errors import ExitCode, InfrastructureError
from release_gate.report.document import write_report
from release_gate.report.job_summary import (
    LEAST,
    LIMIT,
    VARIABLE,
    render_job_summary,
    write_job_summary,
)
from release_gate.report.markdown import MARKER, render_markdown

if TYPE_CHECKING:
    from pathlib import Path


def test_it_is_the_comment_when_that_has_room_for_all() -> None:
    assert render_job_summary(REPORT) == render_markdown(REPORT)


def test_it_tells_more_than_a_comment_can() -> None:
    large = big_report()
    comment, summary = render_markdown(large), render_job_summary(large)
    assert len(comment) < len(summary)
    assert len(summary.encode()) < LIMIT
    assert summary.count("\n#### ") > comment.count("\n#### ")


@given(hostile, st.integers(LEAST, 200_000))
@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=30)
def test_room_is_counted_in_bytes(text: str, room: int) -> None:
    shown = poisoned(text + "ж𝔘" * 4_000)
    many = attrs.evolve(shown, findings=shown.findings * 20)
    summary = render_job_summary(many, room)
    assert len(summary.encode("utf-8", "replace")) < room
    assert summary.startswith(MARKER)
    assert "## ✗ NO-GO" in summary
    assert_quiet(summary.partition("\n")[2])


def test_it_is_appended_to_what_the_step_has_written(tmp_path: Path) -> None:
    path = tmp_path / "summary.md"
    path.write_text("# before", "utf-8")
    assert write_job_summary(REPORT, {VARIABLE: str(path)}) == path
    assert path.read_text("utf-8") == f"# before\n{render_markdown(REPORT)}"


def test_it_leaves_room_for_what_the_step_has_written(tmp_path: Path) -> None:
    path = tmp_path / "summary.md"
    path.write_bytes(b"x" * (LIMIT - 40_000))
    write_job_summary(big_report(), {VARIABLE: str(path)})
    assert LIMIT - 40_000 < path.stat().st_size < LIMIT


def test_a_summary_that_is_full_is_said_to_be_so(tmp_path: Path) -> None:
    path = tmp_path / "summary.md"
    path.write_bytes(b"x" * (LIMIT - 1_000))
    with pytest.raises(InfrastructureError, match="bytes of the step's summary are taken"):
        write_job_summary(REPORT, {VARIABLE: str(path)})
    with pytest.raises(InfrastructureError, match="cannot write the job's summary"):
        write_job_summary(REPORT, {VARIABLE: str(tmp_path)})


def test_nothing_is_written_where_no_file_is_named() -> None:
    assert write_job_summary(REPORT, {}) is None
    assert write_job_summary(REPORT, {VARIABLE: ""}) is None


def test_the_command_writes_it_or_prints_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_report(tmp_path / "report.json", REPORT)
    path = tmp_path / "summary.md"
    monkeypatch.setenv(VARIABLE, str(path))
    assert main(["report", str(tmp_path), "--summary"]) == ExitCode.GO
    assert capsys.readouterr().out == ""
    assert path.read_text("utf-8") == f"\n{render_markdown(REPORT)}"
    monkeypatch.delenv(VARIABLE)
    assert main(["report", str(tmp_path), "--summary"]) == ExitCode.GO
    assert capsys.readouterr().out == render_markdown(REPORT)
