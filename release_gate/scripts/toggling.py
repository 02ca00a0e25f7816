"""How often a script shows its fault with other kernels and other numbers of threads.

The first questions of OpenBLAS's maintainers to a report are whether it goes away with one thread
and with another kernel, and what OPENBLAS_VERBOSE=2 says.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from attrs import evolve

from release_gate.model import Toggle
from release_gate.scripts.running import run_script

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from release_gate.model import Artifact
    from release_gate.scripts.sources import Source
    from release_gate.scripts.text import Trial

__all__ = ["toggle"]

#: Runs in each place; what hangs is certain after one, which costs its whole budget.
ROUNDS = 3

#: Seconds for one run, as long as the script is seen to take less where it fails.
BUDGET = 60.0
HANG_BUDGET = 25.0


def toggle(
    source: Source,
    trial: Trial,
    artifact: Artifact,
    folder: Path,
    *,
    kernels: Sequence[str],
    threads: Sequence[int],
    seconds: float,
    hangs: bool = False,
) -> tuple[Toggle, ...]:
    """Run the script for `trial` on the library's own kernel and on `kernels`, with `threads`.

    `folder` is for the scripts. After `seconds` no further run is begun: what was not run is left
    out, and what was run less often says so by its tries. The place of the trial itself is first.
    """
    end = time.monotonic() + seconds
    counts = sorted({*threads, trial.threads})
    own = [(trial.kernel, count) for count in counts]
    others = [(k, n) for k in dict.fromkeys((None, *kernels)) for n in counts if k != trial.kernel]
    own.sort(key=lambda place: place[1] != trial.threads)
    seen: list[Toggle] = []
    for kernel, count in [*own, *others]:
        if kernel is not None and kernel in {each.core for each in seen if each.kernel is None}:
            continue  # what the library chooses by itself is this one
        path = folder / f"toggle-{kernel or 'native'}-{count}.py"
        path.write_text(source.text(evolve(trial, kernel=kernel, threads=count)), "utf-8")
        one = Toggle(kernel=kernel, threads=count, hits=0, tries=0)
        for _ in range(1 if hangs else ROUNDS):
            if time.monotonic() >= end:
                break
            ran = run_script(path, artifact, HANG_BUDGET if hangs else BUDGET, hangs=hangs)
            one = evolve(
                one, hits=one.hits + ran.hit, tries=one.tries + 1, core=one.core or ran.core
            )
        if one.tries:
            seen.append(one)
    return tuple(seen)
