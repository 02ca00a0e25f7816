"""What the page takes from the list that was written before."""

from __future__ import annotations

from pathlib import Path

from tests.detection.document import (
    HEADINGS,
    fault_list,
    kept_parts,
    kept_suite,
    kept_telling,
)

FAULTS = ("a", "b", "c", "d")
TRIALS = [
    {"fault": fault, "smoke": {"check": "exact.gemm", "outcome": "failed"}} for fault in FAULTS
]
ANSWERS = [
    {"fault": "a", "caught": True, "why": "1 failed"},
    {"fault": "b", "caught": False, "why": "not called"},
    {"fault": "c", "caught": False, "why": "9 passed", "in_force": 3},
]


def test_what_numpy_s_tests_said_survives_in_the_list(tmp_path: Path) -> None:
    path = tmp_path / "faults.tsv"
    path.write_text(fault_list(TRIALS, ANSWERS), "utf-8")
    kept = kept_suite(path)
    assert {fault: line["caught"] for fault, line in kept.items()} == {
        "a": True,
        "b": False,
        "c": False,
    }
    assert fault_list(TRIALS, kept.values()) == path.read_text("utf-8")


def test_without_a_list_nothing_is_kept(tmp_path: Path) -> None:
    assert kept_suite(tmp_path / "none.tsv") == {}
    assert kept_telling(tmp_path / "none.tsv") == {}


def test_what_told_a_fault_is_read_from_the_list(tmp_path: Path) -> None:
    path = tmp_path / "faults.tsv"
    escaped = {"fault": "e", "smoke": {"check": None}, "full": {"check": None}}
    later = escaped | {
        "fault": "f",
        "full": {"check": "process.leaks", "outcome": "failed"},
    }
    path.write_text(fault_list([*TRIALS, escaped, later], ANSWERS), "utf-8")
    assert kept_telling(path) == {(fault, "smoke"): "exact.gemm" for fault in FAULTS} | {
        ("f", "full"): "process.leaks"
    }


def test_parts_of_the_page_are_told_apart_by_their_headings(tmp_path: Path) -> None:
    assert kept_parts(tmp_path / "none.md") == {}
    page = Path(__file__).parents[2] / "docs" / "detection.md"
    parts = kept_parts(page)
    assert set(parts) == set(HEADINGS)
    for heading, text in parts.items():
        assert text.startswith(heading.strip())
    text = page.read_text("utf-8")
    assert text == "\n\n".join([text[: text.index("\n\n## ")], *parts.values()]) + "\n"
