"""Behaviour that no standard settles, where cells do not agree on it.

What a baseline and a candidate do differently in the same place is a comparison (`classify`). Here:
kernel against kernel, one thread against several, and all libraries beside each other.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from release_gate.model import Behaviour

if TYPE_CHECKING:
    from collections.abc import Iterable

    from release_gate.model import CellResult

__all__ = ["disagreements"]


def disagreements(results: Iterable[CellResult]) -> tuple[Behaviour, ...]:
    """Return what was recorded under one name with more than one answer, by check and name."""
    seen: dict[tuple[str, str], dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for result in results:
        for observation in result.observations:
            for name, answer in observation.evidence.recorded.items():
                seen[observation.check, name][answer].append(result.cell.id)
    return tuple(
        Behaviour(
            check=check,
            name=name,
            answers={answer: tuple(sorted(cells)) for answer, cells in sorted(answers.items())},
        )
        for (check, name), answers in sorted(seen.items())
        if len(answers) > 1
    )
