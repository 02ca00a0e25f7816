"""A made-up report as large as any that has to be read: 256 cells, 200 checks in each of them."""

from __future__ import annotations

from functools import cache

import attrs
from gate_report import record
from gate_values import STACK, gemm_case, observation, passing, pin, plan

from release_gate.model import Observation, Outcome, Role
from release_gate.report.document import Report, make_report

CHECKS = tuple(f"exact.routine-{number:03}" for number in range(200))
KERNELS = tuple(f"Kernel{number:02}" for number in range(16))
THREADS = (1, 2, 4, 8)
CANDIDATES = tuple(pin(f"0.3.34.{number}.0") for number in (106, 237, 481))

#: Of each hundred answers of a candidate, by place: what is not a pass.
ANSWERS = {
    3: Outcome.FAILED,
    17: Outcome.CRASHED,
    31: Outcome.HUNG,
    47: Outcome.ERROR,
    59: Outcome.NOT_EXERCISED,
    73: Outcome.UNSUPPORTED,
}


def _answer(check: str, outcome: Outcome) -> Observation:
    if not outcome.is_failure:
        return observation(check, outcome, "" if outcome is Outcome.PASSED else "not this time")
    return observation(
        check,
        outcome,
        "12 of 240 products are wrong",
        cases=(gemm_case(),) * 8,
        stack=STACK * 40,
        log="warning: one line of many\n" * 100,
    )


@cache
def big_report(*, noisy: bool = True) -> Report:
    """Return the report of a baseline and three candidates on 16 kernels with 1 to 8 threads.

    noisy: answers of all kinds without any order, the worst that a map of runs can be asked to
    draw; otherwise one check in ten fails, wherever it is asked.
    """
    the_plan = plan(kernels=KERNELS, threads=THREADS, checks=CHECKS, candidates=CANDIDATES)
    results = []
    for index, result in enumerate(passing(the_plan)):
        if result.cell.role is Role.BASELINE:
            results.append(result)
            continue
        answers = []
        for number, check in enumerate(CHECKS):
            place = (index * 37 + number * 61 + index * number * 7) % 100
            failing = Outcome.FAILED if number % 10 == 0 else Outcome.PASSED
            outcome = ANSWERS.get(place, Outcome.PASSED) if noisy else failing
            answers.append(_answer(check, outcome))
        results.append(attrs.evolve(result, observations=tuple(answers)))
    return make_report(record(the_plan, results, catalogue=()))
