"""The sub-commands that look something up: advise, explain, waive. They build and run nothing."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import toml

from release_gate import wire
from release_gate.errors import ConfigurationError, Problem, did_you_mean
from release_gate.judgement.audit import audit
from release_gate.matrix.host import probe_host
from release_gate.matrix.load import load_matrices
from release_gate.model import Pin, Provider
from release_gate.pipeline import all_checks, known_issues
from release_gate.report.advice import render_advice, render_issue, wrapped
from release_gate.report.document import finding_called, read_report, report_file
from release_gate.resources import matrices_dir
from release_gate.versions import OpenBLASVersion

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from release_gate.judgement.catalogue import KnownIssue
    from release_gate.model import CheckSpec
    from release_gate.report.document import FindingReport, Report
    from release_gate.report.page import Style

__all__ = ["advise", "explain", "waive"]


def advise(text: str, folder: Path | None, *, as_data: bool, style: Style) -> str:
    """Return every known issue of the OpenBLAS that `text` names, by what became of it.

    `folder`: the report of a run, which says what was reproduced; without one (None), that in
    the default folder is taken if it is of this OpenBLAS. Raises ConfigurationError for a `text`
    that is no version, and for a `folder` whose report does not hold it.
    """
    pin = _pin(text)
    report = _report_on(pin, folder)
    if report is None:
        host, folder = probe_host(), matrices_dir()
        kernels = [
            kernel.name
            for kernel in load_matrices(folder).kernels_of(host.machine)
            if all(flag in host.flags for flag in kernel.flags)
        ]
        rows = audit(known_issues(), pin, host, kernels)
        source = "no run of it was given: what this machine could show"
    else:
        rows = tuple(row for row in report.known_issues if row.candidate == str(pin))
        source = f"states are of the run of {report.finished}"
    if as_data:
        return json.dumps(wire.to_data(rows), indent=1)
    return render_advice(str(pin), rows, source, style)


def _pin(text: str) -> Pin:
    project, _, version = text.rpartition("==")
    try:
        provider = Provider(project) if project else Provider.SCIPY_OPENBLAS64
    except ValueError as error:
        hint = did_you_mean(project, [str(each) for each in Provider])
        problem = Problem(what=f"{project!r} is no project of OpenBLAS", hint=hint)
        raise ConfigurationError(problem) from error
    OpenBLASVersion.parse(version)
    return Pin(provider=provider, version=version, filename="", sha256="")


def _report_on(pin: Pin, folder: Path | None) -> Report | None:
    path = report_file(folder)
    if folder is None and not path.is_file():
        return None
    report = read_report(path)
    if str(pin) in report.candidates:
        return report
    if folder is None:
        return None
    problem = Problem(
        what=f"this report is not about {pin}",
        where=str(path),
        hint=f"its candidates are {', '.join(report.candidates)}",
    )
    raise ConfigurationError(problem)


def explain(name: str | None, *, as_data: bool) -> str:
    """Return what a check or a known issue is about; the list of all without a name.

    Raises ConfigurationError for a name that is neither.
    """
    specs = {spec.id: spec for spec in all_checks()}
    issues = known_issues()
    by_id = {issue.id.casefold(): issue for issue in issues}
    if name is None:
        listed = [f"{spec.id:<32} {spec.title}" for spec in specs.values()]
        listed += [f"{issue.id:<32} {issue.title}" for issue in issues]
        return _data((*specs.values(), *issues)) if as_data else "\n".join(listed)
    if name in specs:
        spec = specs[name]
        return _data((spec,)) if as_data else _explained(spec, issues)
    if name.casefold() in by_id:
        issue = by_id[name.casefold()]
        return _data((issue,)) if as_data else _issue(issue)
    known = [*specs, *(issue.id for issue in issues)]
    hint = did_you_mean(name, known) or "release-gate explain lists them"
    raise ConfigurationError(Problem(what=f"no check or issue is called {name!r}", hint=hint))


def _data(values: tuple[CheckSpec | KnownIssue, ...]) -> str:
    return json.dumps([wire.to_data(value) for value in values], indent=1)


def _explained(spec: CheckSpec, issues: tuple[KnownIssue, ...]) -> str:
    threads = f"{spec.min_threads} or more" if spec.max_threads is None else str(spec.max_threads)
    if spec.most_threads:
        threads += "; in smoke the most of a run"
    facts = {
        "routines": ", ".join(spec.routines) or "none",
        "threads": threads,
        "profiles": ", ".join(spec.profiles),
        "systems": ", ".join(spec.systems) or "all",
        "kernels": "one per library in smoke, else all" if spec.once else "all",
        "budget": f"{spec.budget:g} s, more in stress; {spec.idle:g} s without CPU use",
    }
    lines = [f"{spec.id}: {spec.title}", ""]
    lines += [f"  {name:<9} {value}" for name, value in facts.items()]
    for name in ("oracle", "catches"):
        lines += ["", f"{name}:", *wrapped(getattr(spec, name))]
    named = [issue for issue in issues if spec.id in issue.checks]
    wider = [issue.id for issue in issues if issue not in named and issue.is_seen_by(spec.id)]
    lines += ["", "history (known issues that it can see):"]
    lines += [f"  {issue.id}: {issue.title}" for issue in named] or ["  none by name"]
    if wider:
        lines += wrapped(f"and with others: {', '.join(wider)}")
    lines += [
        "",
        "to ask it alone:",
        f"  release-gate check numpy==2.4.6 --openblas PIN --checks {spec.id} --fresh",
        "",
        "to ship in spite of what it says:",
        "  release-gate waive FINDING, and the entry into matrices/waivers.toml",
    ]
    return "\n".join(lines)


def _issue(issue: KnownIssue) -> str:
    if issue.checks:
        options = ["--checks", f"'{','.join(issue.checks)}'"]
        if issue.kernels:
            options += ["--kernels", ",".join(issue.kernels)]
        if issue.min_threads > 1:
            options += ["--threads", str(max(issue.min_threads, 8))]
        reproduce = f"release-gate check numpy==2.4.6 --openblas PIN {' '.join(options)}"
        if issue.versions is not None:
            reproduce += f", with a PIN in {issue.versions}"
    else:
        reproduce = "no check shows it"
    return render_issue(issue, reproduce, "release-gate waive FINDING, for a finding that shows it")


def waive(finding: str, folder: Path | None, *, who: str, reason: str, days: int) -> str:
    """Return the entry of matrices/waivers.toml for a finding of the report in `folder`.

    What is not given stays empty, and an entry with empty texts is refused when it is read. Raises
    ConfigurationError when there is no such finding, or no version that a waiver could name.
    """
    path = report_file(folder)
    report = read_report(path)
    chosen = finding_called(finding, report, path)
    last = datetime.now(UTC).date() + timedelta(days=days)
    entry = {
        "check": _check_of(chosen, path),
        "kernels": list(_kernels(chosen)),
        "architectures": sorted(_architectures(report, chosen)),
        "pins": f"=={OpenBLASVersion.parse(chosen.candidate.rpartition('==')[2])}",
        "issue": next((each.url for each in chosen.issues if each.url.startswith("https:")), ""),
        "reason": reason,
        "who": who,
        "expires": last,
    }
    text: str = toml.dumps({"waiver": [{k: v for k, v in entry.items() if v != []}]})
    return text.strip()


def _check_of(finding: FindingReport, path: Path) -> str:
    if finding.check in {spec.id for spec in all_checks()}:
        return finding.check
    what = f"{finding.id} is about {finding.check}, which is no check"
    hint = "a library that NumPy cannot be imported with cannot be waived"
    raise ConfigurationError(Problem(what=what, where=str(path), hint=hint))


def _kernels(finding: FindingReport) -> Iterator[str]:
    yield from sorted({each.kernel for each in finding.failures if each.kernel})


def _architectures(report: Report, finding: FindingReport) -> set[str]:
    return {cell.platform.split("-")[1] for cell in report.cells if cell.id in finding.cells}
