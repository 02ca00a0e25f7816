"""The options of a run: the defaults of gate.toml, what the user changed, what is impossible."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from attrs import asdict, field, fields_dict, frozen

from release_gate.checklist import PROFILES
from release_gate.errors import ConfigurationError, Problem, did_you_mean
from release_gate.matrix.tables import ALL, NEWEST, NONE, SHIPPED, pin_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from release_gate.matrix.tables import Matrices
    from release_gate.model import CheckSpec

__all__ = ["Settings", "make_settings"]

#: OpenBLAS keeps its threads in arrays of this size (NUM_THREADS of the scipy-openblas builds).
MOST_THREADS: Final = 64

_OPTIONS: Final = {
    "candidates": "--candidate",
    "kernels": "--kernels",
    "threads": "--threads",
    "checks": "--checks",
    "platforms": "--platforms",
}


@frozen(kw_only=True)
class Settings:
    """Every option in force. `changed` are the names of those that differ from the defaults.

    `baseline` and `candidates` are what `release_gate.openblas` resolves (a requirement, or the
    path of a library); `baseline` None: nothing to compare with. `kernels` are names of the table,
    or ("all",). `numpy` is "newest", a version or a path. `platforms` are names of the table for
    machines to be planned for; none stands for this machine.
    """

    numpy: str
    python: str | None
    baseline: str | None
    candidates: tuple[str, ...]
    kernels: tuple[str, ...]
    threads: tuple[int, ...]
    checks: tuple[str, ...]
    profile: str
    out: str
    cache: str
    index_url: str | None = None
    jobs: int | None = None
    fresh: bool = False
    platforms: tuple[str, ...] = ()
    changed: tuple[str, ...] = field(default=(), eq=False)

    def as_data(self) -> dict[str, Any]:
        """Return the settings as JSON data, the changed ones first."""
        data = {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
            if name != "changed"
        }
        ordered = [*self.changed, *(name for name in data if name not in self.changed)]
        return {name: data[name] for name in ordered}

    @property
    def all_kernels(self) -> bool:
        """Whether no kernels were named."""
        return self.kernels == (ALL,)

    def selects(self, check: str) -> bool:
        """Whether a check id matches one of the patterns."""
        return any(fnmatchcase(check, pattern) for pattern in self.checks)


def make_settings(
    matrices: Matrices,
    specs: Sequence[CheckSpec],
    **given: Any,  # noqa: ANN401  (options)
) -> Settings:
    """Return the settings in force: `given` options over the defaults of gate.toml.

    An option that is None was not given. `specs` are all checks, the inspections of wheels
    included. Raises ConfigurationError with every unknown kernel, pattern without a check, unknown
    profile and impossible number at once, each with the nearest known name.
    """
    unknown = given.keys() - fields_dict(Settings).keys()
    if unknown:
        raise TypeError(f"no such settings: {', '.join(sorted(unknown))}")
    default = _defaults(matrices)
    chosen = {name: _plain(value) for name, value in given.items() if value is not None}
    values = default | chosen
    problems = [
        *_kernel_problems(values["kernels"], matrices),
        *_check_problems(values["checks"], values["profile"], specs),
        *_platform_problems(values["platforms"], matrices),
        *_empty_problems(chosen),
        *_number_problems(values),
    ]
    if values["profile"] not in PROFILES:
        hint = did_you_mean(values["profile"], PROFILES) or f"known are {', '.join(PROFILES)}"
        what = f"unknown profile {values['profile']!r}"
        problems.append(Problem(what=what, where="--profile", hint=hint))
    if problems:
        raise ConfigurationError(problems)
    values["kernels"] = _canonical(values["kernels"], matrices)
    values["threads"] = tuple(sorted(set(values["threads"])))
    values["platforms"] = _platforms(values["platforms"], matrices)
    values["baseline"] = _baseline(values["baseline"], matrices)
    values["candidates"] = tuple(
        dict.fromkeys(_candidate(text, matrices) for text in values["candidates"])
    )
    default |= {
        "baseline": _baseline(default["baseline"], matrices),
        "candidates": tuple(_candidate(text, matrices) for text in default["candidates"]),
    }
    changed = tuple(name for name in values if values[name] != default[name])
    return Settings(**values, changed=changed)


def _defaults(matrices: Matrices) -> dict[str, Any]:
    from platformdirs import user_cache_path  # noqa: PLC0415  (only where a run begins)

    return {
        "python": None,
        "cache": str(user_cache_path("release-gate", appauthor=False)),
        "index_url": None,
        "jobs": None,
        "fresh": False,
        "platforms": (),
        **asdict(matrices.defaults, recurse=False),
    }


def _plain(value: object) -> object:
    if isinstance(value, list):
        return tuple(value)
    return str(value) if isinstance(value, Path) else value


def _baseline(text: str | None, matrices: Matrices) -> str | None:
    if text in {None, NONE}:
        return None
    return matrices.newest_numpy().ships if text == SHIPPED else pin_name(str(text))


def _candidate(text: str, matrices: Matrices) -> str:
    return str(matrices.newest_pin()) if text == NEWEST else pin_name(text)


def _canonical(names: tuple[str, ...], matrices: Matrices) -> tuple[str, ...]:
    """Return the table's names of kernels given in any case, or by an alias."""
    if any(name.casefold() == ALL for name in names):
        return (ALL,)
    known = {name.casefold(): kernel.name for kernel in matrices.kernels for name in kernel.names}
    return tuple(dict.fromkeys(known[name.casefold()] for name in names))


def _kernel_problems(names: tuple[str, ...], matrices: Matrices) -> Iterator[Problem]:
    known = [ALL, *(name for kernel in matrices.kernels for name in kernel.names)]
    folded = {name.casefold() for name in known}
    for name in names:
        if name.casefold() not in folded:
            yield Problem(
                what=f"unknown kernel {name!r}",
                where="--kernels",
                hint=did_you_mean(name, known) or "kernels.toml lists them",
            )


def _check_problems(
    patterns: tuple[str, ...], profile: str, specs: Sequence[CheckSpec]
) -> Iterator[Problem]:
    ids = [spec.id for spec in specs]
    for pattern in patterns:
        matching = [spec for spec in specs if fnmatchcase(spec.id, pattern)]
        if not matching:
            categories = sorted({f"{spec.category}.*" for spec in specs})
            hint = did_you_mean(pattern, [*ids, *categories]) or f"try {', '.join(categories)}"
            yield Problem(what=f"no check matches {pattern!r}", where="--checks", hint=hint)
        elif profile in PROFILES and not any(profile in spec.profiles for spec in matching):
            others = sorted({name for spec in matching for name in spec.profiles})
            yield Problem(
                what=f"no check of profile {profile!r} matches {pattern!r}",
                where="--checks",
                hint=f"give --profile {' or '.join(others)}",
            )


def _platforms(names: tuple[str, ...], matrices: Matrices) -> tuple[str, ...]:
    """Return the platforms in the order of the table; "all" stands for those that can be had."""
    chosen = [
        row.name
        for row in matrices.platforms
        if row.name in names or (ALL in names and not row.unreachable)
    ]
    return tuple(chosen)


def _platform_problems(names: tuple[str, ...], matrices: Matrices) -> Iterator[Problem]:
    rows = {row.name: row for row in matrices.platforms}
    for name in names:
        if name != ALL and name not in rows:
            yield Problem(
                what=f"unknown platform {name!r}",
                where="--platforms",
                hint=did_you_mean(name, [ALL, *rows]) or "platforms.toml lists them",
            )
        elif name != ALL and rows[name].unreachable:
            known = [row.name for row in rows.values() if not row.unreachable]
            yield Problem(
                what=f"{name} cannot be planned: {rows[name].unreachable}",
                where="--platforms",
                hint=f"there are {', '.join(known)}",
            )


def _empty_problems(given: dict[str, Any]) -> Iterator[Problem]:
    for name, option in _OPTIONS.items():
        if name in given and not given[name]:
            yield Problem(what="is empty: nothing would run", where=option)


def _number_problems(values: dict[str, Any]) -> Iterator[Problem]:
    for count in values["threads"]:
        if not 1 <= count <= MOST_THREADS:
            yield Problem(
                what=f"{count} threads",
                where="--threads",
                hint=f"1 to {MOST_THREADS}: the wheels' OpenBLAS is built for {MOST_THREADS}",
            )
    if values["jobs"] is not None and values["jobs"] < 1:
        yield Problem(what=f"{values['jobs']} jobs", where="--jobs", hint="at least 1")
