"""Results for tests of the report page, and a browser to open it in."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from imbench.results.fold import CellResult
from tests.factories import make_cell, make_fold

EVIL = "</script><script>alert('x')</script>\"&<b>/🎉"


def sweep(dataset: str = "digits", model: str = "knn") -> list[CellResult]:
    """Six strategies: one better and one worse than none, one skipped, one failed."""
    place = {"dataset": dataset, "model": model}
    common: dict[str, Any] = {**place, "n": 200, "versions": {"torch": "2.9"}}
    moved = make_cell("threshold", skill=1.0, fit_s=2.5, **common)
    folds = [replace(f, y_pred=(f.y_score[:, 1] > 0.52).astype(np.int64)) for f in moved.folds]
    return [
        make_cell("none", skill=1.0, **common),
        make_cell("smote", skill=3.0, **common),
        replace(moved, folds=tuple(folds), stages=("decision",)),
        make_cell("noise", skill=0.0, **common),
        make_cell("broken", status="failed", reason="out of memory", **place),
        make_cell("focal", status="skipped", reason="focal needs a net, knn is none", **place),
    ]


def large_sweep(
    n_strategies: int = 100, n_datasets: int = 30, n_folds: int = 5
) -> list[CellResult]:
    """A comparison as large as the report supports; cells of a data set have the same labels."""
    cells = []
    for d in range(n_datasets):
        dataset = f"table_{d:02d}"
        for s in range(n_strategies):
            label = "none" if s == 0 else f"strategy_{s:02d}"
            run_id = hashlib.sha256(f"{dataset}{label}".encode()).hexdigest()[:16]
            ids = {"run_id": run_id, "dataset": dataset, "model": "mlp", "label": label}
            rng = np.random.default_rng([d, s])
            skill = 1.0 + rng.normal(0, 0.3)
            folds = [
                make_fold(17 * d + f, n=200, fold=f, skill=skill, **ids) for f in range(n_folds)
            ]
            config = {"dataset": {"name": dataset}, "model": {"name": "mlp"}}
            stages = () if s == 0 else ("resample", "loss", "decision")[s % 3 : s % 3 + 1]
            cells.append(CellResult(**ids, stages=stages, status="ok", reason="", n_folds=n_folds,
                                    config=config, folds=tuple(folds)))  # fmt: skip
    return cells


@contextmanager
def browser() -> Iterator[Any]:
    """Yield Debian's Chromium under Playwright, or skip the test with the reason."""
    sync_api = pytest.importorskip(
        "playwright.sync_api", reason="the page is tested with Playwright: pip install playwright"
    )
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("the page is tested in Chromium: apt-get install chromium")
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_api.sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=path, args=arguments)
        yield found
        found.close()


def address(page: Path) -> str:
    """The page's address for the browser."""
    return page.resolve().as_uri()
