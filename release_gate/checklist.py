"""The checks that there are, read from the literals of their ``@check(...)`` without an import."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Any, Final

from attrs import asdict, frozen

from release_gate import wire
from release_gate.errors import ConfigurationError, Problem, did_you_mean
from release_gate.model import CheckSpec
from release_gate.names import statements_in
from release_gate.reach import PACKAGE, SourceGraph, definitions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["CATEGORIES", "PROFILES", "SYSTEMS", "read_checks"]

#: What checks are about: the part of an id before its first dot. "wheel" is for the inspections of
#: `release_gate.wheels`, which run in the gate's own process.
CATEGORIES: Final = (
    "accuracy",
    "bounds",
    "concurrency",
    "exact",
    "forking",
    "metamorphic",
    "process",
    "special",
    "suite",
    "wheel",
)
PROFILES: Final = ("smoke", "full", "stress")
SYSTEMS: Final = ("linux", "darwin", "windows")

#: Every check runs under these modules, so that they belong to all digests.
RUNNER: Final = frozenset({"__init__", "__main__", "api", "blas"})
_UNKNOWN: Final = ast.Name("**", ast.Load())  # arguments by ** are no literals, whatever they hold
_ID: Final = re.compile(r"[a-z0-9]+(?:[.-][a-z0-9]+)*")


@frozen(kw_only=True)
class _Facts:
    """The arguments of ``checks.api.check``, with its defaults."""

    id: str
    title: str
    category: str
    routines: tuple[str, ...]
    oracle: str
    catches: str
    min_threads: int = 1
    max_threads: int | None = None
    profiles: tuple[str, ...] = PROFILES
    budget: float = 60.0
    idle: float = 20.0
    systems: tuple[str, ...] = ()
    once: bool = False
    most_threads: bool = False


@frozen(kw_only=True)
class _Found:
    """One decorated function."""

    facts: _Facts
    module: str
    function: str
    where: str


def read_checks(folder: Path) -> tuple[CheckSpec, ...]:
    """Return all checks in the package `folder`, by module and then in the order of the source.

    The `digest` of each covers the function, all that it reaches (`release_gate.reach`), its
    `budget` and `idle`; not its title, oracle and other texts, nor what only selects its cells.

    Raises ConfigurationError with every problem of every module: a syntax error, an argument that
    is no literal, an unknown or missing argument, a value out of range, an id used twice.
    """
    problems: list[Problem] = []
    trees = _parse(folder, problems)
    found = [
        check
        for name, tree in trees.items()
        for check in _decorated(name, tree, folder / f"{name}.py", problems)
    ]
    first: dict[str, _Found] = {}
    for check in found:
        earlier = first.setdefault(check.facts.id, check)
        if earlier is not check:
            what = f"a check {check.facts.id!r} is already defined at {earlier.where}"
            problems.append(Problem(what=what, where=check.where, hint="give it another id"))
    if problems:
        raise ConfigurationError(problems)
    graph = SourceGraph(trees, RUNNER, frozenset(check.module for check in found))
    return tuple(
        CheckSpec(
            **asdict(check.facts),
            module=f"checks.{check.module}",
            digest=graph.digest(
                check.module, check.function, f"{check.facts.budget} {check.facts.idle}"
            ),
        )
        for check in found
    )


def _parse(folder: Path, problems: list[Problem]) -> dict[str, ast.Module]:
    trees: dict[str, ast.Module] = {}
    files = sorted(folder.glob("*.py"))
    if not files:
        problems.append(Problem(what="no Python files, so no checks", where=str(folder)))
    for path in files:
        try:
            trees[path.stem] = ast.parse(path.read_bytes(), path.name)
        except (OSError, ValueError) as error:  # null bytes and wrong encodings are ValueErrors
            problems.append(Problem(what=f"cannot be read ({error})", where=str(path)))
        except SyntaxError as error:
            where = f"{path}:{error.lineno or 1}"
            problems.append(Problem(what=f"syntax error: {error.msg}", where=where))
    return trees


def _decorated(
    module: str, tree: ast.Module, path: Path, problems: list[Problem]
) -> Iterator[_Found]:
    """Yield the checks of a module, and take their decorators off the tree (digests skip them)."""
    names = _names_of_decorator(tree)
    for node in definitions(tree):
        for decorator in list(node.decorator_list):
            target = decorator.func if isinstance(decorator, ast.Call) else decorator
            if ast.unparse(target) not in names:
                continue
            node.decorator_list.remove(decorator)
            where = f"{path}:{decorator.lineno}"
            try:
                facts = _read(decorator, where)
            except ConfigurationError as error:
                problems += error.problems
            else:
                yield _Found(facts=facts, module=module, function=node.name, where=where)
    top = set(definitions(tree))
    for inner in statements_in(tree):
        if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef) and inner not in top:
            for decorator in inner.decorator_list:
                target = decorator.func if isinstance(decorator, ast.Call) else decorator
                if ast.unparse(target) in names:
                    what = f"check {inner.name!r} is inside another definition or a condition"
                    hint = "define it at the level of the module"
                    where = f"{path}:{decorator.lineno}"
                    problems.append(Problem(what=what, where=where, hint=hint))


def _names_of_decorator(tree: ast.Module) -> set[str]:
    """Return the spellings under which the module knows ``checks.api.check``."""
    names: set[str] = set()
    for node in statements_in(tree):
        match node:
            case ast.ImportFrom(module=str(module), level=level) if (module, level) in {
                (f"{PACKAGE}.api", 0),
                ("api", 1),
            }:
                names |= {alias.asname or "check" for alias in node.names if alias.name == "check"}
            case ast.ImportFrom(module=module, level=level) if (module, level) in {
                (PACKAGE, 0),
                (None, 1),
            }:
                names |= {
                    f"{alias.asname or 'api'}.check" for alias in node.names if alias.name == "api"
                }
            case ast.Import():
                names |= {
                    f"{alias.asname or alias.name}.check"
                    for alias in node.names
                    if alias.name == f"{PACKAGE}.api"
                }
    return names


def _read(decorator: ast.expr, where: str) -> _Facts:
    """Return the arguments of a decorator; raise ConfigurationError with all that is wrong."""
    if not isinstance(decorator, ast.Call):
        raise ConfigurationError(Problem(what="@check without arguments", where=where))
    problems = [
        Problem(what="@check takes keyword arguments only", where=where) for _ in decorator.args[:1]
    ]
    data: dict[str, Any] = {}
    not_literal: set[str] = set()
    for keyword in decorator.keywords:
        name = keyword.arg or "**"
        try:
            data[name] = ast.literal_eval(keyword.value if keyword.arg else _UNKNOWN)
        except (ValueError, TypeError):
            not_literal.add(name)
            problems.append(
                Problem(
                    what=f"argument {name!r} of @check is not a literal",
                    where=f"{where.rpartition(':')[0]}:{keyword.value.lineno}",
                    hint="the gate reads it from the source, without running it",
                )
            )
    try:
        facts = wire.from_data(data, _Facts, where)
    except ConfigurationError as error:
        missing = {f"missing key {name!r}" for name in not_literal}
        problems += (problem for problem in error.problems if problem.what not in missing)
    else:
        problems += (Problem(what=what, where=where) for what in _out_of_range(facts))
    if problems:
        raise ConfigurationError(problems)
    return facts


def _out_of_range(facts: _Facts) -> Iterator[str]:
    yield from _bad_names(facts)
    for name in ("title", "oracle", "catches"):
        if not getattr(facts, name).strip():
            yield f"{name} is empty"
    if not facts.profiles:
        yield "profiles is empty: the check would never run"
    if facts.min_threads < 1:
        yield f"min_threads is {facts.min_threads}, must be at least 1"
    if facts.max_threads is not None and facts.max_threads < facts.min_threads:
        yield f"max_threads {facts.max_threads} is below min_threads {facts.min_threads}"
    if facts.budget <= 0 or facts.idle <= 0:
        yield f"budget {facts.budget} and idle {facts.idle} must be above zero seconds"


def _bad_names(facts: _Facts) -> Iterator[str]:
    if not _ID.fullmatch(facts.id) or "." not in facts.id:
        yield f"id {facts.id!r} is not a dotted name such as 'exact.gemm'"
    elif facts.id.partition(".")[0] != facts.category:
        yield f"id {facts.id!r} does not begin with its category {facts.category!r}"
    for kind, words, known in (
        ("category", (facts.category,), CATEGORIES),
        ("profile", facts.profiles, PROFILES),
        ("system", facts.systems, SYSTEMS),
    ):
        for word in words:
            if word not in known:
                hint = did_you_mean(word, known) or f"one of {', '.join(known)}"
                yield f"unknown {kind} {word!r}; {hint}"
