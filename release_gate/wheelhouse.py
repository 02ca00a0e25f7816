"""What ``release-gate build`` does: the wheels of a plan, by one of two builders, in a folder.

A plan that another job has written names the exact files; then one platform of it is built here, or
one pin of that platform.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from attrs import evolve, frozen

from release_gate import wire
from release_gate.errors import (
    ConfigurationError,
    GateError,
    InfrastructureError,
    Problem,
    did_you_mean,
)
from release_gate.matrix.interpreters import interpreter_of_tag
from release_gate.openblas.index import file_sha256
from release_gate.openblas.library import obtain_library, pin_facts
from release_gate.pipeline import prepare
from release_gate.resources import matrices_dir
from release_gate.store import storage_errors
from release_gate.wheels.buildconfig import (
    BuildConfiguration,
    ReleaseSettings,
    load_release_settings,
    with_images,
)
from release_gate.wheels.cibuildwheel import build_by_cibuildwheel
from release_gate.wheels.engine import find_engine
from release_gate.wheels.native import build_wheel
from release_gate.wheels.repair import pack_wheel
from release_gate.wheels.site import make_artifact

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from release_gate.matrix.tables import PlatformRow
    from release_gate.model import Artifact, Interpreter, Pin, Plan
    from release_gate.pipeline import Workshop
    from release_gate.wheels.engine import Engine

__all__ = [
    "CIBUILDWHEEL",
    "NATIVE",
    "Built",
    "Order",
    "build_wheelhouse",
    "paths_of",
    "read_order",
]

NATIVE: Final = "native"
CIBUILDWHEEL: Final = "cibuildwheel"

_SAID_BY_PLAN: Final = frozenset({"numpy", "python", "baseline", "candidates"})


@frozen(kw_only=True)
class Order:
    """What is to be built: these pins of a plan, for one platform."""

    plan: Plan
    row: PlatformRow
    pins: tuple[Pin, ...]


@frozen(kw_only=True)
class Built:
    """A wheel for a pin. `artifact` is None where this machine cannot load the wheel."""

    pin: Pin
    path: str
    artifact: Artifact | None = None


def read_order(
    shop: Workshop, *, plan: Path | None, platform: str | None, pin: str | None
) -> Order:
    """Return what the options ask for; without the file `plan`, a plan is made for this machine.

    `platform` is a name of platforms.toml (default: this machine's), `pin` a version or a
    requirement (default: all pins that the platform's cells need).
    Raises ConfigurationError when the plan has no such platform or pin, and when options say
    again what the file says.
    """
    if plan is not None and (said := _SAID_BY_PLAN & set(shop.settings.changed)):
        what = f"a plan says already what is built: {', '.join(sorted(said))}"
        hint = "give these options to `release-gate plan`"
        raise ConfigurationError(Problem(what=what, where=f"--plan {plan}", hint=hint))
    made = wire.read_plan(plan) if plan is not None else prepare(shop)
    own = shop.matrices.platform_of(shop.host)
    name = platform or (own.name if own is not None else shop.host.platform)
    pins = dict.fromkeys(entry.cell.pin for entry in made.cells if entry.cell.platform == name)
    rows = {row.name: row for row in shop.matrices.platforms}
    if not pins or name not in rows:
        planned = sorted({entry.cell.platform for entry in made.cells})
        raise ConfigurationError(
            Problem(
                what=f"the plan has no cells for {name}",
                where="--platform",
                hint=did_you_mean(name, planned) or f"it has {', '.join(planned) or 'none'}",
            )
        )
    chosen = [one for one in pins if pin is None or pin in {str(one), one.version}]
    if not chosen:
        known = [str(one) for one in pins]
        raise ConfigurationError(
            Problem(
                what=f"the plan has no {pin!r} for {name}",
                where="--pin",
                hint=did_you_mean(pin or "", known) or f"it has {', '.join(known)}",
            )
        )
    return Order(plan=made, row=rows[name], pins=tuple(chosen))


def build_wheelhouse(
    shop: Workshop,
    order: Order,
    *,
    builder: str,
    images: Sequence[str] = (),
    matrices: Path | None = None,
    out: Path | None = None,
) -> tuple[Built, ...]:
    """Build what is ordered; with `out`, copy each wheel to ``out/VERSION OF THE PIN/``.

    Without a container engine a wheel for this machine is built natively instead, and that is told.
    A NumPy that is a finished wheel only gets another library, whatever the builder. Raises
    GateError with what went wrong with every wheel.
    """
    if builder == CIBUILDWHEEL and order.plan.numpy.kind != "wheel":
        settings = with_images(load_release_settings(matrices or matrices_dir()), images)
        ready, engine = _engine_for(shop, order.row)
    else:
        if images:
            what = "the native builder uses no image"
            hint = "--builder cibuildwheel"
            raise ConfigurationError(Problem(what=what, where="--image", hint=hint))
        _require_own(shop, order.row)
        settings, ready, engine = ReleaseSettings(), False, None
    built: list[Built] = []
    errors: list[GateError] = []
    for pin in order.pins:
        try:
            one = (
                _by_cibuildwheel(shop, order, pin, settings, engine)
                if ready
                else _natively(shop, order, pin)
            )
            built.append(one if out is None else _place(one, out))
        except GateError as error:
            errors.append(error)
    if errors:
        raise type(errors[0])([problem for error in errors for problem in error.problems])
    return tuple(built)


def _engine_for(shop: Workshop, row: PlatformRow) -> tuple[bool, Engine | None]:
    """Return whether cibuildwheel can build for `row` here, and the engine that it needs."""
    if row.system != "linux":
        if row.system != shop.host.system:
            raise InfrastructureError(
                Problem(
                    what=f"wheels for {row.name} are built on {row.system} only",
                    where="--platform",
                    hint=f"build on such a machine ({row.runner or 'no runner of GitHub'})",
                )
            )
        return True, None
    try:
        return True, find_engine()
    except InfrastructureError as error:
        if not row.is_host(shop.host):
            raise
        shop.progress.say(f"{error.problems[0]}\nbuilding natively instead")
        return False, None


def _require_own(shop: Workshop, row: PlatformRow) -> None:
    if not row.is_host(shop.host):
        raise ConfigurationError(
            Problem(
                what=f"the native builder builds for this machine, not for {row.name}",
                where="--platform",
                hint="--builder cibuildwheel, with Docker or Podman",
            )
        )


def _by_cibuildwheel(
    shop: Workshop, order: Order, pin: Pin, settings: ReleaseSettings, engine: Engine | None
) -> Built:
    plan = order.plan
    configuration = BuildConfiguration(
        settings=settings,
        row=order.row,
        pin=pin,
        tag=plan.interpreter.tag,
        project=shop.cache,
        engine=engine,
        certificates=_certificates() if engine is not None and engine.mounts_host else None,
        jobs=shop.settings.jobs,
    )
    wheel = build_by_cibuildwheel(
        plan.numpy,
        configuration,
        index=shop.index,
        cache=shop.cache,
        fresh=shop.settings.fresh,
        progress=shop.progress,
    )
    interpreter = _interpreter_at_hand(shop, plan) if order.row.is_host(shop.host) else None
    if interpreter is None:
        return Built(pin=pin, path=str(wheel))
    artifact = make_artifact(wheel, interpreter, shop.cache, made="cibuildwheel", pin=pin)
    facts = pin_facts(obtain_library(pin, shop.index, shop.cache))
    return Built(pin=pin, path=str(wheel), artifact=evolve(artifact, details=facts))


def _natively(shop: Workshop, order: Order, pin: Pin) -> Built:
    plan = order.plan
    interpreter = _interpreter_at_hand(shop, plan)
    if interpreter is None:
        raise InfrastructureError(
            Problem(
                what=f"no interpreter at hand that builds for {plan.interpreter.tag}",
                where="plan.json: interpreter",
                hint="install such a Python with its headers",
            )
        )
    artifact = build_wheel(
        plan.numpy,
        pin,
        interpreter,
        index=shop.index,
        cache=shop.cache,
        fresh=shop.settings.fresh,
        progress=shop.progress,
        jobs=shop.settings.jobs,
    )
    return Built(pin=pin, path=artifact.path, artifact=artifact)


def _interpreter_at_hand(shop: Workshop, plan: Plan) -> Interpreter | None:
    """Return the plan's interpreter, else one of the same tag on this machine, or None."""
    if plan.host == shop.host:
        return plan.interpreter
    return interpreter_of_tag(shop.interpreters(), plan.interpreter.tag)


def _certificates() -> str | None:
    """Return the certificates that pip is told to trust on this machine, for a container's pip."""
    return os.environ.get("PIP_CERT") or None


def _place(built: Built, out: Path) -> Built:
    """Put a wheel into the folder of its pin; a reader never sees half of it.

    One whose library was swapped is a folder so far, and is packed here.
    """
    source, artifact = Path(built.path), built.artifact
    target = out / built.pin.version / source.name
    with storage_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f".{target.name}.part")
        if artifact is not None and artifact.made == "swap":
            _pack(Path(artifact.site), partial)
        else:
            shutil.copyfile(source, partial)
        partial.replace(target)
        path, sha256 = str(target.resolve()), file_sha256(target)
    placed = artifact and evolve(artifact, path=path, sha256=sha256)
    return evolve(built, path=path, artifact=placed)


def _pack(site: Path, wheel: Path) -> None:
    """Write the files of `site`, which stays as it is, as a wheel."""
    with tempfile.TemporaryDirectory(dir=wheel.parent, prefix=".") as work:
        files = Path(work) / "files"
        shutil.copytree(site, files, ignore=shutil.ignore_patterns("__pycache__"))
        pack_wheel(files, wheel.name, wheel.parent)


def paths_of(built: Iterable[Built]) -> str:
    """Return one line per wheel: the pin, a tab, the path."""
    return "\n".join(f"{one.pin}\t{one.path}" for one in built)
