"""Freed tables go back to the system, where the C library can be told so."""

import os
import subprocess
import sys

import pytest

from imbench.run.allocator import VARIABLES, keep_small_blocks_only

# The first large block that is freed raises the size from which blocks are the system's.
SCRIPT = """
import sys
import numpy as np
from imbench.run.allocator import keep_small_blocks_only

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096

told = keep_small_blocks_only() if sys.argv[1] == "told" else False
first = np.ones(30 * 2**17)
del first
before = resident()
tables = [np.ones(16 * 2**17), np.ones(2**16)]  # 16 MiB, and a small block behind it
del tables[0]
print(told, resident() - before)
"""

glibc = pytest.mark.skipif(
    not sys.platform.startswith("linux") or "glibc" not in os.confstr("CS_GNU_LIBC_VERSION"),
    reason="only glibc can be told",
)


def run(word, **variables):
    env = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    command = [sys.executable, "-c", SCRIPT, word]
    out = subprocess.run(command, env=env | variables, capture_output=True, text=True, check=True)
    told, kept = out.stdout.split()
    return told == "True", int(kept)


@glibc
def test_a_large_block_is_given_back_when_it_is_freed():
    told, kept = run("told")
    assert told
    assert kept < 4 * 2**20
    _, kept_otherwise = run("not told")
    assert kept_otherwise > 12 * 2**20  # else there is nothing to tell


@glibc
def test_what_a_user_has_set_stays(monkeypatch):
    told, _ = run("told", MALLOC_TRIM_THRESHOLD_="131072")
    assert not told


def test_another_c_library_is_left_alone(monkeypatch):
    monkeypatch.setattr("ctypes.CDLL", lambda name: object())
    keep_small_blocks_only.cache_clear()
    try:
        assert not keep_small_blocks_only()
    finally:
        keep_small_blocks_only.cache_clear()
