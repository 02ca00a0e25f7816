"""The outputs of a step: what other steps and jobs of a workflow are given, and nothing else."""

from __future__ import annotations

import re
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Final

from release_gate.errors import InfrastructureError, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["VARIABLE", "render_outputs", "write_outputs"]

#: Where the runner says which file takes the outputs of the running step.
VARIABLE: Final = "GITHUB_OUTPUT"

_NAME: Final = re.compile(r"[a-z][a-z0-9_-]*")


def render_outputs(values: Mapping[str, str]) -> str:
    """Return outputs as the runner reads them.

    The end of each value is a word that nobody can guess, so that no value, whatever its lines
    are, can end itself and add an output of its own.
    """
    parts: list[str] = []
    for name, value in values.items():
        if not _NAME.fullmatch(name):
            raise ValueError(name)
        end = f"end-{secrets.token_hex(16)}"
        parts.append(f"{name}<<{end}\n{value}\n{end}\n")
    return "".join(parts)


def write_outputs(values: Mapping[str, str], environment: Mapping[str, str]) -> Path | None:
    """Append outputs to the file that `environment` names; return it, or None without one.

    Raises InfrastructureError when it cannot be written.
    """
    name = environment.get(VARIABLE)
    if not name:
        return None
    path = Path(name)
    try:
        with path.open("a", encoding="utf-8", newline="\n") as file:
            file.write(render_outputs(values))
    except OSError as error:
        what = f"cannot write the outputs to {path}: {error.strerror}"
        raise InfrastructureError(Problem(what=what, hint=f"see {VARIABLE}")) from error
    return path
