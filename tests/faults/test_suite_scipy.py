"""SciPy's own tests as a tier: with the library swapped they pass, and they find a fault in it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from attrs import evolve
from planted import ask_checks, plant

from release_gate.matrix.load import load_matrices
from release_gate.openblas.index import Index
from release_gate.openblas.pins import resolve_pin
from release_gate.resources import matrices_dir
from release_gate.wheels.suites import SCIPY, TOOLS, obtain_suites

if TYPE_CHECKING:
    from release_gate.model import Artifact, Host

CHECK = "suite.scipy-linalg"

SOURCE = """
void scipy_dgetrf_(int *m, int *n, double *a, int *lda, int *ipiv, int *info) {
    void (*getrf)(int *, int *, double *, int *, int *, int *) = real("dgetrf_");
    getrf(m, n, a, lda, ipiv, info);
    if (fault("getrf") && *n > 0) a[(size_t)*lda * (*n - 1)] += 1;
}
"""

#: One file, so that it takes seconds.
FEW = 'from checks import suite_scipy; suite_scipy.FILES = ("test_decomp_lu.py",)'


@pytest.mark.network
def test_a_planted_fault_is_found(
    numpy_wheel: Artifact,
    index_cache: Path,
    this_host: Host,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    index = Index(index_cache)
    matrices = load_matrices(matrices_dir())
    pin = resolve_pin("0.3.34.481.3", pins=matrices.pin_files, host=this_host, index=index)
    kit = obtain_suites(
        evolve(numpy_wheel, pin=pin),
        [CHECK],
        table=matrices.suites,
        pins=matrices.pin_files,
        host=this_host,
        index=index,
        cache=index_cache,
    )
    assert kit.without == {}
    site = Path(kit.environment[SCIPY])
    faulty = plant(site, SOURCE, tmp_path / "planted", package="scipy", suffix="")
    monkeypatch.setenv(TOOLS, kit.environment[TOOLS])
    monkeypatch.setenv(SCIPY, str(faulty))
    asked = [("", CHECK, 1), ("getrf", CHECK, 1)]
    good, bad = ask_checks(Path(numpy_wheel.site), ["suite_scipy"], asked, before=FEW)
    assert (good["outcome"], good["failed"]) == ("passed", 0), good
    assert good["run"] > 50
    assert bad["outcome"] == "failed"
    assert 0 < bad["failed"] < bad["run"] == good["run"]
    assert all("test_decomp_lu.py::" in case["parameters"]["test"] for case in bad["cases"])
