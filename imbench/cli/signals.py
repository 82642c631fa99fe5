"""Treat SIGTERM like Ctrl-C."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn


@contextmanager
def stop_on_sigterm() -> Iterator[None]:
    """Raise KeyboardInterrupt at SIGTERM, which a scheduler sends that wants the machine back.

    Only the main thread can do so.

    Examples
    --------
    >>> import os
    >>> try:
    ...     with stop_on_sigterm():
    ...         os.kill(os.getpid(), signal.SIGTERM)
    ... except KeyboardInterrupt:
    ...     print("stopped")
    stopped
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
