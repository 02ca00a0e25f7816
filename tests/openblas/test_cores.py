from __future__ import annotations

import pytest

from release_gate.openblas.cores import canonical


@pytest.mark.parametrize(
    ("told", "name"),
    [
        ("Prescott", "Katmai"),
        ("PRESCOTT", "Katmai"),
        ("Katmai", "Katmai"),
        ("SkylakeX", "SkylakeX"),
        ("HASWELL", "HASWELL"),  # a library of one kernel
        ("of tomorrow", "of tomorrow"),
        (None, None),
    ],
)
def test_a_core_has_one_name(told: str | None, name: str | None) -> None:
    assert canonical(told) == name
