"""NumPy's own tests as a tier: they find a fault, inform, and need pytest."""

from __future__ import annotations

from pathlib import Path

import pytest
from planted import ask_checks, plant

from release_gate.checklist import CATEGORIES
from release_gate.judgement.requirements import is_about
from release_gate.matrix.load import load_matrices
from release_gate.model import Tier
from release_gate.resources import matrices_dir

SOURCE = """
typedef int64_t blasint;

void scipy_dgesv_64_(blasint *n, blasint *nrhs, double *a, blasint *lda, blasint *ipiv, double *b,
                     blasint *ldb, blasint *info) {
    void (*gesv)(blasint *, blasint *, double *, blasint *, blasint *, double *, blasint *,
                 blasint *) = real("dgesv_");
    gesv(n, nrhs, a, lda, ipiv, b, ldb, info);
    if (fault("gesv") && *n > 0 && *nrhs > 0) b[0] += 1;
}
"""


@pytest.mark.network
def test_a_planted_fault_is_found(
    numpy_site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RELEASE_GATE_SUITE_PATH", str(Path(pytest.__file__).parents[1]))
    site = plant(numpy_site, SOURCE, tmp_path / "planted")
    (answer,) = ask_checks(site, ["suite"], [("gesv", "suite.numpy-linalg", 1)])
    assert answer["outcome"] == "failed"
    assert 0 < answer["failed"] < answer["run"]
    assert any("Solve" in case["parameters"]["test"] for case in answer["cases"])


@pytest.mark.network
def test_without_pytest_it_is_not_covered(
    numpy_site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RELEASE_GATE_SUITE_PATH", raising=False)
    with pytest.raises(AssertionError, match="no pytest: RELEASE_GATE_SUITE_PATH"):
        ask_checks(numpy_site, ["suite"], [("", "suite.numpy-linalg", 1)])


def test_the_suites_inform_and_all_else_blocks() -> None:
    requirements = load_matrices(matrices_dir()).requirements
    for category in CATEGORIES:
        about = [row for row in requirements if is_about(row, f"{category}.any")]
        blocks = any(row.tier is Tier.BLOCKING for row in about)
        assert about
        assert blocks is (category != "suite")
