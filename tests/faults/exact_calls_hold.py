# mypy: ignore-errors
# ruff: noqa: ANN001, ANN201, B905, FBT003
"""What the exact calls rest on, as functions to be run where there is a NumPy (by name)."""

from __future__ import annotations

import collections
import itertools
import sys

import numpy as np

from checks import exact_level3, level2, level3
from checks.calls import Operand
from checks.operands import DTYPES
from checks.ranktwo import Products, Triangular
from checks.storage import band, bits, canary, dense, packed, triangle, vector


def multiply(a, b):
    return np.einsum("ik,kj->ij", a, b, optimize=False)


def products_are_those_of_the_blocks():
    for is_complex, form in itertools.product((False, True), ("general", "symmetric", "hermitian")):
        pool = Products(3, 11, 11, 9, is_complex, form)
        assert pool.left.all()
        for m, n, k in itertools.product((0, 1, 4, 11), (0, 3, 9), (0, 1, 7, 11)):
            naive = multiply(pool.left[:m, :k], pool.right[:k, :n])
            assert np.array_equal(pool.product(m, n, k), naive)
            for hermitian in (False, True):
                other = pool.left[:m, :k].conj() if hermitian else pool.left[:m, :k]
                assert np.array_equal(
                    pool.gram(m, k, hermitian), multiply(pool.left[:m, :k], other.T)
                )


def triangular_products_are_those_of_the_blocks():
    for is_complex, upper, unit in itertools.product((False, True), repeat=3):
        pool = Triangular(5, 10, 4, is_complex)
        dtype = "complex128" if is_complex else "float64"
        for size in range(11):
            stored = pool.matrix(size, dtype, upper, unit)
            full = np.nan_to_num(stored)
            if unit:
                full[np.diag_indices(size)] = 1
            factor, product = pool.product(size, 3, upper, unit)
            assert np.array_equal(multiply(full, factor), product)
            unread = np.tril(np.ones((size, size), bool), -1 + unit)
            assert np.array_equal(np.isnan(stored), unread if upper else unread.T)


def depth_that_is_not_exact_is_refused():
    try:
        Products(1, 2, 50_000, 2, True)
    except ValueError:
        return
    raise AssertionError


def images_hold_every_element_and_canaries():
    matrix = np.arange(1.0, 36).reshape(5, 7)
    for row_major, padding in itertools.product((False, True), (0, 2)):
        image, ld = dense(matrix, row_major, padding)
        for i, j in np.ndindex(matrix.shape):
            assert image[i * ld + j if row_major else i + j * ld] == matrix[i, j]
        assert np.count_nonzero(np.isnan(image)) == padding * ((5 if row_major else 7) - 1)
        image, ld = band(matrix, 1, 2, row_major, padding)
        for i, j in np.ndindex(matrix.shape):
            if -1 <= j - i <= 2:
                at = i * ld + 1 + j - i if row_major else j * ld + 2 + i - j
                assert image[at] == matrix[i, j]
        for upper in (False, True):
            square = matrix[:, :5]
            image, ld = triangle(square, upper, row_major, padding)
            lines = packed(square, upper, row_major)
            assert np.array_equal(image[~np.isnan(image)], lines)


def increments_are_as_blas_walks():
    values = np.arange(1.0, 5)
    for increment in (1, 2, 3, -1, -2):
        image = vector(values, increment)
        start = 0 if increment > 0 else (1 - len(values)) * increment
        assert [image[start + i * increment] for i in range(4)] == list(values)
    assert len(vector(values[:1], 0)) == 1


def canaries_are_nan_with_their_own_bits():
    for dtype in DTYPES:
        nan = canary(dtype, 3)
        assert np.isnan(nan).all()
        assert not (bits(nan) == bits(np.full(3, np.nan, dtype))[0]).any()


def calls_meet_every_flag_and_every_residue():
    seen = {}
    for call in level3.calls(1, least=128):
        key = call.routine, call.dtype
        facts = call.parameters
        flags, sizes = seen.setdefault(key, (set(), {}))
        flags.add(tuple(v for k, v in facts.items() if k in FLAGS))
        for name in "mnk":
            if facts.get(name):
                sizes.setdefault(name, set()).add(facts[name] % 16)
    for (routine, dtype), (flags, sizes) in seen.items():
        assert len(flags) == len(level3.combinations(routine, dtype)), routine
        if routine not in {"imatcopy", "gemm_batch_strided"}:
            assert all(residues == set(range(16)) for residues in sizes.values()), (routine, sizes)


def each_form_meets_every_residue_in_full():
    seen = {}
    for call in level3.calls(1, ("gemm", "gemmt"), ("float64", "complex64"), least=16 * 128):
        facts = call.parameters
        form = call.routine, call.dtype, *(v for k, v in facts.items() if k in FLAGS)
        for name in "mnk":
            if name in facts:
                seen.setdefault((form, name), set()).add(facts[name] % 16)
    assert all(residues == set(range(16)) for residues in seen.values())


def split_calls_have_every_combination_of_flags():
    for seed in (1, 20260117):
        split = exact_level3.split_forms(seed, ("trsm", "gemmt", "herk"), exact_level3.ALL_FORMS)
        counts = collections.Counter((call.routine, call.dtype) for call in split)
        for (routine, dtype), count in counts.items():
            assert count == len(level3.combinations(routine, dtype)), routine
        routines = "gemv", "symv", "trmv", "trsv", "tbmv", "tpsv", "her2"
        split = level2.split_forms(seed, routines, level2.ALL_FORMS)
        counts = collections.Counter((call.routine, call.dtype) for call in split)
        for (routine, dtype), count in counts.items():
            trans = 4 if dtype.startswith("c") else 3
            expected = 2 * trans if routine == "gemv" else 8 * trans if routine[0] == "t" else 4
            assert count == expected, (routine, dtype, count)


def sizes_meet_every_number_below_64():
    for sizes in zip(*(level3.small_sizes(turn) for turn in range(128))):
        assert set(sizes) >= set(range(64)), set(range(64)) - set(sizes)


FLAGS = ("order", "side", "uplo", "trans", "ta", "tb", "diag")


def beta_zero_reads_nothing():
    for call in level3.calls(1, ("gemm", "symm", "herk", "gemmt"), least=32):
        if call.parameters["beta"] == 0:
            output = [a for a in call.arguments if isinstance(a, Operand)][-1]
            assert np.isnan(output.before).all()


if __name__ == "__main__":
    globals()[sys.argv[1]]()
