"""What one shard leaves behind, and how it is taken in again: as input that anybody may have made.

``shard-<id>/`` holds one file per cell and a manifest with their sizes and digests. A job that
judges has fetched these folders from machines that ran untrusted code: everything about them is
checked before it is believed, and a folder with anything wrong in it is refused as a whole.
"""

from __future__ import annotations

import hashlib
import math
import os
import stat
from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING, Final

from attrs import frozen

from release_gate import __version__, wire
from release_gate.errors import ConfigurationError, Problem
from release_gate.model import CellResult, Host, NotCovered

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from release_gate.matrix.shards import Shard

__all__ = [
    "SHARD_SCHEMA",
    "Collected",
    "collect_shards",
    "file_digest",
    "shard_folders",
    "write_shard",
]

SHARD_SCHEMA: Final = "release-gate/shard/1"

MANIFEST: Final = "manifest.json"
FOLDER: Final = "shard-"

#: A manifest names some hundred files; a cell's result is some hundred kB.
MOST_MANIFEST_BYTES: Final = 2**20
MOST_CELL_BYTES: Final = 16 * 2**20

#: The model is some ten levels deep.
MOST_DEPTH: Final = 40

#: Folders between what is given and a shard's: downloads put each artifact into one of its own.
LEVELS: Final = 2

#: Entries of one folder that are looked at.
MOST_ENTRIES: Final = 10_000


@frozen(kw_only=True)
class _File:
    name: str
    size: int
    sha256: str


@frozen(kw_only=True)
class _Manifest:
    shard: str
    plan_sha256: str
    tool_version: str
    host: Host
    files: tuple[_File, ...]


@frozen(kw_only=True)
class Collected:
    """The results of all shards that are sound, and what is to be said of the others."""

    results: tuple[CellResult, ...]
    refused: tuple[NotCovered, ...]


def file_digest(path: Path) -> str:
    """Return the SHA-256 of `path`; raise ConfigurationError when it cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise ConfigurationError(
            Problem(what=f"cannot read: {error.strerror or error}", where=str(path))
        ) from error


def write_shard(
    out: Path, shard: str, results: Iterable[CellResult], *, plan_sha256: str, host: Host
) -> Path:
    """Write ``out/shard-<shard>`` and return it; the manifest comes last, when all is there."""
    folder = out / f"{FOLDER}{shard}"
    files = []
    for result in results:
        path = folder / f"{result.cell.id}.json"
        wire.write_cell(path, result)
        files.append(_File(name=path.name, size=path.stat().st_size, sha256=file_digest(path)))
    manifest = _Manifest(
        shard=shard,
        plan_sha256=plan_sha256,
        tool_version=__version__,
        host=host,
        files=tuple(files),
    )
    wire.write_json(folder / MANIFEST, {"schema": SHARD_SCHEMA, **wire.to_data(manifest)})
    return folder


def shard_folders(root: Path) -> list[Path]:
    """Return the folders of shards in `root`, which may be one itself, in order.

    They are known by their names or by a manifest; links are not followed.
    """
    found = []
    level = [root.resolve()]
    for _ in range(LEVELS + 1):
        below: list[Path] = []
        for folder in level:
            if folder.name.startswith(FOLDER) or os.path.lexists(folder / MANIFEST):
                found.append(folder)
            elif not folder.is_symlink():
                entries = sorted(islice(folder.iterdir(), MOST_ENTRIES))
                below += (
                    path
                    for path in entries
                    if path.name.startswith(FOLDER) or (path.is_dir() and not path.is_symlink())
                )
        level = below
    return sorted(found)


def collect_shards(
    folders: Sequence[Path], shards: Sequence[Shard], *, plan_sha256: str
) -> Collected:
    """Return what `folders` hold of the `shards` of a plan; nothing in them raises.

    Two different folders of one shard are both refused: nobody can say which is right. Shards
    without a folder are told.
    """
    by_id = {shard.id: shard for shard in shards}
    taken: dict[str, tuple[str, list[CellResult]]] = {}
    refused: list[NotCovered] = []
    refused_ids: set[str] = set()
    for folder in folders:
        claimed = folder.name.removeprefix(FOLDER)
        try:
            manifest, digest = _manifest(folder, by_id, plan_sha256)
            claimed = manifest.shard
            results = _results(folder, manifest, by_id[claimed])
        except ConfigurationError as error:
            refused.append(_refusal(folder, error.problems))
        except OSError as error:
            problem = Problem(what=f"cannot read: {error.strerror or error}")
            refused.append(_refusal(folder, [problem]))
        else:
            if taken.setdefault(claimed, (digest, results))[0] != digest:
                problem = Problem(what="other results of the same shard are there too")
                refused.append(_refusal(folder, [problem]))
                refused_ids.add(claimed)
    if refused_ids:
        refused += (
            NotCovered(what=f"all results of shard {id_}", why="refused: they are not the same")
            for id_ in sorted(refused_ids)
        )
    arrived = taken.keys() - refused_ids
    told = {folder.name.removeprefix(FOLDER) for folder in folders} | taken.keys()
    refused += (
        NotCovered(what=f"shard {id_}", why="no results came: its job did not end")
        for id_ in by_id
        if id_ not in told
    )
    return Collected(
        results=tuple(result for id_ in by_id if id_ in arrived for result in taken[id_][1]),
        refused=tuple(refused),
    )


def _refusal(folder: Path, problems: Sequence[Problem]) -> NotCovered:
    why = "; ".join(
        f"{problem.where.rpartition('/')[2]}: {problem.what}" if problem.where else problem.what
        for problem in problems[:3]
    )
    more = f"; and {len(problems) - 3} more" if len(problems) > 3 else ""
    return NotCovered(what=f"results in {folder.name}", why=f"refused: {why}{more}")


def _manifest(folder: Path, shards: dict[str, Shard], plan_sha256: str) -> tuple[_Manifest, str]:
    """Return the manifest of a folder and its digest, once all that it claims is plausible."""
    if folder.is_symlink() or not folder.is_dir():
        raise ConfigurationError(Problem(what="not a folder of its own", where=str(folder)))
    path = folder / MANIFEST
    content = _content(path, MOST_MANIFEST_BYTES)
    data = wire.parse_document(content, SHARD_SCHEMA, str(path))
    _require_plain(data, path)
    manifest = wire.from_data(data, _Manifest, str(path))
    wrong = [
        f"{what} is {found!r:.80}, not {expected!r}"
        for what, found, expected in (
            ("the plan's digest", manifest.plan_sha256, plan_sha256),
            ("the gate's version", manifest.tool_version, __version__),
        )
        if found != expected
    ]
    if manifest.shard not in shards:
        wrong.append(f"the plan has no shard {manifest.shard!r:.80}")
    elif folder.name != f"{FOLDER}{manifest.shard}":
        wrong.append(f"the folder of shard {manifest.shard} is called {folder.name!r:.80}")
    else:
        own = {f"{entry.cell.id}.json" for entry in shards[manifest.shard].cells}
        counts = Counter(file.name for file in manifest.files)
        wrong += (f"{name!r:.80} is no cell of this shard" for name in counts.keys() - own)
        wrong += (f"{name!r:.80} stands {n} times" for name, n in counts.items() if n > 1)
        listed = {*counts, MANIFEST}
        here = {entry.name for entry in islice(folder.iterdir(), MOST_ENTRIES)}
        wrong += (f"{name!r:.80} is not in the manifest" for name in sorted(here - listed)[:3])
    if wrong:
        raise ConfigurationError([Problem(what=what, where=str(path)) for what in wrong])
    return manifest, hashlib.sha256(content).hexdigest()


def _results(folder: Path, manifest: _Manifest, shard: Shard) -> list[CellResult]:
    planned = {f"{entry.cell.id}.json": entry.cell for entry in shard.cells}
    results: list[CellResult] = []
    problems: list[Problem] = []
    for file in manifest.files:
        path = folder / file.name
        try:
            content = _content(path, MOST_CELL_BYTES, file)
            data = wire.parse_document(content, wire.CELL_SCHEMA, str(path))
            _require_plain(data, path)
            result = wire.from_data(data, CellResult, str(path))
        except ConfigurationError as error:
            problems += error.problems
            continue
        if result.cell != planned[file.name]:
            problems.append(Problem(what="it is of another cell", where=str(path)))
        elif (result.host, result.tool_version) != (manifest.host, manifest.tool_version):
            problems.append(Problem(what="it is of another machine or gate", where=str(path)))
        times = [result.seconds, *(each.seconds for each in result.observations)]
        if not all(0 <= seconds < math.inf for seconds in times):
            problems.append(Problem(what="it took a time that is none", where=str(path)))
        results.append(result)
    if problems:
        raise ConfigurationError(problems)
    return results


def _content(path: Path, most: int, file: _File | None = None) -> bytes:
    """Return the bytes of a regular file that is no link, once size and digest are right."""
    where = str(path)
    try:
        # O_NONBLOCK: a pipe would wait for its writer. What was opened is asked for its size.
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        with open(os.open(path, flags), "rb") as stream:  # noqa: PTH123  (of a descriptor)
            status = os.fstat(stream.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise ConfigurationError(Problem(what="not a plain file", where=where))
            if status.st_size > most:
                what = f"{status.st_size:,} bytes; more than {most:,} are not read"
                raise ConfigurationError(Problem(what=what, where=where))
            content = stream.read(most + 1)
    except OSError as error:
        what = f"cannot read: {error.strerror or error}"
        raise ConfigurationError(Problem(what=what, where=where)) from error
    if file is not None and (
        len(content) != file.size or hashlib.sha256(content).hexdigest() != file.sha256
    ):
        what = "its size or digest is not what the manifest says"
        raise ConfigurationError(Problem(what=what, where=where))
    return content


def _require_plain(data: object, path: Path) -> None:
    """Refuse nesting beyond the model's (it is walked recursively) and what cannot be written."""
    level = [data]
    for _ in range(MOST_DEPTH):
        try:
            for each in level:
                if isinstance(each, str):
                    each.encode()
        except UnicodeEncodeError as error:
            what = "holds half of a surrogate pair, which is no text"
            raise ConfigurationError(Problem(what=what, where=str(path))) from error
        level = [
            value
            for each in level
            if isinstance(each, dict | list)
            for value in ([*each, *each.values()] if isinstance(each, dict) else each)
        ]
        if not level:
            return
    raise ConfigurationError(Problem(what=f"nested deeper than {MOST_DEPTH}", where=str(path)))
