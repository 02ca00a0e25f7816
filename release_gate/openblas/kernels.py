"""Which kernels a library really holds: each one is asked for, and the library says what it runs.

The list cannot be read off a version: names are aliases of each other (Zen runs Haswell), kernels
come and go, and what a library lacks it silently replaces by what it detects.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from attrs import asdict, frozen

from release_gate.openblas.cores import canonical
from release_gate.openblas.probe import probe
from release_gate.store import digest_of
from release_gate.wire import write_json

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from pathlib import Path

    from release_gate.model import Host
    from release_gate.openblas.library import Library

__all__ = ["KernelHeld", "held_kernels", "why_not_held"]

#: What OpenBLAS writes to stderr (OPENBLAS_VERBOSE=2) about a name that it does not know.
_REFUSAL = "Core not found"

#: Raise it when the way of asking changes: what an earlier gate was told is then asked again.
_PROTOCOL = 4


@frozen(kw_only=True)
class KernelHeld:
    """One name that was asked for; `observed` is None when it was not run, with the reason.

    `failed`: the library died of the question, or did not answer it.
    """

    asked: str
    observed: str | None
    note: str = ""
    failed: bool = False


def held_kernels(
    library: Library, names: Mapping[str, Collection[str]], host: Host, cache: Path
) -> tuple[KernelHeld, ...]:
    """Ask `library` for each of `names` and return what it answered, in the same order.

    `names` maps what OPENBLAS_CORETYPE takes to the CPU flags that the kernel needs; a name whose
    flags `host` lacks is not run. Answers are cached by library, names and host.
    """
    wanted = {name: sorted(flags) for name, flags in names.items()}
    key = digest_of(_PROTOCOL, library.sha256, wanted, host.machine, host.cpu, sorted(host.flags))
    path = cache / "kernels" / f"{key}.json"
    try:
        return tuple(KernelHeld(**entry) for entry in json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError):
        pass  # not asked yet, or cut short
    held = tuple(_ask(library, name, flags, host) for name, flags in wanted.items())
    write_json(path, [asdict(kernel) for kernel in held])
    return held


def why_not_held(held: Iterable[KernelHeld], kernel: str) -> str:
    """Return why `kernel` would not run with a library that answered `held`, or an empty string.

    A library that fails when it is asked for a kernel is no reason: that is an answer to be had.
    """
    name = kernel.casefold()
    answers = list(held)
    if any((answer.observed or "").casefold() == name for answer in answers):
        return ""
    for answer in answers:
        if answer.asked.casefold() == name:
            if answer.failed:
                return ""
            if answer.observed is None:
                return answer.note
            return f"the library does not hold it and runs {answer.observed}"
    return "matrices/kernels.toml has no such kernel: the library was not asked for it"


def _ask(library: Library, name: str, flags: Collection[str], host: Host) -> KernelHeld:
    lacking = [flag for flag in flags if flag not in host.flags]
    if lacking:
        note = f"this CPU lacks {', '.join(lacking)}"
        return KernelHeld(asked=name, observed=None, note=note)
    answer = probe(library.path, library.naming, core=name)
    core = canonical(answer.core)
    same = core is not None and core.casefold() == name.casefold()
    if _REFUSAL in answer.stderr and not same:
        return KernelHeld(asked=name, observed=None, note="the library does not hold it")
    if answer.failure is not None:
        return KernelHeld(asked=name, observed=None, note=answer.failure, failed=True)
    if core is None:
        return KernelHeld(asked=name, observed=None, note="the library does not tell its core")
    if not library.dynamic and not same:
        note = f"the library holds one kernel only, {core}"
        return KernelHeld(asked=name, observed=None, note=note)
    note = "" if same else f"it runs {core}"
    if _REFUSAL in answer.stderr:  # the name alone is missing (0.3.20: Cooperlake)
        note = "the library runs it on this CPU, but does not know its name"
    return KernelHeld(asked=name, observed=core, note=note)
