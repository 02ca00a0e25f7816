"""What each sub-command does: parsed options in, result on stdout, exit code out.

Those that talk to GitHub are in `commands_on_github`.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from release_gate import wire
from release_gate.checking import check_cells
from release_gate.console import open_shop, say, stdout_style
from release_gate.errors import (
    ConfigurationError,
    ExitCode,
    GateError,
    InfrastructureError,
    Interrupted,
    Problem,
)
from release_gate.execution.interrupts import termination_interrupts
from release_gate.followup import diff, draft
from release_gate.github.fanout import job_lists
from release_gate.github.outputs import write_outputs
from release_gate.judgement.decide import exit_code
from release_gate.judgement.waivers import MOST_DAYS, Waivers
from release_gate.matrix.load import load_matrices
from release_gate.matrix.pins import pin_entry
from release_gate.matrix.shards import shards_of
from release_gate.model import CellResult, NotCovered, Outcome, Plan, Provider
from release_gate.openblas.library import obtain_library
from release_gate.openblas.pins import resolve_pin
from release_gate.pipeline import (
    Clock,
    all_checks,
    build_wheels,
    claim_folder,
    distinct_kernels,
    judge_results,
    known_issues,
    open_any_wheel,
    plan_one_wheel,
    prepare,
    record_of,
    waivers_of,
)
from release_gate.reference import advise, explain, waive
from release_gate.report.document import make_report, read_report, report_file
from release_gate.report.files import write_files
from release_gate.report.job_summary import render_job_summary, write_job_summary
from release_gate.report.page import Style
from release_gate.report.reproduction import attach_reproducers
from release_gate.report.terminal import render_cells, render_plan, render_summary
from release_gate.resources import checks_dir, matrices_dir
from release_gate.shardfolder import collect_shards, file_digest, shard_folders
from release_gate.shardrun import check_shard
from release_gate.wheelhouse import build_wheelhouse, paths_of, read_order
from release_gate.wheels.swap import swap_library

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from release_gate.report.document import Report

__all__ = ["COMMANDS"]

CHECK_SCHEMA = "release-gate/check/1"


def _plan(options: Namespace) -> int:
    shop = open_shop(options)
    plan = prepare(shop)
    lists = job_lists(plan, shop.matrices.platforms) if options.github else {}
    outputs = {name: json.dumps(entries) for name, entries in lists.items()}
    if options.out is not None:
        wire.write_plan(options.out / "plan.json", plan)
    if options.github and write_outputs(outputs, os.environ) is None:
        shop.progress.say(render_plan(plan, Style.of(sys.stderr)))
        say("\n".join(f"{name}={text}" for name, text in outputs.items()))
    else:
        say(
            wire.document(wire.PLAN_SCHEMA, plan)
            if options.json
            else render_plan(plan, stdout_style())
        )
    return ExitCode.GO


def _cells(options: Namespace) -> int:
    with _interruptible("the same command goes on where it stopped"):
        options.profile = wire.read_plan(options.plan).profile
        shop = open_shop(options)
        done = check_shard(
            shop, options.plan, options.shard, wheelhouse=options.wheels, out=options.out
        )
    if not options.quiet:
        shop.progress.say(render_cells(done.results, (), Style.of(sys.stderr)))
    say(str(done.folder))
    if done.problems:
        raise InfrastructureError(done.problems)
    return ExitCode.GO


def _run(options: Namespace) -> int:
    clock = Clock()
    with _interruptible("release-gate run with the same options goes on where it stopped"):
        with clock.stage("plan"):
            shop = open_shop(options)
            issues = known_issues()  # a mistake in it must not show after the work
            waivers = waivers_of(options.matrices or matrices_dir(), shop.matrices)
            out = Path(shop.settings.out)
            claim_folder(out)
            plan = prepare(shop)
        wire.write_plan(out / "plan.json", plan)
        shop.progress.say(render_plan(plan, Style.of(sys.stderr)))
        with clock.stage("build"):
            wheels, problems = build_wheels(shop, plan)
        for problem in problems:
            shop.progress.say(f"error: {problem}")
        with clock.stage("check"):
            results = check_cells(shop, plan, wheels, out)
        with clock.stage("judge"):
            specs = tuple(shop.specs.values())
            decision = judge_results(plan, results, shop.matrices, specs, issues, waivers=waivers)
        with clock.stage("reproduce"):
            decision = attach_reproducers(
                decision,
                results,
                wheels,
                templates=checks_dir() / "reproducers",
                out=out / "reproducers",
                cache=None if shop.settings.fresh else shop.cache / "reproduced",
                progress=shop.progress,
                kernels=distinct_kernels(shop, plan.candidates),
            )
        command = shlex.join(["release-gate", *sys.argv[1:]])
        report = make_report(
            record_of(
                plan,
                results,
                decision,
                issues=issues,
                clock=clock,
                command=command,
                wheels=wheels,
            )
        )
        write_files(report, out)
        _show(report, out, options)
        return exit_code(decision.verdict)


def _build(options: Namespace) -> int:
    with _interruptible("the same command goes on where it stopped"):
        shop = open_shop(options)
        order = read_order(shop, plan=options.plan, platform=options.platform, pin=options.pin)
        built = build_wheelhouse(
            shop,
            order,
            builder=options.builder,
            images=options.image,
            matrices=options.matrices,
            out=options.wheelhouse,
        )
        if options.json:
            say(json.dumps(wire.to_data([one.artifact or one for one in built]), indent=1))
        else:
            say(paths_of(built))
        return ExitCode.GO


def _check(options: Namespace) -> int:
    with _interruptible("the same command goes on where it stopped"):
        shop = open_shop(options)
        wheel = open_any_wheel(shop, options.wheel)
        if options.openblas:
            pin = resolve_pin(
                options.openblas, pins=shop.matrices.pin_files, host=shop.host, index=shop.index
            )
            library = obtain_library(pin, shop.index, shop.cache)
            wheel = swap_library(wheel, library, pin, shop.cache)
        plan = plan_one_wheel(shop, wheel)
        results = check_cells(shop, plan, {wheel.pin: wheel})
    if options.json:
        cells = [{"schema": wire.CELL_SCHEMA, **wire.to_data(result)} for result in results]
        document = {"schema": CHECK_SCHEMA, "cells": cells}
        if options.json == "-":
            say(json.dumps(document, indent=1))
        else:
            wire.write_json(Path(options.json), document)
    if options.json != "-":
        say(render_cells(results, plan.not_covered, stdout_style()))
    return _check_exit(results)


def _check_exit(results: Iterable[CellResult]) -> ExitCode:
    """Return the exit code of ``check``: an answer counts on the kernel that was asked for only."""
    outcomes: set[Outcome] = set()
    for result in results:
        asked, got = result.kernel.requested, result.kernel.observed
        if asked is not None and asked.casefold() != (got or "").casefold():
            outcomes.add(Outcome.ERROR)
        outcomes |= {each.outcome for each in result.observations}
    if any(outcome.is_failure for outcome in outcomes):
        return ExitCode.NO_GO
    conclusive = Outcome.PASSED in outcomes and outcomes <= {Outcome.PASSED, Outcome.UNSUPPORTED}
    return ExitCode.GO if conclusive else ExitCode.INCONCLUSIVE


def _judge(options: Namespace) -> int:
    clock = Clock()
    out = options.out or Path("gate-report")
    plan, results, refused = _read_results(options.results, options.plan)
    for entry in refused:
        print(f"error: {entry.what}: {entry.why}", file=sys.stderr)  # noqa: T201
    folder = options.matrices or matrices_dir()
    matrices = load_matrices(folder)
    waivers = Waivers() if options.ignore_waivers else waivers_of(folder, matrices, options.date)
    issues = known_issues()
    claim_folder(out, clear=False)  # it may be the folder that the results are in
    with clock.stage("judge"):
        decision = judge_results(
            plan, results, matrices, all_checks(), issues, waivers=waivers, refused=refused
        )
    wire.write_plan(out / "plan.json", plan)
    for result in results:
        wire.write_cell(out / "cells" / f"{result.cell.id}.json", result)
    command = shlex.join(["release-gate", *sys.argv[1:]])
    report = make_report(
        record_of(plan, results, decision, issues=issues, clock=clock, command=command)
    )
    write_files(report, out)
    _show(report, out, options)
    if options.github:
        write_outputs({"verdict": report.verdict}, os.environ)
    return exit_code(decision.verdict)


def _read_results(
    paths: Sequence[Path], plan: Path | None
) -> tuple[Plan, list[CellResult], tuple[NotCovered, ...]]:
    """Return the plan, every result, and what is to be said of shards that were not let in.

    Raises one error with all files that cannot be read: they were named one by one.
    """
    problems: list[Problem] = []
    results: list[CellResult] = []
    found: Plan | None = None
    for path in paths:
        if path.is_dir():
            continue
        try:
            results.append(wire.read_cell(path))
        except GateError as error:
            problems.extend(error.problems)
    places = [plan] if plan else _plans_beside(paths)
    try:
        if not places:
            problems.append(Problem(what="no plan.json", where=str(paths[0].parent), hint="--plan"))
        else:
            found = wire.read_plan(places[0])
    except GateError as error:
        problems.extend(error.problems)
    if problems or found is None:
        raise ConfigurationError(problems)
    if not (given := [path for path in paths if path.is_dir()]):
        return found, results, ()
    collected = collect_shards(
        [folder for root in given for folder in shard_folders(root)],
        shards_of(found),
        plan_sha256=file_digest(places[0]),
    )
    return found, [*results, *collected.results], collected.refused


def _plans_beside(paths: Sequence[Path]) -> list[Path]:
    folders = dict.fromkeys(
        folder
        for path in paths
        for folder in (path, path.parent, path.parent.parent)
        if folder.is_dir()
    )
    return [folder / "plan.json" for folder in folders if (folder / "plan.json").is_file()]


def _report(options: Namespace) -> int:
    path = report_file(options.folder)
    report = read_report(path)
    if not options.summary:
        _show(report, path.parent, options)
    elif write_job_summary(report, os.environ) is None:
        say(render_job_summary(report).rstrip("\n"))
    return ExitCode.GO


def _explain(options: Namespace) -> int:
    say(explain(options.id, as_data=options.json))
    return ExitCode.GO


def _advise(options: Namespace) -> int:
    say(advise(options.pin, options.report, as_data=options.json, style=stdout_style()))
    return ExitCode.GO


def _waive(options: Namespace) -> int:
    if not 0 < options.days <= MOST_DAYS:
        what = f"--days {options.days}: 1 to {MOST_DAYS}"
        raise ConfigurationError(Problem(what=what, hint="a waiver is not for ever"))
    given = {"who": options.who, "reason": options.reason, "days": options.days}
    say(waive(options.finding, options.folder, **given))
    return ExitCode.GO


def _draft(options: Namespace) -> int:
    say(draft(options.finding, options.folder, as_data=options.json))
    return ExitCode.GO


def _diff(options: Namespace) -> int:
    text, code = diff(options.before, options.after, as_data=options.json, style=stdout_style())
    say(text)
    return code


def _pins(options: Namespace) -> int:
    provider = Provider(options.project)
    files = open_shop(options).index.packages(provider)
    if options.version is None:
        say("\n".join(dict.fromkeys(file.version or "?" for file in files)))
    else:
        say(pin_entry(files, options.version, provider))
    return ExitCode.GO


@contextmanager
def _interruptible(hint: str) -> Iterator[None]:
    """Turn Ctrl-C, SIGTERM and SIGHUP into `Interrupted`; children have been ended by then."""
    try:
        with termination_interrupts():
            yield
    except KeyboardInterrupt:
        raise Interrupted(
            Problem(what="interrupted; what is finished is kept", hint=hint)
        ) from None


def _show(report: Report, folder: Path, options: Namespace) -> None:
    if options.json:
        say((folder / "report.json").read_text(encoding="utf-8"))
    else:
        say(render_summary(report, str(folder), stdout_style()))


COMMANDS: dict[str, Callable[[Namespace], int]] = {
    "plan": _plan,
    "cells": _cells,
    "run": _run,
    "build": _build,
    "check": _check,
    "judge": _judge,
    "report": _report,
    "advise": _advise,
    "explain": _explain,
    "waive": _waive,
    "draft": _draft,
    "diff": _diff,
    "pins": _pins,
}
