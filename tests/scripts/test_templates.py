"""Hand-written scripts: short, and there for every check that they name."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from gate_values import CANDIDATE, artifact
from many_scripts import run_program
from written import TEMPLATES, run_text

from release_gate.pipeline import all_checks
from release_gate.scripts.sources import source_for
from release_gate.scripts.templates import (
    PARTS,
    find_template,
    template_example,
    template_script,
)
from release_gate.scripts.text import Trial

if TYPE_CHECKING:
    from pathlib import Path

FILES = sorted(path for path in TEMPLATES.glob("*.py") if path.name != PARTS)
LONGEST = 63
DRIVERS = ("solve", "inv", "cholesky", "qr", "lstsq", "eigh", "eig", "svd")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_script_is_short(path: Path) -> None:
    trial = Trial(parameters=template_example(path), kernel="Haswell", threads=1)
    script = template_script(path, trial)
    compile(script, path.name, "exec")
    assert len(script.splitlines()) <= LONGEST


def test_every_template_belongs_to_a_check() -> None:
    ids = [spec.id for spec in all_checks()]
    assert {find_template(each, TEMPLATES) for each in ids} >= set(FILES)


@pytest.mark.network
@pytest.mark.parametrize("function", DRIVERS)
def test_a_driver_that_recorded_no_input_gets_one(function: str, numpy_site: Path) -> None:
    source = source_for(
        f"accuracy.{function}",
        None,
        kernel=None,
        threads=1,
        artifact=artifact(CANDIDATE, site="site"),
        templates=TEMPLATES,
    )
    assert source is not None
    assert source.own_input
    script = source.text(source.trial)
    assert len(script.splitlines()) <= LONGEST
    assert run_text(script, numpy_site, "") == 0


@pytest.mark.network
def test_each_operation_of_several_callers_has_a_script(numpy_site: Path) -> None:
    program = """
import json
from checks.concurrency import _operations
print(json.dumps([each.name for each in _operations(1, 150, 24, True)]))
"""
    path = find_template("concurrency.same-operation", TEMPLATES)
    assert path is not None
    for operation in json.loads(run_program(numpy_site, program)):
        parameters = template_example(path) | {"operation": operation}
        script = template_script(path, Trial(parameters=parameters, kernel="Haswell", threads=2))
        short = script.replace("time.monotonic() + 30", "time.monotonic() + 0.1")
        assert short != script
        assert run_text(short, numpy_site, "") == 0, operation
