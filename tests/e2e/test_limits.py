"""Limits on the command line: exit codes, and sentences that name a fix."""

import pytest

from imbench.errors import DataError
from tests.e2e.conftest import says

pytestmark = pytest.mark.process

OWN = ("dataset=synthetic", "dataset.n_rows=100", "splits.n_splits=3", "model=own")
TABLE = ("dataset=synthetic", "dataset.n_rows=100", "splits.n_splits=2", "model=decision_tree")


def test_sys_exit_in_a_fit_is_a_failed_cell_of_a_sweep(run):
    done = run(
        "-m", *OWN, "model.estimator._target_=tests.limited.Misbehaves",
        "+model.estimator.how=exit", "strategy=none,random_over",
    )  # fmt: skip
    assert done.code == 1
    assert "exited: " in done.out


def test_sys_exit_at_an_import_is_a_sentence(run, tmp_path):
    (tmp_path / "leaves.py").write_text("import sys\nsys.exit(0)\n")
    done = run(*OWN, "model.estimator._target_=leaves.Model")
    says(done, "model.estimator._target_=leaves.Model", "sys.exit(0)")
    assert done.code == 2


@pytest.mark.parametrize(
    ("word", "parts"),
    [
        ("limits.timeout_s=-1", ("limits.timeout_s=-1", "limits.timeout_s=60")),
        ("limits.memory_gb=much", ("limits.memory_gb=much", "limits.memory_gb=4")),
        ("limits=5", ("limits=5", "limits.timeout_s=60")),
        ("retry=maybe", ("retry=maybe", "true or false")),
        ("+executor.threads=2", ("executor.threads", "LocalExecutor has no parameter")),
    ],
)
def test_bad_values_are_one_sentence(run, word, parts):
    done = run(*TABLE, word)
    says(done, *parts)
    assert done.code == 2


def test_a_sweep_that_ends_in_the_middle_has_an_exit_code_of_its_own(run, monkeypatch):
    from imbench.results.store import Store

    plain, written = Store.write_fold, []

    def write(store, key, result):
        if len(written) == 1:
            raise DataError("the disk is full.")
        written.append(result)
        plain(store, key, result)

    monkeypatch.setattr(Store, "write_fold", write)
    done = run(*TABLE)
    assert done.code == 3
    assert "imbench: the disk is full." in done.err
    assert "0 of 1 cells complete" in done.err
    assert "the same command goes on from there" in done.err
    monkeypatch.setattr(Store, "write_fold", plain)
    assert run(*TABLE).code == 0
