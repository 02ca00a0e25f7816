"""Options and the plan that follows from them; nothing here looks at the machine."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from release_gate import wire
from release_gate.errors import ConfigurationError
from release_gate.matrix.load import load_matrices
from release_gate.matrix.plan import make_plan
from release_gate.matrix.settings import Settings, make_settings
from release_gate.matrix.targets import Target, platform_target, this_machine
from release_gate.model import (
    Cell,
    CheckSpec,
    Host,
    Interpreter,
    NumPySource,
    Pin,
    Plan,
    Provider,
    Role,
)
from release_gate.openblas.kernels import KernelHeld
from release_gate.openblas.pins import choose_wheel
from release_gate.resources import matrices_dir

MATRICES = load_matrices(matrices_dir())
NEHALEM = ("pni", "ssse3", "sse4_1", "sse4_2", "sse4a")
HASWELL = (*NEHALEM, "avx", "avx2", "fma")
SKYLAKEX = (*HASWELL, "avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl", "avx512_bf16")
HOST = Host(
    system="linux", machine="x86_64", cpu="a CPU", flags=SKYLAKEX, cores=2, libc="glibc 2.36"
)
PYTHON = Interpreter(executable="/opt/python3", version="3.12.1")
SDIST = NumPySource(kind="sdist", version="2.5.5", location="numpy-2.5.5.tar.gz", sha256="0" * 64)

#: What scipy-openblas64 0.3.29 to 0.3.34 answer on x86-64.
RUNS = {
    "Core2": "Katmai", "Penryn": "Katmai", "Dunnington": "Katmai", "Nano": "Katmai",
    "Opteron": "Katmai", "Opteron_SSE3": "Katmai",
    "Barcelona": "Nehalem", "Atom": "Nehalem", "Bobcat": "Nehalem",
    "Bulldozer": "Sandybridge", "Piledriver": "Sandybridge", "Steamroller": "Sandybridge",
    "Excavator": "Sandybridge", "Zen": "Haswell", "Cooperlake": "SkylakeX",
    "SapphireRapids": "SkylakeX",
}  # fmt: skip


def pin(version: str) -> Pin:
    return Pin(
        provider=Provider.SCIPY_OPENBLAS64,
        version=version,
        filename=f"scipy_openblas64-{version}.whl",
        sha256=version.replace(".", "").ljust(64, "0"),
    )


OLD, NEW = pin("0.3.34.237.2"), pin("0.3.34.481.3")


def held(machine: str = "x86_64", **others: str) -> tuple[KernelHeld, ...]:
    runs = RUNS | others
    return tuple(
        KernelHeld(asked=kernel.name, observed=runs.get(kernel.name, kernel.name))
        for kernel in MATRICES.kernels_of(machine)
    )


def spec(name: str, **facts: Any) -> CheckSpec:
    values: dict[str, Any] = {
        "id": name,
        "title": "a title",
        "category": name.partition(".")[0],
        "routines": (),
        "oracle": "equal",
        "catches": "bugs",
        "min_threads": 1,
        "max_threads": None,
        "profiles": ("smoke", "full", "stress"),
        "budget": 60.0,
        "idle": 20.0,
        "systems": (),
        "digest": "d" * 64,
    }
    return CheckSpec(**{**values, **facts})


INSPECTIONS = (spec("wheel.pin"), spec("wheel.size"))
CHECKS = (
    spec("exact.gemm"),
    spec("forking.lu", min_threads=4),
    spec("special.single", max_threads=1),
    spec("process.windows", systems=("windows",)),
    spec("concurrency.long", profiles=("stress",)),
    spec("process.exit", once=True),
    spec("special.stale", most_threads=True),
)
ALL = (*INSPECTIONS, *CHECKS)


def settings(**given: Any) -> Settings:
    return make_settings(MATRICES, ALL, **given)


def plan(chosen: Settings | None = None, **changes: Any) -> Plan:
    arguments: dict[str, Any] = {
        "host": HOST,
        "numpy": SDIST,
        "interpreter": PYTHON,
        "why_interpreter": "the only one",
        "checks": CHECKS,
        "inspections": INSPECTIONS,
    }
    baseline = changes.pop("baseline", OLD)
    sides = [(Role.BASELINE, baseline)] if baseline else []
    sides += [(Role.CANDIDATE, each) for each in changes.pop("candidates", [NEW])]
    said = changes.pop("held", {OLD: held(), NEW: held()})
    arguments |= changes
    chosen = chosen or settings()
    target = this_machine(arguments["host"], sides, said, chosen, MATRICES)
    return make_plan(chosen, MATRICES, **{"targets": [target], **arguments})


def kernels(made: Plan, role: Role = Role.CANDIDATE) -> list[str]:
    return list(
        dict.fromkeys(
            entry.cell.kernel
            for entry in made.cells
            if entry.cell.role is role and entry.cell.kernel
        )
    )


def told(made: Plan) -> dict[str, str]:
    return {entry.what: entry.why for entry in made.not_covered}


def test_defaults_of_gate_toml() -> None:
    default = settings()
    assert default.baseline == "scipy-openblas64==0.3.34.237.2"
    assert default.candidates == ("scipy-openblas64==0.3.34.481.3",)
    assert (default.threads, default.profile, default.numpy) == ((1, 8), "smoke", "newest")
    assert default.all_kernels
    assert default.changed == ()
    assert default.cache


def test_changed_settings_come_first() -> None:
    chosen = settings(
        threads=[8, 1, 8], profile="full", kernels=("prescott", "HASWELL"), fresh=True
    )
    assert chosen.threads == (1, 8)
    assert chosen.kernels == ("Katmai", "Haswell")
    assert set(chosen.changed) == {"kernels", "profile", "fresh"}
    assert set(list(chosen.as_data())[:3]) == set(chosen.changed)
    assert chosen.as_data()["threads"] == [1, 8]


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        ({"baseline": "none"}, None),
        ({"baseline": "0.3.33.0.0"}, "scipy-openblas64==0.3.33.0.0"),
        ({"baseline": "scipy-openblas32==0.3.33.0.0"}, "scipy-openblas32==0.3.33.0.0"),
        ({"baseline": "./libopenblas.so"}, "./libopenblas.so"),
        ({"baseline": "shipped"}, "scipy-openblas64==0.3.34.237.2"),
    ],
)
def test_ways_to_name_a_baseline(given_: dict[str, str], expected: str | None) -> None:
    chosen = settings(**given_)
    assert chosen.baseline == expected
    assert chosen.changed == (() if given_["baseline"] == "shipped" else ("baseline",))


def test_all_mistakes_in_options_are_told_at_once() -> None:
    with pytest.raises(ConfigurationError) as caught:
        settings(
            kernels=("Hasswell", "SkylakeX"),
            checks=("exakt.*", "exact.gem", "concurrency.*"),
            threads=(0, 65),
            jobs=0,
            candidates=(),
        )
    assert [str(problem).replace("\n  hint", "") for problem in caught.value.problems] == [
        "--kernels: unknown kernel 'Hasswell': did you mean 'Haswell'?",
        "--checks: no check matches 'exakt.*': did you mean 'exact.*'?",
        "--checks: no check matches 'exact.gem': did you mean 'exact.gemm'?",
        "--checks: no check of profile 'smoke' matches 'concurrency.*': give --profile stress",
        "--candidate: is empty: nothing would run",
        "--threads: 0 threads: 1 to 64: the wheels' OpenBLAS is built for 64",
        "--threads: 65 threads: 1 to 64: the wheels' OpenBLAS is built for 64",
        "--jobs: 0 jobs: at least 1",
    ]
    with pytest.raises(ConfigurationError, match="unknown profile 'smoek'") as caught:
        settings(profile="smoek")
    assert caught.value.problems[-1].hint == "did you mean 'smoke'?"


def test_plan_has_the_wheel_then_each_kernel_by_threads_baseline_first() -> None:
    made = plan()
    places = [(e.cell.role, e.cell.kernel, e.cell.threads) for e in made.cells]
    names = ["Katmai", "Nehalem", "Sandybridge", "Haswell", "SkylakeX"]
    side = [(None, 0), *((name, count) for name in names for count in (1, 8))]
    assert places == [(role, *place) for role in Role for place in side]
    assert len({entry.cell.id for entry in made.cells}) == len(made.cells)
    by_place = {(e.cell.kernel, e.cell.threads): e.checks for e in made.cells}
    assert by_place[None, 0] == ("wheel.pin", "wheel.size")
    assert by_place["Haswell", 1] == ("exact.gemm", "special.single")
    assert by_place["Haswell", 8] == ("exact.gemm", "forking.lu", "special.stale")


def asked_with(made: Plan, check: str, role: Role = Role.CANDIDATE) -> list[tuple[Any, int]]:
    return [
        (entry.cell.kernel, entry.cell.threads)
        for entry in made.cells
        if check in entry.checks and entry.cell.role is role
    ]


def test_smoke_asks_what_all_kernels_share_with_the_newest_that_all_libraries_have() -> None:
    assert asked_with(plan(), "process.exit") == [("SkylakeX", 1), ("SkylakeX", 8)]
    without = plan(held={OLD: held(), NEW: held(SkylakeX="Haswell")})
    for role in Role:
        assert asked_with(without, "process.exit", role) == [("Haswell", 1), ("Haswell", 8)]
    assert told(without)["check process.exit with kernels but Haswell"].startswith("smoke asks one")


def test_what_is_asked_once_is_asked_of_each_kernel_beyond_smoke_or_without_a_common_one() -> None:
    for made in (
        plan(settings(profile="full")),
        plan(held={OLD: held()[:9], NEW: held(Katmai="x", Nehalem="x", Prescott="x")[9:]}),
    ):
        for role in Role:
            assert asked_with(made, "process.exit", role) == asked_with(made, "exact.gemm", role)
        assert not any("process.exit" in what for what in told(made))


def test_what_is_asked_once_is_no_gap_with_one_kernel() -> None:
    made = plan(settings(kernels=("Haswell",)))
    assert asked_with(made, "process.exit") == [("Haswell", 1), ("Haswell", 8)]
    assert not any("process.exit" in what for what in told(made))


def test_what_asks_for_the_most_threads_is_asked_of_each_kernel_with_those_it_takes() -> None:
    made = plan()
    assert asked_with(made, "special.stale") == [(name, 8) for name in kernels(made)]
    assert told(made)["check special.stale with threads but 8"].startswith("smoke asks the most")
    single = plan(settings(threads=(1,)))
    assert asked_with(single, "special.stale") == [(name, 1) for name in kernels(single)]
    assert not any("special.stale" in what for what in told(single))
    full = plan(settings(profile="full"))
    assert asked_with(full, "special.stale") == asked_with(full, "exact.gemm")


def test_plan_is_written_and_read_back() -> None:
    made = plan()
    assert wire.from_data(wire.to_data(made), Plan, "plan") == made


def test_what_is_not_covered_is_told_with_the_reason() -> None:
    assert told(plan()) == {
        "kernels Core2, Penryn, Dunnington, Nano": "the library does not hold it and runs Katmai",
        "kernels Opteron, Opteron_SSE3": "this CPU lacks 3dnow",
        "kernels Barcelona, Atom, Bobcat": "the library does not hold it and runs Nehalem",
        "kernels Bulldozer, Piledriver, Steamroller, Excavator": "this CPU lacks fma4",
        "kernel Zen": "the library does not hold it and runs Haswell",
        "kernel Cooperlake": "the library does not hold it and runs SkylakeX",
        "kernel SapphireRapids": "this CPU lacks amx_tile, amx_bf16",
        "check process.windows": "only on windows",
        "check concurrency.long": "only in the profile stress",
        "check process.exit with kernels but SkylakeX": (
            "smoke asks one kernel what all share; --profile full asks each"
        ),
        "check special.stale with threads but 8": (
            "smoke asks the most threads what one goes through too; --profile full asks each"
        ),
        "8 threads in parallel": "this process may use 2 CPUs: the threads take turns",
        "platforms linux-x86_64-musl, linux-aarch64-musl, darwin-x86_64, windows-aarch64": (
            "this machine is linux-x86_64"
        ),
        "platforms linux-aarch64, darwin-aarch64, windows-x86_64": (
            "this machine is linux-x86_64; run the gate there too"
        ),
        "platforms darwin-accelerate, windows-i686": "its wheels carry no OpenBLAS",
        "platforms linux-ppc64le, linux-s390x, linux-riscv64": (
            "this machine is linux-x86_64, and NumPy has no wheels for it"
        ),
        "Pythons other than 3.12.1, and free-threaded ones": (
            "one wheel is built per OpenBLAS, for one interpreter"
        ),
    }


def test_kernel_that_the_cpu_cannot_run_is_not_covered_and_no_error() -> None:
    made = plan(settings(kernels=("Haswell", "SkylakeX")), host=evolve(HOST, flags=HASWELL))
    assert kernels(made) == ["Haswell"]
    assert told(made)["kernel SkylakeX"].startswith("this CPU lacks avx512f")
    assert told(made)["kernels Katmai, Nehalem, Sandybridge"] == "not named by --kernels"


def test_kernel_of_another_architecture_is_not_covered() -> None:
    made = plan(settings(kernels=("Haswell", "POWER9")))
    assert kernels(made) == ["Haswell"]
    assert told(made)["kernel POWER9"] == "kernel of ppc64le; this machine is x86_64"


def test_kernel_that_one_library_lacks_is_told_with_the_library() -> None:
    made = plan(held={OLD: held(), NEW: held(SkylakeX="Haswell")})
    assert kernels(made) == ["Katmai", "Nehalem", "Sandybridge", "Haswell"]
    assert "SkylakeX" in kernels(made, Role.BASELINE)
    assert told(made)[f"kernels Zen, SkylakeX of {NEW}"] == (
        "the library does not hold it and runs Haswell"
    )


def test_core_that_the_table_does_not_know_runs_under_its_own_name() -> None:
    made = plan(held={OLD: held(), NEW: held(Zen="Zen5", SkylakeX="skylakex")})
    assert kernels(made) == ["Katmai", "Nehalem", "Sandybridge", "Haswell", "Zen5", "SkylakeX"]


def test_kernel_that_crashes_when_asked_is_not_covered() -> None:
    crash = KernelHeld(asked="Haswell", observed=None, note="killed by SIGILL")
    answers = tuple(crash if answer.asked == "Haswell" else answer for answer in held())
    made = plan(held={OLD: answers, NEW: answers})
    assert "Haswell" not in kernels(made)
    assert told(made)["kernel Haswell"] == "killed by SIGILL"


@pytest.mark.parametrize(
    ("given_", "changes", "message"),
    [
        ({"kernels": ("SkylakeX",)}, {"host": evolve(HOST, flags=HASWELL)}, "CPU lacks avx512f"),
        ({"kernels": ("NEOVERSEN1",)}, {}, "kernel of aarch64; this machine is x86_64"),
        ({"kernels": ("Zen",)}, {}, "does not hold it and runs Haswell"),
        ({}, {"held": {OLD: (), NEW: ()}}, "no kernel of this library can be checked here"),
        ({"checks": ("forking.*",), "threads": (1, 2)}, {}, "they need at least 4"),
        ({"checks": ("process.windows",)}, {}, "no check that is selected runs on linux-x86_64"),
    ],
)
def test_empty_selection_is_an_error(
    given_: dict[str, Any], changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        plan(settings(**given_), **changes)


def test_inspections_alone_need_no_kernel() -> None:
    made = plan(settings(checks=("wheel.*",)), held={OLD: (), NEW: ()})
    assert [(entry.cell.role, entry.cell.kernel) for entry in made.cells] == [
        (Role.BASELINE, None),
        (Role.CANDIDATE, None),
    ]


def test_without_a_baseline_only_the_candidates_are_planned() -> None:
    made = plan(settings(baseline="none"), baseline=None, candidates=[NEW, OLD])
    assert {entry.cell.role for entry in made.cells} == {Role.CANDIDATE}
    assert {entry.cell.pin for entry in made.cells} == {OLD, NEW}


def test_estimate_counts_what_is_left_to_do() -> None:
    timing = MATRICES.timing
    full = plan().estimate
    assert full.build == timing.cold_build + timing.next_build
    assert plan(built=[OLD]).estimate.build == timing.cold_build
    assert plan(numpy=evolve(SDIST, kind="wheel")).estimate.build == 0.0

    def answered(cell: Cell, check: str) -> bool:
        return cell.role is Role.BASELINE or check.startswith("wheel.")

    half = plan(built=[OLD, NEW], answered=answered).estimate
    assert half.build == 0.0
    assert half.cached_wheels == 2
    assert 0.0 < half.check < full.check
    done = plan(built=[OLD, NEW], answered=lambda _cell, _check: True).estimate
    assert done.total == 0.0
    assert done.cached_observations == sum(len(entry.checks) for entry in plan().cells)


flags = st.sets(st.sampled_from(SKYLAKEX)).map(lambda chosen: tuple(sorted(chosen)))
names = st.sampled_from([kernel.name for kernel in MATRICES.kernels_of("x86_64")])


@given(
    has=flags,
    observed=st.dictionaries(names, names),
    threads=st.sets(st.integers(1, 64), min_size=1, max_size=3),
    wanted=st.none() | st.lists(names, min_size=1, max_size=3),
)
def test_every_kernel_is_run_or_told_and_none_beyond_the_cpu(
    has: tuple[str, ...], observed: dict[str, str], threads: set[int], wanted: list[str] | None
) -> None:
    table = {kernel.name: kernel for kernel in MATRICES.kernels_of("x86_64")}
    try:
        made = plan(
            settings(kernels=wanted and tuple(wanted), threads=tuple(threads)),
            host=evolve(HOST, flags=has),
            held={OLD: held(), NEW: held(**observed)},
        )
    except ConfigurationError as error:
        assert "no kernel of this library" in str(error)  # noqa: PT017  (not always raised)
        return
    left_out = " ".join(entry.what for entry in made.not_covered).replace(",", " ").split()
    run = kernels(made)
    assert set(run) | set(left_out) >= set(table)
    assert all(set(table[name].flags) <= set(has) for name in run)
    assert all(name in wanted for name in run) if wanted else True
    assert all(entry.checks for entry in made.cells)
    assert {entry.cell.threads for entry in made.cells if entry.cell.kernel} <= threads


def elsewhere(*names: str, **given: Any) -> Plan:
    """Return a plan over platforms, each with files of its own."""
    chosen = settings(platforms=names, **given)
    targets: list[Target] = []
    for row in MATRICES.platforms:
        if row.name in chosen.platforms:
            old, new = (
                evolve(
                    each, filename=f"{row.name}-{each.filename}", sha256=f"{at}{each.sha256[1:]}"
                )
                for each, at in ((OLD, len(targets)), (NEW, len(targets)))
            )
            sides = [(Role.BASELINE, old), (Role.CANDIDATE, new)]
            targets.append(platform_target(row, sides, chosen))
    return plan(chosen, targets=targets)


def test_a_plan_over_platforms_has_the_kernels_of_the_table_whatever_this_cpu_is() -> None:
    made = elsewhere("all")
    assert made.platforms == ("linux-x86_64", "linux-aarch64")
    for row in MATRICES.platforms:
        cells = [entry.cell for entry in made.cells if entry.cell.platform == row.name]
        assert {cell.kernel for cell in cells} - {None} == (
            set(row.kernels) if row.name in made.platforms else set()
        )
        assert len({cell.pin for cell in cells}) == (2 if cells else 0)
    assert len({entry.cell.id for entry in made.cells}) == len(made.cells)
    assert {str(pin) for pin in made.pins} == {str(made.baseline), *map(str, made.candidates)}
    assert all(entry.seconds > 0 for entry in made.cells)
    lines = told(made)
    assert lines["check process.exit with kernels but Haswell on linux-x86_64"]
    assert lines["check process.exit with kernels but NEOVERSEN1 on linux-aarch64"]
    assert "musl container" in lines["platforms linux-x86_64-musl, linux-aarch64-musl"]
    assert "no OpenBLAS" in lines["platforms darwin-accelerate, windows-i686"]
    assert lines["platforms linux-ppc64le, linux-s390x, linux-riscv64"]


def test_one_platform_of_several_leaves_the_others_to_be_told() -> None:
    made = elsewhere("linux-aarch64", kernels=("NEOVERSEN1", "neoversen2"))
    assert kernels(made) == ["NEOVERSEN1", "NEOVERSEV2"]
    lines = told(made)
    assert lines["platform linux-x86_64"] == "not named by --platforms"
    left = next(what for what, why in lines.items() if why == "not named by --kernels")
    assert "ARMV8," in left
    assert made.estimate.build == MATRICES.timing.cold_build + MATRICES.timing.next_build


def test_platforms_that_cannot_be_planned_are_told_all_at_once() -> None:
    windows = next(row for row in MATRICES.platforms if row.name == "windows-x86_64")
    with pytest.raises(ConfigurationError) as caught:
        settings(platforms=("linux-x86-64", "windows-x86_64", "linux-aarch64"))
    assert [str(problem).partition(": ")[2] for problem in caught.value.problems] == [
        "unknown platform 'linux-x86-64'\n  hint: did you mean 'linux-x86_64'?",
        (
            f"windows-x86_64 cannot be planned: {windows.unreachable}\n"
            "  hint: there are linux-x86_64, linux-aarch64"
        ),
    ]
    with pytest.raises(ConfigurationError, match="--platforms: is empty"):
        settings(platforms=())
    with pytest.raises(ConfigurationError, match="can be checked on linux-aarch64"):
        elsewhere("all", kernels=("Haswell",))


@pytest.mark.parametrize("name", ["linux-x86_64", "linux-aarch64"])
def test_the_files_of_a_platform_fit_its_oldest_c_library(name: str) -> None:
    row = next(row for row in MATRICES.platforms if row.name == name)
    like = row.machine_like()
    assert (like.machine, like.libc) == (row.machine, "glibc 2.28")
    for each in MATRICES.pins:
        assert row.machine in str(choose_wheel(each.files, like))
