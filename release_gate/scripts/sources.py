"""The script of a finding: made from the failing call where there is one, else of a template."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import evolve, field, frozen

from release_gate.scripts import accurate, level1, level2, level3, updates
from release_gate.scripts.blas import through_fortran
from release_gate.scripts.lapack_cases import lapack_case, lapack_example, lapack_input, lapack_way
from release_gate.scripts.lapack_text import LapackWay, lapack_script
from release_gate.scripts.templates import find_template, template_example, template_script
from release_gate.scripts.text import Symbols, Trial, Way, call_script

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from release_gate.model import Artifact, Case
    from release_gate.scripts.blas import BlasCall, Parameters

__all__ = ["Source", "source_for"]

#: What a check asks of single calls, whose parameters make them again.
_WAYS = {
    **dict.fromkeys(
        (
            *("exact.level1", "exact.extensions", "exact.sum", "exact.fortran"),
            "exact.lower-case",
            *("exact.level2", "exact.banded", "exact.packed", "exact.complex-symmetric"),
            *("exact.gemm-variants", "exact.matcopy", "exact.gemm-batch"),
            *("exact.geadd", "exact.geadd-transposed"),
            *("exact.level3", "exact.triangular", "special.beta-zero"),
        ),
        Way.CANARIES,
    ),
    **dict.fromkeys(
        ("bounds.level1", "bounds.level2", "bounds.level3", "bounds.threads"), Way.PAGES
    ),
    "special.stale-nan": Way.AFTER_NAN,
    "special.blas-flags": Way.FLAGS,
    "concurrency.every-routine": Way.CALLERS,
    "process.leaks": Way.REPEATED,
    **dict.fromkeys(
        ("special.level1-nan", "special.level2-nan", "special.level3-nan"), Way.PROPAGATION
    ),
    "special.subnormal": Way.SUBNORMAL,
    "concurrency.stack-every-routine": Way.STACK,
    "special.alpha-zero": Way.ALPHA_ZERO,
    "accuracy.level3": Way.ACCURATE,
}

#: What else to try when a script does not show the fault: what parameters do not tell.
_OTHERWISE: dict[Way | LapackWay, tuple[Mapping[str, int | str], ...]] = {
    Way.CANARIES: tuple({"shift": shift} for shift in range(1, 8)),
    # What flushes to zero may be an earlier call of another routine, which the template makes.
    Way.SUBNORMAL: (*({"shift": shift} for shift in range(1, 8)), {"flushed": "after"}),
    Way.AFTER_NAN: ({"larger": 0}, {"larger": 300}, {"larger": 10000}),
    LapackWay.TESTS: ({"general": 1},),  # real matrices of sytrf come from two lines of a table
}


@frozen(kw_only=True)
class Source:
    """What a script is made of: `trial` is the input of the failing case, where it failed.

    `way` None, or a trial that tells no call: the script is that of `template`. `own_input`: an
    example, since no failing input was recorded.
    """

    check: str
    trial: Trial
    symbols: Symbols
    way: Way | LapackWay | None = None
    template: Path | None = None
    own_input: bool = False
    otherwise: tuple[Trial, ...] = field(factory=tuple)

    @property
    def shrinkable(self) -> bool:
        """Whether a smaller input asks the same: of calls that do something."""
        if self.way is None and self.template is not None:
            return not self.own_input and self.template.stem.startswith(("exact_", "special_"))
        return not self.trial.parameters.get("idle", False)

    def text(self, trial: Trial) -> str:
        """Return the script that tries `trial`."""
        if isinstance(self.way, LapackWay):
            asked = lapack_case(self.check, trial.parameters)
            if asked is not None:
                return lapack_script(asked, self.way, trial, self.symbols)
        elif self.way is not None:
            call = _told(trial.parameters)
            if call is not None:
                return call_script(call, self.way, trial, self.symbols)
        assert self.template is not None  # one of both is there
        return template_script(self.template, trial)


def source_for(
    check: str,
    case: Case | None,
    *,
    kernel: str | None,
    threads: int,
    artifact: Artifact,
    templates: Path,
) -> Source | None:
    """Return what the script for a failing `case` of `check` is made of; None: there is none."""
    symbols = Symbols(
        prefix=artifact.symbol_prefix,
        suffix=artifact.symbol_suffix,
        ilp64="USE64BITINT" in artifact.config,
    )
    made = _made(check, case)
    if made is not None:
        way, given = made
        trial = Trial(parameters=given, kernel=kernel, threads=threads)
        more = _OTHERWISE.get(way, ())
        return Source(
            check=check,
            trial=trial,
            symbols=symbols,
            way=way,
            template=find_template(check, templates),
            own_input=case is None,
            otherwise=tuple(evolve(trial, parameters={**given, **each}) for each in more),
        )
    template = find_template(check, templates)
    if template is None:
        return None
    own = case is None
    parameters = template_example(template) if case is None else case.parameters
    return Source(
        check=check,
        trial=Trial(parameters=parameters, kernel=kernel, threads=threads),
        symbols=symbols,
        template=template,
        own_input=own,
    )


def _made(check: str, case: Case | None) -> tuple[Way | LapackWay, dict[str, Any]] | None:
    """Return how a script asks again for a failing case, and its input; None for templates."""
    if check == "special.beta-zero":
        given = updates.EXAMPLE if case is None else case.parameters
        return _WAYS[check], updates.as_call(given)
    if check == "accuracy.level3":
        return _WAYS[check], accurate.as_call(accurate.EXAMPLE if case is None else case.parameters)
    if case is None:
        example = lapack_example(check)
        return None if example is None else (LapackWay.TESTS, example)
    if check in _WAYS and _told(case.parameters) is not None:
        way = _WAYS[check]
        if way is Way.CANARIES and "floating-point flags" in case.message:
            way = Way.FLAGS
        return way, case.parameters
    given = lapack_input(check, case)
    if lapack_case(check, given) is not None:
        return lapack_way(check, case), given
    return None


def _told(parameters: Parameters) -> BlasCall | None:
    """Return the call that parameters tell; None when they tell none of a known routine."""
    routine = parameters.get("routine")
    if "dtype" not in parameters or "flushed" in parameters:
        return None
    if routine in level1.ROUTINES:
        call = level1.level1(parameters)
    elif routine in level2.ROUTINES:
        call = level2.level2(parameters)
    elif routine in level3.ROUTINES:
        call = level3.level3(parameters)
    else:
        return None
    return through_fortran(call, parameters)
