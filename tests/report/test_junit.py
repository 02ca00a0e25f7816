from __future__ import annotations

from xml.etree import ElementTree as ET

import attrs
from gate_report import record, report
from gate_values import passing, plan
from hypothesis import given
from hypothesis import strategies as st

from release_gate.model import Tier
from release_gate.report.document import make_report
from release_gate.report.junit import render_junit

REPORT = report()


def parse(text: str) -> ET.Element:
    return ET.fromstring(text)  # noqa: S314  (written by the function under test)


def suites(text: str) -> dict[str | None, ET.Element]:
    return {each.get("name"): each for each in parse(text)}


def test_one_suite_per_candidate_cell_and_one_case_per_comparison() -> None:
    found = suites(render_junit(REPORT))
    cells = {each.cell for each in REPORT.comparisons}
    assert set(found) == cells | {"requirements"}
    cases = sum(len(found[cell]) for cell in cells)
    assert cases == len(REPORT.comparisons)
    for suite in found.values():
        assert int(suite.get("tests", "")) == len(suite)
        for attribute, tag in (
            ("failures", "failure"),
            ("errors", "error"),
            ("skipped", "skipped"),
        ):
            assert int(suite.get(attribute, "")) == len(suite.findall(f"testcase/{tag}"))


def test_failures_are_those_of_the_candidate_alone() -> None:
    root = parse(render_junit(REPORT))
    failed = {
        (case.get("classname"), case.get("name"))
        for case in root.iter("testcase")
        if case.find("failure") is not None and case.get("classname") != "requirements"
    }
    assert failed == {
        (each.cell, each.check)
        for each in REPORT.comparisons
        if each.kind in {"regressed", "new", "flaky"}
    }
    errors = [case for case in root.iter("testcase") if case.find("error") is not None]
    assert errors  # the missing cell and the machine's error are not passes


def test_an_unanswered_blocking_requirement_makes_it_red() -> None:
    the_plan = plan(checks=("exact.gemm",))
    incomplete = make_report(record(the_plan, passing(the_plan)))
    suite = suites(render_junit(incomplete))["requirements"]
    assert int(suite.get("failures", "")) == sum(
        each.tier is Tier.BLOCKING and each.satisfaction != "satisfied"
        for each in incomplete.requirements
    )
    assert int(suite.get("failures", "")) > 0


@given(st.text())
def test_any_text_gives_well_formed_xml(text: str) -> None:
    first = attrs.evolve(REPORT.comparisons[0], reason=text, check=text)
    root = parse(render_junit(attrs.evolve(REPORT, comparisons=(first,))))
    assert len(list(root.iter("testcase"))) == 1 + len(REPORT.requirements)
