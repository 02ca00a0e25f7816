"""Running a script as its command would, without what the environment of this process steers."""

from __future__ import annotations

import re
import subprocess
import tempfile
import uuid
from typing import TYPE_CHECKING

from attrs import frozen

from release_gate.execution.environment import TOKEN, child_environment
from release_gate.execution.processes import kill_all

if TYPE_CHECKING:
    from pathlib import Path

    from release_gate.model import Artifact

__all__ = ["Ran", "run_script"]

#: Runs a script so that what went wrong in the script itself cannot be taken for the fault: an
#: exception, and SystemExit with a text, would end with status 1 as well.
_RUNNER = """\
import resource, runpy, sys, traceback
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
sys.argv = sys.argv[1:]
try:
    runpy.run_path(sys.argv[0], run_name="__main__")
except SystemExit as end:
    if end.code is None or isinstance(end.code, int):
        raise
    print(end.code, file=sys.stderr)
    sys.exit(2)
except BaseException:
    traceback.print_exc()
    sys.exit(2)
"""

#: What OpenBLAS says with OPENBLAS_VERBOSE=2 when it has chosen its kernel.
_CORE = re.compile(r"^Core: (\S+)", re.MULTILINE)


@frozen(kw_only=True)
class Ran:
    """One run: whether it showed the fault, why it could not (`note`), and what `core` it named."""

    hit: bool
    note: str = ""
    core: str | None = None


def run_script(path: Path, artifact: Artifact, budget: float, *, hangs: bool = False) -> Ran:
    """Run the script at `path` with the wheel's interpreter, for at most `budget` seconds.

    Exit status 1 and death by a signal show the fault, and with `hangs` also to take longer. An
    exception in the script itself does not: it proves nothing about the library. No process of it
    is left behind.
    """
    token = uuid.uuid4().hex
    environment = {
        name: value
        for name, value in child_environment(None, 1).items()
        if not name.startswith("OPENBLAS_")  # the script sets kernel and threads itself
    } | {"PYTHONPATH": artifact.site, TOKEN: token, "OPENBLAS_VERBOSE": "2"}
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [artifact.interpreter.executable, "-c", _RUNNER, str(path)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=log,
            env=environment,
            start_new_session=True,
        )
        try:
            status = process.wait(budget)
        except subprocess.TimeoutExpired:
            return Ran(hit=hangs, note="" if hangs else f"took more than {budget:.0f} s")
        finally:
            kill_all(process.pid, token)
            process.wait()
        log.seek(0)
        output = log.read().decode("utf-8", "replace")
    named = _CORE.search(output)
    core = named[1] if named else None
    if status in {0, 1} or status < 0:
        return Ran(hit=status != 0, core=core)
    last = output.strip().rpartition("\n")[2]
    return Ran(hit=False, note=f"the script itself failed ({status}): {last[:200]}", core=core)
