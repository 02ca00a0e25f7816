"""Libraries on disk: what is taken of a provider's wheel, and which kernels are believed."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest
from made_wheels import HOST, MadeIndex, compile_library, make_openblas_wheel, write_wheel

from release_gate.errors import ConfigurationError
from release_gate.openblas import kernels as kernels_module
from release_gate.openblas.index import Index
from release_gate.openblas.kernels import held_kernels
from release_gate.openblas.library import Library, code_digest, obtain_library, require_names
from release_gate.openblas.pins import resolve_pin
from release_gate.openblas.probe import Probe
from release_gate.wheels.tools import find_tool

if TYPE_CHECKING:
    from pathlib import Path


def library_of(path: Path, cache: Path) -> Library:
    index = Index(cache)
    return obtain_library(resolve_pin(str(path), pins={}, host=HOST, index=index), index, cache)


def test_a_wheel_gives_its_library(made_index: MadeIndex, tmp_path: Path) -> None:
    made_index.add("scipy-openblas64", make_openblas_wheel(tmp_path, "0.3.99.1.0"))
    index = Index(tmp_path / "cache", made_index.url)
    pin = resolve_pin("0.3.99.1.0", pins={}, host=HOST, index=index)
    library = obtain_library(pin, index, tmp_path / "cache")
    assert (library.version, library.interface, str(library.naming)) == (
        "0.3.99.1.0",
        "ilp64",
        "scipy_*64_",
    )
    assert library.dynamic
    assert library.build_options == "USE_64BITINT=1 DYNAMIC_ARCH=1"
    assert library.cflags == (
        "-DBLAS_SYMBOL_PREFIX=scipy_",
        "-DBLAS_SYMBOL_SUFFIX=64_",
        "-DHAVE_BLAS_ILP64",
        "-DOPENBLAS_ILP64_NAMING_SCHEME",
    )
    assert library.include is not None
    assert (library.include / "cblas.h").is_file()
    assert library.licence is not None
    made_index.down = True
    assert obtain_library(pin, index, tmp_path / "cache") == library


def test_a_damaged_library_is_taken_again(made_index: MadeIndex, tmp_path: Path) -> None:
    made_index.add("scipy-openblas64", make_openblas_wheel(tmp_path, "0.3.99.1.0"))
    index = Index(tmp_path / "cache", made_index.url)
    pin = resolve_pin("0.3.99.1.0", pins={}, host=HOST, index=index)
    library = obtain_library(pin, index, tmp_path / "cache")
    whole = library.path.read_bytes()
    library.path.write_bytes(whole[:-100])
    assert obtain_library(pin, index, tmp_path / "cache").path.read_bytes() == whole


def test_a_wheel_without_a_library(made_index: MadeIndex, tmp_path: Path) -> None:
    name = "scipy_openblas64-0.3.98.0.0-py3-none-manylinux2014_x86_64.whl"
    made_index.add(
        "scipy-openblas64", write_wheel(tmp_path / name, "scipy_openblas64", "0.3.98.0.0", {})
    )
    index = Index(tmp_path / "cache", made_index.url)
    pin = resolve_pin("0.3.98.0.0", pins={}, host=HOST, index=index)
    with pytest.raises(ConfigurationError, match="expected one OpenBLAS"):
        obtain_library(pin, index, tmp_path / "cache")


def test_a_file_that_changed_since_it_was_pinned(tmp_path: Path) -> None:
    path = compile_library(tmp_path / "libmine.so")
    index = Index(tmp_path)
    pin = resolve_pin(str(path), pins={}, host=HOST, index=index)
    compile_library(path, version="0.3.99.2.0")
    with pytest.raises(ConfigurationError, match="digest mismatch"):
        obtain_library(pin, index, tmp_path)


def test_missing_symbols_are_counted_and_named(tmp_path: Path) -> None:
    library = library_of(compile_library(tmp_path / "libmine.so"), tmp_path)
    require_names(library, frozenset({"scipy_cblas_dgemm64_"}), "numpy.whl")
    needed = frozenset({f"scipy_dother{i}_64_" for i in range(7)} | {"scipy_cblas_dgemm64_"})
    with pytest.raises(ConfigurationError) as caught:
        require_names(library, needed, "numpy.whl")
    assert "lacks 7 symbols" in str(caught.value)
    assert "scipy_dother0_64_" in str(caught.value)


def test_a_library_around_another_one_is_whole(tmp_path: Path) -> None:
    """A planted fault defines one routine and names the real library as its dependency."""
    real = compile_library(tmp_path / "libreal.so")
    inner = tmp_path / "inner.so"
    real.rename(inner)
    patchelf = find_tool("patchelf")
    subprocess.run([patchelf, "--set-soname", str(inner), str(inner)], check=True, timeout=60)
    outer = tmp_path / "libouter.so"
    subprocess.run(
        [
            *("cc", "-shared", "-fPIC", "-Wl,--no-as-needed", "-x", "c", "-", "-x", "none"),
            *(str(inner), "-o", str(outer)),
        ],
        input=b"void scipy_cblas_dgemm64_(void) {}",
        check=True,
        timeout=60,
    )
    library = library_of(outer, tmp_path)
    assert {"scipy_dgesv_64_", "scipy_cblas_dgemm64_"} <= library.symbols()


def test_code_digest_sees_code_only(tmp_path: Path) -> None:
    one = compile_library(tmp_path / "one" / "libmine.so")
    same = compile_library(tmp_path / "two" / "libmine.so")
    other = compile_library(tmp_path / "three" / "libmine.so", extra="int more(void){return 1;}")
    assert code_digest(one) == code_digest(same)
    assert code_digest(one) != code_digest(other)


def test_only_what_answers_is_held(tmp_path: Path) -> None:
    library = library_of(compile_library(tmp_path / "libmine.so"), tmp_path)
    names: dict[str, list[str]] = {
        "Haswell": ["avx2"],
        "Zen": ["avx2"],
        "SkylakeX": ["avx2", "avx512f"],
        "Nehalem": [],
        "Broken": [],
        "Leaver": [],
    }
    held = held_kernels(library, names, HOST, tmp_path)
    assert [(kernel.asked, kernel.observed) for kernel in held] == [
        ("Haswell", "Haswell"),
        ("Zen", "Haswell"),
        ("SkylakeX", None),
        ("Nehalem", None),
        ("Broken", None),
        ("Leaver", None),
    ]
    notes = {kernel.asked: kernel.note for kernel in held}
    assert notes["Zen"] == "it runs Haswell"
    assert notes["SkylakeX"] == "this CPU lacks avx512f"
    assert notes["Nehalem"] == "the library does not hold it"
    assert notes["Broken"] == "killed by SIGILL"
    assert notes["Leaver"] == "exited before it answered"


def test_a_kernel_that_runs_here_is_held_though_its_name_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(*_: object, core: str) -> Probe:
        stderr = f"Core not found: {core}\nCore: Cooperlake\n"
        return Probe(config="", core="Cooperlake", stderr=stderr, failure=None)

    library = library_of(compile_library(tmp_path / "libmine.so"), tmp_path)
    monkeypatch.setattr(kernels_module, "probe", refuses)
    held = held_kernels(library, {"Cooperlake": [], "Nehalem": []}, HOST, tmp_path)
    assert [kernel.observed for kernel in held] == ["Cooperlake", None]
    assert "does not know its name" in held[0].note


def test_a_library_of_one_kernel_ignores_what_it_is_asked(tmp_path: Path) -> None:
    path = compile_library(tmp_path / "libmine.so", config="OpenBLAS 0.3.99  USE64BITINT Haswell")
    held = held_kernels(library_of(path, tmp_path), {"Zen": [], "haswell": []}, HOST, tmp_path)
    assert [kernel.observed for kernel in held] == [None, "Haswell"]
    assert "one kernel only" in held[0].note


def test_kernels_are_asked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = library_of(compile_library(tmp_path / "libmine.so"), tmp_path)
    held = held_kernels(library, {"Haswell": []}, HOST, tmp_path)
    monkeypatch.setattr(kernels_module, "probe", None)  # a second question would fail
    assert held_kernels(library, {"Haswell": []}, HOST, tmp_path) == held
    (cached,) = (tmp_path / "kernels").glob("*.json")
    cached.write_text(json.dumps([{"asked": "Haswell"}])[:-4])
    monkeypatch.undo()
    assert held_kernels(library, {"Haswell": []}, HOST, tmp_path) == held


def test_inherited_settings_do_not_reach_the_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Broken")
    library = library_of(compile_library(tmp_path / "libmine.so"), tmp_path)
    assert library.config.startswith("OpenBLAS 0.3.99.1.0")
