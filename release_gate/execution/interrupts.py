"""Signals that end the gate: seen as KeyboardInterrupt, and held back while children are killed."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import FrameType

__all__ = ["held_back", "termination_interrupts"]

ENDING = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


@contextmanager
def _handlers(
    numbers: tuple[signal.Signals, ...], handler: Callable[[int, FrameType | None], None]
) -> Iterator[None]:
    """Install `handler`; does nothing outside of the main thread, where Python delivers none."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    # None stands for a handler that was not installed by Python and cannot be put back.
    previous = {number: signal.getsignal(number) for number in numbers}
    changed = {number: old for number, old in previous.items() if old not in (None, signal.SIG_IGN)}
    try:
        for number in changed:
            signal.signal(number, handler)
        yield
    finally:
        for number, old in changed.items():
            signal.signal(number, old)


@contextmanager
def termination_interrupts() -> Iterator[None]:
    """Make SIGTERM and SIGHUP raise KeyboardInterrupt, as Ctrl-C does, so that `finally` runs."""
    with _handlers(tuple(n for n in ENDING if n != signal.SIGINT), _interrupt):
        yield


@contextmanager
def held_back() -> Iterator[Sequence[int]]:
    """Deliver ending signals only afterwards: a second Ctrl-C must not leave a child behind.

    Yields the signals that came so far, for a body that ends early then. Also for bodies that take
    locks: an exception in the moment after one was taken leaves it taken, for all threads.
    """
    pending: list[int] = []
    try:
        with _handlers(ENDING, lambda number, _frame: pending.append(number)):
            yield pending
    finally:
        if pending:
            signal.raise_signal(pending[0])
