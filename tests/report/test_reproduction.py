from __future__ import annotations

import ast
import sys
from typing import TYPE_CHECKING

import pytest
from attrs import evolve
from gate_values import CANDIDATE, INTERPRETER, POLICY, SPECS, artifact, no_go_run

from release_gate.judgement.decide import decide
from release_gate.progress import Silent
from release_gate.report.reproduction import attach_reproducers

if TYPE_CHECKING:
    from pathlib import Path

    from release_gate.model import Artifact, Finding

#: A template whose fault needs k >= 100 and the kernel Haswell, and which counts its runs.
TEMPLATE = """\
import os
PARAMETERS = {"k": 1, "kernel": "Haswell", "threads": 1}
os.environ["OPENBLAS_CORETYPE"] = PARAMETERS["kernel"]
with open(COUNT, "a") as file:
    file.write("run\\n")
wrong = os.environ.get("OPENBLAS_CORETYPE") == "Haswell" and PARAMETERS["k"] >= 100
raise SystemExit(wrong)
"""


@pytest.fixture
def wheel(tmp_path: Path) -> Artifact:
    made = artifact(CANDIDATE, site=str(tmp_path))
    return evolve(made, interpreter=evolve(INTERPRETER, executable=sys.executable))


def attached(tmp_path: Path, wheel: Artifact, template: str = TEMPLATE) -> dict[str, Finding]:
    """Return the findings of a run, of which those of exact.syrk have a template."""
    templates = tmp_path / "templates"
    templates.mkdir(exist_ok=True)
    source = template.replace("COUNT", repr(str(tmp_path / "runs")))
    (templates / "exact_syrk.py").write_text(source)
    plan, results = no_go_run()
    decision = attach_reproducers(
        decide(plan, results, POLICY, SPECS),
        results,
        {CANDIDATE: wheel},
        templates=templates,
        out=tmp_path / "out",
        cache=tmp_path / "cache",
        progress=Silent(),
        kernels={CANDIDATE: ("Haswell", "SkylakeX")},
    )
    return {each.check: each for each in decision.findings}


def runs(tmp_path: Path) -> int:
    path = tmp_path / "runs"
    return len(path.read_text().splitlines()) if path.exists() else 0


def test_a_script_is_shrunk_tried_and_toggled_and_its_answers_kept(
    tmp_path: Path, wheel: Artifact
) -> None:
    finding = attached(tmp_path, wheel)["exact.syrk"]
    assert finding.reproducer is not None
    script = (tmp_path / "out" / f"{finding.id}.py").read_text()
    (line,) = [line for line in script.splitlines() if line.startswith("PARAMETERS")]
    given = ast.literal_eval(line.partition(" = ")[2])
    assert (given["n"], given["k"], given["kernel"]) == (1, 100, "Haswell")
    assert (finding.reproducer.hits, finding.reproducer.tries) == (3, 3)
    assert {(each.kernel, each.threads) for each in finding.toggles} == {
        (kernel, threads) for kernel in ("Haswell", None, "SkylakeX") for threads in (1, 2, 8)
    }
    assert {each.kernel for each in finding.toggles if each.hits} == {"Haswell"}
    before = runs(tmp_path)
    again = attached(tmp_path, wheel)["exact.syrk"]
    assert again == finding
    assert runs(tmp_path) == before
    assert (tmp_path / "out" / f"{finding.id}.py").read_text() == script


def test_a_script_that_does_not_reproduce_says_so(tmp_path: Path, wheel: Artifact) -> None:
    harmless = TEMPLATE.replace("raise SystemExit(wrong)", "raise SystemExit(0)")
    finding = attached(tmp_path, wheel, harmless)["exact.syrk"]
    assert finding.reproducer is not None
    assert (finding.reproducer.hits, finding.reproducer.tries) == (0, 3)
    assert "does not reproduce: none of 3 runs" in finding.reproducer.note
    assert finding.toggles == ()


def test_a_race_has_its_rate(tmp_path: Path, wheel: Artifact) -> None:
    rare = TEMPLATE.replace(
        "raise SystemExit(wrong)", "raise SystemExit(len(open(COUNT).readlines()) % 2)"
    )
    finding = attached(tmp_path, wheel, rare)["exact.syrk"]
    assert finding.reproducer is not None
    assert (finding.reproducer.hits, finding.reproducer.tries) == (5, 10)


def test_findings_without_a_script_keep_none(tmp_path: Path, wheel: Artifact) -> None:
    others = [each for name, each in attached(tmp_path, wheel).items() if name != "exact.syrk"]
    assert others
    assert all(each.reproducer is None and each.toggles == () for each in others)
