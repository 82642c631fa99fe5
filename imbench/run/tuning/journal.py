"""The journal of a study: a checksum in each record, and what is done about damage.

A record is a line of JSON that Optuna writes and reads. A key more, ``sha256``, does not disturb
it, so that the file stays one that Optuna and its dashboard open. Records of older versions have
none, and are read as they are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from imbench.components.damage import Damaged, digest, set_aside
from imbench.components.files import replacing
from imbench.components.hashing import canonical_json
from imbench.errors import CannotWrite

SEAL = "sha256"
SEALED = re.compile(rb'"[0-9a-f]{64}"\}\s*$')  # ends so, whatever became of the name of the key


class Lock(Protocol):
    """What keeps other processes from writing, such as Optuna's ``JournalFileSymlinkLock``."""

    def acquire(self) -> bool:
        """Wait until no other process holds it."""
        ...

    def release(self) -> None:
        """Let other processes write."""
        ...


class SealedJournal:
    """A backend of Optuna's ``JournalStorage`` that adds a checksum to each record.

    Parameters
    ----------
    backend : optuna.storages.journal.JournalFileBackend
        Writes and reads the file.
    path : Path
        Of the file.
    lock : Lock
        Of the file.
    """

    def __init__(self, backend: Any, path: Path, lock: Lock) -> None:
        self.backend, self.path, self.lock = backend, path, lock

    def read_logs(self, log_number_from: int) -> Iterable[dict[str, Any]]:
        """Return the records from a number on."""
        found: Iterable[dict[str, Any]] = self.backend.read_logs(log_number_from)
        return found

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Append records.

        Raises
        ------
        CannotWrite
            If the disk is full; half a record is cut off.
        """
        try:
            self.backend.append_logs([sealed(log) for log in logs])
        except OSError as error:
            mend(self.path, self.lock)
            raise CannotWrite(
                f"{self.path} cannot be written ({error.strerror}): make room, and run the same "
                "command again."
            ) from error


def sealed(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record with a checksum of its content.

    Examples
    --------
    >>> sealed({"op_code": 1, "study_id": 0})["sha256"][:16]
    '69efd0c968218212'
    """
    plain = json.loads(json.dumps(record))
    return {**plain, SEAL: digest(canonical_json(plain))}


def check(content: bytes) -> None:
    """Check the whole lines of a journal.

    Raises
    ------
    Damaged
        If a record is no record, or fails its checksum. The second argument is the number of
        bytes before it.
    """
    start = 0
    for number, line in enumerate(content.splitlines(keepends=True), start=1):
        if not line.endswith(b"\n") and start + len(line) == len(content):
            return  # half a record, which a crash left
        why = _damage_of(line)
        if why:
            raise Damaged(f"record {number} {why}", start)
        start += len(line)


def mend(path: Path, lock: Lock, is_ours: bool = True) -> None:
    """Cut off half a record that a crash left; set a damaged journal aside.

    The records before the damage are kept, so that the trials behind it alone are run again.

    Parameters
    ----------
    path : Path
    lock : Lock
    is_ours : bool, default=True
        False leaves a file alone that does not begin as a journal does.
    """
    if not path.is_file() or _is_sound(path.read_bytes()):
        return
    lock.acquire()
    try:
        content = path.read_bytes()  # once more: another process may have been writing
        if not is_ours and _damage_of(content.partition(b"\n")[0]):
            return
        try:
            check(content)
            kept = content[: content.rfind(b"\n") + 1]
        except Damaged as error:
            why, n_bytes = error.args
            kept = content[:n_bytes]
            if set_aside(path, why, content) is None:
                return
        if kept != content:
            with replacing(path) as file:
                file.write(kept)
    finally:
        lock.release()


def _is_sound(content: bytes) -> bool:
    try:
        check(content)
    except Damaged:
        return False
    return not content or content.endswith(b"\n")


def _damage_of(line: bytes) -> str:
    """Return what is wrong with a record, nothing if it is sound."""
    try:
        record = json.loads(line)
        record["op_code"]
        seal = record.pop(SEAL, None)
        whole = digest(canonical_json(record)) == seal if seal else not SEALED.search(line)
    except Exception as error:
        return f"cannot be read: {type(error).__name__}"
    return "" if whole else "fails its checksum"


def records(content: bytes) -> Iterator[Mapping[str, Any]]:
    """Yield the whole records of a journal without their checksums."""
    for line in content[: content.rfind(b"\n") + 1].splitlines():
        yield {key: value for key, value in json.loads(line).items() if key != SEAL}
