"""Scripts of drivers, of what is computed in two ways, and of large matrices show planted faults.

For each fault, the script of the first case that the check reports ends with 1, and with 0 when the
fault is gone.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from planted import ask_checks, plant
from written import assert_shows_only, source_of_case

pytestmark = pytest.mark.network

TESTS = Path(__file__).parents[1]

#: Source of the faults: modules of the checks; fault, check, threads.
FAULTS: dict[str, tuple[list[str], list[tuple[str, str, int]]]] = {
    "faults/metamorphic_faults.c": (
        ["metamorphic"],
        [
            *((fault, "metamorphic.products", 1) for fault in ("gemm-range", "gemm-inner", "gemv")),
            *((f"gemm-{way}", "metamorphic.products", 1) for way in ("transposed", "moved")),
            ("gemm-race", "metamorphic.repeat", 1),
            ("gemm-race", "metamorphic.repeat", 2),
            ("gesv-race", "metamorphic.repeat", 1),
        ],
    ),
    "faults/accuracy_faults.c": (
        ["accuracy_level3", "special_alpha"],
        [
            *((fault, "accuracy.level3", 1) for fault in ("dot", "symv", "symm", "syrk", "trsm")),
            ("trsm-threads", "accuracy.level3", 2),
            ("symv-zero", "special.alpha-zero", 1),
        ],
    ),
    "faults/level12_faults.c": (["accuracy_rotations"], [("rotmg", "accuracy.rotmg", 1)]),
    "faults/lapack_faults.c": (
        [f"accuracy_lapack_{each}" for each in ("large", "orthogonal", "spectra", "systems")],
        [
            *(
                (fault, "accuracy.lapack-systems", 1)
                for fault in ("ppsv", "spsv", "pftrf", "pstrf")
            ),
            *((fault, "accuracy.lapack-spectra", 1) for fault in ("spevd", "trsen-order", "tgsen")),
            *((fault, "accuracy.lapack-orthogonal", 1) for fault in ("gglse", "ggglm")),
            ("geqrf-large", "accuracy.lapack-large", 1),
            ("geqrf-large", "accuracy.lapack-large", 2),
            ("geqrf-beyond", "accuracy.lapack-large", 2),
        ],
    ),
    "faults/numeric_faults.c": (
        ["accuracy_lapack_large"],
        [(fault, "accuracy.lapack-large", 1) for fault in ("gesdd", "gelsd", "geev", "syevd")],
    ),
    "scripts/single_faults.c": (
        ["accuracy_orthogonal", "accuracy_spectra", "accuracy_systems"],
        [
            ("sgesv", "accuracy.solve", 1),
            ("sgetri", "accuracy.inv", 1),
            ("spotrf", "accuracy.cholesky", 1),
            ("sgeqrf", "accuracy.qr", 1),
            ("sgelsd", "accuracy.lstsq", 1),
            ("ssyevd", "accuracy.eigh", 1),
            ("sgeev", "accuracy.eig", 1),
            ("sgesdd", "accuracy.svd", 1),
        ],
    ),
}


@pytest.mark.parametrize("planted", FAULTS)
def test_scripts_show_the_fault_again_and_only_the_fault(
    planted: str, numpy_site: Path, tmp_path: Path
) -> None:
    modules, faults = FAULTS[planted]
    site = plant(numpy_site, (TESTS / planted).read_text(), tmp_path / "planted")
    for asked, answer in zip(faults, ask_checks(site, modules, faults), strict=True):
        _, check, threads = asked
        assert answer["cases"], asked
        source = source_of_case(check, answer["cases"][0], None, threads)
        assert_shows_only(source.text(source.trial), site, asked, kernel=None)
