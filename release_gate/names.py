"""The names that a statement binds, and those of its module that it uses, by Python's scopes.

A local variable that is called like a function of the module is not a use of that function.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Final

from attrs import define, field

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["Uses", "bound_names", "statements_in", "uses_of"]

_WORD: Final = re.compile(r"\w+")


def uses_of(node: ast.AST) -> Uses:
    """Return what `node`, a statement or an expression of a module, uses."""
    uses = Uses()
    uses.visit(node)
    return uses


def bound_names(*statements: ast.AST) -> set[str]:
    """Return the names that statements bind in the scope in which they stand."""
    return _scope(statements).bound


def statements_in(node: ast.AST) -> Iterator[ast.stmt]:
    """Yield all statements inside `node`, those of inner definitions too, but no expressions."""
    for name in ("body", "orelse", "finalbody", "handlers", "cases"):
        inner = getattr(node, name, None)
        for child in inner if isinstance(inner, list) else ():
            if isinstance(child, ast.stmt):
                yield child
            yield from statements_in(child)


@define
class _Scope:
    """What one scope binds; by an import apart; and what it declares as the module's."""

    bound: set[str] = field(factory=set)
    imported: set[str] = field(factory=set)
    shared: set[str] = field(factory=set)


def _scope(statements: Iterable[ast.AST]) -> _Scope:
    scope = _Scope()
    waiting = list(statements)
    while waiting:
        node = waiting.pop()
        match node:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                scope.bound.add(name)
            case ast.Name() | ast.Constant() | ast.Lambda():
                pass
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                scope.bound.add(node.name)
            case ast.Import() | ast.ImportFrom():
                names = {alias.asname or alias.name.partition(".")[0] for alias in node.names}
                scope.bound |= names
                scope.imported |= names
            case ast.Global(names=declared):
                scope.shared.update(declared)
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                # Its targets are its own; an assignment expression binds outside.
                waiting += (x.target for x in ast.walk(node) if isinstance(x, ast.NamedExpr))
            case _:
                scope.bound.update(_captured(node))
                waiting += ast.iter_child_nodes(node)
    return scope


def _captured(node: ast.AST) -> Iterator[str]:
    """Yield the names that are bound without a `Name` node."""
    match node:
        case (
            ast.ExceptHandler(name=str(name))
            | ast.MatchAs(name=str(name))
            | ast.MatchStar(name=str(name))
            | ast.MatchMapping(rest=str(name))
        ):
            yield name


@define
class Uses(ast.NodeVisitor):
    """What was visited uses these names of its module.

    `chains`: ``np.linalg.solve`` is ("np", "linalg", "solve"). `imports`: those inside functions
    too. `strings`: a script for another process may name a module.
    """

    chains: set[tuple[str, ...]] = field(factory=set)
    imports: list[ast.Import | ast.ImportFrom] = field(factory=list)
    strings: list[str] = field(factory=list)
    _scopes: list[frozenset[str]] = field(factory=list)

    def words_with(self, word: str) -> set[str]:
        """Return all words of the strings that hold `word`."""
        found = (set(_WORD.findall(text)) for text in self.strings)
        return {other for words in found if word in words for other in words}

    def visit_Name(self, node: ast.Name) -> None:
        if not isinstance(node.ctx, ast.Store):
            self._use(node.id)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        parts = [node.attr]
        value = node.value
        while isinstance(value, ast.Attribute):
            parts.append(value.attr)
            value = value.value
        if isinstance(value, ast.Name):
            self._use(value.id, *reversed(parts))
        else:
            self.visit(value)

    def visit_Global(self, node: ast.Global) -> None:
        self.chains.update((name,) for name in node.names)

    def visit_Import(self, node: ast.Import) -> None:
        self.imports.append(node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        self.imports.append(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str):
            self.strings.append(node.value)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._function(node, node.body)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._function(node, node.body)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._function(node, [node.body])

    def visit_ListComp(self, node: ast.ListComp) -> None:
        self._comprehension(node)

    def visit_SetComp(self, node: ast.SetComp) -> None:
        self._comprehension(node)

    def visit_DictComp(self, node: ast.DictComp) -> None:
        self._comprehension(node)

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> None:
        self._comprehension(node)

    def _use(self, *chain: str) -> None:
        if not any(chain[0] in scope for scope in self._scopes):
            self.chains.add(chain)

    def _function(
        self,
        node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda,
        body: Iterable[ast.AST],
    ) -> None:
        statements = list(body)
        inside = {id(statement) for statement in statements}
        for child in ast.iter_child_nodes(node):
            if id(child) not in inside:  # decorators, defaults, annotations: of the outer scope
                self.visit(child)
        arguments = {child.arg for child in ast.walk(node.args) if isinstance(child, ast.arg)}
        scope = _scope(statements)
        # A module that a function imports for itself is used like one that the module imports.
        own = (arguments | scope.bound) - scope.imported - scope.shared
        self._visit_inside(frozenset(own), statements)

    def _comprehension(
        self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
    ) -> None:
        first = node.generators[0].iter
        self.visit(first)  # evaluated in the outer scope
        targets = bound_names(*(generator.target for generator in node.generators))
        inner = [
            child
            for generator in node.generators
            for child in (generator.iter, *generator.ifs)
            if child is not first
        ]
        if isinstance(node, ast.DictComp):
            inner += [node.key, node.value]
        else:
            inner.append(node.elt)
        self._visit_inside(frozenset(targets), inner)

    def _visit_inside(self, names: frozenset[str], nodes: Iterable[ast.AST]) -> None:
        self._scopes.append(names)
        for node in nodes:
            self.visit(node)
        self._scopes.pop()
