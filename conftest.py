"""Shared by the tests and by the examples in docstrings: tiers, and a clean environment.

The tier of a test is a marker: it follows from the folder of the test or from a fixture, or stands
on the test itself. A test without one runs in plain ``pytest``. There it may start no process and
open no connection, and it fails if it does.

``-n auto`` starts a worker for each core where a whole tier is run, and none where files are named.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

# Before NumPy and PyTorch are imported: threads of one worker would wait for those of another.
os.environ.setdefault("OMP_NUM_THREADS", "1")

TESTS = Path(__file__).parent / "tests"
TIERS = {"process", "contract", "browser"}
TIER_OF_FOLDER = {TESTS / "contracts": "contract", TESTS / "e2e": "process"}
TIER_OF_FIXTURE = {"chromium": "browser"}
STARTS = {"subprocess.Popen", "os.posix_spawn", "os.fork", "socket.connect"}
HARMLESS = {"uname"}  # the standard library's `platform` asks it once a process


class AuditLog:
    """Record what starts a process or opens a connection; an audit hook of the interpreter.

    Attributes
    ----------
    found : list of str or None
        None while nothing is recorded.
    """

    def __init__(self) -> None:
        self.found: list[str] | None = None

    def __call__(self, event: str, arguments: tuple[object, ...]) -> None:
        """Record an event of ``STARTS``."""
        if self.found is None or event not in STARTS:
            return
        if not arguments or os.path.basename(str(arguments[0])) not in HARMLESS:
            self.found.append(f"{event}{arguments[:2]}"[:200])


LOG = pytest.StashKey[AuditLog]()


def pytest_configure(config: pytest.Config) -> None:
    """Install the audit hook; the interpreter has no way to remove one."""
    config.stash[LOG] = log = AuditLog()
    sys.addaudithook(log)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """Return 0 workers for named files, and leave the number to pytest-xdist otherwise."""
    return 0 if config.args_source is pytest.Config.ArgsSource.ARGS else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests by their folder and by their fixtures."""
    for item in items:
        for folder, tier in TIER_OF_FOLDER.items():
            if item.path.is_relative_to(folder):
                item.add_marker(tier)
        for fixture, tier in TIER_OF_FIXTURE.items():
            if fixture in getattr(item, "fixturenames", ()):
                item.add_marker(tier)


@pytest.fixture(autouse=True)
def _plain_tests_start_nothing(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test without a tier that starts a process or opens a connection."""
    if TIERS & {mark.name for mark in request.node.iter_markers()}:
        yield
        return
    log = request.config.stash[LOG]
    log.found = found = []
    try:
        yield
    finally:
        log.found = None
    assert not found, f"mark the test with pytest.mark.process: {found}"


@pytest.fixture(scope="session", autouse=True)
def _cache_of_the_tests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Cache data sets in a folder of the tests, not in the user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IMBENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide what the caller's shell says about data and results."""
    monkeypatch.delenv("IMBENCH_RESULTS", raising=False)
    monkeypatch.delenv("IMBENCH_DATA", raising=False)
