"""What the session keeps, what it leaves out, and how the cases of the back-test are judged."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import attrs
import pytest

from release_gate.pipeline import all_checks
from tests.detection import backtest as backtest_module
from tests.detection.backtest import BackTest, BackTestCase, read_cases
from tests.detection.backtest_history import read_verdicts, write_verdicts
from tests.detection.campaign import Campaign, Cell, cells_of
from tests.detection.document import fault_list, found_in
from tests.detection.faults import Fault
from tests.detection.later import LATER
from tests.detection.results import Results
from tests.detection.routines import ROUTINES
from tests.detection.subject import Answer, Run, Subject

if TYPE_CHECKING:
    from pathlib import Path


SPECS = {spec.id: spec for spec in all_checks()}


def test_results_outlive_a_writer_that_was_killed(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "results.jsonl"
    Results(path).put("one", value=1)
    with path.open("a") as stream:
        stream.write('{"key": "two", "va')  # cut short
    again = Results(path)
    assert "one" in again
    assert "two" not in again
    again.put("two", value=2)
    assert [line["value"] for line in Results(path).of(["two", "three", "one"])] == [2, 1]


def test_a_fault_is_tried_in_the_cells_that_it_needs() -> None:
    def cells(**conditions: Any) -> tuple[Cell, ...]:
        return cells_of(Fault(routine=ROUTINES[0], kind="element", **conditions))

    assert cells() == (Cell("Haswell", 1), Cell("Haswell", 8))
    assert cells(kernel="SkylakeX", threads="many") == (Cell("SkylakeX", 8),)


class _Recording:
    """A subject in which exact.level1 is quick and exact.gemm tells every fault."""

    def __init__(self, digest: str) -> None:
        self.digest = digest
        self.shop = SimpleNamespace(checks=[SPECS["exact.gemm"], SPECS["exact.level1"]])
        self.asked: list[tuple[list[str], str, int]] = []

    def ask(self, checks: list[str], *, threads: int, fault: str = "", **_: object) -> Run:
        if fault:
            self.asked.append((checks, fault, threads))
        answers = {
            check: Answer(
                check=check,
                outcome="failed" if fault and check == "exact.gemm" else "passed",
                reason="",
                seconds=2.0 if check == "exact.gemm" else 1.0,
                calls=frozenset({ROUTINES[0].name}),
            )
            for check in checks
        }
        found = answers.get("exact.gemm") if fault and threads > 1 else None
        return Run(answers=tuple(answers.values()), found=found, in_force=1)


def test_what_told_a_fault_before_is_asked_first(tmp_path: Path) -> None:
    fault = Fault(routine=ROUTINES[0], kind="element")

    def campaign(
        digest: str, folder: Path = tmp_path, **known: Any
    ) -> list[tuple[list[str], str, int]]:
        subject = _Recording(digest)
        made = Campaign(cast("Subject", subject), folder, **known)
        for cell in cells_of(fault):
            made.measure(cell, "smoke")
        assert made.attempt(fault, "smoke")["smoke"]["check"] == "exact.gemm"
        assert made.attempt(fault, "smoke")["smoke"]["threads"] == 8
        assert not made.escapes(fault, "smoke")
        return subject.asked

    both = ["exact.level1", "exact.gemm"]
    assert campaign("a library") == [(both, fault.spec, 1), (both, fault.spec, 8)]
    assert campaign("another") == [(["exact.gemm"], fault.spec, 8)]
    listed = {(fault.id, "smoke"): "exact.gemm"}
    first = [(["exact.gemm"], fault.spec, threads) for threads in (1, 8)]
    assert campaign("a library", tmp_path / "elsewhere", told=listed) == first


def test_a_result_from_before_a_check_was_added_counts_until_there_is_a_new_one(
    tmp_path: Path,
) -> None:
    faults = [Fault(routine=routine, kind="element") for routine in ROUTINES[:3]]
    subject = _Recording("a library")
    subject.shop.checks.append(SPECS[LATER[0]])
    campaign = Campaign(cast("Subject", subject), tmp_path)
    for fault in faults[:2]:
        campaign.trials.put(campaign.key(fault, LATER), when="before")
    campaign.trials.put(campaign.key(faults[0]), when="now")
    now, earlier = campaign.tried(faults)
    assert (now["when"], now["missing"]) == ("now", ())
    assert (earlier["when"], earlier["missing"]) == ("before", LATER)


def test_where_a_check_is_asked_is_part_of_what_a_result_depends_on(tmp_path: Path) -> None:
    fault = Fault(routine=ROUTINES[0], kind="element")

    def key(**changes: Any) -> str:
        subject = _Recording("a library")
        subject.shop.checks[0] = attrs.evolve(subject.shop.checks[0], **changes)
        return Campaign(cast("Subject", subject), tmp_path).key(fault)

    assert key() == key(budget=SPECS["exact.gemm"].budget + 1)
    changes: list[dict[str, Any]] = [{"once": True}, {"most_threads": True}, {"max_threads": 1}]
    assert len({key(), *(key(**each) for each in changes)}) == 4


@pytest.mark.parametrize(
    ("outcome", "failing", "told"),
    [
        ("passed", [], False),
        ("failed", ["dgemm"], True),
        ("failed", ["cscal"], False),  # as it does without a fault
        ("failed", ["cscal", "dgemm"], True),
        ("crashed", [], True),
        ("hung", [], True),
        ("not-exercised", [], False),
        ("error", [], False),
    ],
)
def test_a_fault_is_told_by_what_fails_through_it_alone(
    outcome: str, failing: list[str], *, told: bool
) -> None:
    answer = Answer(
        check="exact.level1", outcome=outcome, reason="", seconds=1.0, failing=frozenset(failing)
    )
    assert answer.tells_more({"exact.level1": frozenset({"cscal"})}) is told
    assert answer.tells_more({}) is (outcome in {"failed", "crashed", "hung"})


def test_the_cases_are_well_formed() -> None:
    built = r"source v[\d.]+(-skylakex|-sapphirerapids|-relapack)?"
    artefact = re.compile(rf"numpy==[\d.]+( \+ (scipy-openblas64==[\d.]+|{built}))?")
    cases = read_cases()
    assert sum(case.public for case in cases) == 9
    for case in cases:
        assert case.bad, case.id
        assert all(artefact.fullmatch(each) for each in (*case.bad, *case.good)), case.id
        assert set(case.checks) & set(SPECS), case.id


CASE = BackTestCase(
    id="OpenBLAS#1",
    title="made up",
    checks=("exact.gemm",),
    bad=("numpy==1.0",),
    good=("numpy==2.0", "numpy==2.0 + source v9"),
    silent=("Zen",),
    runs=2,
)


def test_a_case_is_found_missed_or_false(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []

    def product(arguments: list[str]) -> tuple[list[dict[str, Any]], str]:
        asked.append(arguments)
        bad = arguments[0] == "numpy==1.0"
        found = bad and "full" in arguments and len(asked) % 2 == 0
        answer = {"check": "exact.gemm", "kernel": "Haswell", "reason": "wrong"}
        return [answer | {"outcome": "failed" if found else "passed"}], ""

    monkeypatch.setattr(backtest_module, "ask_product", product)
    smoke, full, other, good, missing = BackTest(SPECS, tmp_path, {}).attempt(CASE)
    assert (smoke.profile, smoke.hits) == ("smoke", {"Haswell": 0})
    assert (full.profile, full.hits, full.runs) == ("full", {"Haswell": 1}, 2)
    assert full.told == "exact.gemm: wrong"
    assert (other.bad, other.hits) == (False, {"Zen": 0})
    assert (good.bad, good.hits) == (False, {"Haswell": 0})
    assert "--library v9=FILE" in missing.missing
    runs = len(asked)
    assert BackTest(SPECS, tmp_path, {}).attempt(CASE)[1].hits == {"Haswell": 1}
    assert len(asked) == runs  # taken from the results


def test_a_check_of_full_alone_is_not_asked_in_smoke(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = {"check": "process.counts-at-start", "kernel": "Haswell", "reason": ""}
    monkeypatch.setattr(
        backtest_module, "ask_product", lambda _: ([answer | {"outcome": "passed"}], "")
    )
    case = attrs.evolve(CASE, checks=("process.counts-at-start",), silent=())
    bad, good, _ = BackTest(SPECS, tmp_path, {}).attempt(case)
    assert (bad.bad, bad.profile, bad.hit) == (True, "full", False)
    assert (good.bad, good.profile) == (False, "full")


def test_what_could_not_be_run_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backtest_module, "ask_product", lambda _: ([], "index not answering"))
    assert BackTest(SPECS, tmp_path, {}).attempt(CASE)[0].missing == "index not answering"
    monkeypatch.setattr(backtest_module, "ask_product", lambda _: ([], ""))
    assert not BackTest(SPECS, tmp_path, {}).attempt(CASE)[0].missing
    assert BackTest(SPECS, tmp_path / "new", {}, kept={}).attempt(CASE)[0].missing


def test_verdicts_are_kept_while_the_checks_of_a_case_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = {"check": CASE.checks[0], "kernel": "Haswell", "reason": "wrong", "outcome": "failed"}
    monkeypatch.setattr(backtest_module, "ask_product", lambda _: ([answer], ""))
    case = attrs.evolve(CASE, good=CASE.good[:1])
    verdicts = BackTest(SPECS, tmp_path, {}).attempt(case)
    assert not any(each.missing for each in verdicts)
    path = tmp_path / "kept.tsv"
    write_verdicts(path, [(case, verdicts)])
    kept = BackTest(SPECS, tmp_path / "new", {}, kept=read_verdicts(path)).attempt(case)
    assert [attrs.evolve(each, told=each.told.partition(":")[0]) for each in verdicts] == kept
    write_verdicts(path, [(case, kept)])
    assert len(read_verdicts(path)) == len(verdicts)
    other = attrs.evolve(SPECS[case.checks[0]], digest="other")
    changed = BackTest({**SPECS, other.id: other}, tmp_path / "new", {}, kept=read_verdicts(path))
    assert all(each.missing for each in changed.attempt(case))


def test_a_list_of_other_columns_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "kept.tsv"
    assert read_verdicts(path) == {}
    path.write_text("case\tartefact\n", "utf-8")
    with pytest.raises(ValueError, match=r"kept.tsv: columns are not case, artefact, bad"):
        read_verdicts(path)


def test_the_list_of_faults_says_who_told_each() -> None:
    told = {"check": "exact.gemm", "outcome": "failed"}
    escaped = {"check": None, "asked": 3, "in_force": 2}
    trials = [
        {"fault": "a", "smoke": told},
        {"fault": "b", "smoke": escaped, "full": told},
        {"fault": "c", "smoke": escaped, "full": escaped},
    ]
    assert [found_in(line) for line in trials] == ["smoke", "full", None]
    numpy = [
        {"fault": "a", "caught": True, "why": "FAILED"},
        {"fault": "b", "caught": False, "why": "not called"},
        {"fault": "c", "caught": False, "why": "all passed", "in_force": 4},
    ]
    rows = [line.split("\t") for line in fault_list(trials, numpy).splitlines()]
    assert rows[1:] == [
        ["a", "smoke", "exact.gemm", "failed", "caught"],
        ["b", "full", "exact.gemm", "failed", "not called"],
        ["c", "", "", "escapes", "passed"],
    ]
