"""The script that runs where NumPy is built, run by an environment's own pip."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from made_wheels import write_wheel

from release_gate.wheels import before_build

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

VERSION = "0.3.99.1.0"
PACKAGE = """
import os
def get_lib_dir(): return os.path.join(os.path.dirname(__file__), "lib")
def get_pkg_config(): return f"libdir={get_lib_dir()}\\nName: openblas\\n"
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("venv")
    # The pip of the Python itself; a new one takes long to install on a busy machine.
    options = ["--without-pip", "--system-site-packages"]
    subprocess.run([sys.executable, "-m", "venv", *options, folder], check=True, timeout=120)
    return folder / "bin" / "python"


@pytest.fixture
def run(python: Path, tmp_path: Path) -> Callable[[str | None], subprocess.CompletedProcess[str]]:
    """Return a function that runs the script; it is given another digest than the right one."""
    shutil.copyfile(before_build.__file__, tmp_path / "before_build.py")
    name = f"scipy_openblas64-{VERSION}-py3-none-any.whl"
    files = {
        "scipy_openblas64/__init__.py": PACKAGE.encode(),
        "scipy_openblas64/lib/libscipy_openblas64_.so": b"made up",
    }
    wheel = write_wheel(tmp_path / name, "scipy_openblas64", VERSION, files)
    right = hashlib.sha256(wheel.read_bytes()).hexdigest()

    def go(digest: str | None) -> subprocess.CompletedProcess[str]:
        line = f"scipy-openblas64=={VERSION} --hash=sha256:{digest or right}\n"
        (tmp_path / "requirements.txt").write_text(line)
        return subprocess.run(
            [python, tmp_path / "before_build.py"],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return go


def test_the_library_is_installed_and_described(
    run: Callable[[str | None], subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "of-another-build").touch()
    done = run(None)
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "scipy-openblas.pc").read_text()
    assert "site-packages/scipy_openblas64/lib" in text
    assert [path.name for path in (tmp_path / "lib").iterdir()] == ["libscipy_openblas64_.so"]


def test_another_file_under_its_name_is_refused(
    run: Callable[[str | None], subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    done = run("0" * 64)
    assert done.returncode != 0
    assert "DO NOT MATCH THE HASHES" in done.stderr
    assert not (tmp_path / "scipy-openblas.pc").exists()
