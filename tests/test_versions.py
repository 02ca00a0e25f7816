from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from release_gate.errors import ConfigurationError
from release_gate.versions import OpenBLASVersion, VersionRange

parse = OpenBLASVersion.parse

#: Few distinct numbers, so that equal versions and equal tags are common.
numbers = st.integers(0, 3)
snapshots = st.builds(
    OpenBLASVersion, numbers, numbers, numbers, commits=st.integers(0, 600), build=numbers
)
developments = st.builds(OpenBLASVersion, numbers, numbers, numbers, dev=st.just(value=True))
versions = snapshots | developments
signs = st.sampled_from([">=", "<=", "==", "!=", ">", "<"])
ranges = st.lists(st.tuples(signs, versions), min_size=1, max_size=4).map(
    lambda clauses: VersionRange(tuple(clauses))
)

IN_ORDER = [
    "0.2.20",
    "0.3.0",
    "0.3.23.293",
    "0.3.23.293.1",
    "0.3.27.dev",
    "0.3.28",
    "0.3.28.0.2",
    "0.3.28.dev",
    "0.3.29",
    "0.3.29.265.0",
    "v0.3.33",
    "0.3.33.112.0",
    "0.3.34",
    "0.3.34.106.0",
    "0.3.34.237.2",
    "0.3.34.481.3",
    "0.3.34.dev",
    "0.10.0",
]


def test_known_versions_are_in_the_order_of_their_history() -> None:
    parsed = [parse(text) for text in IN_ORDER]
    assert sorted(parsed, key=lambda version: version) == parsed
    assert all(a < b for a, b in itertools.pairwise(parsed))


def test_dev_comes_after_its_tag_unlike_in_pep_440() -> None:
    assert parse("0.3.28") < parse("0.3.28.dev") < parse("0.3.29")
    assert Version("0.3.28.dev0") < Version("0.3.28")


@pytest.mark.parametrize("text", ["0.3.33.0.0", "v0.3.33", "0.3.33.0", " 0.3.33 ", "V0.3.33"])
def test_missing_numbers_are_zero(text: str) -> None:
    assert parse(text) == parse("0.3.33")
    assert hash(parse(text)) == hash(parse("0.3.33"))
    assert str(parse(text)) == "0.3.33"


@pytest.mark.parametrize(
    "text",
    ["", "0.3", "0.3.28.1.2.3", "0.3.28rc1", "0.3.28.dev.1", "0.3.28.dev1", "0.3.²", "0.-3.1", "x"],
)
def test_what_is_no_version_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"is not an OpenBLAS version") as caught:
        parse(text)
    assert "0.3.33.112.0" in caught.value.problems[0].hint


@pytest.mark.parametrize(
    ("config", "version"),
    [
        (
            "OpenBLAS 0.3.34.237.2  USE64BITINT DYNAMIC_ARCH NO_AFFINITY Haswell MAX_THREADS=64",
            "0.3.34.237.2",
        ),
        ("OpenBLAS 0.3.29  USE64BITINT DYNAMIC_ARCH NO_AFFINITY SkylakeX MAX_THREADS=64", "0.3.29"),
        ("OpenBLAS 0.3.30.dev DYNAMIC_ARCH NO_AFFINITY neoversen1 MAX_THREADS=128", "0.3.30.dev"),
    ],
)
def test_version_of_a_configuration_string(config: str, version: str) -> None:
    assert OpenBLASVersion.from_config(config) == parse(version)


@pytest.mark.parametrize("config", ["", "NO_AFFINITY Haswell", "OpenBLAS", "OpenBLAS Haswell"])
def test_configuration_string_without_a_version(config: str) -> None:
    with pytest.raises(ConfigurationError):
        OpenBLASVersion.from_config(config)


def test_impossible_versions_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="not negative"):
        OpenBLASVersion(0, -3, 1)
    with pytest.raises(ValueError, match="no count of commits"):
        OpenBLASVersion(0, 3, 28, dev=True, commits=5)


@given(versions)
def test_writing_and_reading_give_the_same_version(version: OpenBLASVersion) -> None:
    assert parse(str(version)) == version
    assert parse(version.tag) <= version


@given(versions, versions)
def test_any_two_versions_are_in_one_of_three_relations(
    a: OpenBLASVersion, b: OpenBLASVersion
) -> None:
    assert [a < b, a == b, a > b].count(True) == 1
    assert (a == b) == (hash(a) == hash(b) and str(a) == str(b))
    assert (a <= b) == (not a > b)


@given(versions, versions, versions)
def test_order_is_transitive(a: OpenBLASVersion, b: OpenBLASVersion, c: OpenBLASVersion) -> None:
    low, middle, high = sorted([a, b, c])
    assert low <= middle <= high
    assert low <= high


@given(developments, snapshots)
def test_dev_is_between_the_snapshots_of_its_tag_and_the_next_tag(
    development: OpenBLASVersion, other: OpenBLASVersion
) -> None:
    snapshot = OpenBLASVersion(
        development.major,
        development.minor,
        development.patch,
        commits=other.commits,
        build=other.build,
    )
    following = OpenBLASVersion(development.major, development.minor, development.patch + 1)
    assert snapshot < development < following


def test_range_of_a_known_issue() -> None:
    affected = VersionRange.parse(">=0.3.34,<0.3.34.481")
    inside = [text for text in IN_ORDER if parse(text) in affected]
    assert inside == ["0.3.34", "0.3.34.106.0", "0.3.34.237.2"]


@given(ranges, versions)
def test_range_holds_what_each_comparison_allows(
    versions_in: VersionRange, version: OpenBLASVersion
) -> None:
    def allowed(sign: str, bound: OpenBLASVersion) -> bool:
        relation = "<" if version < bound else ">" if version > bound else "="
        return relation in {">=": ">=", "<=": "<=", "==": "=", "!=": "<>", ">": ">", "<": "<"}[sign]

    assert (version in versions_in) == all(allowed(*clause) for clause in versions_in.clauses)
    if version in versions_in:
        assert not versions_in.is_empty


@given(ranges)
def test_range_is_written_and_read_back_or_refused_when_empty(versions_in: VersionRange) -> None:
    if versions_in.is_empty:
        with pytest.raises(ConfigurationError, match="no version is in the range"):
            VersionRange.parse(str(versions_in))
    else:
        assert VersionRange.parse(str(versions_in)) == versions_in


@pytest.mark.parametrize(
    "text", [">=0.3.28.dev,<0.3.28", ">0.3.28,<=0.3.28", "==0.3.1,!=0.3.1", ">=2.0.0,<1.0.0"]
)
def test_range_that_holds_nothing_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="no version is in the range"):
        VersionRange.parse(text)


def test_all_mistakes_of_a_range_are_told_at_once() -> None:
    with pytest.raises(ConfigurationError) as caught:
        VersionRange.parse("0.3.4, >=0.3.x,<0.3.9, ~=0.3")
    assert [problem.what.split()[0] for problem in caught.value.problems] == [
        "'0.3.4'",
        "'0.3.x'",
        "'~=0.3'",
    ]
