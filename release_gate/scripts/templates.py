"""Hand-written scripts of checks that are more than one call, with the parts that they name.

A template is a plain Python file: it has a line ``PARAMETERS = {...}`` with an example, exits with
1 when it sees the fault and with 0 when it does not. It belongs to the check after which it is
named (``exact_gemm.py``: exact.gemm), or to those in a line near its top, ``# reproduces:
exact.gemm, exact.gemv``. What several need is in ``parts.py`` beside them; ``from parts import
openblas`` is replaced by that definition and those that it uses in turn.
"""

from __future__ import annotations

import ast
import functools
import re
from typing import TYPE_CHECKING

from release_gate.errors import InfrastructureError, Problem
from release_gate.scripts.shortening import shortened
from release_gate.scripts.text import choose_kernel

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from release_gate.scripts.text import Trial

__all__ = ["PARTS", "find_template", "template_example", "template_script"]

PARTS = "parts.py"

_MAPPING = re.compile(r"^#\s*reproduces:\s*(.+)\n", re.MULTILINE)
#: How far into a template the line that names its checks may stand.
_TOP = 2_000
_KERNEL = re.compile(r'^os\.environ\["OPENBLAS_CORETYPE"\] = .*$', re.MULTILINE)
_FIRST_IMPORT = re.compile(r"^import ", re.MULTILINE)
_IMPORT = re.compile(r"^from parts import (.+?)(?:  #.*)?\n", re.MULTILINE)


def find_template(check: str, templates: Path) -> Path | None:
    """Return the template for `check`; None when there is none."""
    own = templates / f"{check.replace('.', '_').replace('-', '_')}.py"
    if own.is_file():
        return own
    return _mapped(templates).get(check)


@functools.cache
def _mapped(templates: Path) -> dict[str, Path]:
    """Return the template of each check that one names near its top, the first of several."""
    mapped: dict[str, Path] = {}
    for path in sorted(templates.glob("*.py")):
        if named := _MAPPING.search(path.read_text("utf-8")[:_TOP]):
            for name in named[1].split(","):
                mapped.setdefault(name.strip(), path)
    return mapped


def template_example(template: Path) -> dict[str, object]:
    """Return the PARAMETERS that `template` has of its own."""
    node = _parameters(template.read_text("utf-8"), template)
    value: dict[str, object] = ast.literal_eval(node.value)
    return value


def template_script(template: Path, trial: Trial) -> str:
    """Return the text of `template` with its parts, and with the input and the place of `trial`.

    Raises InfrastructureError when it has no PARAMETERS, or names a part that there is not.
    """
    source = _with_parts(template)
    node = _parameters(source, template)
    lines = source.splitlines(keepends=True)
    given = {**trial.parameters, "kernel": trial.kernel or "", "threads": trial.threads}
    lines[node.lineno - 1 : node.end_lineno] = [f"PARAMETERS = {given!r}\n"]
    text = "".join(lines)
    if not trial.kernel:
        text = _KERNEL.sub(choose_kernel(None), text)
    return shortened(_MAPPING.sub("", text, count=1))


def _parameters(source: str, template: Path) -> ast.Assign:
    for node in ast.parse(source).body:
        match node:
            case ast.Assign(targets=[ast.Name(id="PARAMETERS")]):
                return node
    raise InfrastructureError(
        Problem(what="a reproducer template has no line 'PARAMETERS = {...}'", where=str(template))
    )


def _with_parts(template: Path) -> str:
    """Return the source with the definitions of ``parts.py`` in place of their import."""
    source = template.read_text("utf-8")
    named = _IMPORT.search(source)
    if named is None:
        return source
    parts = (template.parent / PARTS).read_text("utf-8")
    tree = ast.parse(parts).body
    nodes = {node.name: node for node in tree if isinstance(node, ast.FunctionDef)}
    wanted = _reached([name.strip() for name in named[1].split(",")], nodes, template)
    lines = parts.splitlines(keepends=True)
    pieces = [
        "".join(lines[node.lineno - 1 : node.end_lineno])
        for name, node in nodes.items()
        if name in wanted
    ]
    used = {each for name in wanted for each in _names(nodes[name])}
    modules = [each.name for node in tree if isinstance(node, ast.Import) for each in node.names]
    missing = [
        f"import {module}\n"
        for module in modules
        if module in used and f"import {module}\n" not in source
    ]
    above = _FIRST_IMPORT.sub("".join(missing) + "import ", source[: named.start()], count=1)
    return above + "\n\n" + "\n\n".join(pieces) + source[named.end() :]


def _names(node: ast.AST) -> set[str]:
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}


def _reached(names: list[str], nodes: Mapping[str, ast.FunctionDef], template: Path) -> set[str]:
    """Return `names` and all parts that these use, and so on."""
    wanted: set[str] = set()
    while names:
        name = names.pop()
        if name not in nodes:
            what = f"a reproducer template imports {name!r}, which {PARTS} does not define"
            raise InfrastructureError(Problem(what=what, where=str(template)))
        if name not in wanted:
            wanted.add(name)
            names += _names(nodes[name]) & set(nodes)
    return wanted
