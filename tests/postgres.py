"""A PostgreSQL server of the tests: on loopback, in a temporary folder, without any file kept."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

OPTIONS = ("fsync=off", "full_page_writes=off", "shared_buffers=16MB", "max_connections=60")


def program(name: str) -> str:
    """Return the path of a program of PostgreSQL, which Debian does not put into PATH."""
    debian = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    found = shutil.which(name) or (str(debian[-1]) if debian else "")
    if not found:
        pytest.skip("there is no PostgreSQL here: bash scripts/postgres.sh installs it")
    return found


@contextmanager
def server() -> Iterator[str]:
    """Run a server, and yield the address of its databases without a name of one."""
    initdb, postgres = program("initdb"), program("postgres")
    user: dict[str, int] = {}
    if os.getuid() == 0:  # PostgreSQL refuses to be run by root
        try:
            who = pwd.getpwnam("postgres")
        except KeyError:
            pytest.skip("PostgreSQL cannot be run by root, and there is no user postgres")
        user = {"user": who.pw_uid, "group": who.pw_gid}
    with tempfile.TemporaryDirectory(prefix="imbench-pg-", dir="/tmp") as name:
        if user:
            os.chown(name, user["user"], user["group"])
        folder = Path(name) / "data"
        log = (Path(name) / "log").open("w+", encoding="utf-8")  # a pipe would fill up
        quiet = {"stdout": log, "stderr": log, "cwd": name, **user}
        words = ["--no-sync", "--auth=trust", "--username=tester", "--encoding=UTF8"]
        made = subprocess.run([initdb, "-D", folder, *words, "--locale=C"], **quiet)
        assert made.returncode == 0, Path(log.name).read_text()
        with closing(socket.socket()) as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        settings = [word for option in OPTIONS for word in ("-c", option)]
        words = [postgres, "-D", folder, "-h", "127.0.0.1", "-p", str(port), "-k", name]
        process = subprocess.Popen([*words, *settings], **quiet)
        try:
            _wait_for(process, port, Path(log.name))
            yield f"postgresql+psycopg://tester@127.0.0.1:{port}"
        finally:
            process.send_signal(signal.SIGINT)  # SIGTERM would wait for clients
            process.wait(timeout=30)
            log.close()


def database(address: str, name: str) -> str:
    """Make an empty database and return its address."""
    execute(f"{address}/postgres", f'CREATE DATABASE "{name}"')
    return f"{address}/{name}"


def execute(address: str, sentence: str) -> list[tuple]:
    """Execute a sentence of SQL and return its rows."""
    import psycopg

    plain = address.replace("+psycopg", "")
    with psycopg.connect(plain, autocommit=True) as connection:
        cursor = connection.execute(sentence)
        return cursor.fetchall() if cursor.description else []


def _wait_for(process: subprocess.Popen, port: int, log: Path, seconds: float = 60) -> None:
    import psycopg

    limit = time.monotonic() + seconds
    while True:
        assert process.poll() is None, log.read_text()
        try:
            psycopg.connect(f"postgresql://tester@127.0.0.1:{port}/postgres").close()
            return
        except psycopg.OperationalError:
            assert time.monotonic() < limit
            time.sleep(0.05)
