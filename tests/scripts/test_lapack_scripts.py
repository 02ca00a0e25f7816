"""Scripts of LAPACK's checks: short, right about a good library, and about planted faults."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from many_scripts import failing_scripts
from planted import ask_checks, plant
from written import run_text, source_of_case

from release_gate.scripts.lapack_cases import WAYS
from release_gate.scripts.lapack_text import LapackWay

if TYPE_CHECKING:
    from collections.abc import Iterator

    from release_gate.scripts.sources import Source

pytestmark = pytest.mark.network

Parameters = dict[str, Any]

#: Lines of the longest script, without the header of a finding.
LONGEST = 66

#: Routines of the accuracy tables with their flags; where real and complex names differ, both.
SYSTEMS: dict[str, list[Any]] = {
    "sytrf": ["L", "U"], "getri": [""], "getrs": ["T", "C"], "potri": ["L", "U"], "posv": ["U"],
    "trtri": ["LN", "UU"], "trtrs": ["UTN", "LCU"], "gbsv": [[1, 2], [3, 0]],
    "pbsv": [["L", 2], ["U", 3]], "gtsv": [""], "ptsv": [""], "trsyl": ["NN", "CC"],
    "ppsv": ["L", "U"], "spsv hpsv": ["L", "U"], "pftrf": ["NL", "CU", "CL", "NU"],
    "pstrf": ["L", "U"],
}  # fmt: skip
ORTHOGONAL: dict[str, list[Any]] = {
    "gels": [["tall", "N"], ["wide", "C"]], "gelsy": [["tall", 1], ["wide", 2]],
    "gelss": [["square", 3]], "gelsd": [["tall", 0], ["wide", 2]], "geqp3": ["tall", "wide"],
    "ormqr unmqr": ["LN", "RC"], "geqrt": ["tall", "wide"],
    "gelqf": [["lq", "wide"], ["rq", "tall"], ["rq", "square"]], "gglse": [""], "ggglm": [""],
}  # fmt: skip
SPECTRA: dict[str, list[Any]] = {
    "syevr heevr": ["LA", "UI"], "syevx heevx": ["UA", "LI"], "syev heev": ["U"],
    "syevd heevd": ["L"], "sbevd hbevd": [["L", 1], ["U", 5]],
    "sygvd hegvd": [[1, "L"], [2, "U"], [3, "L"]], "geev": [""], "ggev": [""], "gees": [""],
    "gges": [""], "gehrd": [""], "gesvd": [["square", "S"], ["tall", "A"], ["wide", "A"]],
    "spevd hpevd": ["L", "U"], "trsen": [""], "tgsen": [""],
}  # fmt: skip
SUCCESSORS: tuple[tuple[str, Any], ...] = (
    *(("ggev3", ""), ("gges3", ""), ("gelst", ["tall", "N"]), ("getsls", ["wide", "C"])),
    *(("geqrfp", "LN"), ("getrf2", "T"), ("potrf2", "U"), ("sytrf_rook", "L")),
    ("hetrf_rook", "U"),
)
KINDS = {"systems": "random", "orthogonal": "graded", "spectra": "clustered"}
NOT_CLUSTERED = (
    *("sygvd hegvd", "ggev", "gges", "gels", "gelsy", "gelss", "gelsd", "gglse", "ggglm"),
    *("trsen", "tgsen"),
)


def table_inputs(name: str, table: dict[str, list[Any]]) -> Iterator[tuple[str, str, Parameters]]:
    for names, variants in table.items():
        for variant in variants:
            for letter, dtype, size in (("d", "float64", 17), ("c", "complex64", 26)):
                routine = letter + names.split()[-(letter == "c")]
                kind = "random" if letter == "d" or names in NOT_CLUSTERED else KINDS[name]
                yield f"accuracy.lapack-{name}", routine, {
                    "routine": routine, "variant": variant, "dtype": dtype, "kind": kind,
                    "size": size, "seed": 1,
                }  # fmt: skip


def other_inputs() -> Iterator[tuple[str, str, Parameters]]:  # noqa: C901, PLR0912  (a table)
    """Return inputs of the other checks, as these record them."""
    for routine, dtype, variant in (
        ("dgeqrf", "float64", "tall"), ("cgesdd", "complex64", "wide"), ("sgetrf", "float32", ""),
        ("zgelsd", "complex128", "tall"), ("dgeev", "float64", "updated"),
    ):  # fmt: skip
        more = {"routine": routine, "dtype": dtype, "variant": variant, "size": 207, "seed": 1}
        yield "accuracy.lapack-large", routine, more
    for dtype in ("float32", "complex128"):
        given = {"dtype": dtype, "columns": 3, "beyond": 1, "seed": 2}
        for routine in ("getrf", "getf2", "gesv", "getrs", "getri"):
            yield "exact.lu", routine, {"routine": routine, **given, "m": 33, "n": 17}
        yield "exact.lu-wide", "getrf", {"routine": "getrf", **given, "m": 31, "n": 603}
        for side, step in (("L", 1), ("R", 2), ("L", -1)):
            v = {"side": side, "step": step, "tau": 2, "zeros": 1}
            yield "exact.reflectors", "larf", {"routine": "larf", **given, "m": 9, "n": 7, **v}
        for uplo in "LU":
            flags = {"n": 33, "uplo": uplo, "unit": uplo == "L", "trans": "C"}
            for routine in ("potrf", "potf2", "potrs", "posv", "potri"):
                yield "exact.cholesky", routine, {"routine": routine, **given, **flags}
            for routine in ("trtri", "trti2", "lauum", "lauu2", "trtrs"):
                yield "exact.triangular-factors", routine, {"routine": routine, **given, **flags}
        for way in (
            *("transposed", "in Fortran order", "rows by third", "columns by half"),
            *("depth by third", "leading block", "rows reversed", "one column", "one element"),
            *("moved by 3", "times its transpose"),
        ):
            product = {"dtype": dtype, "size": [5, 3, 40], "way": way}
            yield "metamorphic.products", "gemm", product
        scaled = {"dtype": dtype, "size": [5, 3, 40], "scales": [-50, -40]}
        yield "metamorphic.products", "gemm", scaled
        for function in ("solve", "inv", "cholesky", "qr", "lstsq", "eigh", "eig", "svd"):
            size = [26, 11] if function in {"qr", "lstsq", "svd"} else 26
            driver = {"function": function, "dtype": dtype, "kind": "spectrum", "size": size}
            yield f"accuracy.{function}", function, driver
        pivot = {"function": "solve", "dtype": dtype, "kind": "subnormal-pivot", "size": 8}
        yield "accuracy.solve", "gesv", {**pivot, "divisor": 2.0, "at": 7}
        one = {"function": "inv", "dtype": dtype, "kind": "elementary", "size": 8, "at": [5, 2]}
        yield "accuracy.inv", "gesv", one
    for routine in ("gemm", "syrk", "gemv", "dot", "gesv", "potrf", "heevd", "gesdd", "geev"):
        repeated = {"routine": routine, "dtype": "complex64", "size": 40, "seed": 1}
        yield "metamorphic.repeat", routine, repeated
    flagged = (
        "dgesv",
        "dgetri",
        "dpotrf",
        "dgeqrf",
        "dsyevd",
        "dgeev",
        "dgesdd",
        "dgelsd",
        "dggev",
    )
    for routine in flagged:
        flags = {"routine": routine, "dtype": "float64", "size": 7, "seed": 1}
        yield "special.lapack-flags", routine, flags
    for routine, dtype in (("dggev", "float64"), ("zggev", "complex128")):  # which underflow
        flags = {"routine": routine, "dtype": dtype, "size": 23, "seed": 1}
        yield "special.lapack-flags", routine, flags
    for routine in ("sgesv", "dgetri", "cpotrf", "zgeqrf", "ssyevd", "cheevd", "dgeev", "zgesdd"):
        yield "process.leaks", routine, {"times": 20, "n": 17}
    yield "process.leaks", "dgelsd", {"times": 20, "n": 17}
    yield "process.leaks", "cpotrf", {"times": 1, "n": 207}
    for kind in ("nan", "infinite"):
        for routine, variant in (("dsytrf", "L"), ("dgeev", ""), ("dposv", "U"), ("zgees", "")):
            dtype = "complex128" if routine[0] == "z" else "float64"
            bad = {"routine": routine, "variant": variant, "dtype": dtype, "kind": kind, "size": 5}
            yield "special.not-finite-lapack", routine, bad
    for routine, m, n in (("zgelsd", 3000, 1), ("zgetrf", 2, 500)):
        once = {"routine": routine, "dtype": "complex128", "m": m, "n": n, "seed": 1}
        yield "concurrency.lapack", routine, once


def inputs_of_variations() -> Iterator[tuple[str, str, Parameters]]:
    """Return inputs of checks that ask the same routines in other ways."""
    for step in (-1, 2, -3):
        apart = {"routine": "laswp", "m": 33, "n": 17, "first": 3, "step": step, "seed": 2}
        yield "exact.row-exchanges", "claswp", {**apart, "dtype": "complex64"}
    for letter, dtype in (("d", "float64"), ("c", "complex64")):
        for name, variant in SUCCESSORS:
            if letter == "d" and name.startswith("he"):
                continue
            given = {"dtype": dtype, "kind": "random", "size": 26, "seed": 3, "variant": variant}
            routine = letter + name
            yield "accuracy.lapack-alternatives", routine, {**given, "routine": routine}
    for letter, dtype in (("s", "float32"), ("z", "complex128")):
        family = "he" if letter == "z" else "sy"
        given = {"dtype": dtype, "kind": "toeplitz", "size": 12, "seed": 3}
        for choice in ("gap", "upper", "lower", "all", "beyond", "first", "last"):
            name = f"{letter}stemr"
            yield "accuracy.lapack-ranges", name, {**given, "routine": name, "variant": choice}
            for name in (f"{letter}{family}{end}" for end in ("evr", "evx", "gvx")):
                chosen = {"routine": name, "variant": ["U", choice]}
                yield "accuracy.lapack-ranges", name, {**given, **chosen}
        name = f"{letter}{family}evd"
        for kind in ("close", "near"):
            close = {"routine": name, "size": 33, "variant": "U", "seed": 3}
            yield "accuracy.divide-and-conquer", name, {**close, "dtype": dtype, "kind": kind}
        for name in (f"{letter}{family}evd", f"{letter}geev", f"{letter}gesvd"):
            chosen = {"routine": name, "kind": "random"}
            yield "special.lapack-workspace", name, {**given, **chosen}


def inputs_in_lower_case() -> Iterator[tuple[str, str, Parameters]]:
    for letter, dtype in (("s", "float32"), ("z", "complex128")):
        given = {"dtype": dtype, "kind": "random", "size": 5, "seed": 3}
        for name, variant in ((f"{letter}trtrs", "LTU"), (f"{letter}potrs", "U")):
            yield "exact.lower-case", name, {**given, "routine": name, "variant": variant}


INPUTS = [
    *table_inputs("systems", SYSTEMS),
    *table_inputs("orthogonal", ORTHOGONAL),
    *table_inputs("spectra", SPECTRA),
    *other_inputs(),
    *inputs_of_variations(),
    *inputs_in_lower_case(),
]


def source(check: str, routine: str, parameters: Parameters, message: str = "") -> Source:
    case = {"routine": routine, "message": message, "parameters": parameters}
    found = source_of_case(check, case, "Nehalem", 1)
    assert isinstance(found.way, LapackWay)
    return found


@pytest.mark.parametrize("check", WAYS)
def test_scripts_are_short_and_find_nothing_in_a_good_library(check: str, numpy_site: Path) -> None:
    given = [each for each in INPUTS if each[0] == check]
    sources = [source(*each) for each in given]
    scripts = [each.text(each.trial) for each in sources]
    assert scripts
    for script in scripts:
        assert len(script.splitlines()) <= LONGEST, script
        assert max(map(len, script.splitlines())) <= 240
    assert [given[index] for index in failing_scripts(numpy_site, scripts)] == []


#: Fault of tests/faults/lapack_faults.c, check that sees it.
FAULTS = [
    ("getrf-tile", "exact.lu"),
    ("getrf-pivot", "exact.lu"),
    ("getrf-outside", "exact.lu"),
    ("laswp-backwards", "exact.row-exchanges"),
    ("laswp-apart", "exact.row-exchanges"),
    ("potrf-triangle", "exact.cholesky"),
    ("trtri-unit", "exact.triangular-factors"),
    ("larf", "exact.reflectors"),
    ("sytrs", "accuracy.lapack-systems"),
    ("gbsv-info", "accuracy.lapack-systems"),
    ("syevr-nan", "accuracy.lapack-spectra"),
    ("ggev", "accuracy.lapack-spectra"),
    ("getrf2", "accuracy.lapack-alternatives"),
    ("sytrf_rook", "accuracy.lapack-alternatives"),
    ("stemr-count", "accuracy.lapack-ranges"),
    ("stemr-litter", "accuracy.lapack-ranges"),
    ("syev-litter", "special.lapack-workspace"),
    ("syevd-deflation", "accuracy.divide-and-conquer"),
    ("gelsy-rank", "accuracy.lapack-orthogonal"),
    ("geqrf-beyond", "accuracy.lapack-orthogonal"),
    ("gels-shared", "concurrency.lapack"),
    ("gels-leak", "concurrency.lapack"),
    ("geqrf-flag", "special.lapack-flags"),
    ("geqrf-leak", "process.leaks"),
]


def test_scripts_show_planted_faults_and_only_them(numpy_site: Path, tmp_path: Path) -> None:
    faults = Path(__file__).parents[1] / "faults" / "lapack_faults.c"
    site = plant(numpy_site, faults.read_text(), tmp_path / "planted")
    modules = [
        *("accuracy_lapack_orthogonal", "accuracy_lapack_spectra", "accuracy_lapack_systems"),
        *("accuracy_divided", "accuracy_lapack_alternatives", "accuracy_lapack_ranges"),
        *("concurrency_lapack", "exact_lu", "exact_laswp"),
        *("exact_triangular", "leaks", "special_lapack_flags", "special_workspace"),
    ]
    answers = ask_checks(site, modules, [(*each, 1) for each in FAULTS])
    wrong = []
    for (fault, check), answer in zip(FAULTS, answers, strict=True):
        found = source_of_case(check, answer["cases"][0], None, 1)
        trials = (found.trial, *found.otherwise)
        shown = [run_text(found.text(trial), site, fault) for trial in trials]
        if 1 not in shown or run_text(found.text(found.trial), site, "") != 0:
            wrong.append((fault, check, shown, answer["cases"][0]["parameters"]))
    assert wrong == []
