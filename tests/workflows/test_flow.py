"""gate.yml by the commands of its own steps: plan, wheels, four shards, fan-in, publish.

Each job has a folder of its own and passes files only. The NumPy is a released wheel, so that
building it means to swap its OpenBLAS; there is no container engine, so that this is done natively.
Everything else is as on GitHub, but smaller: two kernels, two thread counts, three checks. nox runs
its sessions in the environment of this test (`NOX_DEFAULT_VENV_BACKEND`), where release-gate is
installed already.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import sysconfig
from typing import TYPE_CHECKING, Any

import pytest
import toml
from github_contract import load_contract
from local_workflow import JobRun, LocalRun
from made_github import MadeGitHub, serve
from made_publications import ACTIONS, SHA
from workflow_files import PROJECT, WORKFLOWS, read_workflow

from release_gate.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from openapi_core import OpenAPI

    from release_gate.model import Artifact, Host

GATE = next(path for path in WORKFLOWS if path.name == "gate.yml")
REPOSITORY, ISSUE, TOKEN = "numpy/numpy-release", 12, "t0ken"
BASELINE, CANDIDATE = "0.3.33.112.0", "0.3.34.481.3"
KERNELS = {"x86_64": ("Nehalem", "Haswell"), "aarch64": ("ARMV8", "CORTEXA57")}

#: Seconds that the plan takes a check for: enough for four shards of ten minutes.
LONG = 160.0

pytestmark = [
    pytest.mark.network,
    pytest.mark.timeout(900),
    pytest.mark.skipif(
        platform.system() != "Linux" or platform.machine() not in KERNELS,
        reason="the wheels' libraries are looked into on Linux only",
    ),
]


@pytest.fixture(scope="module")
def branch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the code of a release branch whose matrices/ ask for little."""
    folder = tmp_path_factory.mktemp("branch")
    for name in ("release_gate", "checks", "matrices"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(PROJECT / name, folder / name, ignore=ignored)
    path = folder / "matrices" / "gate.toml"
    data = toml.loads(path.read_text("utf-8"))
    data["defaults"] |= {
        "kernels": list(KERNELS[platform.machine()]),
        "threads": [1, 2],
        "checks": ["exact.dot", "special.empty", "wheel.symbols"],
    }
    data["timing"]["checks"] = {"*": LONG}
    path.write_text(toml.dumps(data), "utf-8")
    return folder


@pytest.fixture(scope="module")
def machine(
    tmp_path_factory: pytest.TempPathFactory, branch: Path, index_cache: Path
) -> dict[str, str]:
    """Return the environment of steps: a cache without results, and downloads of earlier runs."""
    cache = tmp_path_factory.mktemp("cache")
    (cache / "release-gate").mkdir()
    for shared in ("downloads", "index"):
        (index_cache / shared).mkdir(exist_ok=True)
        (cache / "release-gate" / shared).symlink_to(index_cache / shared)
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in {"HOME", "LANG", "SSL_CERT_FILE"} or name.startswith(("PIP_", "UV_"))
    }
    return kept | {
        "PATH": os.pathsep.join([sysconfig.get_path("scripts"), os.environ["PATH"]]),
        "PYTHONPATH": str(branch),
        "XDG_CACHE_HOME": str(cache),
        "NOX_DEFAULT_VENV_BACKEND": "none",
        "CIBW_CONTAINER_ENGINE": "none",
    }


@pytest.fixture(scope="module")
def run(
    tmp_path_factory: pytest.TempPathFactory,
    machine: dict[str, str],
    numpy_wheel: Artifact,
    this_host: Host,
) -> LocalRun:
    """Return a run of which everything but the fan-in is done."""
    made = LocalRun(
        workflow=read_workflow(GATE),
        folder=tmp_path_factory.mktemp("run"),
        github={
            "event_name": "workflow_dispatch",
            "repository": REPOSITORY,
            "run_id": "4711",
            "sha": SHA,
            "token": TOKEN,
        },
        inputs={
            "numpy": numpy_wheel.path,
            "baseline": BASELINE,
            "candidate": CANDIDATE,
            "profile": "smoke",
            "platforms": f"{this_host.system}-{this_host.machine}",
            "issue": f"{REPOSITORY}#{ISSUE}",
        },
        environment=machine,
    )
    _succeeded(made.run("plan"))
    for entry in made.matrix("wheels"):
        _succeeded(made.run("wheels", entry))
    for entry in made.matrix("cells"):
        _succeeded(made.run("cells", entry))
    return made


def _succeeded(done: JobRun) -> None:
    assert done.result == "success", done.log


def _fan_in(run: LocalRun, folder: Path, github: MadeGitHub) -> LocalRun:
    """Return a run of its own that goes on with the artifacts of `run` as they are copied here."""
    again = LocalRun(
        workflow=run.workflow,
        folder=folder,
        github=run.github,
        inputs=run.inputs,
        environment=run.environment | {"GITHUB_API_URL": github.url},
        jobs=dict(run.jobs),
    )
    shutil.copytree(run.artifacts, again.artifacts)
    return again


@pytest.fixture(scope="module")
def contract(index_cache: Path) -> OpenAPI | None:
    return load_contract(index_cache)


@pytest.fixture
def github(contract: OpenAPI | None) -> Iterator[MadeGitHub]:
    """Serve a GitHub with the issue that the comment is for."""
    with serve(contract) as made:
        made.add(REPOSITORY, ISSUE, "Release")
        made.accounts[f"token {TOKEN}"] = ACTIONS
        yield made
    assert made.violations == []


def _report(run: LocalRun) -> dict[str, Any]:
    data = json.loads((run.artifacts / "report" / "report.json").read_bytes())
    assert isinstance(data, dict)
    return data


def _shards(run: LocalRun) -> list[str]:
    return [entry["shard"] for entry in run.matrix("cells")]


def test_all_shards_make_one_verdict_that_is_published(
    run: LocalRun, tmp_path: Path, github: MadeGitHub
) -> None:
    assert len(_shards(run)) == 4
    assert len(run.matrix("wheels")) == 2
    whole = _fan_in(run, tmp_path / "whole", github)
    done = whole.run("report")
    _succeeded(done)
    assert done.outputs["verdict"] == "GO"
    assert done.outputs["report-url"].endswith("/report")
    assert "GO" in done.summary
    report = _report(whole)
    assert report["verdict"] == "GO"
    assert len(report["cells"]) == 10
    assert {cell["kernel"] for cell in report["cells"]} == {None, *KERNELS[platform.machine()]}

    published = whole.run("publish")
    _succeeded(published)
    assert any(f"/issues/{ISSUE}/comments" in change for change in github.changes)
    assert any("/check-runs" in change for change in github.changes)
    assert len(github.changes) == 2
    assert TOKEN not in "".join(published.log.values())


def test_a_lost_machine_is_missing_and_a_changed_shard_refused(
    run: LocalRun, tmp_path: Path, github: MadeGitHub
) -> None:
    entries = run.matrix("cells")
    lost, changed = entries[-1]["shard"], entries[0]["shard"]
    partial = _fan_in(run, tmp_path / "partial", github)
    shutil.rmtree(partial.artifacts / f"shard-{lost}")
    cold = tmp_path / "cold"
    partial.environment |= {"XDG_CACHE_HOME": str(cold)}
    died = partial.run("cells", entries[-1], dies=lambda _: cold.is_dir())
    assert died.result == "cancelled"
    assert not (partial.artifacts / f"shard-{lost}").exists()
    cell = next(
        path
        for path in sorted((partial.artifacts / f"shard-{changed}").glob("*.json"))
        if path.name != "manifest.json"
    )
    cell.write_text(cell.read_text("utf-8").replace('"passed"', '"failed"'), "utf-8")

    done = partial.run("report")
    assert done.result == "failure"
    assert done.exits["Judge"] == ExitCode.INCONCLUSIVE  # not the failure that somebody wrote
    assert done.outputs["verdict"] == "INCONCLUSIVE"
    assert "INCONCLUSIVE" in done.summary
    assert f"shard-{changed}: refused" in done.log["Judge"]
    assert f"shard {lost}: no results came" in done.log["Judge"]
    report = _report(partial)
    assert lost in json.dumps(report)
    missing = {cell["id"] for cell in report["cells"] if not cell["present"]}
    kept = _results(partial, [e["shard"] for e in entries if e["shard"] not in {lost, changed}])
    assert missing == _results(run, [lost, changed])
    assert {path.stem for path in (partial.artifacts / "report" / "cells").iterdir()} == kept

    _succeeded(partial.run("publish"))  # a verdict that is no GO is published too
    assert github.changes


def _results(run: LocalRun, shards: list[str]) -> set[str]:
    """Return the ids of the cells that shards have sent."""
    return {
        path.stem
        for shard in shards
        for path in (run.artifacts / f"shard-{shard}").glob("*.json")
        if path.name != "manifest.json"
    }


def test_nothing_arrived_is_told_too(run: LocalRun, tmp_path: Path, github: MadeGitHub) -> None:
    empty = _fan_in(run, tmp_path / "empty", github)
    for shard in _shards(run):
        shutil.rmtree(empty.artifacts / f"shard-{shard}")
    done = empty.run("report")
    assert done.exits["Judge"] == ExitCode.INCONCLUSIVE
    assert done.outputs["verdict"] == "INCONCLUSIVE"
