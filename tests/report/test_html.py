from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any
from unicodedata import name

import attrs
import pytest
from big_report import big_report
from gate_report import record, report, report_with_waivers
from gate_values import CANDIDATE, passing, pin, plan
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from release_gate.errors import InfrastructureError
from release_gate.model import (
    Case,
    IssueMatch,
    MatchStanding,
    NotCovered,
)
from release_gate.report.document import Report, make_report, read_report
from release_gate.report.files import write_files
from release_gate.report.html import render_html
from release_gate.report.presentation import LOOKS

if TYPE_CHECKING:
    from pathlib import Path

REPORT = report()
EVERYTHING = report_with_waivers()
VOID = {"meta"}


class Page(HTMLParser):
    """Collects tags and texts; fails on tags that are not nested."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag: str) -> None:
        if tag != "br":
            assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


def page(of: Report) -> Page:
    return Page(render_html(of).replace("<br>", " "))


def test_the_verdict_comes_first_and_everything_is_there() -> None:
    text = page(REPORT).text
    assert text.index("NO-GO") < text.index("no new failures in numeric checks")
    for part in (
        "May NumPy 2.5.5 ship with scipy-openblas64==0.3.34.106.0, after scipy-openblas64==0.3.33",
        "NO-GO",
        "Requirements",
        "Findings",
        "OpenBLAS#6013",
        "(3 of 3 runs showed it)",
        "dgemm_kernel_HASWELL+0x6ea6",
        "Checks × kernels",  # noqa: RUF001  (the sign that is printed)
        "AMD EPYC 9V74 80-Core Processor",
        "no result that counts",
        "Not covered",
        "fork is not available",
        "Known issues",
        "Wheels and digests",
        "Configuration",
        "changed from the default",
    ):
        assert part in text


def test_it_needs_nothing_from_outside() -> None:
    for tag, attributes in page(EVERYTHING).tags:
        assert tag not in {"script", "link", "img", "iframe", "object", "use"}
        assert "src" not in attributes
        if tag == "a":
            href = attributes["href"] or ""
            assert href.startswith(("#", "https://github.com/"))
    assert not re.search(r"url\((?!#tile-)|@import", render_html(EVERYTHING))


def test_every_link_inside_the_page_has_its_target() -> None:
    tags = page(EVERYTHING).tags
    ids = [attributes["id"] for _, attributes in tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    inner = {a["href"] for tag, a in tags if tag == "a" and (a["href"] or "").startswith("#")}
    assert {str(href)[1:] for href in inner} <= set(ids)


def test_waivers_and_toggles_are_shown_when_there_are_some() -> None:
    assert "Waivers" not in page(REPORT).text
    assert "Where it shows" not in page(REPORT).text
    text = page(EVERYTHING).text
    for part in (
        "NO-GO",
        "EXPIRED, does nothing",
        "the shipped library does it too",
        "2027-01-31",
        "Where it shows",
        "chosen by the library (Haswell) 3 of 3 not tried",
        "Haswell 3 of 3 1 of 3",
    ):
        assert part in text


def test_digests_of_what_ran_are_there_without_the_wheels_themselves() -> None:
    text = page(attrs.evolve(REPORT, wheels=(), digests=())).text
    ran = [cell for cell in REPORT.cells if cell.present]
    assert {cell.wheel_sha256 for cell in ran} | {cell.openblas_sha256 for cell in ran} <= set(
        text.split()
    )


def test_a_finding_that_no_known_issue_fits_names_its_draft() -> None:
    first, *others = REPORT.findings
    assert f"new-issues/{first.id}.md" not in page(REPORT).text
    unknown = attrs.evolve(REPORT, findings=(attrs.evolve(first, issues=()), *others))
    assert f"new-issues/{first.id}.md" in page(unknown).text


def test_known_issues_stand_by_severity_and_matches_have_score_and_standing() -> None:
    text = page(REPORT).text
    assert text.index("wrong numbers, and nobody is told") < text.index("the process ends, or")
    assert "that cannot be exercised" in text
    assert re.search(r"OpenBLAS#6013 : [^.]*in range, score \d+\.\d: ", text)
    assert re.search(r"believed fixed, score \d+\.\d: ", text)


@pytest.mark.parametrize("noisy", [True, False])
def test_a_large_report_is_a_small_file(*, noisy: bool) -> None:
    large = big_report(noisy=noisy)
    assert len(large.cells) == 256
    assert len({each.check for each in large.comparisons}) == 200
    text = render_html(large)
    assert len(text.encode()) < 5_000_000
    assert text.count("<") < 120_000
    tags = Page(text.replace("<br>", " ")).tags
    ids = {attributes["id"] for _, attributes in tags if "id" in attributes}
    assert {each.id for each in large.findings} <= ids


def test_a_stack_without_end_is_cut() -> None:
    first = REPORT.findings[0]
    endless = attrs.evolve(
        first.failures[0],
        evidence=attrs.evolve(
            first.failures[0].evidence, stack="<&>\n" * 2_500_000, log="x" * 10**7
        ),
    )
    finding = attrs.evolve(first, first=0, failures=(endless, *first.failures[1:]))
    text = render_html(attrs.evolve(REPORT, findings=(finding,) * 3))
    assert "more characters are in report.json" in text
    assert len(text) < 5_000_000


def test_two_candidates_get_a_map_each() -> None:
    both = plan(candidates=(CANDIDATE, pin("0.3.34.481.3")))
    text = page(make_report(record(both, passing(both)))).text
    assert text.count("scipy-openblas64==0.3.33.112.0 → ") == 2


def test_a_report_with_nothing_in_it_is_still_a_page() -> None:
    empty = attrs.evolve(
        REPORT,
        findings=(),
        cells=(),
        comparisons=(),
        not_covered=(),
        known_issues=(),
        wheels=(),
        timings=(),
        configuration=(),
        requirements=(),
        baseline=None,
    )
    assert "Nothing that the matrices name was left out." in page(empty).text


PLAIN = page(REPORT)
HOSTILE = st.sampled_from(
    [
        "</style><script>alert(1)</script>",
        "{{ 7 * 7 }}",
        "{% raw %}",
        '" onclick="x',
        "<!--",
        "&lt;",
    ]
) | st.text(max_size=30)


@given(HOSTILE)
@settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow])
def test_nothing_from_outside_becomes_markup(text: str) -> None:
    first = REPORT.findings[0]
    failure = attrs.evolve(
        first.failures[0],
        reason=text,
        evidence=attrs.evolve(
            first.failures[0].evidence,
            stack=text,
            cases=(Case(routine=text, message=text, parameters={text: text}),),
            details={text: text},
        ),
    )
    finding = attrs.evolve(
        first,
        summary=text,
        failures=(failure, *first.failures[1:]),
        issues=(
            IssueMatch(
                id=text,
                url=f"javascript:{text}",
                title=text,
                why_matched=text,
                score=1.0,
                standing=MatchStanding.IN_RANGE,
            ),
        ),
    )
    changes: dict[str, Any] = {
        "headline": text,
        "command": text,
        "findings": (finding, *REPORT.findings[1:]),
        "not_covered": (NotCovered(what=text, why=text),),
        "comparisons": (attrs.evolve(REPORT.comparisons[0], reason=text),),
    }
    poisoned = page(attrs.evolve(REPORT, **changes))
    assert {tag for tag, _ in poisoned.tags} <= {tag for tag, _ in PLAIN.tags}
    allowed = {key for _, attributes in PLAIN.tags for key in attributes}
    assert {key for _, attributes in poisoned.tags for key in attributes} <= allowed
    assert not any((a.get("href") or "").startswith("javascript") for _, a in poisoned.tags)


@pytest.mark.parametrize("value", list(LOOKS))
def test_glyphs_say_it_without_colour(value: Any) -> None:
    family = [seen for kind, seen in LOOKS.items() if type(kind) is type(value)]
    assert [seen.glyph for seen in family].count(LOOKS[value].glyph) == 1
    assert [seen.ascii for seen in family].count(LOOKS[value].ascii) == 1
    assert LOOKS[value].ascii.isascii()
    assert name(LOOKS[value].glyph)


def test_every_value_that_is_shown_has_a_look() -> None:
    kinds = {type(value) for value in LOOKS}
    for kind in kinds:
        assert set(kind) <= set(LOOKS)
        assert len({LOOKS[value].rank for value in kind}) == len(kind)


def test_all_files_are_written_and_the_data_is_the_same(tmp_path: Path) -> None:
    written = write_files(REPORT, tmp_path / "out")
    assert [path.name for path in written[:4]] == [
        "report.html",
        "report.md",
        "junit.xml",
        "report.json",
    ]
    assert all(path.stat().st_size for path in written)
    assert read_report(tmp_path / "out" / "report.json") == REPORT
    kept = {path for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert kept == set(written)


def test_a_folder_that_cannot_be_written_is_infrastructure(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(InfrastructureError, match="cannot write"):
        write_files(REPORT, tmp_path / "out")
