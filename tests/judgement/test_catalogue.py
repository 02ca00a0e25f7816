from __future__ import annotations

import json
import re
import tomllib
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import jsonschema
import pytest

from release_gate.errors import ConfigurationError
from release_gate.judgement.catalogue import Severity, load_known_issues
from release_gate.matrix.load import load_matrices
from release_gate.pipeline import all_checks, known_issues
from release_gate.resources import checks_dir, matrices_dir, schema_path
from release_gate.schemas.generate import generate_table
from release_gate.versions import OpenBLASVersion

if TYPE_CHECKING:
    from pathlib import Path

CATALOGUE = known_issues()
CHECKS = {spec.id for spec in all_checks()}
ARCHITECTURES = {kernel.architecture for kernel in load_matrices(matrices_dir()).kernels}
#: Those that no kernel of the table is for: OpenBLAS builds one kernel for them, or NumPy has none.
OTHERS = {"i686", "armv7", "mips64", "ppc64", "sparc", "loongarch64", "riscv64", "s390x", "ppc64le"}

ENTRY = """
[[issue]]
id = "OpenBLAS#1"
url = "https://github.com/OpenMathLib/OpenBLAS/issues/1"
title = "a title"
symptoms = ["crash"]
checks = ["exact.gemm"]
affected = ">=0.3.30,<0.3.34"
fixed_in = "0.3.34"
confidence = "high"
facts = "facts"
source = "here"
"""


def load(folder: Path, **files: str) -> None:
    for name, text in files.items():
        (folder / f"{name}.toml").write_text(text)
    load_known_issues(folder, checks=CHECKS, kernels=("Haswell",))


def problems(folder: Path, **files: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load(folder, **files)
    return str(caught.value)


def test_the_catalogue_is_large_and_each_entry_complete() -> None:
    assert len(CATALOGUE) >= 160
    assert {issue.category for issue in CATALOGUE} == {
        *("avx512", "kernel", "lapack", "packaging", "performance"),
        *("relapack", "threading", "tls", "found"),
    }
    for issue in CATALOGUE:
        number = issue.id.rpartition("#")[2] if "#" in issue.id else ""
        assert issue.url.endswith(number), issue.id
        assert issue.category != "found" or (checks_dir().parent / issue.url).is_file(), issue.id
        assert max(map(len, issue.facts.splitlines())) <= 105, issue.id
        assert (issue.title + issue.facts + issue.source).isascii(), issue.id
        assert set(issue.architectures) <= ARCHITECTURES | OTHERS, issue.id
    # A range is missing only where OpenBLAS is not to blame: bugs of NumPy, and of users' settings.
    assert {issue.id for issue in CATALOGUE if issue.versions is None} == {
        *("numpy#24512", "numpy#32028", "numpy#22516", "numpy#27174"),
    }


def test_every_check_that_is_named_exists_and_none_is_everything() -> None:
    for issue in CATALOGUE:
        for pattern in issue.checks:
            named = [check for check in CHECKS if fnmatchcase(check, pattern)]
            assert 0 < len(named) < len(CHECKS) / 2, (issue.id, pattern)


def test_a_version_that_is_said_to_be_good_is_not_in_the_range() -> None:
    for issue in CATALOGUE:
        # Not those that start with words: "after 0.3.13", "by the option ...".
        if issue.versions is not None and re.match(r"0\.", issue.fixed_in):
            good = re.findall(r"\b0\.\d+\.\d+(?:\.\d+)*", issue.fixed_in)
            # What is repaired in steps names more than one.
            assert not all(OpenBLASVersion.parse(each) in issue.versions for each in good), issue.id


def test_most_issues_of_numerics_have_a_check_that_can_see_them() -> None:
    numeric = [issue for issue in CATALOGUE if issue.severity in {Severity.SILENT, Severity.FATAL}]
    seen = [issue for issue in numeric if issue.checks]
    assert len(seen) / len(numeric) > 0.7


def test_the_schema_describes_the_files() -> None:
    schema = json.loads(schema_path("known_issues").read_text())
    assert schema == generate_table(), "run: python -m release_gate.schemas.generate"
    validator = jsonschema.Draft202012Validator(schema)
    files = sorted((matrices_dir() / "known_issues").glob("*.toml"))
    for path in files:
        validator.validate(tomllib.loads(path.read_text()))
    wrong = tomllib.loads(ENTRY.replace('"crash"', '"crashed"').replace("title", "titel"))
    assert len(list(validator.iter_errors(wrong))) >= 2


def test_an_entry_needs_little(tmp_path: Path) -> None:
    load(tmp_path, kernel=ENTRY)


def test_every_mistake_of_every_file_is_told_at_once(tmp_path: Path) -> None:
    text = problems(
        tmp_path,
        avx512=ENTRY.replace("OpenBLAS#1", "OpenBLAS").replace("https:", "http:"),
        kernel=ENTRY + 'kernels = ["Hasswell"]\nsystems = ["windos"]\nmin_threads = 0\n',
        lapack=ENTRY.replace("exact.gemm", "exact.gem").replace("<0.3.34", "<0.3.29"),
        packaging="[[issue]",
        threading=ENTRY.replace("#1", "#2") + 'unseen = "a reason"\n',
        tls=ENTRY.replace("#1", "#3").replace("a title", "a title.").replace('"here"', '""'),
    )
    for part in (
        "avx512.toml: issue[0] OpenBLAS.id: is no issue",
        "is no https address",
        "unknown kernel 'Hasswell'\n  hint: did you mean 'Haswell'?",
        "unknown system 'windos'\n  hint: did you mean 'windows'?",
        "min_threads: is 0, at least 1",
        "no check matches 'exact.gem'\n  hint: did you mean 'exact.gem",
        "lapack.toml: issue[0] OpenBLAS#1.affected: no version is in the range",
        "lapack.toml: issue[0] OpenBLAS#1: this id is already at ",
        "packaging.toml: TOML syntax",
        "needs `checks` that can see it, or `unseen`",
        "must have at most 100 characters and no full stop",
        "OpenBLAS#3.source: must not be empty",
    ):
        assert part in text


def test_unknown_keys_and_symptoms_get_a_hint(tmp_path: Path) -> None:
    text = problems(
        tmp_path, kernel=ENTRY.replace('"crash"', '"crashed"').replace("title", "titel")
    )
    assert "did you mean 'crash'?" in text
    assert "did you mean 'title'?" in text


def test_a_folder_without_files_and_a_file_that_is_no_text(tmp_path: Path) -> None:
    assert "no known issues" in problems(tmp_path)
    (tmp_path / "kernel.toml").write_bytes(b"\xff\xfe")
    assert "cannot read" in problems(tmp_path)
