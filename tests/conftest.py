"""Fixtures of all tests: the folder of the real data sets, and what is trained together."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def find_data_dir() -> Path | None:
    """Return ``IMBENCH_DATA``, or ``../shared/data`` beside the checkout where it exists."""
    default = ROOT.parent / "shared" / "data"
    named = os.environ.get("IMBENCH_DATA")
    return Path(named) if named else default if default.is_dir() else None


@pytest.fixture(scope="session")
def data_dir() -> Path:
    found = find_data_dir()
    if found is None:
        pytest.skip("real data sets are not there: set IMBENCH_DATA to their folder")
    return found


@pytest.fixture(scope="session")
def migrated(tmp_path_factory) -> Path:
    """An empty MLflow store. To migrate a new one takes seconds; all workers share it."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    path = shared / "empty-mlflow.db"
    if not path.exists():
        made = tmp_path_factory.mktemp("mlflow") / "empty.db"
        code = (
            "import sys; from imbench.report.mlflow.tracker import MlflowTracker;"
            "MlflowTracker('sqlite:///' + sys.argv[1], 'empty', sys.argv[2]).open()"
        )
        command = [sys.executable, "-c", code, str(made), str(made.parent)]
        subprocess.run(command, check=True, cwd=ROOT)
        made.rename(path)  # at once: another worker may look
    return path


@pytest.fixture(scope="session")
def empty_store(migrated) -> Callable[[Path], Path]:
    """Return a function that puts an empty MLflow store into a folder for results."""

    def put(results: Path) -> Path:
        results.mkdir(exist_ok=True)
        return Path(shutil.copy(migrated, results / "mlflow.db"))

    return put


@pytest.fixture
def stack_sizes(monkeypatch):
    """A list that gets the number of nets of each stack that is trained."""
    from imbench.models.nets.training import TrainingRun

    sizes, plain = [], TrainingRun.__init__

    def noted(self, jobs):
        sizes.append(len(jobs))
        plain(self, jobs)

    monkeypatch.setattr(TrainingRun, "__init__", noted)
    return sizes
