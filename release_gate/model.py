"""The values that cross module borders: frozen, typed, free of presentation and of I/O.

`Plan` says what is to run, `CellResult` what was seen in one cell, `Decision` what follows from all
of them. Their JSON forms (`release-gate/plan/1`, `cell/1`, `report/1`) are written and read by
`release_gate.wire` only.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import PurePath
from typing import Any

from attrs import field, frozen

__all__ = [
    "Artifact",
    "Attempt",
    "Behaviour",
    "Case",
    "Cell",
    "CellResult",
    "CheckSpec",
    "Comparison",
    "ComparisonKind",
    "Decision",
    "Estimate",
    "Evidence",
    "Finding",
    "HangKind",
    "Host",
    "Interpreter",
    "IssueMatch",
    "KernelSeen",
    "MatchStanding",
    "NotCovered",
    "NumPySource",
    "Observation",
    "OpenBLASSeen",
    "Outcome",
    "Pin",
    "Plan",
    "PlannedCell",
    "Provider",
    "Reproducer",
    "Requirement",
    "RequirementResult",
    "Role",
    "Satisfaction",
    "ThreadsSeen",
    "Tier",
    "Toggle",
    "Verdict",
    "Waiver",
    "WaiverState",
    "WaiverUse",
]


JSON = Any  # a JSON value, narrowed where it is read


class Provider(StrEnum):
    """Where an OpenBLAS comes from."""

    SCIPY_OPENBLAS64 = "scipy-openblas64"
    SCIPY_OPENBLAS32 = "scipy-openblas32"
    FILE = "file"
    BUNDLED = "bundled"  # whatever the wheel under test carries


class Role(StrEnum):
    """Which side of the comparison a cell is on."""

    BASELINE = "baseline"
    CANDIDATE = "candidate"


class Outcome(StrEnum):
    """What one check answered in one cell."""

    PASSED = "passed"
    FAILED = "failed"
    CRASHED = "crashed"
    HUNG = "hung"
    NOT_EXERCISED = "not-exercised"  # ran, but cannot prove that it reached what it asks about
    UNSUPPORTED = "unsupported"  # this platform or library cannot be asked
    ERROR = "error"  # the gate's own fault, or the machine's: no answer

    @property
    def is_failure(self) -> bool:
        """Whether the library gave a wrong answer, in whatever way."""
        return self in {Outcome.FAILED, Outcome.CRASHED, Outcome.HUNG}

    @property
    def is_answer(self) -> bool:
        """Whether the check's question was answered at all."""
        return self is Outcome.PASSED or self.is_failure


class HangKind(StrEnum):
    """Why a check did not end: `deadlock` used no CPU, `busy` did until the wall budget ran out."""

    DEADLOCK = "deadlock"
    BUSY = "busy"


class ComparisonKind(StrEnum):
    """What the baseline's and the candidate's observations say together."""

    REGRESSED = "regressed"  # baseline passed, candidate fails
    NEW = "new"  # candidate fails, baseline was not asked
    FLAKY = "flaky"  # candidate failed and then passed (or the reverse) with the same input
    STILL_FAILING = "still-failing"
    FIXED = "fixed"
    STILL_PASSING = "still-passing"
    CHANGED = "changed"  # both passed, and did differently what no standard settles
    LOST = "lost"  # baseline answered, candidate did not
    UNKNOWN = "unknown"  # nobody answered


class Tier(StrEnum):
    """Whether a requirement can stop a release."""

    BLOCKING = "blocking"
    INFORMING = "informing"


class Satisfaction(StrEnum):
    """How a requirement came out."""

    SATISFIED = "satisfied"
    VIOLATED = "violated"
    UNANSWERED = "unanswered"


class Verdict(StrEnum):
    """The answer."""

    GO = "GO"
    NO_GO = "NO-GO"
    INCONCLUSIVE = "INCONCLUSIVE"


@frozen(kw_only=True)
class Pin:
    """One exact OpenBLAS; `sha256` is of the file `filename`, a wheel or a shared library."""

    provider: Provider
    version: str
    filename: str
    sha256: str
    pinned: bool = True  # False: the digest came from the index or the file, not from matrices/

    def __str__(self) -> str:
        match self.provider:
            case Provider.FILE:
                return self.filename
            case Provider.BUNDLED:
                return f"bundled {self.version}"
            case _:
                return f"{self.provider}=={self.version}"


@frozen(kw_only=True)
class NumPySource:
    """The NumPy under test: an sdist of the index, a checkout, or a finished wheel.

    `kind` is "sdist", "checkout" or "wheel"; `sha256` is of the file or of the checkout's content.
    """

    kind: str
    version: str
    location: str
    sha256: str


@frozen(kw_only=True)
class Interpreter:
    """A Python that NumPy is built for and tested with."""

    executable: str
    version: str  # "3.12.1"
    implementation: str = "cpython"
    free_threaded: bool = False

    @property
    def tag(self) -> str:
        """Return the wheel tag of the interpreter, such as ``cp312`` or ``cp314t``."""
        major, minor, *_ = self.version.split(".")
        return f"cp{major}{minor}{'t' if self.free_threaded else ''}"


@frozen(kw_only=True)
class Host:
    """The machine that checks run on, as far as a numerical result can depend on it."""

    system: str  # "linux", "darwin", "windows"
    machine: str  # "x86_64", "aarch64", ...
    cpu: str
    flags: tuple[str, ...]
    cores: int
    libc: str | None = None

    @property
    def platform(self) -> str:
        """Return the name that matrices/ use, such as ``linux-x86_64``."""
        return f"{self.system}-{self.machine}"


@frozen(kw_only=True)
class Cell:
    """One (NumPy, pin, platform, kernel, threads) on one side of the comparison.

    `kernel` is what OPENBLAS_CORETYPE asks for; None means that the wheel itself is inspected and
    no kernel runs (`threads` is 0 then).
    """

    role: Role
    numpy: str
    pin: Pin
    platform: str
    kernel: str | None
    threads: int
    emulator: str | None = None

    @property
    def id(self) -> str:
        """Return a name that is unique in a plan and usable as a file name."""
        what = "wheel" if self.kernel is None else f"{self.kernel}-t{self.threads}"
        emulated = f"-{self.emulator}" if self.emulator else ""
        pin = f"{self.pin.version}-{self.pin.sha256[:8]}"
        return f"{self.role}-numpy{self.numpy}-{pin}-{self.platform}-{what}{emulated}"

    def place(self, *, several: bool) -> str:
        """Return the kernel, or "wheel"; after its platform where there are `several`."""
        name = self.kernel or "wheel"
        return f"{self.platform} {name}" if several else name


@frozen(kw_only=True)
class CheckSpec:
    """What the gate knows of a check without importing it (nor NumPy).

    `digest` covers the check's source with everything of `checks/` that it reaches: it changes if,
    and only if, the check can behave differently. `budget` is in seconds of wall time, `idle` in
    seconds without any CPU use before a check counts as deadlocked.
    """

    id: str
    title: str
    category: str
    routines: tuple[str, ...]
    oracle: str
    catches: str
    min_threads: int
    max_threads: int | None
    profiles: tuple[str, ...]
    budget: float
    idle: float
    systems: tuple[str, ...]  # empty: all
    digest: str
    module: str = ""  # of `checks`, that the child imports; empty: answered by the gate itself
    once: bool = False  # what it tests is the same code for all kernels: smoke asks it with one
    most_threads: bool = False  # smoke asks it only in the cell of a kernel with the most threads


@frozen(kw_only=True)
class PlannedCell:
    """A cell with the checks that are to be answered in it, in order.

    `seconds`: what it should take when nothing of it is cached.
    """

    cell: Cell
    checks: tuple[str, ...]
    seconds: float = 0.0


@frozen(kw_only=True)
class NotCovered:
    """Something a reader may believe to be covered and that is not, with the reason."""

    what: str
    why: str


@frozen(kw_only=True)
class Estimate:
    """Seconds that the stages will take; what is cached counts as zero."""

    build: float
    check: float
    cached_wheels: int
    cached_observations: int

    @property
    def total(self) -> float:
        return self.build + self.check


@frozen(kw_only=True)
class Plan:
    """What will run, what will not, and why.

    `host` is the machine that made the plan. `baseline` and `candidates` are the files of the first
    platform; on the others the same release (an equal ``str``) is another file, which the cells
    there name.
    """

    tool_version: str
    host: Host
    numpy: NumPySource
    interpreter: Interpreter
    why_interpreter: str
    baseline: Pin | None
    candidates: tuple[Pin, ...]
    profile: str
    cells: tuple[PlannedCell, ...]
    not_covered: tuple[NotCovered, ...]
    estimate: Estimate
    settings: dict[str, JSON] = field(factory=dict)  # every setting in force
    changed: tuple[str, ...] = ()  # the keys of `settings` that differ from the defaults

    @property
    def platforms(self) -> tuple[str, ...]:
        """Return the platforms that have cells, in order."""
        return tuple(dict.fromkeys(entry.cell.platform for entry in self.cells))

    @property
    def pins(self) -> tuple[Pin, ...]:
        """Return the exact files that cells are about, in order."""
        return tuple(dict.fromkeys(entry.cell.pin for entry in self.cells))


@frozen(kw_only=True)
class Case:
    """One input of a check and what was wrong with the result.

    `parameters` are what the check's reproducer template needs to make the same input again
    (dtype, sizes, layout, seed, ...): JSON scalars and lists only.
    """

    routine: str
    message: str
    parameters: dict[str, JSON] = field(factory=dict)
    ratio: float | None = None
    limit: float | None = None
    first_bad: tuple[int, ...] | None = None
    bad: int | None = None
    of: int | None = None
    box: tuple[tuple[int, int], ...] | None = None  # per axis: first and last bad index


@frozen(kw_only=True)
class Evidence:
    """What is needed to believe an outcome and to see it again."""

    cases_run: int = 0
    cases_failed: int = 0
    routines_failed: dict[str, int] = field(factory=dict)  # in how many cases each
    cases: tuple[Case, ...] = ()  # the first 8 that failed, and the first of each routine
    rounds: int | None = None  # of a check that repeats itself
    threads_used: int | None = None  # threads seen working, of a check that must thread
    details: dict[str, JSON] = field(factory=dict)  # check-specific figures, JSON scalars
    recorded: dict[str, str] = field(factory=dict)  # behaviour that no standard settles, by name
    signal: str | None = None
    exit_status: int | None = None
    hang: HangKind | None = None
    stack: str | None = None
    log: str | None = None  # the end of the child's stderr


@frozen(kw_only=True)
class Attempt:
    """The second run of a check that failed, in a fresh process."""

    outcome: Outcome
    reason: str
    evidence: Evidence = field(factory=Evidence)
    seconds: float = 0.0


@frozen(kw_only=True)
class Observation:
    """The outcome of one check in one cell. `reused`: it was found in the cache."""

    check: str
    outcome: Outcome
    reason: str = ""
    evidence: Evidence = field(factory=Evidence)
    seconds: float = 0.0
    repeat: Attempt | None = None
    reused: bool = False

    @property
    def flaky(self) -> bool:
        """Whether the same check on the same input gave two answers."""
        return (
            self.repeat is not None
            and self.outcome.is_failure
            and self.repeat.outcome is Outcome.PASSED
        )


@frozen(kw_only=True)
class Artifact:
    """A wheel that is ready to be checked.

    `site` is the folder in which it is unpacked (goes on ``sys.path``); `library` the OpenBLAS in
    it. `made` is "native", "cibuildwheel", "index", "file" or "swap".
    """

    path: str
    name: str
    sha256: str
    made: str
    numpy_version: str
    pin: Pin
    site: str
    library: str
    library_sha256: str
    config: str  # openblas_get_config() of the library
    symbol_prefix: str  # "scipy_"
    symbol_suffix: str  # "64_"
    interpreter: Interpreter
    seconds: float = 0.0
    reused: bool = False
    details: dict[str, JSON] = field(factory=dict)


@frozen(kw_only=True)
class KernelSeen:
    """*requested* = OPENBLAS_CORETYPE, *observed* = openblas_get_corename()."""

    requested: str | None
    observed: str | None


@frozen(kw_only=True)
class ThreadsSeen:
    """*requested* = openblas_set_num_threads, *observed* = openblas_get_num_threads after it."""

    requested: int
    observed: int | None


@frozen(kw_only=True)
class OpenBLASSeen:
    """The library as it described itself in the child."""

    config: str | None
    pin: Pin
    sha256: str


@frozen(kw_only=True)
class CellResult:
    """All that was seen in one cell.

    `left_out`: why its kernel cannot run on this machine; there are no observations then.
    """

    cell: Cell
    tool_version: str
    wheel_name: str
    wheel_sha256: str
    openblas: OpenBLASSeen
    kernel: KernelSeen
    threads: ThreadsSeen
    host: Host
    python: str
    observations: tuple[Observation, ...]
    seconds: float = 0.0
    reused: bool = False
    left_out: str = ""


@frozen(kw_only=True)
class Comparison:
    """One check on one (candidate pin, kernel, threads): both sides and what they say together."""

    check: str
    candidate: Cell
    baseline: Cell | None
    kind: ComparisonKind
    candidate_observation: Observation | None  # None: the cell or the check is missing
    baseline_observation: Observation | None


@frozen(kw_only=True)
class Behaviour:
    """What a check recorded under one name, with every answer and the ids of its cells."""

    check: str
    name: str
    answers: dict[str, tuple[str, ...]]


class MatchStanding(StrEnum):
    """How the versions of a known issue and the candidate's go together."""

    IN_RANGE = "in range"
    VERSION_UNKNOWN = "version not known"
    BELIEVED_FIXED = "believed fixed"  # a regression, or another bug
    OLDER = "older than known"
    NOT_OPENBLAS = "not of OpenBLAS"


@frozen(kw_only=True)
class IssueMatch:
    """A known issue that a finding looks like, and the reasons in words; the score orders them."""

    id: str
    url: str
    title: str
    why_matched: str
    score: float
    standing: MatchStanding


@frozen(kw_only=True)
class Reproducer:
    """A script beside the report. `hits` of `tries` runs showed the failure (0 of 0: not run)."""

    path: str
    command: str
    hits: int = 0
    tries: int = 0
    note: str = ""

    @property
    def elsewhere(self) -> str:
        """Return the command for other machines: in the report's folder, the wheel in site/."""
        path = PurePath(self.path)
        return f"PYTHONPATH=site python {path.parent.name}/{path.name}"


@frozen(kw_only=True)
class Toggle:
    """How often a finding's script showed it on one kernel with one number of BLAS threads.

    `kernel` is what OPENBLAS_CORETYPE asked for, None for the library's own choice; `core` what the
    library then said with OPENBLAS_VERBOSE=2, None when it said nothing.
    """

    kernel: str | None
    threads: int
    hits: int
    tries: int
    core: str | None = None


@frozen(kw_only=True)
class Finding:
    """Comparisons with one root cause."""

    id: str
    check: str
    kind: ComparisonKind
    symptom: str  # "wrong result", "crash (SIGSEGV)", "hang (deadlock)"
    summary: str
    routines: tuple[str, ...]
    candidate: Pin
    blocking: bool
    comparisons: tuple[Comparison, ...]
    issues: tuple[IssueMatch, ...] = ()
    reproducer: Reproducer | None = None
    toggles: tuple[Toggle, ...] = ()
    waived: bool = False  # it would block, but for a waiver
    follows: tuple[str, ...] = ()  # ids of findings that may be the reason for it


@frozen(kw_only=True)
class Waiver:
    """A permission to ship in spite of what one check says, an entry of matrices/waivers.toml.

    Empty `kernels` and `architectures` stand for all; pins: a range of versions; issue: an https
    address; expires: its last day, ISO 8601.
    """

    check: str
    pins: str
    issue: str
    reason: str
    who: str
    expires: str
    kernels: tuple[str, ...] = ()
    architectures: tuple[str, ...] = ()


class WaiverState(StrEnum):
    """What became of a waiver in a run."""

    APPLIED = "applied"
    EXPIRED = "expired"  # it does nothing
    UNMATCHED = "matches nothing"  # it can go


@frozen(kw_only=True)
class WaiverUse:
    """A waiver, and the ids of the findings that it covers (or covered, before it ended)."""

    waiver: Waiver
    state: WaiverState
    findings: tuple[str, ...] = ()


@frozen(kw_only=True)
class Requirement:
    """One line of matrices/policy.toml.

    It is about the comparisons whose check id matches one of `checks` and none of `besides` (shell
    patterns). Comparisons of a kind in `forbid` violate it; with `answers`, each of them must have
    an answer. `emulated`: whether cells that ran under an emulator count.
    """

    id: str
    title: str
    tier: Tier
    owner: str
    reason: str
    checks: tuple[str, ...]
    besides: tuple[str, ...] = ()
    forbid: tuple[ComparisonKind, ...] = ()
    answers: bool = False
    emulated: bool = False


@frozen(kw_only=True)
class RequirementResult:
    """One line of the policy, and how it came out."""

    id: str
    title: str
    tier: Tier
    owner: str
    reason: str
    satisfaction: Satisfaction
    why: str


@frozen(kw_only=True)
class Decision:
    """The answer with all that stands behind it; what every report is made of."""

    verdict: Verdict
    requirements: tuple[RequirementResult, ...]
    findings: tuple[Finding, ...]
    comparisons: tuple[Comparison, ...]
    missing_cells: tuple[Cell, ...]
    not_covered: tuple[NotCovered, ...]
    waivers: tuple[WaiverUse, ...] = ()
