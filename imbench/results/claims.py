"""Claims on folds: processes that run overlapping sweeps in one results folder share the work.

A claim is a small file beside the folds of a cell, ``r0-f3.claim``, that one process alone can
create. It says host, process and time, and its holder touches it every `REFRESH_S` seconds. It is
void

- at once, if its process does not exist any more and ran on this host;
- after `EXPIRES_S` seconds in which nobody touched it, as the one who waits has seen it with its
  own clock, so that the clocks of two machines need not agree;
- at once, if it was not touched for `OLD_S` seconds by the clocks of both machines.

A claim is a courtesy and no lock that results depend on: folds are written atomically and have the
same bits wherever they are fitted. If two processes fit one fold all the same (a process that was
halted for minutes, two containers with one host name), only time is lost.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

REFRESH_S = 30.0  # between two touches of a claim by its holder
EXPIRES_S = 120.0  # without a touch, by the clock of the one who waits
OLD_S = 3600.0  # without a touch, by the clocks of two machines
SUFFIX = ".claim"

_held: dict[Path, bytes] = {}  # claims of this process, by whatever thread
_guard = threading.Lock()
_heart: threading.Thread | None = None


@dataclass
class Claims:
    """Take and release claims on the folds of the cells in a folder.

    Parameters
    ----------
    runs : Path
        Folder of the cells.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> (Path(folder.name) / "toy-knn-none-0f1a").mkdir()
    >>> mine, other = Claims(Path(folder.name)), Claims(Path(folder.name))
    >>> mine.take("toy-knn-none-0f1a", ["r0-f0"]), other.take("toy-knn-none-0f1a", ["r0-f0"])
    (True, False)
    >>> mine.release("toy-knn-none-0f1a", ["r0-f0"])
    >>> other.take("toy-knn-none-0f1a", ["r0-f0"])
    True
    >>> other.release_all()
    >>> folder.cleanup()
    """

    runs: Path
    _mine: dict[Path, None] = field(default_factory=dict)
    _seen: dict[Path, tuple[int, float]] = field(default_factory=dict)

    def take(self, folder: str, names: Sequence[str]) -> bool:
        """Claim folds of a cell, all or none; False if another process has one of them.

        A folder that cannot be written claims nothing and hinders nobody: the store tells.

        Parameters
        ----------
        folder : str
            Name of the folder of the cell, which exists.
        names : sequence of str
            ``r0-f3``, a name for each fold.
        """
        taken: list[str] = []
        for name in names:
            path = self.runs / folder / f"{name}{SUFFIX}"
            if not (self._create(path) or (self._is_void(path) and self._take_over(path))):
                self.release(folder, taken)
                return False
            taken.append(name)
        return True

    def are_free(self, folder: str, names: Iterable[str]) -> bool:
        """Return whether nobody has any of some claims, as far as can be seen."""
        return all(self._is_void(self.runs / folder / f"{name}{SUFFIX}") for name in names)

    def release(self, folder: str, names: Sequence[str]) -> None:
        """Give claims back that :meth:`take` took."""
        for name in names:
            self._drop(self.runs / folder / f"{name}{SUFFIX}")

    def release_all(self) -> None:
        """Give back whatever is still held, after an interrupt for example."""
        for path in list(self._mine):
            self._drop(path)

    def holder(self, folder: str, name: str) -> str:
        """Return who holds a claim, in words for a message."""
        found = _content(self.runs / folder / f"{name}{SUFFIX}")[1]
        return f"process {found['pid']} on {found['host']}" if found else "another process"

    def _create(self, path: Path) -> bool:
        started = {"host": _host(), "pid": os.getpid(), "time": time.time()}
        content = json.dumps(started).encode()
        try:
            handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
        except FileExistsError:
            return False
        except OSError:
            return True
        self._mine[path] = None
        _hold(path, content)
        try:
            os.write(handle, content)
        except OSError:  # the disk is full: an empty claim expires like any other
            _held[path] = b""
        finally:
            os.close(handle)
        return True

    def _is_void(self, path: Path) -> bool:
        """Return whether a claim is nobody's any more, or is not there."""
        return self._is_abandoned(path) is not False

    def _is_abandoned(self, path: Path) -> bool | None:
        """Return whether a claim is there that is nobody's any more; None if none is there."""
        try:
            touched = path.stat().st_mtime_ns
        except OSError:
            return None
        _, holder = _content(path)
        if holder and holder["host"] == _host():
            if holder["pid"] == os.getpid():
                return path not in _held
            if _is_dead(holder["pid"]):
                return True
        known = self._seen.get(path)
        if known is None or known[0] != touched:
            self._seen[path] = known = (touched, time.monotonic())
        unseen_s = time.monotonic() - known[1]
        return unseen_s > EXPIRES_S or time.time() - touched / 1e9 > OLD_S

    def _take_over(self, path: Path) -> bool:
        """Replace a void claim; of several that try, one does.

        The file could be a new claim by now, therefore it is looked at again where one process at
        a time can.
        """
        from filelock import FileLock

        with suppress(OSError), FileLock(self.runs.parent / ".claims.lock"):
            if self._is_abandoned(path):
                path.unlink(missing_ok=True)
            return self._create(path)
        return False

    def _drop(self, path: Path) -> None:
        if path not in self._mine:
            return
        del self._mine[path]
        with _guard:
            content = _held.pop(path, b"")
        with suppress(OSError):
            if _content(path)[0] == content:  # another may have taken it over
                path.unlink()


def _hold(path: Path, content: bytes) -> None:
    """Have a claim touched for as long as it is held."""
    global _heart
    with _guard:
        _held[path] = content
        if _heart is None or not _heart.is_alive():
            _heart = threading.Thread(target=_beat, name="imbench-claims", daemon=True)
            _heart.start()


def _beat() -> None:
    while not threading.Event().wait(REFRESH_S):
        _touch()


def _touch() -> None:
    with _guard:
        paths = list(_held)
    for path in paths:
        with suppress(OSError):
            os.utime(path)


def _content(path: Path) -> tuple[bytes, dict[str, Any] | None]:
    """Return the bytes of a claim, and what they say; None if that is not known (yet)."""
    try:
        content = path.read_bytes()
    except OSError:
        return b"", None
    try:
        found = json.loads(content)
        return content, {"host": str(found["host"]), "pid": int(found["pid"])}
    except (ValueError, TypeError, KeyError):
        return content, None


def _is_dead(pid: int) -> bool:
    """Return whether a process of this host has ended; only POSIX systems can tell."""
    if os.name != "posix":
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError, ValueError):
        return False
    return False


@cache
def _host() -> str:
    return socket.gethostname()
