"""A build by cibuildwheel, with a script in the place of cibuildwheel itself.

What it is given (sources, pinned wheel, requirements, configuration) and what becomes of its
output, its failures and its interruption is real; the container is not.
"""

from __future__ import annotations

import hashlib
import io
import os
import sys
import tarfile
import time
import tomllib
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import pytest
from attrs import evolve, field, frozen
from made_wheels import HOST, MadeIndex, make_openblas_wheel

from release_gate.errors import ConfigurationError, InfrastructureError
from release_gate.matrix.load import load_matrices
from release_gate.model import NumPySource, Provider
from release_gate.openblas.index import Index
from release_gate.openblas.pins import resolve_pin
from release_gate.progress import Silent
from release_gate.resources import matrices_dir
from release_gate.wheels import cibuildwheel
from release_gate.wheels.buildconfig import BuildConfiguration, load_release_settings
from release_gate.wheels.cibuildwheel import TRANSCRIPT, build_by_cibuildwheel
from release_gate.wheels.engine import Engine
from release_gate.wheels.source import resolve_numpy

if TYPE_CHECKING:
    from collections.abc import Callable

VERSION = "0.3.99.1.0"
WHEEL = "numpy-2.4.6-cp312-cp312-manylinux_2_28_x86_64.whl"

#: Says and makes what cibuildwheel would; keeps a copy of what it was given.
PLAYED = f"""
import os, shutil, sys
print("Starting container image made-up...")
print("[1/2] Compiling a.c")
print("a.c:1:1: warning: talk")
print("    1 | quoted source")
print("[2/2] Linking b.so", flush=True)
shutil.copytree(".", os.environ["SEEN"], dirs_exist_ok=True)
out = sys.argv[sys.argv.index("--output-dir") + 1]
open(os.path.join(out, "{WHEEL}"), "w").close()
"""


class Engineless(Engine):
    """Counts how often it was cleaned up after."""

    cleaned: list[str] = []  # noqa: RUF012  (of the class: the configuration is copied)

    def remove_containers(self) -> None:
        self.cleaned.append(self.label)


@frozen
class Told(Silent):
    """Keeps what is told of a build; `at` is called with each note."""

    notes: list[str] = field(factory=list)
    steps: list[tuple[int, str]] = field(factory=list)
    at: Callable[[str], None] = lambda _: None

    def note(self, text: str) -> None:
        self.notes.append(text)
        self.at(text)

    def step(self, done: int, doing: str) -> None:
        self.steps.append((done, doing))


@frozen(kw_only=True)
class Bench:
    """What the tests build with."""

    configuration: BuildConfiguration
    numpy: NumPySource
    index: Index
    cache: Path
    seen: Path
    play: Callable[[str], None]

    def build(self, told: Told | None = None, **changes: Any) -> Path:
        return build_by_cibuildwheel(
            self.numpy,
            evolve(self.configuration, **changes),
            index=self.index,
            cache=self.cache,
            progress=told or Told(),
        )

    def logs(self) -> list[Path]:
        return sorted((self.cache / "logs").glob("*.log"))


@pytest.fixture
def bench(made_index: MadeIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    archive = tmp_path / "numpy-2.4.6.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        for name, text in (
            ("pyproject.toml", b'[project]\nname = "numpy"\nrequires-python = ">=3.11"\n'),
            ("LICENSE.txt", b"NumPy's own\n"),
        ):
            info = tarfile.TarInfo(f"numpy-2.4.6/{name}")
            info.mtime, info.size = 1_700_000_000, len(text)
            tar.addfile(info, io.BytesIO(text))
    made_index.add("numpy", archive)
    made_index.add("scipy-openblas64", make_openblas_wheel(tmp_path, VERSION))
    index = Index(tmp_path / "cache", made_index.url)
    row = next(row for row in load_matrices(matrices_dir()).platforms if row.name == "linux-x86_64")
    configuration = BuildConfiguration(
        settings=load_release_settings(matrices_dir()),
        row=row,
        pin=resolve_pin(VERSION, pins={}, host=HOST, index=index),
        tag="cp312",
        project=PurePosixPath("/unused"),
        engine=Engineless(name="podman"),
    )
    monkeypatch.setattr(Engineless, "cleaned", [])
    monkeypatch.setenv("SEEN", str(tmp_path / "seen"))

    def play(script: str) -> None:
        real = cibuildwheel._command

        def command(of: BuildConfiguration) -> list[str]:
            return [sys.executable, "-c", script, *real(of)[3:]]

        monkeypatch.setattr(cibuildwheel, "_command", command)
        # Which builds are selected is asked of the real one.
        monkeypatch.setattr(cibuildwheel, "selected_builds", lambda of: (of.identifier,))

    return Bench(
        configuration=configuration,
        numpy=resolve_numpy("2.4.6", sdists={}, index=index),
        index=index,
        cache=tmp_path / "cache",
        seen=tmp_path / "seen",
        play=play,
    )


def test_the_project_holds_all_that_the_build_needs(bench: Bench) -> None:
    bench.play(PLAYED)
    wheel = bench.build()
    assert wheel.name == WHEEL
    openblas = bench.seen / "openblas"
    pin = bench.configuration.pin
    assert (openblas / "requirements.txt").read_text() == (
        f"scipy-openblas64=={VERSION} --hash=sha256:{pin.sha256}\n"
    )
    assert hashlib.sha256((openblas / pin.filename).read_bytes()).hexdigest() == pin.sha256
    assert (openblas / "before_build.py").is_file()
    assert not (openblas / "tools.txt").exists()
    licence = (bench.seen / "numpy" / "LICENSE.txt").read_text()
    assert licence.startswith("NumPy's own\n\n----\n")
    assert "Files: numpy.libs/libscipy_openblas*.so" in licence
    table = tomllib.loads((bench.seen / "cibuildwheel.toml").read_text())["tool"]["cibuildwheel"]
    assert table["build"] == "cp312-manylinux_x86_64"


def test_the_second_time_nothing_is_built(bench: Bench) -> None:
    bench.play(PLAYED)
    first = bench.build()
    bench.play("raise SystemExit(1)")
    assert bench.build(jobs=3) == first
    with pytest.raises(InfrastructureError):
        bench.build(tag="cp313")


def test_steps_are_told_and_the_compilers_talk_is_not_kept(bench: Bench) -> None:
    bench.play(PLAYED)
    told = Told()
    wheel = bench.build(told)
    assert told.notes == ["Starting container image made-up"]
    assert told.steps == [(1, "Compiling a.c"), (2, "Linking b.so")]
    transcript = (wheel.parent / TRANSCRIPT).read_text()
    assert "Linking b.so" in transcript
    assert "talk" not in transcript
    assert "quoted" not in transcript
    assert bench.logs() == []


@pytest.mark.parametrize(
    ("status", "hint"),
    [(1, "--builder native"), (3, "does not build for"), (7, "container engine")],
)
def test_a_failure_names_the_log_and_the_next_step(bench: Bench, status: int, hint: str) -> None:
    bench.play(f"print('what went wrong'); raise SystemExit({status})")
    with pytest.raises(InfrastructureError, match="what went wrong") as raised:
        bench.build()
    (problem,) = raised.value.problems
    assert f"exit status {status}" in problem.what
    assert hint in problem.hint
    assert [problem.where] == [str(log) for log in bench.logs()]
    assert Engineless.cleaned == [bench.configuration.engine and bench.configuration.engine.label]


def test_a_build_without_wheel_is_a_failure(bench: Bench) -> None:
    bench.play("print('done')")
    with pytest.raises(InfrastructureError, match="made 0 wheels of one"):
        bench.build()


def test_an_interrupt_ends_all_processes_and_removes_the_container(
    bench: Bench, tmp_path: Path
) -> None:
    child = tmp_path / "child"
    sleeper = "import os, time; open(os.environ['CHILD'], 'w').write(str(os.getpid())); "
    bench.play(
        "import os, subprocess, sys, time\n"
        f"os.environ['CHILD'] = {str(child)!r}\n"
        f"subprocess.Popen([sys.executable, '-c', {sleeper + 'time.sleep(600)'!r}])\n"
        "there = os.environ['CHILD']\n"
        "while not (os.path.exists(there) and os.path.getsize(there)):\n"
        "    time.sleep(0.01)\n"
        "print('Building wheel...', flush=True)\n"
        "time.sleep(600)\n"
    )

    def interrupt(_: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bench.build(Told(at=interrupt))
    assert _is_gone(int(child.read_text()))
    assert len(Engineless.cleaned) == 1
    assert [path.name for path in (bench.cache / "cibuildwheel").glob("*/")] == []


def _is_gone(pid: int) -> bool:
    for _ in range(500):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        with suppress(OSError):
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        time.sleep(0.01)
    return False


def test_variables_of_cibuildwheel_do_not_override_the_configuration(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("CIBW_BUILD", "CIBW_ENVIRONMENT", "GITHUB_STEP_SUMMARY"):
        monkeypatch.setenv(name, "planted")
    bench.play(PLAYED + "print('planted' in os.environ.values())\n")
    transcript = (bench.build().parent / TRANSCRIPT).read_text()
    assert transcript.rstrip().endswith("False")


def test_the_password_of_an_index_is_not_in_the_log(bench: Bench) -> None:
    bench.play("import os; print(os.environ['PIP_INDEX_URL']); raise SystemExit(1)")
    pin = bench.configuration.pin
    bench.index.fetch_pinned(str(pin.provider), pin.filename, pin.sha256)
    bench.index.fetch_pinned("numpy", bench.numpy.location, bench.numpy.sha256)
    secret = Index(bench.cache, "https://somebody:secret@example.org/simple/")
    with pytest.raises(InfrastructureError) as raised:
        evolve(bench, index=secret).build()
    assert "https://***@example.org" in str(raised.value)
    assert "secret" not in str(raised.value) + bench.logs()[0].read_text()


def test_nothing_selected_is_an_error_of_ours(bench: Bench) -> None:
    with pytest.raises(
        ConfigurationError, match="would build nothing, planned is cp310-"
    ) as raised:
        bench.build(tag="cp310")
    assert "requires-python" in raised.value.problems[0].hint


def test_what_it_cannot_build_is_told_at_once(bench: Bench) -> None:
    pin = evolve(bench.configuration.pin, provider=Provider.FILE)
    finished = evolve(bench, numpy=evolve(bench.numpy, kind="wheel"))
    row = evolve(bench.configuration.row, blas="accelerate")
    with pytest.raises(ConfigurationError) as raised:
        finished.build(pin=pin, row=row)
    assert len(raised.value.problems) == 3
