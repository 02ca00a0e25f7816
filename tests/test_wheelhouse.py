"""``release-gate build``: which wheels, which builder, and where they go. Nothing is compiled."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from attrs import evolve
from gate_values import artifact, plan

from release_gate import wheelhouse, wire
from release_gate.cli import main
from release_gate.errors import ConfigurationError, ExitCode, InfrastructureError, Problem
from release_gate.pipeline import Workshop, open_workshop
from release_gate.progress import Silent
from release_gate.wheelhouse import Order, build_wheelhouse, read_order
from release_gate.wheels.engine import Engine

if TYPE_CHECKING:
    from release_gate.model import Artifact, Pin, Plan
    from release_gate.wheels.buildconfig import BuildConfiguration


class Talk(Silent):
    """Keeps what was said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    return evolve(open_workshop(Talk(), cache=tmp_path / "cache"), host=plan().host)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "plan.json"
    wire.write_plan(path, plan())
    return path


@pytest.fixture(autouse=True)
def builders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """Make both builders write an empty file under the pin's name; return who built what."""
    calls: list[str] = []

    def wheel(of: Pin) -> Path:
        path = tmp_path / "built" / f"numpy-for-{of.version}.whl"
        path.parent.mkdir(exist_ok=True)
        path.write_text(of.version)
        return path

    def native(_: object, pin: Pin, *__: object, **___: Any) -> Artifact:
        calls.append(f"native {pin.version}")
        return evolve(artifact(pin), path=str(wheel(pin)))

    def contained(_: object, configuration: BuildConfiguration, **__: Any) -> Path:
        calls.append(f"{configuration.identifier} {configuration.pin.version}")
        return wheel(configuration.pin)

    def unpacked(path: Path, *_: object, made: str, pin: Pin) -> Artifact:
        return evolve(artifact(pin, made), path=str(path))

    monkeypatch.setattr(wheelhouse, "build_wheel", native)
    monkeypatch.setattr(wheelhouse, "build_by_cibuildwheel", contained)
    monkeypatch.setattr(wheelhouse, "make_artifact", unpacked)
    monkeypatch.setattr(wheelhouse, "obtain_library", lambda *_: None)
    monkeypatch.setattr(wheelhouse, "pin_facts", lambda _: {"pin_config": "made up"})
    monkeypatch.setattr(wheelhouse, "find_engine", lambda: Engine(name="podman"))
    return calls


def order_of(shop: Workshop, of: Plan, platform: str = "linux-x86_64") -> Order:
    row = next(row for row in shop.matrices.platforms if row.name == platform)
    return Order(plan=of, row=row, pins=tuple(dict.fromkeys(e.cell.pin for e in of.cells)))


def test_one_pin_of_a_plan(shop: Workshop, file: Path, builders: list[str]) -> None:
    made = plan()
    wanted = made.cells[-1].cell.pin
    order = read_order(shop, plan=file, platform="linux-x86_64", pin=str(wanted))
    assert order.pins == (wanted,)
    assert read_order(shop, plan=file, platform=None, pin=wanted.version).pins == (wanted,)
    assert len(read_order(shop, plan=file, platform=None, pin=None).pins) == 2
    assert builders == []


def test_what_the_plan_does_not_have_is_told(shop: Workshop, file: Path) -> None:
    with pytest.raises(ConfigurationError, match="no cells for linux-x86-64") as raised:
        read_order(shop, plan=file, platform="linux-x86-64", pin=None)
    assert raised.value.problems[0].hint == "did you mean 'linux-x86_64'?"
    with pytest.raises(ConfigurationError, match=r"no '0\.3\.1' for linux-x86_64"):
        read_order(shop, plan=file, platform=None, pin="0.3.1")


def test_a_plan_is_not_contradicted(file: Path, tmp_path: Path) -> None:
    other = open_workshop(Silent(), cache=tmp_path, numpy="2.4.6", baseline="none")
    with pytest.raises(ConfigurationError, match="says already what is built: baseline, numpy"):
        read_order(other, plan=file, platform=None, pin=None)


@pytest.mark.parametrize("builder", ["native", "cibuildwheel"])
def test_each_pin_has_its_folder(
    shop: Workshop, builder: str, tmp_path: Path, builders: list[str]
) -> None:
    order = order_of(shop, plan())
    out = tmp_path / "wheelhouse"
    built = build_wheelhouse(shop, order, builder=builder, out=out)
    name = "native" if builder == "native" else "cp312-manylinux_x86_64"
    assert builders == [f"{name} {pin.version}" for pin in order.pins]
    for one in built:
        assert Path(one.path).parent == out / one.pin.version
        assert Path(one.path).read_text() == one.pin.version
        assert one.artifact is not None
        assert (one.artifact.path, one.artifact.made) == (one.path, builder)
    assert sorted(out.rglob("*.part")) == []


def test_without_engine_this_machines_wheels_are_built_natively(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch, builders: list[str]
) -> None:
    def lacking() -> Engine:
        raise InfrastructureError(Problem(what="no container engine works here", hint="Podman"))

    monkeypatch.setattr(wheelhouse, "find_engine", lacking)
    build_wheelhouse(shop, order_of(shop, plan()), builder="cibuildwheel")
    assert [call.split()[0] for call in builders] == ["native", "native"]
    assert isinstance(shop.progress, Talk)
    (said,) = shop.progress.said
    assert "no container engine works here" in said
    assert said.endswith("building natively instead")
    order = order_of(shop, plan(), "linux-x86_64-musl")
    with pytest.raises(InfrastructureError, match="no container engine"):
        build_wheelhouse(shop, order, builder="cibuildwheel")


def test_wheels_of_another_machine_are_not_loaded(shop: Workshop) -> None:
    order = order_of(shop, plan(), "linux-aarch64")
    built = build_wheelhouse(shop, order, builder="cibuildwheel")
    assert [one.artifact for one in built] == [None, None]
    with pytest.raises(ConfigurationError, match="builds for this machine, not for linux-aarch64"):
        build_wheelhouse(shop, order, builder="native")
    with pytest.raises(InfrastructureError, match="built on darwin only"):
        build_wheelhouse(shop, order_of(shop, plan(), "darwin-aarch64"), builder="cibuildwheel")


def test_an_image_is_for_cibuildwheel(shop: Workshop) -> None:
    order = order_of(shop, plan())
    with pytest.raises(ConfigurationError, match="uses no image"):
        build_wheelhouse(shop, order, builder="native", images=["manylinux-x86_64=a"])


def test_every_failed_wheel_is_told(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_: object, pin: Pin, *__: object, **___: object) -> Artifact:
        raise InfrastructureError(Problem(what=f"{pin.version} failed"))

    monkeypatch.setattr(wheelhouse, "build_wheel", fails)
    with pytest.raises(InfrastructureError) as raised:
        build_wheelhouse(shop, order_of(shop, plan()), builder="native")
    assert len(raised.value.problems) == 2


def test_the_command_prints_pin_and_path(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["build", "--quiet", "--builder", "cibuildwheel", "--plan", str(file)]
    arguments += ["--cache", str(tmp_path / "cache"), "--platform", "linux-x86_64"]
    assert main([*arguments, "--out", str(tmp_path / "out")]) == ExitCode.GO
    lines = capsys.readouterr().out.splitlines()
    pins = dict.fromkeys(entry.cell.pin for entry in plan().cells)
    assert [line.split("\t")[0] for line in lines] == [str(pin) for pin in pins]
    assert all(Path(line.split("\t")[1]).is_file() for line in lines)
    assert main([*arguments, "--json"]) == ExitCode.GO
    assert len(json.loads(capsys.readouterr().out)) == len(pins)
