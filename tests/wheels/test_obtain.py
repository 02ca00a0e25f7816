"""Opening wheels and swapping the library in them, on made-up wheels."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from attrs import evolve
from made_wheels import (
    HOST,
    INTERPRETER,
    MadeIndex,
    compile_library,
    make_numpy_wheel,
    make_openblas_wheel,
    write_wheel,
)

from release_gate.errors import ConfigurationError
from release_gate.model import Artifact, Pin, Provider
from release_gate.openblas.index import Index, file_sha256
from release_gate.openblas.library import Library, obtain_library
from release_gate.openblas.pins import resolve_pin
from release_gate.wheels.obtain import open_wheel
from release_gate.wheels.swap import swap_library

if TYPE_CHECKING:
    from collections.abc import Callable


def opened(text: str, cache: Path, *, url: str = "http://127.0.0.1:9/") -> Artifact:
    index = Index(cache, url)
    return open_wheel(text, [INTERPRETER], host=HOST, index=index, cache=cache)


def taken(path: Path, cache: Path) -> tuple[Library, Pin]:
    index = Index(cache)
    pin = resolve_pin(str(path), pins={}, host=HOST, index=index)
    return obtain_library(pin, index, cache), pin


def test_a_wheel_file(tmp_path: Path) -> None:
    wheel = make_numpy_wheel(tmp_path)
    artifact = opened(str(wheel), tmp_path / "cache")
    assert (artifact.made, artifact.numpy_version) == ("file", "2.4.6")
    assert (artifact.symbol_prefix, artifact.symbol_suffix) == ("scipy_", "64_")
    assert artifact.sha256 == file_sha256(wheel)
    assert artifact.config.startswith("OpenBLAS 0.3.99.1.0")
    assert (artifact.pin.provider, artifact.pin.version) == (Provider.BUNDLED, "0.3.99.1.0")
    assert artifact.library_sha256 == file_sha256(Path(artifact.library))
    assert not artifact.reused
    again = opened(str(wheel), tmp_path / "cache")
    assert again == evolve(artifact, reused=True)


def test_a_damaged_site_is_unpacked_again(tmp_path: Path) -> None:
    wheel = make_numpy_wheel(tmp_path)
    artifact = opened(str(wheel), tmp_path / "cache")
    (Path(artifact.site) / "numpy" / "__init__.py").write_text("raise SystemExit")
    assert opened(str(wheel), tmp_path / "cache") == artifact


def test_a_requirement_of_the_index(made_index: MadeIndex, tmp_path: Path) -> None:
    other = tmp_path / "other"
    made_index.add("numpy", make_numpy_wheel(tmp_path))
    made_index.add("numpy", make_numpy_wheel(other, tag="cp39-cp39-manylinux_2_28_x86_64"))
    artifact = opened("numpy==2.4.6", tmp_path / "cache", url=made_index.url)
    assert artifact.made == "index"
    assert INTERPRETER.tag in artifact.name
    made_index.down = True
    assert opened("numpy==2.4.6", tmp_path / "cache", url=made_index.url).reused


def test_an_unknown_version(made_index: MadeIndex, tmp_path: Path) -> None:
    made_index.add("numpy", make_numpy_wheel(tmp_path))
    with pytest.raises(ConfigurationError, match=r"nearest are 2\.4\.6"):
        opened("numpy==2.4.7", tmp_path / "cache", url=made_index.url)


def test_no_interpreter_for_any_wheel_of_a_version(made_index: MadeIndex, tmp_path: Path) -> None:
    made_index.add("numpy", make_numpy_wheel(tmp_path, tag="cp39-cp39-manylinux_2_28_x86_64"))
    with pytest.raises(ConfigurationError, match="its wheels are for cp39"):
        opened("numpy==2.4.6", tmp_path / "cache", url=made_index.url)


TAG = f"{INTERPRETER.tag}-{INTERPRETER.tag}"
NAME = f"numpy-2.4.6-{TAG}-manylinux_2_28_x86_64.whl"


def cut(folder: Path) -> Path:
    whole = make_numpy_wheel(folder)
    whole.write_bytes(whole.read_bytes()[:-200])
    return whole


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def zipped(folder: Path) -> Path:
    shutil.make_archive(str(folder / "archive"), "zip", folder, "")
    return (folder / "archive.zip").rename(folder / NAME)


BROKEN: dict[str, Callable[[Path], Path]] = {
    "missing": lambda folder: folder / "none.whl",
    "text": lambda folder: written(folder / NAME, "not a zip file"),
    "cut": cut,
    "zip": zipped,
    "scipy": lambda folder: write_wheel(folder / f"scipy-1.0-{TAG}-any.whl", "scipy", "1.0", {}),
    "platform": lambda folder: make_numpy_wheel(folder, tag=f"{TAG}-win_amd64"),
    "interpreter": lambda folder: make_numpy_wheel(folder, tag="cp39-cp39-manylinux_2_28_x86_64"),
    "unrepaired": lambda folder: write_wheel(folder / NAME, "numpy", "2.4.6", {"numpy/a.py": b""}),
    "renamed": lambda folder: make_numpy_wheel(folder).rename(folder / "mine.whl"),
    "escape": lambda folder: write_wheel(folder / NAME, "numpy", "2.4.6", {"../outside": b""}),
}


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("missing", "no such wheel"),
        ("text", "not a zip file"),
        ("cut", "not a zip file, or is cut short"),
        ("zip", "it has no .dist-info/WHEEL"),
        ("scipy", "a wheel of 'scipy', not of NumPy"),
        ("platform", "the wheel is for win_amd64, this machine is linux-x86_64"),
        ("interpreter", "no interpreter at hand for cp39"),
        ("unrepaired", "no OpenBLAS in the wheel"),
        ("renamed", "not the name of a wheel"),
        ("escape", "outside of its folder"),
    ],
)
def test_what_is_no_usable_wheel(kind: str, text: str, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    wheel = BROKEN[kind](folder)
    with pytest.raises(ConfigurationError) as caught:
        opened(str(wheel), tmp_path / "cache")
    assert caught.value.exit_code == 2
    assert text in str(caught.value)
    sites = tmp_path / "cache" / "sites"
    assert [path for path in sites.glob("*") if path.is_dir()] == []


def test_swap(tmp_path: Path) -> None:
    artifact = opened(str(make_numpy_wheel(tmp_path)), tmp_path / "cache")
    library, pin = taken(compile_library(tmp_path / "n" / "new.so", version="0.3.99.9.0"), tmp_path)
    swapped = swap_library(artifact, library, pin, tmp_path / "cache")
    assert (swapped.made, swapped.pin) == ("swap", pin)
    assert swapped.config.startswith("OpenBLAS 0.3.99.9.0")
    assert Path(swapped.library).name == Path(artifact.library).name
    assert swapped.library_sha256 == file_sha256(Path(swapped.library)) != artifact.library_sha256
    # Nothing of the other wheel changed, and all else is shared with it.
    assert file_sha256(Path(artifact.library)) == artifact.library_sha256
    one, other = (Path(a.site) / "numpy" / "__init__.py" for a in (artifact, swapped))
    assert one.samefile(other)
    assert swap_library(artifact, library, pin, tmp_path / "cache") == evolve(swapped, reused=True)


def test_swap_brings_the_companions_along(tmp_path: Path) -> None:
    folder = tmp_path / "with"
    folder.mkdir()
    companion = folder / "libgfortran-0123abcd.so.5"
    subprocess.run(
        ["cc", "-shared", "-x", "c", "-", "-o", companion, f"-Wl,-soname,{companion.name}"],
        input=b"int fortran(void) { return 5; }",
        check=True,
        timeout=60,
    )
    path = compile_library(
        folder / "new.so",
        extra="extern int fortran(void); int call(void) { return fortran(); }",
        options=("-x", "none", str(companion)),
    )
    artifact = opened(str(make_numpy_wheel(tmp_path)), tmp_path / "cache")
    library, pin = taken(path, tmp_path)
    swapped = swap_library(artifact, library, pin, tmp_path / "cache")
    assert Path(swapped.library).with_name(companion.name).is_file()


@pytest.mark.parametrize(
    ("naming", "text"),
    [
        ({"prefix": "", "suffix": "64_"}, "names its symbols *64_ (ilp64)"),
        ({"config": "OpenBLAS 0.3.99  DYNAMIC_ARCH"}, "names its symbols scipy_*64_ (lp64)"),
    ],
)
def test_swap_of_another_naming(naming: dict[str, str], text: str, tmp_path: Path) -> None:
    artifact = opened(str(make_numpy_wheel(tmp_path)), tmp_path / "cache")
    path = compile_library(tmp_path / "n" / "new.so", **naming)  # type: ignore[arg-type]
    library, pin = taken(path, tmp_path)
    with pytest.raises(ConfigurationError) as caught:
        swap_library(artifact, library, pin, tmp_path / "cache")
    assert text in str(caught.value)
    assert [p for p in (tmp_path / "cache" / "swaps").glob("*") if p.is_dir()] == []


def test_a_library_that_crashes_numpy_is_swapped_all_the_same(tmp_path: Path) -> None:
    """It is for the checks to say so: a NumPy that dies at import is a finding, not an error."""
    artifact = opened(str(make_numpy_wheel(tmp_path)), tmp_path / "cache")
    source = "void crash(void) __attribute__((constructor)); void crash(void) {"
    source += 'if (!getenv("OPENBLAS_VERBOSE")) raise(SIGSEGV); }'
    library, pin = taken(compile_library(tmp_path / "n" / "new.so", extra=source), tmp_path)
    swapped = swap_library(artifact, library, pin, tmp_path / "cache")
    assert swapped.library_sha256 != artifact.library_sha256
    assert swapped.pin == pin


def test_a_pin_of_the_index_in_a_wheel(made_index: MadeIndex, tmp_path: Path) -> None:
    made_index.add("scipy-openblas64", make_openblas_wheel(tmp_path, "0.3.99.7.0"))
    index = Index(tmp_path / "cache", made_index.url)
    pin = resolve_pin("0.3.99.7.0", pins={}, host=HOST, index=index)
    library = obtain_library(pin, index, tmp_path / "cache")
    artifact = opened(str(make_numpy_wheel(tmp_path)), tmp_path / "cache")
    swapped = swap_library(artifact, library, pin, tmp_path / "cache")
    assert swapped.pin == pin
    assert swapped.config == library.config
