"""Which checks are asked where."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from release_gate.matrix.settings import Settings
    from release_gate.model import CheckSpec, Host

__all__ = ["applies", "takes"]


def takes(spec: CheckSpec, threads: int) -> bool:
    """Say whether a check is asked in cells with so many threads."""
    return spec.min_threads <= threads <= (spec.max_threads or threads)


def applies(spec: CheckSpec, settings: Settings, host: Host) -> bool:
    """Say whether a check is asked on `host` at all."""
    return (
        settings.selects(spec.id)
        and settings.profile in spec.profiles
        and (not spec.systems or host.system in spec.systems)
    )
