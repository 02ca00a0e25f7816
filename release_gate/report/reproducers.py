"""Scripts that show a finding again: written from templates beside the report, and tried.

A template is a plain Python file that needs nothing but NumPy: it has a line ``PARAMETERS = {...}``
with an example, exits with 1 when it sees the fault and with 0 when it does not. It belongs to the
check after which it is named (``exact_gemm.py``: exact.gemm), or to those in a line near its top,
``# reproduces: exact.gemm, exact.gemv``.
"""

from __future__ import annotations

import ast
import re
import shlex
import subprocess
import tempfile
import uuid
from typing import TYPE_CHECKING, Any

import attrs

from release_gate.errors import InfrastructureError, Problem
from release_gate.execution.environment import TOKEN, child_environment
from release_gate.execution.processes import kill_all
from release_gate.judgement.findings import first_failing
from release_gate.model import Reproducer
from release_gate.wire import write_atomically

if TYPE_CHECKING:
    from pathlib import Path

    from release_gate.model import Artifact, CellResult, Comparison, Finding, Observation

__all__ = ["find_template", "run_reproducer", "write_reproducer"]

#: Runs a script so that what went wrong in the script itself cannot be taken for the fault: an
#: exception, and SystemExit with a text, would end with status 1 as well.
_RUNNER = """\
import runpy, sys, traceback
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

_MAPPING = re.compile(r"^#\s*reproduces:\s*(.+)$", re.MULTILINE)
#: How far into a template the line that names its checks may stand.
_TOP = 2_000


def find_template(check: str, templates: Path) -> Path | None:
    """Return the template for `check`; None when there is none."""
    own = templates / f"{check.replace('.', '_').replace('-', '_')}.py"
    if own.is_file():
        return own
    for path in sorted(templates.glob("*.py")):
        named = _MAPPING.search(path.read_text("utf-8")[:_TOP])
        if named and check in {name.strip() for name in named[1].split(",")}:
            return path
    return None


def write_reproducer(
    finding: Finding,
    templates: Path,
    out: Path,
    *,
    artifact: Artifact,
    result: CellResult | None = None,
) -> Reproducer | None:
    """Write the script for `finding` into the folder `out`.

    `artifact` is the wheel it failed with, `result` what was read back in its cell. Returns None
    where there is nothing to show again (an answer was lost) or no template for the check.
    Raises InfrastructureError when the script cannot be written.
    """
    shown = first_failing(finding)
    template = find_template(finding.check, templates)
    if shown is None or template is None:
        return None
    comparison, observation = shown
    cell = comparison.candidate
    chosen = next((case.parameters for case in observation.evidence.cases if case.parameters), None)
    script = _with_parameters(
        template.read_text("utf-8"), chosen, {"kernel": cell.kernel, "threads": cell.threads}
    )
    path = out / f"{finding.id}.py"
    header = _header(finding, comparison, observation, artifact, result)
    write_atomically(path, (header + script).encode())
    command = shlex.join([artifact.interpreter.executable, str(path)])
    return Reproducer(
        path=str(path),
        command=f"PYTHONPATH={shlex.quote(artifact.site)} {command}",
        note="" if chosen else "with the template's own input: no failing input was recorded",
    )


def _with_parameters(source: str, chosen: dict[str, Any] | None, place: dict[str, Any]) -> str:
    """Return `source` with its PARAMETERS replaced; without `chosen`, its own are kept."""
    for node in ast.parse(source).body:
        match node:
            case ast.Assign(targets=[ast.Name(id="PARAMETERS")], value=value):
                parameters = (ast.literal_eval(value) if chosen is None else chosen) | place
                lines = source.splitlines(keepends=True)
                new = f"PARAMETERS = {parameters!r}\n"
                return "".join([*lines[: node.lineno - 1], new, *lines[node.end_lineno :]])
    raise InfrastructureError(
        Problem(
            what="a reproducer template has no line 'PARAMETERS = {...}'",
            where=source[:60].partition("\n")[0],
        )
    )


def _header(
    finding: Finding,
    comparison: Comparison,
    observation: Observation,
    artifact: Artifact,
    result: CellResult | None,
) -> str:
    """Return the comment that makes the script a whole report to whoever gets only it."""
    cell = comparison.candidate
    host = result.host if result else None
    facts = {
        "Finding": f"{finding.id} ({finding.symptom})",
        "What": finding.summary,
        "Seen": observation.reason,
        "Check": finding.check,
        "Wheel": f"{artifact.name} (sha256 {artifact.sha256})",
        "OpenBLAS": f"{artifact.pin}, says {artifact.config!r}",
        "Library": f"sha256 {artifact.library_sha256}",
        "Kernel": f"asked for {cell.kernel}, ran {result.kernel.observed if result else 'unknown'}",
        "Threads": str(cell.threads),
        "CPU": f"{host.cpu}, {host.cores} cores" if host else "unknown",
        "System": f"{host.platform}, {host.libc or 'libc unknown'}" if host else "unknown",
        "Python": artifact.interpreter.version,
        "Emulator": cell.emulator or "none",
        "Looks like": ", ".join(issue.url for issue in finding.issues[:3]) or "no known issue",
        "Run": "with the wheel on PYTHONPATH; exit status 1: the fault is there, 0: it is not",
    }
    # One line each, whatever is in it: nothing of it may become code.
    lines = [f"# {name}: {' '.join(value.split())}" for name, value in facts.items()]
    return "\n".join(line.encode("ascii", "replace").decode() for line in lines) + "\n\n"


def run_reproducer(
    reproducer: Reproducer,
    artifact: Artifact,
    path: Path,
    *,
    hangs: bool = False,
    tries: int = 3,
    budget: float = 60.0,
) -> Reproducer:
    """Run the script at `path` as its command would, and return how often it showed the fault.

    Exit status 1 and death by a signal count, and with `hangs` also more than `budget` seconds.
    An exception in the script itself does not: it proves nothing about the library. The
    environment holds nothing inherited that steers NumPy or BLAS.
    """
    hits = 0
    notes: dict[str, None] = dict.fromkeys([reproducer.note] if reproducer.note else [])
    for _ in range(tries):
        hit, note = _try(path, artifact, budget, hangs=hangs)
        hits += hit
        if note:
            notes[note] = None
    return attrs.evolve(reproducer, hits=hits, tries=tries, note="; ".join(notes))


def _try(path: Path, artifact: Artifact, budget: float, *, hangs: bool) -> tuple[bool, str]:
    token = uuid.uuid4().hex
    environment = {
        name: value
        for name, value in child_environment(None, 1).items()
        if not name.startswith("OPENBLAS_")  # the script sets kernel and threads itself
    } | {"PYTHONPATH": artifact.site, TOKEN: token}
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
            return hangs, "" if hangs else f"took more than {budget:.0f} s"
        finally:
            kill_all(process.pid, token)
            process.wait()
        log.seek(0)
        output = log.read().decode("utf-8", "replace")
    if status < 0 or status == 1:
        return True, ""
    last = output.strip().rpartition("\n")[2]
    return False, "" if status == 0 else f"the script itself failed ({status}): {last[:200]}"
