"""The script of a finding: made from the failing call where there is one, else of a template."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import field, frozen

from release_gate.scripts import level1, level2, level3
from release_gate.scripts.templates import find_template, template_example, template_script
from release_gate.scripts.text import Symbols, Trial, Way, call_script

if TYPE_CHECKING:
    from pathlib import Path

    from release_gate.model import Artifact, Case
    from release_gate.scripts.blas import BlasCall, Parameters

__all__ = ["Source", "source_for"]

#: What a check asks of single calls, whose parameters make them again.
_WAYS = {
    **dict.fromkeys(
        (
            *("exact.level1", "exact.extensions", "exact.sum"),
            *("exact.level2", "exact.banded", "exact.packed"),
            *("exact.gemm-variants", "exact.matcopy", "exact.gemm-batch"),
            *("exact.level3", "exact.triangular"),
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
}

#: What else to try when a script does not show the fault: what parameters do not tell.
_OTHERWISE: dict[Way, tuple[dict[str, int], ...]] = {
    Way.CANARIES: tuple({"shift": shift} for shift in range(1, 8)),
    Way.SUBNORMAL: tuple({"shift": shift} for shift in range(1, 8)),
    Way.AFTER_NAN: ({"larger": 0}, {"larger": 300}, {"larger": 10000}),
}


@frozen(kw_only=True)
class Source:
    """What a script is made of: `trial` is the input of the failing case, where it failed.

    `way` None: the script is that of `template`. `own_input`: the template's, since no failing
    input was recorded.
    """

    trial: Trial
    symbols: Symbols
    way: Way | None = None
    template: Path | None = None
    own_input: bool = False
    otherwise: tuple[Trial, ...] = field(factory=tuple)

    @property
    def shrinkable(self) -> bool:
        """Whether a smaller input asks the same: of calls that do something, and of products."""
        if self.template is not None:
            return not self.own_input and self.template.stem.startswith("exact_")
        return not self.trial.parameters.get("idle", False)

    def text(self, trial: Trial) -> str:
        """Return the script that tries `trial`."""
        if self.way is not None:
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
    if case is not None and check in _WAYS and _told(case.parameters) is not None:
        way = _WAYS[check]
        if way is Way.CANARIES and "floating-point flags" in case.message:
            way = Way.FLAGS
        trial = Trial(parameters=case.parameters, kernel=kernel, threads=threads)
        return Source(
            trial=trial,
            symbols=symbols,
            way=way,
            otherwise=tuple(
                Trial(parameters={**case.parameters, **more}, kernel=kernel, threads=threads)
                for more in _OTHERWISE.get(way, ())
            ),
        )
    template = find_template(check, templates)
    if template is None:
        return None
    own = case is None
    parameters = template_example(template) if case is None else case.parameters
    return Source(
        trial=Trial(parameters=parameters, kernel=kernel, threads=threads),
        symbols=symbols,
        template=template,
        own_input=own,
    )


def _told(parameters: Parameters) -> BlasCall | None:
    """Return the call that parameters tell; None when they tell none of a known routine."""
    routine = parameters.get("routine")
    if "dtype" not in parameters:
        return None
    if routine in level1.ROUTINES:
        return level1.level1(parameters)
    if routine in level2.ROUTINES:
        return level2.level2(parameters)
    if routine in level3.ROUTINES:
        return level3.level3(parameters)
    return None
