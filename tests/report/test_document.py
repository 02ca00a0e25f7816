from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from gate_report import record, report
from gate_values import no_go_run, passing, plan
from jsonschema import Draft202012Validator

from release_gate.errors import ConfigurationError
from release_gate.judgement.audit import IssueState
from release_gate.judgement.catalogue import Confidence, Severity
from release_gate.model import Verdict
from release_gate.report.document import make_report, read_report, write_report
from release_gate.resources import schema_path
from release_gate.schemas.generate import DOCUMENTS, generate
from release_gate.wire import CELL_SCHEMA, PLAN_SCHEMA, to_data, write_cell, write_plan

GOLDEN = Path(__file__).parent / "golden" / "report.json"


def validator(name: str) -> Draft202012Validator:
    schema = json.loads(schema_path(name).read_bytes())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


@pytest.mark.parametrize("name", list(DOCUMENTS))
def test_the_schema_files_are_what_the_model_says(name: str) -> None:
    written = json.loads(schema_path(name).read_bytes())
    assert written == generate(name), "run: python -m release_gate.schemas.generate"


def test_real_documents_satisfy_their_schemas(tmp_path: Path) -> None:
    the_plan, results = no_go_run()
    write_plan(tmp_path / "plan.json", the_plan)
    write_report(tmp_path / "report.json", report())
    validator("plan").validate(json.loads((tmp_path / "plan.json").read_bytes()))
    validator("report").validate(json.loads((tmp_path / "report.json").read_bytes()))
    for result in results:
        write_cell(tmp_path / "cell.json", result)
        validator("cell").validate(json.loads((tmp_path / "cell.json").read_bytes()))


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [
        ("plan", "schema", CELL_SCHEMA),
        ("plan", "profile", None),
        ("plan", "cells", [{"cell": {}}]),
        ("plan", "extra", 1),
    ],
)
def test_a_wrong_document_does_not(name: str, key: str, value: Any) -> None:
    document = {"schema": PLAN_SCHEMA, **to_data(plan())}
    assert validator(name).is_valid(json.loads(json.dumps(document)))
    assert not validator(name).is_valid(json.loads(json.dumps(document | {key: value})))


def test_the_document_has_the_keys_of_the_contract(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    write_report(path, report())
    data = json.loads(path.read_bytes())
    assert data["schema"] == "release-gate/report/1"
    assert data["verdict"] == "NO-GO"
    finding = data["findings"][0]
    assert {"check", "comparison", "blocking", "cells", "issues", "reproducer"} <= set(finding)
    assert {"id", "url", "why_matched"} <= set(finding["issues"][0])
    assert {"satisfaction", "why"} <= set(data["requirements"][0])
    assert data["waivers"] == []
    assert {"known_issues", "not_covered", "cells", "digests"} <= set(data)
    changed = [setting["changed"] for setting in data["configuration"]]
    assert changed == sorted(changed, reverse=True)
    assert data["configuration"][0]["key"] == "candidate"


def test_the_report_is_what_it_was() -> None:
    written = json.loads(GOLDEN.read_text("utf-8"))
    assert json.loads(json.dumps(to_data(report()))) == written, "run: tests/support/gate_report.py"


def test_a_report_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    write_report(path, report())
    assert read_report(path) == report()


def test_what_is_no_report_is_refused_with_every_problem(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    write_report(path, report())
    data = json.loads(path.read_bytes())
    data["verdict"] = "GOO"
    del data["host"]
    path.write_text(json.dumps(data))
    with pytest.raises(ConfigurationError) as caught:
        read_report(path)
    assert "did you mean 'GO'?" in str(caught.value)
    assert "missing key 'host'" in str(caught.value)


def test_headlines() -> None:
    assert report().headline == (
        "4 blocking findings: exact.gemm, exact.syrk, forking.lu, concurrency.mixed-matmul"
    )
    the_plan = plan(checks=("exact.gemm",))
    good = make_report(record(the_plan, passing(the_plan)))
    assert good.verdict is Verdict.INCONCLUSIVE
    assert good.headline == "no full answer to wheel, threading"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, True),
        ({"state": IssueState.NOT_EXERCISED}, True),
        ({"severity": Severity.FATAL, "confidence": Confidence.MEDIUM}, True),
        ({"arrives": False}, False),  # users have it today
        ({"state": IssueState.NOT_SEEN}, False),
        ({"state": IssueState.REPRODUCED}, False),  # a finding, which is counted
        ({"state": IssueState.IMPOSSIBLE}, False),
        ({"severity": Severity.ANNOYING}, False),
        ({"confidence": Confidence.LOW}, False),
    ],
)
def test_go_names_what_the_candidate_is_known_to_bring_and_nobody_looked_at(
    changes: dict[str, Any], *, told: bool
) -> None:
    whole = record()
    issue = evolve(
        whole.known_issues[0],
        id="X#1",
        arrives=True,
        state=IssueState.ELSEWHERE,
        severity=Severity.SILENT,
        confidence=Confidence.HIGH,
    )
    issue = evolve(issue, **changes)
    go = evolve(whole.decision, verdict=Verdict.GO)
    headline = make_report(evolve(whole, decision=go, known_issues=(issue,))).headline
    words = "; not looked at here, known of the candidate alone: X#1"
    assert headline.endswith(words) == told
    assert ("X#1" in headline) == told


def test_a_headline_does_not_deny_a_new_failure_that_only_informs() -> None:
    the_plan, results = no_go_run()
    whole = record(the_plan, results)
    informed = tuple(evolve(each, blocking=False) for each in whole.decision.findings)
    go = evolve(whole.decision, verdict=Verdict.GO, findings=informed)
    headline = make_report(evolve(whole, decision=go, known_issues=())).headline
    assert ", nothing that blocks fails" in headline
    assert headline.endswith(f"; {len(informed)} findings that do not block")
    none = evolve(go, findings=())
    assert "nothing new fails" in make_report(evolve(whole, decision=none)).headline


def test_every_planned_cell_is_in_the_report_whether_it_answered_or_not() -> None:
    the_plan, results = no_go_run()
    cells = report().cells
    assert [cell.id for cell in cells] == [entry.cell.id for entry in the_plan.cells]
    absent = [cell for cell in cells if not cell.present]
    assert len(absent) == len(the_plan.cells) - len(results) == 1
    assert absent[0].outcomes == {}
    assert absent[0].kernel_observed is None
