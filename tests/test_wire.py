from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from attrs import frozen

from release_gate import wire
from release_gate.errors import ConfigurationError
from release_gate.model import Tier

if TYPE_CHECKING:
    from pathlib import Path


@frozen(kw_only=True)
class Sample:
    names: tuple[str, ...] = ()
    box: tuple[int, int] = (0, 0)
    count: int = 0
    ratio: float = 0.0
    tier: Tier = Tier.BLOCKING
    on: bool = False


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"names": "dgemm"}, "data: names: expected a list, got str 'dgemm'"),
        ({"names": {"dgemm": 1}}, "data: names: expected a list, got dict"),
        ({"names": ["a", 1]}, "data: names[1]: expected str, got int 1"),
        ({"box": [1]}, "data: box: Not enough values"),
        ({"count": True}, "data: count: expected int, got bool True"),
        ({"count": "8"}, "data: count: expected int, got str '8'"),
        ({"ratio": True}, "data: ratio: expected float, got bool True"),
        ({"on": 1}, "data: on: expected bool, got int 1"),
        ({"tier": "blokcing"}, "did you mean 'blocking'?"),
        ({"tier": 1}, "1 is not one of blocking, informing"),
        ({"rato": 1.0}, "data: unknown key 'rato', did you mean 'ratio'?"),
    ],
)
def test_values_of_another_type_are_refused_and_not_converted(
    data: dict[str, object], message: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        wire.from_data(data, Sample, "data")
    assert message in str(caught.value)


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(ConfigurationError) as caught:
        wire.from_data({"count": "8", "on": 1, "names": [1, 2]}, Sample, "data")
    assert len(caught.value.problems) == 4


def test_what_is_written_is_read_back_as_it_was() -> None:
    sample = Sample(names=("a",), box=(1, 2), count=3, ratio=4, tier=Tier.INFORMING, on=True)
    data = wire.to_data(sample)
    assert type(data["tier"]) is str
    back = wire.from_data(data, Sample, "data")
    assert back == sample
    assert type(back.tier) is Tier


def test_half_of_a_surrogate_pair_is_written_as_a_question_mark(tmp_path: Path) -> None:
    wire.write_json(tmp_path / "a.json", {"log": "ab\ud800c"})
    assert json.loads((tmp_path / "a.json").read_text("utf-8")) == {"log": "ab?c"}
