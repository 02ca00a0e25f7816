"""The wheel's own checks: each passes on a good wheel and bites on the fault that it is for."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from attrs import evolve
from made_wheels import HOST, INTERPRETER, compile_library, make_numpy_wheel

from release_gate.model import Artifact, Observation, Outcome
from release_gate.openblas.index import Index, file_sha256
from release_gate.openblas.library import obtain_library
from release_gate.openblas.pins import resolve_pin
from release_gate.wheels.inspected import promises_no_more, same_release
from release_gate.wheels.inspection import INSPECTIONS, inspect_wheel
from release_gate.wheels.obtain import open_wheel
from release_gate.wheels.swap import swap_library

INDEX = "http://127.0.0.1:9/"


def opened(wheel: Path, cache: Path) -> Artifact:
    index = Index(cache, INDEX)
    return open_wheel(str(wheel), [INTERPRETER], host=HOST, index=index, cache=cache)


def swapped(artifact: Artifact, library: Path, cache: Path) -> Artifact:
    index = Index(cache, INDEX)
    pin = resolve_pin(str(library), pins={}, host=HOST, index=index)
    return swap_library(artifact, obtain_library(pin, index, cache), pin, cache)


def observe(artifact: Artifact, check: str, baseline: Artifact | None = None) -> Observation:
    (observation,) = inspect_wheel(artifact, baseline, [check])
    assert observation.check == check
    return observation


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    folder = tmp_path_factory.mktemp("good")
    return opened(make_numpy_wheel(folder), folder / "cache")


def private(artifact: Artifact, folder: Path) -> Artifact:
    """Return `artifact` with a site of its own that a test may spoil."""
    site = folder / "site"
    subprocess.run(["cp", "-r", artifact.site, str(site)], check=True, timeout=60)
    library = site / Path(artifact.library).relative_to(artifact.site)
    return evolve(artifact, site=str(site), library=str(library))


def test_ids_and_digests_are_unique() -> None:
    assert [spec.id for spec in INSPECTIONS] == [
        "wheel.pin",
        "wheel.symbols",
        "wheel.foreign",
        "wheel.tag",
        "wheel.licences",
        "wheel.config",
        "wheel.size",
    ]
    assert len({spec.digest for spec in INSPECTIONS}) == len(INSPECTIONS)


@pytest.mark.parametrize(
    "check", ["wheel.symbols", "wheel.foreign", "wheel.tag", "wheel.licences", "wheel.size"]
)
def test_a_good_wheel_passes(check: str, good: Artifact) -> None:
    observation = observe(good, check, good)
    assert observation.outcome is Outcome.PASSED, observation.reason
    assert observation.evidence.cases_run == 1


def test_the_pin_of_a_wheel_taken_as_it_is(good: Artifact) -> None:
    assert observe(good, "wheel.pin").outcome is Outcome.UNSUPPORTED


def test_the_pin_of_a_swapped_wheel(good: Artifact, tmp_path: Path) -> None:
    new = compile_library(tmp_path / "new.so", version="0.3.99.2.0", extra="int a(void){return 1;}")
    artifact = swapped(good, new, tmp_path / "cache")
    assert observe(artifact, "wheel.pin").outcome is Outcome.PASSED
    # The same words, other code: a stale file of a cache.
    other = compile_library(tmp_path / "o" / "new.so", version="0.3.99.2.0")
    spoilt = swapped(good, other, tmp_path / "cache")
    mixed = evolve(spoilt, details=artifact.details)
    assert "other code" in observe(mixed, "wheel.pin").reason
    wrong = evolve(artifact, config="OpenBLAS 0.3.1")
    assert "the pin says" in observe(wrong, "wheel.pin").reason


def test_a_swapped_wheel_is_not_asked_about_its_file(good: Artifact, tmp_path: Path) -> None:
    artifact = swapped(good, compile_library(tmp_path / "new.so"), tmp_path / "cache")
    for check in ("wheel.tag", "wheel.licences", "wheel.size"):
        assert observe(artifact, check).outcome is Outcome.UNSUPPORTED


def test_a_missing_symbol(good: Artifact, tmp_path: Path) -> None:
    artifact = private(good, tmp_path)
    library = Path(artifact.library)
    library.unlink()
    empty = ["cc", "-shared", "-x", "c", "-", "-o", str(library)]
    subprocess.run(empty, input=b"int nothing;", check=True, timeout=60)
    observation = observe(artifact, "wheel.symbols")
    assert observation.outcome is Outcome.FAILED
    assert "scipy_cblas_dgemm64_" in observation.reason


def test_integers_of_the_wrong_size(good: Artifact) -> None:
    artifact = evolve(good, config="OpenBLAS 0.3.99  DYNAMIC_ARCH")
    assert "32 bits" in observe(artifact, "wheel.symbols").reason


def test_a_foreign_library_and_folder(good: Artifact, tmp_path: Path) -> None:
    artifact = private(good, tmp_path)
    foreign = tmp_path / "libforeign.so"
    compile_ = ["cc", "-shared", "-fPIC", "-x", "c", "-", "-x", "none"]
    subprocess.run([*compile_, "-o", str(foreign)], input=b"int f;", check=True, timeout=60)
    user = Path(artifact.site) / "numpy" / "extra.so"
    options = ["-Wl,--no-as-needed", "-L", str(tmp_path), "-lforeign", f"-Wl,-rpath,{tmp_path}"]
    subprocess.run([*compile_, *options, "-o", str(user)], input=b"int g;", check=True, timeout=60)
    observation = observe(artifact, "wheel.foreign")
    assert observation.outcome is Outcome.FAILED
    assert "extra.so needs libforeign.so" in observation.reason
    assert f"extra.so looks into {tmp_path}" in observation.reason


def test_a_tag_that_promises_too_much(tmp_path: Path) -> None:
    tag = f"{INTERPRETER.tag}-{INTERPRETER.tag}-linux_x86_64"
    artifact = opened(make_numpy_wheel(tmp_path, tag=tag), tmp_path / "cache")
    assert "tagged linux_x86_64" in observe(artifact, "wheel.tag").reason


def test_a_licence_is_missing(tmp_path: Path) -> None:
    wheel = make_numpy_wheel(tmp_path, licence=b"The OpenBLAS Project\n")
    observation = observe(opened(wheel, tmp_path / "cache"), "wheel.licences")
    assert observation.outcome is Outcome.FAILED
    assert observation.reason.startswith("no licence text of LAPACK")


def test_show_config_names_another_library(good: Artifact, tmp_path: Path) -> None:
    observation = observe(good, "wheel.config")
    assert observation.outcome is Outcome.PASSED, observation.reason
    artifact = private(good, tmp_path)
    package = Path(artifact.site) / "numpy" / "__init__.py"
    package.write_text(package.read_text().replace("0.3.99.1.0", "0.3.12.0"))
    assert "blas 0.3.12.0, not 0.3.99.1.0" in observe(artifact, "wheel.config").reason


def test_a_wheel_that_grew(good: Artifact, tmp_path: Path) -> None:
    name = Path(good.library).name
    large = compile_library(tmp_path / name, extra="char big[1000000] = {1};")
    wheel = make_numpy_wheel(tmp_path, library=large)
    observation = observe(opened(wheel, tmp_path / "cache"), "wheel.size", good)
    assert observation.outcome is Outcome.FAILED
    assert "times the baseline's" in observation.reason


def test_what_cannot_be_read_is_no_answer(good: Artifact) -> None:
    artifact = evolve(good, path="/nowhere/numpy-2.4.6-cp311-cp311-manylinux_2_28_x86_64.whl")
    assert observe(artifact, "wheel.size").outcome is Outcome.ERROR
    assert observe(artifact, "wheel.tag").outcome is Outcome.ERROR


@pytest.mark.parametrize(
    ("tag", "honest", "right"),
    [
        ("manylinux_2_28_x86_64", "manylinux_2_27_x86_64", True),
        ("manylinux_2_17_x86_64", "manylinux_2_27_x86_64", False),
        ("manylinux2014_x86_64", "manylinux_2_17_x86_64", True),
        ("manylinux_2_28_aarch64", "manylinux_2_27_x86_64", False),
        ("musllinux_1_2_x86_64", "manylinux_2_27_x86_64", False),
        ("linux_x86_64", "linux_x86_64", False),
    ],
)
def test_tags_are_promises(tag: str, honest: str, right: bool) -> None:  # noqa: FBT001
    assert promises_no_more(tag, honest) is right


def test_versions_of_fewer_parts_agree() -> None:
    assert same_release("0.3.29.0.0", "0.3.29")
    assert not same_release("0.3.30.0.1", "0.3.29")
    assert not same_release("0.3.33.112.0", "0.3.33.113.0")


def test_a_library_of_the_development_branch_is_of_any_commit_after_its_tag() -> None:
    assert same_release("0.3.31.22.1", "0.3.31.dev")
    assert same_release("0.3.31.dev", "0.3.31.dev")
    assert not same_release("0.3.31.0.1", "0.3.31.dev")
    assert not same_release("0.3.31", "0.3.31.dev")
    assert not same_release("0.3.33.112.0", "0.3.31.dev")
    assert not same_release("0.3.3.1.0", "0.3.31.dev")


def test_the_sites_of_good_wheels_stay_as_they_are(good: Artifact) -> None:
    assert file_sha256(Path(good.library)) == good.library_sha256
