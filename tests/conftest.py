"""Fixtures of all tests: the folder of the real data sets, and what is trained together."""

import os
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
