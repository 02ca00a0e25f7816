"""What NumPy's and SciPy's own tests need beside the wheel under test, kept in the cache.

pytest with its dependencies, and a SciPy whose OpenBLAS was replaced: SciPy's wheels hold one with
32-bit integers, so it is the build of that kind (scipy-openblas32) of the version under test.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from attrs import evolve, field, frozen

from release_gate.errors import ConfigurationError, GateError, Problem
from release_gate.model import Provider
from release_gate.openblas.index import file_sha256
from release_gate.openblas.library import obtain_library
from release_gate.openblas.pins import resolve_pin
from release_gate.store import Store, digest_of
from release_gate.wheels.obtain import fetch_wheel
from release_gate.wheels.site import unpack_wheel
from release_gate.wheels.swap import place_library, require_fit
from release_gate.wheels.tools import run_tool

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from release_gate.matrix.suites import SuiteTable
    from release_gate.model import Artifact, CheckSpec, Host, Interpreter, Pin
    from release_gate.openblas.index import Index

__all__ = ["SCIPY", "TOOLS", "SuiteKit", "obtain_suites", "suites_among"]

#: Variables by which the checks find the folders.
TOOLS: Final = "RELEASE_GATE_SUITE_PATH"
SCIPY: Final = "RELEASE_GATE_SUITE_SCIPY"

#: Part of the keys: raise it when a folder is made in another way.
_LAYOUT = 1

_INSTALL_TIMEOUT = 300.0
_MOST_CHARACTERS = 400


@frozen(kw_only=True)
class SuiteKit:
    """What was obtained: variables for the child, and what is missing.

    `identities` tell by check id what its answer depends on beside its source; `without` says why a
    check cannot be asked.
    """

    environment: Mapping[str, str] = field(factory=dict)
    identities: Mapping[str, str] = field(factory=dict)
    without: Mapping[str, str] = field(factory=dict)

    def specs(self, specs: Mapping[str, CheckSpec]) -> dict[str, CheckSpec]:
        """Return `specs` with the digests of the suites made to cover what they run with."""
        return {
            check: evolve(spec, digest=digest_of(spec.digest, identity))
            if (identity := self.identities.get(check))
            else spec
            for check, spec in specs.items()
        }


def suites_among(checks: Iterable[str]) -> tuple[str, ...]:
    """Return those of `checks` that run the tests of another project."""
    return tuple(check for check in checks if check.startswith("suite."))


def obtain_suites(
    wheel: Artifact,
    checks: Iterable[str],
    *,
    table: SuiteTable,
    pins: Mapping[tuple[str, str], Mapping[str, str]],
    host: Host,
    index: Index,
    cache: Path,
) -> SuiteKit:
    """Return what the suites among `checks` need with `wheel`.

    Nothing is raised for what cannot be had: the checks that need it are named in `without`.
    """
    suites = suites_among(checks)
    try:
        tools, tools_key = _tools(table.tools, wheel.interpreter, index, cache)
    except GateError as error:
        return SuiteKit(without=dict.fromkeys(suites, f"no pytest: {_reason(error)}"))
    environment = {TOOLS: str(tools)}
    identities = dict.fromkeys(suites, tools_key)
    without = {}
    if of_scipy := [check for check in suites if check.startswith("suite.scipy-")]:
        try:
            site, key = _scipy(wheel, table, pins=pins, host=host, index=index, cache=cache)
        except GateError as error:
            without = dict.fromkeys(of_scipy, f"no SciPy: {_reason(error)}")
        else:
            environment[SCIPY] = str(site)
            identities |= dict.fromkeys(of_scipy, tools_key + key)
    return SuiteKit(environment=environment, identities=identities, without=without)


def _tools(
    tools: tuple[str, ...], interpreter: Interpreter, index: Index, cache: Path
) -> tuple[Path, str]:
    """Return the folder that holds pytest for `interpreter`, and its key."""
    key = digest_of(tools, interpreter.tag, _LAYOUT)

    def make(work: Path) -> None:
        import uv  # noqa: PLC0415  (looks for its binary when imported)

        command = [uv.find_uv_bin(), "pip", "install", "--quiet", "--no-deps", "--compile-bytecode"]
        command += ["--python", interpreter.executable, "--only-binary", ":all:"]
        command += ["--default-index", index.url] if index.url else []
        run_tool([*command, "--target", str(work), *tools], timeout=_INSTALL_TIMEOUT)

    return Store(cache).obtain("suite-tools", key, make), key


def _scipy(
    wheel: Artifact,
    table: SuiteTable,
    *,
    pins: Mapping[tuple[str, str], Mapping[str, str]],
    host: Host,
    index: Index,
    cache: Path,
) -> tuple[Path, str]:
    """Return the site of a SciPy with the OpenBLAS of `wheel`'s version, and its key."""
    release = table.newest_scipy(wheel.numpy_version, wheel.interpreter.version)
    if release is None:
        raise ConfigurationError(
            Problem(
                what=f"no release takes NumPy {wheel.numpy_version} and Python "
                f"{wheel.interpreter.version}",
                where="matrices/suites.toml",
            )
        )
    pin = _of_32_bits(wheel.pin, pins, host, index)
    library = obtain_library(pin, index, cache)
    path, _ = fetch_wheel("scipy", release.version, [wheel.interpreter], host, index)
    companions = [file_sha256(companion) for companion in library.companions]
    key = digest_of(file_sha256(path), library.sha256, companions, _LAYOUT)

    def make(work: Path) -> None:
        unpack_wheel(path, work)
        place_library(library, require_fit(work, path.name, library, pin, "scipy"))

    return Store(cache).obtain("scipy", key, make), key


def _of_32_bits(
    pin: Pin, pins: Mapping[tuple[str, str], Mapping[str, str]], host: Host, index: Index
) -> Pin:
    """Return the build of the same version whose integers have 32 bits."""
    match pin.provider:
        case Provider.SCIPY_OPENBLAS32:
            return pin
        case Provider.FILE:
            raise ConfigurationError(
                Problem(
                    what="a library given as a file has no build with 32-bit integers beside it",
                    where=str(pin),
                )
            )
        case _:
            text = f"{Provider.SCIPY_OPENBLAS32}=={pin.version}"
            return resolve_pin(text, pins=pins, host=host, index=index)


def _reason(error: GateError) -> str:
    text = "; ".join(f"{problem.what} ({problem.where})" for problem in error.problems)
    return " ".join(text.split())[:_MOST_CHARACTERS]
