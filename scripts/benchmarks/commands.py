"""Rows that time the whole command, from process start to its end."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.environments import python_of
from benchmarks.nets import LARGE, image_folder
from benchmarks.ours import f1
from benchmarks.outcome import Aim, Failed, NotMeasured, Outcome, Pair, judge
from benchmarks.sides import PEERS, Bench, Rows, Timed, timed, timed_here
from imbench.cli import main
from imbench.data.torchvision_shim import import_torchvision
from imbench.results.fold import CellResult
from imbench.results.store import Store

COMMAND = Aim("mnist_command", "whole command, tutorial's MNIST job, against its plain loop", 7)
OVERHEAD = Aim(
    "overhead", "30 strategies x 5 folds, time a cell that is not fit or predict", 0.25,
    unit="s", at_most=True,
)  # fmt: skip
HELP = Aim("help", "python -m imbench --help", 0.1, unit="s", at_most=True)
DONE = Aim("done_cell", "a cell that is already done", 0.7, unit="s", at_most=True)

STRATEGIES = (
    "none", "random_over", "random_under", "smote", "borderline_smote", "adasyn", "tomek", "enn",
    "smote_tomek", "smote_enn", "near_miss", "weighted_sampler", "balanced_batches",
    "stratified_batches", "progressive", "mixup", "remix", "inverse_weights", "effective_number",
    "balanced_weights", "focal", "ldam", "balanced_softmax", "poly1", "balanced_bagging",
    "under_bagging", "threshold", "isotonic", "temperature", "platt",
)  # fmt: skip
TUTORIAL = ("dataset=mnist", "model=mlp", "strategy=inverse_weights", "splits=official")


# What every command imports; the project's own modules come on top.
IMPORTS = ("torch", "sklearn.pipeline", "hydra.core.config_store")


def imbench(
    bench: Bench,
    results: Path,
    words: Sequence[str],
    is_run: bool = True,
    environ: Mapping[str, str] | None = None,
) -> Timed:
    """Run a command, in the environment of the benchmark unless another one is given.

    The smoke run runs it in this process.

    Raises
    ------
    Failed
        If it fails.
    """
    more = [f"results_dir={results}", "device=cpu"] if is_run else []
    if is_run and bench.smoke:
        more.append("tracking=none")
    environ = bench.environ() if environ is None else environ
    environ = {**environ, "IMBENCH_CACHE": str(results / "cache")}
    if is_run and bench.smoke:
        done = timed_here(lambda: main([*words, *more]), environ, bench.folder)
    else:
        command = [sys.executable, "-m", "imbench", *words, *more]
        done = timed(command, environ, bench.folder)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise Failed(f"`python -m imbench {' '.join(words)}` failed ({last}).")
    return done


def imports_s(bench: Bench) -> float:
    """Return the seconds of a process that imports the libraries as a command does.

    The smoke run imports them in this process.
    """
    code = (
        "from imbench.components.startup import quick_imports\n"
        f"with quick_imports(): import {', '.join(IMPORTS)}\nprint()"
    )
    if bench.smoke:
        done = timed_here(lambda: exec(code, {}), bench.environ(), bench.folder)
    else:
        done = timed([sys.executable, "-c", code], bench.environ(), bench.folder)
    if done.returncode:
        raise Failed(f"{', '.join(IMPORTS)}: cannot be imported.")
    return done.answer_s


def cells_of(results: Path) -> list[CellResult]:
    """Return what a command has stored."""
    return [cell for cell in Store(results).read_cells() if isinstance(cell, CellResult)]


def tracked(bench: Bench) -> str:
    """Say whether MLflow was part of it."""
    return "without MLflow" if bench.smoke else "MLflow included"


def tutorial_words() -> list[str]:
    """Return the command of the tutorial's job; every row is trained on, as in its loop."""
    options = {"epochs": LARGE.epochs, "batch_size": LARGE.batch_size, "validation_fraction": 0}
    return [*TUTORIAL, *(f"model.estimator.{k}={v}" for k, v in options.items())]


def mnist_command(bench: Bench) -> list[Outcome]:
    """Compare the tutorial's job as one command with its plain loop."""
    folder = image_folder(bench)
    if not (folder / "MNIST" / "raw").is_dir():
        raise NotMeasured(f"MNIST is not there: {folder} has no MNIST/raw.")

    def ours(seed: int) -> dict[str, Any]:
        results = bench.folder / f"mnist-{seed}"
        words = [*tutorial_words(), f"data_dir={folder}", f"seed={seed}"]
        done = imbench(bench, results, words)
        (fold,) = cells_of(results)[0].folds
        found = {"f1": [f1(fold.y_true, fold.y_pred)], "n_train": fold.n_train}
        seconds = {"seconds": done.answer_s, "end_s": done.seconds, "imports_s": imports_s(bench)}
        return found | seconds

    python = None if bench.smoke else python_of("peers")
    if bench.smoke:  # in this process, and beside a torch without CUDA too
        import_torchvision()
    shares = {"keep": {"0": 0.9}, "others": 0.1, "data_dir": str(folder)}

    def loop(seed: int) -> dict[str, Any]:
        job = {**LARGE.job(), **shares, "seed": seed}
        found = bench.script(python, PEERS / "tutorial.py", job)
        return {**found, "seconds": found["answer_s"]}

    found = bench.in_turns(ours, loop, 3)
    for one, other in found:
        if one["n_train"] != other["n_train"]:
            raise Failed(f"the sides train on {one['n_train']} and {other['n_train']} images.")
    pairs = [
        Pair(b["seconds"] / a["seconds"], a["seconds"], b["seconds"], a["f1"], b["f1"])
        for a, b in found
    ]
    more = {name: median(one[name] for one, _ in found) for name in ("end_s", "imports_s")}
    words = (
        f"`{' '.join(['python -m imbench', *tutorial_words()])}`, results and caches new, both "
        "from process start to the table or figure that they print; ours has written MLflow's run "
        f"by {more['end_s']:.1f} s, and importing {', '.join(IMPORTS)} alone takes "
        f"{more['imports_s']:.1f} s; {found[0][0]['n_train']:,} training images, whole test set; "
        f"loop with labels read an image at a time for each class, {LARGE}; {bench.cores} cores"
    )
    return [judge(COMMAND, pairs, words, more)]


def overhead(bench: Bench) -> list[Outcome]:
    """Measure a sweep, less the seconds of its fits and predictions."""
    names = STRATEGIES[:2] if bench.smoke else STRATEGIES
    n_rows = 120 if bench.smoke else 1000
    words = ["-m", "dataset=synthetic", f"dataset.n_rows={n_rows}", "model=mlp"]
    words.append("splits.n_repeats=1")
    if bench.smoke:
        words.append("model.estimator.epochs=1")
    pairs, spent = [], []
    for i in range(bench.pairs(3)):
        results = bench.folder / f"overhead-{i}"
        seconds = imbench(bench, results, [*words, f"strategy={','.join(names)}"]).seconds
        cells = cells_of(results)
        bad = [f"{cell.label} ({cell.reason})" for cell in cells if cell.status != "ok"]
        if bad or len(cells) != len(names):
            raise Failed(f"{len(cells)} of {len(names)} cells ran; not ok: {bad or 'none'}.")
        folds = [fold for cell in cells for fold in cell.folds]
        # Seconds of an earlier cell that are counted again did not pass in this command.
        spent.append(sum(f.fit_s - f.reused_s + f.predict_s for f in folds))
        pairs.append(Pair((seconds - spent[-1]) / len(cells), seconds))
    said = (
        f"synthetic {n_rows} x 10, mlp, {len(names)} strategies of every stage in one command, "
        f"start-up and table included, {tracked(bench)}; {bench.cores} cores"
    )
    return [judge(OVERHEAD, pairs, said, {"fit_predict_s": median(spent)})]


def help_screen(bench: Bench) -> list[Outcome]:
    """Measure the time of the help."""
    pairs = []
    for _ in range(bench.pairs(5)):
        done = imbench(bench, bench.folder, ["--help"], is_run=False)
        if "python -m imbench" not in done.stdout:
            raise Failed("the help does not name the command.")
        pairs.append(Pair(done.seconds, done.seconds))
    return [judge(HELP, pairs, "whole process")]


def done_cell(bench: Bench) -> list[Outcome]:
    """Measure a cell of which every fold is stored."""
    results = bench.folder / "done"
    words = ["dataset=synthetic", "model=mlp", "strategy=focal", "splits.n_repeats=1"]
    if bench.smoke:
        words += ["dataset.n_rows=120", "model.estimator.epochs=1"]
    first = imbench(bench, results, words).stdout
    stored = {path: path.stat().st_mtime_ns for path in results.rglob("r*-f*.*")}
    pairs = []
    for _ in range(bench.pairs(5)):
        done = imbench(bench, results, words)
        if {p: p.stat().st_mtime_ns for p in results.rglob("r*-f*.*")} != stored:
            raise Failed("a fold was written again.")
        if done.stdout != first:
            raise Failed("the second table is another one than the first.")
        pairs.append(Pair(done.seconds, done.seconds))
    said = f"`python -m imbench {' '.join(words)}` again, whole process, {tracked(bench)}"
    return [judge(DONE, pairs, said)]


ROWS: Rows = {
    (COMMAND,): mnist_command,
    (OVERHEAD,): overhead,
    (HELP,): help_screen,
    (DONE,): done_cell,
}
