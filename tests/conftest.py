"""Shared by all tests: where the real data sets lie, and small data sets made here."""

import os
from collections.abc import Iterator
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


@pytest.fixture(scope="session", autouse=True)
def _cache_of_the_tests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Data sets are cached in a folder of the tests, not in the user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IMBENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests say where data and results are; the caller's shell does not."""
    monkeypatch.delenv("IMBENCH_RESULTS", raising=False)
    monkeypatch.delenv("IMBENCH_DATA", raising=False)


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
