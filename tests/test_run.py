"""Whole runs on a released NumPy wheel with two real libraries swapped in: nothing is compiled."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from release_gate.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from release_gate.model import Artifact

pytestmark = pytest.mark.network

BASELINE, CANDIDATE = "0.3.33.112.0", "0.3.34.481.3"


class Gate:
    """`release-gate` as a user starts it, with a cache of its own and the downloads of others."""

    def __init__(self, folder: Path, downloads: Path, wheel: Artifact) -> None:
        self.out = folder / "report"
        self.cache = folder / "cache"
        self.cache.mkdir()
        for shared in ("downloads", "index"):
            (self.cache / shared).symlink_to(downloads / shared)
        self.wheel = wheel.path

    def command(self, *options: str, out: Path | None = None) -> list[str]:
        """Return the command of one small run: one kernel of 2008, one thread, cheap checks."""
        return [
            *(sys.executable, "-m", "release_gate.cli", "run", "--cache", str(self.cache)),
            *("--out", str(out or self.out), "--numpy", self.wheel),
            *("--baseline", BASELINE, "--candidate", CANDIDATE),
            *("--kernels", "Nehalem", "--threads", "1"),
            *options,
        ]

    def run(self, *options: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*options), capture_output=True, text=True, check=False, timeout=250
        )

    def report(self) -> dict[str, Any]:
        data = json.loads((self.out / "report.json").read_bytes())
        assert isinstance(data, dict)
        return data

    def answers(self) -> list[Path]:
        return sorted((self.cache / "observations").rglob("*.json"))


@pytest.fixture
def gate(tmp_path: Path, index_cache: Path, numpy_wheel: Artifact) -> Gate:
    for shared in ("downloads", "index"):
        (index_cache / shared).mkdir(exist_ok=True)
    return Gate(tmp_path, index_cache, numpy_wheel)


def reused(report: dict[str, Any]) -> Sequence[bool]:
    return [cell["reused"] for cell in report["cells"] if cell["kernel"] is not None]


def test_a_run_answers_reports_and_is_reused(gate: Gate) -> None:
    checks = ("--checks", "exact.dot,special.empty,wheel.symbols")
    first = gate.run(*checks)
    assert first.returncode == ExitCode.GO, first.stderr
    *_, verdict, _next = first.stdout.strip().splitlines()
    assert "GO" in verdict
    assert "NO-GO" not in verdict
    assert {path.name for path in gate.out.iterdir()} >= {
        *("plan.json", "report.json", "report.html", "report.md", "junit.xml", "cells")
    }
    report = gate.report()
    assert report["verdict"] == "GO"
    assert len(report["cells"]) == 4
    assert all(cell["kernel_observed"] in {None, "Nehalem"} for cell in report["cells"])
    assert reused(report) == [False, False]

    second = gate.run(*checks)
    assert second.returncode == ExitCode.GO
    assert reused(gate.report()) == [True, True]

    other = gate.run("--checks", "exact.dot,special.empty,special.fp-flags,wheel.symbols")
    assert other.returncode == ExitCode.GO, other.stderr
    assert len(gate.answers()) == 8
    fresh = gate.run(*checks, "--fresh")
    assert fresh.returncode == ExitCode.GO
    assert reused(gate.report()) == [False, False]

    # Fan-in from the files alone gives the same verdict, and a missing cell is not a pass.
    cells = sorted(str(path) for path in (gate.out / "cells").glob("*.json"))
    judge = [sys.executable, "-m", "release_gate.cli", "judge", "--out", str(gate.out / "again")]
    again = subprocess.run([*judge, *cells], capture_output=True, text=True, check=False)
    assert again.returncode == ExitCode.GO, again.stderr
    lacking = subprocess.run([*judge, *cells[:-1]], capture_output=True, text=True, check=False)
    assert lacking.returncode == ExitCode.INCONCLUSIVE, lacking.stderr
    assert Path(cells[-1]).stem in lacking.stdout


def test_a_run_that_is_killed_goes_on_with_what_it_has(gate: Gate) -> None:
    checks = ("--checks", "exact.dot,exact.gemv,special.empty,wheel.symbols")
    with subprocess.Popen(
        gate.command(*checks), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as victim:
        deadline = time.monotonic() + 200
        while not gate.answers() and time.monotonic() < deadline:
            assert victim.poll() is None, "it ended before it could be killed"
            time.sleep(0.01)
        victim.kill()
    kept = {path: path.stat().st_mtime_ns for path in gate.answers()}
    assert kept
    assert not (gate.out / "report.json").exists()
    again = gate.run(*checks)
    assert again.returncode == ExitCode.GO, again.stderr
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert len(gate.answers()) == 8


def test_ctrl_c_ends_the_children_and_says_how_to_go_on(gate: Gate) -> None:
    with subprocess.Popen(
        gate.command("--checks", "exact.*"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as victim:
        assert victim.stderr is not None
        seen = ""
        while "check (" not in seen:
            line = victim.stderr.readline()
            assert line, seen
            seen += line
        time.sleep(1)
        os.kill(victim.pid, signal.SIGINT)
        out, rest = victim.communicate(timeout=60)
    assert victim.returncode == ExitCode.INTERRUPTED, rest
    assert "goes on where it stopped" in rest
    assert out == ""
    marker = str(gate.cache)
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = process.read_bytes().decode(errors="replace")
        except OSError:
            continue
        assert marker not in command, f"left behind: {command}"


def test_check_swaps_the_library_of_a_wheel(gate: Gate, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    child = subprocess.run(
        [
            *(sys.executable, "-m", "release_gate.cli", "check", gate.wheel),
            *("--openblas", BASELINE, "--kernels", "Nehalem", "--threads", "1"),
            *("--checks", "special.empty", "--cache", str(gate.cache), "--json", str(out)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert child.returncode == ExitCode.GO, child.stderr
    document = json.loads(out.read_bytes())
    (cell,) = document["cells"]
    assert cell["schema"] == "release-gate/cell/1"
    assert f"OpenBLAS {BASELINE} " in cell["openblas"]["config"]
    assert [seen["outcome"] for seen in cell["observations"]] == ["passed"]
