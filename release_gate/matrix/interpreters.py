"""The Pythons of this machine, and which of them can build which NumPy."""

from __future__ import annotations

import json
import os
import subprocess
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from attrs import frozen
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from release_gate import wire
from release_gate.errors import ConfigurationError, Problem, did_you_mean
from release_gate.execution.beside import run_beside
from release_gate.model import Interpreter

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterable, Iterator, Sequence

    from release_gate.matrix.tables import NumPyRelease

__all__ = [
    "FoundInterpreter",
    "NumPyChoice",
    "choose_interpreter",
    "choose_numpy",
    "find_interpreters",
    "interpreter_of_tag",
]

#: Seconds after which a file named python is given up; a sound one answers in 0.05 s.
TIMEOUT: Final = 20.0

_ASK: Final = """
import json, os, platform, sys, sysconfig
include = sysconfig.get_paths()["include"]
print(json.dumps({
    "version": platform.python_version(),
    "implementation": sys.implementation.name,
    "free_threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
    "prefix": os.path.realpath(sys.base_prefix),
    "headers": os.path.isfile(os.path.join(include, "Python.h")),
}))
"""


@frozen(kw_only=True)
class FoundInterpreter:
    """A Python that was run once; `headers`: whether extension modules can be built for it."""

    interpreter: Interpreter
    prefix: str
    headers: bool


@frozen(kw_only=True)
class NumPyChoice:
    """The release to build, the interpreter to build it with, and why these two."""

    release: NumPyRelease
    interpreter: Interpreter
    why: str


def find_interpreters(
    cache: Path | None = None, *, extra: Iterable[str] = ()
) -> tuple[FoundInterpreter, ...]:
    """Return the interpreters of this machine, newest first, one per installation.

    They come from PATH, pyenv, asdf, rye, uv, the Windows registry and macOS frameworks, and from
    `extra` (paths). Each is run once to see that it works; what it said is kept in the folder
    `cache` until the file changes. Scripts named python (the shims of pyenv and asdf) are left
    out: what they start depends on the folder, and is found by itself.
    """
    files = {path for path in _candidates(extra) if not _is_script(path)}
    store = cache / "interpreters.json" if cache is not None else None
    known = _read_store(store)
    stamps = {str(path): _stamp(path) for path in files}
    asked = {
        path: known[path]["said"]
        for path, stamp in stamps.items()
        if path in known and known[path].get("stamp") == stamp
    }
    missing = sorted(stamps.keys() - asked.keys())
    said = run_beside([partial(_ask, path) for path in missing], width=4)
    asked |= zip(missing, said, strict=True)
    if store is not None and missing:
        wire.write_json(
            store, {path: {"stamp": stamps[path], "said": asked[path]} for path in sorted(asked)}
        )
    found: dict[tuple[str, str], FoundInterpreter] = {}
    for path, said in sorted(asked.items()):
        if said is not None:
            one = _found(path, said)
            found.setdefault((one.prefix, one.interpreter.tag), one)
    return tuple(
        sorted(
            found.values(),
            key=lambda one: (Version(one.interpreter.version), one.interpreter.executable),
            reverse=True,
        )
    )


def choose_interpreter(
    found: Sequence[FoundInterpreter],
    requires_python: str,
    *,
    wanted: str | None = None,
    build: bool = True,
) -> tuple[Interpreter, str]:
    """Return the interpreter to use and why: the oldest minor version, in its newest patch.

    The oldest that satisfies `requires_python`, since the newest may be younger than the NumPy
    and not build it. `wanted` is a version ("3.12") or the path of an interpreter. `build`: it
    needs headers, and is CPython with the GIL. Raises ConfigurationError that says what is wrong
    with each interpreter at hand.
    """
    asked = [one for one in found if wanted is None or _is_wanted(one, wanted)]
    if not asked:
        known = [one.interpreter.version for one in found]
        raise ConfigurationError(
            Problem(
                what=f"no interpreter {wanted!r} at hand",
                where="--python",
                hint=did_you_mean(wanted or "", known) or f"found: {', '.join(known) or 'none'}",
            )
        )
    reasons = {one: _unfit(one, requires_python, build=build) for one in asked}
    fit = [one for one, reason in reasons.items() if not reason]
    if not fit:
        told = "; ".join(
            f"{one.interpreter.version} ({one.interpreter.executable}): {reason}"
            for one, reason in reasons.items()
        )
        raise ConfigurationError(
            Problem(
                what=f"no Python {requires_python} that can be used here; {told}",
                where="--python" if wanted else "",
                hint="install one with its headers (python3-dev), or give its path with --python",
            )
        )
    oldest = min(_minor(one) for one in fit)
    same = [one.interpreter for one in fit if _minor(one) == oldest]
    chosen = max(same, key=lambda python: Version(python.version))
    which = "the one asked for" if wanted else "the oldest at hand"
    return chosen, f"Python {chosen.version} is {which} that is {requires_python}"


def interpreter_of_tag(
    found: Sequence[FoundInterpreter], tag: str, *, wanted: str | None = None, build: bool = True
) -> Interpreter | None:
    """Return the newest with that wheel tag ("cp313"), or None if there is none.

    `wanted` and `build`: see `choose_interpreter`.
    """
    fitting = [one for one in found if one.interpreter.tag == tag]
    try:
        chosen, _ = choose_interpreter(fitting, "", wanted=wanted, build=build)
    except ConfigurationError:
        return None
    return chosen


def choose_numpy(
    releases: Sequence[NumPyRelease],
    found: Sequence[FoundInterpreter],
    *,
    version: str | None = None,
    python: str | None = None,
) -> NumPyChoice:
    """Return the first of `releases` (newest first) that an interpreter at hand can build.

    `version` narrows `releases` to one, `python` the interpreters (see `choose_interpreter`).
    Raises ConfigurationError with the reasons for every release, or for an unknown `version`.
    """
    asked = [release for release in releases if version in {None, release.version}]
    if not asked:
        known = [release.version for release in releases]
        hint = did_you_mean(version or "", known) or f"pinned are {', '.join(known)}"
        raise ConfigurationError(
            Problem(what=f"NumPy {version} is not in matrices/", where="numpy.toml", hint=hint)
        )
    problems: list[Problem] = []
    skipped: list[str] = []
    for release in asked:
        try:
            interpreter, why = choose_interpreter(found, release.requires_python, wanted=python)
        except ConfigurationError as error:
            problems += error.problems
            skipped.append(f"{release.version} needs Python {release.requires_python}")
            continue
        which = "the one asked for" if version else "the newest pinned that can be built here"
        passed = f" ({'; '.join(skipped)})" if skipped else ""
        return NumPyChoice(
            release=release,
            interpreter=interpreter,
            why=f"NumPy {release.version} is {which}{passed}; {why}",
        )
    raise ConfigurationError(dict.fromkeys(problems))


def _candidates(extra: Iterable[str]) -> Iterator[Path]:
    from findpython.providers import ALL_PROVIDERS  # noqa: PLC0415  (slow to import)

    for name in extra:
        if Path(name).is_file():
            yield Path(name).resolve()
    for kind in ALL_PROVIDERS.values():
        provider = kind.create()
        if provider is not None:
            for python in provider.find_pythons():
                if python.executable.is_file():
                    yield python.executable.resolve()


def _is_script(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            return stream.read(2) == b"#!"
    except OSError:
        return True


def _stamp(path: Path) -> list[int]:
    status = path.stat()
    return [status.st_mtime_ns, status.st_size]


def _read_store(store: Path | None) -> dict[str, Any]:
    if store is None:
        return {}
    try:
        data = json.loads(store.read_bytes())
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}


def _ask(path: str, _stop: threading.Event) -> dict[str, Any] | None:
    """Return what the interpreter says of itself, or None when it does not work."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("PYTHON")
    }
    try:
        child = subprocess.run(
            [path, "-c", _ASK],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TIMEOUT,
            check=True,
        )
        said = json.loads(child.stdout)
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return said if isinstance(said, dict) else None


def _found(path: str, said: dict[str, Any]) -> FoundInterpreter:
    return FoundInterpreter(
        interpreter=Interpreter(
            executable=path,
            version=said["version"].rstrip("+"),  # a build from a checkout says "3.15.0a1+"
            implementation=said["implementation"],
            free_threaded=said["free_threaded"],
        ),
        prefix=said["prefix"],
        headers=said["headers"],
    )


def _is_wanted(one: FoundInterpreter, wanted: str) -> bool:
    if os.sep in wanted or "/" in wanted:
        path = Path(wanted).expanduser()
        return path.exists() and str(path.resolve()) == one.interpreter.executable
    name = wanted.removeprefix("python").removeprefix("cp")
    digits = f"{name[0]}.{name[1:]}" if "." not in name and name.isdigit() and name[1:] else name
    version = one.interpreter.version
    return version == digits or version.startswith(f"{digits}.")


def _minor(one: FoundInterpreter) -> tuple[int, int]:
    version = Version(one.interpreter.version)
    return version.major, version.minor


def _unfit(one: FoundInterpreter, requires_python: str, *, build: bool) -> str:
    """Return why the interpreter cannot be used, or an empty string."""
    python = one.interpreter
    if not SpecifierSet(requires_python).contains(Version(python.version), prereleases=True):
        return f"is not {requires_python}"
    if python.implementation != "cpython":
        return f"is {python.implementation}, not CPython"
    if build and python.free_threaded:
        return "is free-threaded"
    if build and not one.headers:
        return "has no headers (Python.h)"
    return ""
