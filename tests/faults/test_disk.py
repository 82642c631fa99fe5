"""A disk that is full, and results that are read only: one sentence, and what is there is read."""

import os
import subprocess
from contextlib import contextmanager

import pytest

from imbench.cli import main
from tests.faults.commands import TREE, bits

pytestmark = pytest.mark.skipif(os.name != "posix", reason="limits and mounts of POSIX")
WORDS = (*TREE, "dataset.n_rows=3000", "tracking=none", "n_jobs=1")


def mount(*words):
    done = subprocess.run(["mount", *words], capture_output=True, text=True, check=False)
    return done.returncode == 0


@pytest.fixture
def small_disk(tmp_path):
    """A folder on a file system of 300 kB of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if not mount("-t", "tmpfs", "-o", "size=300k", "tmpfs", str(folder)):
        pytest.skip("a small file system cannot be mounted: run as root for this test")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@contextmanager
def files_up_to(n_bytes):
    """No file may be larger: a disk that is full, for those who may not mount one."""
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def says(capsys, *parts):
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err + captured.out
    lines = [line for line in captured.err.splitlines() if line.startswith("imbench: ")]
    assert len(lines) == 1, captured.err
    assert lines[0].endswith(".")
    for part in parts:
        assert part in lines[0]


def run(folder, *words):
    return main(["-m", *WORDS, *words, f"results_dir={folder}"])


@pytest.fixture
def expected(tmp_path, capsys):
    assert run(tmp_path / "plain", "strategy=none,random_over") == 0
    capsys.readouterr()
    return bits(tmp_path / "plain")


@pytest.mark.process
def test_a_full_disk_is_one_sentence_and_the_same_command_goes_on(
    small_disk, expected, capsys, faults
):
    results = small_disk / "results"
    filler = small_disk / "filler"
    for n_kb in (290, 250, 200, 160, 100)[: faults.n(5, 3)]:
        filler.write_bytes(bytes(n_kb * 1000))
        assert run(results, "strategy=none,random_over") == 3
        says(capsys, "cannot be written (No space left on device)", "same command again")
        assert bits(results).items() <= expected.items()
        filler.unlink()
    assert mount("-o", "remount,size=20m", str(small_disk))
    assert run(results, "strategy=none,random_over") == 0
    assert bits(results) == expected
    assert not list(results.rglob(".tmp-*"))
    faults.held("a full disk is one sentence, and the same command goes on", faults.n(5, 3))


@pytest.mark.parametrize("words", [(), ("tuning=optuna", "tuning.trials=2")])
def test_a_file_that_cannot_grow_is_one_sentence(tmp_path, capsys, words, faults):
    limits = (10, 1000, 8000)[: faults.n(3, 2)]
    for n_bytes in limits:
        with files_up_to(n_bytes):
            code = run(tmp_path / f"a{n_bytes}", "strategy=random_over", *words)
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err + captured.out
        assert "cannot be written (File too large)" in captured.err + captured.out
        assert code in (1, 3)
    faults.held("a file that cannot grow is one sentence", len(limits))


@pytest.mark.process
def test_read_only_results_are_shown_and_a_new_cell_is_one_sentence(small_disk, capsys, faults):
    assert mount("-o", "remount,size=20m", str(small_disk))
    results = small_disk / "results"
    assert run(results, "strategy=none,random_over") == 0
    table = capsys.readouterr().out
    assert mount("-o", "remount,ro", str(small_disk))
    assert run(results, "strategy=none,random_over") == 0
    assert capsys.readouterr().out == table
    assert run(results, "strategy=none,smote") == 2
    says(capsys, "cannot be written", "Read-only file system", "results_dir=")
    faults.held("results that are read only are shown; a new cell is one sentence", 2)
