"""What a user writes for a wheel (a path, or a requirement of the index), made an artifact."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.utils import InvalidWheelFilename, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from release_gate.errors import ConfigurationError, Problem
from release_gate.openblas.pins import choose_wheel, nearest_versions, suits
from release_gate.wheels.site import make_artifact, wheel_metadata

if TYPE_CHECKING:
    from collections.abc import Sequence

    from packaging.tags import Tag

    from release_gate.model import Artifact, Host, Interpreter
    from release_gate.openblas.index import Index, IndexFile

__all__ = ["fetch_wheel", "open_wheel", "runs"]


def open_wheel(
    text: str, interpreters: Sequence[Interpreter], *, host: Host, index: Index, cache: Path
) -> Artifact:
    """Return the wheel that `text` means, unpacked and tried.

    `text` is the path of a .whl file or a requirement ("numpy==2.4.6"); of several files on the
    index the one for the first fitting interpreter of `interpreters` is taken.
    Raises ConfigurationError for what is no NumPy wheel, is for another platform, fits no
    interpreter or holds no OpenBLAS.
    """
    name, given, version = text.partition("==")
    if given and re.fullmatch(r"[A-Za-z0-9._-]+", name.strip()) and not text.endswith(".whl"):
        if name.strip().lower() != "numpy":
            raise ConfigurationError(
                Problem(what=f"not a NumPy but {name.strip()!r}", where=text, hint="numpy==VERSION")
            )
        wheel, interpreter = fetch_wheel("numpy", version.strip(), interpreters, host, index)
        return make_artifact(wheel, interpreter, cache, made="index")
    wheel = Path(text).expanduser().resolve()
    project, _ = wheel_metadata(wheel)
    if project.lower() != "numpy":
        raise ConfigurationError(
            Problem(what=f"a wheel of {project!r}, not of NumPy", where=str(wheel))
        )
    interpreter = _fitting(wheel, interpreters, host)
    return make_artifact(wheel, interpreter, cache, made="file")


def fetch_wheel(
    project: str, version: str, interpreters: Sequence[Interpreter], host: Host, index: Index
) -> tuple[Path, Interpreter]:
    """Return a wheel of `project` for the first fitting of `interpreters`, and that interpreter.

    Raises ConfigurationError when the index has none for them and `host`, InfrastructureError when
    it does not answer.
    """
    files = [file for file in index.files(project) if file.filename.endswith(".whl")]
    offered = [file for file in files if _same_version(file.version, version)]
    if not offered:
        near = nearest_versions(version, {file.version for file in files})
        raise ConfigurationError(
            Problem(
                what=f"no wheel of {project} {version!r} on the index",
                where=f"{project}=={version}",
                hint=f"nearest are {', '.join(near)}",
            )
        )
    for interpreter in interpreters:
        fitting: dict[str, IndexFile] = {
            file.filename: file
            for file in offered
            if any(runs(tag, interpreter) for tag in parse_wheel_filename(file.filename)[3])
        }
        chosen = choose_wheel(fitting, host)
        if chosen is not None:
            return index.fetch(fitting[chosen]), interpreter
    tags = sorted({tag for file in offered for tag in _interpreter_tags(file.filename)})
    raise ConfigurationError(
        Problem(
            what=f"no wheel of {project} {version} for {host.platform} and an interpreter at hand "
            f"({', '.join(i.tag for i in interpreters) or 'none'})",
            where=f"{project}=={version}",
            hint=f"its wheels are for {', '.join(tags)}; install such a Python",
        )
    )


def _fitting(wheel: Path, interpreters: Sequence[Interpreter], host: Host) -> Interpreter:
    try:
        tags = parse_wheel_filename(wheel.name)[3]
    except InvalidWheelFilename as error:
        raise ConfigurationError(
            Problem(
                what=f"not the name of a wheel: {error}",
                where=str(wheel),
                hint="give it back the name it was made with: its tags say what runs it",
            )
        ) from error
    if not any(suits(tag.platform, host) for tag in tags):
        platforms = sorted({tag.platform for tag in tags})
        raise ConfigurationError(
            Problem(
                what=f"the wheel is for {', '.join(platforms)}, this machine is {host.platform}",
                where=str(wheel),
                hint="take the file for this platform, or run the gate on such a machine",
            )
        )
    for interpreter in interpreters:
        if any(runs(tag, interpreter) for tag in tags):
            return interpreter
    raise ConfigurationError(
        Problem(
            what=f"no interpreter at hand for {', '.join(sorted(_interpreter_tags(wheel.name)))}",
            where=str(wheel),
            hint=f"found {', '.join(i.tag for i in interpreters) or 'none'}; install such a Python",
        )
    )


def runs(tag: Tag, interpreter: Interpreter) -> bool:
    """Whether `interpreter` imports extension modules with this tag (stable ABI included)."""
    if tag.abi == "abi3":
        return not interpreter.free_threaded and _minor(tag.interpreter) <= _minor(interpreter.tag)
    return tag.abi in {interpreter.tag, interpreter.tag + "m"}


def _minor(tag: str) -> int:
    match = re.fullmatch(r"cp3(\d+)t?", tag)
    return int(match[1]) if match else sys.maxsize


def _interpreter_tags(filename: str) -> set[str]:
    return {tag.abi for tag in parse_wheel_filename(filename)[3]}


def _same_version(one: str, other: str) -> bool:
    try:
        return Version(one) == Version(other)
    except InvalidVersion:
        return one == other
