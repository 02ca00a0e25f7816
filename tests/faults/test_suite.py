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

void scipy_cblas_dgemm64_(int order, int transa, int transb, blasint m, blasint n, blasint k,
                          double alpha, const double *a, blasint lda, const double *b,
                          blasint ldb, double beta, double *c, blasint ldc) {
    void (*gemm)(int, int, int, blasint, blasint, blasint, double, const double *, blasint,
                 const double *, blasint, double, double *, blasint) = real("cblas_dgemm");
    gemm(order, transa, transb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
    if (fault("gemm") && m > 0 && n > 0) c[0] += 1;
}
"""

#: Of each suite: a fault of a routine that it reaches, and the words for that in a test's name.
FAULTS = [
    ("suite.numpy-linalg", "gesv", "Solve"),
    ("suite.numpy-products", "gemm", "dot"),
]


@pytest.fixture(scope="module")
def planted_site(numpy_site: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return plant(numpy_site, SOURCE, tmp_path_factory.mktemp("planted"))


@pytest.mark.network
@pytest.mark.parametrize(("suite", "fault", "word"), FAULTS)
def test_a_planted_fault_is_found_and_none_without_it(
    suite: str, fault: str, word: str, planted_site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RELEASE_GATE_SUITE_PATH", str(Path(pytest.__file__).parents[1]))
    found, good = ask_checks(planted_site, ["suite"], [(fault, suite, 1), ("", suite, 1)])
    assert (found["outcome"], good["outcome"]) == ("failed", "passed")
    assert 0 < found["failed"] < found["run"] == good["run"]
    assert any(word in case["parameters"]["test"] for case in found["cases"])


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
