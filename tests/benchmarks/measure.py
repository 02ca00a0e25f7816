"""Measure the figures of docs/performance.md on this machine and write that file.

Everything is done by the commands that a user types, in a cache of its own, so that the first wheel
is really built. Comparisons are ratios of one run. Takes about half an hour on two cores.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import platformdirs
from installing import TEST_TOOLS, install_for
from page_speed import page_rows

ROOT = Path(__file__).resolve().parents[2]

#: Sets the thread count as the gate's own children do; the environment variable is capped.
PLUGIN = """
import os, numpy, numpy.linalg
from checks.blas import find_library
library = find_library(numpy)
library.set_num_threads(int(os.environ["BENCH_THREADS"]))
assert library.get_num_threads() == int(os.environ["BENCH_THREADS"])
assert library.corename().casefold() == os.environ["OPENBLAS_CORETYPE"].casefold()
"""


def timed(command: list[str], **options: Any) -> tuple[float, subprocess.CompletedProcess[str]]:
    """Run a command; return its seconds of wall time and what it said."""
    begin = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    seconds = time.monotonic() - begin
    print(f"{seconds:8.1f} s  exit {done.returncode}  {' '.join(command)[:110]}", flush=True)
    return seconds, done


class Bench:
    """One measurement in a temporary folder."""

    def __init__(self, work: Path) -> None:
        self.work = work
        self.cache = work / "cache"
        self.cache.mkdir()
        kept = Path(platformdirs.user_cache_path("release-gate", appauthor=False))
        for shared in ("downloads", "index"):
            (kept / shared).mkdir(parents=True, exist_ok=True)
            (self.cache / shared).symlink_to(kept / shared)
        self.out = work / "report"

    def gate(
        self, *arguments: str, **options: Any
    ) -> tuple[float, subprocess.CompletedProcess[str]]:
        command = [sys.executable, "-m", "release_gate.cli", *arguments]
        return timed([*command, "--cache", str(self.cache)], **options)

    def run(self, **options: Any) -> tuple[float, dict[str, Any]]:
        seconds, done = self.gate("run", "--out", str(self.out), **options)
        if done.returncode not in {0, 1, 3}:
            raise SystemExit(done.stderr)
        report: dict[str, Any] = json.loads((self.out / "report.json").read_bytes())
        return seconds, report

    def answers(self) -> tuple[int, int]:
        """Return how many answers of the last run were found in the cache, and how many not."""
        seen = [
            observation["reused"]
            for path in (self.out / "cells").glob("*.json")
            for cell in [json.loads(path.read_bytes())]
            if cell["cell"]["kernel"] is not None
            for observation in cell["observations"]
        ]
        return sum(seen), len(seen) - sum(seen)

    def seconds(self) -> dict[int, list[float]]:
        """Return what the cells of the last run took, by their threads."""
        seconds: dict[int, list[float]] = defaultdict(list)
        for path in (self.out / "cells").glob("*.json"):
            result = json.loads(path.read_bytes())
            seconds[result["cell"]["threads"]].append(result["seconds"])
        return seconds

    def wheels(self) -> list[dict[str, Any]]:
        _, done = self.gate("build", "--json")
        if done.returncode:
            raise SystemExit(done.stderr)
        wheels: list[dict[str, Any]] = json.loads(done.stdout)
        return wheels

    def changed_check(self) -> tuple[float, tuple[int, int]]:
        """Run a copy of the project in which one check has one more statement."""
        copy = self.work / "copy"
        for name in ("release_gate", "checks", "matrices"):
            shutil.copytree(ROOT / name, copy / name)
        module = copy / "checks" / "exact.py"
        source = module.read_text("utf-8")
        head, body = source.split("def dot(ctx):\n", 1)
        module.write_text(f"{head}def dot(ctx):\n    ctx.ran(0)\n{body}", "utf-8")
        seconds, _ = self.run(env=os.environ | {"PYTHONPATH": str(copy)}, cwd=copy)
        return seconds, self.answers()

    def numpy_tests(self, wheels: list[dict[str, Any]]) -> float:
        """Run numpy.linalg's tests in the cells of the last run, one by one; return the seconds."""
        from release_gate.execution.environment import child_environment, keeping_bytecode

        kept = keeping_bytecode(self.work / "bytecode")  # as the gate does for its own children
        interpreter = wheels[0]["interpreter"]["executable"]
        tools = self.work / "tools"
        install_for(interpreter, tools, *TEST_TOOLS)
        (tools / "set_threads.py").write_text(PLUGIN)
        sites = {wheel["pin"]["version"]: wheel["site"] for wheel in wheels}
        total = 0.0
        for path in sorted((self.out / "cells").glob("*.json")):
            cell = json.loads(path.read_bytes())["cell"]
            if cell["kernel"] is None:
                continue
            environment = child_environment(cell["kernel"], cell["threads"]) | kept
            environment |= {
                "PYTHONPATH": os.pathsep.join(
                    [sites[cell["pin"]["version"]], str(tools), str(ROOT)]
                ),
                "BENCH_THREADS": str(cell["threads"]),
            }
            pytest = [interpreter, "-m", "pytest", "-q", "-p", "set_threads"]
            seconds, done = timed(
                [*pytest, "-p", "no:cacheprovider", "--pyargs", "numpy.linalg"],
                env=environment,
                cwd=self.work,
            )
            print(done.stdout.strip().splitlines()[-1:], flush=True)
            total += seconds
        return total


def starting() -> float:
    """Return the best of ten times of ``release-gate --help``."""
    command = [sys.executable, "-m", "release_gate.cli", "--help"]
    return min(timed(command)[0] for _ in range(10))


def width_of(threads: int) -> int:
    """Return how many cells of so many threads the gate runs at a time here."""
    from release_gate.matrix.batches import width
    from release_gate.matrix.host import probe_host

    return width(threads, cores=probe_host().cores, most=None)


def machine() -> str:
    from release_gate.matrix.host import probe_host

    host = probe_host()
    date = dt.datetime.now(dt.UTC).date()
    return f"{host.cpu}, {host.cores} cores, {platform.platform()}, {date}"


def measure(bench: Bench) -> list[tuple[str, str, str]]:
    """Return rows of (what, figure, target)."""
    cold, report = bench.run()
    wheels = bench.wheels()
    spent = {stage["name"]: stage["seconds"] for stage in report["timings"]}
    builds = {wheel["pin"]: wheel["seconds"] for wheel in report["wheels"]}
    cells = bench.seconds()
    first, further = max(builds.values()), min(builds.values())
    again, _ = bench.run()
    _, missed = bench.answers()
    changed, (_, asked) = bench.changed_check()
    numpy = bench.numpy_tests(wheels)
    # Cells beside each other: waiting for the last of them counts as outside. What reproduces
    # findings waits for children, as the cells do.
    waiting = sum(sum(of) / width_of(threads) for threads, of in cells.items())
    outside = cold - waiting - sum(builds.values()) - spent["reproduce"]
    numeric = sum(cell["kernel"] is not None for cell in report["cells"])
    return [
        ("whole default run, nothing cached", f"{cold:.0f} s", ""),
        ("first wheel, compiled", f"{first:.0f} s", ""),
        ("further pin: link, repair, unpack", f"{further:.1f} s", ""),
        ("ratio of the two", f"{further / first:.3f}", "≤ 0.05"),
        (f"check phase, {numeric} cells and 2 inspections", f"{spent['check']:.0f} s", ""),
        ("the times of its cells added up", f"{sum(map(sum, cells.values())):.0f} s", ""),
        (
            f"NumPy's `numpy.linalg` tests in the same {numeric} cells, one by one",
            f"{numpy:.0f} s",
            "",
        ),
        ("ratio of check phase and NumPy's tests", f"{spent['check'] / numpy:.2f}", "≤ 0.5"),
        ("second run, nothing changed", f"{again:.1f} s ({missed} checks ran)", "< 5 s"),
        (
            "one check changed (`exact.dot`)",
            f"{changed:.1f} s ({asked} checks ran: it, once in each cell)",
            "only it",
        ),
        ("wall time outside of compilers and children", f"{outside / cold:.1%}", "≤ 5 %"),
        ("`release-gate --help`", f"{starting():.2f} s", "< 0.3 s"),
        *page_rows(),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write docs/performance.md")
    options = parser.parse_args()
    for name in [name for name in os.environ if name.startswith("OPENBLAS_")]:
        del os.environ[name]
    with tempfile.TemporaryDirectory(prefix="release-gate-bench-") as folder:
        rows = measure(Bench(Path(folder)))
    lines = [
        "# Performance",
        "",
        "Measured by `nox -s bench -- --write`. Timing comparisons are ratios of one run.",
        "",
        f"Machine: {machine()}.",
        "",
        "| what | figure | target |",
        "|--|--|--|",
        *(f"| {what} | {figure} | {target} |" for what, figure, target in rows),
        "",
    ]
    text = "\n".join(lines)
    print(text)
    if options.write:
        (ROOT / "docs" / "performance.md").write_text(text, "utf-8")


if __name__ == "__main__":
    main()
