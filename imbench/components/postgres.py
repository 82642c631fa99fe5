"""Locks of a PostgreSQL database, for what one process after the other has to do.

The server frees the locks of a process that was killed, because its connection ends.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

# A machine that lost its power ends no connection: the server asks after 30 s, and 3 times more.
ALIVE = {"tcp_keepalives_idle": 30, "tcp_keepalives_interval": 10, "tcp_keepalives_count": 3}

ASK_S = 0.1  # between two questions for a lock that another process holds


def is_address(address: str) -> bool:
    """Return whether an address is one of a PostgreSQL database.

    Examples
    --------
    >>> is_address("postgresql+psycopg://host/runs"), is_address("sqlite:///runs.db")
    (True, False)
    """
    return re.match(r"postgres(ql)?(\+\w+)?://", address) is not None


@contextmanager
def alone(address: str | None, names: Sequence[str]) -> Iterator[None]:
    """Hold names in a PostgreSQL database; other processes that want one of them wait.

    With a pool between client and server (PgBouncer) it has to be one of sessions.

    Parameters
    ----------
    address : str or None
        Of any other kind nothing is held.
    names : sequence of str
        Taken in an order that is the same everywhere, so that no two processes wait for each other.

    Examples
    --------
    >>> with alone("study.log", ["digits-knn-smote-0f1a r0-f0"]):
    ...     pass

    References
    ----------
    PostgreSQL manual, section 13.3.5, "Advisory Locks".
    """
    if address is None or not is_address(address):
        yield
        return
    from sqlalchemy import create_engine, text
    from sqlalchemy.pool import NullPool

    # Without a transaction, which would keep the server from cleaning its tables meanwhile.
    engine = create_engine(address, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for name, value in ALIVE.items():
            connection.execute(text(f"SET {name} = {value}"))
        take = text("SELECT pg_try_advisory_lock(:number)")
        for number in sorted(map(_lock_number, names)):
            # A sentence that waits would keep the server from cleaning its tables just as well.
            while not connection.execute(take, {"number": number}).scalar():
                time.sleep(ASK_S)
        yield


def _lock_number(name: str) -> int:
    """Return the number of a lock, 64 bits with a sign.

    Examples
    --------
    >>> _lock_number("tables") == _lock_number("tables") != _lock_number("r0-f0")
    True
    """
    digest = hashlib.sha256(f"imbench {name}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)
