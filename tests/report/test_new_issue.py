from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markdown_rules import REPORT, assert_quiet, hostile, poisoned

from release_gate.cli import main
from release_gate.errors import ExitCode
from release_gate.model import MatchStanding, Outcome, Toggle
from release_gate.report.document import write_report
from release_gate.report.files import write_files
from release_gate.report.markdown import LIMIT
from release_gate.report.new_issue import (
    FOLDER,
    LONGEST_LINK,
    LONGEST_TITLE,
    draft_issue,
    is_unknown,
    write_drafts,
)

if TYPE_CHECKING:
    from pathlib import Path

    from release_gate.report.document import FindingReport, Report
    from release_gate.report.new_issue import NewIssue

SCRIPT = "import numpy as np\n\nprint('@numpy #1', np.ones(3))\n"


def finding(check: str, of: Report = REPORT) -> FindingReport:
    return next(each for each in of.findings if each.check == check and each.first is not None)


def form(issue: NewIssue) -> dict[str, str]:
    """Return what GitHub's form is filled with."""
    parts = urlsplit(issue.link)
    assert (parts.scheme, parts.netloc) == ("https", "github.com")
    assert parts.path == "/OpenMathLib/OpenBLAS/issues/new"
    assert parts.fragment == ""
    fields = parse_qs(parts.query, strict_parsing=True)
    assert set(fields) == {"title", "body"}
    return {name: values[0] for name, values in fields.items()}


def assert_sound(issue: NewIssue) -> None:
    """Check all that must hold whatever the content is."""
    assert 0 < len(issue.title) <= LONGEST_TITLE
    assert len(issue.text) <= LIMIT
    assert len(issue.link) <= LONGEST_LINK
    assert issue.link.isascii()
    assert not re.search(r"[\r\n]|@\w|#\d", issue.title)
    assert_quiet(issue.body)
    filled = form(issue)
    assert len(filled["title"]) <= LONGEST_TITLE
    assert_quiet(filled["body"])
    head, _, rest = issue.text.partition("\n-->\n\n")
    assert rest == f"{issue.body}\n"
    assert not re.search("--!?>", head)  # the comment ends where it is to end


def test_it_has_all_that_a_maintainer_asks_first() -> None:
    issue = draft_issue(REPORT, finding("exact.syrk"), SCRIPT)
    assert_sound(issue)
    assert issue.title == (
        "dsyrk: wrong result on Haswell 1, 8 threads (scipy-openblas64==0.3.34.106.0, linux-x86_64)"
    )
    for part in (
        "| OpenBLAS | `scipy-openblas64==0.3.34.106.0` |",
        "NO_AFFINITY Haswell MAX_THREADS=64",
        "| Kernel | asked for `Haswell`, ran `Haswell` |",
        "| BLAS threads | asked for 1, had 1 |",
        "| CPU | AMD EPYC 9V74 80-Core Processor |",
        "| System | linux x86_64, glibc 2.36 |",
        "| NumPy | 2.5.5 (sdist) |",
        "| Python | 3.12.1 |",
        "| First bad of this run | `scipy-openblas64==0.3.34.106.0` |",
        "| Last good of this run | `scipy-openblas64==0.3.33.112.0` |",
        "| `Haswell` | 8 | passed | failed | 2 of 96 products are wrong |",
        "| `SkylakeX` | 1 | passed | passed |  |",
        "```python\nimport numpy as np",
        "It showed in 3 of 3 runs.",
        "- dsyrk 55x165: 7 of 3025 elements are wrong",
    ):
        assert part in issue.body
    cells = {each.id: each for each in REPORT.cells}
    assert cells[finding("exact.syrk").failures[0].cell].openblas_sha256 in issue.body
    assert form(issue) == {"title": issue.title, "body": issue.body}


def test_a_crash_has_its_stack() -> None:
    body = draft_issue(REPORT, finding("exact.gemm"), SCRIPT).body
    assert "<details><summary>Stack</summary>" in body
    assert "dgemm_kernel_HASWELL+0x6ea6" in body


def test_toggles_are_told() -> None:
    toggle = Toggle(kernel="Haswell", threads=2, hits=1, tries=20, core="Haswell")
    own = attrs.evolve(toggle, kernel=None, core=None)
    changed = attrs.evolve(finding("exact.syrk"), toggles=(toggle, own))
    body = draft_issue(REPORT, changed, None).body
    assert "| `Haswell` | `Haswell` | 2 | 1 of 20 |" in body
    assert "| `own choice` | `not told` | 2 | 1 of 20 |" in body
    assert "### Reproducer" not in body


def test_issues_that_look_alike_are_named_without_a_reference() -> None:
    body = draft_issue(REPORT, finding("forking.lu"), None).body
    assert "`OpenBLAS#5520: " in body
    assert "github.com/OpenMathLib/OpenBLAS/issues/5520" not in body


@pytest.mark.parametrize(
    ("versions", "first", "last"),
    [
        (("0.3.30.0.1", "0.3.34.106.0"), "0.3.34.106.0", "0.3.33.112.0"),
        (("0.3.33.200.0", "0.3.34.106.0"), "0.3.34.106.0", "0.3.33.200.0"),
    ],
)
def test_the_bounds_are_the_oldest_bad_pin_and_the_newest_good_before(
    versions: tuple[str, str], first: str, last: str
) -> None:
    good, _ = versions
    pin = f"scipy-openblas64=={good}"
    more = tuple(
        attrs.evolve(
            cell,
            id=f"{cell.id} {pin}",
            pin=pin,
            outcomes=dict.fromkeys(cell.outcomes, Outcome.PASSED),
        )
        for cell in REPORT.cells
        if cell.role == "candidate"
    )
    body = draft_issue(
        attrs.evolve(REPORT, cells=(*REPORT.cells, *more)), finding("exact.syrk"), None
    ).body
    assert f"| First bad of this run | `scipy-openblas64=={first}` |" in body
    assert f"| Last good of this run | `scipy-openblas64=={last}` |" in body


def test_without_a_good_answer_no_pin_is_called_good() -> None:
    body = draft_issue(REPORT, finding("special.nan"), None).body  # the baseline fails too
    assert "| First bad of this run | `scipy-openblas64==0.3.33.112.0` |" in body
    assert "| Last good of this run | `not known` |" in body


@given(hostile, hostile)
@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=30)
def test_nothing_from_outside_breaks_out(text: str, script: str) -> None:
    evil = poisoned(text)
    assert_sound(draft_issue(evil, evil.findings[0], script))


@given(st.characters(), st.integers(1, 400_000))
@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=20)
def test_nothing_makes_it_too_long(char: str, size: int) -> None:
    evil = poisoned(char * min(size, 20_000))
    issue = draft_issue(evil, evil.findings[0], char * size)
    assert_sound(issue)


def test_a_long_body_is_cut_in_the_link_and_says_so() -> None:
    issue = draft_issue(REPORT, finding("exact.syrk"), SCRIPT * 300)
    assert SCRIPT in issue.body
    body = form(issue)["body"]
    assert "### Environment" in body
    assert body.endswith(f"`new-issues/{finding('exact.syrk').id}.md` over this one.")


def test_drafts_are_written_for_what_has_no_match_in_range(tmp_path: Path) -> None:
    wanted = [each for each in REPORT.findings if is_unknown(each)]
    assert {each.check for each in wanted} == {"forking.lu", "special.nan"}
    old = tmp_path / FOLDER / "exact.gemm-00000000.md"
    old.parent.mkdir()
    old.write_text("of an earlier report")
    script = tmp_path / "reproducers" / f"{wanted[0].id}.py"
    script.parent.mkdir()
    script.write_text(SCRIPT)
    paths = write_drafts(REPORT, tmp_path)
    assert [path.stem for path in paths] == [each.id for each in wanted]
    assert sorted((tmp_path / FOLDER).iterdir()) == sorted(paths)
    assert SCRIPT in paths[0].read_text("utf-8")
    assert "Form with both: https://github.com/OpenMathLib" in paths[0].read_text("utf-8")
    assert set(paths) < set(write_files(REPORT, tmp_path))


def test_a_match_outside_of_its_range_is_none() -> None:
    match = attrs.evolve(finding("exact.gemm").issues[0], standing=MatchStanding.BELIEVED_FIXED)
    assert not is_unknown(finding("exact.gemm"))
    assert is_unknown(attrs.evolve(finding("exact.gemm"), issues=(match,)))


def test_the_command_drafts_any_finding(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_report(tmp_path / "report.json", REPORT)
    name = finding("exact.syrk").id
    assert main(["draft", name, str(tmp_path)]) == ExitCode.GO
    told = capsys.readouterr().out
    assert told.startswith("dsyrk: wrong result on Haswell")
    assert "form: https://github.com/OpenMathLib/OpenBLAS/issues/new?title=" in told
    assert (tmp_path / FOLDER / f"{name}.md").is_file()


def test_the_command_names_the_nearest_finding(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_report(tmp_path / "report.json", REPORT)
    name = finding("exact.syrk").id
    assert main(["draft", name[:-1], str(tmp_path)]) == ExitCode.CONFIGURATION
    assert f"did you mean {name!r}?" in capsys.readouterr().err
