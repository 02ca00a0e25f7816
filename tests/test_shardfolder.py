"""Folders of shards are input that anybody may have made: what is wrong is refused and told."""

from __future__ import annotations

import hashlib
import json
import os
from typing import TYPE_CHECKING, Any

import pytest
from attrs import evolve
from gate_values import HOST, POLICY, passing, plan

from release_gate import __version__, wire
from release_gate.judgement.decide import decide
from release_gate.matrix.shards import shards_of
from release_gate.model import Verdict
from release_gate.shardfolder import (
    MOST_CELL_BYTES,
    Collected,
    collect_shards,
    shard_folders,
    write_shard,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PLAN_SHA256 = "a" * 64


#: Cells so long that each pair is a shard of its own.
PLAN = evolve(made := plan(), cells=tuple(evolve(entry, seconds=900.0) for entry in made.cells))
SHARDS = shards_of(PLAN)
BY_ID = {result.cell.id: evolve(result, tool_version=__version__) for result in passing(PLAN)}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a folder with the results of all shards."""
    for shard in SHARDS:
        write(tmp_path, shard.id)
    return tmp_path


def write(out: Path, shard_id: str, *, plan_sha256: str = PLAN_SHA256, **changes: Any) -> Path:
    shard = next(shard for shard in SHARDS if shard.id == shard_id)
    results = [evolve(BY_ID[entry.cell.id], **changes) for entry in shard.cells]
    return write_shard(out, shard_id, results, plan_sha256=plan_sha256, host=HOST)


def collect(root: Path) -> Collected:
    return collect_shards(shard_folders(root), SHARDS, plan_sha256=PLAN_SHA256)


def cells_of(collected: Collected) -> set[str]:
    return {result.cell.id for result in collected.results}


def manifest(folder: Path) -> dict[str, Any]:
    data = json.loads((folder / "manifest.json").read_bytes())
    assert isinstance(data, dict)
    return data


def restate(folder: Path, **changes: Any) -> None:
    """Change the manifest of a folder, so that only the content is left to be wrong."""
    wire.write_json(folder / "manifest.json", manifest(folder) | changes)


def replace(folder: Path, content: bytes) -> None:
    """Put `content` in the place of the first cell, and let the manifest agree."""
    first, *others = manifest(folder)["files"]
    (folder / first["name"]).write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    restate(folder, files=[first | {"size": len(content), "sha256": digest}, *others])


def edited(folder: Path, **changes: Any) -> None:
    first = folder / manifest(folder)["files"][0]["name"]
    replace(folder, json.dumps(json.loads(first.read_bytes()) | changes).encode())


def first_cell(folder: Path) -> Path:
    return folder / str(manifest(folder)["files"][0]["name"])


def test_what_is_sound_is_taken_whatever_it_is_wrapped_in(root: Path, tmp_path: Path) -> None:
    assert len(SHARDS) > 3
    whole = collect(root)
    assert (cells_of(whole), whole.refused) == (set(BY_ID), ())
    wrapped = tmp_path / "artifacts"
    for folder in shard_folders(root):
        place = wrapped / f"results-{folder.name}"
        place.mkdir(parents=True)
        folder.rename(place / folder.name)
    assert cells_of(collect(wrapped)) == set(BY_ID)


def test_a_shard_that_is_not_there_is_missing_and_told(root: Path) -> None:
    (gone, *_) = shard_folders(root)
    for path in gone.iterdir():
        path.unlink()
    gone.rmdir()
    collected = collect(root)
    assert [entry.what for entry in collected.refused] == [f"shard {SHARDS[0].id}"]
    lost = {entry.cell.id for entry in SHARDS[0].cells}
    assert cells_of(collected) == set(BY_ID) - lost
    decision = decide(PLAN, collected.results, POLICY, refused=collected.refused)
    assert {cell.id for cell in decision.missing_cells} == lost
    assert decision.verdict is not Verdict.GO
    assert decision.not_covered[0] == collected.refused[0]


def sparse(folder: Path) -> None:
    with first_cell(folder).open("wb") as stream:
        stream.truncate(2**30)


def big_manifest(folder: Path) -> None:
    with (folder / "manifest.json").open("ab") as stream:
        stream.truncate(2**30)


def traversal(folder: Path) -> None:
    first, *others = manifest(folder)["files"]
    restate(folder, files=[first | {"name": "../../plan.json"}, *others])


def linked(folder: Path) -> None:
    path = first_cell(folder)
    target = folder.parent / "elsewhere.json"
    path.rename(target)
    path.symlink_to(target)


def linked_manifest(folder: Path) -> None:
    target = folder.parent / "elsewhere.json"
    (folder / "manifest.json").rename(target)
    (folder / "manifest.json").symlink_to(target)


def linked_folder(folder: Path) -> None:
    target = folder.with_name("elsewhere")
    folder.rename(target)
    folder.symlink_to(target, target_is_directory=True)


def piped(folder: Path) -> None:
    first_cell(folder).unlink()
    os.mkfifo(first_cell(folder))


def changed(folder: Path) -> None:
    path = first_cell(folder)
    path.write_bytes(path.read_bytes().replace(b"passed", b"failed"))


def cut_short(folder: Path) -> None:
    replace(folder, first_cell(folder).read_bytes()[:-200])


def twice(folder: Path) -> None:
    files = manifest(folder)["files"]
    restate(folder, files=[*files, files[0]])


def of_another_cell(folder: Path) -> None:
    others = [result for result in BY_ID.values() if f"{result.cell.id}.json" not in folder.name]
    other = next(each for each in others if first_cell(folder).name != f"{each.cell.id}.json")
    replace(folder, json.dumps({"schema": wire.CELL_SCHEMA, **wire.to_data(other)}).encode())


def renamed(folder: Path) -> None:
    folder.rename(folder.with_name(f"shard-{SHARDS[1].id}0"))


def in_pieces(folder: Path) -> None:
    deep: Any = {}
    for _ in range(200):
        deep = {"a": deep}
    observations = json.loads(first_cell(folder).read_bytes())["observations"]
    observations[0]["evidence"]["details"] = deep
    edited(folder, observations=observations)


@pytest.mark.parametrize(
    ("tamper", "told"),
    [
        (sparse, "1,073,741,824 bytes; more than 16,777,216 are not read"),
        (big_manifest, "1,073,741,824 bytes; more than 1,048,576 are not read"),
        (traversal, "'../../plan.json' is no cell of this shard"),
        (linked, "cannot read: "),
        (linked_manifest, "cannot read: "),
        (linked_folder, "not a folder of its own"),
        (piped, "not a plain file"),
        (changed, "its size or digest is not what the manifest says"),
        (cut_short, "not a whole JSON document"),
        (lambda folder: replace(folder, b"[" * 100_000), "not a whole JSON document"),
        (lambda folder: replace(folder, b"[]"), "schema is None"),
        (in_pieces, "nested deeper than 40"),
        (lambda folder: edited(folder, verdict="GO"), "unknown key 'verdict'"),
        (lambda folder: edited(folder, python="\ud800"), "half of a surrogate pair"),
        (lambda folder: edited(folder, seconds=float("inf")), "a time that is none"),
        (lambda folder: edited(folder, tool_version="0.0"), "of another machine or gate"),
        (of_another_cell, "it is of another cell"),
        (twice, "stands 2 times"),
        (lambda folder: (folder / "extra.html").touch(), "'extra.html' is not in the manifest"),
        (lambda folder: restate(folder, plan_sha256="b" * 64), "the plan's digest is 'bbb"),
        (lambda folder: restate(folder, tool_version="0.0"), "the gate's version is '0.0'"),
        (lambda folder: restate(folder, shard="../x"), "the plan has no shard '../x'"),
        (lambda folder: restate(folder, shard=SHARDS[1].id), "the folder of shard"),
        (lambda folder: restate(folder, signed=True), "unknown key 'signed'"),
        (lambda folder: (folder / "manifest.json").unlink(), "No such file"),
        (renamed, "is called 'shard-"),
    ],
)
def test_a_shard_with_anything_wrong_is_refused_and_the_others_are_kept(
    root: Path, tamper: Callable[[Path], object], told: str
) -> None:
    tamper(shard_folders(root)[0])
    collected = collect(root)
    said = [f"{entry.what}: {entry.why}" for entry in collected.refused]
    assert any(told in line and "refused" in line for line in said), said
    lost = {entry.cell.id for entry in SHARDS[0].cells}
    assert cells_of(collected) == set(BY_ID) - lost
    decision = decide(PLAN, collected.results, POLICY, refused=collected.refused)
    assert {cell.id for cell in decision.missing_cells} == lost


def test_two_different_results_of_one_shard_are_both_refused(root: Path) -> None:
    write(root / "again", SHARDS[0].id)
    assert collect(root).refused == ()  # the same bytes twice say nothing new
    write(root / "again", SHARDS[0].id, seconds=1234.5)
    collected = collect(root)
    assert any("other results of the same shard" in entry.why for entry in collected.refused)
    assert cells_of(collected) == set(BY_ID) - {entry.cell.id for entry in SHARDS[0].cells}


def test_results_of_cells_that_were_not_measured_are_missing_and_the_rest_counts(
    tmp_path: Path,
) -> None:
    shard = SHARDS[0]
    results = [BY_ID[entry.cell.id] for entry in shard.cells[:1]]
    write_shard(tmp_path, shard.id, results, plan_sha256=PLAN_SHA256, host=HOST)
    assert cells_of(collect(tmp_path)) == {shard.cells[0].cell.id}


def test_a_large_result_is_within_the_limit() -> None:
    largest = max(len(json.dumps(wire.to_data(result))) for result in BY_ID.values())
    assert largest * 20 < MOST_CELL_BYTES
