"""The stage that writes a script for each finding, shrinks it, runs it, and toggles its place."""

from __future__ import annotations

import hashlib
import json
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from attrs import evolve, frozen

from release_gate import wire
from release_gate.errors import GateError
from release_gate.judgement.findings import first_failing
from release_gate.model import Toggle  # noqa: TC001  (read by cattrs)
from release_gate.report.reproducers import run_reproducer, source_of, write_reproducer
from release_gate.scripts.running import run_script
from release_gate.scripts.shrinking import shrink
from release_gate.scripts.text import Trial  # noqa: TC001  (read by cattrs)
from release_gate.scripts.toggling import toggle

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from release_gate.model import Artifact, CellResult, Decision, Finding, Pin, Reproducer
    from release_gate.progress import Progress
    from release_gate.scripts.sources import Source

__all__ = ["attach_reproducers"]

#: Runs of a script; a hang is certain after one, and costs its whole budget each time.
TRIES = 3

#: Runs of one that showed the fault in some of these, for a rate.
MORE_TRIES = 10

#: Seconds for shrinking and for toggling: of one finding, and of all together.
SHRINK: Final = (20.0, 120.0)
TOGGLE: Final = (45.0, 240.0)

#: A run beyond this is not taken for the fault when a script is shrunk.
SHRINK_BUDGET = 20.0


@frozen(kw_only=True)
class _Seen:
    """What a script showed, as the cache keeps it."""

    trial: Trial
    hits: int
    tries: int
    note: str
    toggles: tuple[Toggle, ...]


class _Box:
    """Seconds that are left: at most so many at once, and so many in all."""

    def __init__(self, seconds: tuple[float, float]) -> None:
        self._once, self._left = seconds
        self._begun = 0.0

    def begin(self) -> float:
        self._begun = time.monotonic()
        return min(self._once, self._left)

    def end(self) -> None:
        self._left = max(0.0, self._left - (time.monotonic() - self._begun))


def attach_reproducers(
    decision: Decision,
    results: Sequence[CellResult],
    wheels: Mapping[Pin, Artifact],
    *,
    templates: Path,
    out: Path,
    cache: Path | None,
    progress: Progress,
    kernels: Mapping[Pin, Sequence[str]] | None = None,
) -> Decision:
    """Return `decision` with a script, tried, for each finding whose wheel is at hand.

    Where the script shows the fault each time, it is shrunk, and run with other threads and on
    other `kernels` (those that each library holds on this host). What a script showed is kept in
    `cache` (None: not) by its text, the wheel and the CPU. Blocking findings come first, since the
    time for all is bounded. A script that cannot be written or run leaves its finding without one,
    and says so: it changes no verdict.
    """
    shop = _Shop(results, templates, out, cache, kernels or {})
    failing = [each for each in decision.findings if first_failing(each) is not None]
    failing.sort(key=lambda each: not each.blocking)
    shown: dict[str, Finding] = {}
    with progress.stage("reproduce", steps=len(failing)) as stage:
        for step, finding in enumerate(failing):
            wheel = wheels.get(finding.candidate)
            if wheel is None:
                continue
            stage.step(step, f"{finding.check}: {finding.summary}")
            try:
                shown[finding.id] = shop.show(finding, wheel)
            except (GateError, OSError) as error:
                stage.note(f"no reproducer for {finding.id}: {error}")
        stage.step(len(failing), "done")
    return evolve(
        decision,
        findings=tuple(
            shown.get(each.id, evolve(each, reproducer=None, toggles=()))
            for each in decision.findings
        ),
    )


class _Shop:
    """What all findings of a run share: folders, results, and the time that is left."""

    def __init__(
        self,
        results: Sequence[CellResult],
        templates: Path,
        out: Path,
        cache: Path | None,
        kernels: Mapping[Pin, Sequence[str]],
    ) -> None:
        self._results = {result.cell.id: result for result in results}
        self._templates, self._out, self._cache = templates, out, cache
        self._kernels = kernels
        self._most_threads = max((result.cell.threads for result in results), default=1)
        self._shrinking, self._toggling = _Box(SHRINK), _Box(TOGGLE)

    def show(self, finding: Finding, wheel: Artifact) -> Finding:
        """Return `finding` with what its script shows; as it is when there is no script for it."""
        source = source_of(finding, self._templates, wheel)
        shown = first_failing(finding)
        if source is None or shown is None:
            return evolve(finding, reproducer=None, toggles=())
        result = self._results.get(shown[0].candidate.id)

        def written(trial: Trial) -> Reproducer:
            return write_reproducer(
                finding, source, trial, self._out, artifact=wheel, result=result
            )

        kept = self._kept(source, wheel, result)
        seen = _read(kept)
        if seen is None:
            hangs = "hang" in finding.symptom
            seen = self._see(source, wheel, written, hangs=hangs)
            if kept is not None:
                wire.write_json(kept, wire.to_data(seen))
        reproducer = evolve(written(seen.trial), hits=seen.hits, tries=seen.tries, note=seen.note)
        return evolve(finding, reproducer=reproducer, toggles=seen.toggles)

    def _kept(self, source: Source, wheel: Artifact, result: CellResult | None) -> Path | None:
        if self._cache is None:
            return None
        cpu = result.host.cpu if result else ""
        names = self._kernels.get(wheel.pin, ())
        what = (source.text(source.trial), wheel.sha256, cpu, *names, self._most_threads)
        name = hashlib.sha256(repr(what).encode()).hexdigest()
        return self._cache / f"{name}.json"

    def _see(
        self,
        source: Source,
        wheel: Artifact,
        written: Callable[[Trial], Reproducer],
        *,
        hangs: bool,
    ) -> _Seen:
        """Return what the script shows: as it is, then shrunk, then elsewhere."""
        trial, tried = source.trial, _tried(written(source.trial), wheel, hangs=hangs)
        if not tried.hits and not hangs:
            for other in source.otherwise:
                if run_script(Path(written(other).path), wheel, SHRINK_BUDGET).hit:
                    trial, tried = other, _tried(written(other), wheel)
                    break
        if tried.hits == tried.tries and not hangs and source.shrinkable:
            smaller = self._shrunk(source, trial, wheel)
            again = tried if smaller == trial else _tried(written(smaller), wheel)
            if again.hits == again.tries:
                trial, tried = smaller, again
        toggles: tuple[Toggle, ...] = ()
        if tried.hits:
            with tempfile.TemporaryDirectory(prefix="release-gate-") as folder:
                toggles = toggle(
                    source,
                    trial,
                    wheel,
                    Path(folder),
                    kernels=self._kernels.get(wheel.pin, ()),
                    threads=(1, 2, self._most_threads),
                    seconds=self._toggling.begin(),
                    hangs=hangs,
                )
            self._toggling.end()
        return _Seen(
            trial=trial, hits=tried.hits, tries=tried.tries, note=tried.note, toggles=toggles
        )

    def _shrunk(self, source: Source, trial: Trial, wheel: Artifact) -> Trial:
        with tempfile.TemporaryDirectory(prefix="release-gate-") as folder:
            path = Path(folder) / "smaller.py"

            def fails(smaller: Trial) -> bool:
                path.write_text(source.text(smaller), "utf-8")
                return run_script(path, wheel, SHRINK_BUDGET).hit

            smallest = shrink(trial, fails, self._shrinking.begin())
        self._shrinking.end()
        return smallest


def _tried(written: Reproducer, wheel: Artifact, *, hangs: bool = False) -> Reproducer:
    """Return the script with its hits; what shows sometimes is run more often."""
    path = Path(written.path)
    if hangs:
        return run_reproducer(written, wheel, path, hangs=True, tries=1)
    tried = run_reproducer(written, wheel, path, tries=TRIES)
    if 0 < tried.hits < tried.tries:
        return run_reproducer(written, wheel, path, tries=MORE_TRIES)
    return tried


def _read(kept: Path | None) -> _Seen | None:
    """Return what the cache holds; what cannot be read is removed."""
    if kept is None or not kept.is_file():
        return None
    try:
        return wire.from_data(json.loads(kept.read_bytes()), _Seen, str(kept))
    except (ValueError, GateError):
        kept.unlink()
        return None
