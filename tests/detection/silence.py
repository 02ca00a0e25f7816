"""Repeated runs of good libraries: whatever fails there is a false finding, or a true one.

A run is a default one: all kernels of this machine, 1 and 8 threads, the smoke profile, no answer
from the cache. Busy runs share the machine with processes that compute all the time.
"""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.detection.backtest import FAILURES, ask_product
from tests.detection.later import LATER, before, digests
from tests.detection.results import Results, digest_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from release_gate.model import CheckSpec

__all__ = ["LIBRARIES", "NOW", "Silence"]

ROOT = Path(__file__).resolve().parents[2]

#: What has no bug that is known and shows here.
LIBRARIES = ("scipy-openblas64==0.3.33.112.0", "scipy-openblas64==0.3.34.481.3")
NUMPY = "numpy==2.4.6"

#: What is told of runs that were asked the checks as they are.
NOW = "as now"

#: Ends with the process that started it.
BUSY = "from checks.__main__ import die_with_parent; die_with_parent()\nwhile True: pass"


class Silence:
    """Runs with their results in `folder`; `specs` are the checks, by id.

    A run counts for the checks as they are while those of ``checks/`` stay: inspections of wheels
    read files, and say the same each time. `later`: they are asked those that were added last.
    """

    def __init__(
        self, specs: Mapping[str, CheckSpec], folder: Path, *, later: bool = False
    ) -> None:
        self.results = Results(folder / "silence.jsonl")
        self._specs = [spec for spec in specs.values() if spec.module]
        self._added = [
            spec for spec in self._specs if spec.id in LATER and "smoke" in spec.profiles
        ]
        self._later = later
        self._state = digest_of(digests(self._added if later else self._specs))

    def attempt(self, library: str, number: int, *, busy: int = 0) -> dict[str, Any]:
        """Return what run `number` of `library` said; of an earlier session, if it was made."""
        key = f"{library} | {number} | busy {busy} | {self._state}"
        known = self.results.get(key)
        if known is not None:
            return known
        command = [NUMPY, "--openblas", library, "--quiet", "--fresh"]
        if self._later:
            command += ["--checks", ",".join(spec.id for spec in self._added)]
        with _busy_processes(busy):
            answers, problem = ask_product(command)
        if problem:
            raise SystemExit(f"{library}: {problem}")
        return self.results.put(
            key,
            date=dt.datetime.now(dt.UTC).date().isoformat(),
            library=library,
            busy=busy,
            answers=len(answers),
            cells=len({(each["kernel"], each["threads"]) for each in answers}),
            findings=[each for each in answers if each["outcome"] in FAILURES],
            unanswered=[each for each in answers if each["outcome"] not in {*FAILURES, "passed"}],
        )

    def lines(self) -> list[dict[str, Any]]:
        """Return all runs; `checks` is the digest of those that they were asked."""
        return [line | {"checks": line["key"].rpartition(" | ")[2]} for line in self.results]

    @property
    def states(self) -> dict[str, str]:
        """What runs were asked, by the digest of their checks: those as they are, or but for some.

        A run from before a check was added says of the others what it did.
        """
        states: dict[str, str] = {}
        for missing in before():
            told = f"{NOW} but for {', '.join(missing)}" if missing else NOW
            states.setdefault(digest_of(digests(self._specs, missing)), told)
        for count in range(len(LATER), 0, -1):
            added = [spec for spec in self._added if spec.id in LATER[:count]]
            alone = ", ".join(spec.id for spec in added)
            states.setdefault(digest_of(digests(added)), f"{alone} alone")
        return states


@contextmanager
def _busy_processes(count: int) -> Iterator[None]:
    with ExitStack() as stack:
        for _ in range(count):
            process = subprocess.Popen([sys.executable, "-S", "-c", BUSY], cwd=ROOT)
            stack.callback(process.wait)
            stack.callback(process.kill)
        yield
