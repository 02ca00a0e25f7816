"""One build tree: NumPy compiled once, linked to whatever OpenBLAS lies at one stable path.

The path of the library goes into the modules (rpath) and into `numpy/__config__.py`; with the same
path for all pins another library needs no more than linking the modules that name it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from typing import TYPE_CHECKING

from attrs import asdict, frozen

from release_gate.errors import InfrastructureError, Problem
from release_gate.openblas.sharedobject import read_shared_object
from release_gate.store import remove
from release_gate.wheels.logged import STEP, NinjaCounter, run_logged
from release_gate.wheels.site import unpack_wheel
from release_gate.wheels.source import unpack_source
from release_gate.wheels.tools import tool_environment
from release_gate.wire import write_json

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from release_gate.model import NumPySource
    from release_gate.openblas.index import Index
    from release_gate.openblas.library import Library
    from release_gate.progress import Stage
    from release_gate.wheels.toolchain import BuildEnvironment

__all__ = ["BuildTree", "NotLinkedOnly", "setup_arguments"]

_LINKING = re.compile(r"Linking target (\S+)")
_LOG = "build.log"
_STATE = "state.json"


class NotLinkedOnly(Exception):  # noqa: N818  (not a fault: the tree has to be built again)
    """Linking alone does not give what a build from scratch would."""


@frozen(kw_only=True)
class Facts:
    """What the tree was compiled with: the pc file's values as `numpy/__config__.py` has them."""

    version: str
    build_options: str
    epoch: int
    wheel: str


def setup_arguments(library: Library) -> tuple[str, ...]:
    """Return meson's options, those of NumPy's release with the library named."""
    ilp64 = "true" if library.interface == "ilp64" else "false"
    return (
        f"-Duse-ilp64={ilp64}",
        "-Dallow-noblas=false",
        "-Dblas=scipy-openblas",
        "-Dlapack=scipy-openblas",
    )


class BuildTree:
    """The folder of one build. Whoever uses it holds its lock (see `native`)."""

    def __init__(self, folder: Path, environment: BuildEnvironment) -> None:
        self.folder = folder
        self.source = folder / "src"
        self.build = folder / "build"
        self.openblas = folder / "openblas"
        self.raw = folder / "wheel"
        self.prototype = folder / "prototype"
        self.log = folder / _LOG
        self.lock: int | None = None
        self._environment = environment

    @property
    def facts(self) -> Facts | None:
        """What it was compiled with; None unless a compilation came to its end."""
        try:
            return Facts(**json.loads((self.folder / _STATE).read_bytes()))
        except (OSError, ValueError, TypeError):
            return None

    def compile(
        self, numpy: NumPySource, library: Library, index: Index, stage: Stage, jobs: int | None
    ) -> None:
        """Build everything from scratch, linked to `library`, and keep the wheel's files.

        When it fails or is interrupted, only the log stays.
        """
        remove(self.folder)
        self.folder.mkdir(parents=True)
        try:
            self._compile(numpy, library, index, stage, jobs)
        except BaseException:
            for folder in (self.source, self.build, self.openblas, self.prototype, self.raw):
                remove(folder)
            raise

    def _compile(
        self, numpy: NumPySource, library: Library, index: Index, stage: Stage, jobs: int | None
    ) -> None:
        epoch = unpack_source(numpy, self.source, index)
        self._place(library)
        settings = [f"-Csetup-args={argument}" for argument in setup_arguments(library)]
        settings += [f"-Cbuild-dir={self.build}"]
        settings += [f"-Ccompile-args=-j{jobs}"] if jobs else []
        command = [self._environment.python, "-m", "build", "--wheel", "--no-isolation"]
        command += ["--skip-dependency-check", "--outdir", str(self.raw), *settings]
        self._run(command, self.source, epoch, NinjaCounter(stage))
        (wheel,) = self.raw.glob("*.whl")
        unpack_wheel(wheel, self.prototype)
        facts = Facts(
            version=library.version,
            build_options=_options(library),
            epoch=epoch,
            wheel=wheel.name,
        )
        write_json(self.folder / _STATE, asdict(facts))  # last: it says that the tree is whole

    def link(self, library: Library, stage: Stage) -> list[str]:
        """Link the modules that use OpenBLAS to `library`; return their names in the wheel.

        Raises NotLinkedOnly when something else had to be made as well.
        """
        facts = self._whole()
        self._place(library)
        linked: list[str] = []
        other: list[str] = []

        counter = NinjaCounter(stage)

        def see(line: str) -> None:
            counter(line)
            if (step := STEP.match(line)) is not None:
                found = _LINKING.match(step[3])
                (linked if found else other).append(found[1] if found else step[3])

        ninja = [str(self._environment.folder / "bin" / "ninja"), "-C", str(self.build)]
        self._run(ninja, self.folder, facts.epoch, see)
        if other:
            raise NotLinkedOnly(f"ninja also did: {other[0]}")
        expected = self._users_of(library)
        if sorted(linked) != expected:
            raise NotLinkedOnly(f"linked were {linked}, expected {expected}")
        return linked

    def assemble(self, folder: Path, library: Library, linked: Sequence[str]) -> None:
        """Put the wheel's files into the new `folder`: the prototype's, with the `linked` ones new.

        Raises NotLinkedOnly when `numpy/__config__.py` is not what was expected.
        """
        facts = self._whole()
        shutil.copytree(self.prototype, folder)
        for name in linked:
            shutil.copyfile(self.build / name, folder / name)
        config = folder / "numpy" / "__config__.py"
        text = config.read_text(encoding="utf-8")
        new = _replace(text, f'"version": "{facts.version}"', f'"version": "{library.version}"')
        new = _replace(new, f'r"{facts.build_options}"', f'r"{_options(library)}"')
        if new != text:
            config.write_text(new, encoding="utf-8")

    def _whole(self) -> Facts:
        if (facts := self.facts) is None:
            raise NotLinkedOnly("the tree was never compiled to its end")
        return facts

    def _users_of(self, library: Library) -> list[str]:
        modules = sorted(self.prototype.rglob("*.so"))
        return [
            os.path.relpath(module, self.prototype)
            for module in modules
            if library.path.name in read_shared_object(module).needed
        ]

    def _place(self, library: Library) -> None:
        """Put `library` at the stable path, newer than all that was linked to an earlier one.

        Headers with equal content are left alone: if NumPy ever includes them, ninja compiles again
        when they really change.
        """
        folder = self.openblas / "lib"
        folder.mkdir(parents=True, exist_ok=True)
        wanted = {path.name: path for path in (library.path, *library.companions)}
        for stale in folder.iterdir():
            if stale.name not in wanted:
                stale.unlink()
        for name, path in wanted.items():
            shutil.copyfile(path, folder / f".{name}")
            (folder / f".{name}").chmod(0o755)
            (folder / f".{name}").replace(folder / name)
        include = self.openblas / "include"
        include.mkdir(exist_ok=True)
        for header in sorted(library.include.glob("*.h")) if library.include else ():
            target = include / header.name
            if not target.is_file() or target.read_bytes() != header.read_bytes():
                shutil.copyfile(header, target)
        package = self.openblas / "scipy-openblas.pc"
        if not package.exists():  # meson would configure again if it changed
            package.write_text(_package_config(self.openblas, library), encoding="utf-8")

    def _run(
        self, command: Sequence[str], cwd: Path, epoch: int, see: Callable[[str], object]
    ) -> None:
        """Run `command` with its output in the log; each line is shown to `see`."""
        bin_first = os.pathsep.join([self._environment.scripts, os.environ.get("PATH", os.defpath)])
        environment = tool_environment(
            PATH=bin_first,
            PKG_CONFIG_PATH=str(self.openblas),
            SOURCE_DATE_EPOCH=str(epoch),
            # A copy of a checkout must not take the version of the repository around the cache.
            GIT_CEILING_DIRECTORIES=str(self.folder),
        )
        status, told = run_logged(
            command,
            self.log,
            cwd=cwd,
            environment=environment,
            see=see,
            pass_fds=() if self.lock is None else (self.lock,),
        )
        if status != 0:
            raise InfrastructureError(
                Problem(
                    what=f"the build failed (exit status {status}):\n{told}",
                    where=str(self.log),
                    hint="the log has it all; a full disk and too little memory (--jobs 1) are "
                    "common reasons",
                )
            )


def _replace(text: str, old: str, new: str) -> str:
    """Replace the entries of BLAS and of LAPACK, which must be there once each."""
    if text.count(old) != 2:
        raise NotLinkedOnly(f"numpy/__config__.py has {text.count(old)} times {old}, expected 2")
    return text.replace(old, new)


def _options(library: Library) -> str:
    return library.build_options.strip()


def _package_config(folder: Path, library: Library) -> str:
    """Return the pkg-config file that NumPy's build looks for, as OpenBLAS's provider writes it."""
    return "\n".join(
        [
            f"libdir={folder / 'lib'}",
            f"includedir={folder / 'include'}",
            f"openblas_config={_options(library)}",
            "Name: openblas",
            "Description: OpenBLAS under test",
            f"Version: {library.version}",
            f"Libs: ${{libdir}}/{library.path.name} -Wl,-rpath,${{libdir}}",
            f"Cflags: -I${{includedir}} {' '.join(library.cflags)}",
            "",
        ]
    )
