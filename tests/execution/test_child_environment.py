"""The environment of a child: what goes, what stays, what is set."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from release_gate.execution.environment import child_environment, keeping_bytecode, settings

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest
    from made_cells import MadeCell

STEERING = {
    "OPENBLAS_CORETYPE": "Prescott",
    "OPENBLAS_L2_SIZE": "512",
    "openblas_num_threads": "3",
    "GOTO_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "BLIS_NUM_THREADS": "1",
    "NPY_DISABLE_CPU_FEATURES": "AVX512F",
    "NUMPY_MADVISE_HUGEPAGE": "0",
    "PYTHONPATH": "/elsewhere",
    "PYTHONSTARTUP": "/elsewhere.py",
    "LD_PRELOAD": "/elsewhere.so",
    "MALLOC_PERTURB_": "7",
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2",
}

HARMLESS = {
    "PATH": "/usr/bin",
    "HOME": "/home/someone",
    "LANG": "C.UTF-8",
    "LC_ALL": "C",
    "TMPDIR": "/var/tmp",
    "SSL_CERT_FILE": "/etc/certificates",
    "LD_LIBRARY_PATH": "/opt/python/lib",
    "SYSTEMROOT": "C:\\Windows",
}


def test_what_steers_goes_and_what_is_harmless_stays() -> None:
    made = child_environment("Haswell", 8, inherited=STEERING | HARMLESS)
    assert made == HARMLESS | settings("Haswell", 8)
    assert made["OPENBLAS_CORETYPE"] == "Haswell"
    assert made["OPENBLAS_NUM_THREADS"] == "8"


def test_without_a_kernel_the_library_chooses() -> None:
    assert "OPENBLAS_CORETYPE" not in child_environment(None, 1, inherited=STEERING)


@given(st.dictionaries(st.sampled_from(sorted(STEERING | HARMLESS)), st.text()), st.integers(1, 64))
def test_nothing_inherited_can_change_a_setting(inherited: dict[str, str], threads: int) -> None:
    chosen = settings("SkylakeX", threads)
    hostile = dict.fromkeys(chosen, "inherited")
    made = child_environment("SkylakeX", threads, inherited=inherited | hostile)
    assert chosen.items() <= made.items()


def test_a_check_sees_only_the_gates_settings(
    made: Callable[..., MadeCell], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in STEERING.items():
        if name != "LD_PRELOAD":  # would reach the gate's own tools here
            monkeypatch.setenv(name, value)
    seen = made(
        looks="""
        ctx.ran()
        ctx.details.update(os.environ)
        ctx.details["site_packages"] = any("site-packages" in path for path in sys.path)
        ctx.details["working_directory"] = "" in sys.path or os.getcwd() in sys.path
        ctx.details["hash"] = sys.flags.hash_randomization
        """
    ).observe("looks")
    details = seen.evidence.details
    assert {name: details[name] for name in STEERING if name in details} == {
        "OPENBLAS_CORETYPE": "Haswell"
    }
    assert not details["site_packages"]
    assert not details["working_directory"]
    assert details["hash"] == 0


def test_compiled_modules_are_kept_apart_and_used_again(
    made: Callable[..., MadeCell], tmp_path: Path
) -> None:
    cell = made(passes="ctx.ran()")
    places = [cell.checks, Path(cell.artifact.site)]
    (plain,) = cell.run("passes").observations
    folder = tmp_path / "bytecode"
    (kept,) = cell.run("passes", variables=keeping_bytecode(folder), fresh=True).observations
    assert (plain.outcome, kept.outcome) == ("passed", "passed")
    (compiled,) = folder.rglob("made.*.pyc")
    written = compiled.stat().st_mtime_ns, compiled.stat().st_ino
    cell.run("passes", variables=keeping_bytecode(folder), fresh=True)
    assert (compiled.stat().st_mtime_ns, compiled.stat().st_ino) == written
    assert not [path for place in places for path in place.rglob("*.pyc")]
