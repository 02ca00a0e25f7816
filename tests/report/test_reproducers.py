from __future__ import annotations

import ast
import shlex
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import attrs
import psutil
import pytest
from gate_values import (
    CANDIDATE,
    INTERPRETER,
    POLICY,
    SPECS,
    artifact,
    cell,
    no_go_run,
    observation,
)

from release_gate.errors import InfrastructureError
from release_gate.judgement.decide import decide
from release_gate.model import Artifact, CellResult, Finding, Outcome, Reproducer, Role
from release_gate.report.reproducers import run_reproducer, source_of, write_reproducer
from release_gate.scripts.templates import find_template

if TYPE_CHECKING:
    from pathlib import Path

TEMPLATE = '''\
"""Whether the product of {m} x {k} by {k} x {n} integers is right."""
# reproduces: exact.gemm, concurrency.mixed-matmul
import os

PARAMETERS = {
    "dtype": "float32", "m": 3, "n": 4, "k": 5,
    "layout": "FF", "seed": 1,
}

os.environ["OPENBLAS_CORETYPE"] = PARAMETERS["kernel"]
import fakenumpy  # noqa

raise SystemExit(fakenumpy.wrong(PARAMETERS))
'''


@pytest.fixture
def templates(tmp_path: Path) -> Path:
    folder = tmp_path / "templates"
    folder.mkdir()
    (folder / "products.py").write_text(TEMPLATE)
    (folder / "exact_syrk.py").write_text("PARAMETERS = {}\nraise SystemExit(0)\n")
    return folder


@pytest.fixture
def wheel(tmp_path: Path) -> Artifact:
    """A wheel whose fault shows for 64 x 64 x 300 in double precision on SkylakeX only."""
    site = tmp_path / "a site"
    site.mkdir()
    (site / "fakenumpy.py").write_text(
        "def wrong(p):\n"
        "    return int(p['dtype'] == 'float64' and p['k'] == 300 and p['kernel'] == 'SkylakeX')\n"
    )
    return attrs.evolve(
        artifact(CANDIDATE, site=str(site)),
        interpreter=attrs.evolve(INTERPRETER, executable=sys.executable),
    )


def findings() -> dict[str, Finding]:
    the_plan, results = no_go_run()
    return {each.check: each for each in decide(the_plan, results, POLICY, SPECS).findings}


def result_in(kernel: str, threads: int) -> CellResult:
    wanted = cell(Role.CANDIDATE, kernel, threads)
    return next(each for each in no_go_run()[1] if each.cell == wanted)


def test_a_template_is_found_by_its_name_or_by_what_it_says(templates: Path) -> None:
    assert find_template("exact.syrk", templates) == templates / "exact_syrk.py"
    assert find_template("concurrency.mixed-matmul", templates) == templates / "products.py"
    assert find_template("forking.lu", templates) is None


def write(
    finding: Finding, templates: Path, wheel: Artifact, out: Path, result: CellResult | None = None
) -> Reproducer | None:
    """Write the script of `finding` as it failed, not shrunk."""
    source = source_of(finding, templates, wheel)
    if source is None:
        return None
    return write_reproducer(finding, source, source.trial, out, artifact=wheel, result=result)


def test_the_script_has_the_failing_input_and_the_place(
    templates: Path, wheel: Artifact, tmp_path: Path
) -> None:
    finding = findings()["concurrency.mixed-matmul"]
    written = write(finding, templates, wheel, tmp_path / "out", result_in("SkylakeX", 8))
    assert written is not None
    assert (written.hits, written.tries, written.note) == (0, 0, "")
    source = (tmp_path / "out" / f"{finding.id}.py").read_text("ascii")
    (line,) = [line for line in source.splitlines() if line.startswith("PARAMETERS")]
    assert ast.literal_eval(line.partition(" = ")[2]) == {
        "dtype": "float64",
        "m": 64,
        "n": 64,
        "k": 300,
        "layout": "CC",
        "seed": 20,
        "kernel": "SkylakeX",
        "threads": 8,
    }
    for part in (
        f"# Finding: {finding.id} (wrong result)",
        f"# Wheel, for PYTHONPATH: {wheel.name} (sha256 {wheel.sha256})",
        "with scipy-openblas64==0.3.34.106.0, which says 'OpenBLAS 0.3.34.106.0",
        "# Kernel: asked for SkylakeX, ran SkylakeX, 8 threads; AMD EPYC 9V74 80-Core Processor, ",
        "Processor, 2 cores, linux-x86_64, glibc 2.36",
    ):
        assert part in source
    header, _, _ = source.partition("\n\n")
    assert len(header.splitlines()) <= 5  # it takes few of a script's lines


def test_the_command_can_be_typed_and_shows_the_fault(
    templates: Path, wheel: Artifact, tmp_path: Path
) -> None:
    finding = findings()["concurrency.mixed-matmul"]
    written = write(finding, templates, wheel, tmp_path / "o u t")
    assert written is not None
    assignment, *command = shlex.split(written.command)
    name, _, value = assignment.partition("=")
    typed = subprocess.run(command, env={name: value}, check=False, timeout=60)
    assert typed.returncode == 1
    assert subprocess.run(["sh", "-c", written.command], check=False, timeout=60).returncode == 1
    tried = run_reproducer(written, wheel, tmp_path / "o u t" / f"{finding.id}.py", tries=2)
    assert (tried.hits, tried.tries, tried.note) == (2, 2, "")


def test_a_crash_without_an_input_takes_the_templates_own(
    templates: Path, wheel: Artifact, tmp_path: Path
) -> None:
    written = write(findings()["exact.gemm"], templates, wheel, tmp_path)
    assert written is not None
    assert "the script's own input" in written.note
    source = (tmp_path / f"{findings()['exact.gemm'].id}.py").read_text()
    assert "'dtype': 'float32'" in source
    assert "'kernel': 'Haswell', 'threads': 1}" in source


def test_nothing_of_a_finding_becomes_code(
    templates: Path, wheel: Artifact, tmp_path: Path
) -> None:
    finding = attrs.evolve(
        findings()["exact.gemm"], summary='x\nimport os\r\u2028os.abort()\n"""', symptom="\n!"
    )
    write(finding, templates, wheel, tmp_path)
    source = (tmp_path / f"{finding.id}.py").read_text()
    head, _, rest = source.partition("\n\n")
    assert all(line.startswith("# ") for line in head.splitlines())
    assert rest.startswith('"""Whether the product')


def test_there_is_none_without_a_template_or_a_failure(templates: Path, wheel: Artifact) -> None:
    assert source_of(findings()["forking.lu"], templates, wheel) is None
    lost = attrs.evolve(
        findings()["exact.gemm"],
        comparisons=tuple(
            attrs.evolve(
                each, candidate_observation=observation("exact.gemm", Outcome.NOT_EXERCISED)
            )
            for each in findings()["exact.gemm"].comparisons
        ),
    )
    assert source_of(lost, templates, wheel) is None


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("print('PARAMETERS = {}')\n", "PARAMETERS"),
        ("PARAMETERS = {}\nfrom parts import exact_prodct\n", "exact_prodct"),
    ],
)
def test_a_template_that_cannot_be_written_is_refused(
    source: str, message: str, templates: Path, wheel: Artifact, tmp_path: Path
) -> None:
    (templates / "parts.py").write_text("def exact_product(a, b):\n    return a @ b\n")
    (templates / "exact_gemm.py").write_text(source)
    with pytest.raises(InfrastructureError, match=message):
        write(findings()["exact.gemm"], templates, wheel, tmp_path)


SCRIPTS = {
    "right": ("raise SystemExit(0)", (0, 2), ""),
    "wrong": ("raise SystemExit(1)", (2, 2), ""),
    "dies": ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", (2, 2), ""),
    "cannot": ("raise SystemExit(2)", (0, 2), "the script itself failed (2)"),
    "says why": ("raise SystemExit('no OpenBLAS')", (0, 2), "failed (2): no OpenBLAS"),
    "true": ("raise SystemExit(True)", (2, 2), ""),
    "ends": ("print('nothing wrong')", (0, 2), ""),
    "broken": ("import no_such_module", (0, 2), "ModuleNotFoundError"),
    "rare": (
        "import pathlib; p = pathlib.Path(__file__ + '.seen')\nn = p.exists(); p.touch()\nexit(n)",
        (1, 2),
        "",
    ),
    "noise": (
        (
            "import os\n"
            "names = set(os.environ) - {'OPENBLAS_VERBOSE'}\n"
            "exit(any(name.startswith(('OPENBLAS_', 'OMP_', 'NPY_')) for name in names))"
        ),
        (0, 2),
        "",
    ),
}


@pytest.mark.parametrize("name", list(SCRIPTS))
def test_what_counts_as_reproduced(
    name: str, wheel: Artifact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Nehalem")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    script, counted, note = SCRIPTS[name]
    path = tmp_path / "script.py"
    path.write_text(script)
    tried = run_reproducer(Reproducer(path=str(path), command=""), wheel, path, tries=2)
    assert (tried.hits, tried.tries) == counted
    assert note in tried.note
    assert ("does not reproduce: none of 2 runs" in tried.note) is (tried.hits == 0)


@pytest.mark.parametrize("hangs", [True, False])
def test_a_hang_counts_only_for_a_hang_and_leaves_no_process(
    wheel: Artifact, tmp_path: Path, *, hangs: bool
) -> None:
    path = tmp_path / "script.py"
    path.write_text(
        "import os, pathlib, time\n"
        "child = os.fork()\n"
        "if child: pathlib.Path(__file__ + '.pid').write_text(str(child))\n"
        "time.sleep(600)\n"
    )
    before = Reproducer(path=str(path), command="")
    tried = run_reproducer(before, wheel, path, hangs=hangs, tries=1, budget=1.5)
    assert tried.hits == int(hangs)
    assert ("took more than" in tried.note) is not hangs
    child = int((tmp_path / "script.py.pid").read_text())
    deadline = time.monotonic() + 30  # a signal takes its time on a busy machine
    while is_alive(child) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not is_alive(child)


def is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
