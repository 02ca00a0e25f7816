"""What a build needs before it can start: compilers, a source, and what goes beside it."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import subprocess
import tarfile
import zipfile
from typing import TYPE_CHECKING

import pytest
from made_wheels import INTERPRETER, MadeIndex, make_numpy_wheel

from release_gate.errors import ConfigurationError, InfrastructureError
from release_gate.model import NumPySource
from release_gate.openblas.index import Index
from release_gate.wheels.repair import append_licences, pack_wheel
from release_gate.wheels.source import resolve_numpy, unpack_source
from release_gate.wheels.toolchain import find_toolchain
from release_gate.wheels.tools import find_tool, run_tool

if TYPE_CHECKING:
    from pathlib import Path


def make_checkout(folder: Path) -> Path:
    """Make a git checkout with what is looked at of NumPy's."""
    (folder / "vendored-meson" / "meson").mkdir(parents=True)
    (folder / "vendored-meson" / "meson" / "meson.py").write_text("")
    (folder / "pyproject.toml").write_text('[project]\nname = "numpy"\nversion = "2.6.0.dev0"\n')
    for command in (["init", "-q"], ["add", "-A"]):
        subprocess.run(["git", *command], cwd=folder, check=True, timeout=60)
    return folder


def make_sdist(folder: Path) -> Path:
    archive = folder / "numpy-2.5.5.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        info = tarfile.TarInfo("numpy-2.5.5/meson.build")
        info.size, info.mtime = 4, 1_700_000_000
        tar.addfile(info, io.BytesIO(b"text"))
    return archive


def test_no_compiler_at_all(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InfrastructureError) as caught:
        find_toolchain(INTERPRETER)
    assert caught.value.exit_code == 4
    assert [problem.what.partition(" (")[0] for problem in caught.value.problems] == [
        "no C compiler",
        "no C++ compiler",
    ]
    assert "release-gate check numpy==VERSION" in str(caught.value)


def test_a_compiler_that_is_asked_for_is_the_only_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "no-such-compiler -m64")
    with pytest.raises(InfrastructureError) as caught:
        find_toolchain(INTERPRETER)
    (problem,) = caught.value.problems
    assert problem.where == "$CC"


def test_flags_are_part_of_the_toolchain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CFLAGS", raising=False)
    plain = find_toolchain(INTERPRETER)
    monkeypatch.setenv("CFLAGS", "-O1")
    assert find_toolchain(INTERPRETER).identity != plain.identity


def test_a_pinned_version(tmp_path: Path) -> None:
    source = resolve_numpy(
        "2.5.5", sdists={"2.5.5": ("numpy-2.5.5.tar.gz", "a" * 64)}, index=Index(tmp_path)
    )
    assert source == NumPySource(
        kind="sdist", version="2.5.5", location="numpy-2.5.5.tar.gz", sha256="a" * 64
    )


def test_a_version_of_the_index(made_index: MadeIndex, tmp_path: Path) -> None:
    digest = made_index.add("numpy", make_sdist(tmp_path))
    index = Index(tmp_path / "cache", made_index.url)
    source = resolve_numpy("numpy==2.5.5", sdists={}, index=index)
    assert source.sha256 == digest
    assert unpack_source(source, tmp_path / "src", index) == 1_700_000_000
    assert (tmp_path / "src" / "meson.build").read_text() == "text"
    with pytest.raises(ConfigurationError, match=r"nearest are 2\.5\.5"):
        resolve_numpy("2.5.6", sdists={}, index=index)


def test_an_archive_that_is_none(made_index: MadeIndex, tmp_path: Path) -> None:
    (tmp_path / "numpy-2.5.5.tar.gz").write_bytes(b"not a tar file")
    made_index.add("numpy", tmp_path / "numpy-2.5.5.tar.gz")
    index = Index(tmp_path / "cache", made_index.url)
    source = resolve_numpy("2.5.5", sdists={}, index=index)
    with pytest.raises(ConfigurationError, match="not an sdist"):
        unpack_source(source, tmp_path / "src", index)
    assert not (tmp_path / "src").exists()


def test_a_checkout_is_known_by_its_tracked_content(tmp_path: Path) -> None:
    folder = make_checkout(tmp_path / "numpy")
    index = Index(tmp_path / "cache")
    source = resolve_numpy(str(folder), sdists={}, index=index)
    assert (source.kind, source.version) == ("checkout", "2.6.0.dev0")
    (folder / "build.log").write_text("untracked")
    assert resolve_numpy(str(folder), sdists={}, index=index) == source
    unpack_source(source, tmp_path / "src", index)
    assert (tmp_path / "src" / "pyproject.toml").is_file()
    assert not (tmp_path / "src" / "build.log").exists()
    (folder / "vendored-meson" / "meson" / "meson.py").write_text("changed")
    assert resolve_numpy(str(folder), sdists={}, index=index).sha256 != source.sha256
    with pytest.raises(InfrastructureError, match="changed since the plan"):
        unpack_source(source, tmp_path / "again", index)


def test_a_checkout_without_its_submodules(tmp_path: Path) -> None:
    folder = make_checkout(tmp_path / "numpy")
    (folder / "vendored-meson" / "meson" / "meson.py").unlink()
    with pytest.raises(ConfigurationError, match="git submodule update --init"):
        resolve_numpy(str(folder), sdists={}, index=Index(tmp_path))


@pytest.mark.parametrize("text", ['[project]\nname = "scipy"\nversion = "1"\n', "", "[project"])
def test_a_folder_that_is_no_checkout(text: str, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        resolve_numpy(str(tmp_path), sdists={}, index=Index(tmp_path))
    assert str(tmp_path) in str(caught.value)


def test_a_wheel_is_a_source_too(tmp_path: Path) -> None:
    wheel = make_numpy_wheel(tmp_path)
    source = resolve_numpy(str(wheel), sdists={}, index=Index(tmp_path))
    assert (source.kind, source.version) == ("wheel", "2.4.6")


def unpacked(folder: Path) -> Path:
    info = folder / "numpy-2.5.5.dist-info"
    (info / "licenses").mkdir(parents=True)
    (info / "licenses" / "LICENSE.txt").write_text("NumPy's own\n")
    (info / "WHEEL").write_text("Wheel-Version: 1.0\n")
    return folder


def test_licences_of_the_library_are_added(tmp_path: Path) -> None:
    folder = unpacked(tmp_path / "files")
    text = tmp_path / "LICENSE.txt"
    text.write_text(
        "Of the packaging\n----\n"
        "This binary distribution of NumPy also bundles the following software:\n"
        "Name: OpenBLAS\nFiles: lib/libscipy_openblas*.so\nThe text\n"
    )
    append_licences(folder, tmp_path, text)
    result = (folder / "numpy-2.5.5.dist-info" / "licenses" / "LICENSE.txt").read_text()
    assert result.startswith("NumPy's own\n\n----\n\nThis binary distribution")
    assert "Files: numpy.libs/libscipy_openblas*.so\n" in result
    assert "Of the packaging" not in result


def test_the_text_of_the_source_comes_first(tmp_path: Path) -> None:
    folder = unpacked(tmp_path / "files")
    own = tmp_path / "tools" / "wheels" / "LICENSE_linux.txt"
    own.parent.mkdir(parents=True)
    own.write_text("of the release\n")
    append_licences(folder, tmp_path, None)
    result = (folder / "numpy-2.5.5.dist-info" / "licenses" / "LICENSE.txt").read_text()
    assert result.endswith("----\n\nof the release\n")


def test_pack_writes_a_true_record(tmp_path: Path) -> None:
    folder = unpacked(tmp_path / "files")
    (folder / "numpy").mkdir()
    (folder / "numpy" / "a, b.py").write_bytes(b"content")
    wheel = pack_wheel(folder, "numpy-2.5.5-py3-none-any.whl", tmp_path)
    with zipfile.ZipFile(wheel) as archive:
        record = archive.read("numpy-2.5.5.dist-info/RECORD").decode()
        rows = {name: (digest, size) for name, digest, size in csv.reader(io.StringIO(record))}
        assert set(rows) == set(archive.namelist())
    digest = base64.urlsafe_b64encode(hashlib.sha256(b"content").digest()).rstrip(b"=").decode()
    assert rows["numpy/a, b.py"] == (f"sha256={digest}", "7")


def test_a_tool_that_fails_shows_its_words() -> None:
    with pytest.raises(InfrastructureError, match="No such file"):
        run_tool([find_tool("patchelf"), "--print-rpath", "nowhere.so"], timeout=60)


def test_a_tool_that_is_missing() -> None:
    with pytest.raises(InfrastructureError, match="no-such-tool is not installed"):
        find_tool("no-such-tool")
