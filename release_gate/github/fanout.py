"""The jobs of a plan as data for ``strategy.matrix.include`` of a workflow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from release_gate.errors import ConfigurationError, Problem
from release_gate.matrix.shards import MOST_SHARDS, shards_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from release_gate.matrix.tables import PlatformRow
    from release_gate.model import Plan

__all__ = ["job_lists"]


def job_lists(plan: Plan, platforms: Sequence[PlatformRow]) -> dict[str, list[dict[str, Any]]]:
    """Return the entries of the matrices ``wheels`` and ``cells``.

    An entry of ``wheels`` is one build: platform, runner, pin, identifier (cibuildwheel's), name;
    one of ``cells`` is one shard: shard, platform, runner, python, name. Raises ConfigurationError
    for a platform without a runner, and for more builds than a workflow takes.
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
