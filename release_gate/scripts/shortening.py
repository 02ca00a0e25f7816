"""Scripts on few lines, so that a maintainer sees a whole one at once."""

from __future__ import annotations

import re

__all__ = ["shortened"]

#: Imports that follow each other.
_IMPORTS = re.compile(r"^(?:import [\w.]+\n){2,}", re.MULTILINE)

#: A function of one statement, its comment, and the empty lines before another function.
_SMALL = re.compile(
    r"^(?P<head>def [^#\n]*:)(?P<comment>  # .*)?\n    (?P<body>[^\s\"#][^#\n]*)\n"
    r"(?=\S|\n|\Z)(?:\n+(?=def ))?",
    re.MULTILINE,
)

#: Columns that a comment may end in.
_WIDTH = 120


def shortened(script: str) -> str:
    """Return the same program with fewer lines.

    Imports share one, functions of a single statement take one, and empty lines are left only
    around the longer functions.
    """
    script = _SMALL.sub(_on_one_line, _IMPORTS.sub(_one_import, script))
    top, first, rest = re.sub(r"\n{3,}", "\n\n", script).partition("\n\ndef ")
    return top.replace("\n\n", "\n") + first + rest


def _one_import(lines: re.Match[str]) -> str:
    return f"import {', '.join(sorted(line.split()[1] for line in lines[0].splitlines()))}\n"


def _on_one_line(function: re.Match[str]) -> str:
    line = f"{function['head']} {function['body']}{function['comment'] or ''}\n"
    too_wide = function["comment"] and len(line) > _WIDTH
    return function[0] if too_wide else line
