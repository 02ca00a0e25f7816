from __future__ import annotations

from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from release_gate.checklist import CATEGORIES, read_checks
from release_gate.errors import ConfigurationError
from release_gate.resources import checks_dir

if TYPE_CHECKING:
    from pathlib import Path

HEAD = """
import numpy as np
from checks.api import check
"""


def decorated(name: str, body: str, category: str = "exact", **extra: str) -> str:
    facts = {
        "id": repr(f"{category}.{name}"),
        "title": "'a title'",
        "category": repr(category),
        "routines": "('dgemm',)",
        "oracle": "'equal'",
        "catches": "'bugs'",
        **extra,
    }
    arguments = ", ".join(f"{key}={value}" for key, value in facts.items())
    return f"\n@check({arguments})\ndef {name}(ctx):\n    {body}\n"


def write(folder: Path, **modules: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name, text in {"__init__": "", "__main__": "", "api": "", "blas": "", **modules}.items():
        (folder / f"{name}.py").write_text(dedent(text))
    return folder


def digests(folder: Path) -> dict[str, str]:
    return {spec.id: spec.digest for spec in read_checks(folder)}


def changed(folder: Path, module: str, old: str, new: str) -> set[str]:
    """Return the ids of the checks whose digest changes with an edit of `module`, then undo it."""
    path = folder / f"{module}.py"
    text = path.read_text()
    assert old in text
    before = digests(folder)
    path.write_text(text.replace(old, new))
    after = digests(folder)
    path.write_text(text)
    assert before.keys() == after.keys()
    return {name for name in before if before[name] != after[name]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three checks in two modules, with helpers that one, two or all of them use."""
    return write(
        tmp_path / "checks",
        __main__="import importlib\nfrom checks import api, exact\nimportlib.import_module('x')",
        api="def check(**facts):\n    return lambda function: function\n",
        blas="import ctypes\nclass Library:\n    pass\n",
        oracles="""
            import math
            LIMIT = 16
            def ratio(x):
                '''How far off.'''
                return scaled(x) / LIMIT
            def scaled(x):
                return math.sqrt(x)
            def equal(a, b):
                return a == b
            """,
        operands="""
            SIZES = (1, 2, 3)
            SHAPES = [(n, n) for n in SIZES]
            def integers(n):
                return list(range(n))
            """,
        exact=HEAD
        + "from checks.oracles import equal as same\nfrom checks import operands\n"
        + "STEP = 3\n"
        + decorated("gemm", "return same(operands.integers(STEP), 1)")
        + decorated("syrk", "return same(operands.SHAPES, 2)"),
        accuracy=HEAD
        + "import checks.operands\nimport checks.oracles as oracles\n"
        + decorated("svd", "return oracles.ratio(checks.operands.SIZES)", "accuracy"),
    )


def test_facts_are_read_with_the_defaults_of_the_decorator(tmp_path: Path) -> None:
    text = HEAD + decorated(
        "lu",
        "pass",
        "forking",
        title="'one ' 'line'",
        routines="['dgetrf', 'dgemm']",
        min_threads="4",
        profiles="('full',)",
        budget="30",
        systems="('linux',)",
    )
    (spec,) = read_checks(write(tmp_path / "checks", forking=text))
    assert (spec.id, spec.category, spec.title) == ("forking.lu", "forking", "one line")
    assert spec.routines == ("dgetrf", "dgemm")
    assert (spec.min_threads, spec.max_threads) == (4, None)
    assert (spec.budget, spec.idle) == (30.0, 20.0)
    assert spec.profiles == ("full",)
    assert spec.systems == ("linux",)
    assert len(spec.digest) == 64


def test_checks_are_in_the_order_of_modules_and_source(folder: Path) -> None:
    assert list(digests(folder)) == ["accuracy.svd", "exact.gemm", "exact.syrk"]


@pytest.mark.parametrize(
    ("module", "old", "new", "expected"),
    [
        ("exact", "(STEP), 1)", "(STEP), 4)", {"exact.gemm"}),
        ("exact", "STEP = 3", "STEP = 5", {"exact.gemm"}),
        ("oracles", "a == b", "a is b", {"exact.gemm", "exact.syrk"}),
        ("oracles", "LIMIT = 16", "LIMIT = 30", {"accuracy.svd"}),
        ("oracles", "math.sqrt(x)", "math.exp(x)", {"accuracy.svd"}),
        ("oracles", "import math", "import cmath as math", {"accuracy.svd"}),
        ("operands", "(1, 2, 3)", "(1, 2)", {"accuracy.svd", "exact.syrk"}),
        ("operands", "range(n)", "range(n + 1)", {"exact.gemm"}),
        ("blas", "pass", "size = 1", {"accuracy.svd", "exact.gemm", "exact.syrk"}),
        ("__main__", "('x')", "('y')", {"accuracy.svd", "exact.gemm", "exact.syrk"}),
        ("exact", "equal as same", "ratio as same", {"exact.gemm", "exact.syrk"}),
    ],
)
def test_an_edit_changes_the_digests_of_what_reaches_it(
    folder: Path, module: str, old: str, new: str, expected: set[str]
) -> None:
    assert changed(folder, module, old, new) == expected


@pytest.mark.parametrize(
    ("module", "old", "new"),
    [
        ("oracles", "LIMIT = 16", "# why 16\n\n\nLIMIT = 16"),
        ("oracles", "How far off", "The distance"),
        ("exact", "'a title'", "'another title'"),
        ("exact", "catches='bugs'", "catches='races', profiles=('full',)"),
        ("exact", "import equal as same", "import (LIMIT, equal as same)"),
        ("operands", "SIZES = (1, 2, 3)", "SIZES = (1, 2, 3)\nUNUSED = 1"),
        ("exact", "STEP = 3", "STEP = 3\nif __name__ == '__main__':\n    gemm(0)"),
    ],
)
def test_what_cannot_change_an_outcome_changes_no_digest(
    folder: Path, module: str, old: str, new: str
) -> None:
    assert changed(folder, module, old, new) == set()


def test_the_clocks_of_a_check_count(folder: Path) -> None:
    assert changed(folder, "accuracy", "'bugs'", "'bugs', budget=5.0") == {"accuracy.svd"}
    assert changed(folder, "accuracy", "'bugs'", "'bugs', idle=5.0") == {"accuracy.svd"}


EVERYBODY = {"accuracy.svd", "exact.gemm", "exact.syrk"}


@pytest.mark.parametrize(
    ("module", "statement"),
    [
        ("accuracy", "np.seterr(all='raise')"),
        ("operands", "SIZES.extend([1])"),
        ("operands", "integers.cache = {}"),
        ("operands", "if True:\n    integers(0)"),
        ("operands", "KEPT = []\ndef keep(f): KEPT.append(f)\n@keep\ndef one(): return 1"),
        ("operands", "def keep(f): keep.last = f\n@keep\ndef one(): return 1"),
    ],
)
def test_what_acts_at_import_counts_for_everybody(
    folder: Path, module: str, statement: str
) -> None:
    path = folder / f"{module}.py"
    before = digests(folder)
    path.write_text(path.read_text() + "\n" + statement + "\n")
    after = digests(folder)
    assert {name for name in before if before[name] != after[name]} == EVERYBODY


def test_a_decorator_without_variables_counts_where_it_is_used(folder: Path) -> None:
    path = folder / "exact.py"
    text = "import functools\nN = 4\ndef few(f):\n    @functools.wraps(f)\n"
    text += "    def inner(ctx):\n        return f(ctx, N)\n    return inner\n"
    text = path.read_text() + text + decorated("dot", "return 1").replace("\ndef", "\n@few\ndef")
    path.write_text(text)
    assert changed(folder, "exact", "N = 4", "N = 5") == {"exact.dot"}


def test_local_names_are_not_those_of_the_module(folder: Path) -> None:
    path = folder / "exact.py"
    body = """gemm = ctx.gemm
    syrk = [gemm for gemm in range(3)]
    def inner(STEP, operands):
        return STEP, gemm, (lambda equal: equal)(operands), syrk
    return inner"""
    path.write_text(path.read_text() + decorated("dot", body))
    assert changed(folder, "exact", "(STEP), 1)", "(STEP), 4)") == {"exact.gemm"}
    assert changed(folder, "exact", "STEP = 3", "STEP = 5") == {"exact.gemm"}
    assert changed(folder, "operands", "range(n)", "range(n + 1)") == {"exact.gemm"}


@pytest.mark.parametrize(
    "body",
    [
        "gemm = [STEP for STEP in range(3)]; return STEP",
        "global STEP; STEP = 4",
        "return (lambda: STEP)()",
        "return [STEP for _ in range(3)]",
        "return [x for x in range(STEP)]",
        "return {STEP: 1 for x in ()}",
        "return lambda n=STEP: n",
        "class Inner:\n        step = STEP\n    return Inner",
        "x: STEP = 1; return x",
    ],
)
def test_names_of_the_module_are_found_in_every_scope(folder: Path, body: str) -> None:
    path = folder / "exact.py"
    path.write_text(path.read_text() + decorated("dot", body))
    assert changed(folder, "exact", "STEP = 3", "STEP = 5") == {"exact.gemm", "exact.dot"}


@pytest.mark.parametrize(
    ("body", "edited"),
    [
        ("return getattr(operands, 'integers')", ("operands", "range(n)")),
        ("return run('-c', 'from checks import oracles')", ("oracles", "a == b")),
        ("from checks.oracles import equal; return equal", ("oracles", "a == b")),
        ("import checks.oracles; return 1", ("oracles", "a == b")),
        ("return eval('1')", ("oracles", "LIMIT = 16")),
        ("import sys; return sys.modules", ("oracles", "LIMIT = 16")),
        ("return run(__file__)", ("exact", "STEP = 3")),
        ("return np.linalg.solve(operands, 1)", ("operands", "(1, 2, 3)")),
    ],
)
def test_in_doubt_more_is_reached(folder: Path, body: str, edited: tuple[str, str]) -> None:
    path = folder / "exact.py"
    path.write_text(path.read_text() + decorated("doubt", body))
    module, old = edited
    new = old.replace("16", "17").replace("3", "4").replace("==", "is").replace("(n)", "(n + 1)")
    assert "exact.doubt" in changed(folder, module, old, new)


def test_names_that_are_passed_on_are_followed(folder: Path) -> None:
    (folder / "front.py").write_text("from .oracles import equal\nfrom checks.operands import *\n")
    text = HEAD + "from checks.front import equal, SIZES\n"
    text += decorated("a", "return equal", "process") + decorated("b", "return SIZES", "process")
    (folder / "process.py").write_text(text)
    assert "process.a" in changed(folder, "oracles", "a == b", "a is b")
    assert "process.b" not in changed(folder, "oracles", "a == b", "a is b")
    assert "process.b" in changed(folder, "operands", "(1, 2, 3)", "(1, 2)")
    assert "process.a" not in changed(folder, "operands", "(1, 2, 3)", "(1, 2)")


def test_modules_that_import_each_other_come_to_an_end(folder: Path) -> None:
    (folder / "one.py").write_text("from checks.two import x\n")
    (folder / "two.py").write_text("from checks.one import x\n")
    text = HEAD + "from checks.one import x\n" + decorated("a", "return x", "process")
    (folder / "process.py").write_text(text)
    assert "process.a" in digests(folder)


@pytest.mark.parametrize(
    "spelling",
    [
        "from checks.api import check as asked\n@asked",
        "from checks import api\n@api.check",
        "import checks.api\n@checks.api.check",
        "from .api import check\n@check",
    ],
)
def test_every_spelling_of_the_decorator_is_found(tmp_path: Path, spelling: str) -> None:
    facts = "(id='exact.a', title='t', category='exact', routines=(), oracle='o', catches='c')"
    text = f"{spelling}{facts}\ndef a(ctx):\n    pass\n"
    assert list(digests(write(tmp_path / "checks", exact=text))) == ["exact.a"]


def test_all_problems_of_all_modules_are_told_with_file_and_line(tmp_path: Path) -> None:
    folder = write(
        tmp_path / "checks",
        broken="def f(:\n",
        exact=HEAD
        + decorated("a", "pass", title="TITLE")
        + decorated("b", "pass", budgett="5.0")
        + decorated("c", "pass", routines="'dgemm'")
        + decorated("d", "pass", id="'special.d'")
        + decorated("e", "pass", min_threads="8", max_threads="1", budget="0.0")
        + decorated("f", "pass", profiles="('smok',)", systems="('linus',)"),
        exotic=HEAD
        + decorated("a", "pass", "exotic")
        + decorated("b", "pass", id="'exact.b'", **{"**more": "1"}).replace("**more=", "**"),
        process=HEAD + decorated("x", "pass", "process") + decorated("x", "pass", "process"),
        special=HEAD + "if np:\n" + decorated("z", "pass", "special").replace("\n", "\n    "),
    )
    with pytest.raises(ConfigurationError) as caught:
        read_checks(folder)
    told = [f"{problem.where} {problem.what}" for problem in caught.value.problems]
    expected = [
        "broken.py:1 syntax error",
        "exact.py:5 argument 'title' of @check is not a literal",
        "exact.py:9 unknown key 'budgett', did you mean 'budget'?",
        "exact.py:13: routines expected a list, got str 'dgemm'",
        "exact.py:17 id 'special.d' does not begin with its category 'exact'",
        "exact.py:21 max_threads 1 is below min_threads 8",
        "exact.py:21 budget 0.0 and idle 20.0 must be above zero seconds",
        "exact.py:25 unknown profile 'smok'; did you mean 'smoke'?",
        "exact.py:25 unknown system 'linus'; did you mean 'linux'?",
        "exotic.py:5 unknown category 'exotic'",
        "exotic.py:9 argument '**' of @check is not a literal",
        "process.py:9 a check 'process.x' is already defined at",
        "special.py:6 check 'z' is inside another definition or a condition",
    ]
    for line in expected:
        assert any(line in entry for entry in told), (line, told)
    assert len(told) == len(expected)


def test_decorator_without_arguments_and_positional_arguments(tmp_path: Path) -> None:
    text = HEAD + "\n@check\ndef a(ctx):\n    pass\n\n@check('exact.b')\ndef b(ctx):\n    pass\n"
    with pytest.raises(ConfigurationError, match="without arguments") as caught:
        read_checks(write(tmp_path / "checks", exact=text))
    assert "keyword arguments only" in str(caught.value)


def test_folder_without_checks_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no Python files"):
        read_checks(tmp_path / "missing")


def test_the_checks_of_this_project_are_readable() -> None:
    specs = read_checks(checks_dir())
    assert {spec.category for spec in specs} <= set(CATEGORIES)
    assert len({spec.digest for spec in specs}) == len(specs)
