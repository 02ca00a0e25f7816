"""``nox -s backtest``: measure what the checks detect, and write docs/detection.md.

    planted    faults planted into a good library, against the checks and NumPy's own tests
    backtest   real bugs of released libraries, against the checks
    silence    repeated runs of good libraries, which must find nothing

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

from release_gate.pipeline import open_workshop
from release_gate.progress import Silent
from tests.detection.campaign import Campaign, cells_needed
from tests.detection.faults import draw_faults
from tests.detection.numpy_suite import NumPySuite
from tests.detection.subject import make_subject

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.detection.faults import Fault

ROOT = Path(__file__).resolve().parents[2]

#: A good library, into which faults are planted, and the NumPy that loads it.
NUMPY, LIBRARY = "numpy==2.4.6", "scipy-openblas64==0.3.34.481.3"


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


def chosen_faults(options: argparse.Namespace) -> list[Fault]:
    """Return the faults that --only and --limit leave."""
    faults = [fault for fault in draw_faults() if fnmatch(fault.id, options.only)]
    return faults[: options.limit]


def at_once(jobs: int, work: Callable[[Any], dict[str, Any]], items: Sequence[Any]) -> None:
    """Call `work` on all items, `jobs` of them at a time; say each result that it returns."""
    with ThreadPoolExecutor(jobs) as pool:
        futures = [pool.submit(work, item) for item in items]
        try:
            for done, future in enumerate(as_completed(futures), 1):
                say(f"{done:4}/{len(items)} {_told(future.result())}")
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


def planted(options: argparse.Namespace) -> None:
    shop = open_workshop(Silent())
    subject = make_subject(shop, NUMPY, LIBRARY, options.results)
    faults = chosen_faults(options)
    campaign = Campaign(subject, options.results, options.checks)
    for cell in cells_needed(faults):
        say(f"{cell.kernel}, {cell.threads} threads: the checks without a fault")
        campaign.measure(cell, "smoke")
    if not options.smoke_only:
        for cell in cells_needed(faults):
            if cell.kernel == "Haswell":
                say(f"{cell.kernel}, {cell.threads} threads: the full profile without a fault")
                campaign.measure(cell, "full")
    at_once(options.jobs, campaign.attempt, faults)
    if options.numpy:
        suite = NumPySuite(subject, options.results)
        at_once(options.jobs, suite.attempt, faults)


def main(arguments: Sequence[str] | None = None) -> None:
    for name in [name for name in os.environ if name.startswith("OPENBLAS_")]:
        del os.environ[name]
    parser = argparse.ArgumentParser(
        prog="nox -s backtest --",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("part", choices=["planted"])
    parser.add_argument(
        "--results", type=Path, default=ROOT / "backtest-results", help="folder of results"
    )
    parser.add_argument("--only", default="*", metavar="GLOB", help="faults or cases by their id")
    parser.add_argument("--limit", type=int, help="the first so many faults: a sample of all")
    parser.add_argument("--checks", default="*", metavar="GLOB", help="checks by their id")
    parser.add_argument("--jobs", type=int, default=2, help="processes at once (default: 2)")
    parser.add_argument("--smoke-only", action="store_true", help="no full profile for escapes")
    parser.add_argument("--numpy", action="store_true", help="NumPy's own tests too")
    options = parser.parse_args(arguments)
    options.results = options.results.resolve()
    planted(options)


if __name__ == "__main__":
    main()
