"""advise, explain and waive: what can be looked up without a build or a run."""

from __future__ import annotations

import json
import tomllib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import attrs
import pytest
from gate_report import report as made_up_report

from release_gate.cli import main
from release_gate.report.document import write_report

if TYPE_CHECKING:
    from pathlib import Path

PIN = "scipy-openblas64==0.3.34.106.0"


@pytest.fixture
def gate_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_report(tmp_path / "gate-report" / "report.json", made_up_report())
    return tmp_path / "gate-report"


def told(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    assert main(arguments) == code
    out, err = capsys.readouterr()
    return err if code else out


def test_advise_without_a_run_says_what_could_be_seen_here(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = told(capsys, "advise", "0.3.34.106.0")
    assert text.startswith(f"{PIN}: ")
    assert "no run of it was given" in text
    assert "OpenBLAS#6013" in text
    assert "Needs another machine (" in text
    assert "OpenBLAS#5520" not in text  # fixed before
    rows = json.loads(told(capsys, "advise", "0.3.34.106.0", "--json"))
    assert {row["id"] for row in rows} >= {"OpenBLAS#6013", "found/ssum-avx512"}
    states = {"not exercised", "needs another machine", "cannot be exercised"}
    assert {row["state"] for row in rows} == states


def test_advise_takes_the_states_of_the_run_of_that_library(
    capsys: pytest.CaptureFixture[str], gate_report: Path
) -> None:
    text = told(capsys, "advise", PIN)
    assert "states are of the run of 2026-11-22" in text
    assert "Reproduced (" in text
    assert "finding exact.gemm-" in text
    assert "no run of it was given" in told(capsys, "advise", "0.3.33.112.0")
    error = told(capsys, "advise", "0.3.33.112.0", "--report", str(gate_report), code=2)
    assert "this report is not about scipy-openblas64==0.3.33.112.0" in error
    assert f"its candidates are {PIN}" in error


@pytest.mark.parametrize(
    ("pin", "message"),
    [
        ("newest", "'newest' is not an OpenBLAS version"),
        ("scipy-openblas46==0.3.34", "did you mean 'scipy-openblas64'?"),
    ],
)
def test_advise_refuses_what_is_no_library(
    capsys: pytest.CaptureFixture[str], pin: str, message: str
) -> None:
    assert message in told(capsys, "advise", pin, code=2)


def test_explain_tells_of_issues_and_of_checks_with_their_history(
    capsys: pytest.CaptureFixture[str],
) -> None:
    issue = told(capsys, "explain", "openblas#5836")
    for part in (
        "OpenBLAS#5836: ",
        "https://github.com/OpenMathLib/OpenBLAS/issues/5836",
        "concurrency.mixed-matmul",
        "release-gate check numpy==2.4.6 --openblas PIN",
        "with a PIN in >=0.3.4,<0.3.33.112.0",
        "release-gate waive FINDING",
    ):
        assert part in issue
    check = told(capsys, "explain", "forking.lu")
    assert "oracle:" in check
    assert "OpenBLAS#5520: " in check.partition("history")[2]
    unseen = told(capsys, "explain", "found/getrs-info")
    assert "by none: special.lapack-info leaves it out" in unseen
    assert "no check shows it" in unseen
    listed = told(capsys, "explain")
    assert "exact.gemm " in listed
    assert "OpenBLAS#6013 " in listed
    (data,) = json.loads(told(capsys, "explain", "OpenBLAS#6013", "--json"))
    assert data["category"] == "kernel"
    assert "did you mean 'OpenBLAS#6013'?" in told(capsys, "explain", "OpenBLA#6013", code=2)


@pytest.mark.usefixtures("gate_report")
def test_waive_prints_an_entry_that_waives_once_it_is_filled_in(
    capsys: pytest.CaptureFixture[str],
) -> None:
    blocking = [each for each in made_up_report().findings if each.blocking]
    chosen = next(each for each in blocking if each.check == "exact.gemm")
    text = told(capsys, "waive", chosen.id, "--who", "me", "--reason", "why", "--days", "10")
    (entry,) = tomllib.loads(text)["waiver"]
    assert entry == {
        "check": "exact.gemm",
        "kernels": ["Haswell"],
        "architectures": ["x86_64"],
        "pins": "==0.3.34.106.0",
        "issue": "https://github.com/OpenMathLib/OpenBLAS/issues/6013",
        "reason": "why",
        "who": "me",
        "expires": datetime.now(UTC).date() + timedelta(days=10),
    }


def test_waive_refuses_what_cannot_be_waived(
    capsys: pytest.CaptureFixture[str], gate_report: Path
) -> None:
    assert "no finding is called 'exact'" in told(capsys, "waive", "exact", code=2)
    assert "1 to 120" in told(capsys, "waive", "exact", "--days", "365", code=2)
    report = made_up_report()
    broken = attrs.evolve(report.findings[0], id="import-1", check="import")
    write_report(gate_report / "report.json", attrs.evolve(report, findings=(broken,)))
    assert "which is no check" in told(capsys, "waive", "import-1", code=2)
    (gate_report / "report.json").unlink()
    assert "report.json" in told(capsys, "waive", "exact.gemm-1", code=2)
