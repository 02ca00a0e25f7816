"""Real bugs of released libraries: is each found on what has it, and not on what has it cured?

The cases are data (backtest.toml). Each artefact is checked by ``release-gate check`` as a user
would, and its answers are read back:

- *found*: a check that the case names failed on the case's kernel, on the bad artefact;
- *missed*: none did; where the smoke profile misses, the full one is asked too;
- *false*: one did on a good artefact, or on a kernel that the bug does not reach.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import frozen

from tests.detection.results import Results, digest_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from release_gate.model import CheckSpec

__all__ = ["FAILURES", "Asked", "BackTest", "BackTestCase", "Verdict", "ask_product", "read_cases"]

ROOT = Path(__file__).resolve().parents[2]
CASES = Path(__file__).with_name("backtest.toml")

MOST_REASON = 200

FAILURES = frozenset({"failed", "crashed", "hung"})

#: Seconds for one run of the product; its checks have budgets of their own.
LIMIT = 1800


@frozen(kw_only=True)
class BackTestCase:
    """One bug with the artefacts that have it and those that have not.

    `checks`: any of them must fail; `kernels`: on each of them; `silent`: kernels that the bug does
    not reach; `runs`: how often a race is tried (found: at least once). An artefact is "WHEEL" or
    "WHEEL + LIBRARY"; a library "source TAG" is one that the user has to give. `shows_here`: false
    where the bug could not be made to show by any means, as `note` explains; `blocks`: false where
    the policy only informs of what these checks find.
    """

    id: str
    title: str
    checks: tuple[str, ...]
    bad: tuple[str, ...]
    good: tuple[str, ...] = ()
    kernels: tuple[str, ...] = ("Haswell",)
    silent: tuple[str, ...] = ()
    threads: int = 1
    runs: int = 1
    public: bool = False
    shows_here: bool = True
    blocks: bool = True
    note: str = ""

    def known(self, specs: Mapping[str, CheckSpec]) -> list[CheckSpec]:
        """Return those of its checks that there are."""
        return [specs[check] for check in self.checks if check in specs]

    def state(self, specs: Mapping[str, CheckSpec]) -> str:
        """Return the digest of what its answers depend on."""
        return digest_of([spec.digest for spec in self.known(specs)], self.threads)


@frozen(kw_only=True)
class Verdict:
    """What came out for one artefact of a case in one profile.

    `checks`: digest of those of the case; `hits`: per kernel, in how many of `runs` one of them
    failed; `told`: the first answer; `machine`: the CPU on which it came out.
    """

    artefact: str
    bad: bool
    profile: str
    checks: str
    runs: int
    hits: Mapping[str, int]
    told: str = ""
    machine: str = ""
    missing: str = ""  # why there is no answer

    @property
    def hit(self) -> bool:
        """Whether a named check failed on every kernel, in some run."""
        return bool(self.hits) and all(self.hits.values())


@frozen
class Asked:
    """What a verdict is about; `checks`: digest of those of the case."""

    case: str
    artefact: str
    kernels: tuple[str, ...]
    profile: str
    checks: str


def read_cases(path: Path = CASES) -> tuple[BackTestCase, ...]:
    """Return the cases; raises TypeError or ValueError for one that is not as described."""
    cases = []
    for table in tomllib.loads(path.read_text(encoding="utf-8"))["case"]:
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in table.items()
        }
        cases.append(BackTestCase(**values))
    if len({case.id for case in cases}) != len(cases):
        raise ValueError(f"{path}: two cases of one issue")
    return tuple(cases)


class BackTest:
    """Runs of cases, with their results in `folder`; `libraries` are built ones, by tag.

    machine: the CPU of the results.

    With `kept` verdicts nothing is run: what has no result is taken from them, or missing.
    """

    def __init__(
        self,
        specs: Mapping[str, CheckSpec],
        folder: Path,
        libraries: Mapping[str, Path],
        *,
        machine: str = "",
        kept: Mapping[Asked, Verdict] | None = None,
    ) -> None:
        self.machine = machine
        self.kept = kept
        self.specs = specs
        self.results = Results(folder / "backtest.jsonl")
        self.libraries = libraries

    def attempt(self, case: BackTestCase) -> list[Verdict]:
        """Check all artefacts of `case`; in the full profile too where smoke finds nothing.

        In that alone when none of the checks is in smoke.
        """
        in_smoke = any("smoke" in spec.profiles for spec in case.known(self.specs))
        first = "smoke" if in_smoke else "full"
        verdicts = []
        for artefact in case.bad:
            verdict = self._verdict(case, artefact, case.kernels, first, bad=True)
            verdicts.append(verdict)
            if first == "smoke" and not verdict.missing and not verdict.hit:
                verdicts.append(self._verdict(case, artefact, case.kernels, "full", bad=True))
            if case.silent:
                verdicts.append(self._verdict(case, artefact, case.silent, first, bad=False))
        verdicts += [
            self._verdict(case, artefact, case.kernels, first, bad=False) for artefact in case.good
        ]
        return verdicts

    def _verdict(
        self,
        case: BackTestCase,
        artefact: str,
        kernels: tuple[str, ...],
        profile: str,
        *,
        bad: bool,
    ) -> Verdict:
        facts: dict[str, Any] = {"artefact": artefact, "bad": bad, "profile": profile}
        facts["checks"] = case.state(self.specs)
        hits = dict.fromkeys(kernels, 0)
        told = ""
        for run in range(case.runs):
            line = self._run(case, artefact, kernels, f"{profile} | {run}")
            if line["problem"]:
                asked = Asked(case.id, artefact, kernels, profile, facts["checks"])
                kept = (self.kept or {}).get(asked)
                return kept or Verdict(**facts, runs=run, hits={}, missing=line["problem"])
            for kernel in kernels:
                failures = [
                    each
                    for each in line["answers"]
                    if each["kernel"].casefold() == kernel.casefold()  # a library of one: HASWELL
                    and each["outcome"] in FAILURES
                ]
                hits[kernel] += bool(failures)
                if failures and not told:
                    told = f"{failures[0]['check']}: {failures[0]['reason']}"
        return Verdict(**facts, runs=case.runs, hits=hits, told=told, machine=self.machine)

    def _run(
        self, case: BackTestCase, artefact: str, kernels: tuple[str, ...], profile_and_run: str
    ) -> dict[str, Any]:
        """Return the line of one run of the product, from an earlier session if it has one.

        One that could not be made has a `problem`, and is tried again the next time.
        """
        key = f"{case.id} | {artefact} | {','.join(kernels)} | {profile_and_run}"
        key += f" | {case.state(self.specs)}"
        known = self.results.get(key)
        if known is not None:
            return known
        if self.kept is not None:
            return {"problem": "not run yet"}
        wheel, _, library = (part.strip() for part in artefact.partition("+"))
        if library.startswith("source "):
            tag = library.removeprefix("source ")
            if tag not in self.libraries:
                return {"problem": f"give a build of OpenBLAS {tag}: --library {tag}=FILE"}
            library = str(self.libraries[tag])
        command = [wheel, "--quiet", "--fresh", *(["--openblas", library] if library else [])]
        command += ["--kernels", ",".join(kernels), "--threads", str(case.threads)]
        command += ["--checks", ",".join(spec.id for spec in case.known(self.specs))]
        command += ["--profile", profile_and_run.partition(" ")[0]]
        answers, problem = ask_product(command)
        if problem:
            return {"problem": problem}
        return self.results.put(key, case=case.id, answers=answers, problem="")


def ask_product(arguments: list[str]) -> tuple[list[dict[str, Any]], str]:
    """Run ``release-gate check``; return its answers, and what kept it from giving any."""
    with tempfile.TemporaryDirectory(prefix="detection-") as folder:
        out = Path(folder) / "check.json"
        done = subprocess.run(
            [sys.executable, "-m", "release_gate.cli", "check", *arguments, "--json", str(out)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=LIMIT,
        )
        if not out.exists():
            lines = done.stderr.strip().splitlines() or [f"status {done.returncode}"]
            return [], lines[0].removeprefix("error: ")[:MOST_REASON]
        cells = json.loads(out.read_bytes())["cells"]
    answers = [
        {
            "check": observation["check"],
            "kernel": cell["kernel"]["observed"],
            "threads": cell["cell"]["threads"],
            "outcome": observation["outcome"],
            "reason": observation["reason"][:MOST_REASON],
        }
        for cell in cells
        if cell["cell"]["kernel"] is not None
        for observation in cell["observations"]
    ]
    return answers, ""
