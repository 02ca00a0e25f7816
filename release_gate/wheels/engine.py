"""The container engine that cibuildwheel needs for Linux wheels: found, tried, cleaned up after."""

from __future__ import annotations

import os
import shutil
import subprocess
import uuid
from typing import TYPE_CHECKING

from attrs import field, frozen

from release_gate.errors import InfrastructureError, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["SETTING", "Engine", "find_engine"]

#: cibuildwheel's own variable: an engine, and what else it is to be created with.
SETTING = "CIBW_CONTAINER_ENGINE"

_ENGINES = ("docker", "podman")
_TIMEOUT = 60.0
_REMOVAL_TIMEOUT = 600.0  # a build's files are many, and the disk may be busy
_LABEL = "release-gate.build"
_SHOWN = 300


@frozen(kw_only=True)
class Engine:
    """Docker or Podman. Its containers carry `label`, by which they are found again.

    `create` are the further arguments to create a container with; `mounts_host` whether the
    machine's files are seen under /host there.
    """

    name: str
    create: str = ""
    mounts_host: bool = True
    label: str = field(factory=lambda: f"{_LABEL}={uuid.uuid4().hex}")

    @property
    def option(self) -> str:
        """Return the value of cibuildwheel's option `container-engine`."""
        parts = [self.name, f"create_args: --label {self.label} {self.create}".rstrip()]
        return "; ".join([*parts, *([] if self.mounts_host else ["disable_host_mount: true"])])

    def remove_containers(self) -> None:
        """Remove the containers of this build that are still there, running or not.

        Raises InfrastructureError when one stays.
        """
        listed = _ask([self.name, "ps", "--all", "--quiet", "--filter", f"label={self.label}"])
        for container in listed.stdout.split():
            done = _ask(
                [self.name, "rm", "--force", "--volumes", container], timeout=_REMOVAL_TIMEOUT
            )
            if done.returncode != 0:
                raise InfrastructureError(
                    Problem(
                        what=f"a container of the build could not be removed: {_end(done)}",
                        where=f"{self.name} container {container}",
                        hint=f"{self.name} rm --force --volumes {container}",
                    )
                )


def find_engine(environment: Mapping[str, str] = os.environ) -> Engine:
    """Return the engine that CIBW_CONTAINER_ENGINE names, else the first that works.

    Raises InfrastructureError that says of each engine what it lacks.
    """
    given = environment.get(SETTING, "")
    wanted, *options = (part.strip() for part in given.split(";"))
    lacking = []
    for name in (wanted,) if wanted else _ENGINES:
        reason = _lacks(name)
        if reason is None:
            values = dict(_option(text) for text in options)
            return Engine(
                name=name,
                create=values.get("create_args", ""),
                mounts_host=values.get("disable_host_mount", "no").lower() in {"no", "false", "0"},
            )
        lacking.append(f"{name}: {reason}")
    raise InfrastructureError(
        Problem(
            what="no container engine works here: " + "; ".join(lacking),
            where=SETTING if wanted else "release-gate build --builder cibuildwheel",
            hint="install Podman or start Docker (`podman run --rm IMAGE true` must work); "
            "`--builder native` needs none",
        )
    )


def _lacks(name: str) -> str | None:
    """Return why an engine cannot be used, or None."""
    if name not in _ENGINES:
        return f"cibuildwheel knows {' and '.join(_ENGINES)} only"
    if shutil.which(name) is None:
        return "not installed"
    try:
        # Docker's client answers `--version` without a daemon, but not `version`.
        done = _ask([name, "version"])
    except InfrastructureError as error:
        return error.problems[0].what
    return None if done.returncode == 0 else _end(done)


def _option(text: str) -> tuple[str, str]:
    key, _, value = text.partition(":")
    return key.strip().replace("-", "_"), value.strip()


def _ask(command: list[str], *, timeout: float = _TIMEOUT) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InfrastructureError(
            Problem(what=f"{command[0]} does not answer: {error}", where=" ".join(command))
        ) from error


def _end(done: subprocess.CompletedProcess[str]) -> str:
    lines = (done.stderr.strip() or done.stdout.strip()).splitlines() or ["it says nothing"]
    return lines[-1][:_SHOWN]
