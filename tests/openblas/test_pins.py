"""What a user may write for an OpenBLAS, and what is said of the rest."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from attrs import evolve
from made_wheels import HOST, MadeIndex, compile_library, make_openblas_wheel

from release_gate.errors import ConfigurationError
from release_gate.model import Provider
from release_gate.openblas.index import Index, file_sha256
from release_gate.openblas.pins import choose_wheel, library_version, resolve_pin, suits

if TYPE_CHECKING:
    from pathlib import Path

LINUX = "scipy_openblas64-0.3.33.112.0-py3-none-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl"
MAC = "scipy_openblas64-0.3.33.112.0-py3-none-macosx_11_0_arm64.whl"
MUSL = "scipy_openblas64-0.3.33.112.0-py3-none-musllinux_1_2_x86_64.whl"
PINS = {("scipy-openblas64", "0.3.33.112.0"): {LINUX: "a" * 64, MAC: "b" * 64, MUSL: "c" * 64}}


@pytest.mark.parametrize(
    "text", ["0.3.33.112.0", "scipy-openblas64==0.3.33.112.0", "scipy_openblas64 == 0.3.33.112.0"]
)
def test_a_pinned_version(text: str, tmp_path: Path) -> None:
    pin = resolve_pin(text, pins=PINS, host=HOST, index=Index(tmp_path, "http://127.0.0.1:9/"))
    assert (pin.provider, pin.filename) == (Provider.SCIPY_OPENBLAS64, LINUX)
    assert pin.sha256 == "a" * 64
    assert pin.pinned


def test_the_host_decides_the_file() -> None:
    names = list(PINS["scipy-openblas64", "0.3.33.112.0"])
    assert choose_wheel(names, HOST) == LINUX
    assert choose_wheel(names, evolve(HOST, libc="musl 1.2")) == MUSL
    assert choose_wheel(names, evolve(HOST, system="darwin", machine="arm64", libc=None)) == MAC
    assert choose_wheel(names, evolve(HOST, libc="glibc 2.17")) is None
    assert choose_wheel(names, evolve(HOST, machine="s390x")) is None


@pytest.mark.parametrize(
    ("tag", "runs"),
    [
        ("manylinux1_x86_64", True),
        ("manylinux2014_x86_64", True),
        ("manylinux_2_36_x86_64", True),
        ("manylinux_2_37_x86_64", False),
        ("manylinux2014_aarch64", False),
        ("linux_x86_64", True),
        ("any", True),
        ("win_amd64", False),
        ("win32", False),
        ("macosx_10_9_universal2", False),
    ],
)
def test_platform_tags(tag: str, runs: bool) -> None:  # noqa: FBT001
    assert (suits(tag, HOST) is not None) is runs


def test_no_file_for_the_host(tmp_path: Path) -> None:
    host = evolve(HOST, machine="s390x")
    with pytest.raises(ConfigurationError, match="no file for linux-s390x"):
        resolve_pin("0.3.33.112.0", pins=PINS, host=host, index=Index(tmp_path))


def test_a_version_that_only_the_index_has(made_index: MadeIndex, tmp_path: Path) -> None:
    wheel = make_openblas_wheel(tmp_path, "0.3.99.1.0")
    digest = made_index.add("scipy-openblas64", wheel)
    index = Index(tmp_path / "cache", made_index.url)
    pin = resolve_pin("0.3.99.1.0", pins=PINS, host=HOST, index=index)
    assert (pin.filename, pin.sha256, pin.pinned) == (wheel.name, digest, False)


def test_an_unknown_version_names_the_nearest(made_index: MadeIndex, tmp_path: Path) -> None:
    made_index.add("scipy-openblas64", make_openblas_wheel(tmp_path, "0.3.99.1.0"))
    index = Index(tmp_path / "cache", made_index.url)
    with pytest.raises(ConfigurationError) as caught:
        resolve_pin("0.3.33.113.0", pins=PINS, host=HOST, index=index)
    assert caught.value.exit_code == 2
    assert "'0.3.33.113.0'" in str(caught.value)
    assert "0.3.33.112.0, 0.3.99.1.0" in str(caught.value)


def test_an_unknown_provider(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="did you mean 'scipy-openblas64'"):
        resolve_pin("scipy-openblass64==1", pins=PINS, host=HOST, index=Index(tmp_path))


def test_a_library_file(tmp_path: Path) -> None:
    path = compile_library(tmp_path / "libmine.so", version="0.3.77.dev")
    pin = resolve_pin(str(path), pins=PINS, host=HOST, index=Index(tmp_path))
    assert (pin.provider, pin.version, pin.pinned) == (Provider.FILE, "0.3.77.dev", False)
    assert pin.filename == str(path)
    assert pin.sha256 == file_sha256(path)


def test_a_file_that_is_no_library(tmp_path: Path) -> None:
    (tmp_path / "text.so").write_text("not a library")
    with pytest.raises(ConfigurationError, match="not an ELF shared library"):
        resolve_pin(str(tmp_path / "text.so"), pins=PINS, host=HOST, index=Index(tmp_path))


def test_a_library_that_is_no_openblas(tmp_path: Path) -> None:
    path = tmp_path / "libother.so"
    command = ["cc", "-shared", "-x", "c", "-", "-o", str(path)]
    subprocess.run(command, input=b"int answer;", check=True, timeout=60)
    with pytest.raises(ConfigurationError, match="not an OpenBLAS"):
        resolve_pin(str(path), pins=PINS, host=HOST, index=Index(tmp_path))


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot read"):
        resolve_pin(str(tmp_path / "no.so"), pins=PINS, host=HOST, index=Index(tmp_path))


def test_library_version() -> None:
    assert library_version("OpenBLAS 0.3.33.112.0  USE64BITINT") == "0.3.33.112.0"
    assert library_version("OpenBLAS 0.3.23.dev  NO_LAPACK") == "0.3.23.dev"
    assert library_version(None) is None
