"""docs/detection.md, and docs/detection-faults.tsv with one line per planted fault."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from release_gate.report.places import name_places
from release_gate.versions import OpenBLASVersion
from tests.detection.faults import KINDS
from tests.detection.numpy_suite import NOT_CALLED
from tests.detection.tables import read_rows
from tests.detection.third import LIBRARY
from tests.detection.verdicts import is_right

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from release_gate.judgement.catalogue import KnownIssue
    from release_gate.model import Host
    from tests.detection.backtest import BackTestCase, Verdict
    from tests.detection.silence_history import SilentRuns

__all__ = [
    "explanation",
    "fault_list",
    "kept_parts",
    "kept_suite",
    "render",
    "through_the_gate",
]

#: Families of routines, as the tables put them together.
LEVELS = {
    "level 3": "gemm gemm3m gemmt symm hemm syrk herk syr2k her2k trmm trsm",
    "level 2": "gemv ger geru gerc symv hemv gbmv sbmv hbmv spmv hpmv trmv trsv tbmv tbsv tpmv tpsv"
    " syr her syr2 her2 spr hpr spr2",
    "level 1": "dot dotu dotc axpy scal copy swap nrm2 asum iamax rot rotm",
}
LEVEL_OF = {family: level for level, families in LEVELS.items() for family in families.split()}

#: Why faults escape for good, by a pattern of their ids.
EXPLAINED = {
    "[sc]*:flag:*": "LAPACK in single precision is not asked for its flags: its triangular solves"
    " divide what lies in unused lanes of a buffer: right libraries raise some now and then",
    "cblas_*:shared-scratch:n%8=7:*": "callers at once go through flags and sizes by turns, and"
    " two of them seldom meet in what a sixteenth of the turns has",
    "[cz]potrf:conjugate:*": "the element that is turned lies on the diagonal, which is real:"
    " nothing is wrong",
    "cblas_*:lost-update:m=1*": "calls with m = 1 take microseconds and hardly ever meet",
}

INTRODUCTION = """# What the checks detect

Measured and written by `nox -s backtest -- --write`. The parts (`planted`, `backtest`, `verdicts`,
`silence`, `third`) can be run alone, and an interrupted one goes on where it stopped. A part of
which the folder of results holds nothing stays as this page has it, with its date; rows of the
back-test stay while the checks of their case do (`docs/detection-backtest.tsv`).

Which kernels run and which bugs can show depends on the machine, which is told with each part."""

#: What a part may begin with: `kept_parts` tells them apart by it.
HEADINGS = (
    *("## Back-test", "### Through the whole gate", "## Planted faults\n"),
    *("## Planted faults that", "## Silence", "## Third opinion"),
)

THIRD = """## Third opinion

The checks of numbers (smoke, 1 and 2 threads) asked `{library}` in the place of OpenBLAS, behind
a library that forwards the names (`tests/detection/third.py`). What an independent library passes
asks for nothing that only OpenBLAS does. What MKL does not export is not asked. Every case that
fails has its reason (cases, or deaths, in parentheses).

Answers: {counted}; {cases} cases.

{reasons}"""

PLANTED = """## Planted faults

Drawn from a table with a fixed seed (`tests/detection/faults.py`): routine x kind of damage x
condition on sizes, enumerations, kernel, threads. All are in one library around a real one
(0.3.34.481.3, in NumPy 2.4.6) that forwards every call; one is switched on at a time. Each fault is
tried in the cells of a default run in which it can be in force (its kernel, else Haswell; 1 and 8
threads), with the checks that call its routine, cheapest first, through the gate's own child and
watchdog, until one does not pass; what told it in an earlier campaign goes first. What escapes
smoke is asked in full.

Every fault by its name: `docs/detection-faults.tsv`."""

TRIED = """

NumPy's tests: `numpy.linalg`, and those of `numpy._core` that are about matmul, dot, inner and
einsum, with the same kernel and threads. They call the routines of {called} of {tried} faults, each
of which is tried with the tests that call its routine; the others they cannot catch. What they
answer does not change with the checks: what was not measured again is taken from the list."""


def render(
    host: Host,
    *,
    trials: Sequence[dict[str, Any]],
    held_out: Sequence[dict[str, Any]],
    numpy: Sequence[dict[str, Any]],
    costs: Sequence[dict[str, Any]],
    cases: Sequence[tuple[BackTestCase, Sequence[Verdict]]],
    silence: Sequence[dict[str, Any]],
    history: Sequence[SilentRuns],
    states: Mapping[str, str],
    third: Sequence[dict[str, Any]],
    verdicts: Sequence[tuple[BackTestCase, dict[str, Any]]],
    catalogue: Sequence[KnownIssue],
    kept: Mapping[str, str],
) -> str:
    """Return the text of docs/detection.md: each part that has results, of the others `kept`."""
    machine = f"{host.cpu}, {host.cores} cores, {host.system} {host.machine}"
    date = f"Written {dt.datetime.now(dt.UTC).date()} on {machine}."
    measured = any(not verdict.missing for _, verdicts in cases for verdict in verdicts)
    planted = (_planted(trials, numpy), _costs(costs, trials), _escapes(trials)) if trials else ()
    made = (
        _back_test(cases) if measured else "",
        through_the_gate(verdicts) if verdicts else "",
        "\n\n".join(planted),
        _held_out(held_out) if held_out else "",
        _silence(silence, history, states, catalogue) if history else "",
        _third(third) if third else "",
    )
    parts = [INTRODUCTION]
    for heading, text in zip(HEADINGS, made, strict=True):
        if text:
            first, _, rest = text.partition("\n")
            parts.append(f"{first}\n\n{date}\n{rest}")
        elif heading in kept:
            parts.append(kept[heading])
    return "\n\n".join(parts) + "\n"


def kept_parts(path: Path) -> dict[str, str]:
    """Return the parts of the page that is there, by their headings."""
    if not path.exists():
        return {}
    text = path.read_text(encoding="utf-8")
    places = {heading: text.find(f"\n{heading}") for heading in HEADINGS}
    starts = sorted(place for place in places.values() if place >= 0)
    ends = dict(zip(starts, [*starts[1:], len(text)], strict=True))
    return {
        heading: text[place : ends[place]].strip()
        for heading, place in places.items()
        if place >= 0
    }


#: Of docs/detection-faults.tsv.
FAULT_COLUMNS = ("fault", "profile", "check", "outcome", "NumPy's tests")


def fault_list(trials: Iterable[dict[str, Any]], numpy: Iterable[dict[str, Any]]) -> str:
    """Return one line per fault: its id, the check that told it, whether NumPy's tests did."""
    caught = {line["fault"]: line for line in numpy if "fault" in line}
    rows = [FAULT_COLUMNS]
    for line in sorted(trials, key=lambda each: str(each["fault"])):
        profile = found_in(line)
        told = line[profile] if profile else {"check": "", "outcome": "escapes"}
        other = caught.get(line["fault"])
        word = "" if other is None else "caught" if other["caught"] else other_word(other)
        rows.append((line["fault"], profile or "", told["check"], told["outcome"], word))
    return "".join("\t".join(row) + "\n" for row in rows)


def kept_telling(path: Path) -> dict[tuple[str, str], str]:
    """Return by fault and profile the check that told it, as the list that is there has it."""
    rows = _listed(path)
    return {(row["fault"], row["profile"]): row["check"] for row in rows if row["check"]}


def kept_suite(path: Path) -> dict[str, dict[str, Any]]:
    """Return by fault what the list that is there says of NumPy's own tests.

    Their answers do not change with the checks.
    """
    words = {row["fault"]: row["NumPy's tests"] for row in _listed(path)}
    return {
        fault: {
            "fault": fault,
            "caught": word == "caught",
            "why": word,
            "in_force": word == "passed",
        }
        for fault, word in words.items()
        if word
    }


def _listed(path: Path) -> list[dict[str, str]]:
    return read_rows(path, FAULT_COLUMNS, ", ".join(FAULT_COLUMNS))


def other_word(line: dict[str, Any]) -> str:
    """Return why NumPy's tests did not catch a fault, in a word."""
    if line["why"] == NOT_CALLED:
        return NOT_CALLED
    return "passed" if line.get("in_force") else "never in force"


def found_in(line: dict[str, Any]) -> str | None:
    """Return the profile in which a fault was found."""
    return next(
        (name for name in ("smoke", "full") if line.get(name, {}).get("check") is not None), None
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [head, ["--"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(str(cell) for cell in row)} |" for row in lines)


def _share(part: int, whole: int) -> str:
    return f"{part}/{whole} ({part / whole:.1%})" if whole else "-"


def _back_test(cases: Sequence[tuple[BackTestCase, Sequence[Verdict]]]) -> str:
    rows = []
    for case, verdicts in cases:
        for verdict in verdicts:
            if verdict.missing:
                told = f"not measured: {verdict.missing}"
            elif verdict.bad:
                missed = "**missed**" if case.shows_here else "not seen"
                told = f"{'**found**' if verdict.hit else missed} {_hits(verdict)}"
                told += f" {verdict.told.partition(':')[0]}" if verdict.told else ""
            else:
                told = "silent" if not any(verdict.hits.values()) else f"**false** {verdict.told}"
            where = f"{', '.join(verdict.hits) or '-'}, {case.threads} thr., {verdict.profile}"
            given = " (public)" if case.public else ""
            state = "bad" if verdict.bad else "good"
            rows.append((f"{case.id}{given}", state, f"`{verdict.artefact}`", where, told))
    public = [(case, verdicts) for case, verdicts in cases if case.public]
    others = [(case, verdicts) for case, verdicts in cases if not case.public and case.shows_here]
    notes = [f"- {case.id}: {case.note}" for case, _ in cases if case.note]
    machines: dict[str, list[str]] = defaultdict(list)
    for case, verdicts in cases:
        for name in sorted({each.machine for each in verdicts if not each.missing}):
            machines[name].append(case.id)
    *few, most = sorted(machines, key=lambda name: len(machines[name]))
    where = "".join(f"; on {name} {', '.join(machines[name])}" for name in few)
    return (
        "## Back-test: real bugs of released libraries\n\n"
        "Each artefact was asked the case's checks by `release-gate check`. Found: one of them"
        " failed on the case's kernel; in parentheses, in how many runs. A bad artefact is also"
        " asked on kernels that the bug does not reach, where the check has to pass (good). What"
        " smoke misses is asked in the full profile. Cases and checks:"
        " `tests/detection/backtest.toml`. Libraries marked `source` were built of that tag of"
        " OpenBLAS with all kernels of the case in them (DYNAMIC_ARCH; v0.3.0, v0.3.4 and those"
        " with ReLAPACK for Haswell alone, others for the kernel in their name) and LAPACK, LP64,"
        " and given by `--library TAG=FILE`. Not seen: by nothing that was tried, see below.\n\n"
        f"Measured on {most}{where}.\n\n"
        f"Public cases decided rightly: {_decided(public)}; further ones that show here:"
        f" {_decided(others)}.\n\n"
        + _table(("issue", "is", "artefact", "asked", "answer"), rows)
        + ("\n\n" + "\n".join(notes) if notes else "")
    )


def through_the_gate(lines: Sequence[tuple[BackTestCase, dict[str, Any]]]) -> str:
    """Return the section of what the whole gate said of each pair."""
    rows = []
    right = 0
    for case, line in lines:
        right += is_right(case, line)
        told = "; ".join(
            f"{each['check']} ({each['symptom']}) on {', '.join(each['kernels'])}:"
            f" {each['issues'][0] if each['issues'] else 'no known issue'}, script"
            f" {'shows it' if each['hits'] else 'does not show it'}"
            for each in line["findings"]
            if each["blocking"]
        )
        verdict = line["verdict"] if is_right(case, line) else f"**{line['verdict']}**"
        if line["runs"] > 1:
            verdict += f" (run {line['runs']} of {case.runs})"
        pins = (f"`{line[name].partition('==')[2]}`" for name in ("candidate", "baseline"))
        rows.append((case.id, *pins, verdict, told or "-"))
    return (
        "### Through the whole gate\n\nThe cases whose libraries are on the index as"
        " scipy-openblas64: `release-gate run --candidate A --baseline B` with the case's checks,"
        " kernel and threads, and the inspections of wheels. The bad candidate has to get NO-GO, by"
        " a finding that is linked to the case's issue; the good one, with the bad one as"
        " baseline, GO. Right:"
        f" {right} of {len(lines)}.\n\n"
        + _table(("issue", "candidate", "baseline", "verdict", "blocking findings"), rows)
    )


def _decided(cases: Sequence[tuple[BackTestCase, Sequence[Verdict]]]) -> str:
    """Return how many cases are found on each bad artefact and on nothing else."""
    right = 0
    for _, verdicts in cases:
        found = {verdict.artefact for verdict in verdicts if verdict.bad and verdict.hit}
        bad = {verdict.artefact for verdict in verdicts if verdict.bad}
        false = any(any(verdict.hits.values()) for verdict in verdicts if not verdict.bad)
        right += found == bad and not false and not any(verdict.missing for verdict in verdicts)
    return f"{right} of {len(cases)}"


def _hits(verdict: Verdict) -> str:
    return f"({', '.join(f'{hits} of {verdict.runs}' for hits in verdict.hits.values())})"


def _planted(trials: Sequence[dict[str, Any]], numpy: Sequence[dict[str, Any]]) -> str:
    caught = {line["fault"]: line["caught"] for line in numpy}
    called = sum(line["why"] != NOT_CALLED for line in numpy)
    head = ("", "faults", "smoke", "smoke and full", "NumPy's tests")

    def rows(name_of: Callable[[dict[str, Any]], str]) -> list[tuple[str, ...]]:
        groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for line in trials:
            groups[name_of(line)].append(line)
        return [_row(name, lines, caught) for name, lines in sorted(groups.items())]

    return "\n\n".join(
        [
            PLANTED
            + (TRIED.format(called=called, tried=len(caught)) if caught else "")
            + _before(trials),
            _table(
                head,
                [
                    _row("**all**", trials, caught),
                    *rows(lambda line: LEVEL_OF.get(line["family"], "LAPACK")),
                ],
            ),
            _table(head, rows(lambda line: str(KINDS[line["kind"]]))),
            _table(head, rows(lambda line: str(line["family"]))),
        ]
    )


def _before(trials: Iterable[dict[str, Any]]) -> str:
    """Say how many were tried before checks were added, which can only add to what is told."""
    missing = Counter(line["missing"] for line in trials if line.get("missing"))
    return "".join(
        f" {count} were tried before {', '.join(f'`{each}`' for each in later)} came."
        for later, count in sorted(missing.items())
    )


def _row(
    name: str, lines: Sequence[dict[str, Any]], caught: dict[str, bool]
) -> tuple[str, str, str, str, str]:
    found = Counter(found_in(line) for line in lines)
    tested = [caught[line["fault"]] for line in lines if line["fault"] in caught]
    total = len(lines)
    return (
        name,
        str(total),
        _share(found["smoke"], total),
        _share(found["smoke"] + found["full"], total),
        _share(sum(tested), len(tested)),
    )


def _costs(costs: Sequence[dict[str, Any]], trials: Sequence[dict[str, Any]]) -> str:
    told: Counter[str] = Counter()
    for line in trials:
        profile = found_in(line)
        if profile == "smoke":
            told[line["smoke"]["check"]] += 1
    seconds: dict[str, dict[int, float]] = defaultdict(dict)
    for line in costs:
        seconds[line["check"]][line["threads"]] = line["seconds"]

    def rate(check: str) -> float:
        return told[check] / max(sum(seconds[check].values()), 0.01)

    rows = [
        (
            f"`{check}`",
            *(f"{seconds[check][n]:.2f}" if n in seconds[check] else "-" for n in (1, 8)),
            told[check],
            f"{rate(check):.2f}",
        )
        for check in sorted(seconds, key=rate, reverse=True)
    ]
    return (
        "### What each check costs and finds\n\nSmoke profile, Haswell, without a fault. Told: the"
        " planted faults that it told, the cheapest that did when the fault was first tried."
        " A check that tells none here is covered by a cheaper one for what was planted, or is"
        " kept for what cannot be planted around a library: see its `catches`.\n\n"
        + _table(("check", "s, 1 thread", "s, 8 threads", "told", "told per s"), rows)
    )


def _held_out(trials: Sequence[dict[str, Any]]) -> str:
    smoke = sum(found_in(line) == "smoke" for line in trials)
    both = sum(found_in(line) is not None for line in trials)
    left = sum(found_in(line) is None and not line.get("full") for line in trials)
    pending = f" (of {left} more full was not asked yet)" if left else ""
    text = (
        "## Planted faults that were held out\n\nAnother seed, and other conditions on sizes"
        " (`HELD_OUT` in `tests/detection/faults.py`): the checks were not worked on with them, so"
        " that these figures are for faults that nobody has looked at. They are the fourth such"
        " list. Of the first (seed 20260117, in the repository until commit f30449d), 396 faults,"
        " smoke told 354 (89.4%); of the second (seed 20261129), 394 faults, 366 (92.9%); of the"
        " third (seed 20261130, until this list), 391 faults, 365 (93.4%), with full 385 (98.5%)."
        " What each showed was cured in general, and the list drawn anew: sizes that a precision or"
        " a thread count never met, a check that was blind in Hermitian matrices, products of"
        " several blocks with several threads, flags that went in step with sizes. This list,"
        " before `exact.complex-symmetric` and `exact.fortran` were there: smoke 373 of 396"
        " (94.2%), smoke and full 389 (98.2%), of 5 more full was not asked.\n\n"
    )
    return (
        f"{text}smoke {_share(smoke, len(trials))}, smoke and full {_share(both, len(trials))}"
        f"{pending}.{_before(trials)}\n\n{_escapes(trials)}"
    )


def _escapes(trials: Sequence[dict[str, Any]]) -> str:
    escaped = [line for line in trials if found_in(line) is None]
    late = [line for line in trials if found_in(line) == "full"]
    text = ["### Escapes\n"]
    text += [f"- `{line['fault']}`: {_why(line)}{_explanation(line)}" for line in escaped]
    text += [] if escaped else ["None."]
    text += ["\nFound by the full profile only:\n"] if late else []
    text += [f"- `{line['fault']}`: {line['full']['check']}" for line in late]
    return "\n".join(text)


def _explanation(line: dict[str, Any]) -> str:
    reasons = (why for pattern, why in EXPLAINED.items() if fnmatchcase(line["fault"], pattern))
    return f". {reason[0].upper()}{reason[1:]}" if (reason := next(reasons, "")) else ""


def _why(line: dict[str, Any]) -> str:
    """Return what is known of an escape: how far the fault came."""
    tried = line.get("full") or line["smoke"]
    if not tried["asked"]:
        return "no check calls this routine"
    if not tried["in_force"]:
        return f"{tried['asked']} checks call the routine, never so that the conditions hold"
    passed = f"in force {tried['in_force']} times in {tried['asked']} checks, all of which passed"
    return passed if line.get("full") else f"{passed}; full was not asked yet"


def explanation(answer: Mapping[str, Any], library: str, catalogue: Sequence[KnownIssue]) -> str:
    """Return the id of the known issue that explains a failure in a good library, or nothing."""
    version = OpenBLASVersion.parse(library.rpartition("==")[2])
    return next(
        (
            issue.id
            for issue in catalogue
            if answer["check"] in issue.checks
            and issue.is_of_kernel(answer["kernel"])
            and answer["threads"] >= issue.min_threads
            and issue.versions is not None
            and version in issue.versions
        ),
        "",
    )


def _third(lines: Sequence[dict[str, Any]]) -> str:
    outcomes = Counter(line["outcome"] for line in lines)
    cases = sum(line["run"] for line in lines)
    told: dict[str, Counter[str]] = defaultdict(Counter)
    for line in lines:
        for reason, count in line["reasons"].items():
            told[reason][line["check"]] += count
        if line["outcome"] == "died":
            told[line["reason"]][line["check"]] += 1
    counted = ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items()))
    reasons = [
        f"- {reason}: {', '.join(f'{check} ({count})' for check, count in sorted(checks.items()))}"
        for reason, checks in sorted(told.items())
    ]
    return THIRD.format(library=LIBRARY, counted=counted, cases=cases, reasons="\n".join(reasons))


def _silence(
    lines: Sequence[dict[str, Any]],
    history: Sequence[SilentRuns],
    states: Mapping[str, str],
    catalogue: Sequence[KnownIssue],
) -> str:
    rows = []
    figures = ("runs", "cells", "answers", "true", "false", "unanswered")
    groups: dict[tuple[str, int, str, str], list[SilentRuns]] = defaultdict(list)
    for each in history:
        asked = states.get(each.checks, "earlier")
        groups[asked, each.busy, each.machine, each.library].append(each)
    for (asked, busy, machine, library), runs in sorted(groups.items()):
        where = f"beside {busy} busy processes" if busy else "no busy processes added"
        sums = (sum(getattr(each, name) for each in runs) for name in figures)
        rows.append((f"`{library}`", f"{machine}, {where}", asked, *sums))
    findings: dict[str, Counter[str]] = defaultdict(Counter)
    runs_of = Counter(line["library"] for line in lines)
    for name in runs_of:
        found = [each for line in lines if line["library"] == name for each in line["findings"]]
        explained = [explanation(each, name, catalogue) for each in found]
        for text, count in _findings(zip(found, explained, strict=True)):
            findings[text][name] += count
    text = (
        "## Silence\n\nDefault runs (`release-gate check`, every kernel of this machine, 1 and 8"
        " threads, smoke, nothing from the cache) of libraries without a bug that is known to show"
        " here. True: a known issue of `matrices/known_issues/` names the check, the kernel and the"
        " version; those of `found/` were found by this project and have pages in `docs/found`."
        " Unanswered: what the library does not export. As now but for some: before they were"
        " added. Alone: these, in runs of their own. Earlier: before the last other change to a"
        " check. Some shared the machine with another run. By day:"
        " `docs/detection-silence.tsv`.\n\n"
        + _table(("library", "machine", "checks", *figures), rows)
    )
    told = []
    for what, counts in sorted(findings.items()):
        hits = (f"{n} of {runs_of[name]} runs of `{name}`" for name, n in sorted(counts.items()))
        told.append(f"- {what}; in {', '.join(hits)}")
    return "\n\n".join([text, *(["\n".join(told)] if told else [])])


def _findings(told: Iterable[tuple[dict[str, Any], str]]) -> Iterator[tuple[str, int]]:
    """Yield what failed with its issue, and in how many runs; `told`: findings with theirs."""
    hits: Counter[tuple[str, str, str, int]] = Counter()
    for each, issue in told:
        what = f"{each['check']} {each['outcome']}"
        why = issue or f"**false**: {each['reason']}"
        hits[what, why, each["kernel"], each["threads"]] += 1
    groups: dict[tuple[str, str, int], list[tuple[str, int]]] = defaultdict(list)
    for (what, why, kernel, threads), count in hits.items():
        groups[what, why, count].append((kernel, threads))
    for (what, why, count), places in groups.items():
        yield f"{what} on {name_places(places)}: {why}", count


def write(folder: Path, text: str, faults: str) -> None:
    """Write both files into `folder`."""
    (folder / "detection.md").write_text(text, encoding="utf-8")
    if faults:
        (folder / "detection-faults.tsv").write_text(faults, encoding="utf-8")
