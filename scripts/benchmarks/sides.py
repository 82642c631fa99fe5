"""Run the two sides of a pair, each in a process of its own, in turns."""

from __future__ import annotations

import io
import json
import os
import runpy
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import environments, ours
from benchmarks.outcome import Aim, Failed, NotMeasured, Outcome, Pair
from imbench.run.environment import n_cores

SEED = 1000  # of the first pair; the next pairs count on
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
PEERS = environments.SCRIPTS / "bench_peers"

Side = Callable[[int], Mapping[str, Any]]
Rows = Mapping[tuple[Aim, ...], Callable[["Bench"], list[Outcome]]]


@dataclass
class Bench:
    """How a run of the benchmark measures.

    Parameters
    ----------
    folder : Path
        For data, jobs and results; empty, and deleted by the caller.
    data_dir : Path or None
        Where MNIST lies.
    n_pairs : int or None
        Of every row; None leaves it to the row.
    smoke : bool
        Small data, one pair, our side in this process, and no environment is made.
    """

    folder: Path
    data_dir: Path | None = None
    n_pairs: int | None = None
    smoke: bool = False

    def __post_init__(self) -> None:
        self.cores = 1 if self.smoke else n_cores()
        self._n_jobs = 0

    def pairs(self, default: int) -> int:
        """Return the number of pairs of a row."""
        return self.n_pairs or (1 if self.smoke else default)

    def environ(self, device: str = "cpu", threads: bool = True) -> dict[str, str]:
        """Return the environment of a process: all cores, no GPU unless asked for.

        Parameters
        ----------
        device : {"cpu", "cuda"}
        threads : bool
            Whether variables set the number of threads; False leaves it to the process.
        """
        words = {name: value for name, value in os.environ.items() if name not in THREADS}
        words |= dict.fromkeys(THREADS, str(self.cores)) if threads else {}
        words |= {"PYTHONPATH": str(environments.ROOT), "IMBENCH_DATA": str(self.data_dir or "")}
        return words if device == "cuda" else words | {"CUDA_VISIBLE_DEVICES": ""}

    def write_job(self, job: Mapping[str, Any]) -> Path:
        """Write a job into a file of its own."""
        self._n_jobs += 1
        path = self.folder / f"job{self._n_jobs}.json"
        path.write_text(json.dumps(job), encoding="utf-8")
        return path

    def ours(self, job: Mapping[str, Any]) -> dict[str, Any]:
        """Measure our side.

        Raises
        ------
        Failed
            If it ends with an error.
        """
        if self.smoke:
            return ours.measure(job)
        try:
            return self.script(Path(sys.executable), Path(ours.__file__), job)
        except NotMeasured as problem:
            raise Failed(str(problem)) from problem

    def peer(self, environment: str, script: str, job: Mapping[str, Any]) -> dict[str, Any]:
        """Measure a peer.

        Raises
        ------
        NotMeasured
            If its environment cannot be made, or the peer ends with an error.
        """
        python = environments.python_of(environment, make=not self.smoke)
        return self.script(python, PEERS / script, job)

    def script(
        self,
        python: Path | None,
        script: Path,
        job: Mapping[str, Any],
        environ: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """Run a script with a job; return what it prints when it is done, and when that was.

        Parameters
        ----------
        python : Path or None
            None runs it in this process.
        script : Path
        job : mapping
        environ : mapping or None
            None: :meth:`environ`, with the device of the job.

        Raises
        ------
        NotMeasured
            If it ends with an error.
        """
        words = [str(script), str(self.write_job(job))]
        environ = self.environ(job.get("device", "cpu")) if environ is None else environ
        if python is None:
            done = timed_here(lambda: run_script(words), environ, self.folder)
        else:
            done = timed([str(python), *words], environ, self.folder)
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["no message"])[-1]
            raise NotMeasured(f"{script.name} ended with an error ({last}).")
        return {**json.loads(done.stdout.splitlines()[-1]), "answer_s": done.answer_s}

    def in_turns(self, one: Side, other: Side, default_pairs: int) -> list[tuple[Any, Any]]:
        """Measure pairs of two sides, every second pair in reverse order.

        A side is called with the seed of the pair.
        """
        found = []
        for i in range(self.pairs(default_pairs)):
            if i % 2:
                second = other(SEED + i)
                found.append((one(SEED + i), second))
            else:
                first = one(SEED + i)
                found.append((first, other(SEED + i)))
        return found


@dataclass(frozen=True)
class Timed:
    """A command that has ended.

    Parameters
    ----------
    seconds : float
        From its start to its end.
    answer_s : float
        To the first line that it printed, or to the end if there was none.
    returncode : int
    stdout, stderr : str
    """

    seconds: float
    answer_s: float
    returncode: int
    stdout: str
    stderr: str


def timed(command: Sequence[str], environ: Mapping[str, str], folder: Path) -> Timed:
    """Run a command to its end."""
    started = time.perf_counter()
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8") as errors,
        subprocess.Popen(
            command, env=dict(environ), cwd=folder, stdout=subprocess.PIPE, stderr=errors, text=True
        ) as process,
    ):
        assert process.stdout is not None
        first = process.stdout.readline()
        answer_s = time.perf_counter() - started
        rest = process.stdout.read()
        returncode = process.wait()
        seconds = time.perf_counter() - started
        errors.seek(0)
        return Timed(seconds, answer_s, returncode, first + rest, errors.read())


def timed_here(call: Callable[[], int | None], environ: Mapping[str, str], folder: Path) -> Timed:
    """Call a function in this process as :func:`timed` runs a command; for the smoke run.

    What it prints on standard error is shown at once and not kept.
    """
    printed = io.StringIO()
    before, cwd = dict(os.environ), Path.cwd()
    message = ""
    started = time.perf_counter()
    try:
        os.environ.clear()
        os.environ.update(environ)
        os.chdir(folder)
        with redirect_stdout(printed):
            code = call() or 0
    except Exception as error:
        code, message = 1, "".join(traceback.format_exception_only(error))
    finally:
        os.chdir(cwd)
        os.environ.clear()
        os.environ.update(before)
    seconds = time.perf_counter() - started
    return Timed(seconds, seconds, code, printed.getvalue(), message)


def run_script(words: Sequence[str]) -> None:
    """Run ``python words`` in this process, and leave its words, paths and filters as they were."""
    argv, paths, known = sys.argv, list(sys.path), set(sys.modules)
    sys.argv = list(words)
    sys.path.insert(0, str(Path(words[0]).parent))
    try:
        with warnings.catch_warnings():
            runpy.run_path(words[0], run_name="__main__")
    finally:
        sys.argv, sys.path[:] = argv, paths
        if "shared" not in known:  # of the peers; another script may have another one
            sys.modules.pop("shared", None)


def fastest_first(side: Callable[[int, str | None], dict[str, Any]]) -> Side:
    """Run a peer in every way in the first pair, and in the fastest one from then on."""
    kept: list[str] = []

    def measure(seed: int) -> dict[str, Any]:
        found = side(seed, kept[0] if kept else None)
        kept.append(found["how"])
        return found

    return measure


def as_pair(one: Mapping[str, Any], other: Mapping[str, Any]) -> Pair:
    """Return how much faster the first side is."""
    return Pair(
        ratio=other["seconds"] / one["seconds"],
        ours_s=one["seconds"],
        peer_s=other["seconds"],
        ours_f1=one["f1"],
        peer_f1=other["f1"],
    )
