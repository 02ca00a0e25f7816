"""Shards of any plan: each cell once, pairs together, never too many, always the same."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003  (hypothesis reads annotations)
from typing import Any

import pytest
from attrs import evolve
from gate_values import BASELINE, CANDIDATE, cell, no_go_run
from hypothesis import given
from hypothesis import strategies as st

from release_gate import wire
from release_gate.errors import ConfigurationError
from release_gate.matrix.shards import MOST_SHARDS, SHARD_SECONDS, shards_of
from release_gate.model import Plan, PlannedCell, Role

PLAN, _ = no_go_run()

names = st.sampled_from(["linux-x86_64", "linux-x86_64-musl", "linux-aarch64"])
kernels = st.sampled_from(["Nehalem", "Haswell", "SkylakeX", "NEOVERSEN1"])
places = st.tuples(names, kernels, st.integers(1, 20)) | st.tuples(names, st.none(), st.just(0))
plans = st.dictionaries(
    places, st.tuples(st.floats(0, 5000), st.floats(0, 5000)), min_size=1, max_size=60
)


def planned(costs: Mapping[Any, tuple[float, float]]) -> Plan:
    """Return a plan with both sides of each place, the baseline's cells first."""
    cells = [
        PlannedCell(
            cell=evolve(cell(role, kernel, threads, of=of), platform=platform),
            checks=("exact.gemm",),
            seconds=costs[platform, kernel, threads][index],
        )
        for index, (role, of) in enumerate(((Role.BASELINE, BASELINE), (Role.CANDIDATE, CANDIDATE)))
        for platform, kernel, threads in costs
    ]
    return evolve(PLAN, cells=tuple(cells))


@given(plans, st.integers(3, 300))
def test_each_cell_is_in_one_shard_with_those_it_is_compared_with(
    costs: dict[tuple[str, str | None, int], tuple[float, float]], most: int
) -> None:
    plan = planned(costs)
    shards = shards_of(plan, most)
    assert 0 < len(shards) <= most
    assert len({shard.id for shard in shards}) == len(shards)
    held = [entry for shard in shards for entry in shard.cells]
    assert sorted(entry.cell.id for entry in held) == sorted(e.cell.id for e in plan.cells)
    home: dict[tuple[str, str | None, int], str] = {}
    for shard in shards:
        assert shard.cells
        assert shard.seconds == pytest.approx(sum(entry.seconds for entry in shard.cells))
        for entry in shard.cells:
            where = (entry.cell.platform, entry.cell.kernel, entry.cell.threads)
            assert entry.cell.platform == shard.platform
            assert home.setdefault(where, shard.id) == shard.id
        order = [plan.cells.index(entry) for entry in shard.cells]
        assert order == sorted(order)
    for platform in plan.platforms:
        groups = sum(place[0] == platform for place in costs)
        assert sum(shard.platform == platform for shard in shards) <= groups


@given(plans)
def test_shards_follow_from_the_file_alone(
    costs: dict[tuple[str, str | None, int], tuple[float, float]],
) -> None:
    plan = planned(costs)
    again = wire.from_data(wire.to_data(plan), Plan, "plan")
    assert shards_of(plan) == shards_of(plan) == shards_of(again)


@given(plans)
def test_no_shard_is_much_longer_than_another_of_its_platform(
    costs: dict[tuple[str, str | None, int], tuple[float, float]],
) -> None:
    plan = planned(costs)
    longest = max(sum(pair) for pair in costs.values())
    shards = shards_of(plan)
    for platform in plan.platforms:
        of = [shard.seconds for shard in shards if shard.platform == platform]
        # The longest bin had room for nothing else when its last group came.
        assert max(of) <= sum(of) / len(of) + longest + 1e-6
        assert max(of) <= SHARD_SECONDS + longest or len(shards) == MOST_SHARDS


def test_cheap_plans_take_one_machine_per_platform_and_dear_ones_at_most_256() -> None:
    many = {
        (platform, "Haswell", threads): (1.0, 1.0)
        for platform in ("linux-x86_64", "linux-aarch64")
        for threads in range(1, 200)
    }
    assert [shard.id for shard in shards_of(planned(many))] == [
        "linux-x86_64-01",
        "linux-aarch64-01",
    ]
    dear = {place: (900.0, 900.0) if "x86" in place[0] else (500.0, 400.0) for place in many}
    shards = shards_of(planned(dear))
    assert len(shards) == MOST_SHARDS
    counts = [sum(s.platform == name for s in shards) for name in ("linux-x86_64", "linux-aarch64")]
    assert counts[0] > counts[1] > 0


def test_more_platforms_than_jobs_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match="2 platforms do not fit into 1 jobs"):
        shards_of(planned({("a", "Haswell", 1): (1, 1), ("b", "Haswell", 1): (1, 1)}), 1)
