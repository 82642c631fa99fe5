"""Standard output and error that are closed, full, ASCII only, or read by nobody any more."""

from __future__ import annotations

import codecs
import contextlib
import io
import os
import sys
import traceback
from collections.abc import Iterator
from types import TracebackType
from typing import IO, Any

from imbench.errors import masked

LOOKALIKES = {
    "·": "-",
    "\u2013": "-",
    "\u2212": "-",
    "…": "...",
    "±": "+-",
    "\u00d7": "x",
    "→": "->",
}


@contextlib.contextmanager
def ready_streams() -> Iterator[None]:
    """Make both streams fit to be written to, for as long as the block runs.

    A closed one leads nowhere. One that is not of UTF-8 shows other characters as ones that look
    alike, or escaped. What cannot be written to standard error is lost: a sweep does not end for
    it. Addresses in the traceback of an error that nobody catches are masked.
    """
    before = sys.stdout, sys.stderr
    codecs.register_error("imbench", _look_alike)
    with contextlib.ExitStack() as opened:
        for name in ("stdout", "stderr"):
            if getattr(sys, name) is None:  # it was closed when the process started
                nowhere = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
                setattr(sys, name, opened.enter_context(nowhere))
            stream = getattr(sys, name)
            if isinstance(stream, io.TextIOWrapper) and not _is_utf8(stream):
                stream.reconfigure(errors="imbench")
        sys.stdout = Watched(sys.stdout)
        is_own = sys.stderr is sys.__stderr__
        if is_own:  # not one that a test or a notebook has put there
            sys.stderr = Lenient(sys.stderr)
        if sys.excepthook is sys.__excepthook__:
            sys.excepthook = _show
        try:
            yield
        finally:
            sys.stdout, sys.stderr = before


class Watched:
    r"""A text stream that remembers why it could not be written to.

    Parameters
    ----------
    stream : text stream

    Attributes
    ----------
    problem : OSError or None
        Of the first failure.

    Examples
    --------
    >>> stream = Watched(io.StringIO())
    >>> print("kept", file=stream)
    >>> stream.problem is None, stream.getvalue()
    (True, 'kept\n')
    """

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self.problem: OSError | None = None

    def write(self, text: str) -> int:
        """Write a text."""
        with self._watched():
            return self._stream.write(text)

    def flush(self) -> None:
        """Flush what was written."""
        with self._watched():
            self._stream.flush()

    @contextlib.contextmanager
    def _watched(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self.problem = self.problem or error
            raise

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class Lenient:
    """A text stream whose failures do not matter.

    Parameters
    ----------
    stream : text stream

    Examples
    --------
    >>> class Full(io.StringIO):
    ...     def write(self, text):
    ...         raise OSError(28, "No space left on device")
    >>> print("lost", file=Lenient(Full()))
    """

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write what can be written."""
        with contextlib.suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush what can be flushed."""
        with contextlib.suppress(OSError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def problem_of_output() -> OSError | None:
    """Return why standard output cannot be written to, None if it can. What waits is written."""
    with contextlib.suppress(OSError):
        sys.stdout.flush()
    return getattr(sys.stdout, "problem", None)


def give_up_output() -> None:
    """Lead standard output nowhere, so that Python does not try again at its end."""
    with contextlib.suppress(OSError, ValueError):  # it may have no number
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _is_utf8(stream: io.TextIOWrapper) -> bool:
    return codecs.lookup(stream.encoding).name == "utf-8"


def _look_alike(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    signs = error.object[error.start : error.end]
    shown = (LOOKALIKES.get(c) or c.encode("ascii", "backslashreplace").decode() for c in signs)
    return "".join(shown), error.end


def _show(kind: type[BaseException], error: BaseException, where: TracebackType | None) -> None:
    lines = traceback.format_exception(kind, error, where)
    sys.stderr.write(masked("".join(lines)))
