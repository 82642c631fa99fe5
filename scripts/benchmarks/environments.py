"""Virtual environments of the peers, created on demand in ``.bench/`` and reused."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

from benchmarks.outcome import NotMeasured

SCRIPTS = Path(__file__).parents[1]
ROOT = SCRIPTS.parent
REQUIREMENTS = {"peers": "bench_peers.txt", "imbens": "bench_peers_imbens.txt"}


def folder() -> Path:
    """Return the folder of the environments: ``IMBENCH_BENCH``, or ``.bench`` in the checkout."""
    return Path(os.environ.get("IMBENCH_BENCH") or ROOT / ".bench")


def python_of(name: str, make: bool = True) -> Path:
    """Return the interpreter of an environment, and create that if needed.

    ``IMBENCH_BENCH_PYTHON`` names another one that has the packages, where none can be installed.

    Parameters
    ----------
    name : {"peers", "imbens"}
    make : bool
        False: take it only if it is there.

    Raises
    ------
    NotMeasured
        If it is not there, or cannot be made.
    """
    if given := os.environ.get("IMBENCH_BENCH_PYTHON"):
        return Path(given)
    requirements = SCRIPTS / REQUIREMENTS[name]
    place = folder() / name
    python = place / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp = place / ".requirements"
    wanted = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()
    if python.exists() and stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return python
    if not make:
        raise NotMeasured(f"the environment of {requirements.name} is not there.")
    print(
        f"bench: installing {requirements.name} into {place} (once, some minutes)",
        file=sys.stderr,
        flush=True,
    )
    shutil.rmtree(place, ignore_errors=True)
    venv.create(place, with_pip=True)
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    done = subprocess.run(
        [*command, "-r", str(requirements)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise NotMeasured(f"{requirements.name} cannot be installed ({last}).")
    stamp.write_text(wanted, encoding="utf-8")
    return python
