"""The cases of released libraries, through the whole gate: does it say NO-GO, and of which issue?

``release-gate run`` of a bad library against a good one has to stop the release with a finding of
the case's issue; the other way round it has to let it go. The wheels are inspected too, without
which there is no verdict. Wheels come from the user's cache, answers do not.
"""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import platformdirs
from attrs import frozen

from tests.detection.results import Results

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from release_gate.model import CheckSpec
    from tests.detection.backtest import BackTestCase

__all__ = ["Pair", "Verdicts", "is_right", "pairs_of"]

ROOT = Path(__file__).resolve().parents[2]

#: Parts of the cache that hold what the checks and scripts said.
ANSWERS = {"observations", "reproduced"}

#: Seconds for a run of the gate, a build of NumPy included.
LIMIT = 3600


@frozen
class Pair:
    """A candidate with what it is compared with; `bad`: the candidate has the case's bug."""

    case: BackTestCase
    candidate: str
    baseline: str
    bad: bool


def pairs_of(case: BackTestCase) -> Iterator[Pair]:
    """Yield each bad pin against a good one, and the reverse; none of what does not block."""
    bad, good = _pins(case.bad), _pins(case.good)
    if not (case.shows_here and case.blocks and bad and good):
        return
    for pin in bad:
        yield Pair(case, candidate=pin, baseline=good[0], bad=True)
        yield Pair(case, candidate=good[-1], baseline=pin, bad=False)


def _pins(artefacts: tuple[str, ...]) -> list[str]:
    """Return the libraries of the index that the gate can link NumPy with."""
    libraries = (artefact.partition("+")[2].strip() for artefact in artefacts)
    return [library for library in libraries if "==" in library]


def is_right(case: BackTestCase, line: Mapping[str, Any]) -> bool:
    """Whether a bad pin was stopped by a finding of the issue, or a good one was let go."""
    if not line["bad"]:
        return bool(line["verdict"] == "GO")
    return line["verdict"] == "NO-GO" and any(
        each["blocking"]
        and each["check"] in case.checks
        and case.id in each["issues"]
        and set(case.kernels) <= set(each["kernels"])
        for each in line["findings"]
    )


class Verdicts:
    """Runs of the gate with their results in `folder`.

    With `recorded`, nothing is run: what has no result yet is left out.
    """

    def __init__(
        self, specs: Mapping[str, CheckSpec], folder: Path, *, recorded: bool = False
    ) -> None:
        self.specs = specs
        self.recorded = recorded
        self.results = Results(folder / "verdicts.jsonl")

    def attempt(self, pair: Pair) -> dict[str, Any] | None:
        """Return what the gate said, of an earlier session if it was asked; raises SystemExit."""
        case = pair.case
        key = f"{case.id} | {pair.candidate} | {pair.baseline} | {case.state(self.specs)}"
        known = self.results.get(key)
        if known is not None or self.recorded:
            return known
        command = ["--candidate", pair.candidate, "--baseline", pair.baseline]
        command += ["--kernels", ",".join(case.kernels), "--threads", str(case.threads)]
        command += [
            "--checks",
            ",".join(["wheel.*", *(spec.id for spec in case.known(self.specs))]),
        ]
        most = case.runs if pair.bad else 1
        for tried in itertools.count(1):  # a race, which the case tries several times, needs luck
            said = _said(_ask_gate(command))
            if tried == most or is_right(case, {"bad": pair.bad, **said}):
                break
        return self.results.put(
            key,
            case=case.id,
            candidate=pair.candidate,
            baseline=pair.baseline,
            bad=pair.bad,
            runs=tried,
            **said,
        )


def _said(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is kept of a report."""
    return {
        "verdict": report["verdict"],
        "numpy": report["numpy"]["version"],
        "findings": [
            {
                "check": each["check"],
                "kernels": sorted({failure["kernel"] or "wheel" for failure in each["failures"]}),
                "blocking": each["blocking"],
                "issues": [issue["id"] for issue in each["issues"]],
                "hits": sum(toggle["hits"] for toggle in each["toggles"]),
                "symptom": each["symptom"],
            }
            for each in report["findings"]
        ],
    }


def _ask_gate(arguments: list[str]) -> dict[str, Any]:
    """Run the gate; return its report."""
    with tempfile.TemporaryDirectory(prefix="detection-") as folder:
        cache = _cache_without_answers(Path(folder) / "cache")
        command = [sys.executable, "-m", "release_gate.cli", "run", *arguments]
        done = subprocess.run(
            [*command, "--out", folder, "--cache", cache],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=LIMIT,
        )
        report = Path(folder) / "report.json"
        if not report.exists():
            raise SystemExit(f"{' '.join(arguments)}: {done.stderr.strip()[-500:]}")
        data: dict[str, Any] = json.loads(report.read_bytes())
        return data


def _cache_without_answers(folder: Path) -> Path:
    """Return a cache in `folder` that shares all but answers with the user's."""
    kept = platformdirs.user_cache_path("release-gate", appauthor=False)
    folder.mkdir()
    for part in kept.iterdir() if kept.is_dir() else ():
        if part.name not in ANSWERS:
            (folder / part.name).symlink_to(part)
    return folder
