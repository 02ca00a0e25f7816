"""Answers that are kept: one file per check and environment, written as soon as it is known.

A run that was killed loses the check that was running, nothing else. An entry is used again only
for exactly the same wheel, library, interpreter, machine, settings and check source.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
from attrs import frozen

from release_gate import wire
from release_gate.errors import ConfigurationError
from release_gate.execution.environment import settings
from release_gate.model import KernelSeen, Observation, Outcome, ThreadsSeen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from release_gate.model import Artifact, Cell, CheckSpec, Host

__all__ = ["Kept", "ObservationStore", "Seen", "environment_key"]

SCHEMA = "release-gate/observation/1"


@frozen(kw_only=True)
class Seen:
    """What a child said of itself before the first check."""

    kernel: KernelSeen
    threads: ThreadsSeen
    config: str | None
    python: str


@frozen(kw_only=True)
class Kept:
    """One entry: the answer, and the child that gave it (None: it died before it could speak)."""

    seen: Seen | None
    observation: Observation


def environment_key(
    cell: Cell,
    artifact: Artifact,
    host: Host,
    *,
    profile: str,
    seed: int,
    launcher: tuple[str, ...] = (),
) -> str:
    """Return a digest of all that an answer depends on, apart from the check and its runner.

    Not part of it: on which side of the comparison the cell is, so that a library which is the
    baseline today and was the candidate yesterday is not asked again.
    """
    facts = {
        "wheel": artifact.sha256,
        "library": artifact.library_sha256,
        "interpreter": attrs.asdict(artifact.interpreter),
        "executable": _identity(artifact.interpreter.executable),
        "kernel": cell.kernel,
        "threads": cell.threads,
        "emulator": cell.emulator,
        "launcher": launcher,
        "profile": profile,
        "seed": seed,
        "settings": settings(cell.kernel, cell.threads),
        "host": attrs.asdict(host),
    }
    return _digest(facts)


def _identity(executable: str) -> list[Any]:
    """Return what changes when the file is replaced; an interpreter is too large to be hashed."""
    real = Path(executable).resolve()
    try:
        state = real.stat()
    except OSError:
        return [str(real)]
    return [str(real), state.st_size, state.st_mtime_ns]


def _digest(data: object) -> str:
    text = json.dumps(data, sort_keys=True, ensure_ascii=False, default=list)
    return hashlib.sha256(text.encode()).hexdigest()


@frozen
class ObservationStore:
    """The answers in a cache folder."""

    cache: Path

    def path(self, key: str, spec: CheckSpec) -> Path:
        """Return the file of the answer of `spec` in the environment `key`."""
        name = f"{spec.id}-{_digest([spec.id, spec.digest])[:16]}.json"
        return self.cache / "observations" / key[:2] / key / name

    def put(self, key: str, spec: CheckSpec, kept: Kept) -> None:
        """Keep an answer; `error` is none, and is not kept.

        Raises InfrastructureError when the file cannot be written.
        """
        if kept.observation.outcome is Outcome.ERROR:
            return
        data = wire.to_data(kept)
        wire.write_json(
            self.path(key, spec), {"schema": SCHEMA, "sha256": _digest(data), "kept": data}
        )

    def get(self, key: str, spec: CheckSpec) -> Kept | None:
        """Return what is kept, or None; an entry that was damaged counts as none."""
        path = self.path(key, spec)
        if not path.exists():
            return None
        try:
            document = wire.read_document(path, SCHEMA)
            kept = wire.from_data(document.get("kept"), Kept, str(path))
        except ConfigurationError:
            return None
        intact = document.get("sha256") == _digest(document["kept"])
        return kept if intact and kept.observation.check == spec.id else None

    def known(self, key: str, specs: Mapping[str, CheckSpec]) -> frozenset[str]:
        """Return the checks of `specs` that need not run (for an estimate: names, not contents)."""
        return frozenset(check for check, spec in specs.items() if self.path(key, spec).exists())
