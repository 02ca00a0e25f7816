"""Container engines, played by small scripts on PATH."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from release_gate.errors import InfrastructureError
from release_gate.wheels.engine import SETTING, Engine, find_engine

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NO_DAEMON = """\
if [ "$1" = --version ]; then echo made up; exit 0; fi
echo Client: made up; echo 'Cannot connect to the daemon. Is it running?' >&2; exit 1"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Path]:
    """Put programs on an otherwise empty PATH; return a function that adds one."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def add(name: str, script: str) -> Path:
        path = folder / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return path

    return add


def test_a_client_without_daemon_is_passed_over(install: Callable[[str, str], Path]) -> None:
    install("docker", NO_DAEMON)
    install("podman", "exit 0")
    assert find_engine({}).name == "podman"


def test_docker_comes_first(install: Callable[[str, str], Path]) -> None:
    install("docker", "exit 0")
    install("podman", "exit 0")
    assert find_engine({}).name == "docker"


def test_without_engine_each_is_told_with_its_reason(
    install: Callable[[str, str], Path],
) -> None:
    install("docker", NO_DAEMON)
    with pytest.raises(InfrastructureError) as raised:
        find_engine({})
    text = str(raised.value)
    assert "docker: Cannot connect to the daemon" in text
    assert "podman: not installed" in text
    assert "--builder native" in text


def test_the_setting_of_cibuildwheel_is_heeded(install: Callable[[str, str], Path]) -> None:
    install("docker", "exit 0")
    install("podman", "exit 0")
    given = "podman; create_args: --network=host --cgroups=disabled; disable-host-mount: true"
    engine = find_engine({SETTING: given})
    assert (engine.name, engine.mounts_host) == ("podman", False)
    assert engine.create == "--network=host --cgroups=disabled"
    assert engine.option == (
        f"podman; create_args: --label {engine.label} --network=host --cgroups=disabled; "
        "disable_host_mount: true"
    )


def test_cibuildwheel_reads_the_option_as_it_is_meant() -> None:
    from cibuildwheel.oci_container import OCIContainerEngineConfig

    engine = Engine(name="podman", create="--network=host", mounts_host=False)
    read = OCIContainerEngineConfig.from_config_string(engine.option)
    assert read.name == "podman"
    assert read.create_args == ("--label", engine.label, "--network=host")
    assert read.disable_host_mount


def test_another_engine_than_the_named_one_is_not_taken(
    install: Callable[[str, str], Path],
) -> None:
    install("podman", "exit 0")
    with pytest.raises(InfrastructureError, match="docker: not installed"):
        find_engine({SETTING: "docker"})
    with pytest.raises(InfrastructureError, match="knows docker and podman only"):
        find_engine({SETTING: "containerd"})


def test_labels_differ_between_builds() -> None:
    assert Engine(name="podman").label != Engine(name="podman").label


def test_only_containers_of_the_build_are_removed(
    install: Callable[[str, str], Path], tmp_path: Path
) -> None:
    said = tmp_path / "said"
    install("podman", f'echo "$@" >> {said}\n[ "$1" = ps ] && echo abc; exit 0')
    engine = Engine(name="podman")
    engine.remove_containers()
    assert said.read_text().splitlines() == [
        f"ps --all --quiet --filter label={engine.label}",
        "rm --force --volumes abc",
    ]


def test_a_container_that_stays_is_told_with_its_name(
    install: Callable[[str, str], Path],
) -> None:
    install("podman", '[ "$1" = ps ] && { echo abc; exit 0; }\necho busy >&2; exit 1')
    with pytest.raises(InfrastructureError, match="could not be removed: busy") as raised:
        Engine(name="podman").remove_containers()
    assert raised.value.problems[0].hint == "podman rm --force --volumes abc"
