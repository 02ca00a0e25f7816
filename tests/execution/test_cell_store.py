"""What is kept, what is used again and what is not."""

from __future__ import annotations

import json
import os
import signal
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from attrs import evolve
from made_cells import (
    HOST,
    NUMPY,
    MadeCell,
    end,
    gate_at,
    is_alive,
    make_cell,
    make_site,
    spec,
    wait_dead,
)

from release_gate.errors import InfrastructureError
from release_gate.execution.store import environment_key
from release_gate.model import Outcome, Role

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from release_gate.model import Artifact

COUNTS = 'ask_count(marks / "{0}"); ctx.ran()\n'


def runs(cell: MadeCell, name: str) -> int:
    path = cell.folder / "marks" / name
    return path.stat().st_size if path.exists() else 0


def test_a_second_run_asks_nothing(made: Callable[..., MadeCell]) -> None:
    cell = made(one=COUNTS.format("one"), two=COUNTS.format("two"))
    first = cell.run()
    second = cell.run()
    assert (runs(cell, "one"), runs(cell, "two")) == (1, 1)
    assert not first.reused
    assert second.reused
    assert [evolve(seen, reused=False) for seen in second.observations] == list(first.observations)
    assert (second.kernel, second.threads, second.openblas) == (
        first.kernel,
        first.threads,
        first.openblas,
    )
    assert cell.store.known(cell.key, cell.specs) == {"made.one", "made.two"}


def test_fresh_asks_all_again(made: Callable[..., MadeCell]) -> None:
    cell = made(one=COUNTS.format("one"))
    cell.run()
    assert not cell.run(fresh=True).reused
    assert runs(cell, "one") == 2


def test_only_a_changed_check_runs_again(made: Callable[..., MadeCell]) -> None:
    cell = made(one=COUNTS.format("one"), two=COUNTS.format("two"))
    cell.run()
    changed = evolve(cell, specs=cell.specs | {"made.two": spec("two", digest="another")})
    result = changed.run()
    assert [seen.reused for seen in result.observations] == [True, False]
    assert (runs(cell, "one"), runs(cell, "two")) == (1, 2)


def test_a_failure_and_a_crash_are_kept_with_their_evidence(made: Callable[..., MadeCell]) -> None:
    cell = made(fails='ctx.ran(); ctx.fail("gemm", "wrong", {"n": 3})', dies="os.abort()")
    first = cell.run()
    second = cell.run()
    assert second.reused
    assert [evolve(seen, reused=False) for seen in second.observations] == list(first.observations)
    assert second.observations[0].repeat is not None


def test_an_error_is_asked_again(made: Callable[..., MadeCell]) -> None:
    cell = made(one=COUNTS.format("one") + "raise KeyError")
    assert cell.observe("one").outcome is Outcome.ERROR
    assert cell.observe("one").outcome is Outcome.ERROR
    assert runs(cell, "one") == 2


@pytest.mark.parametrize(
    "damage",
    [
        lambda _: "",
        lambda text: text[: len(text) // 2],
        lambda text: text.replace('"cases_run": 1', '"cases_run": 2'),
        lambda text: text.replace("passed", "faild"),
        lambda _: "[]",
        lambda _: "{}",
        lambda _: json.dumps({"schema": "release-gate/observation/1", "kept": None}),
    ],
    ids=["empty", "cut", "changed", "misspelt", "list", "no-schema", "no-content"],
)
def test_a_damaged_entry_is_asked_again_and_mended(
    made: Callable[..., MadeCell], damage: Callable[[str], str]
) -> None:
    cell = made(one=COUNTS.format("one"))
    cell.run()
    path = cell.store.path(cell.key, cell.specs["made.one"])
    whole = path.read_text()
    path.write_text(damage(whole))
    assert path.read_text() != whole
    assert not cell.run().reused
    assert runs(cell, "one") == 2
    assert cell.run().reused


def test_a_failure_whose_repeat_was_not_reached_is_repeated_the_next_time(
    made: Callable[..., MadeCell],
) -> None:
    cell = made(fails=COUNTS.format("fails") + 'ctx.fail("gemm", "wrong")')
    cell.run()
    kept = cell.store.get(cell.key, cell.specs["made.fails"])
    assert kept is not None
    unrepeated = evolve(kept, observation=evolve(kept.observation, repeat=None))
    cell.store.put(cell.key, cell.specs["made.fails"], unrepeated)
    seen = cell.observe("fails")
    assert seen.repeat is not None
    assert runs(cell, "fails") == 3


def test_the_key_holds_all_that_an_answer_depends_on_but_not_the_role(
    made: Callable[..., MadeCell],
) -> None:
    cell = made(one="ctx.ran()")

    def key(**changes: object) -> str:
        facts: dict[str, Any] = {"cell": cell.cell, "artifact": cell.artifact, "host": HOST}
        return environment_key(**(facts | {"profile": "full", "seed": 7} | changes))

    def interpreter(**changes: Any) -> Artifact:
        return evolve(cell.artifact, interpreter=evolve(cell.artifact.interpreter, **changes))

    same = evolve(cell.cell, role=Role.BASELINE)
    assert key(cell=same) == key()
    others = [
        key(cell=evolve(cell.cell, kernel="SkylakeX")),
        key(cell=evolve(cell.cell, threads=1)),
        key(cell=evolve(cell.cell, emulator="qemu")),
        key(artifact=evolve(cell.artifact, sha256="9" * 64)),
        key(artifact=evolve(cell.artifact, library_sha256="9" * 64)),
        key(artifact=interpreter(version="3.99.0")),
        key(artifact=interpreter(executable="/bin/sh")),
        key(host=evolve(HOST, flags=("avx2", "avx512f"))),
        key(host=evolve(HOST, cores=4)),
        key(profile="smoke"),
        key(seed=8),
        key(launcher=("nice",)),
    ]
    assert len({key(), *others}) == len(others) + 1


def test_a_death_at_import_is_kept_though_the_next_child_starts(tmp_path: Path) -> None:
    once = f"""
import os, pathlib
mark = pathlib.Path({str(tmp_path / "mark")!r})
if not mark.exists():
    mark.touch()
    os.abort()
"""
    cell = make_cell(
        tmp_path, make_site(tmp_path / "site", numpy=once + NUMPY), one="ctx.ran()", two="ctx.ran()"
    )
    first = cell.run()
    assert [seen.outcome for seen in first.observations] == [Outcome.CRASHED, Outcome.PASSED]
    second = cell.run()
    assert second.reused
    assert [seen.outcome for seen in second.observations] == [Outcome.CRASHED, Outcome.PASSED]
    assert second.kernel.observed == "Haswell"


def test_an_interpreter_that_is_gone_is_told_with_a_hint(made: Callable[..., MadeCell]) -> None:
    cell = made(one="ctx.ran()")
    gone = evolve(cell.artifact.interpreter, executable=str(cell.folder / "python"))
    with pytest.raises(InfrastructureError, match="cannot start the interpreter") as raised:
        evolve(cell, artifact=evolve(cell.artifact, interpreter=gone)).run()
    assert raised.value.problems[0].hint


def test_a_cache_that_cannot_be_written_is_told_and_leaves_no_child(
    made: Callable[..., MadeCell],
) -> None:
    cell = made(
        one='(marks / "pid").write_text(str(os.getpid())); ctx.ran()', two="time.sleep(600)"
    )
    (cell.folder / "cache").write_text("a file where the folder should be")
    with pytest.raises(InfrastructureError, match="cannot write"):
        cell.run()
    assert not is_alive(int((cell.folder / "marks" / "pid").read_text()))


def test_the_stage_is_told_what_runs_and_what_went_wrong(made: Callable[..., MadeCell]) -> None:
    cell = made(one="ctx.ran()", two="os.abort()")
    cell.run()
    assert (0, "Haswell t8: made.one") in cell.told.steps
    assert (1, "Haswell t8: made.two") in cell.told.steps
    assert max(done for done, _ in cell.told.steps) == 2
    (note,) = cell.told.notes
    assert "made.two crashed: died with SIGABRT" in note


SCRIPT = """
import sys
from pathlib import Path
from made_cells import make_cell, make_site
from release_gate.execution.beside import run_beside
folder = Path(sys.argv[1])
artifact = make_site(folder / "site") if not (folder / "site").exists() else None
cell = make_cell(folder, artifact, one='ctx.ran()', two='''
(marks / "pid").write_text(str(os.getpid()))
if os.fork() == 0:
    os.setsid()
    (marks / "orphan").write_text(str(os.getpid()))
    time.sleep(600)
while not (marks / "go").exists():
    time.sleep(0.05)
ctx.ran()
''')
try:
    run_beside([lambda stop: cell.run(stop=stop)], width=1)
except KeyboardInterrupt:
    sys.exit(130)
"""


def kept_entries(folder: Path) -> list[str]:
    return [path.name for path in (folder / "cache").rglob("*.json")]


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Yield a process that runs a cell, has kept the first answer and is at the second check."""
    orphan = tmp_path / "marks" / "orphan"
    with gate_at(
        tmp_path, SCRIPT, lambda: orphan.exists() and bool(kept_entries(tmp_path))
    ) as gate:
        yield gate
        with suppress(ProcessLookupError):
            os.kill(int(orphan.read_text()), signal.SIGKILL)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_gate_leaves_no_process(
    tmp_path: Path, gate: subprocess.Popen[bytes], number: signal.Signals
) -> None:
    assert end(gate, number) == 130
    for name in ("pid", "orphan"):
        assert not is_alive(int((tmp_path / "marks" / name).read_text()))


def test_a_killed_gate_takes_its_child_along_and_loses_only_the_running_check(
    tmp_path: Path, gate: subprocess.Popen[bytes]
) -> None:
    gate.kill()
    gate.wait(30)
    wait_dead(int((tmp_path / "marks" / "pid").read_text()))
    assert not list(tmp_path.glob("temporary/release-gate-*"))
    (kept,) = kept_entries(tmp_path)
    assert kept.startswith("made.one-")
