"""``nox -s backtest``: measure what the checks detect, and write docs/detection.md.

    planted    faults planted into a good library, against the checks and NumPy's own tests
    backtest   real bugs of released libraries, against the checks
    verdicts   the same libraries through the whole gate, against good ones and the reverse
    silence    repeated runs of good libraries, which must find nothing
    third      another BLAS asked by the same checks (x86-64 Linux)

Results go to a folder as JSON lines; whatever ends a session, the same command goes on where it
stopped. ``--write`` makes docs/detection.md of what is there.
"""

from __future__ import annotations

import argparse
import os
from concurrent.futures import ThreadPoolExecutor, as_completed
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any

from release_gate.pipeline import known_issues, open_workshop
from release_gate.progress import Silent
from tests.detection.backtest import BackTest, read_cases
from tests.detection.backtest_history import read_verdicts, write_verdicts
from tests.detection.campaign import FEW, KERNEL, MANY, Campaign, Cell, cells_needed, cells_of
from tests.detection.document import (
    explanation,
    fault_list,
    kept_parts,
    kept_suite,
    kept_telling,
    render,
    write,
)
from tests.detection.faults import draw_faults
from tests.detection.numpy_suite import NumPySuite
from tests.detection.silence import LIBRARIES, Silence
from tests.detection.silence_history import merged, read_history, summed_up, write_history
from tests.detection.subject import make_subject
from tests.detection.third import ThirdOpinion
from tests.detection.verdicts import Verdicts, pairs_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from release_gate.pipeline import Workshop
    from tests.detection.backtest import BackTestCase
    from tests.detection.faults import Fault

ROOT = Path(__file__).resolve().parents[2]
FAULT_LIST = ROOT / "docs" / "detection-faults.tsv"

#: A good library, into which faults are planted, and the NumPy that loads it.
NUMPY, LIBRARY = "numpy==2.4.6", "scipy-openblas64==0.3.34.481.3"


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


def chosen_faults(options: argparse.Namespace) -> list[Fault]:
    """Return the faults that --only and --limit leave."""
    drawn = draw_faults(held_out=options.held_out)
    faults = [fault for fault in drawn if fnmatch(fault.id, options.only)]
    return faults[: options.limit]


def at_once(jobs: int, work: Callable[[Any], str], items: Sequence[Any]) -> None:
    """Call `work` on all items, `jobs` of them at a time; say what it returns."""
    with ThreadPoolExecutor(jobs) as pool:
        futures = [pool.submit(work, item) for item in items]
        try:
            for done, future in enumerate(as_completed(futures), 1):
                say(f"{done:4}/{len(items)} {future.result()}")
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _told(line: dict[str, Any]) -> str:
    if "caught" in line:
        return f"{line['fault']}: NumPy's tests {line['caught'] and 'fail'} {line['why']}"
    found = line.get("full") or line["smoke"]
    where = f"{found['check']} ({'full' if 'full' in line else 'smoke'}): {found.get('reason')}"
    told = where if found["check"] else f"ESCAPES (in force {found['in_force']} times)"
    return f"{line['fault']}: {told}"


def planted(options: argparse.Namespace, shop: Workshop) -> None:
    """Try the faults with the checks, then with NumPy's own tests."""
    campaign, suite = planted_parts(options, shop)
    faults = chosen_faults(options)
    cells = cells_needed(faults)

    def measure(task: tuple[Cell, str]) -> str:
        campaign.measure(*task)
        return f"{task[0].kernel}, {task[0].threads} threads, {task[1]}: without a fault"

    def attempt(task: tuple[Fault, str]) -> str:
        return _told(campaign.attempt(*task))

    # What a check costs is measured alone; whether it passes elsewhere needs no quiet.
    at_once(1, measure, [(cell, "smoke") for cell in cells if cell.kernel == KERNEL])
    others = [(cell, "smoke") for cell in cells if cell.kernel != KERNEL]
    at_once(options.jobs, measure, others)
    at_once(options.jobs, attempt, [(fault, "smoke") for fault in faults])
    if not options.smoke_only:
        left = [fault for fault in faults if campaign.escapes(fault, "smoke")]
        at_once(options.jobs, measure, [(cell, "full") for cell in cells_needed(left)])
        at_once(options.jobs, attempt, [(fault, "full") for fault in left])
    if not options.without_numpy and not options.held_out:
        threads = sorted({cells_of(fault)[-1].threads for fault in faults})
        for each in threads:
            suite.measure(Cell(KERNEL, each))
        at_once(options.jobs, lambda fault: _told(suite.attempt(fault)), faults)


def planted_parts(options: argparse.Namespace, shop: Workshop) -> tuple[Campaign, NumPySuite]:
    subject = make_subject(shop, NUMPY, LIBRARY, options.results)
    told = kept_telling(FAULT_LIST)
    campaign = Campaign(subject, options.results, options.checks, told)
    return campaign, NumPySuite(subject, options.results)


def backtest(options: argparse.Namespace, shop: Workshop) -> None:
    """Check the artefacts of all cases."""
    part = BackTest(shop.specs, options.results, dict(options.library))
    for case in chosen_cases(options):
        for verdict in part.attempt(case):
            hits = [f"{name} {hits} of {verdict.runs}" for name, hits in verdict.hits.items()]
            state = "bad" if verdict.bad else "good"
            text = verdict.missing or f"{', '.join(hits)} {verdict.told}"
            say(f"{case.id} {verdict.profile} {state} {verdict.artefact}: {text}")


def chosen_cases(options: argparse.Namespace) -> list[BackTestCase]:
    return [case for case in read_cases() if fnmatch(case.id, options.only)]


def verdicts(options: argparse.Namespace, shop: Workshop) -> None:
    """Run the gate with bad candidates and with good ones."""
    part = Verdicts(shop.specs, options.results)
    for case in chosen_cases(options):
        for pair in pairs_of(case):
            line = part.attempt(pair)
            if line is not None:
                told = [f"{each['check']} {each['issues']}" for each in line["findings"]]
                state = "bad" if pair.bad else "good"
                say(f"{case.id} {state} {pair.candidate}: {line['verdict']} {', '.join(told)}")


def silence(options: argparse.Namespace, shop: Workshop) -> None:
    """Repeat default runs of good libraries, then beside busy processes."""
    part = Silence(shop.specs, options.results, later=options.later)

    def attempt(task: tuple[int, int, str]) -> str:
        busy, number, library = task
        line = part.attempt(library, number, busy=busy)
        said = f"run {number + 1} of {library}, {busy} busy: {len(line['findings'])} findings"
        return "\n    ".join([said, *map(str, line["findings"])])

    # One by one: two at once, whose 8 threads wait for each other by spinning, take twice as long.
    for busy, runs in ((0, options.runs), (options.busy, options.busy_runs)):
        at_once(1, attempt, [(busy, n, each) for n in range(runs) for each in LIBRARIES])


def third(options: argparse.Namespace, shop: Workshop) -> None:
    """Ask another BLAS."""
    part = ThirdOpinion(shop, NUMPY, options.results)
    for spec, threads in part.asked():
        line = part.attempt(spec, threads)
        say(f"{spec.id}, {threads} threads: {line['outcome']} {line['reason']}")
        for reason, count in line["reasons"].items():
            say(f"    {count} of {line['run']}: {reason}")


def write_document(options: argparse.Namespace, shop: Workshop) -> None:
    """Write docs/ of the results that there are."""
    campaign, suite = planted_parts(options, shop)
    faults = draw_faults()
    trials = campaign.tried(faults)
    kept = kept_suite(FAULT_LIST)
    asked = [suite.results.get(suite.key(fault)) or kept.get(fault.id) for fault in faults]
    numpy = [line for line in asked if line is not None]
    costs = [line for n in (FEW, MANY) for line in campaign.measured(Cell(KERNEL, n), "smoke")]
    verdicts_kept = ROOT / "docs" / "detection-backtest.tsv"
    part = BackTest(
        shop.specs,
        options.results,
        {},
        machine=shop.host.cpu,
        kept=read_verdicts(verdicts_kept),
    )
    cases = [(case, part.attempt(case)) for case in read_cases()]
    opinion = ThirdOpinion(shop, NUMPY, options.results)
    decided = Verdicts(shop.specs, options.results, recorded=True)
    catalogue, silent = known_issues(), Silence(shop.specs, options.results)
    recorded = ROOT / "docs" / "detection-silence.tsv"

    def explained(finding: Mapping[str, Any], library: str) -> str:
        return explanation(finding, library, catalogue)

    history = merged(read_history(recorded), summed_up(silent.lines(), explained, shop.host.cpu))
    text = render(
        shop.host,
        trials=trials,
        held_out=campaign.tried(draw_faults(held_out=True)),
        numpy=numpy,
        costs=costs,
        cases=cases,
        silence=silent.lines(),
        history=history,
        states=silent.states,
        third=opinion.lines(),
        verdicts=[
            (case, line)
            for case in read_cases()
            for pair in pairs_of(case)
            if (line := decided.attempt(pair)) is not None
        ],
        catalogue=catalogue,
        kept=kept_parts(ROOT / "docs" / "detection.md"),
    )
    write_verdicts(verdicts_kept, cases)
    write_history(recorded, history)
    write(ROOT / "docs", text, fault_list(trials, numpy) if trials else "")


PARTS = {
    "planted": planted,
    "backtest": backtest,
    "verdicts": verdicts,
    "silence": silence,
    "third": third,
}


def _library(text: str) -> tuple[str, Path]:
    tag, _, path = text.partition("=")
    if not Path(path).is_file():
        raise argparse.ArgumentTypeError(f"{text!r} is not TAG=FILE")
    return tag, Path(path).resolve()


def main(arguments: Sequence[str] | None = None) -> None:
    for name in [name for name in os.environ if name.startswith("OPENBLAS_")]:
        del os.environ[name]
    parser = argparse.ArgumentParser(
        prog="nox -s backtest --",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)} (default: all)")
    add("--write", action="store_true", help="write docs/detection.md of the results")
    add("--results", type=Path, default=ROOT / "backtest-results", help="folder of results")
    add("--only", default="*", metavar="GLOB", help="faults or cases by their id")
    add("--limit", type=int, help="the first so many faults: a sample of all")
    add("--checks", default="*", metavar="GLOB", help="checks that faults are tried with")
    add("--jobs", type=int, default=2, help="faults at once (default: 2)")
    add("--smoke-only", action="store_true", help="no full profile for faults that escape")
    add("--held-out", action="store_true", help="the faults that the checks are not worked on with")
    add("--without-numpy", action="store_true", help="no runs of NumPy's own tests")
    add(
        "--library",
        action="append",
        default=[],
        type=_library,
        metavar="TAG=FILE",
        help="a library built of that tag of OpenBLAS, for the back-test",
    )
    add("--runs", type=int, default=20, help="runs of each good library (default: 20)")
    add("--later", action="store_true", help="silent runs of tests/detection/later.py alone")
    add("--busy", type=int, default=4, help="busy processes beside further runs (default: 4)")
    add("--busy-runs", type=int, default=5, help="runs beside them (default: 5)")
    options = parser.parse_args(arguments)
    options.results = options.results.resolve()
    unknown = set(options.parts) - set(PARTS)
    if unknown:
        parser.error(f"no part is called {', '.join(sorted(unknown))}")
    shop = open_workshop(Silent())
    for part in options.parts or PARTS:
        PARTS[part](options, shop)
    if options.write:
        write_document(options, shop)


if __name__ == "__main__":
    main()
