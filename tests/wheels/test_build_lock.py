"""A build tree has one user at a time, even when the gate that used it was killed."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
import threading
from typing import TYPE_CHECKING

from release_gate.progress import Silent
from release_gate.wheels.native import alone
from release_gate.wheels.toolchain import BuildEnvironment
from release_gate.wheels.tree import BuildTree

if TYPE_CHECKING:
    from pathlib import Path

GATE = """
import os, signal, subprocess, sys
from pathlib import Path
from release_gate.progress import Silent
from release_gate.wheels.native import alone
from release_gate.wheels.toolchain import BuildEnvironment
from release_gate.wheels.tree import BuildTree

folder = Path(sys.argv[1])
tree = BuildTree(folder / "tree", BuildEnvironment(folder=folder, frozen=""))
end = str(folder / "end")
compiler = f"import os, time\\nwhile not os.path.exists({end!r}): time.sleep(0.01)"
with alone(tree, Silent()):
    subprocess.Popen([sys.executable, "-c", compiler], pass_fds=(tree.lock,))
    os.kill(os.getpid(), signal.SIGKILL)
"""


class Listening(Silent):
    """Tells when a note comes."""

    def __init__(self) -> None:
        self.noted = threading.Event()
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)
        self.noted.set()


def test_compilers_of_a_killed_gate_are_waited_for(tmp_path: Path) -> None:
    killed = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(GATE), str(tmp_path)], check=False, timeout=60
    )
    assert killed.returncode == -signal.SIGKILL
    tree = BuildTree(tmp_path / "tree", BuildEnvironment(folder=tmp_path, frozen=""))
    stage = Listening()
    entered = threading.Event()

    def build() -> None:
        with alone(tree, stage):
            entered.set()

    thread = threading.Thread(target=build)
    thread.start()
    try:
        assert stage.noted.wait(30)
        assert not entered.is_set()
    finally:
        (tmp_path / "end").touch()
    assert entered.wait(30)
    thread.join()
    assert len(stage.notes) == 1
    assert "waiting" in stage.notes[0]


def test_the_lock_is_given_back(tmp_path: Path) -> None:
    tree = BuildTree(tmp_path / "tree", BuildEnvironment(folder=tmp_path, frozen=""))
    stage = Listening()
    for _ in range(2):
        with alone(tree, stage):
            pass
    assert stage.notes == []
