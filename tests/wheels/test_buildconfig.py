"""cibuildwheel's configuration, held against its own schema and its own choice of builds."""

from __future__ import annotations

import json
import tomllib
from importlib.resources import files
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import pytest
from attrs import evolve
from jsonschema import Draft7Validator

from release_gate.errors import ConfigurationError
from release_gate.matrix.load import load_matrices
from release_gate.model import Pin, Provider
from release_gate.openblas.pins import choose_wheel
from release_gate.resources import matrices_dir
from release_gate.wheels.buildconfig import (
    BuildConfiguration,
    build_identifier,
    load_release_settings,
    with_images,
)
from release_gate.wheels.cibuildwheel import selected_builds
from release_gate.wheels.engine import Engine

if TYPE_CHECKING:
    from release_gate.matrix.tables import PinRow, PlatformRow

MATRICES = load_matrices(matrices_dir())
RELEASE = load_release_settings(matrices_dir())
ROWS = {row.name: row for row in MATRICES.platforms}
BUILT = [row for row in MATRICES.platforms if row.blas.startswith("scipy-") and row.identifier]
WITHOUT = [row for row in MATRICES.platforms if not row.blas.startswith("scipy-")]
SCHEMA = json.loads((files("cibuildwheel") / "resources/cibuildwheel.schema.json").read_text())
ENGINES = (None, Engine(name="docker"), Engine(name="podman", create="--network=host"))


def pin_for(row: PlatformRow, of: PinRow) -> Pin | None:
    filename = choose_wheel(of.files, row.machine_like())
    if filename is None or of.provider != row.blas:
        return None
    return Pin(
        provider=of.provider, version=of.version, filename=filename, sha256=of.files[filename]
    )


PAIRS = [
    pytest.param(row, pin, id=f"{row.name}-{of.version}")
    for row in BUILT
    for of in MATRICES.pins
    if (pin := pin_for(row, of)) is not None
]


def made(
    row: PlatformRow, pin: Pin | None = None, tag: str = "cp312", **more: Any
) -> BuildConfiguration:
    pin = pin or Pin(
        provider=Provider(row.blas), version="0.3.99.1.0", filename="a.whl", sha256="0" * 64
    )
    project = more.pop("project", PurePosixPath("/home/a user/project"))
    return BuildConfiguration(settings=RELEASE, row=row, pin=pin, tag=tag, project=project, **more)


@pytest.mark.parametrize(("row", "pin"), PAIRS)
def test_every_platform_and_pin_satisfies_the_schema(row: PlatformRow, pin: Pin) -> None:
    for engine in ENGINES:
        whole = made(row, pin, engine=engine, certificates="/etc/ssl/certs.pem", jobs=2)
        table = tomllib.loads(whole.as_toml())["tool"]["cibuildwheel"]
        assert table == whole.as_data()
        assert [error.message for error in Draft7Validator(SCHEMA).iter_errors(table)] == []


def test_platforms_that_no_pin_is_for_satisfy_it_too() -> None:
    """matrices/ may hold no pin of a provider; the platform is configured all the same."""
    for row in BUILT:
        table = made(row, engine=ENGINES[1]).as_data()
        assert [error.message for error in Draft7Validator(SCHEMA).iter_errors(table)] == []
    assert {row.interface for row in BUILT} == {32, 64}
    assert {row.system for row in BUILT} == {"linux", "darwin", "windows"}


@pytest.mark.parametrize("row", BUILT, ids=lambda row: row.name)
@pytest.mark.parametrize("tag", ["cp312", "cp314t"])
def test_cibuildwheel_selects_the_planned_build(row: PlatformRow, tag: str, tmp_path: Path) -> None:
    configuration = made(row, tag=tag, project=tmp_path)
    write_project(configuration, ">=3.12")
    assert selected_builds(configuration) == (f"{tag}-{row.identifier}",)


def test_what_numpy_does_not_support_is_not_selected(tmp_path: Path) -> None:
    configuration = made(ROWS["linux-x86_64"], tag="cp311", project=tmp_path)
    write_project(configuration, ">=3.12")
    assert selected_builds(configuration) == ()


def write_project(configuration: BuildConfiguration, requires_python: str) -> None:
    folder = Path(configuration.project)
    (folder / "cibuildwheel.toml").write_text(configuration.as_toml())
    (folder / "numpy").mkdir()
    project = f'[project]\nname = "numpy"\nversion = "2.5.5"\nrequires-python = "{requires_python}"'
    (folder / "numpy" / "pyproject.toml").write_text(project)


@pytest.mark.parametrize("row", WITHOUT, ids=lambda row: row.name)
def test_wheels_without_openblas_are_no_build(row: PlatformRow) -> None:
    with pytest.raises(ConfigurationError, match="carry no OpenBLAS") as raised:
        build_identifier("cp312", row)
    assert raised.value.problems[0].hint == row.why


def test_a_platform_without_identifier_is_no_build() -> None:
    with pytest.raises(ConfigurationError, match="no name for this platform"):
        build_identifier("cp312", evolve(ROWS["linux-x86_64"], identifier=""))


def test_integers_follow_the_library() -> None:
    row = ROWS["linux-x86_64"]
    wide = made(row).as_data()["config-settings"]["setup-args"]
    narrow = made(evolve(row, blas="scipy-openblas32")).as_data()["config-settings"]["setup-args"]
    assert wide == ["-Duse-ilp64=true", "-Dallow-noblas=false"]
    assert narrow == ["-Dallow-noblas=false"]


def test_what_differs_on_windows() -> None:
    data = made(ROWS["windows-aarch64"]).as_data()
    assert data["archs"] == ["ARM64"]
    assert data["config-settings"]["setup-args"] == ["--vsenv", "-Dallow-noblas=false"]
    assert data["repair-wheel-command"].startswith("delvewheel repair --add-path openblas/lib")
    environment = data["windows"]["environment"]
    assert environment == {
        "PKG_CONFIG_PATH": "/home/a user/project/openblas",
        "CC": "clang-cl",
        "CXX": "clang-cl",
    }
    assert "CC" not in made(ROWS["windows-x86_64"]).as_data()["windows"]["environment"]
    assert "--vsenv" not in str(made(ROWS["darwin-aarch64"]).as_data())


def test_a_container_sees_the_project_and_the_certificates_elsewhere() -> None:
    row = ROWS["linux-x86_64"]
    data = made(row, engine=Engine(name="podman"), certificates="/etc/ssl/own.pem").as_data()
    assert data["linux"]["environment"] == {
        "PKG_CONFIG_PATH": "/project/openblas",
        "PIP_CERT": "/host/etc/ssl/own.pem",
    }
    assert data["linux"]["manylinux-x86_64-image"] == "manylinux_2_28"


def test_the_recipe_is_what_the_wheel_depends_on() -> None:
    row = ROWS["linux-x86_64"]
    plain = made(row)
    same = made(row, engine=Engine(name="podman"), certificates="/a", jobs=3)
    assert same.recipe() == plain.recipe()
    other = with_images(RELEASE, ["manylinux-x86_64=localhost/mine"])
    assert evolve(plain, settings=other).recipe() != plain.recipe()
    unused = with_images(RELEASE, ["musllinux-x86_64=localhost/mine"])
    assert evolve(plain, settings=unused).recipe() == plain.recipe()
    assert made(row, tag="cp313").recipe() != plain.recipe()


def test_every_bad_image_is_told() -> None:
    with pytest.raises(ConfigurationError) as raised:
        with_images(RELEASE, ["manylinux-x86_64", "=a", "musllinux-x86_64=a"])
    assert len(raised.value.problems) == 2
    with pytest.raises(ConfigurationError, match="did you mean 'manylinux-x86_64'") as raised:
        with_images(RELEASE, ["manylinux_x86_64=a", "macos=b"])
    assert len(raised.value.problems) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "cannot read"),
        ("images = 3\n", "images"),
        ('[images]\nmanylinux-x86 = "a"\n', "knows no image 'manylinux-x86'"),
        ('[[systems]]\nsystem = "linux"\nilp64 = true\n', "ilp64"),
    ],
)
def test_bad_settings_name_file_and_key(text: str | None, message: str, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "cibuildwheel.toml").write_text(text)
    with pytest.raises(ConfigurationError, match=message) as raised:
        load_release_settings(tmp_path)
    assert "cibuildwheel.toml" in raised.value.problems[0].where


def test_a_system_without_settings_is_told() -> None:
    with pytest.raises(ConfigurationError, match="no settings for plan9"):
        RELEASE.of(evolve(ROWS["linux-x86_64"], system="plan9"))
