"""The machines that a plan has cells for: this one, or platforms of the table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from release_gate.matrix.kernels import PinKernels, expected_kernels, select_kernels
from release_gate.matrix.selection import one_kernel

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from release_gate.matrix.settings import Settings
    from release_gate.matrix.tables import Matrices, PlatformRow
    from release_gate.model import Host, Pin, Role
    from release_gate.openblas.kernels import KernelHeld

__all__ = ["Target", "platform_target", "this_machine"]


@frozen(kw_only=True)
class Target:
    """One kind of machine with the pins as it has them: each platform has files of its own.

    `sides`: role and pin, the baseline first; `kernels`: per pin, what runs there. `everywhere`: a
    kernel that each such machine executes, of which this is known.
    """

    platform: str
    system: str
    sides: tuple[tuple[Role, Pin], ...]
    kernels: Mapping[Pin, PinKernels]
    everywhere: str = ""

    @property
    def only(self) -> str | None:
        """Return the kernel for checks that are asked with one of them (see `one_kernel`).

        The newest may be more than the machine's CPU executes: of an unknown one it is not taken.
        """
        run = [self.kernels[pin].run for _, pin in self.sides]
        return (
            self.everywhere if all(self.everywhere in names for names in run) else one_kernel(run)
        )


def this_machine(
    host: Host,
    sides: Sequence[tuple[Role, Pin]],
    held: Mapping[Pin, Sequence[KernelHeld]],
    settings: Settings,
    matrices: Matrices,
) -> Target:
    """Return `host` as a target; `held`: what each pin's library answered when it was asked."""
    return Target(
        platform=host.platform,
        system=host.system,
        sides=tuple(sides),
        kernels={
            pin: select_kernels(pin, held.get(pin, ()), settings, matrices, host)
            for _, pin in sides
        },
    )


def platform_target(
    row: PlatformRow, sides: Sequence[tuple[Role, Pin]], settings: Settings
) -> Target:
    """Return a platform as a target, with the kernels that the table expects there.

    The planning machine may be of that platform too: its CPU says nothing about the others.
    """
    return Target(
        platform=row.name,
        system=row.system,
        sides=tuple(sides),
        kernels={pin: expected_kernels(pin, row, settings) for _, pin in sides},
        everywhere=row.everywhere,
    )
