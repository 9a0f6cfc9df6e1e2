"""What an item may use up: its time, and the disk's last byte."""

from __future__ import annotations

import errno
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

NO_SPACE = (errno.ENOSPC, errno.EDQUOT)


class OutOfTime(BaseException):
    """Raised in the middle of whatever a stage does. No Exception, so that no `except Exception` there keeps it."""


@contextmanager
def within(seconds: float, what: str) -> Iterator[None]:
    """Raise OutOfTime where the block stands after that time, with `what` as its words.

    It comes between two steps of Python code: what never returns from a library is not stopped by it (on Ray, the
    driver then kills the process). Off the main thread, where there are no signals, it does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        raise OutOfTime(f"{what} and was stopped")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def terminable() -> Iterator[None]:
    """Treat SIGTERM, by which schedulers and clusters end a program, as Ctrl-C within the block."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def is_disk_full(error: BaseException | None) -> bool:
    """Say whether an error came of a full disk, at first hand or as the cause of another."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in NO_SPACE:
            return True
        error = error.__cause__ or error.__context__
    return False
