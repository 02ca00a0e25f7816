"""What Markdown for GitHub must hold to, whatever is in it, and reports that hold the worst."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import attrs
from gate_report import report
from hypothesis import strategies as st

from release_gate.model import Case, IssueMatch, MatchStanding, NotCovered, Reproducer

if TYPE_CHECKING:
    from release_gate.report.document import Report

REPORT = report()

HOSTILE = [
    "@numpy/release",
    "#1234",
    "GH-12",
    "numpy/numpy#31618",
    "| a | b |",
    "```\nbroken out\n```",
    "````",
    "`x`",
    "<script>alert(1)</script>",
    "<!-- release-gate:v1 -->",
    "</details>",
    "[click](https://example.org)",
    "![](https://example.org/x.png)",
    "https://example.org/",
    "www.example.org",
    "\\",
    "\r\n\r\n# heading",
    "\u202eevil",
    "&lt;",
    "**bold** _it_ ~~x~~",
    "$$x$$",
]
hostile = st.lists(st.sampled_from(HOSTILE) | st.text(max_size=40), max_size=8).map("".join)


def outside_code(markdown: str) -> str:
    """Return what is left when code blocks and code spans are taken out, as GitHub reads them."""
    lines, fence = [], ""
    for line in markdown.splitlines():
        mark = re.match(r"`{3,}", line)
        if fence:
            if line.rstrip() == fence:
                fence = ""
        elif mark:
            fence = mark[0]
        else:
            lines.append(line)
    assert not fence, "a code block is not closed"
    return re.sub(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", "", "\n".join(lines))


def assert_quiet(markdown: str) -> None:
    """Check that nothing in it notifies, links elsewhere, or breaks out of where it stands."""
    text = outside_code(markdown)
    assert not re.search(r"@\w", text)
    assert not re.search(r"(?<!&)#\d", re.sub(r"\]\(https://[^)]*\)", "", text))
    links = re.findall(r"\]\((.*?)\)", text)
    assert all(link.startswith("https://github.com/") for link in links)
    assert set(re.findall(r"<[^>]*>?", text)) <= {
        "<br>",
        "<details>",
        "<summary>",
        "</summary>",
        "</details>",
    }
    assert text.count("<details>") == text.count("</details>")
    columns = 0
    for line in markdown.splitlines():
        if line.startswith("|"):
            count = line.count("|")
            assert count == (columns or count), f"a table row has other columns: {line}"
            columns = count
        else:
            columns = 0


def poisoned(text: str) -> Report:
    """Return the report with `text` wherever a text can come from outside."""
    first = REPORT.findings[0]
    failure = attrs.evolve(
        first.failures[0],
        reason=text,
        evidence=attrs.evolve(
            first.failures[0].evidence,
            stack=text,
            log=text,
            cases=(Case(routine=text, message=text),),
        ),
    )
    finding = attrs.evolve(
        first,
        id=text,
        summary=text,
        symptom=text,
        failures=(failure, *first.failures[1:]),
        first=0,
        issues=tuple(
            IssueMatch(
                id=text,
                url=url,
                title=text,
                why_matched=text,
                score=1.0,
                standing=MatchStanding.IN_RANGE,
            )
            for url in (text, "https://github.com/a/b/issues/1")
        ),
        reproducer=Reproducer(path=text, command=text, hits=1, tries=2),
    )
    return attrs.evolve(
        REPORT,
        headline=text,
        command=text,
        baseline=text,
        candidates=(text,),
        host=attrs.evolve(REPORT.host, cpu=text, system=text),
        findings=(finding, *REPORT.findings[1:]),
        requirements=tuple(
            attrs.evolve(each, title=text, why=text) for each in REPORT.requirements
        ),
        not_covered=(NotCovered(what=text, why=text),),
        cells=(
            attrs.evolve(REPORT.cells[0], id=text, kernel_observed=text, present=False),
            *REPORT.cells[1:],
        ),
        configuration=(attrs.evolve(REPORT.configuration[0], key=text, value=[text]),),
        digests=(attrs.evolve(REPORT.digests[0], what=text, sha256=text),),
    )
