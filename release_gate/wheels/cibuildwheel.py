"""Wheels built by cibuildwheel, as NumPy's release builds them, one per pin and platform.

cibuildwheel gets a project folder with NumPy's sources, the pinned wheel of the library, the script
that installs it, and a configuration; on Linux it copies the folder into a container.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
import zipfile
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from attrs import evolve

from release_gate.errors import ConfigurationError, GateError, InfrastructureError, Problem
from release_gate.model import Provider
from release_gate.openblas.index import file_sha256
from release_gate.store import Store, digest_of, remove
from release_gate.wheels import before_build
from release_gate.wheels.buildconfig import OPENBLAS, SOURCE, BuildConfiguration
from release_gate.wheels.logged import NinjaCounter, is_telling, run_logged
from release_gate.wheels.repair import bundled_licences, extend_licence
from release_gate.wheels.source import unpack_source
from release_gate.wheels.tools import tool_environment

if TYPE_CHECKING:
    from collections.abc import Callable

    from release_gate.model import NumPySource
    from release_gate.openblas.index import Index
    from release_gate.progress import Progress, Stage

__all__ = ["TRANSCRIPT", "build_by_cibuildwheel", "selected_builds"]

#: What a build takes on two cores: images are fetched, nothing is shared between pins.
_BUILD_SECONDS = 1200.0

#: The lines of the build that tell something; the full output is half a million lines.
TRANSCRIPT = "transcript.txt"

#: Part of every key: raise it when wheels are made in another way.
_RECIPE = 1

_CONFIG = "cibuildwheel.toml"
_SELECTION_TIMEOUT = 60.0

#: How cibuildwheel announces what it does next.
_STEP = re.compile(
    r"(Starting|Copying|Setting|Running|Building|Repairing|Testing|Installing) .*\.\.\.$"
)

#: Its exit statuses (cibuildwheel.errors) that say what to do next.
_HINTS = {
    2: "the configuration does not suit this cibuildwheel: see the log",
    3: "this cibuildwheel does not build for that Python or platform",
    7: "the container engine is too old or does not work: try `podman run --rm IMAGE true`",
    8: "the repair tool made no wheel or several: see the log",
}


def build_by_cibuildwheel(
    numpy: NumPySource,
    configuration: BuildConfiguration,
    *,
    index: Index,
    cache: Path,
    fresh: bool = False,
    progress: Progress,
) -> Path:
    """Return the wheel of `numpy` that `configuration` describes, from the cache or built.

    `configuration.project` is left to this function. Raises ConfigurationError when nothing would
    be built and for input that cibuildwheel cannot have, InfrastructureError when it fails; its
    full output is then in a log that the error names.
    """
    cache = cache.resolve()
    _require_buildable(numpy, configuration)
    recipe = digest_of(
        *(_RECIPE, version("cibuildwheel"), file_sha256(Path(before_build.__file__))),
        *(numpy.version, numpy.sha256),
        *(configuration.pin.sha256, configuration.pin.version, configuration.recipe()),
    )

    def make(work: Path) -> None:
        name = f"build numpy {numpy.version} with {configuration.pin}: {configuration.identifier}"
        log = cache / "logs" / f"cibuildwheel-{configuration.identifier}-{recipe[:16]}.log"
        with progress.stage(name, seconds=_BUILD_SECONDS) as stage:
            project = work / "project"
            try:
                placed = evolve(configuration, project=project)
                epoch = _make_project(numpy, placed, index)
                _require_selected(placed)
                transcript = _run(placed, work, epoch=epoch, log=log, index=index, stage=stage)
            finally:
                remove(project)
            (work / TRANSCRIPT).write_text(transcript, encoding="utf-8")
            log.unlink()

    folder = Store(cache).obtain("cibuildwheel", recipe, make, fresh=fresh)
    (wheel,) = folder.glob("*.whl")
    return wheel


def selected_builds(configuration: BuildConfiguration) -> tuple[str, ...]:
    """Return what cibuildwheel says it would build of the project, without building it.

    Raises InfrastructureError when it does not answer.
    """
    command = [*_command(configuration), "--print-build-identifiers", SOURCE]
    try:
        done = subprocess.run(
            command,
            cwd=Path(configuration.project),
            env=_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_SELECTION_TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise InfrastructureError(
            Problem(what="cibuildwheel does not say what it would build", where=_CONFIG)
        ) from error
    if done.returncode != 0:
        raise InfrastructureError(
            Problem(
                what=f"cibuildwheel refuses its configuration: {done.stderr.strip()}",
                where=configuration.identifier,
                hint=_HINTS[2],
            )
        )
    return tuple(done.stdout.split())


def _require_buildable(numpy: NumPySource, configuration: BuildConfiguration) -> None:
    problems = []
    if numpy.kind == "wheel":
        what = "a finished wheel cannot be built again"
        hint = "give a version or a checkout; `release-gate check` swaps the library of a wheel"
        problems.append(Problem(what=what, where=numpy.location, hint=hint))
    if configuration.pin.provider in {Provider.FILE, Provider.BUNDLED}:
        what = "cibuildwheel installs the library from a wheel, and this pin is none"
        problems.append(
            Problem(what=what, where=str(configuration.pin), hint="build with --builder native")
        )
    try:
        _ = configuration.identifier
    except GateError as error:
        problems += error.problems
    if problems:
        raise ConfigurationError(problems)


def _require_selected(configuration: BuildConfiguration) -> None:
    """Raise unless just the planned build is selected: to cibuildwheel, none at all is no error."""
    selected = selected_builds(configuration)
    if selected != (configuration.identifier,):
        raise ConfigurationError(
            Problem(
                what=f"cibuildwheel {version('cibuildwheel')} would build "
                f"{', '.join(selected) or 'nothing'}, planned is {configuration.identifier}",
                where=configuration.row.name,
                hint="NumPy's requires-python and what this cibuildwheel knows decide: choose "
                "another --python, or install a newer cibuildwheel",
            )
        )


def _make_project(numpy: NumPySource, configuration: BuildConfiguration, index: Index) -> int:
    """Fill the project folder; return the time that the wheel's files are dated with."""
    pin, row = configuration.pin, configuration.row
    wheel = index.fetch_pinned(str(pin.provider), pin.filename, pin.sha256)
    project = Path(configuration.project)
    source, openblas = project / SOURCE, project / OPENBLAS
    project.mkdir()
    epoch = unpack_source(numpy, source, index)
    libraries = PurePosixPath(row.library).parent
    text = bundled_licences(source, _licence(wheel), system=row.system, folder=str(libraries))
    if text is not None:
        extend_licence(source / "LICENSE.txt", text)
    openblas.mkdir()
    shutil.copyfile(wheel, openblas / wheel.name)
    shutil.copyfile(Path(before_build.__file__), openblas / "before_build.py")
    requirement = f"{pin.provider}=={pin.version} --hash=sha256:{pin.sha256}\n"
    (openblas / "requirements.txt").write_text(requirement, encoding="utf-8")
    if tools := configuration.settings.of(row).tools:
        (openblas / "tools.txt").write_text("\n".join([*tools, ""]), encoding="utf-8")
    (project / _CONFIG).write_text(configuration.as_toml(), encoding="utf-8")
    return epoch


def _licence(wheel: Path) -> str | None:
    with zipfile.ZipFile(wheel) as archive:
        for name in sorted(archive.namelist()):
            if ".dist-info/" in name and PurePosixPath(name).name.startswith("LICENSE"):
                return archive.read(name).decode("utf-8", errors="replace")
    return None


def _run(
    configuration: BuildConfiguration,
    target: Path,
    *,
    epoch: int,
    log: Path,
    index: Index,
    stage: Stage,
) -> str:
    """Let cibuildwheel put the wheel into `target`; return the lines that tell something."""
    log.parent.mkdir(parents=True, exist_ok=True)
    temporary = target / "tmp"
    temporary.mkdir()
    telling: list[str] = []
    engine = configuration.engine
    begin = time.monotonic()
    try:
        status, end = run_logged(
            [*_command(configuration), "--output-dir", str(target), SOURCE],
            log,
            cwd=Path(configuration.project),
            environment=_environment(
                SOURCE_DATE_EPOCH=str(epoch),
                TMPDIR=str(temporary),
                **({"PIP_INDEX_URL": index.url} if index.url else {}),
            ),
            see=_teller(stage, telling, begin),
            hide=_secrets(index.url),
        )
    finally:
        remove(temporary)
        if engine is not None:
            engine.remove_containers()
    if status != 0:
        raise InfrastructureError(
            Problem(
                what=f"cibuildwheel failed (exit status {status}):\n{end}",
                where=str(log),
                hint=_HINTS.get(status, "the log has it all; --builder native builds without it"),
            )
        )
    if len(wheels := sorted(target.glob("*.whl"))) != 1:
        raise InfrastructureError(
            Problem(what=f"cibuildwheel made {len(wheels)} wheels of one", where=str(log))
        )
    return "".join(telling)


def _teller(stage: Stage, telling: list[str], begin: float) -> Callable[[str], None]:
    """Return what shows cibuildwheel's steps and ninja's to `stage`, and keeps telling lines."""
    counter = NinjaCounter(stage)

    def see(line: str) -> None:
        counter(line)
        if is_telling(line) and line.strip():
            telling.append(f"{time.monotonic() - begin:7.1f} s  {line}")
        if step := _STEP.match(line):
            stage.note(step[0].removesuffix("..."))

    return see


def _command(configuration: BuildConfiguration) -> list[str]:
    options = ["--platform", configuration.platform, "--config-file", _CONFIG]
    return [sys.executable, "-m", "cibuildwheel", *options]


def _environment(**extra: str) -> dict[str, str]:
    """Return an environment in which only the configuration says what is built, and how it is told.

    CIBW_* would override the file; on a CI machine cibuildwheel would write into its job summary.
    """
    environment = tool_environment(**extra)
    kept = {"CIBW_CACHE_PATH"}
    return {
        name: value
        for name, value in environment.items()
        if name in kept or not name.startswith(("CIBW_", "GITHUB_"))
    }


def _secrets(url: str | None) -> tuple[str, ...]:
    secret = ""
    with suppress(ValueError):
        secret = urlsplit(url or "").netloc.rpartition("@")[0]
    return (secret,) if secret else ()
