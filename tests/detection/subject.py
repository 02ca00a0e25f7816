"""The NumPy that faults are planted into, and single runs of it: checks in the product's own child.

A run counts the calls of each routine (runtime.c), so that a fault need only be tried with checks
that call its routine at all: the result of the others cannot change.
"""

from __future__ import annotations

import mmap
import shutil
import struct
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import evolve, frozen
from planted import plant

from release_gate.execution.child import Job, run_child
from release_gate.execution.clocks import Limits
from release_gate.execution.environment import child_environment, keeping_bytecode
from release_gate.openblas.library import obtain_library
from release_gate.openblas.pins import resolve_pin
from release_gate.pipeline import SEED, open_any_wheel
from release_gate.resources import checks_dir
from release_gate.wheels.swap import swap_library
from tests.detection.results import digest_of
from tests.detection.routines import ROUTINES
from tests.detection.source import library_source

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from release_gate.execution.child import Ending, Event
    from release_gate.model import Artifact
    from release_gate.pipeline import Workshop

__all__ = ["Answer", "Counts", "Run", "Subject", "make_subject"]


@frozen(kw_only=True)
class Answer:
    """What one check said, in seconds of wall time; `failing`: routines with wrong results."""

    check: str
    outcome: str
    reason: str
    seconds: float
    calls: frozenset[str] = frozenset()
    failing: frozenset[str] = frozenset()

    def tells_more(self, known: Mapping[str, frozenset[str]]) -> bool:
        """Whether it fails in another way than without a fault.

        `known`: the routines in which checks fail without one.
        """
        if self.outcome == "failed":
            return self.check not in known or not self.failing <= known[self.check]
        return self.outcome in {"crashed", "hung"}


@frozen(kw_only=True)
class Run:
    """The answers of one run, the one that tells the fault, and how often that was in force."""

    answers: tuple[Answer, ...]
    found: Answer | None
    in_force: int


class Counts:
    """The counters that all processes of a run share."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.write_bytes(bytes(8 * (len(ROUTINES) + 1)))
        with path.open("r+b") as stream:
            self._map = mmap.mmap(stream.fileno(), 0)

    def read(self) -> tuple[int, ...]:
        """Return how often the fault was in force, then the calls of each routine."""
        return struct.unpack(f"{len(ROUTINES) + 1}q", self._map[:])

    def close(self) -> None:
        self._map.close()


@contextmanager
def counting() -> Iterator[Counts]:
    """Counters in a file of their own."""
    with tempfile.TemporaryDirectory(prefix="detection-") as folder:
        counts = Counts(Path(folder) / "counts")
        try:
            yield counts
        finally:
            counts.close()


class _Enough(Exception):  # noqa: N818  (a check has told the fault: no error)
    """Raised to end a child."""


@frozen(kw_only=True)
class Subject:
    """A NumPy whose library holds all faults; `digest` says what its answers depend on."""

    shop: Workshop
    artifact: Artifact
    digest: str

    def ask(
        self,
        checks: Sequence[str],
        *,
        fault: str = "",
        kernel: str,
        threads: int,
        profile: str,
        known: Mapping[str, frozenset[str]] | None = None,
    ) -> Run:
        """Run `checks` in order, up to the first that tells more than is `known`.

        Without `known`, all of them are run.
        """
        with counting() as counts:
            environment = child_environment(kernel, threads)
            environment |= keeping_bytecode(self.shop.cache / "bytecode")
            environment |= {"PLANTED_FAULT": fault, "PLANTED_COUNTS": str(counts.path)}
            asked = list(checks)
            answers: list[Answer] = []
            while asked:
                listener = _Listener(counts, known)
                ending = self._child(asked, listener, environment, threads, profile)
                answers += listener.answers
                blamed = _blamed(ending) if ending and not listener.refused else None
                if blamed is not None:
                    answers = [each for each in answers if each.check != blamed.check]
                    answers.append(evolve(blamed, calls=listener.called()))
                if blamed is None or blamed.check not in asked or known is not None:
                    break
                asked = asked[asked.index(blamed.check) + 1 :]
            told = (each for each in answers if each.tells_more(known or {}))
            return Run(answers=tuple(answers), found=next(told, None), in_force=counts.read()[0])

    def _child(
        self,
        checks: Sequence[str],
        listener: _Listener,
        environment: dict[str, str],
        threads: int,
        profile: str,
    ) -> Ending | None:
        specs = self.shop.specs
        job = Job(
            checks=tuple((check, specs[check].module) for check in checks),
            limits={check: Limits.of(specs[check], profile) for check in checks},
            threads=threads,
            profile=profile,
            seed=SEED,
            site=self.artifact.site,
            library=self.artifact.library,
        )
        try:
            return run_child(
                self.artifact.interpreter.executable,
                job,
                checks=checks_dir(),
                environment=environment,
                on_event=listener.hear,
            )
        except _Enough:
            return None


class _Listener:
    """Turns the events of a child into answers."""

    def __init__(self, counts: Counts, known: Mapping[str, frozenset[str]] | None) -> None:
        self.counts = counts
        self.known = known
        self.answers: list[Answer] = []
        self.refused = False  # NumPy could not be imported, and the child has said why
        self._before = counts.read()

    def called(self) -> frozenset[str]:
        """Return the routines that were called since the last answer."""
        now = self.counts.read()
        pairs = zip(ROUTINES, self._before[1:], now[1:], strict=True)
        self._before = now
        return frozenset(routine.name for routine, before, after in pairs if after > before)

    def hear(self, event: Event) -> None:
        match event["event"]:
            case "hello":
                self.called()  # what importing NumPy calls is nobody's
            case "error":
                self.refused = True
                reason = str(event.get("reason"))
                outcome = "failed" if event.get("kind") == "import" else "error"
                answer = Answer(check="import", outcome=outcome, reason=reason, seconds=0.0)
                self.answers.append(answer)
            case "finished":
                answer = Answer(
                    check=event["check"],
                    outcome=event["outcome"],
                    reason=event["reason"],
                    seconds=event["seconds"],
                    calls=self.called(),
                    failing=frozenset(event["evidence"]["routines_failed"]),
                )
                self.answers.append(answer)
                if self.known is not None and answer.tells_more(self.known):
                    raise _Enough


def _blamed(ending: Ending) -> Answer | None:
    """Return the answer of the check that a crash or a hang is blamed on."""
    if ending.complete or ending.spoiled is not None:
        return None
    return Answer(
        check="import" if ending.check is None else ending.check,
        outcome="hung" if ending.hang else "crashed",
        reason=str(ending.hang or ending.signal or f"status {ending.exit_status}"),
        seconds=round(ending.seconds, 2),
    )


def make_subject(shop: Workshop, numpy: str, library: str, folder: Path) -> Subject:
    """Plant all faults into `library` (a pin) and put it into `numpy` (a requirement)."""
    wheel = open_any_wheel(shop, numpy)
    pin = resolve_pin(library, pins=shop.matrices.pin_files, host=shop.host, index=shop.index)
    good = swap_library(wheel, obtain_library(pin, shop.index, shop.cache), pin, shop.cache)
    source = library_source()
    digest = digest_of(source, good.sha256, good.library_sha256)
    place = folder / f"subject-{digest}"
    site = place / "site"
    whole = place / "whole"  # the library holds its own place: it cannot be built and renamed
    if not whole.exists():
        shutil.rmtree(place, ignore_errors=True)
        plant(Path(good.site), source, place)
        whole.touch()
    artifact = evolve(
        good, site=str(site), library=str(site / "numpy.libs" / Path(good.library).name)
    )
    return Subject(shop=shop, artifact=artifact, digest=digest)
