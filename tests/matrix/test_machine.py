"""The host and its interpreters."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from release_gate.errors import ConfigurationError
from release_gate.matrix.host import flags_of, probe_host
from release_gate.matrix.interpreters import (
    FoundInterpreter,
    choose_interpreter,
    choose_numpy,
    find_interpreters,
)
from release_gate.matrix.tables import NumPyRelease
from release_gate.model import Interpreter

X86 = """\
processor\t: 0
model name\t: AMD EPYC
flags\t\t: fpu sse2 pni avx2 fma avx512f

processor\t: 1
model name\t: AMD EPYC
flags\t\t: fpu sse2 pni avx2 fma
"""
ARM = "processor\t: 0\nFeatures\t: fp asimd sve\nCPU implementer\t: 0x41\n"
POWER = "processor\t: 0\ncpu\t\t: POWER9 (architected), altivec supported\n"
Z14 = "vendor_id       : IBM/S390\nfeatures\t: esan3 zarch vx vxd vxe\n"
RISCV = "processor\t: 0\nisa\t\t: rv64imafdcv_zicsr_zvl256b\nuarch\t\t: spacemit,x60\n"


@pytest.mark.parametrize(
    ("text", "machine", "name", "has", "lacks"),
    [
        (X86, "x86_64", "AMD EPYC", {"pni", "avx2"}, {"avx512f"}),
        (ARM, "aarch64", "", {"asimd", "sve"}, {"sme"}),
        ("", "aarch64", "", {"asimd"}, {"sve"}),
        (
            POWER,
            "ppc64le",
            "POWER9 (architected), altivec supported",
            {"power8", "power9"},
            {"power10"},
        ),
        (Z14, "s390x", "", {"vx", "vxe"}, set()),
        (RISCV, "riscv64", "spacemit,x60", {"v", "zvl256b"}, {"zvl512b"}),
        ("", "x86_64", "", set(), {"sse2"}),
    ],
)
def test_flags_are_those_that_every_cpu_has(
    text: str, machine: str, name: str, has: set[str], lacks: set[str]
) -> None:
    cpu, flags = flags_of(text, machine)
    assert cpu == name
    assert has <= set(flags)
    assert not lacks & set(flags)
    assert list(flags) == sorted(flags)


def test_host_is_this_machine() -> None:
    host = probe_host()
    assert host.system in {"linux", "darwin", "windows"}
    assert host.platform == f"{host.system}-{host.machine}"
    assert 1 <= host.cores <= (os.cpu_count() or 1)
    assert host.flags
    assert host.cpu


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no affinity here")
def test_cores_are_those_that_this_process_may_use() -> None:
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert probe_host().cores == 1
    finally:
        os.sched_setaffinity(0, before)


@pytest.fixture
def pythons(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all of PATH: this Python, a shim and a file that is no program."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "python3").symlink_to(sys.executable)
    (folder / "python3.11").symlink_to(sys.executable)
    (folder / "python3.12").write_text("#!/bin/sh\nexit 0\n")
    (folder / "python3.13").write_bytes(b"\x7fELF no program")
    for name in ("python3.12", "python3.13"):
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    for name in ("PYENV_ROOT", "ASDF_DATA_DIR", "RYE_HOME", "UV_PYTHON_INSTALL_DIR", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / "nothing"))
    monkeypatch.setenv("PYTHONHOME", "/nowhere")
    return folder


def test_interpreters_are_run_once_and_told_once(pythons: Path, tmp_path: Path) -> None:
    (one,) = find_interpreters(tmp_path / "cache")
    assert one.interpreter.executable == str(Path(sys.executable).resolve())
    assert one.interpreter.version == ".".join(map(str, sys.version_info[:3]))
    assert one.prefix == str(Path(sys.base_prefix).resolve())
    store = tmp_path / "cache" / "interpreters.json"
    kept = json.loads(store.read_bytes())
    kept[one.interpreter.executable]["said"]["version"] = "3.99.1"
    store.write_text(json.dumps(kept))
    (again,) = find_interpreters(tmp_path / "cache")
    assert again.interpreter.version == "3.99.1"  # from the cache
    store.write_text("{cut short")
    assert find_interpreters(tmp_path / "cache") == (one,)
    (pythons / "python3").unlink()
    (pythons / "python3.11").unlink()
    assert find_interpreters(tmp_path / "cache") == ()
    assert find_interpreters(extra=[sys.executable]) == (one,)


def python(version: str, **facts: object) -> FoundInterpreter:
    headers = bool(facts.pop("headers", True))
    path = str(facts.pop("executable", f"/opt/python-{version}/bin/python3"))
    return FoundInterpreter(
        interpreter=Interpreter(executable=path, version=version, **facts),  # type: ignore[arg-type]
        prefix=f"/opt/python-{version}",
        headers=headers,
    )


def release(version: str, requires_python: str) -> NumPyRelease:
    return NumPyRelease(
        version=version,
        released="2026-11-15",
        requires_python=requires_python,
        sdist=f"numpy-{version}.tar.gz",
        sha256="0" * 64,
        ships="scipy-openblas64==0.3.34.237.2",
    )


RELEASES = [release("2.5.5", ">=3.12"), release("2.4.6", ">=3.11")]


def test_newest_numpy_with_the_oldest_python_in_its_newest_patch() -> None:
    found = [python("3.14.0"), python("3.12.9"), python("3.12.1"), python("3.11.7")]
    choice = choose_numpy(RELEASES, found)
    assert (choice.release.version, choice.interpreter.version) == ("2.5.5", "3.12.9")
    assert "newest pinned" in choice.why
    assert "oldest at hand that is >=3.12" in choice.why


def test_older_numpy_where_no_python_can_build_the_newest() -> None:
    found = [
        python("3.13.1", headers=False),
        python("3.14.0", free_threaded=True),
        python("3.12.3", implementation="pypy"),
        python("3.11.7"),
    ]
    choice = choose_numpy(RELEASES, found)
    assert (choice.release.version, choice.interpreter.version) == ("2.4.6", "3.11.7")
    assert "2.5.5 needs Python >=3.12" in choice.why


@pytest.mark.parametrize(
    "wanted", ["3.11", "3.11.7", "python3.11", "cp311", "/opt/python-3.11.7/x"]
)
def test_python_that_is_asked_for(wanted: str, tmp_path: Path) -> None:
    executable = "/opt/python-3.11.7/bin/python3"
    if wanted.startswith("/"):
        path = tmp_path / "python3"
        path.touch()
        wanted = executable = str(path)
    found = [python("3.12.1"), python("3.11.7", executable=executable)]
    choice = choose_numpy(RELEASES, found, python=wanted)
    assert (choice.release.version, choice.interpreter.version) == ("2.4.6", "3.11.7")


def test_reasons_are_told_for_every_interpreter() -> None:
    found = [
        python("3.13.1", headers=False),
        python("3.10.2"),
        python("3.14.0", free_threaded=True),
    ]
    with pytest.raises(ConfigurationError) as caught:
        choose_numpy(RELEASES, found)
    told = str(caught.value)
    assert len(caught.value.problems) == 2
    for reason in ("no headers", "3.10.2", "is not >=3.11", "is free-threaded", "python3-dev"):
        assert reason in told


def test_an_interpreter_without_headers_is_good_enough_to_run_checks() -> None:
    chosen, _ = choose_interpreter([python("3.12.1", headers=False)], ">=3.12", build=False)
    assert chosen.version == "3.12.1"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"version": "2.5.6"}, "NumPy 2.5.6 is not in matrices/"),
        ({"python": "3.19"}, "no interpreter '3.19' at hand"),
        ({"version": "2.5.5", "python": "3.11"}, "3.11.7 .* is not >=3.12"),
    ],
)
def test_what_cannot_be_chosen(options: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        choose_numpy(RELEASES, [python("3.11.7"), python("3.12.1")], **options)
