"""The tables of this project, and what the loader says about broken ones."""

from __future__ import annotations

import fnmatch
import re
import shutil
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import toml
from attrs import frozen

from release_gate.errors import ConfigurationError
from release_gate.matrix.load import load_matrices
from release_gate.matrix.pins import pin_entry
from release_gate.model import ComparisonKind, Provider, Tier
from release_gate.openblas.index import Index
from release_gate.openblas.kernels import held_kernels
from release_gate.openblas.library import obtain_library
from release_gate.openblas.pins import resolve_pin
from release_gate.pipeline import all_checks
from release_gate.resources import matrices_dir
from release_gate.versions import OpenBLASVersion

if TYPE_CHECKING:
    from release_gate.matrix.tables import Matrices
    from release_gate.model import Host

TABLES = ["gate", "kernels", "numpy", "openblas", "platforms", "policy", "suites"]


@pytest.fixture(scope="module")
def matrices() -> Matrices:
    return load_matrices(matrices_dir())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(matrices_dir(), tmp_path / "matrices"))


def edit(folder: Path, table: str, old: str, new: str) -> None:
    path = folder / f"{table}.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def problems(folder: Path) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        load_matrices(folder)
    prefix = f"{folder}/"
    return [str(problem).replace(prefix, "") for problem in caught.value.problems]


@pytest.mark.parametrize("table", TABLES)
def test_both_readers_of_toml_agree(table: str) -> None:
    text = (matrices_dir() / f"{table}.toml").read_text()
    assert toml.loads(text) == tomllib.loads(text)


def test_pins_and_numpy_releases_fit_together(matrices: Matrices) -> None:
    assert str(matrices.newest_pin()) == "scipy-openblas64==0.3.34.481.3"
    assert matrices.newest_numpy().ships == "scipy-openblas64==0.3.34.237.2"
    versions = [OpenBLASVersion.parse(row.version) for row in matrices.pins]
    assert versions == sorted(versions)
    for row in matrices.pins:
        assert any("manylinux" in name and "x86_64" in name for name in row.files)
    assert matrices.pin_files["scipy-openblas64", "0.3.34.481.3"] == matrices.pins[-1].files
    assert matrices.digests.keys() == {f"{table}.toml" for table in TABLES}


def test_policy_stops_what_must_not_ship(matrices: Matrices) -> None:
    blocking = [row for row in matrices.requirements if row.tier is Tier.BLOCKING]
    forbidden = {kind for row in blocking for kind in row.forbid if "*" in row.checks}
    known = [spec.id for spec in all_checks()]
    for row in matrices.requirements:
        for pattern in (*row.checks, *row.besides):
            assert fnmatch.filter(known, pattern), f"{row.id}: {pattern} matches no check"
    informed = {pattern for row in matrices.requirements for pattern in row.besides}
    for pattern in informed:  # what does not block is told by a line of its own
        assert any(pattern in row.checks for row in matrices.requirements)
    assert forbidden == {
        ComparisonKind.REGRESSED,
        ComparisonKind.NEW,
        ComparisonKind.FLAKY,
    }
    assert any(row.answers and row.checks == ("*",) for row in blocking)
    (wheel,) = (row for row in blocking if row.checks == ("wheel.*",))
    assert ComparisonKind.STILL_FAILING in wheel.forbid
    assert not any(row.emulated for row in blocking)
    assert not any(ComparisonKind.LOST in row.forbid for row in matrices.requirements)


def test_kernels_of_each_wheel_platform_are_known(matrices: Matrices) -> None:
    for row in matrices.platforms:
        if row.blas.startswith("scipy-openblas"):
            assert matrices.kernels_of(row.machine), row.name
    assert matrices.kernel_flags("x86_64")["Haswell"] == ("avx2", "fma")


@pytest.mark.network
def test_the_newest_pins_hold_what_the_table_expects_on_this_platform(
    matrices: Matrices, this_host: Host, index_cache: Path
) -> None:
    row = matrices.platform_of(this_host)
    if row is None or not row.kernels:
        pytest.skip(f"{this_host.platform} has no list of kernels")
    runs = {k.name for k in matrices.kernels_of(row.machine) if {*k.flags} <= {*this_host.flags}}
    index = Index(index_cache)
    for version in ("0.3.33.112.0", "0.3.34.481.3"):
        pin = resolve_pin(version, pins=matrices.pin_files, host=this_host, index=index)
        held = held_kernels(
            obtain_library(pin, index, index_cache),
            matrices.kernel_flags(row.machine),
            this_host,
            index_cache,
        )
        assert {each.observed for each in held} - {None} == {*row.kernels} & runs, version


@pytest.mark.parametrize(
    ("table", "old", "new", "message"),
    [
        ("suites", '"pytest==8.4.2"', '"pytest"', "suites.toml: tools[8]: 'pytest' is not pinned"),
        ("suites", 'numpy = ">=2.0.0,<2.8"', 'numpy = "2"', "suites.toml: scipy[0]: Invalid spec"),
        ("gate", "[defaults]", "[defaults", "gate.toml:3: TOML syntax: "),
        ("policy", '"wheel.*"]', '"wheel.*"', "policy.toml:1"),
        (
            "gate",
            "threads = [1, 8]",
            'threads = "8"',
            "gate.toml: defaults.threads: expected a list",
        ),
        ("gate", "threads = [1, 8]", "threads = [0]", "gate.toml: defaults.threads: 0 is below 1"),
        ("gate", "threads = [1, 8]", "threads = []", "gate.toml: defaults.threads: is empty"),
        ("gate", "threads =", "thread =", "unknown key 'thread', did you mean 'threads'?"),
        ("gate", '"smoke"', '"smok"', "unknown profile 'smok'; did you mean 'smoke'?"),
        ("gate", "smoke = 1.0", "smock = 1.0", "gate.toml: timing.profiles.smock: unknown profile"),
        ("gate", "cell = 0.5", "cell = -0.5", "gate.toml: timing.cell: is below zero"),
        ("policy", 'tier = "blocking"', 'tier = "blokcing"', "did you mean 'blocking'?"),
        ("policy", '"regressed"', '"regresed"', "did you mean 'regressed'?"),
        ("policy", 'owner = "NumPy release managers"', 'owner = " "', "requirements[0].owner: is"),
        ("policy", 'id = "no-flaky"', 'id = "wheel"', "'wheel' stands 2 times"),
        ("policy", 'forbid = ["flaky"]', "", "requirements[2]: asks for nothing"),
        ("numpy", "0.3.34.237.2", "0.3.34.237.3", "unknown pin 'scipy-openblas64==0.3.34.237.3'"),
        ("numpy", '"numpy-2.5.5.tar.gz"', '"numpy-2.5.4.tar.gz"', "releases[0].sdist: 'numpy-2.5"),
        ("numpy", '">=3.12"', '"3.12 or so"', "releases[0]: Invalid specifier"),
        ("numpy", '"2026-11-15"', '"15.11.2026"', "releases[0].released: '15.11.2026' is no date"),
        ("openblas", '= "2826bd91', '= "zz26bd91', "is no SHA-256"),
        ("openblas", '"0.3.29.0.0"', '"0.3.29rc1"', "pins[0].version: '0.3.29rc1' is not an"),
        (
            "openblas",
            '"0.3.29.0.0"',
            '"0.3.29.0.1"',
            "that begins with scipy_openblas64-0.3.29.0.1-",
        ),
        ("openblas", '"scipy-openblas64"', '"scipy-openblas"', "'scipy-openblas' is not one of"),
        ("openblas", 'version = "0.3.30.0.1"', 'version = "0.3.29.0.0"', "stands 2 times"),
        ("kernels", 'instead = ["Katmai"]', 'instead = ["Katmay"]', "did you mean 'Katmai'?"),
        ("kernels", 'name = "Zen"', 'name = "haswell"', "'haswell' of x86_64 stands 2 times"),
        (
            "platforms",
            'system = "linux"',
            'system = "linus"',
            "platforms[0].system: unknown system",
        ),
        ("platforms", "interface = 64", "interface = 46", "platforms[0].interface: 46 is not one"),
        ("platforms", 'why = "most', 'because = "most', "unknown key 'because'"),
        ("platforms", '"Nehalem"', '"Nehalm"', "platforms[0].kernels: unknown kernel 'Nehalm'"),
        ("platforms", 'runner = "ubuntu-24.04"', "", "platforms[0].runner: is empty, and the row"),
        ("platforms", "kernels_from = ", "libc = ", "platforms.toml:"),
    ],
)
def test_a_mistake_is_named_with_file_and_key(
    folder: Path, table: str, old: str, new: str, message: str
) -> None:
    edit(folder, table, old, new)
    told = problems(folder)
    assert any(message in line for line in told), told
    assert all(line.startswith(f"{table}.toml") for line in told)


def test_mistakes_of_all_files_are_told_at_once(folder: Path) -> None:
    edit(folder, "gate", "[defaults]", "[defaults")
    edit(folder, "policy", "tier =", "teir =")
    edit(folder, "suites", "tools =", "tolls =")
    edit(folder, "kernels", '"avx2", "fma"]', '"avx2", 3]')
    edit(folder, "numpy", '">=3.12"', '"3 or more"')
    (folder / "openblas.toml").rename(folder / "openblass.toml")
    (folder / "platforms.toml").write_bytes(b"\xff")
    told = problems(folder)
    assert {line.partition(".toml")[0] for line in told} == set(TABLES)
    assert any("did you mean 'openblass.toml'?" in line for line in told)
    assert any("platforms.toml: not UTF-8 (byte 0)" in line for line in told)


def test_missing_folder_is_a_configuration_error(tmp_path: Path) -> None:
    told = problems(tmp_path / "nowhere")
    assert len(told) == len(TABLES)
    assert all("--matrices" in line for line in told)


@frozen(kw_only=True)
class Listed:
    filename: str
    version: str | None
    digests: dict[str, str]
    upload_time: datetime | None


def listed(version: str, tag: str, **changes: object) -> Listed:
    name = f"scipy_openblas64-{version}-py3-none-{tag}.whl"
    facts: dict[str, object] = {
        "filename": name,
        "version": version,
        "digests": {"sha256": "ab" * 32},
        "upload_time": datetime(2026, 12, 1, 10, tzinfo=UTC),
    }
    return Listed(**{**facts, **changes})  # type: ignore[arg-type]


def test_entry_of_a_new_pin_can_be_pasted(folder: Path) -> None:
    files = [
        listed("0.3.35.0.0", "win_amd64", upload_time=datetime(2026, 12, 2, tzinfo=UTC)),
        listed("0.3.35.0.0", "manylinux_2_28_x86_64"),
        listed("0.3.34.0.0", "win_amd64"),
    ]
    entry = pin_entry(files, "0.3.35.0.0", Provider.SCIPY_OPENBLAS64)
    with (folder / "openblas.toml").open("a") as stream:
        stream.write("\n" + entry)
    row = load_matrices(folder).newest_pin()
    assert (row.version, row.released) == ("0.3.35.0.0", "2026-12-01")
    assert [re.sub(r".*none-", "", name) for name in row.files] == [
        "manylinux_2_28_x86_64.whl",
        "win_amd64.whl",
    ]


def test_entry_of_a_version_that_is_not_there() -> None:
    with pytest.raises(ConfigurationError, match=r"did you mean '0\.3\.34\.481\.3'"):
        pin_entry([listed("0.3.34.481.3", "win_amd64")], "0.3.34.481.4", Provider.SCIPY_OPENBLAS64)


def test_entry_needs_digests_and_a_date() -> None:
    bare = [listed("0.3.35.0.0", "win_amd64", digests={}, upload_time=None)]
    with pytest.raises(ConfigurationError) as caught:
        pin_entry(bare, "0.3.35.0.0", Provider.SCIPY_OPENBLAS64)
    assert [problem.what for problem in caught.value.problems] == [
        "the index tells no SHA-256",
        "the index tells no date of upload",
    ]
