from __future__ import annotations

import tomllib
from datetime import date
from typing import TYPE_CHECKING

import attrs
import pytest
import toml
from gate_values import POLICY, SPECS, no_go_run, plan

from release_gate.errors import ConfigurationError
from release_gate.judgement.decide import decide
from release_gate.judgement.waivers import Waivers, load_waivers
from release_gate.model import Satisfaction, Tier, Verdict, Waiver, WaiverState
from release_gate.report.document import make_report, verdict_words
from release_gate.report.terminal import render_summary

if TYPE_CHECKING:
    from pathlib import Path

    from release_gate.model import Decision

TODAY = date(2026, 11, 22)
CHECKS = {spec.id for spec in SPECS}
PLAN, RESULTS = no_go_run()

ENTRY = """
[[waiver]]
check = "exact.gemm"
kernels = ["Haswell"]
architectures = ["x86_64"]
pins = ">=0.3.34,<0.3.34.481"
issue = "https://github.com/OpenMathLib/OpenBLAS/issues/6013"
reason = "only with k > 256"
who = "a release manager"
expires = 2026-12-31
"""


def load(folder: Path, text: str, today: date = TODAY) -> Waivers:
    path = folder / "waivers.toml"
    path.write_text(text)
    return load_waivers(path, checks=CHECKS, kernels={"Haswell", "SkylakeX"}, today=today)


def judged(*entries: Waiver, today: date = TODAY) -> Decision:
    return decide(PLAN, RESULTS, POLICY, SPECS, Waivers(entries=entries, today=today))


def waiver(check: str, **changes: object) -> Waiver:
    entry = Waiver(
        check=check,
        pins="==0.3.34.106.0",
        issue="https://example.org/1",
        reason="a reason",
        who="somebody",
        expires="2026-12-31",
    )
    return attrs.evolve(entry, **changes)  # type: ignore[arg-type]


#: One for each blocking finding of `no_go_run`.
BLOCKING = [each.check for each in judged().findings if each.blocking]
ALL = [waiver(check) for check in dict.fromkeys(BLOCKING)]


def test_an_entry_is_read_as_it_is_written(tmp_path: Path) -> None:
    loaded = load(tmp_path, ENTRY)
    (entry,) = loaded.entries
    assert (entry.check, entry.kernels, entry.expires) == ("exact.gemm", ("Haswell",), "2026-12-31")
    assert loaded.in_force() == (entry,)
    again = toml.dumps(tomllib.loads(ENTRY))
    assert load(tmp_path, again) == loaded


def test_no_file_means_no_waivers(tmp_path: Path) -> None:
    path = tmp_path / "waivers.toml"
    assert load_waivers(path, checks=CHECKS, kernels=(), today=TODAY) == Waivers(today=TODAY)
    assert load(tmp_path, "# nothing yet\n").entries == ()


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    text = "".join(
        [
            ENTRY.replace("exact.gemm", "exact.gem").replace('"Haswell"', '"Hasswell"'),
            ENTRY.replace('"exact.gemm"', '"exact.*"').replace(",<0.3.34.481", ""),
            ENTRY.replace("only with k > 256", " ").replace("a release manager", ""),
            ENTRY.replace("https:", "see ").replace("2026-12-31", "2027-03-23"),
            ENTRY.replace(">=0.3.34,<0.3.34.481", "newer").replace("2026-12-31", '"soon"'),
        ]
    )
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path, text)
    told = str(caught.value)
    for part in (
        "waiver[0].check: no check is called 'exact.gem'\n  hint: did you mean 'exact.gemm'?",
        "waiver[0].kernels: unknown kernel 'Hasswell'\n  hint: did you mean 'Haswell'?",
        "waiver[1].check: no check is called 'exact.*'",
        "waiver[1].pins: '>=0.3.34' has no end",
        "waiver[2].reason: must not be empty",
        "waiver[2].who: must not be empty",
        "waiver[3].issue: ",
        "waiver[3].expires: 2027-03-23 is more than 120 days ahead\n  hint: at most 2027-03-22",
        "waiver[4].pins: 'newer' is not a comparison",
        "waiver[4].expires: 'soon' is no date",
    ):
        assert part in told
    assert len(caught.value.problems) == 10


@pytest.mark.parametrize("text", ["[[waiver]", "[[waiver]]\ncheck = 1\nwhom = 'x'\n", "waiver = 3"])
def test_what_is_no_waiver_is_an_error_with_the_file(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"waivers\.toml"):
        load(tmp_path, text)


def test_what_is_waived_no_longer_blocks_and_stays_a_finding() -> None:
    before, after = judged(), judged(*ALL)
    assert before.verdict is Verdict.NO_GO
    assert after.verdict is not Verdict.NO_GO
    assert {each.id for each in after.findings if each.waived} == {
        each.id for each in before.findings if each.blocking
    }
    assert not any(each.blocking for each in after.findings)
    violated = {
        line.id
        for line in before.requirements
        if line.satisfaction is Satisfaction.VIOLATED and line.tier is Tier.BLOCKING
    }
    assert violated
    for line in after.requirements:
        if line.id in violated and line.satisfaction is Satisfaction.SATISFIED:
            assert line.why.endswith("waived")
        assert line.id not in violated or line.satisfaction is not Satisfaction.VIOLATED
    assert {use.state for use in after.waivers} == {WaiverState.APPLIED}


def test_a_waiver_for_one_kernel_leaves_the_others_blocking() -> None:
    (whole,) = [each for each in judged().findings if each.check == "exact.gemm"]
    assert {each.candidate.kernel for each in whole.comparisons} == {"Haswell"}
    (here,) = [
        each
        for each in judged(waiver("exact.gemm", kernels=("haswell",))).findings
        if each.check == "exact.gemm"
    ]
    assert (here.blocking, here.waived) == (False, True)
    (elsewhere,) = [
        each
        for each in judged(waiver("exact.gemm", kernels=("SkylakeX",))).findings
        if each.check == "exact.gemm"
    ]
    assert (elsewhere.blocking, elsewhere.waived) == (True, False)


@pytest.mark.parametrize(
    "change",
    [
        {"pins": "==0.3.34.107.0"},
        {"kernels": ("SkylakeX2",)},
        {"architectures": ("aarch64",)},
    ],
)
def test_what_a_waiver_does_not_name_blocks_as_before(change: dict[str, object]) -> None:
    decision = judged(waiver("exact.gemm", **change))
    assert decision.verdict is Verdict.NO_GO
    assert {each.id for each in decision.findings if each.blocking} == {
        each.id for each in judged().findings if each.blocking
    }
    assert [use.state for use in decision.waivers] == [WaiverState.UNMATCHED]


def test_the_last_day_of_a_waiver_is_the_one_that_it_names() -> None:
    assert judged(*ALL, today=date(2026, 12, 31)).verdict is not Verdict.NO_GO
    late = judged(*ALL, today=date(2027, 1, 1))
    assert late.verdict is Verdict.NO_GO
    assert {use.state for use in late.waivers} == {WaiverState.EXPIRED}
    assert all(use.findings for use in late.waivers)  # what it covered is told


def test_a_waiver_waives_no_missing_answer() -> None:
    the_plan = plan(checks=("exact.gemm",))
    decision = decide(
        the_plan, [], POLICY, SPECS, Waivers(entries=(waiver("exact.gemm"),), today=TODAY)
    )
    assert decision.verdict is Verdict.INCONCLUSIVE


def test_the_report_says_it_in_the_verdict_and_loudly_what_has_ended() -> None:
    from gate_report import record

    base = record()
    report = make_report(attrs.evolve(base, decision=judged(*ALL)))
    assert verdict_words(report).endswith(f"with {len(ALL)} waivers")
    text = " ".join(render_summary(report).split())
    assert "waived" in text
    assert "somebody, until 2026-12-31" in text
    ended = make_report(
        attrs.evolve(base, decision=judged(waiver("exact.gemm", expires="2026-01-01")))
    )
    assert verdict_words(ended) == "NO-GO"
    assert "EXPIRED, does nothing" in render_summary(ended)
