"""Which source a check depends on, read from the syntax trees of the package `checks`.

The unit is the statement at module level: a function, a class, an assignment, an import. A unit
reaches the units that define the names it uses, in its own module or in a sibling; the transitive
closure is what can change its behaviour. Nothing is imported, so that neither NumPy nor the checks
run in the gate's own process.

In doubt, more is reached rather than less:

- a module used as a value (``getattr(operands, name)``) is reached as a whole, likewise one that a
  string mentions (a script for a subprocess) and the own module of whoever uses ``__file__``;
- ``eval``, ``globals``, ``importlib`` and the like reach everything;
- statements that act when a module is imported (a call, an assignment to an attribute or an item,
  a definition under a decorator of this package that has variables to keep it in) are reached by
  everybody.

Docstrings, comments and positions do not count.
"""

from __future__ import annotations

import ast
import hashlib
from functools import cached_property
from typing import TYPE_CHECKING, Final

from attrs import define, field, frozen

from release_gate.names import bound_names, statements_in, uses_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from release_gate.names import Uses

__all__ = ["PACKAGE", "SourceGraph", "definitions"]

PACKAGE: Final = "checks"

#: Whoever uses one of these can reach any definition by its name as a string.
_REACHES_ALL: Final = frozenset(
    {"__import__", "eval", "exec", "globals", "importlib", "pkgutil", "runpy", "vars"}
)
_IMPORTS: Final = ast.Import | ast.ImportFrom
_DEFINES: Final = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
_COMPOUND: Final = ast.If | ast.Try | ast.With | ast.For | ast.While


@frozen
class _Target:
    """A definition of a sibling module, a whole sibling module, or (both None) the package."""

    module: str | None = None
    name: str | None = None


@frozen
class _Unit:
    """The statement number `index` at the level of a module."""

    module: str
    index: int


@define
class _Module:
    """One file of the package."""

    name: str
    tree: ast.Module
    siblings: frozenset[str]
    bound: dict[str, list[int]] = field(factory=dict)
    aliases: dict[str, _Target] = field(factory=dict)
    stars: list[str] = field(factory=list)

    def __attrs_post_init__(self) -> None:
        for index, statement in enumerate(self.tree.body):
            for name in bound_names(statement):
                self.bound.setdefault(name, []).append(index)
            for node in _imports_of(statement):
                for local, target in _sibling_imports(node, self.siblings):
                    if local == "*":
                        self.stars.append(str(target.module))
                    else:
                        self.aliases[local] = target


@define(slots=False)
class SourceGraph:
    """All modules of the package; `runner` names those that every check runs under."""

    trees: Mapping[str, ast.Module]
    runner: frozenset[str]
    with_checks: frozenset[str]
    _modules: dict[str, _Module] = field(init=False)
    _edges: dict[_Unit, tuple[_Unit, ...]] = field(init=False, factory=dict)
    _texts: dict[_Unit, bytes] = field(init=False, factory=dict)

    def __attrs_post_init__(self) -> None:
        names = frozenset(self.trees)
        self._modules = {
            name: _Module(name, _without_docstrings(tree), names)
            for name, tree in self.trees.items()
        }

    def digest(self, module: str, function: str, extra: str = "") -> str:
        """Return the SHA-256 over `extra` and all that `function` of `module` reaches."""
        units = self._closure(self._define(module, function)) | self._common
        content = hashlib.sha256(extra.encode())
        for unit in sorted(units, key=lambda unit: (unit.module, unit.index)):
            content.update(b"\0" + unit.module.encode() + b"\0" + self._text(unit))
        return content.hexdigest()

    @cached_property
    def _common(self) -> frozenset[_Unit]:
        """What every check depends on: the runner, and what acts when modules are imported."""
        runner = (unit for name in self.runner for unit in self._whole(name))
        acting = (
            _Unit(name, index)
            for name, module in self._modules.items()
            for index, node in enumerate(module.tree.body)
            if self._acts(name, node)
        )
        return frozenset(self._closure([*runner, *acting]))

    def _acts(self, module: str, node: ast.stmt) -> bool:
        """Say whether a statement does something when its module is imported, but to define."""
        match node:
            case ast.Import() | ast.ImportFrom() | ast.Pass():
                acts = False
            case ast.If(test=ast.Compare(left=ast.Name(id="__name__"))):
                acts = False  # no import runs it
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                acts = any(self._keeps(module, decorator) for decorator in node.decorator_list)
            case ast.If() | ast.Try() | ast.With() | ast.For() | ast.While():
                acts = any(self._acts(module, child) for child in _branches_of(node))
            case ast.Assign(targets=targets):
                acts = not all(_only_names(target) for target in targets)
            case ast.AnnAssign(target=target) | ast.AugAssign(target=target):
                acts = not _only_names(target)
            case _:
                acts = True
        return acts

    def _keeps(self, module: str, decorator: ast.expr) -> bool:
        """Say whether a decorator may keep what it decorates in a variable of this package."""
        chains = uses_of(decorator).chains
        roots = [unit for chain in chains for unit in self._resolve(module, chain, in_runner=False)]
        return self._on_definition(module, chains) or any(
            self._has_state(unit) for unit in self._closure(roots)
        )

    def _has_state(self, unit: _Unit) -> bool:
        """Say whether a unit is a variable that can change, or uses an attribute of a function."""
        node = self._modules[unit.module].tree.body[unit.index]
        match node:
            case ast.Import() | ast.ImportFrom():
                return False
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                return self._on_definition(unit.module, uses_of(node).chains)
            case ast.Assign(value=value):
                return not _is_constant(value)
            case _:
                return True

    def _on_definition(self, module: str, chains: Iterable[tuple[str, ...]]) -> bool:
        """Say whether one of `chains` is an attribute of a function or class of `module`."""
        here = self._modules[module]
        return any(
            isinstance(here.tree.body[index], _DEFINES)
            for name, *rest in chains
            if rest
            for index in here.bound.get(name, ())
        )

    def _closure(self, roots: Iterable[_Unit]) -> set[_Unit]:
        reached: set[_Unit] = set()
        waiting = list(roots)
        while waiting:
            unit = waiting.pop()
            if unit not in reached:
                reached.add(unit)
                waiting += self._reached_by(unit)
        return reached

    def _reached_by(self, unit: _Unit) -> tuple[_Unit, ...]:
        if unit not in self._edges:
            self._edges[unit] = tuple(self._find_edges(unit))
        return self._edges[unit]

    def _find_edges(self, unit: _Unit) -> Iterator[_Unit]:
        node = self._modules[unit.module].tree.body[unit.index]
        if isinstance(node, _IMPORTS):
            return  # what is imported counts where its name is used
        uses = uses_of(node)
        in_runner = unit.module in self.runner
        if _reaches_all(uses) and not in_runner:
            for name in self._modules:
                yield from self._whole(name)
            return
        for chain in uses.chains:
            yield from self._resolve(unit.module, chain, in_runner=in_runner)
        for imported in uses.imports:
            for _, target in _sibling_imports(imported, frozenset(self._modules)):
                yield from self._follow(target, (), in_runner=in_runner)
        for name in uses.words_with(PACKAGE) & self._modules.keys():
            yield from self._follow(_Target(name), (), in_runner=in_runner)

    def _resolve(self, module: str, chain: tuple[str, ...], *, in_runner: bool) -> Iterator[_Unit]:
        root, rest = chain[0], chain[1:]
        if root == "__file__":
            yield from self._whole(module)
        elif root in self._modules[module].aliases:
            target = self._modules[module].aliases[root]
            yield from self._follow(target, rest, in_runner=in_runner)
        else:
            yield from self._define(module, root)

    def _follow(
        self,
        target: _Target,
        rest: tuple[str, ...],
        *,
        in_runner: bool,
        seen: frozenset[tuple[str, str]] = frozenset(),
    ) -> Iterator[_Unit]:
        match target, rest:
            case _Target(None, None), (module, *further) if module in self._modules:
                yield from self._follow(_Target(module), tuple(further), in_runner=in_runner)
            case _Target(None, None), _:
                for name in self._modules:
                    yield from self._follow(_Target(name), (), in_runner=in_runner)
            case _Target(str(module), None), () if in_runner and module in self.with_checks:
                return  # the runner imports every module of checks, and runs one check
            case _Target(str(module), None), ():
                yield from self._whole(module)
            case (_Target(str(module), None), (name, *_)) | (_Target(str(module), str(name)), _):
                yield from self._define(module, name, seen) or self._whole(module)

    def _define(
        self, module: str, name: str, seen: frozenset[tuple[str, str]] = frozenset()
    ) -> list[_Unit]:
        """Return the units that define `name` in `module`, also when it is only passed on there."""
        if (module, name) in seen:  # two modules that import a name from each other
            return []
        seen |= {(module, name)}
        here = self._modules[module]
        if name in here.aliases:
            in_runner = module in self.runner
            return list(self._follow(here.aliases[name], (), in_runner=in_runner, seen=seen))
        if name in here.bound:
            return [_Unit(module, index) for index in here.bound[name]]
        for star in here.stars:
            if found := self._define(star, name, seen):
                return found
        return []

    def _whole(self, module: str) -> list[_Unit]:
        return [_Unit(module, index) for index in range(len(self._modules[module].tree.body))]

    def _text(self, unit: _Unit) -> bytes:
        if unit not in self._texts:
            module = self._modules[unit.module]
            node = module.tree.body[unit.index]
            ours = isinstance(node, _IMPORTS) and any(_sibling_imports(node, module.siblings))
            self._texts[unit] = b"" if ours else ast.dump(node).encode()
        return self._texts[unit]


def definitions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield the functions at the level of the module."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in [tree, *statements_in(tree)]:
        if isinstance(node, _DEFINES | ast.Module) and ast.get_docstring(node, clean=False):
            del node.body[0]
    return tree


def _branches_of(node: ast.stmt) -> Iterator[ast.stmt]:
    """Yield the statements directly inside a compound statement, in all of its branches."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.stmt):
            yield child
        elif isinstance(child, ast.ExceptHandler):
            yield from child.body


def _imports_of(node: ast.stmt) -> Iterator[ast.Import | ast.ImportFrom]:
    """Yield the imports that bind names of the module (not those inside functions)."""
    if isinstance(node, _IMPORTS):
        yield node
    elif isinstance(node, _COMPOUND):
        for child in _branches_of(node):
            yield from _imports_of(child)


def _is_constant(value: ast.expr) -> bool:
    """Whether a value is made of literals that cannot be changed."""
    match value:
        case ast.Constant():
            return True
        case ast.Tuple(elts=parts):
            return all(_is_constant(part) for part in parts)
        case ast.UnaryOp(operand=operand):
            return _is_constant(operand)
        case ast.BinOp(left=left, right=right):
            return _is_constant(left) and _is_constant(right)
        case _:
            return False


def _reaches_all(uses: Uses) -> bool:
    return any(
        chain[0] in _REACHES_ALL or chain[:2] == ("sys", "modules") or "__subclasses__" in chain
        for chain in uses.chains
    )


def _sibling_imports(
    node: ast.Import | ast.ImportFrom, siblings: frozenset[str]
) -> Iterator[tuple[str, _Target]]:
    """Yield (local name, target) for what an import takes from this package; "*" for a star."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            package, _, module = alias.name.partition(".")
            if package == PACKAGE:
                renamed = alias.asname and module in siblings
                yield alias.asname or package, _Target(module) if renamed else _Target()
        return
    path = (node.module or "").split(".")
    if node.level == 0 and path.pop(0) != PACKAGE:
        return
    source = path[0] if path and path[0] else "__init__"
    for alias in node.names:
        local = alias.asname or alias.name
        if source == "__init__" and alias.name in siblings:
            yield local, _Target(alias.name)
        elif source in siblings:
            yield local, _Target(source, None if local == "*" else alias.name)


def _only_names(target: ast.expr) -> bool:
    match target:
        case ast.Name():
            return True
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            return all(_only_names(part) for part in parts)
        case ast.Starred(value=value):
            return _only_names(value)
        case _:
            return False
