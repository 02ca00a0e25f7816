"""Runs where NumPy is about to be built: installs the pinned OpenBLAS, writes its pkg-config file.

cibuildwheel gets a copy of this file, which must not need anything but the standard library of the
Python that NumPy is built for. Beside it lie the wheel of the library and requirements.txt with its
digest, so that neither an index nor a newer release can put other bytes in its place. What it
writes there too is scipy-openblas.pc, which the build looks for (PKG_CONFIG_PATH), and lib/, where
delvewheel looks for the library (Windows has no rpath).
"""

from __future__ import annotations

import importlib
import shutil
import subprocess
import sys
from pathlib import Path

__all__ = ["main"]


def main(folder: Path) -> None:
    """Install what lies in `folder`; end with an exception when anything is not as it should be."""
    requirements = folder / "requirements.txt"
    exactly = ["--require-hashes", "--only-binary", ":all:", "--no-deps", "-r", str(requirements)]
    # Installed anew in any case: of what is there already pip would not check the digest.
    _pip("--force-reinstall", "--no-index", "--find-links", str(folder), *exactly)
    tools = folder / "tools.txt"
    if tools.is_file():
        _pip("--only-binary", ":all:", "-r", str(tools))
    package = requirements.read_text(encoding="utf-8").partition("==")[0].replace("-", "_")
    library = importlib.import_module(package)
    text = library.get_pkg_config()
    (folder / "scipy-openblas.pc").write_text(text + "\n", encoding="utf-8")
    shutil.rmtree(folder / "lib", ignore_errors=True)
    shutil.copytree(library.get_lib_dir(), folder / "lib")


def _pip(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "pip", "install", *arguments], check=True)


if __name__ == "__main__":
    main(Path(__file__).resolve().parent)
