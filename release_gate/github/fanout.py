"""The jobs of a plan as data for ``strategy.matrix.include`` of a workflow."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from release_gate.errors import ConfigurationError, InfrastructureError, Problem
from release_gate.matrix.shards import MOST_SHARDS, shards_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from release_gate.matrix.tables import PlatformRow
    from release_gate.model import Plan

__all__ = ["VARIABLE", "job_lists", "write_output"]

#: The variable that names the file for a step's outputs.
VARIABLE: Final = "GITHUB_OUTPUT"


def job_lists(plan: Plan, platforms: Sequence[PlatformRow]) -> dict[str, list[dict[str, Any]]]:
    """Return the entries of the matrices ``wheels`` and ``cells``.

    An entry of ``wheels`` is one build: platform, runner, pin, identifier (cibuildwheel's), name;
    one of ``cells`` is one shard: shard, platform, runner, python, name. A NumPy that is a finished
    wheel leaves nothing to build. Raises ConfigurationError for a platform without a runner, and
    for more builds than a workflow takes.
    """
    rows = {row.name: row for row in platforms}
    problems = [
        Problem(
            what=f"GitHub has no machine for {name}",
            where="--github",
            hint="give --platforms names or all",
        )
        for name in plan.platforms
        if name not in rows or not rows[name].runner
    ]
    builds = dict.fromkeys((entry.cell.platform, entry.cell.pin) for entry in plan.cells)
    if len(builds) > MOST_SHARDS:
        what = f"{len(builds)} builds, and a workflow takes {MOST_SHARDS} jobs of one matrix"
        problems.append(Problem(what=what, where="--candidate", hint="name fewer candidates"))
    if problems:
        raise ConfigurationError(problems)
    wheels = [
        {
            "platform": platform,
            "runner": rows[platform].runner,
            "pin": str(pin),
            "identifier": f"{plan.interpreter.tag}-{rows[platform].identifier}",
            "name": f"wheel {platform} {pin.version}",
        }
        for platform, pin in builds
        if plan.numpy.kind != "wheel"
    ]
    cells = [
        {
            "shard": shard.id,
            "platform": shard.platform,
            "runner": rows[shard.platform].runner,
            "python": ".".join(plan.interpreter.version.split(".")[:2]),
            "name": f"cells {shard.id}",
        }
        for shard in shards_of(plan)
    ]
    return {"wheels": wheels, "cells": cells}


def write_output(
    lists: Mapping[str, Sequence[Mapping[str, Any]]], environment: Mapping[str, str]
) -> str | None:
    """Append ``name=JSON`` lines to the file of a step's outputs; return them when there is none.

    Raises InfrastructureError when the file cannot be written.
    """
    text = "".join(f"{name}={json.dumps(entries)}\n" for name, entries in lists.items())
    if not (name := environment.get(VARIABLE)):
        return text
    try:
        with Path(name).open("a", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        what = f"cannot write the step's outputs to {name}: {error.strerror}"
        raise InfrastructureError(Problem(what=what, hint=f"see {VARIABLE}")) from error
    return None
