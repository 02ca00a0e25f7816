"""cibuildwheel's configuration for one wheel: NumPy's release settings with one exact OpenBLAS."""

from __future__ import annotations

import json
import tomllib
from importlib.resources import files
from pathlib import PurePath, PurePosixPath
from typing import TYPE_CHECKING, Any, Final

import toml
from attrs import Factory, evolve, frozen

from release_gate import wire
from release_gate.errors import ConfigurationError, Problem, did_you_mean
from release_gate.model import Provider

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from release_gate.matrix.tables import PlatformRow
    from release_gate.model import Pin
    from release_gate.wheels.engine import Engine

__all__ = [
    "OPENBLAS",
    "SOURCE",
    "BuildConfiguration",
    "ReleaseSettings",
    "build_identifier",
    "image_keys",
    "load_release_settings",
    "with_images",
]

FILE: Final = "cibuildwheel.toml"

#: Folders of the project that cibuildwheel copies into its container: NumPy, and the library.
SOURCE: Final = "numpy"
OPENBLAS: Final = "openblas"

#: Where cibuildwheel puts the project in a container, and there the files of the machine.
_PROJECT: Final = PurePosixPath("/project")
_HOST: Final = PurePosixPath("/host")

#: cibuildwheel's names: of a system, and of a machine where it is not the end of the identifier.
_PLATFORMS: Final = {"linux": "linux", "darwin": "macos", "windows": "windows"}
_ARCHS: Final = {"win_amd64": "AMD64", "win_arm64": "ARM64", "win32": "x86"}

_REPAIR: Final = {
    "auditwheel": "auditwheel repair -w {dest_dir} {wheel}",
    "delocate": "delocate-wheel --require-archs {delocate_archs} -w {dest_dir} -v {wheel}",
    "delvewheel": f"delvewheel repair --add-path {OPENBLAS}/lib -w {{dest_dir}} {{wheel}}",
}

#: Variables that pip needs where an index is not the public one, or is behind a proxy.
_PASSED: Final = ("PIP_INDEX_URL", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY")


@frozen(kw_only=True)
class _Variable:
    name: str
    value: str
    machine: str = ""


@frozen(kw_only=True)
class _System:
    system: str
    ilp64_option: bool
    setup_args: tuple[str, ...]
    why: str
    tools: tuple[str, ...] = ()
    environment: tuple[_Variable, ...] = ()


@frozen(kw_only=True)
class ReleaseSettings:
    """What matrices/cibuildwheel.toml says: the images of Linux, and the settings per system."""

    images: dict[str, str] = Factory(dict)
    systems: tuple[_System, ...] = ()

    def of(self, row: PlatformRow) -> _System:
        """Return the settings of the row's system; raise ConfigurationError if there are none."""
        for system in self.systems:
            if system.system == row.system:
                return system
        raise ConfigurationError(
            Problem(what=f"no settings for {row.system}", where=f"{FILE}: systems", hint=row.name)
        )


def load_release_settings(folder: Path) -> ReleaseSettings:
    """Return NumPy's settings in `folder`; raise ConfigurationError with all that is wrong."""
    path = folder / FILE
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(Problem(what=f"cannot read: {error}", where=str(path))) from error
    settings = wire.from_data(data, ReleaseSettings, str(path))
    if problems := list(_unknown_images(settings.images, f"{path}: images")):
        raise ConfigurationError(problems)
    return settings


def image_keys() -> tuple[str, ...]:
    """Return the images that cibuildwheel can be told, such as "manylinux-x86_64"."""
    schema = json.loads((files("cibuildwheel") / "resources/cibuildwheel.schema.json").read_text())
    return tuple(
        name.removesuffix("-image") for name in schema["properties"] if name.endswith("-image")
    )


def with_images(settings: ReleaseSettings, given: Iterable[str]) -> ReleaseSettings:
    """Return the settings with images given as "manylinux-x86_64=localhost/image".

    Raises ConfigurationError with everything that is no such text.
    """
    pairs = [text.partition("=") for text in given]
    problems = [
        Problem(
            what=f"not KEY=IMAGE: {key + equals + image!r}",
            where="--image",
            hint="such as manylinux-x86_64=localhost/my-image:latest",
        )
        for key, equals, image in pairs
        if not (key and equals and image)
    ]
    images = {key: image for key, _, image in pairs}
    if not problems:
        problems += _unknown_images(images, "--image")
    if problems:
        raise ConfigurationError(problems)
    return evolve(settings, images=settings.images | images)


def _unknown_images(images: Mapping[str, str], where: str) -> Iterable[Problem]:
    known = image_keys()
    for key in images:
        if key not in known:
            hint = did_you_mean(key, known) or f"known are {', '.join(known)}"
            yield Problem(what=f"cibuildwheel knows no image {key!r}", where=where, hint=hint)


def build_identifier(tag: str, row: PlatformRow) -> str:
    """Return what cibuildwheel calls a build, such as "cp312-manylinux_x86_64".

    Raises ConfigurationError for a platform whose wheels carry no OpenBLAS, or that cibuildwheel
    does not build for.
    """
    if not row.blas.startswith("scipy-openblas"):
        what = f"wheels of this platform carry no OpenBLAS, but {row.blas}"
        raise ConfigurationError(Problem(what=what, where=row.name, hint=row.why))
    if not row.identifier:
        raise ConfigurationError(
            Problem(
                what="cibuildwheel has no name for this platform",
                where=f"platforms.toml: {row.name}",
                hint="give its row an identifier, as `cibuildwheel --print-build-identifiers` has",
            )
        )
    return f"{tag}-{row.identifier}"


@frozen(kw_only=True)
class BuildConfiguration:
    """One build of cibuildwheel: the wheel of `row` for interpreters of `tag`, carrying `pin`.

    `project` is the folder in which cibuildwheel runs. `engine` is there for Linux; `certificates`
    is a file of this machine that pip in a container is to trust; `jobs` limits the compilers.
    """

    settings: ReleaseSettings
    row: PlatformRow
    pin: Pin
    tag: str
    project: PurePath
    engine: Engine | None = None
    certificates: str | None = None
    jobs: int | None = None

    @property
    def identifier(self) -> str:
        return build_identifier(self.tag, self.row)

    @property
    def platform(self) -> str:
        """Return cibuildwheel's name of the system."""
        return _PLATFORMS[self.row.system]

    def recipe(self) -> dict[str, Any]:
        """Return what decides about the wheel's content, for its key in the cache."""
        return evolve(self, project=_PROJECT, engine=None, certificates=None, jobs=None).as_data()

    def as_toml(self) -> str:
        """Return the text of the configuration file."""
        data = {"tool": {"cibuildwheel": self.as_data()}}
        text = toml.dumps(data)
        # `toml` writes some values wrongly; what it wrote must be what another reader reads.
        assert tomllib.loads(text) == data
        return text

    def as_data(self) -> dict[str, Any]:
        """Return the table ``tool.cibuildwheel``."""
        system = self.settings.of(self.row)
        setup = list(system.setup_args)
        if system.ilp64_option and self.pin.provider is not Provider.SCIPY_OPENBLAS32:
            setup.insert(0, "-Duse-ilp64=true")
        config = {"setup-args": setup, "build-dir": "build"}
        if self.jobs:
            config["compile-args"] = [f"-j{self.jobs}"]
        data: dict[str, Any] = {
            "build": self.identifier,
            "archs": [_ARCHS.get(self.row.identifier) or self.row.identifier.partition("_")[2]],
            "enable": ["cpython-prerelease"],
            "build-frontend": "build",
            "config-settings": config,
            "before-build": f'python "{{project}}/{OPENBLAS}/before_build.py"',
            "repair-wheel-command": _REPAIR[self.row.repair],
            "test-command": 'python -c "import numpy; numpy.show_config()"',
        }
        where = _PROJECT if self._contained else self.project
        environment = {"PKG_CONFIG_PATH": f"{where.as_posix()}/{OPENBLAS}"} | {
            variable.name: variable.value
            for variable in system.environment
            if variable.machine in {"", self.row.machine}
        }
        table: dict[str, Any] = {"environment": environment}
        if self._contained:
            if self.certificates is not None:
                inside = _HOST / self.certificates.lstrip("/")
                environment["PIP_CERT"] = inside.as_posix()
            kind, _, machine = self.row.identifier.partition("_")
            key = f"{kind}-{machine}"
            if key in self.settings.images:  # else cibuildwheel has its own choice
                table[f"{key}-image"] = self.settings.images[key]
            if self.engine is not None:
                data["container-engine"] = self.engine.option
                table["environment-pass"] = list(_PASSED)
        return data | {self.platform: table}

    @property
    def _contained(self) -> bool:
        return self.row.system == "linux"
