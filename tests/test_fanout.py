"""Plan, cells and judge as jobs on several machines run them: processes that share files only."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from release_gate.errors import ExitCode
from release_gate.matrix.load import load_matrices
from release_gate.openblas.index import Index
from release_gate.openblas.library import obtain_library
from release_gate.openblas.pins import resolve_pin
from release_gate.resources import matrices_dir
from release_gate.wheels.swap import swap_library

if TYPE_CHECKING:
    from release_gate.model import Artifact, Host

pytestmark = pytest.mark.network

BASELINE, CANDIDATE = "0.3.33.112.0", "0.3.34.481.3"

#: What the jobs find in the cache: what other tests have fetched, and asked of the two libraries.
SHARED = ("downloads", "index", "openblas", "kernels")


class Jobs:
    """The jobs of one workflow run; each step is a process of its own."""

    def __init__(self, folder: Path, downloads: Path, wheel: Artifact, platform: str) -> None:
        self.folder = folder
        self.plan = folder / "plan" / "plan.json"
        self.platform = platform
        self.wheel = wheel
        # Cells that are believed to take long, so that each pair is a shard of its own.
        self.matrices = Path(shutil.copytree(matrices_dir(), folder / "matrices"))
        gate = self.matrices / "gate.toml"
        gate.write_text(gate.read_text().replace("cell = 0.5 ", "cell = 500.0 "))
        self.cache = folder / "cache"
        self.cache.mkdir()
        for shared in SHARED:
            (downloads / shared).mkdir(exist_ok=True)
            (self.cache / shared).symlink_to(downloads / shared)

    def run(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "release_gate.cli", *map(str, arguments)]
        common = ["--cache", str(self.cache), "--matrices", str(self.matrices)]
        return subprocess.run(
            [*command, *common],
            capture_output=True,
            text=True,
            check=False,
            timeout=250,
            env={name: text for name, text in os.environ.items() if name != "GITHUB_OUTPUT"},
        )

    def plan_jobs(self) -> dict[str, list[dict[str, Any]]]:
        """Return the matrices of the jobs that the plan asks for."""
        done = self.run(
            *("plan", "--platforms", self.platform, "--out", self.plan.parent, "--github"),
            *("--numpy", self.wheel.path, "--baseline", BASELINE, "--candidate", CANDIDATE),
            *("--kernels", "Nehalem,Katmai,Haswell", "--threads", "1"),
            *("--checks", "special.empty,exact.dot,wheel.pin"),
        )
        assert done.returncode == ExitCode.GO, done.stderr
        assert "Will not be covered" in done.stderr
        lines = (line.partition("=") for line in done.stdout.splitlines())
        return {name: json.loads(text) for name, _, text in lines}

    def build(self, host: Host, index_cache: Path) -> Path:
        """Return a wheelhouse with the library of each pin in the released wheel."""
        house = self.folder / "wheelhouse"
        index = Index(index_cache)
        for version in (BASELINE, CANDIDATE):
            pins = load_matrices(matrices_dir()).pin_files
            pin = resolve_pin(version, pins=pins, host=host, index=index)
            library = obtain_library(pin, index, index_cache)
            swapped = swap_library(self.wheel, library, pin, index_cache)
            (house / version).mkdir(parents=True)
            site = Path(swapped.site)
            with zipfile.ZipFile(house / version / self.wheel.name, "w") as archive:
                for path in sorted(site.rglob("*")):
                    archive.write(path, path.relative_to(site))
        return house

    def cells(self, shard: str, house: Path, out: str) -> subprocess.CompletedProcess[str]:
        place = self.folder / out
        return self.run(
            *("cells", "--plan", self.plan, "--shard", shard, "--wheels", house, "--out", place)
        )

    def judge(self, *results: Path) -> tuple[subprocess.CompletedProcess[str], dict[str, Any]]:
        out = self.folder / "report"
        done = self.run("judge", *results, "--plan", self.plan, "--out", out)
        return done, json.loads((out / "report.json").read_bytes())


def test_what_is_spread_over_machines_comes_together_again(
    tmp_path: Path, index_cache: Path, numpy_wheel: Artifact, this_host: Host
) -> None:
    row = load_matrices(matrices_dir()).platform_of(this_host)
    if row is None or row.unreachable or this_host.machine != "x86_64":
        pytest.skip(f"no plan over platforms has cells for {this_host.platform} with these kernels")
    jobs = Jobs(tmp_path, index_cache, numpy_wheel, row.name)
    lists = jobs.plan_jobs()
    assert {entry["platform"] for entry in lists["wheels"]} <= {row.name}
    shards = [entry["shard"] for entry in lists["cells"]]
    assert shards == [f"{row.name}-{number:02}" for number in (1, 2, 3, 4)]
    assert {(entry["runner"], entry["platform"]) for entry in lists["cells"]} == {
        (row.runner, row.name)
    }

    house = jobs.build(this_host, index_cache)
    nothing = jobs.cells(shards[0], tmp_path / "plan", "none")
    assert nothing.returncode == ExitCode.INFRASTRUCTURE
    assert nothing.stderr.count("no wheels of NumPy") == 2
    unknown = jobs.cells("linux-x86_64-99", house, "none")
    assert unknown.returncode == ExitCode.CONFIGURATION
    assert "did you mean" in unknown.stderr
    assert not (tmp_path / "none").exists()

    folders = []
    for number, shard in enumerate(shards):
        done = jobs.cells(shard, house, f"results-{number}")
        assert done.returncode == ExitCode.GO, done.stderr
        folders.append(Path(done.stdout.strip().splitlines()[-1]))
        assert folders[-1].name == f"shard-{shard}"
    results = tmp_path / "results"
    for folder in folders:
        shutil.copytree(folder, results / folder.name)

    done, report = jobs.judge(results)
    assert done.returncode == ExitCode.GO, done.stdout + done.stderr
    assert report["verdict"] == "GO"
    assert len(report["cells"]) == 8
    assert all(cell["present"] for cell in report["cells"])
    assert {cell["kernel_observed"] for cell in report["cells"]} == {
        *(None, "Nehalem", "Katmai", "Haswell")
    }

    shutil.rmtree(results / f"shard-{shards[-1]}")
    done, report = jobs.judge(results)
    assert done.returncode == ExitCode.INCONCLUSIVE, done.stdout
    assert sum(not cell["present"] for cell in report["cells"]) == 2
    assert report["not_covered"][0]["what"] == f"shard {shards[-1]}"
    assert f"shard {shards[-1]}: no results came" in done.stderr

    shutil.copytree(folders[-1], results / f"shard-{shards[-1]}")
    tampered = next((results / f"shard-{shards[0]}").glob("candidate-*.json"))
    tampered.write_text(tampered.read_text().replace('"python": "3', '"python": "4'))
    done, report = jobs.judge(results)
    assert done.returncode == ExitCode.INCONCLUSIVE, done.stdout
    assert sum(not cell["present"] for cell in report["cells"]) == 2
    assert "its size or digest is not what the manifest says" in done.stderr
    assert "refused" in report["not_covered"][0]["why"]
