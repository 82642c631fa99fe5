"""A worker process: it takes calls from its standard input and answers on its standard output.

It ends as soon as its parent does, in the middle of a call too, with all that it has started. What
a component prints goes to standard error, as standard output belongs to the parent.
"""

from __future__ import annotations

import ctypes
import os
import pickle
import queue
import signal
import struct
import sys
import threading
from typing import Any, BinaryIO, NoReturn

from imbench.components.startup import quick_imports
from imbench.errors import reason_of

LENGTH = struct.Struct(">Q")
DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of Linux's prctl(2)


def main() -> None:
    """Answer calls until the parent ends."""
    inlet, outlet = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)
    for number in (signal.SIGINT, signal.SIGTERM):  # the parent decides when a call ends
        signal.signal(number, lambda *_: None)
    if sys.platform == "linux" and hasattr(signal, "SIGKILL"):
        # Compiled code may keep the thread below from running.
        ctypes.CDLL(None).prctl(DEATH_SIGNAL, signal.SIGKILL)
    home = os.getcwd()
    frames: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(inlet, frames), daemon=True).start()
    while True:
        answer = _answer(frames.get(), outlet, home)
        write_frame(outlet, pickle.dumps(answer))


def read_frame(stream: BinaryIO) -> bytes | None:
    """Return the next frame, None if the stream has ended.

    Examples
    --------
    >>> import io
    >>> stream = io.BytesIO()
    >>> write_frame(stream, b"fold")
    >>> _ = stream.seek(0)
    >>> read_frame(stream), read_frame(stream)
    (b'fold', None)
    """
    head = stream.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    n_bytes: int = LENGTH.unpack(head)[0]
    content = stream.read(n_bytes)
    return content if len(content) == n_bytes else None


def write_frame(stream: BinaryIO, content: bytes) -> None:
    """Write a frame: its length, then its bytes."""
    stream.write(LENGTH.pack(len(content)) + content)
    stream.flush()


def _listen(inlet: BinaryIO, frames: queue.SimpleQueue[bytes]) -> None:
    while (frame := read_frame(inlet)) is not None:
        frames.put(frame)
    _end()


def _end() -> NoReturn:
    """End this process and those that it has started."""
    if hasattr(os, "killpg") and os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


def _answer(frame: bytes, outlet: BinaryIO, home: str) -> tuple[str, Any]:
    """Return what became of a call: its result, an exit code, or an exception.

    A component may have changed the working directory, at import or in the call before.
    """
    os.chdir(home)
    try:
        with quick_imports():
            function, arguments = pickle.loads(frame)
    except SystemExit as error:
        return "exited", error.code
    except Exception as error:
        return "unreadable", reason_of(error)
    os.chdir(home)
    write_frame(outlet, pickle.dumps(("begun", None)))
    try:
        return "done", function(*arguments)
    except SystemExit as error:
        return "exited", error.code if isinstance(error.code, int | None) else 1
    except Exception as error:
        return "raised", error
    except BaseException as error:  # such as KeyboardInterrupt
        return "unreadable", f"{type(error).__name__} was raised"
